// SPDX-License-Identifier: MPL-2.0
// The scheduler's policy, registered once at start-up by services/sched. The core owns run queues'
// locks, context switches, wake-ups, ticks and IPIs; the policy owns the order. Every callback runs
// with the CPU's run-queue lock held and interrupts off: it must not sleep nor take other locks.
#pragma once
#include <core/task.h>

struct sched_policy {
	// A task of a CPU becomes runnable / stops being so. `reason`: see enum. `now_ns`: clock_monotonic_ns().
	void (*enqueue)(u32 cpu, struct task *t, u32 reason, u64 now_ns);
	void (*dequeue)(u32 cpu, struct task *t);
	// The best queued task, removed from the order (it runs now); NULL for idle.
	struct task *(*pick_next)(u32 cpu, u64 now_ns);
	// The running task goes back into the order (preempted, still runnable).
	void (*put_previous)(u32 cpu, struct task *t);
	// The running task goes nowhere: it sleeps or ends, or is to be queued on another CPU. `reason`: see enum.
	// pick_next() comes at once.
	void (*leave)(u32 cpu, struct task *t, u32 reason);
	// Time passed for the running task, in enum sched_mode; returns true when it should give way.
	bool (*account)(u32 cpu, struct task *t, u64 ran_ns, u32 mode);
	// Should `woken`, just queued, preempt `running`?
	bool (*should_preempt)(u32 cpu, struct task *running, struct task *woken);
	// Nanoseconds until account() should be asked again (the slice left); U64_MAX: no tick needed.
	u64 (*tick_ns)(u32 cpu, struct task *running);
	// A queued task that may run on `thief` (steal for balance), dequeued; NULL if none.
	struct task *(*steal)(u32 cpu, u32 thief);
	// Should `cpu`, which has tasks queued, try to steal before it picks one of them?
	bool (*should_pull)(u32 cpu);
	// Runnable tasks queued there (load measure for placement).
	u32 (*queued)(u32 cpu);
};
enum sched_enqueue_reason { SCHED_ENQUEUE_NEW, SCHED_ENQUEUE_WAKE, SCHED_ENQUEUE_MOVE };
enum sched_leave_reason { SCHED_LEAVE_SLEEP, SCHED_LEAVE_MOVE };
// What the time went to; SWITCH: to the kernel too, and pick_next() comes at once.
enum sched_mode { SCHED_MODE_SYSTEM, SCHED_MODE_USER, SCHED_MODE_SWITCH };
// May t run there: its affinity, and CPUs that are set apart (core/cpu.h). For steal().
bool sched_may_run_on(const struct task *t borrowed, u32 cpu);
void sched_policy_register(const struct sched_policy *policy);
// Runs `change` on t's scheduling parameters under its run-queue lock (dequeued and queued again
// around it), so that a service can set policy, nice, priority.
void sched_task_change(struct task *t, void (*change)(struct task *t, u64 a, u64 b), u64 a, u64 b);
// The same for the group that a task belongs to.
void sched_task_change_group(
	struct task *t, void (*change)(struct task *t, struct sched_group *g), struct sched_group *g);
