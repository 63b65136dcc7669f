// SPDX-License-Identifier: MPL-2.0
// The order of tasks on each CPU.
//
// Theory: a fair task's virtual run time grows with the time it runs, the slower the heavier its weight
// (nice value). The task with the least runs next, for a slice, or until a woken task is behind it by
// more than a wake-up's worth. A task that has slept is placed a little before the least of its new
// queue: it gets the CPU soon, but has not saved up a right to it. Real-time tasks stand before all
// fair ones, by priority, first come first served; SCHED_RR ones go to the end of their priority when
// their slice is over. All callbacks run under the run queue's lock, which guards this CPU's entry.
#include <core/list.h>
#include <core/once.h>
#include <core/time.h>
#include <services/sched/policy.h>
#include <services/sched/sched.h>

#define WAKE_CREDIT_NS (SCHED_SLICE_NS / 2)
#define WAKE_GRANULARITY_NS 1000000ul
#define VIRTUAL_START_NS (1ul << 40)	// so that nothing wraps below zero
#define WEIGHT_NORMAL 1024u
#define RT_ORDER_MIDDLE (1ul << 55)

DEFINE_TREE(fair_tree, task, sched.tree)
DEFINE_TREE(realtime_tree, task, sched.tree)

// Guarded by the core's run queue lock of its CPU.
struct synchronised sched_order {
	struct fair_tree fair;		// by virtual run time
	struct realtime_tree realtime;	// by priority, then by arrival
	u64 least_ns;			// virtual run time that newcomers are measured against; never falls
	u64 arrivals;
	u32 queued;
	u32 pad;
};
static struct sched_order orders[CPU_COUNT_MAX];

DEFINE_ONCE(account_cell, const struct sched_account_ops);
static struct account_cell account_ops;

void sched_set_account_ops(const struct sched_account_ops *ops)
{
	account_cell_set(&account_ops, ops);
}

static bool is_realtime(const struct task *t borrowed)
{
	return t->sched.policy == SCHED_FIFO || t->sched.policy == SCHED_RR;
}

static u64 least(const struct sched_order *o borrowed)
{
	return max(o->least_ns, VIRTUAL_START_NS);
}

static u64 virtual_ns(const struct task *t borrowed, u64 ns)
{
	return t->sched.weight == WEIGHT_NORMAL ? ns : ns * WEIGHT_NORMAL / max(t->sched.weight, 1u);
}

