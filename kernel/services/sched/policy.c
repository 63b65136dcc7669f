// SPDX-License-Identifier: MPL-2.0
// The order of tasks on each CPU.
//
// Theory: the fair task with the least virtual run time (timeline.c) runs next, for a slice, or until a woken task is
// behind it by more than a wake-up's worth. A task that has slept is placed a little before the common virtual time:
// it gets the CPU soon, but has not saved up a right to it. Real-time tasks stand before all fair ones, by priority,
// first come first served; SCHED_RR ones go to the end of their priority when their slice is over. All callbacks run
// under the run queue's lock, which guards this CPU's entry.
#include <core/once.h>
#include <core/time.h>
#include <services/sched/policy.h>
#include <services/sched/pressure_internal.h>

#define WAKE_CREDIT_NS (SCHED_SLICE_NS / 2)
#define WAKE_GRANULARITY_NS 1000000ul
#define WAKE_LEAD_SLICES 8
#define RT_ORDER_MIDDLE (1ul << 55)

DEFINE_ONCE(account_cell, const struct sched_account_ops);
static struct account_cell account_ops;

void sched_set_account_ops(const struct sched_account_ops *ops)
{
	account_cell_set(&account_ops, ops);
}

static void insert(struct sched_order *o borrowed, struct task *t)
{
	o->queued++;
	if (sched_is_realtime(t)) {
		u64 key = (u64)(SCHED_PRIORITY_MAX - min(t->sched.realtime_priority, (u32)SCHED_PRIORITY_MAX)) << 56;

		realtime_tree_insert(&o->realtime, t, key + RT_ORDER_MIDDLE + o->arrivals++);
	} else {
		fair_tree_insert(&o->fair, t, t->sched.virtual_runtime_ns);
	}
}

// At the head of its priority: a real-time task that was preempted.
static void insert_first(struct sched_order *o borrowed, struct task *t)
{
	u64 key = (u64)(SCHED_PRIORITY_MAX - min(t->sched.realtime_priority, (u32)SCHED_PRIORITY_MAX)) << 56;

	o->queued++;
	realtime_tree_insert(&o->realtime, t, key + RT_ORDER_MIDDLE - ++o->arrivals);
}

static void remove(struct sched_order *o borrowed, struct task *t)
{
	o->queued--;
	if (sched_is_realtime(t))
		realtime_tree_remove(&o->realtime, t);
	else
		fair_tree_remove(&o->fair, t);
}

// In common time until here, in the CPU's own from here on.
static void policy_enqueue(u32 cpu, struct task *t, u32 reason, u64 now_ns)
{
	struct sched_order *o = sched_order_of(cpu);
	// Who is pulled from another CPU keeps its place among all; a newcomer waits behind nobody's lead.
	u64 now = reason == SCHED_ENQUEUE_MOVE ? sched_timeline_ns() : sched_order_least_ns(o);
	u64 v = t->sched.virtual_runtime_ns;

	sched_task_count(t);
	sched_task_weigh(t);
	if (reason == SCHED_ENQUEUE_NEW)
		v = now + sched_virtual_ns(t, WAKE_GRANULARITY_NS);
	v = max(v, now - WAKE_CREDIT_NS);
	v = min(v, now + sched_virtual_ns(t, WAKE_LEAD_SLICES * SCHED_SLICE_NS));
	t->sched.virtual_runtime_ns = v + o->offset_ns;
	t->sched.slice_ns = 0;
	insert(o, t);
	pressure_count(t, cpu, pressure_flags_of(t, 1), now_ns);
}

static void policy_dequeue(u32 cpu, struct task *t)
{
	struct sched_order *o = sched_order_of(cpu);

	remove(o, t);
	t->sched.virtual_runtime_ns -= min(t->sched.virtual_runtime_ns, o->offset_ns);
}

// The running task sleeps, ends, or goes to another CPU.
static void policy_leave(u32 cpu, struct task *t, u32 reason)
{
	struct sched_order *o = sched_order_of(cpu);

	t->sched.virtual_runtime_ns -= min(t->sched.virtual_runtime_ns, o->offset_ns);
	if (reason == SCHED_LEAVE_SLEEP && o->shown == t) {
		o->is_leaving = 1;
	} else {
		pressure_count(t, cpu, pressure_flags_of(t, reason == SCHED_LEAVE_MOVE), clock_monotonic_ns());
		if (o->shown == t)
			o->shown = NULL;
	}
	if (reason == SCHED_LEAVE_SLEEP)
		sched_task_uncount(t);
}

static u64 slice_of(const struct task *t borrowed)
{
	return t->sched.policy == SCHED_FIFO  ? U64_MAX
		: t->sched.policy == SCHED_RR ? SCHED_RR_SLICE_NS
					      : SCHED_SLICE_NS;
}

static void show(struct sched_order *o borrowed, struct task *t, u32 cpu, u64 now_ns)
{
	pressure_switch_tasks(o->shown, o->is_leaving, t, cpu, now_ns);
	o->shown = t;
	o->is_leaving = 0;
}

static struct task *policy_pick_next(u32 cpu, u64 now_ns)
{
	struct sched_order *o = sched_order_of(cpu);
	struct task *t = realtime_tree_first(&o->realtime);

	if (!t)
		t = fair_tree_first(&o->fair);
	if (!t) {
		sched_order_publish(o, NULL);
		show(o, NULL, cpu, now_ns);
		return NULL;
	}
	remove(o, t);
	sched_task_weigh(t);
	if (!t->sched.slice_ns)
		t->sched.slice_ns = slice_of(t);
	sched_order_publish(o, t);
	show(o, t, cpu, now_ns);
	if (!sched_is_realtime(t))
		sched_order_hold_back(o, t);
	return t;
}

