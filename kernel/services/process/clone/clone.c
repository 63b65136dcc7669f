// SPDX-License-Identifier: MPL-2.0
// clone: everything that can fail is made first, in the new objects, which nobody else sees; then the
// child is linked into its process, the tree and the pid tables, which cannot fail, and started.
#include <services/cgroup/member_ops.h>
#include <services/namespace/time_namespace.h>
#include <services/cred/user_namespace.h>
#include <services/process/trace.h>
#include <services/process/clone/clone_internal.h>
#include <services/process/members.h>
#include <services/process/pidfd.h>
#include <services/process/vfork.h>
#include <services/sched/sched.h>
#include <services/vfs/file_table.h>
#include <services/vfs/fs_context.h>
#include <services/vfs/mount_namespace.h>
#include <services/vm/vm_space.h>

// --- what the child thread gets ---------------------------------------------------------------

// Who the child is and where it lives, made before the child itself.
struct clone_identity {
	struct cred *cred;
	struct fs_context *fs;
	struct namespace_set *namespaces;
	struct pid *pid;
	struct cgroup *charged;		// a pid is charged there
};

static void clone_identity_drop(struct clone_identity *c borrowed)
{
	if (c->charged) {
		cgroup_uncharge_pid(c->charged);
		cgroup_put(take(c->charged));
	}
	if (c->pid)
		pid_put(take(c->pid));
	if (c->namespaces)
		namespace_set_put(take(c->namespaces));
	if (c->fs)
		fs_context_put(take(c->fs));
	if (c->cred)
		cred_put(take(c->cred));
}

static err_t make_cred(u64 flags, struct clone_identity *c borrowed)
{
	struct thread *self = thread_current();
	const bool drops_process_keyring = self->cred->process_keyring && !(flags & CLONE_THREAD);
	const bool has_thread_keyring = self->cred->thread_keyring || self->cred->wants_thread_keyring;
	if (!(flags & CLONE_NEWUSER) && !drops_process_keyring && !has_thread_keyring) {
		c->cred = cred_get(self->cred);
		return OK;
	}
	c->cred = cred_copy(self->cred);
	if (!c->cred)
		return -ENOMEM;
	cred_drop_thread_keyring(c->cred);
	c->cred->wants_thread_keyring = has_thread_keyring && (flags & CLONE_THREAD);
	if (drops_process_keyring)
		cred_drop_process_keyring(c->cred);
	if (!(flags & CLONE_NEWUSER))
		return OK;
	struct user_namespace *ns object_auto(user_namespace) = NULL;
	// Its root could leave the folder that a chroot shut it in.
	if (mount_namespace_is_left(mount_namespace_from(self->namespaces->slot[NAMESPACE_MOUNT]), self->fs))
		return -EPERM;
	err_t err = user_namespace_create(self->cred, &ns);
	if (err)
		return err;
	cred_enter_user_namespace(c->cred, take(ns));
	return OK;
}

static err_t make_fs(u64 flags, struct clone_identity *c borrowed)
{
	struct thread *self = thread_current();
	if (flags & CLONE_FS)
		c->fs = fs_context_get(self->fs);
	else
		c->fs = fs_context_copy(self->fs);
	return c->fs ? OK : -ENOMEM;
}

static err_t make_pid(const struct clone_request *r borrowed, struct clone_identity *c borrowed)
{
	struct pid_namespace *ns = pid_namespace_from(c->namespaces->slot[NAMESPACE_PID]);
	struct pid_wanted wanted = { .count = r->set_tid_count };
	for (u32 i = 0; i < r->set_tid_count; i++)
		wanted.number[i] = r->set_tid[i];
	return pid_create(ns, &wanted, &c->pid);
}

static err_t charge(const struct clone_request *r borrowed, struct clone_identity *c borrowed)
{
	struct cgroup *group object_auto(cgroup) = NULL;
	if (r->cgroup)
		group = cgroup_get(r->cgroup);
	else
		group = thread_cgroup(thread_current());
	err_t err = cgroup_charge_pid(group);
	if (!err)
		c->charged = take(group);
	return err;
}

