// SPDX-License-Identifier: MPL-2.0
// A task's scheduling parameters. They change under its run queue's lock, while it is out of the order.
#include <services/sched/sched.h>

#define WEIGHT_IDLE 3u

// Each step of nice is a factor of about 1.25; nice 0 is 1024. (sched(7): ten per cent of CPU time a step.)
static const u32 nice_weights[SCHED_NICE_MAX - SCHED_NICE_MIN + 1] = {
	88818, 71054, 56843, 45475, 36380, 29104, 23283, 18626, 14901, 11921,
	9537, 7629, 6104, 4883, 3906, 3125, 2500, 2000, 1600, 1280,
	1024, 819, 655, 524, 419, 336, 268, 215, 172, 137,
	110, 88, 70, 56, 45, 36, 29, 23, 18, 15,
};

static u32 weight_of(const struct task *t borrowed)
{
	u64 weight = t->sched.policy == SCHED_IDLE ? WEIGHT_IDLE
						   : *array_ptr(nice_weights, (u32)(t->sched.nice - SCHED_NICE_MIN));

	if (t->sched.group_share)
		weight = weight * t->sched.group_share / 1024;
	return (u32)max(weight, 1ul);
}

static void change_policy(struct task *t, u64 policy, u64 priority)
{
	t->sched.policy = (u32)policy;
	t->sched.realtime_priority = (u32)priority;
	t->sched.slice_ns = 0;
	t->sched.weight = weight_of(t);
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
	t->sched.weight = weight_of(t);
}

void sched_set_nice(struct task *t, s32 nice)
{
	nice = max(nice, SCHED_NICE_MIN);
	nice = min(nice, SCHED_NICE_MAX);
	sched_task_change(t, change_nice, (u64)(nice - SCHED_NICE_MIN), 0);
}

static void change_group_share(struct task *t, u64 share, u64 unused)
{
	t->sched.group_share = (u32)share;
	t->sched.weight = weight_of(t);
}

void sched_set_group_share(struct task *t, u32 share)
{
	sched_task_change(t, change_group_share, share, 0);
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
