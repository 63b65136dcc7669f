// SPDX-License-Identifier: MPL-2.0
// A task: one flow of control with a kernel stack; what the scheduler schedules. Kernel threads are
// plain tasks; services/process derives `struct thread` from it. The core switches and preempts;
// which task runs next is the policy's (sched_policy.h).
#pragma once
#include <core/object.h>
#include <core/span.h>
#include <core/list.h>
#include <core/atomic.h>
#include <core/lock.h>

#define TASK_NAME_MAX 16
#define CPU_COUNT_MAX 64

// A set of CPUs.
struct cpu_set {
	u64 bits[CPU_COUNT_MAX / 64];
};

struct sched_group;

// The policy's part of a task; written under the run queue's lock of the task's CPU.
struct sched_entity {
	struct tree_link tree;		// the policy's order
	struct list_link list;		// the policy's lists
	u64 virtual_runtime_ns;
	u64 deadline_ns;		// virtual deadline (EEVDF)
	u64 slice_ns;
	u64 runtime_ns;			// CPU time used so far, all of it
	u64 run_started_ns;		// when it was last put on a CPU
	u32 weight;			// 1024 = nice 0
	u32 policy;			// SCHED_OTHER, SCHED_FIFO, ... (sched(7))
	u32 realtime_priority;
	s32 nice;
	u32 counted_weight;		// what the group's load has of it: its weight while it is runnable
	struct sched_group *group;	// services/sched; lives as long as the task uses it; NULL: the root
	u64 effective_weight;		// among all tasks, its groups' weights taken into account
	u32 pressure, pressure_cpu;	// services/sched: what the task is counted as, and on which CPU
	u32 memory_stalls;		// likewise: how often it has said that it stalls for want of memory
	u32 io_waits;			// owner task only: its sleeps, if it sleeps, are for the disk
	u32 cpu_waits;			// likewise: for CPU time, of which its group has used up its quota
	u32 pad;
	u32 is_queued;
	u32 flags;			// SCHED_FLAG_YIELDED: put back behind its equals once; set by the core
};
#define SCHED_FLAG_YIELDED 1u

// What a running user task must look at before it returns to user mode.
enum task_work {
	TASK_WORK_RESCHEDULE = 1 << 0,	// core's own
	TASK_WORK_SIGNAL = 1 << 1,	// a signal may be deliverable: ends interruptible sleeps
	TASK_WORK_KILL = 1 << 2,	// a fatal one: ends killable sleeps too
	TASK_WORK_SERVICE = 1 << 3,	// something else of the process service (freeze, exit of group)
	TASK_WORK_SWITCHED = 1 << 4	// it was preempted or came to another CPU; see task_watch_switches()
};

struct task {
	struct object object;
	struct sched_entity sched;
	struct list_link member_link;	// services/cgroup: its group's members, under their lock
	u64 member_number;		// likewise: its place among them; grows along the list
	core_private struct list_link __all_link;
	core_private u8 __name[TASK_NAME_MAX];
	core_private u32 __park_token;
	core_private u32 __state;
	core_private u32 __work;
	core_private u32 __cpu;
	core_private u32 __on_cpu;
	core_private struct cpu_set __affinity;
	core_private u8 *__stack;
	core_private u64 __kernel_sp;
	core_private struct page_table *__page_table;
	core_private void *__fpu;
	core_private u64 __fs_base, __gs_base;	// what its program left in them; see __bases
	core_private u32 __bases;	// where its segment bases are: enum user_bases
	core_private u32 __watched;	// 0: nobody asked; else 1 + the CPU it was last seen on
	core_private u64 __fault_resume;
	core_private u64 __switches_voluntary, __switches_involuntary;
	core_private u64 __user_ns, __system_ns, __stamp_ns;
	core_private void (*__entry)(struct task *self);
	core_private struct task *__run_next;
	core_private u32 __account;		// who pays for what it allocates (memory_account.h)
	core_private u32 __account_suspended;	// of the task itself: how often it has asked for nobody to pay
	core_private u32 __account_borrowed;	// pays instead while not 0; ACCOUNT_NOBODY: nobody does
	core_private u32 __stack_owner;		// who paid for its stack
	core_private void *__held_locks[24];
	core_private u32 __held_count;
	core_private u64 __arch[8];
};
DECLARE_OBJECT(task)

#ifdef CORE_INLINE
static inline struct task *task_current(void) { return __current_task(); }
static inline bool task_is_current(const struct task *t borrowed) { return t == __current_task(); }
#else
struct task *task_current(void);
bool task_is_current(const struct task *t borrowed);
#endif

// A kernel thread that runs entry(self) and ends when it returns. -ENOMEM.
err_t kernel_thread_start(bytes_t name, void (*entry)(struct task *self));

// For derived tasks: prepares the stack and the first frame. `t` comes zeroed from its slab with
// `sched` set by the creator. -ENOMEM. A task not yet started is released by its last put.
err_t task_init(struct task *t, bytes_t name, void (*entry)(struct task *self));
// Makes it runnable for the first time; the scheduler holds a reference until task_exit().
void task_start(struct task *t);
// Ends the current task; its reference held by the scheduler is dropped on another stack.
no_return void task_exit(void);
// What ends the current task when its own code hit a bug that provably damaged nothing else: must not
// return. Registered by the process service. Runs in the task, may sleep.
void task_set_crash_handler(void (*handler)(void));
// Helper for the release callback of derived types: frees stack and FPU state.
void task_fini(struct task *t borrowed);

void task_set_name(struct task *t borrowed, bytes_t name);
// Copies the name; returns its length.
usize task_name(const struct task *t borrowed, span_t out);

// Sets work bits; wakes an interruptible (SIGNAL) or killable (KILL) sleep and kicks a CPU that runs
// it in user mode. => any context
void task_post_work(struct task *t borrowed, u32 work);
void task_clear_work(struct task *t borrowed, u32 work);
static inline u32 task_pending_work(const struct task *t borrowed)
{
	return __atomic_load_n(&t->__work, __ATOMIC_ACQUIRE);
}

// From now on TASK_WORK_SWITCHED is posted whenever t was preempted or runs on another CPU than before, and at once.
// For the current task, or one that has not been started.
void task_watch_switches(struct task *t borrowed);
void task_unwatch_switches(struct task *t borrowed);

// Brackets what sleeps until a disk has answered; they nest. For the current task.
static inline void task_begin_io_wait(void) { task_current()->sched.io_waits++; }
static inline void task_end_io_wait(void) { task_current()->sched.io_waits--; }

// State letter as in /proc/PID/stat: R running, S interruptible, D uninterruptible, Z after exit.
u8 task_state_letter(const struct task *t borrowed);
u32 task_cpu(const struct task *t borrowed);
struct task_times {
	u64 user_ns, system_ns, switches_voluntary, switches_involuntary;
};
struct task_times task_read_times(const struct task *t borrowed);

// => may sleep
void task_yield(void);
err_t task_sleep_until(u64 deadline_ns, u32 wait_mode);
// Sleeping outside wait queues: a task parks until someone unparks it (an early unpark is kept).
err_t task_park(u32 wait_mode, u64 deadline_ns);
void task_unpark(struct task *t borrowed);

// -EINVAL when no CPU of the set is online. Moves the task if needed.
err_t task_set_affinity(struct task *t, const struct cpu_set *set borrowed);
struct cpu_set task_affinity(const struct task *t borrowed);
