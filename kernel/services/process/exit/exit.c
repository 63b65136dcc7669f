// SPDX-License-Identifier: MPL-2.0
// The end of a thread, and with the last one of its process. Order: the thread gives up what it has, one
// after the other, while it still can sleep; then it leaves its process; the last one turns the process
// into a zombie, gives its children to a reaper and tells the parent. No reference may be held in a local
// when task_exit() is called: it does not come back.
#include <core/page_table.h>
#include <core/print.h>
#include <services/cgroup/member_ops.h>
#include <services/futex/futex.h>
#include <services/process/exit.h>
#include <services/process/process_internal.h>
#include <services/process/trace.h>
#include <services/process/trace/trace_internal.h>
#include <services/vfs/file_table.h>
#include <services/vfs/fs_context.h>
#include <services/vm/vm_space.h>

void process_exit_group(u32 status)
{
	struct process *p = thread_current()->process;
	irq_guard(&p->signal_lock);
	process_begin_group_exit_locked(p, status);
}

// --- what the thread owns ---------------------------------------------------------------------

static void drop_files(struct thread *t)
{
	struct file_table *files object_auto(file_table) = NULL;
	struct fs_context *fs object_auto(fs_context) = NULL;
	struct namespace_set *namespaces object_auto(namespace_set) = NULL;
	spin_guard(&t->lock);
	files = take(t->files);
	fs = take(t->fs);
	namespaces = take(t->namespaces);
}

static void drop_restrictions(struct thread *t)
{
	struct object *seccomp object_ref_auto = NULL;
	irq_guard(&t->process->signal_lock);
	seccomp = take(t->seccomp);
}

static void drop_space(struct thread *t)
{
	struct vm_statistics statistics = vm_space_statistics(t->space);
	struct process_times used = {
		.minor_faults = statistics.minor_faults,
		.major_faults = statistics.major_faults,
		.peak_resident_pages = statistics.peak_resident,
	};
	struct vm_space *space object_auto(vm_space) = NULL;
	{
		spin_guard(&t->process->lock);
		t->process->dead_times.minor_faults = used.minor_faults;
		t->process->dead_times.major_faults = used.major_faults;
		t->process->dead_times.peak_resident_pages = used.peak_resident_pages;
	}
	page_table_activate(NULL);
	spin_guard(&t->lock);
	space = take(t->space);
}

static void settle_accounts(struct thread *t)
{
	struct process *p = t->process;
	struct task_times one = task_read_times(&t->base);
	struct process_times used = {
		.user_ns = one.user_ns,
		.system_ns = one.system_ns,
		.switches_voluntary = one.switches_voluntary,
		.switches_involuntary = one.switches_involuntary,
	};
	atomic_u64_sub(&t->cred->account->processes, 1);
	spin_guard(&p->lock);
	process_add_times(&p->dead_times, &used);
}

// --- leaving the process ------------------------------------------------------------------------

struct leave_result {
	u32 is_last, complete_stop;
};

// Of the last thread something is left to be waited for: that counts until then.
static void leave_cgroup(struct process *p, struct thread *t, u32 is_last) REQUIRES(p->lock)
{
	cgroup_member_leave(t->cgroup, &t->base);
	if (is_last)
		p->pid_charge = cgroup_get(t->cgroup);
	else
		cgroup_uncharge_pid(t->cgroup);
}

static void leave_signals(struct process *p, struct thread *t, struct leave_result *out borrowed)
	REQUIRES(p->signal_lock)
{
	t->is_exiting = 1;
	thread_list_remove(&p->threads, t);
	p->thread_count--;
	if (p->leader == t)
		p->leader = NULL;
	if (t->is_stopped) {
		t->is_stopped = 0;
		p->stopped_count--;
	}
	out->is_last = !p->thread_count;
	if (p->stop_signal && p->thread_count && p->stopped_count >= p->thread_count)
		out->complete_stop = p->stop_signal;
	list_for_each(thread_list, other, &p->threads)
		signal_recalculate_locked(p, other);
	wait_queue_wake_all(&p->thread_event, ~0u);
}

// From here on no signal reaches t. Shared ones that it would have taken go to another thread.
static void leave(struct thread *t, struct leave_result *out borrowed)
{
	struct process *p = t->process;
	spin_guard(&p->lock);
	{
		irq_guard(&p->signal_lock);
		leave_signals(p, t, out);
	}
	leave_cgroup(p, t, out->is_last);
}

static void remember_leader_status(struct process *p, u32 status)
{
	spin_guard(&process_tree_lock);
	p->exit_status = status;
}

static u32 group_status(struct process *p, u32 own)
{
	irq_guard(&p->signal_lock);
	return atomic_u32_load(&p->flags) & PROCESS_GROUP_EXIT ? p->group_exit_code : own;
}

// --- the end of a process -------------------------------------------------------------------------