static void policy_put_previous(u32 cpu, struct task *t)
{
	struct sched_order *o = sched_order_of(cpu);
	bool yields = t->sched.flags & SCHED_FLAG_YIELDED;

	if (sched_is_realtime(t) && !yields && t->sched.slice_ns) {
		insert_first(o, t);
		return;
	}
	if (yields) {
		const struct task *last = sched_is_realtime(t) ? NULL : fair_tree_last(&o->fair);

		t->sched.slice_ns = 0;
		if (last)
			t->sched.virtual_runtime_ns = max(t->sched.virtual_runtime_ns, last->sched.virtual_runtime_ns);
	}
	insert(o, t);
}

static bool policy_account(u32 cpu, struct task *t, u64 ran_ns, u32 mode)
{
	struct sched_order *o = sched_order_of(cpu);
	const struct sched_account_ops *ops = account_cell_get(&account_ops);

	t->sched.runtime_ns += ran_ns;
	if (ops && ops->ran(t, ran_ns, mode))
		task_post_work(t, TASK_WORK_SERVICE);
	if (!sched_is_realtime(t)) {
		// it may have begun before the policy
		u64 least_ns = sched_timeline_ns() + o->offset_ns - WAKE_CREDIT_NS;

		t->sched.virtual_runtime_ns = max(t->sched.virtual_runtime_ns, least_ns) + sched_virtual_ns(t, ran_ns);
		if (mode != SCHED_MODE_SWITCH) {
			sched_order_publish(o, t);
			sched_order_hold_back(o, t);
		}
	}
	if (t->sched.slice_ns == U64_MAX)
		return false;
	t->sched.slice_ns -= min(t->sched.slice_ns, ran_ns);
	if (t->sched.slice_ns || mode == SCHED_MODE_SWITCH)
		return false;
	sched_task_weigh(t); // it may go on alone for long, while the loads of groups change
	return o->queued || (!sched_is_realtime(t) && sched_order_should_pull(cpu, t->sched.virtual_runtime_ns));
}

static bool policy_should_preempt(u32 cpu, struct task *running, struct task *woken)
{
	if (sched_is_realtime(woken))
		return !sched_is_realtime(running) || woken->sched.realtime_priority > running->sched.realtime_priority;
	if (sched_is_realtime(running))
		return false;
	if (running->sched.policy == SCHED_IDLE || woken->sched.policy == SCHED_IDLE)
		return woken->sched.policy != SCHED_IDLE;
	if (woken->sched.policy == SCHED_BATCH)
		return false;
	return running->sched.virtual_runtime_ns >
		woken->sched.virtual_runtime_ns + sched_virtual_ns(woken, WAKE_GRANULARITY_NS);
}

static u64 policy_tick_ns(u32 cpu, struct task *running)
{
	return running->sched.slice_ns ? running->sched.slice_ns : slice_of(running);
}

// May the first of a CPU's tasks of this own order go away? An idle thief takes anything.
static bool may_pull(const struct sched_order *from borrowed, const struct task *t borrowed, u32 thief)
{
	struct sched_order *to = sched_order_of(thief);
	const struct task *best = fair_tree_first(&to->fair);

	if (!to->queued)
		return true;
	if (!best || !realtime_tree_is_empty(&to->realtime))
		return false;
	return t->sched.virtual_runtime_ns - from->offset_ns + sched_virtual_ns(t, SCHED_SLICE_NS) <
		best->sched.virtual_runtime_ns - to->offset_ns;
}

// The one that has waited longest, if it deserves the CPU `thief` more than what is queued there.
static struct task *policy_steal(u32 cpu, u32 thief)
{
	struct sched_order *o = sched_order_of(cpu);

	for (struct task *t = realtime_tree_first(&o->realtime); t; t = realtime_tree_next(t)) {
		if (sched_may_run_on(t, thief) && !sched_order_of(thief)->queued) {
			remove(o, t);
			return t;
		}
	}
	for (struct task *t = fair_tree_first(&o->fair); t; t = fair_tree_next(t)) {
		if (!sched_may_run_on(t, thief))
			continue;
		if (!may_pull(o, t, thief))
			return NULL;
		policy_dequeue(cpu, t);
		return t;
	}
	return NULL;
}

static bool policy_should_pull(u32 cpu)
{
	const struct sched_order *o = sched_order_of(cpu);
	const struct task *best = fair_tree_first(&o->fair);

	if (!realtime_tree_is_empty(&o->realtime) || !best)
		return false;
	return sched_order_should_pull(cpu, best->sched.virtual_runtime_ns);
}

static u32 policy_queued(u32 cpu)
{
	return sched_order_of(cpu)->queued;
}

u32 sched_queued(u32 cpu)
{
	return policy_queued(cpu);
}

static const struct sched_policy policy = {
	.enqueue = policy_enqueue,
	.dequeue = policy_dequeue,
	.pick_next = policy_pick_next,
	.put_previous = policy_put_previous,
	.leave = policy_leave,
	.account = policy_account,
	.should_preempt = policy_should_preempt,
	.tick_ns = policy_tick_ns,
	.steal = policy_steal,
	.should_pull = policy_should_pull,
	.queued = policy_queued,
};

void sched_service_init(void)
{
	sched_policy_register(&policy);
}
