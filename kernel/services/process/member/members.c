// SPDX-License-Identifier: MPL-2.0
// Members of a cgroup: services/cgroup has the list of them, as tasks; what is to be done to one is here.
#include <core/memory_account.h>
#include <services/cgroup/member_ops.h>
#include <services/process/member/member_internal.h>
#include <services/process/members.h>
#include <services/process/process_internal.h>
#include <services/vm/vm_space.h>

static struct cgroup *current_cgroup(void) owned;
static struct cgroup *current_cgroup(void)
{
	struct process *p = process_current();

	return p ? process_cgroup(p) : NULL;
}

static struct vm_space *current_space(void)
{
	struct thread *t = thread_current_or_null();

	return t ? t->space : NULL;
}

// --- numbers -------------------------------------------------------------------------------

static bool is_first_thread(struct thread *t)
{
	irq_guard(&t->process->signal_lock);
	return thread_list_first(&t->process->threads) == t;
}

static struct pid *pid_of_thread(struct thread *t) owned;
static struct pid *pid_of_thread(struct thread *t)
{
	spin_guard(&t->lock);
	return pid_try_get(t->pid);
}

static bool member_number(struct task *member, u32 flags, u32 *out borrowed)
{
	struct thread *t = thread_of_task(member);

	if (!(flags & CGROUP_MEMBER_THREADS)) {
		if (!is_first_thread(t))
			return false;
		*out = pid_number_in(t->process->pid, thread_pid_namespace());
		return true;
	}
	struct pid *pid object_auto(pid) = pid_of_thread(t);

	*out = pid ? pid_number_in(pid, thread_pid_namespace()) : 0;
	return pid;
}

// --- moving --------------------------------------------------------------------------------

struct cgroup *thread_cgroup(struct thread *t)
{
	spin_guard(&t->process->lock);
	return cgroup_get(t->cgroup);
}

void thread_join_cgroup_locked(struct process *p, struct thread *t, struct cgroup *g)
{
	t->cgroup = cgroup_get(g);
	t->cpu_cgroup = g;
	t->base.sched.group = cgroup_sched_group(g);
	task_set_memory_account(&t->base, cgroup_memory_account(g));
}

static struct thread *thread_to_move(u32 number) owned;
static struct thread *thread_to_move(u32 number)
{
	if (!number)
		return thread_get(thread_current());
	struct pid *pid object_auto(pid) = pid_find(thread_pid_namespace(), number);

	return pid ? pid_thread(pid) : NULL;
}

// Threads of p look again whether their group is frozen.
static void wake_for_freeze(struct process *p)
{
	irq_guard(&p->signal_lock);
	list_for_each(thread_list, t, &p->threads)
		task_post_work(&t->base, TASK_WORK_SIGNAL | TASK_WORK_SERVICE);
}

// The old group is not gone with the reference: it was alive a moment ago, and none is removed during a move.
static void thread_move_locked(struct process *p, struct thread *t, struct cgroup *g) REQUIRES(p->lock)
{
	struct cgroup *from object_auto(cgroup) = take(t->cgroup);

	t->cgroup = cgroup_get(g);
	if (from == g)
		return;
	cgroup_member_move(from, g, &t->base, t->counts_frozen ? CGROUP_MEMBER_IS_FROZEN : CGROUP_MEMBER_RUNS);
	thread_move_cpu_time(t, g);
	wait_queue_wake_all(cgroup_freeze_event(from), ~0u);
}

static struct thread *next_thread_locked(struct process *p, struct thread *after) REQUIRES(p->lock)
{
	irq_guard(&p->signal_lock);
	return after ? thread_list_next(after) : thread_list_first(&p->threads);
}

// Threads neither come nor go under the process's lock. False: it has none any more.
static bool process_move_threads(struct process *p, struct thread *only, const struct cgroup_move *m borrowed)
{
	struct cgroup *domain object_auto(cgroup) = cgroup_get(m->domain);

	spin_guard(&p->lock);
	if (p->pid_charge)
		return false;
	for (struct thread *t = next_thread_locked(p, NULL); t; t = next_thread_locked(p, t))
		if (!only || t == only)
			thread_move_locked(p, t, m->to);
	struct cgroup *old object_auto(cgroup) = take(p->cgroup);

	p->cgroup = take(domain);
	return true;
}

static err_t member_move(const struct cgroup_move *m borrowed)
{
	struct thread *t object_auto(thread) = thread_to_move(m->number);

	if (!t)
		return -ESRCH;
	struct cgroup *from object_auto(cgroup) = thread_cgroup(t);
	err_t e = m->may_move(from, m);

	if (e)
		return e;
	if (!process_move_threads(t->process, m->flags & CGROUP_MEMBER_THREADS ? t : NULL, m))
		return -ESRCH;
	process_follow_cpuset(t->process);
	wake_for_freeze(t->process);
	return OK;
}

// --- what is done to members -----------------------------------------------------------------

static void member_kill(struct task *member)
{
	signal_kill_process(thread_of_task(member)->process);
}

static void member_freeze_changed(struct task *member)
{
	task_post_work(member, TASK_WORK_SIGNAL | TASK_WORK_SERVICE);
}

static void member_cpus_changed(struct task *member)
{
	thread_follow_cpuset(thread_of_task(member));
}

// --- freezing --------------------------------------------------------------------------------

static bool is_frozen_in(struct thread *t, struct cgroup *g)
{
	spin_guard(&t->process->lock);
	return t->cgroup == g && cgroup_is_frozen(g);
}

void thread_stands(struct thread *t)
{
	spin_guard(&t->process->lock);
	t->counts_frozen = 1;
	cgroup_note_frozen(t->cgroup, 1);
}

void thread_stands_no_more(struct thread *t)
{
	spin_guard(&t->process->lock);
	t->counts_frozen = 0;
	cgroup_note_frozen(t->cgroup, -1);
}

void thread_freeze(struct thread *t)
{
	for (;;) {
		struct cgroup *g object_auto(cgroup) = thread_cgroup(t);

		if (!cgroup_is_frozen(g))
			return;
		task_clear_work(&t->base, TASK_WORK_SIGNAL);
		thread_stands(t);
		err_t e = wait_event(cgroup_freeze_event(g), WAIT_KILLABLE, DEADLINE_NEVER, !is_frozen_in(t, g));

		thread_stands_no_more(t);
		{
			irq_guard(&t->process->signal_lock);
			signal_recalculate_locked(t->process, t);
		}
		if (e)
			return; // killed
	}
}

static const struct cgroup_current_ops current_ops = {
	.current = current_cgroup,
};

static const struct cgroup_member_ops member_ops = {
	.number = member_number,
	.move = member_move,
	.kill = member_kill,
	.freeze_changed = member_freeze_changed,
	.cpus_changed = member_cpus_changed,
};

static struct cred *current_cred(void)
{
	return thread_current_or_null() ? thread_cred() : NULL;
}

static const struct cred_current_ops cred_ops = {
	.current = current_cred,
};

void process_members_init(void)
{
	cred_set_current_ops(&cred_ops);
	cgroup_set_current_ops(&current_ops);
	cgroup_set_member_ops(&member_ops);
	process_cpu_time_init();
	process_exit_init();
	vm_set_current_hook(current_space);
	vm_set_out_of_memory_hook(process_out_of_memory);
}
