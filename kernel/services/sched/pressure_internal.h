// SPDX-License-Identifier: MPL-2.0
// Between the files of pressure and the policy.
#pragma once
#include <core/list.h>
#include <services/sched/group.h>
#include <services/sched/pressure.h>

// What a task is counted as; kept in task->sched.pressure.
enum pressure_task {
	PRESSURE_TASK_RUNNABLE = 1,	// runs or waits for a processor
	PRESSURE_TASK_ON_CPU = 2,
	PRESSURE_TASK_IO = 4,		// sleeps until the disk has answered
	PRESSURE_TASK_MEMORY = 8,	// stalls for want of memory, asleep or not
	PRESSURE_TASK_MEMORY_RUNNABLE = 16,
	PRESSURE_TASK_MEMORY_ON_CPU = 32
};
enum { PRESSURE_TASK_KINDS = 6, PRESSURE_NONIDLE = PRESSURE_VALUES, PRESSURE_STATES };

struct pressure_cpu {
	struct object object;
	struct spinlock lock;
	u32 count[PRESSURE_TASK_KINDS] GUARDED_BY(lock);	// tasks on this CPU by bit of enum pressure_task
	u32 states GUARDED_BY(lock);		// bits by value, and PRESSURE_NONIDLE: what holds since `since_ns`
	u64 since_ns GUARDED_BY(lock);
	u64 time_ns[PRESSURE_STATES] GUARDED_BY(lock);
	u64 seen_ns[PRESSURE_STATES];		// guarded by pressure_average.c's lock: what the sums have of it
};
DECLARE_OBJECT(pressure_cpu)
struct pressure_times {
	u64 ns[PRESSURE_STATES];
};
err_t pressure_init(struct pressure *p borrowed);	// -ENOMEM
void pressure_fini(struct pressure *p borrowed);
// The times until now.
struct pressure_times pressure_cpu_read(struct pressure_cpu *c);
// What it counts means something from now on, or nothing.
void pressure_cpu_settle(struct pressure_cpu *c, u32 is_off);

// With the run queue's lock of `cpu`. The task is counted as `flags` there from now on, and nowhere else.
void pressure_count(struct task *t, u32 cpu, u32 flags, u64 now);
// `to` (or nobody, NULL) gets the processor, which `from` (or nobody) was counted to have; `from` waits for it again,
// or leaves: it sleeps or ends.
void pressure_switch_tasks(struct task *from, u32 is_leaving, struct task *to, u32 cpu, u64 now);
// What a task that is (not) runnable counts as.
u32 pressure_flags_of(const struct task *t borrowed, u32 is_runnable);
void pressure_change_group(struct task *t, struct sched_group *g);

// pressure_average.c
void pressure_list(struct sched_group *g);
void pressure_unlist(struct sched_group *g);
// pressure_trigger.c; under pressure_average.c's lock. When the next look is due: U64_MAX without triggers.
struct pressure_trigger;
u64 pressure_trigger_look(struct pressure_trigger *t, u64 total_ns, u64 now);
extern struct spinlock pressure_lock;
// Brings the sums up to date.
void pressure_collect(struct pressure *p borrowed) REQUIRES(pressure_lock);
void pressure_average_hurry(void);	// a trigger is new: its window counts
struct pressure_trigger {
	struct object object;
	struct object *owner;		// reference; immutable
	struct sched_group *of;		// immutable; part of owner
	struct list_link link;		// guarded by pressure_lock, as what follows
	u32 value;			// immutable: place in total_ns
	u32 pad;
	u64 threshold_ns, window_ns;	// immutable
	u64 start_ns, start_total_ns, before_ns;	// the window that runs, and what the one before it brought
	u64 last_event_ns;
	struct atomic_u32 has_gone_off;
	struct wait_queue event;
};
DEFINE_LIST_OPS(pressure_trigger_list, pressure_trigger, link)
