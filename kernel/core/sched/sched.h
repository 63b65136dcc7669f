// SPDX-License-Identifier: MPL-2.0
// Inside the core: task states, run queues, sleeping and waking.
#pragma once

#include <core/arch/cpu.h>
#include <core/cpu.h>
#include <core/lock.h>
#include <core/sched_policy.h>
#include <core/task.h>
#include <core/time.h>
#include <core/wait.h>

// task.__state. Set by the task itself before it sleeps, to RUNNABLE by wakers under the run queue's lock.
enum task_run_state {
	TASK_RUNNABLE = 0,
	TASK_SLEEPING = 1 << 0,			// uninterruptible
	TASK_SLEEPING_KILLABLE = 1 << 1,
	TASK_SLEEPING_INTERRUPTIBLE = 1 << 2,
	TASK_SLEEPING_ANY = 7,
	TASK_NEW = 1 << 3,
	TASK_DEAD = 1 << 4,
};

// task.__on_cpu: where the task is. Guarded by the lock of the run queue of task.__cpu.
enum task_place {
	TASK_NOWHERE,				// asleep, new or dead; nobody's
	TASK_QUEUED,				// in the policy's order
	TASK_ON_CPU,				// the current task of its CPU
	TASK_MOVING,				// between two run queues, in the hands of a waker
};

struct run_queue {
	struct spinlock lock;
	u32 cpu;				// immutable
	u32 queued;				// guarded by lock; read without for placement
	struct task *current;			// guarded by lock
	struct task *idle;			// immutable once the CPU runs
	u64 stamp_ns;				// this CPU only: time is accounted up to here
	u64 tick_ns;				// this CPU only: next scheduler tick, or U64_MAX
	struct cpu_times times;			// written by this CPU
	u32 last_woken;				// this CPU only: the idle one that was asked last to take a task
} __attribute__((aligned(64)));

extern struct run_queue run_queues[ARCH_CPU_MAX];
extern const struct sched_policy *sched_policy;	// immutable once other tasks run
extern u64 isolated_cpus;			// atomic: bit per CPU that takes no part in balance
extern u64 idle_cpus;				// atomic: bit per CPU that runs its idle task

static inline struct run_queue *this_run_queue(void) { return &run_queues[arch_cpu_index()]; }
// Locks the run queue of t's CPU. Interrupts are off.
struct run_queue *task_lock_queue(struct task *t);

// Makes t runnable if its state is one of `states`. True if it was. => any context
bool task_wake(struct task *t, u32 states);
// Gives the CPU to another task: for good reasons (the task's state) or by preemption. Interrupts are off.
void sched_switch(void);
void sched_switch_preempted(void);
// Accounts the running task up to now. The queue's lock is held, on its own CPU.
bool sched_account(struct run_queue *q, u64 now_ns);
// Queues a runnable task on `q` (locked) and sees to it that it runs if it should.
void sched_enqueue(struct run_queue *q, struct task *t, u32 reason, u64 now_ns);
void sched_tick(u64 now_ns);
void sched_arm_tick(struct run_queue *q, u64 now_ns);
// The first frame of each task calls this; completes a switch.
void sched_finish_switch(struct task *previous);
// Takes a task that may not run here, and is off its stack now, to another CPU. Unlocks q.
void sched_move_off(struct run_queue *q, struct task *t);
void task_reap_later(struct task *t);
void task_reaper_init(void);
void work_init(void);
void sched_init_cpu(u32 cpu);
no_return void sched_idle(void);

// Sleeps once, until *word is WAITER_WOKEN (1), a signal as the mode allows, or the deadline. May
// return OK without any of these: callers loop.
err_t task_sleep_on_word(const u32 *word, u32 mode, u64 deadline_ns);
void task_sleep_until_word(const u32 *word, u32 mode);

extern const struct sched_policy sched_fifo_policy; // until a service registers a better one