static err_t clone_identity_make(const struct clone_request *r borrowed, struct clone_identity *c borrowed)
{
	err_t err = charge(r, c);
	if (!err)
		err = make_cred(r->flags, c);
	if (!err)
		err = make_fs(r->flags, c);
	if (!err)
		err = namespaces_make(r->flags, NAMESPACES_FOR_CHILD, c->cred, c->fs, &c->namespaces);
	if (!err)
		err = make_pid(r, c);
	return err;
}

static err_t copy_files(u64 flags, struct thread *child)
{
	struct thread *self = thread_current();
	if (flags & CLONE_FILES) {
		child->files = file_table_get(self->files);
		return OK;
	}
	struct file_table *files object_auto(file_table) = NULL;
	err_t err = file_table_copy(self->files, U32_MAX, &files);
	child->files = take(files);
	return err;
}

static struct spinlock time_hook_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static err_t (*time_hook)(struct vm_space *s, struct time_namespace *n) GUARDED_BY(time_hook_lock);

void clone_set_time_hook(err_t (*join)(struct vm_space *s, struct time_namespace *n))
{
	spin_guard(&time_hook_lock);
	time_hook = join;
}

static no_inline err_t join_time(struct vm_space *s, struct namespace *n)
{
	err_t (*join)(struct vm_space *s, struct time_namespace *n);
	{
		spin_guard(&time_hook_lock);
		join = time_hook;
	}
	return join ? join(s, time_namespace_from(n)) : OK;
}

static err_t copy_space(u64 flags, struct thread *child)
{
	struct thread *self = thread_current();
	if (flags & CLONE_VM) {
		child->space = vm_space_get(self->space);
		return OK;
	}
	struct vm_space *space object_auto(vm_space) = NULL;
	err_t err = vm_space_fork(self->space, &space);
	struct namespace *time = child->namespaces->slot[NAMESPACE_TIME];
	if (!err && time != self->namespaces->slot[NAMESPACE_TIME])
		err = join_time(space, time);
	child->space = take(space);
	return err;
}

static void inherit_scheduling(struct thread *child)
{
	struct thread *self = thread_current();
	sched_inherit(&child->base, &self->base);
	atomic_u64_store(&child->cpus_wanted, atomic_u64_load(&self->cpus_wanted));
	if (!self->resets_scheduling)
		return;
	if (child->base.sched.policy == SCHED_FIFO || child->base.sched.policy == SCHED_RR) {
		err_t err = sched_set_policy(&child->base, SCHED_OTHER, 0);
		(void)err; // always there
	}
	sched_set_nice(&child->base, max(child->base.sched.nice, 0));
}

static void copy_registers(const struct clone_request *r borrowed, struct thread *child)
{
	struct thread *self = thread_current();
	user_bases_sync(&self->user);
	child->user = self->user;
	child->user.rax = 0;
	child->user.orig_rax = ~0ul;
	child->user.must_iret = 1;
	if (r->stack)
		child->user.rsp = r->stack;
	if (r->flags & CLONE_SETTLS)
		child->user.fs_base = r->tls;
}

// What restricts the parent restricts the child. The child is not linked yet: nobody else looks at it. With the
// signal_lock of the parent's process: its other threads may restrict it, too. What the child had leads to the same.
static void copy_restrictions(struct thread *child)
{
	struct thread *self = thread_current();
	struct object *old object_ref_auto = take(child->seccomp);
	if (self->seccomp)
		child->seccomp = object_get(self->seccomp);
	child->seccomp_mode = self->seccomp_mode;
	atomic_u32_store(&child->no_new_privileges, atomic_u32_load(&self->no_new_privileges));
	atomic_u32_store(&child->call_work, atomic_u32_load(&self->call_work) & THREAD_CALL_SECCOMP);
}

