// SPDX-License-Identifier: MPL-2.0
// Members of a cgroup. There is no list of them: they are found by walking all processes, which only listing,
// killing and freezing a group do.
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

static bool is_member(struct process *p, struct cgroup *g)
{
	{
		spin_guard(&p->lock);
		if (p->cgroup != g)
			return false;
	}
	spin_guard(&process_tree_lock);
	return p->state == PROCESS_RUNNING;
}

// The next living process of g at or after *number, as seen from ns.
static struct process *next_member(struct pid_namespace *ns, struct cgroup *g, u32 *number borrowed) owned;
static struct process *next_member(struct pid_namespace *ns, struct cgroup *g, u32 *number borrowed)
{
	for (;; (*number)++) {
		struct pid *pid object_auto(pid) = pid_next(ns, number);

		if (!pid)
			return NULL;
		struct process *p object_auto(process) = pid_process(pid);

		if (p && is_member(p, g))
			return take(p);
	}
}

static bool next_thread_member(struct pid_namespace *ns, struct cgroup *g, u32 *number borrowed)
{
	for (;; (*number)++) {
		struct pid *pid object_auto(pid) = pid_next(ns, number);

		if (!pid)
			return false;
		struct thread *t object_auto(thread) = pid_thread(pid);

		if (t && is_member(t->process, g))
			return true;
	}
}

static bool member_next(struct cgroup *g, u32 *number borrowed, u32 flags)
{
	struct pid_namespace *ns = thread_pid_namespace();

	(*number)++;
	if (flags & CGROUP_MEMBER_THREADS)
		return next_thread_member(ns, g, number);
	struct process *p object_auto(process) = next_member(ns, g, number);

	return p;
}

static struct process *process_to_move(u32 number) owned;
static struct process *process_to_move(u32 number)
{
	if (!number)
		return process_get(process_current());
	struct pid *pid object_auto(pid) = pid_find(thread_pid_namespace(), number);
	struct thread *t object_auto(thread) = pid ? pid_thread(pid) : NULL;

	return t ? process_get(t->process) : NULL;
}

// Threads of p look again whether their group is frozen.
static void wake_for_freeze(struct process *p)
{
	irq_guard(&p->signal_lock);
	list_for_each(thread_list, t, &p->threads)
		task_post_work(&t->base, TASK_WORK_SIGNAL | TASK_WORK_SERVICE);
}

static err_t member_move(
	struct cgroup *g, u32 number, u32 flags, err_t (*may_move)(struct cgroup *from, struct cgroup *to))
{
	struct process *p object_auto(process) = process_to_move(number);

	if (!p)
		return -ESRCH;
	struct cgroup *from object_auto(cgroup) = process_cgroup(p);
	err_t e = from == g ? OK : may_move(from, g);

	if (e || from == g)
		return e;
	u32 threads = process_thread_count(p);
	struct cgroup *own object_auto(cgroup) = cgroup_get(g);
	{
		spin_guard(&p->lock);
		if (p->cgroup != from || p->has_left_cgroup)
			return -ESRCH;
		e = cgroup_member_move(from, g, threads);
		if (e)
			return e;
		cgroup_put(take(p->cgroup)); // not the last one: `from` holds another
		p->cgroup = take(own);
	}
	process_move_cpu_time(p, g);
	if (cgroup_cpus_effective(from).bits[0] != cgroup_cpus_effective(g).bits[0])
		process_follow_cpuset(p);
	wait_queue_wake_all(cgroup_freeze_event(from), ~0u);
	wake_for_freeze(p);
	return OK;
}

static void member_kill(struct cgroup *g)
{
	for (u32 number = 1;; number++) {
		struct process *p object_auto(process) = next_member(pid_namespace_initial(), g, &number);

		if (!p)
			return;
		signal_kill_process(p);
	}
}

static void member_freeze_changed(struct cgroup *g)
{
	for (u32 number = 1;; number++) {
		struct process *p object_auto(process) = next_member(pid_namespace_initial(), g, &number);

		if (!p)
			return;
		wake_for_freeze(p);
	}
}

static void member_cpus_changed(struct cgroup *g)
{
	for (u32 number = 1;; number++) {
		struct process *p object_auto(process) = next_member(pid_namespace_initial(), g, &number);

		if (!p)
			return;
		process_follow_cpuset(p);
	}
}

static bool is_frozen_in(struct process *p, struct cgroup *g)
{
	spin_guard(&p->lock);
	return p->cgroup == g && cgroup_is_frozen(g);
}

void thread_freeze(struct thread *t)
{
	for (;;) {
		struct cgroup *g object_auto(cgroup) = process_cgroup(t->process);

		if (!cgroup_is_frozen(g))
			return;
		task_clear_work(&t->base, TASK_WORK_SIGNAL);
		cgroup_note_frozen(g, 1);
		err_t e =
			wait_event(cgroup_freeze_event(g), WAIT_KILLABLE, DEADLINE_NEVER, !is_frozen_in(t->process, g));

		cgroup_note_frozen(g, -1);
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
	.next = member_next,
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