static void insert(struct sched_order *o borrowed, struct task *t)
{
	o->queued++;
	if (is_realtime(t)) {
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
	if (is_realtime(t))
		realtime_tree_remove(&o->realtime, t);
	else
		fair_tree_remove(&o->fair, t);
}

static void policy_enqueue(u32 cpu, struct task *t, u32 reason)
{
	struct sched_order *o = array_ptr(orders, cpu);
	u64 floor_ns = least(o) - WAKE_CREDIT_NS, v = t->sched.virtual_runtime_ns;

	// What counts is only the distance to the others of this CPU; it is kept small.
	if (reason == SCHED_ENQUEUE_NEW)
		v = least(o) + virtual_ns(t, WAKE_GRANULARITY_NS);
	else if (reason == SCHED_ENQUEUE_MOVE)
		v = least(o);
	v = max(v, floor_ns);
	t->sched.virtual_runtime_ns = min(v, least(o) + 4 * SCHED_SLICE_NS);
	t->sched.slice_ns = 0;
	insert(o, t);
}

static void policy_dequeue(u32 cpu, struct task *t)
{
	remove(array_ptr(orders, cpu), t);
}

static u64 slice_of(const struct task *t borrowed)
{
	return t->sched.policy == SCHED_FIFO  ? U64_MAX
		: t->sched.policy == SCHED_RR ? SCHED_RR_SLICE_NS
					      : SCHED_SLICE_NS;
}

static struct task *policy_pick_next(u32 cpu)
{
	struct sched_order *o = array_ptr(orders, cpu);
	struct task *t = realtime_tree_first(&o->realtime);

	if (!t)
		t = fair_tree_first(&o->fair);
	if (!t)
		return NULL;
	remove(o, t);
	if (!t->sched.slice_ns)
		t->sched.slice_ns = slice_of(t);
	return t;
}

static void policy_put_previous(u32 cpu, struct task *t)
{
	struct sched_order *o = array_ptr(orders, cpu);
	bool yields = t->sched.flags & SCHED_FLAG_YIELDED;

	if (is_realtime(t) && !yields && t->sched.slice_ns) {
		insert_first(o, t);
		return;
	}
	if (yields) {
		const struct task *last = is_realtime(t) ? NULL : fair_tree_last(&o->fair);

		t->sched.slice_ns = 0;
		if (last)
			t->sched.virtual_runtime_ns = max(t->sched.virtual_runtime_ns, last->sched.virtual_runtime_ns);
	}
	insert(o, t);
}

static void advance_least(struct sched_order *o borrowed, const struct task *running borrowed)
{
	const struct task *first = fair_tree_first(&o->fair);
	u64 v = running->sched.virtual_runtime_ns;

	if (first)
		v = min(v, first->sched.virtual_runtime_ns);
	o->least_ns = max(o->least_ns, v);
}

static bool policy_account(u32 cpu, struct task *t, u64 ran_ns)
{
	struct sched_order *o = array_ptr(orders, cpu);
	const struct sched_account_ops *ops = account_cell_get(&account_ops);

	t->sched.runtime_ns += ran_ns;
	if (ops && ops->ran(t, ran_ns))
		task_post_work(t, TASK_WORK_SERVICE);
	if (!is_realtime(t)) {
		t->sched.virtual_runtime_ns += virtual_ns(t, ran_ns);
		advance_least(o, t);
	}
	if (t->sched.slice_ns == U64_MAX)
		return false;
	t->sched.slice_ns -= min(t->sched.slice_ns, ran_ns);
	return !t->sched.slice_ns && o->queued;
}

static bool policy_should_preempt(u32 cpu, struct task *running, struct task *woken)
{
	if (is_realtime(woken))
		return !is_realtime(running) || woken->sched.realtime_priority > running->sched.realtime_priority;
	if (is_realtime(running))
		return false;
	if (running->sched.policy == SCHED_IDLE || woken->sched.policy == SCHED_IDLE)
		return woken->sched.policy != SCHED_IDLE;
	if (woken->sched.policy == SCHED_BATCH)
		return false;
	return running->sched.virtual_runtime_ns >
		woken->sched.virtual_runtime_ns + virtual_ns(woken, WAKE_GRANULARITY_NS);
}

static u64 policy_tick_ns(u32 cpu, struct task *running)
{
	return running->sched.slice_ns ? running->sched.slice_ns : slice_of(running);
}

static bool may_run_on(const struct task *t borrowed, u32 cpu)
{
	return task_affinity(t).bits[0] >> cpu & 1;
}

// The last in the order: the one that would wait longest.
static struct task *policy_steal(u32 cpu, u32 thief)
{
	struct sched_order *o = array_ptr(orders, cpu);

	for (struct task *t = realtime_tree_first(&o->realtime); t; t = realtime_tree_next(t)) {
		if (may_run_on(t, thief)) {
			remove(o, t);
			return t;
		}
	}
	for (struct task *t = fair_tree_last(&o->fair); t; t = fair_tree_prev(t)) {
		if (may_run_on(t, thief)) {
			remove(o, t);
			return t;
		}
	}
	return NULL;
}

static u32 policy_queued(u32 cpu)
{
	return array_ptr(orders, cpu)->queued;
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
	.account = policy_account,
	.should_preempt = policy_should_preempt,
	.tick_ns = policy_tick_ns,
	.steal = policy_steal,
	.queued = policy_queued,
};

void sched_service_init(void)
{
	sched_policy_register(&policy);
}
