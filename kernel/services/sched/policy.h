// SPDX-License-Identifier: MPL-2.0
// Between the files of this folder.
#pragma once
#include <core/cpu.h>
#include <core/list.h>
#include <services/sched/group.h>
#include <services/sched/sched.h>

DEFINE_TREE(fair_tree, task, sched.tree)
DEFINE_TREE(realtime_tree, task, sched.tree)

// Guarded by the core's run queue lock of its CPU, but for the atomics.
struct synchronised sched_order {
	struct fair_tree fair;		// by virtual run time
	struct realtime_tree realtime;	// by priority, then by arrival
	u64 offset_ns;			// how far this CPU's virtual time is ahead of the common one
	u64 arrivals;
	struct task *shown;		// whom pressure counts as running here; borrowed: it does not end while it is
	u32 queued;
	u32 is_leaving;			// `shown` sleeps or ends: pressure counts that when it is known who is next
	// In common virtual time, for the other CPUs: of the one that has waited longest; U64_MAX: nothing here.
	struct atomic_u64 least_ns;	// of all, the running one too
	struct atomic_u64 pull_ns;	// who is behind this may take the first of the queued ones
};

// Tasks that wait for a CPU, read without a lock.
u32 sched_queued(u32 cpu);
extern struct sched_order sched_orders[CPU_COUNT_MAX];

static inline struct sched_order *sched_order_of(u32 cpu)
{
	return array_ptr(sched_orders, cpu);
}

static inline bool sched_is_realtime(const struct task *t borrowed)
{
	return t->sched.policy == SCHED_FIFO || t->sched.policy == SCHED_RR;
}

// timeline.c: virtual time. What `ns` of running cost the task.
u64 sched_virtual_ns(const struct task *t borrowed, u64 ns);
// The common virtual time: nobody who has been waiting is behind it.
u64 sched_timeline_ns(void);
// In common virtual time: what newcomers to this CPU are measured against.
u64 sched_order_least_ns(const struct sched_order *o borrowed);
// Brings what other CPUs see of this order up to date. `running`: the task that has the CPU, or NULL.
void sched_order_publish(struct sched_order *o borrowed, const struct task *running borrowed);
// Keeps a CPU that has less to do than the others from running away in virtual time.
void sched_order_hold_back(struct sched_order *o borrowed, const struct task *running borrowed);
// Does a task wait on another CPU that deserves to run more than one at `virtual_ns` of this CPU?
bool sched_order_should_pull(u32 cpu, u64 virtual_ns);

// parameters.c: the task is runnable from now on / no longer.
void sched_task_count(struct task *t);
void sched_task_uncount(struct task *t);
// Refreshes the task's weight among all tasks.
void sched_task_weigh(struct task *t);
