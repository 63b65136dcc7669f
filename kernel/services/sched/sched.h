// SPDX-License-Identifier: MPL-2.0
// The scheduling policy: a fair class by virtual run time, the real-time classes, and the idle class.
// The classes' meaning follows sched(7).
#pragma once
#include <core/error.h>
#include <core/sched_policy.h>

enum sched_class_number {
	SCHED_OTHER = 0,
	SCHED_FIFO = 1,
	SCHED_RR = 2,
	SCHED_BATCH = 3,
	SCHED_IDLE = 5
};
#define SCHED_PRIORITY_MAX 99
#define SCHED_NICE_MIN (-20)
#define SCHED_NICE_MAX 19
#define SCHED_SLICE_NS 3000000ul	// fair tasks
#define SCHED_RR_SLICE_NS 100000000ul

// Registers the policy. Before the other processors start.
void sched_service_init(void);

// -EINVAL for an unknown policy, or a priority that does not go with it (0 for the fair ones, else 1..99).
err_t sched_set_policy(struct task *t, u32 policy, u32 priority);
// The nice value is clamped to its range. It is kept, without effect, by real-time tasks.
void sched_set_nice(struct task *t, s32 nice);
// The weight that a nice value, in its range, stands for.
u32 sched_weight_of_nice(s32 nice);
// The task shares CPU time as one of g from now on; when this returns, no run queue uses its old group.
struct sched_group;
void sched_set_group(struct task *t, struct sched_group *g);
// Told of all run time, with the run queue's lock held: true when the task (which runs on this CPU) must leave user
// mode for TASK_WORK_SERVICE. Registered once, by services/process.
struct sched_account_ops {
	bool (*ran)(struct task *t, u64 ran_ns, u32 mode);	// mode: enum sched_mode
};
void sched_set_account_ops(const struct sched_account_ops *ops);
// fork: a task not yet started takes over policy, priority, nice value and affinity.
void sched_inherit(struct task *child, const struct task *parent borrowed);