static void copy_small(const struct clone_request *r borrowed, struct thread *child)
{
	struct thread *self = thread_current();
	child->blocked = self->blocked;
	child->personality = self->personality;
	child->timer_slack_ns = self->timer_slack_ns;
	child->io_priority = self->io_priority;
	// Restartable sequences are the memory's: a thread in the same memory registers its own.
	if (!(r->flags & CLONE_VM) && !user_is_null(self->rseq)) {
		child->rseq = self->rseq;
		child->rseq_signature = self->rseq_signature;
		task_watch_switches(&child->base);
	}
	if (r->flags & CLONE_CHILD_SETTID)
		child->set_child_tid = r->child_tid;
	if (r->flags & CLONE_CHILD_CLEARTID)
		child->clear_child_tid = r->child_tid;
	// A new stack of its own in the same memory: the alternate stack stays the parent's.
	if (!(r->flags & CLONE_VM) || (r->flags & CLONE_VFORK)) {
		child->alternate_stack = self->alternate_stack;
		child->alternate_stack_size = self->alternate_stack_size;
		child->alternate_stack_flags = self->alternate_stack_flags;
	}
	irq_guard(&self->process->signal_lock);
	copy_restrictions(child);
}

static err_t fill_thread(const struct clone_request *r borrowed, struct thread *child)
{
	err_t err = copy_files(r->flags, child);
	if (!err)
		err = copy_space(r->flags, child);
	if (!err)
		err = user_fpu_clone(&child->base);
	if (err)
		return err;
	copy_registers(r, child);
	inherit_scheduling(child);
	copy_small(r, child);
	return OK;
}

// --- what a child process gets ------------------------------------------------------------------

static struct signal_action_table *actions_for(u64 flags) owned;
static struct signal_action_table *actions_for(u64 flags)
{
	struct signal_action_table *own = thread_current()->process->actions;
	if (flags & CLONE_SIGHAND)
		return signal_action_table_get(own);
	return signal_action_table_copy(own);
}

static err_t fill_process(const struct clone_request *r borrowed, struct process *child)
{
	struct process *self = thread_current()->process;
	child->actions = actions_for(r->flags);
	if (!child->actions)
		return -ENOMEM;
	if (r->flags & CLONE_CLEAR_SIGHAND)
		signal_action_reset_handlers(child->actions);
	child->exit_signal = r->exit_signal;
	atomic_u32_store(&child->flags, atomic_u32_load(&self->flags) & (PROCESS_NOT_DUMPABLE | PROCESS_NO_HUGE_PAGES));
	if (pid_number_own(child->pid) == 1)
		atomic_u32_or(&child->flags, PROCESS_NAMESPACE_INIT);
	struct rlimits limits;
	s32 adjust;
	{
		spin_guard(&self->lock);
		limits = self->rlimits;
		adjust = self->oom_score_adjust;
	}
	spin_guard(&child->lock);
	child->rlimits = limits;
	child->oom_score_adjust = adjust;
	return OK;
}

// --- linking ----------------------------------------------------------------------------------------

// Too late to have a child: a signal waits that would have to be copied or handled first.
static err_t link_thread(struct process *p, struct thread *t)
{
	irq_guard(&p->signal_lock);
	if (p->exec_thread || (atomic_u32_load(&p->flags) & PROCESS_GROUP_EXIT) || p->stop_signal)
		return -ERESTARTNOINTR;
	if (p == thread_current()->process)
		copy_restrictions(t);
	thread_list_append(&p->threads, t);
	p->thread_count++;
	if (!p->leader)
		p->leader = t;
	return OK;
}

