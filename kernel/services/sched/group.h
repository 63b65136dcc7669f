// SPDX-License-Identifier: MPL-2.0
// A group of tasks that shares CPU time as one: the scheduler's part of a control group. Groups form a tree; what is
// runnable directly in a group, tasks and groups, shares the group's part by weight.
#pragma once
#include <core/atomic.h>
#include <core/list.h>
#include <core/lock.h>
#include <services/sched/pressure.h>

#define SCHED_WEIGHT_NORMAL 1024u	// a task with nice value 0, a group with cpu.weight 100
#define SCHED_WEIGHT_IDLE 3u		// SCHED_IDLE, cpu.idle
#define SCHED_FACTOR_SHIFT 20

struct sched_group {
	struct sched_group *parent;	// immutable; lives as long as this one; NULL: the root
	u32 depth;			// immutable: how many are above
	u32 pad;
	struct spinlock lock;
	u32 weight GUARDED_BY(lock);	// in the parent
	// what the parent's load has of it: its weight while something is runnable in it
	u32 counted GUARDED_BY(lock);
	struct atomic_u64 load;		// weights of all that is runnable directly in it
	struct atomic_u32 weight_now;	// copy of `weight`, to be read without the lock
	struct list_link pressure_link;	// pressure_average.c
	struct pressure pressure;
};

// The first one is the root. -ENOMEM. fini: also after an init that failed.
err_t sched_group_init(struct sched_group *g, struct sched_group *parent);
void sched_group_fini(struct sched_group *g);
struct sched_group *sched_group_root(void);	// NULL before it is made
// 1 ... ; takes effect with each task's next slice. => any context
void sched_group_set_weight(struct sched_group *g, u32 weight);
// Something of this weight becomes runnable directly in g (NULL or the root: nobody counts) or stops being so.
// Interrupts are off.
void sched_group_add_load(struct sched_group *g, s64 weight);
// The part of a root task of the same weight that a task of g gets now, in parts of 1 << SCHED_FACTOR_SHIFT.
u64 sched_group_factor(const struct sched_group *g borrowed);