void process_unlink_locked(struct process *p, struct process_list *dead borrowed)
{
	p->state = PROCESS_DEAD;
	if (p->parent)
		process_list_remove(&p->parent->children, p);
	if (p->group && group_member_list_has(&p->group->members, p))
		group_member_list_remove(&p->group->members, p);
	p->parent = NULL;
	if (p->trace)
		trace_forget_process(p);
	// Whoever sees that the child is gone must not find its number either.
	pid_set_process(p->pid, NULL);
	process_list_append(dead, p);
}

void process_bury(struct process_list *dead borrowed)
{
	for (;;) {
		struct process *p object_auto(process) = process_list_pop(dead);
		if (!p)
			return;
		pid_forget_cached(p->pid);
		struct cgroup *charged object_auto(cgroup) = NULL;
		spin_guard(&p->lock);
		charged = take(p->pid_charge);
		if (charged)
			cgroup_uncharge_pid(charged);
	}
}

// Who adopts the children of p: the nearest living ancestor that asked for it, else init of p's pid
// namespace, else the first process.
static struct process *find_reaper(struct process *p, struct process *init) REQUIRES(process_tree_lock)
{
	struct pid_namespace *ns = pid_namespace_of(p->pid);
	for (struct process *at = p->parent; at && (p->tree_flags & PROCESS_HAS_SUBREAPER); at = at->parent) {
		if (pid_namespace_of(at->pid) != ns)
			break;
		if (at->tree_flags & PROCESS_SUBREAPER && at->state == PROCESS_RUNNING)
			return at;
	}
	return init;
}

static void hang_up_if_orphaned(struct process_group *g, const struct process *leaving borrowed)
	REQUIRES(process_tree_lock)
{
	if (!g || !process_group_is_orphaned_locked(g, leaving) || !process_group_has_stopped_locked(g))
		return;
	struct signal_info hang_up = signal_info_kernel(SIGHUP), go_on = signal_info_kernel(SIGCONT);
	signal_send_group_locked(g, &hang_up);
	signal_send_group_locked(g, &go_on);
}

static void give_child_away(struct process *p, struct process *child, struct process *reaper,
	struct process_list *dead borrowed) REQUIRES(process_tree_lock)
{
	process_list_remove(&p->children, child);
	process_list_append(&reaper->children, child);
	child->parent = reaper;
	u32 death_signal = child->parent_death_signal;
	if (death_signal) {
		struct signal_info info = { .signal = (s32)death_signal, .code = SI_USER, .kind = SIGNAL_INFO_KILL,
			.sender_pid = pid_number_in(p->pid, pid_namespace_of(child->pid)) };
		err_t err = signal_send_process(child, &info);
		(void)err; // best effort, as documented
	}
	child->exit_signal = SIGCHLD;
	if (child->state == PROCESS_ZOMBIE && process_notify_exit_locked(child))
		process_unlink_locked(child, dead);
	else if (child->group && child->group != p->group && p->group && child->group->session == p->group->session)
		hang_up_if_orphaned(child->group, NULL);
}

// First process of a pid namespace: everybody in it dies with it. source: pid_namespaces(7)
static void end_namespace(struct process *p)
{
	struct pid_namespace *ns = pid_namespace_of(p->pid);
	pid_namespace_close(ns);
	// Children are not waited for any more: they vanish when they exit.
	struct signal_action ignore = { .handler = SIGNAL_HANDLER_IGNORE };
	signal_action_set(p->actions, SIGCHLD, &ignore);
	for (u32 number = 2;; number++) {
		struct pid *pid object_auto(pid) = pid_next(ns, &number);
		if (!pid)
			break;
		struct process *member object_auto(process) = pid_process(pid);
		if (member && member != p)
			signal_kill_process(member);
	}
	struct process_list dead = { 0 };
	{
		spin_guard(&process_tree_lock);
		list_for_each_safe(process_list, child, &p->children)
			if (child->state == PROCESS_ZOMBIE)
				process_unlink_locked(child, &dead);
	}
	process_bury(&dead);
	err_t err =
		wait_event(pid_namespace_event(ns), WAIT_UNINTERRUPTIBLE, DEADLINE_NEVER, pid_namespace_count(ns) <= 1);
	(void)err; // uninterruptible: it is over
	pid_namespace_set_init(ns, NULL);
}

static void become_zombie(struct process *p, u32 status, u32 uid)
{
	struct process_list dead = { 0 };
	struct process *init object_auto(process) = pid_namespace_init_process(pid_namespace_of(p->pid));
	{
		spin_guard(&process_tree_lock);
		struct process *reaper = find_reaper(p, init);
		list_for_each_safe(process_list, child, &p->children)
			give_child_away(p, child, reaper, &dead);
		hang_up_if_orphaned(p->group, p);
		p->exit_status = status;
		p->exit_uid = uid;
		p->tree_flags &= ~(u32)(PROCESS_STOPPED | PROCESS_WAIT_STOPPED | PROCESS_WAIT_CONTINUED);
		p->state = PROCESS_ZOMBIE;
		if (process_notify_exit_locked(p))
			process_unlink_locked(p, &dead);
	}
	wait_queue_wake_all(pid_exit_event(p->pid), ~0u);
	process_bury(&dead);
}