static void link_process(const struct clone_request *r borrowed, struct process *child)
{
	struct process *self = thread_current()->process;
	spin_guard(&process_tree_lock);
	struct process *parent = self;
	if (r->flags & CLONE_PARENT) {
		parent = self->parent;
		child->exit_signal = self->exit_signal;
	}
	child->parent = parent;
	child->tree_flags = self->tree_flags & PROCESS_HAS_SUBREAPER;
	if (self->tree_flags & PROCESS_SUBREAPER)
		child->tree_flags |= PROCESS_HAS_SUBREAPER;
	struct process *reference object_auto(process) = process_get(child);
	process_list_append(&parent->children, take(reference));
	struct process_group *g object_auto(process_group) = process_group_get(self->group);
	process_join_group_locked(child, take(g));
}

static void publish(struct process *p, struct thread *child)
{
	pid_set_thread(child->pid, child);
	atomic_u64_add(&child->cred->account->processes, 1);
	if (p == thread_current()->process)
		return;
	pid_set_process(child->pid, p);
	if (atomic_u32_load(&p->flags) & PROCESS_NAMESPACE_INIT)
		pid_namespace_set_init(pid_namespace_of(p->pid), p);
}

// --- the whole ------------------------------------------------------------------------------------------

static struct process *child_process(
	const struct clone_request *r borrowed, const struct clone_identity *c borrowed) owned;
static struct process *child_process(const struct clone_request *r borrowed, const struct clone_identity *c borrowed)
{
	if (r->flags & CLONE_THREAD)
		return process_get(thread_current()->process);
	struct process *p object_auto(process) = process_create(c->pid);
	if (!p || fill_process(r, p))
		return NULL;
	return take(p);
}

static struct thread *child_thread(struct process *p, const struct clone_identity *c borrowed) owned;
static struct thread *child_thread(struct process *p, const struct clone_identity *c borrowed)
{
	u8 name[TASK_NAME_MAX];
	usize length = task_name(&thread_current()->base, array_span(name));
	return thread_create(p, c->pid, bytes_first(array_bytes(name), length), thread_main);
}

// Reserves a descriptor in the caller's table and tells the caller its number.
static err_t make_pidfd(
	const struct clone_request *r borrowed, struct pid *pid, struct file **file borrowed, u32 *fd borrowed)
{
	struct thread *self = thread_current();
	err_t err = pidfd_create(pid, 0, self->cred, file);
	if (err)
		return err;
	ssize_r number =
		file_table_reserve(self->files, 0, process_rlimit(self->process, RLIMIT_NOFILE), OPEN_CLOSE_ON_EXEC);
	if (number < 0)
		return (err_t)number;
	*fd = (u32)number;
	err = user_write_u32(r->pidfd, *fd);
	if (err)
		file_table_cancel(self->files, *fd);
	return err;
}

// The child may be frozen before it is done: then its parent is so too.
static void wait_for_vfork(struct vfork_completion *v)
{
	thread_stands(thread_current());
	err_t err = wait_event(&v->event, WAIT_KILLABLE, DEADLINE_NEVER, atomic_u32_load(&v->is_done));
	thread_stands_no_more(thread_current());
	(void)err; // killed: the parent exits, the child goes on
}

static err_t tell_parent(const struct clone_request *r borrowed, u32 number)
{
	return r->flags & CLONE_PARENT_SETTID ? user_write_u32(r->parent_tid, number) : OK;
}

// The group that the child is to be in: one that was asked for, or its parent's, which may be another one by now than
// when the pid was charged.
static void settle_charge(const struct clone_request *r borrowed, struct clone_identity *c borrowed)
{
	struct cgroup *now object_auto(cgroup) = r->cgroup ? cgroup_get(c->charged) : thread_cgroup(thread_current());
	if (now == c->charged)
		return;
	struct cgroup *old object_auto(cgroup) = take(c->charged);
	cgroup_move_pid(old, now);
	c->charged = take(now);
}

