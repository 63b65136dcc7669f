// SPDX-License-Identifier: MPL-2.0
// The thread object: what it owns, and its life between user mode and the kernel.
#include <services/cred/user_namespace.h>
#include <services/process/process_internal.h>
#include <services/process/vfork.h>
#include <services/vfs/file_table.h>
#include <services/vfs/fs_context.h>
#include <services/vm/vm_space.h>

static void thread_release(struct thread *t) exclusive_access
{
	signal_queue_clear(&t->pending, (struct signal_set){ U64_MAX });
	if (t->cred)
		cred_put(take(t->cred));
	if (t->namespaces)
		namespace_set_put(take(t->namespaces));
	if (t->fs)
		fs_context_put(take(t->fs));
	if (t->files)
		file_table_put(take(t->files));
	if (t->space)
		vm_space_put(take(t->space));
	if (t->vfork)
		vfork_completion_put(take(t->vfork));
	if (t->pid) {
		pid_forget_thread(t->pid, t);
		pid_put(take(t->pid));
	}
	if (t->process)
		process_put(take(t->process));
	task_fini(&t->base);
}
DEFINE_DERIVED_SHARED(thread, task, thread_release)

struct thread *thread_create(struct process *p, struct pid *pid, bytes_t name, void (*entry)(struct task *self))
{
	struct thread *t object_auto(thread) = thread_alloc();
	if (!t)
		return NULL;
	spin_init(&t->lock, RANK_CRED);
	t->start_time_ns = clock_monotonic_ns();
	t->timer_slack_ns = 50 * NS_PER_US;
	t->process = process_get(p);
	t->pid = pid_get(pid);
	if (task_init(&t->base, name, entry))
		return NULL;
	return take(t);
}

struct thread *thread_current_or_null(void)
{
	struct task *self = task_current();
	return self && task_is_thread(self) ? thread_from_task(self) : NULL;
}

struct thread *thread_of_task(struct task *t)
{
	return task_is_thread(t) ? thread_from_task(t) : NULL;
}

struct thread *thread_current(void)
{
	return thread_from_task(task_current());
}

u32 thread_number(const struct thread *t)
{
	return pid_number_own(t->pid);
}

struct cred *thread_cred(void)
{
	return thread_current()->cred;
}
struct fs_context *thread_fs(void)
{
	return thread_current()->fs;
}
struct file_table *thread_files(void)
{
	return thread_current()->files;
}
struct vm_space *thread_space(void)
{
	return thread_current()->space;
}
struct namespace_set *thread_namespaces(void)
{
	return thread_current()->namespaces;
}

struct namespace *thread_namespace(enum namespace_kind kind)
{
	struct thread *t = thread_current();
	return kind == NAMESPACE_USER ? &t->cred->user_ns->base : t->namespaces->slot[kind];
}

struct pid_namespace *thread_pid_namespace(void)
{
	return pid_namespace_of(thread_current()->pid);
}

bool thread_capable(u32 capability)
{
	return cred_capable(thread_current()->cred, capability);
}

// --- of another thread ----------------------------------------------------------------------

struct cred *thread_cred_of(struct thread *t)
{
	spin_guard(&t->lock);
	return cred_try_get(t->cred);
}
struct fs_context *thread_fs_of(struct thread *t)
{
	spin_guard(&t->lock);
	return fs_context_try_get(t->fs);
}
struct file_table *thread_files_of(struct thread *t)
{
	spin_guard(&t->lock);
	return file_table_try_get(t->files);
}
struct vm_space *thread_space_of(struct thread *t)
{
	spin_guard(&t->lock);
	return vm_space_try_get(t->space);
}
struct namespace_set *thread_namespaces_of(struct thread *t)
{
	spin_guard(&t->lock);
	return namespace_set_try_get(t->namespaces);
}

// --- changes by the thread itself -------------------------------------------------------------

// Does `new` have what `old` did not have before? All capabilities in a namespace that old's user owns, below
// its own, are nothing more: old could have got them.
static bool gains_privilege(const struct cred *old borrowed, const struct cred *new borrowed)
{
	if (new->euid != old->euid || new->egid != old->egid)
		return true;
	if (new->user_ns == old->user_ns)
		return new->permitted & ~old->permitted;
	const struct user_namespace *at = new->user_ns;
	for (; at->parent && at->parent != old->user_ns; at = at->parent)
		;
	return !at->parent || at->owner_uid != old->euid;
}

void thread_set_cred(struct cred *c consumes)
{
	struct thread *t = thread_current();
	struct cred *old object_auto(cred) = NULL;
	if (c->account != t->cred->account) {
		atomic_u64_add(&c->account->processes, 1);
		atomic_u64_sub(&t->cred->account->processes, 1);
	}
	// Who a process is has changed: its memory is no longer open to its former equals.
	if (gains_privilege(t->cred, c))
		atomic_u32_or(&t->process->flags, PROCESS_NOT_DUMPABLE);
	spin_guard(&t->lock);
	old = take(t->cred);
	t->cred = c;
}

void thread_set_namespaces(struct namespace_set *s consumes)
{
	struct thread *t = thread_current();
	struct namespace_set *old object_auto(namespace_set) = NULL;
	spin_guard(&t->lock);
	old = take(t->namespaces);
	t->namespaces = s;
}

void thread_set_fs(struct fs_context *fs consumes)
{
	struct thread *t = thread_current();
	struct fs_context *old object_auto(fs_context) = NULL;
	spin_guard(&t->lock);
	old = take(t->fs);
	t->fs = fs;
}

