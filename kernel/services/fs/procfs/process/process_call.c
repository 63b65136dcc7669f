// SPDX-License-Identifier: MPL-2.0
// Where a thread is: its system call, what it waits for, its kernel stack; and the children of a process.
// Names of kernel functions are not given away: wchan says 0 and stack is refused, as Linux does for who has no
// CAP_SYS_ADMIN. source: proc(5)
#include <core/text.h>
#include <services/cred/user_namespace.h>
#include <services/fs/procfs/process/process_folder.h>

static err_t wchan_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	text_put(out, STR("0"));
	return OK;
}

static err_t stack_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	return cred_has_capability(f->cred, user_namespace_initial(), CAP_SYS_ADMIN) ? -EOPNOTSUPP : -EACCES;
}

// --- syscall ---------------------------------------------------------------------------------------

#define NOT_IN_CALL (~0ul)

static u64 switches_of(struct thread *t)
{
	const struct task_times times = task_read_times(&t->base);

	return times.switches_voluntary + times.switches_involuntary;
}

// Does it sleep, and has it done so since it had been switched so many times?
static bool sleeps_since(struct thread *t, u64 switches)
{
	return task_state_letter(&t->base) != 'R' && switches_of(t) == switches;
}

static void call_put(const struct user_context *u borrowed, struct text *out borrowed)
{
	if (u->orig_rax == NOT_IN_CALL)
		text_printf(out, "-1 0x%lx 0x%lx\n", u->rsp, u->rip);
	else
		text_printf(out, "%lu 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx 0x%lx\n", u->orig_rax, u->rdi, u->rsi,
			u->rdx, u->r10, u->r8, u->r9, u->rsp, u->rip);
}

// Its registers are its own while it runs: what was read counts if it has slept all the time.
static err_t call_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct thread *t object_auto(thread) = proc_thread(n);

	if (!t)
		return -ESRCH;
	const err_t err = thread_may_access(t, THREAD_ACCESS_ATTACH);
	if (err)
		return err;
	if (t == thread_current()) {
		call_put(&t->user, out);
		return OK;
	}
	const u64 switches = switches_of(t);
	if (sleeps_since(t, switches)) {
		const struct user_context u = t->user;
		if (sleeps_since(t, switches)) {
			call_put(&u, out);
			return OK;
		}
	}
	text_put(out, STR("running\n"));
	return OK;
}

// --- children --------------------------------------------------------------------------------------

// The tree knows processes, not which of their threads made them: they are the first thread's.
static err_t children_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct thread *t object_auto(thread) = proc_thread(n);

	if (!t || t->pid != t->process->pid)
		return OK;
	spin_guard(&process_tree_lock);
	list_for_each(process_list, child, &t->process->children) {
		const u32 number = pid_number_in(child->pid, proc_pids(n));
		if (number)
			text_printf(out, "%u ", number);
	}
	return OK;
}

PROC_TEXT(wchan, wchan_show);
PROC_TEXT(stack, stack_show);
PROC_TEXT(call, call_show);
PROC_TEXT(children, children_show);

static const struct pseudo_entry call_entries[] = {
	PROC_FILE("wchan", 0444, wchan_kind),
	PROC_FILE("stack", 0400, stack_kind),
	PROC_FILE("syscall", 0400, call_kind),
};
static const struct pseudo_entry children_entry = PROC_FILE("children", 0444, children_kind);

const struct pseudo_entry *proc_call_entry(u32 index)
{
	return index < array_len(call_entries) ? array_ptr(call_entries, index) : NULL;
}

const struct pseudo_entry *proc_children_entry(void)
{
	return &children_entry;
}