// Who kills or freezes a group either finds the child in it, or the parent has been told before it looks here.
static err_t link_member(
	const struct clone_request *r borrowed, struct process *p, struct thread *t, struct clone_identity *c borrowed)
{
	struct cgroup *domain object_auto(cgroup) = NULL;
	settle_charge(r, c);
	spin_guard(&p->lock);
	if (r->flags & CLONE_THREAD && thread_current()->cgroup != c->charged)
		return -EAGAIN; // it was moved just now
	err_t err = cgroup_member_enter(c->charged, &t->base, &domain);
	if (err)
		return err;
	if (!(r->flags & CLONE_THREAD) && signal_is_pending())
		err = -ERESTARTNOINTR;
	if (!err)
		err = link_thread(p, t);
	if (err) {
		cgroup_member_leave(c->charged, &t->base);
		task_post_work(task_current(), TASK_WORK_SERVICE); // the call is begun anew on the way out
		return err;
	}
	thread_join_cgroup_locked(p, t, c->charged);
	if (!p->cgroup)
		p->cgroup = take(domain);
	return OK;
}

// Links the finished child; it runs from here on.
static err_t launch(
	const struct clone_request *r borrowed, struct process *p, struct thread *t, struct clone_identity *c borrowed)
{
	bool is_thread = r->flags & CLONE_THREAD;
	err_t err;
	do
		err = link_member(r, p, t, c);
	while (err == -EAGAIN);
	if (err)
		return err;
	thread_follow_cpuset(t);
	if (cgroup_is_frozen(c->charged))
		task_post_work(&t->base, TASK_WORK_SIGNAL);
	struct cgroup *group object_auto(cgroup) = take(c->charged);	// the charge is the child's now
	publish(p, t);
	if (!is_thread)
		link_process(r, p);
	trace_clone_link(t);
	// Its CPU time is limited: it starts its own watch. Its group is frozen: it does not begin.
	if ((!is_thread && process_rlimit(p, RLIMIT_CPU) != RLIMIT_INFINITY) || cgroup_is_frozen(group))
		task_post_work(&t->base, TASK_WORK_SERVICE);
	task_start(&t->base);
	return OK;
}

ssize_r thread_clone(const struct clone_request *r borrowed)
{
	err_t err = clone_check(r);
	if (err)
		return (ssize_r)err;
	struct clone_identity c auto_release(clone_identity_drop) = { 0 };
	err = clone_identity_make(r, &c);
	if (err)
		return (ssize_r)err;
	struct process *p object_auto(process) = child_process(r, &c);
	if (!p)
		return (ssize_r)-ENOMEM;
	struct thread *t object_auto(thread) = child_thread(p, &c);
	if (!t)
		return (ssize_r)-ENOMEM;
	t->cred = take(c.cred);
	t->fs = take(c.fs);
	t->namespaces = take(c.namespaces);
	err = fill_thread(r, t);
	if (err)
		return (ssize_r)err;
	struct vfork_completion *v object_auto(vfork_completion) = NULL;
	if (r->flags & CLONE_VFORK) {
		v = vfork_completion_create();
		if (!v)
			return (ssize_r)-ENOMEM;
		t->vfork = vfork_completion_get(v);
	}
	struct file *pidfd object_auto(file) = NULL;
	u32 fd = 0;
	if (r->flags & CLONE_PIDFD)
		err = make_pidfd(r, c.pid, &pidfd, &fd);
	struct pid *pid object_auto(pid) = pid_get(c.pid);
	u32 number = pid_number_in(pid, thread_pid_namespace()), event = 0;
	if (!err)
		err = tell_parent(r, number);
	if (!err)
		err = trace_clone_prepare(t, r->flags, r->exit_signal, &event);
	if (!err)
		err = launch(r, p, t, &c);
	if (pidfd && !err)
		file_table_install(thread_files(), fd, take(pidfd));
	else if (pidfd)
		file_table_cancel(thread_files(), fd);
	if (err)
		return (ssize_r)err;
	trace_clone_report(event, pid);
	if (v) {
		wait_for_vfork(v);
		trace_vfork_done(number);
	}
	return (ssize_r)number;
}