void thread_set_files(struct file_table *files consumes)
{
	struct thread *t = thread_current();
	struct file_table *old object_auto(file_table) = NULL;
	spin_guard(&t->lock);
	old = take(t->files);
	t->files = files;
}

// source: ptrace(2), "Ptrace access mode checking"
err_t thread_may_access(struct thread *t, enum thread_access access)
{
	struct thread *self = thread_current();
	if (t->process == self->process)
		return OK;
	struct cred *target object_auto(cred) = thread_cred_of(t);
	if (!target)
		return -ESRCH;
	struct cred *mine = self->cred;
	bool same = mine->fsuid == target->euid && mine->fsuid == target->suid && mine->fsuid == target->uid &&
		    mine->fsgid == target->egid && mine->fsgid == target->sgid && mine->fsgid == target->gid;
	if (cred_has_capability(mine, target->user_ns, CAP_SYS_PTRACE))
		return OK;
	if (!same || atomic_u32_load(&t->process->flags) & PROCESS_NOT_DUMPABLE)
		return -EPERM;
	if (target->permitted & ~mine->permitted)
		return -EPERM;
	return access == THREAD_ACCESS_READ || mine->user_ns == target->user_ns ? OK : -EPERM;
}

// --- between user mode and the kernel ---------------------------------------------------------

static struct spinlock ops_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static const struct user_mode_ops *registered_ops GUARDED_BY(ops_lock);

void thread_set_user_mode_ops(const struct user_mode_ops *ops)
{
	spin_guard(&ops_lock);
	registered_ops = ops;
}

const struct user_mode_ops *thread_user_mode_ops(void)
{
	spin_guard(&ops_lock);
	return registered_ops;
}

// x86 vectors. source: Intel SDM vol. 3, 6.15; signal(7), sigaction(2) for the codes
static struct signal_info exception_info(const struct user_context *u borrowed)
{
	struct signal_info info = { .signal = SIGSEGV, .code = SI_KERNEL, .kind = SIGNAL_INFO_FAULT };
	switch (u->trap_number) {
	case 0:
		info.signal = SIGFPE;
		info.code = FPE_INTDIV;
		break;
	case 1:
		info.signal = SIGTRAP;
		info.code = TRAP_TRACE;
		break;
	case 3:
		info.signal = SIGTRAP;
		info.code = SI_KERNEL;
		break;
	case 6:
		info.signal = SIGILL;
		info.code = ILL_ILLOPN;
		break;
	case 16:
	case 19:
		info.signal = SIGFPE;
		info.code = FPE_FLTINV;
		break;
	case 17:
		info.signal = SIGBUS;
		info.code = BUS_ADRALN;
		break;
	default:
		return info;
	}
	info.address = u->rip;
	return info;
}

#define FAULT_ERROR_WRITE 2u
#define FAULT_ERROR_FETCH 16u

static void handle_page_fault(struct thread *t)
{
	u64 address = t->user.fault_address;
	u32 access = (t->user.error_code & FAULT_ERROR_WRITE ? USER_FAULT_WRITE : 0) |
		     (t->user.error_code & FAULT_ERROR_FETCH ? USER_FAULT_EXECUTE : 0);
	err_t err = vm_space_fault(t->space, address, access);
	if (!err || err == (err_t)-ERESTARTSYS)
		return;		// ERESTARTSYS: a fatal signal waits; the fault happens again otherwise
	struct signal_info info = {
		.signal = SIGSEGV, .code = SEGV_MAPERR, .kind = SIGNAL_INFO_FAULT, .address = address
	};
	if (err == (err_t)-ENOMEM) {
		// The out-of-memory policy has chosen somebody: if not us, try again.
		if (!(atomic_u32_load(&t->process->flags) & PROCESS_GROUP_EXIT))
			task_yield();
		return;
	}
	if (err == (err_t)-EACCES)
		info.code = SEGV_ACCERR;
	if (err == (err_t)-ENXIO || err == (err_t)-EIO) {
		info.signal = SIGBUS;
		info.code = BUS_ADRERR;
	}
	signal_force_current(&info);
}

static void handle_exit(struct thread *t, enum user_exit why)
{
	if (why == USER_EXIT_FAULT) {
		handle_page_fault(t);
	} else if (why == USER_EXIT_EXCEPTION) {
		struct signal_info info = exception_info(&t->user);
		signal_force_current(&info);
	}
}

// A system call's result that asks for a restart, or a bit of work: look closer.
static bool needs_attention(const struct thread *t)
{
	return (task_pending_work(&t->base) & (TASK_WORK_SIGNAL | TASK_WORK_KILL | TASK_WORK_SERVICE)) ||
		t->user.rax - (u64)-ERESTART_RESTARTBLOCK <= ERESTART_RESTARTBLOCK - ERESTARTSYS ||
		t->restore_saved_blocked;
}

void thread_main(struct task *self)
{
	struct thread *t = thread_from_task(self);
	const struct user_mode_ops *ops = thread_user_mode_ops();
	vm_space_activate(t->space);
	if (!user_is_null(t->set_child_tid)) {
		err_t err = user_write_u32(t->set_child_tid, thread_number(t));
		(void)err; // as with Linux: nobody to tell
	}
	thread_attend(t, ops);
	for (;;) {
		enum user_exit why = user_enter(&t->user);
		if (why == USER_EXIT_SYSCALL)
			ops->system_call(t);
		else
			handle_exit(t, why);
		if (needs_attention(t))
			thread_attend(t, ops);
	}
}
