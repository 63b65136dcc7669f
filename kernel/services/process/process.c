// SPDX-License-Identifier: MPL-2.0
// The process object: creation, small state, times, limits. Its place among others is process_tree.c, its
// threads' doings are thread.c, attend.c, exit.c.
#include <services/process/process_internal.h>
#include <services/process/trace.h>

static void process_release(struct process *p) exclusive_access
{
	if (p->trace)
		trace_put(take(p->trace));
	if (p->permitted_tracer)
		pid_put(take(p->permitted_tracer));
	signal_queue_clear(&p->shared_pending, (struct signal_set){ U64_MAX });
	if (p->actions)
		signal_action_table_put(take(p->actions));
	if (p->cgroup)
		cgroup_put(take(p->cgroup));
	if (p->pid_charge)
		cgroup_put(take(p->pid_charge));
	if (p->timers)
		object_put(take(p->timers));
	if (p->group)
		process_group_put(take(p->group));
	pid_put(take(p->pid));
}
DEFINE_OBJECT(process, process_release)

struct process *process_create(struct pid *pid)
{
	struct process *p object_auto(process) = process_alloc();
	if (!p)
		return NULL;
	p->pid = pid_get(pid);
	spin_init(&p->lock, RANK_PROCESS);
	spin_init(&p->signal_lock, RANK_SIGNAL);
	wait_queue_init(&p->child_event);
	wait_queue_init(&p->signal_event);
	wait_queue_init(&p->thread_event);
	p->start_time_ns = clock_monotonic_ns();
	return take(p);
}

struct process *process_current(void)
{
	struct thread *t = thread_current_or_null();
	return t ? t->process : NULL;
}

u64 process_rlimit(struct process *p, enum rlimit_kind kind)
{
	spin_guard(&p->lock);
	return p->rlimits.limit[kind].soft;
}

struct rlimit process_rlimit_both(struct process *p, enum rlimit_kind kind)
{
	spin_guard(&p->lock);
	return p->rlimits.limit[kind];
}

err_t process_rlimit_set(
	struct process *p, enum rlimit_kind kind, struct rlimit limit, const struct cred *caller borrowed)
{
	if (limit.soft > limit.hard)
		return -EINVAL;
	bool may_raise = cred_has_capability(caller, user_namespace_initial(), CAP_SYS_RESOURCE);
	spin_guard(&p->lock);
	if (limit.hard > p->rlimits.limit[kind].hard && !may_raise)
		return -EPERM;
	p->rlimits.limit[kind] = limit;
	return OK;
}

void process_add_times(struct process_times *to borrowed, const struct process_times *more borrowed)
{
	to->user_ns += more->user_ns;
	to->system_ns += more->system_ns;
	to->minor_faults += more->minor_faults;
	to->major_faults += more->major_faults;
	to->switches_voluntary += more->switches_voluntary;
	to->switches_involuntary += more->switches_involuntary;
	to->peak_resident_pages = max(to->peak_resident_pages, more->peak_resident_pages);
}

struct process_times process_times_read(struct process *p)
{
	spin_guard(&p->lock);
	struct process_times sum = p->dead_times;
	irq_guard(&p->signal_lock);
	list_for_each(thread_list, t, &p->threads) {
		struct task_times one = task_read_times(&t->base);
		sum.user_ns += one.user_ns;
		sum.system_ns += one.system_ns;
		sum.switches_voluntary += one.switches_voluntary;
		sum.switches_involuntary += one.switches_involuntary;
	}
	return sum;
}

struct process_times process_times_children(struct process *p)
{
	spin_guard(&p->lock);
	return p->children_times;
}

static u32 process_state(struct process *p)
{
	spin_guard(&process_tree_lock);
	return p->state;
}

u8 process_state_letter(struct process *p)
{
	u32 state = process_state(p);
	if (state != PROCESS_RUNNING)
		return state == PROCESS_ZOMBIE ? 'Z' : 'X';
	irq_guard(&p->signal_lock);
	struct thread *t = p->leader;
	if (!t)
		return 'Z';	// the first thread has exited, others live
	return t->is_stopped ? 'T' : task_state_letter(&t->base);
}

u32 process_thread_count(struct process *p)
{
	irq_guard(&p->signal_lock);
	return p->thread_count;
}

struct cgroup *process_cgroup(struct process *p)
{
	spin_guard(&p->lock);
	return cgroup_get(p->cgroup);
}

struct thread *process_main_thread(struct process *p)
{
	irq_guard(&p->signal_lock);
	struct thread *main object_auto(thread) = thread_try_get(p->leader);
	if (main)
		return take(main);
	return thread_try_get(thread_list_first(&p->threads));
}

struct thread *process_next_thread(struct process *p, struct thread *after)
{
	irq_guard(&p->signal_lock);
	struct thread *at = thread_list_first(&p->threads);
	if (after)
		at = thread_list_has(&p->threads, after) ? thread_list_next(after) : NULL;
	return thread_try_get(at);
}

struct cred *process_cred(struct process *p)
{
	struct thread *t object_auto(thread) = process_main_thread(p);
	return t ? thread_cred_of(t) : NULL;
}
