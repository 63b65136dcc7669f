// SPDX-License-Identifier: MPL-2.0
// A task's scheduling parameters. They change under its run queue's lock, while it is out of the order.
#include <services/sched/policy.h>
#include <services/sched/pressure_internal.h>

// Each step of nice is a factor of about 1.25; nice 0 is 1024. (sched(7): ten per cent of CPU time a step.)
static const u32 nice_weights[SCHED_NICE_MAX - SCHED_NICE_MIN + 1] = {
	88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916,
	9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991, 1586, 1277,
	1024, 820, 655, 526, 423, 335, 272, 215, 172, 137,
	110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
};

u32 sched_weight_of_nice(s32 nice)
{
	return *array_ptr(nice_weights, (u32)(nice - SCHED_NICE_MIN));
}

static u32 weight_of(const struct task *t borrowed)
{
	return t->sched.policy == SCHED_IDLE ? SCHED_WEIGHT_IDLE
					     : sched_weight_of_nice(t->sched.nice);
}

// --- under the run queue's lock ---------------------------------------------------------------

void sched_task_count(struct task *t)
{
	if (t->sched.counted_weight || !t->sched.group)
		return;
	t->sched.counted_weight = max(t->sched.weight, 1u);
	sched_group_add_load(t->sched.group, (s64)t->sched.counted_weight);
}

void sched_task_uncount(struct task *t)
{
	if (t->sched.group)
		sched_group_add_load(t->sched.group, -(s64)t->sched.counted_weight);
	t->sched.counted_weight = 0;
}

void sched_task_weigh(struct task *t)
{
	t->sched.effective_weight = t->sched.weight * sched_group_factor(t->sched.group);
}

static void set_weight(struct task *t)
{
	bool is_counted = t->sched.counted_weight;

	sched_task_uncount(t);
	t->sched.weight = weight_of(t);
	if (is_counted)
		sched_task_count(t);
	sched_task_weigh(t);
}

static void change_policy(struct task *t, u64 policy, u64 priority)
{
	t->sched.policy = (u32)policy;
	t->sched.realtime_priority = (u32)priority;
	t->sched.slice_ns = 0;
	set_weight(t);
}

err_t sched_set_policy(struct task *t, u32 policy, u32 priority)
{
	bool realtime = policy == SCHED_FIFO || policy == SCHED_RR;

	if (!realtime && policy != SCHED_OTHER && policy != SCHED_BATCH && policy != SCHED_IDLE)
		return -EINVAL;
	if (realtime ? priority < 1 || priority > SCHED_PRIORITY_MAX : priority != 0)
		return -EINVAL;
	sched_task_change(t, change_policy, policy, priority);
	return OK;
}

static void change_nice(struct task *t, u64 nice_from_min, u64 unused)
{
	t->sched.nice = (s32)nice_from_min + SCHED_NICE_MIN;
	set_weight(t);
}

void sched_set_nice(struct task *t, s32 nice)
{
	nice = max(nice, SCHED_NICE_MIN);
	nice = min(nice, SCHED_NICE_MAX);
	sched_task_change(t, change_nice, (u64)(nice - SCHED_NICE_MIN), 0);
}

// A running or queued task is counted where it belongs before and after.
static void change_group(struct task *t, struct sched_group *g)
{
	bool is_counted = t->sched.counted_weight;

	sched_task_uncount(t);
	pressure_change_group(t, g);
	if (is_counted)
		sched_task_count(t);
	sched_task_weigh(t);
}

void sched_set_group(struct task *t, struct sched_group *g)
{
	sched_task_change_group(t, change_group, g);
}

void sched_inherit(struct task *child, const struct task *parent borrowed)
{
	child->sched.policy = parent->sched.policy;
	child->sched.realtime_priority = parent->sched.realtime_priority;
	child->sched.nice = parent->sched.nice;
	child->sched.weight = parent->sched.weight;
	child->sched.slice_ns = parent->sched.slice_ns;
	struct cpu_set set = task_affinity(parent);
	err_t err = task_set_affinity(child, &set);
	(void)err; // the parent runs on one of them
}