static void end_process(struct process *p, u32 status, u32 uid)
{
	if (pid_number_global(p->pid) == 1)
		panic("init has exited with wait status 0x%x", status);
	{
		struct session *s object_auto(session) = process_session(p);
		if (s && process_is_session_leader(p))
			session_leader_exited(s);
	}
	if (atomic_u32_load(&p->flags) & PROCESS_NAMESPACE_INIT)
		end_namespace(p);
	{
		struct object *timers object_auto(object) = NULL;
		struct object *undo object_auto(object) = NULL;
		spin_guard(&p->lock);
		timers = take(p->timers);
		atomic_u32_or(&p->flags, PROCESS_TIMERS_ENDED);
		undo = take(p->semaphore_undo);
	}
	process_end_tracing(p);
	become_zombie(p, status, uid);
}

enum futex_owner { FUTEX_OWNER_HAS_WAITERS = 1, FUTEX_OWNER_LEAVES = 2 };

// Who waits for a lock says so first and then looks whether the owner leaves; here the other way round.
static bool begin_owning(struct task *task)
{
	struct thread *t = thread_of_task(task);
	if (!t)
		return false;
	atomic_u32_or(&t->futex_owner, FUTEX_OWNER_HAS_WAITERS);
	return !(atomic_u32_load(&t->futex_owner) & FUTEX_OWNER_LEAVES);
}

void thread_release_futexes(struct thread *t)
{
	atomic_u32_or(&t->futex_owner, FUTEX_OWNER_LEAVES);
	if (atomic_u32_load(&t->futex_owner) & FUTEX_OWNER_HAS_WAITERS)
		futex_release_owned(&t->base);
}

static struct task *find_owner(u32 number) owned;
static struct task *find_owner(u32 number)
{
	struct pid *pid object_auto(pid) = pid_find(thread_pid_namespace(), number);
	struct thread *t object_auto(thread) = pid ? pid_thread(pid) : NULL;
	return t ? task_get(&t->base) : NULL;
}

static const struct futex_owner_ops owner_ops = { .find = find_owner, .begin_owning = begin_owning };

void process_exit_init(void)
{
	futex_set_owner_ops(&owner_ops);
}

static void finish(struct thread *t, u32 status)
{
	struct process *p = t->process;
	const struct user_mode_ops *ops = thread_user_mode_ops();
	t->exit_code = status;
	trace_exit(t, status);
	if (ops->thread_exits)
		ops->thread_exits(t);
	thread_release_futexes(t);
	vfork_complete(t);
	drop_files(t);
	drop_restrictions(t);
	drop_space(t);
	settle_accounts(t);
	if (t->pid == p->pid)
		remember_leader_status(p, status);
	pid_forget_thread(t->pid, t);
	struct leave_result left = { 0 };
	leave(t, &left);
	process_end_traced(t, status);
	if (left.complete_stop)
		process_notify_parent(p, NOTIFY_STOPPED, left.complete_stop);
	if (left.is_last)
		end_process(p, group_status(p, p->exit_status), t->cred->uid);
}

void thread_exit(u32 status)
{
	finish(thread_current(), status);
	task_exit();
}

// --- execve: the other threads go -------------------------------------------------------------------

static bool is_alone(struct process *p)
{
	irq_guard(&p->signal_lock);
	return p->thread_count == 1;
}

static err_t begin_single(struct thread *t)
{
	struct process *p = t->process;
	irq_guard(&p->signal_lock);
	if (p->exec_thread || (atomic_u32_load(&p->flags) & PROCESS_GROUP_EXIT))
		return -EAGAIN;
	p->exec_thread = t;
	list_for_each(thread_list, other, &p->threads)
		if (other != t)
			task_post_work(&other->base, TASK_WORK_SIGNAL | TASK_WORK_KILL);
	wait_queue_wake_all(&p->thread_event, ~0u);
	return OK;
}

err_t process_become_single(struct thread *t)
{
	struct process *p = t->process;
	err_t err = begin_single(t);
	if (err)
		return err;
	err = wait_event(&p->thread_event, WAIT_UNINTERRUPTIBLE, DEADLINE_NEVER, is_alone(p));
	struct pid *old object_auto(pid) = NULL;
	if (t->pid != p->pid) {
		// The process keeps its number: the thread takes over the one of the first thread.
		struct pid *own object_auto(pid) = pid_get(p->pid);
		pid_forget_thread(t->pid, t);
		{
			spin_guard(&t->lock);
			old = take(t->pid);
			t->pid = take(own);
		}
		pid_set_thread(p->pid, t);
	}
	irq_guard(&p->signal_lock);
	p->leader = t;
	p->exec_thread = NULL;
	signal_recalculate_locked(p, t);
	return err;
}
