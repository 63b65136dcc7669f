// SPDX-License-Identifier: MPL-2.0
// The timers of one process: the real-time interval timer and the POSIX timers. They hang off the process
// (process->timers) from first use to its end; each holds a reference on it, which the end of the process breaks.
#pragma once
#include <core/time.h>
#include <services/process/process_signal.h>

// An interval timer by the monotonic clock, or by a CPU clock, that sends a signal.
struct timer_alarm;
struct timer_follower;
struct signal_timer {
	struct timer base;
	struct timer_alarm *alarm;	// reference: it goes by a CPU clock; NULL: by the monotonic one; immutable
	struct timer_follower *follower;	// reference: it may wait for times of the real-time clock; immutable
	struct signal_source *source;	// reference: of a POSIX timer; NULL: an interval timer; immutable
	struct process *process;	// reference; immutable
	struct thread *thread;		// reference: SIGEV_THREAD_ID; NULL: the process; immutable
	// reference: of timer_create's caller, whose RLIMIT_SIGPENDING counts it; or NULL
	struct user_account *account;
	u32 signal;			// 0: none (SIGEV_NONE); immutable
	s32 code;			// SI_KERNEL (alarm) or SI_TIMER; immutable
	u32 id;				// immutable
	s32 clock;			// of timer_create; immutable
	u64 value;			// sigev_value; immutable
	struct spinlock lock;
	u64 deadline_ns GUARDED_BY(lock);	// 0: not armed
	u64 interval_ns GUARDED_BY(lock);
	u32 is_resting GUARDED_BY(lock);	// deadline_ns has passed, the signal was sent and is not yet taken
	u32 overrun GUARDED_BY(lock);		// expirations beside the one that the last signal told of
	u32 follows GUARDED_BY(lock);		// deadline_ns is a time of the real-time clock
	u64 offset_ns GUARDED_BY(lock);		// of that clock: by which deadline_ns was made
	u32 is_ended GUARDED_BY(lock);		// deleted: who still has it arms it no more
};
DECLARE_OBJECT(signal_timer)
struct timer_setting {
	u64 value_ns, interval_ns;	// value: left until the next expiration; 0: not armed
};
struct timer_setting signal_timer_read(struct signal_timer *t);
// deadline 0 disarms. The old setting in *old. In nanoseconds of its clock: monotonic or CPU time.
struct timer_wish {
	u64 deadline_ns, interval_ns;
	u32 follows;	// the deadline is a time of the real-time clock, which may be set
};
void signal_timer_set(struct signal_timer *t, const struct timer_wish *wish borrowed,
	struct timer_setting *old borrowed);
u64 signal_timer_now(struct signal_timer *t);	// on its clock
u32 signal_timer_overrun(struct signal_timer *t);

// The interval timer of setitimer(ITIMER_REAL) and alarm(2): made on first use. NULL without memory.
struct signal_timer *process_real_timer(struct process *p) owned;
// The watch over its CPU time (cpu_timers.h): the existing one or NULL; made on first use, NULL without memory.
struct cpu_watch;
struct cpu_watch *process_cpu_watch(struct process *p) owned;
struct cpu_watch *process_cpu_watch_make(struct process *p) owned;
#define PROCESS_TIMERS_MAX 1024u
struct signal_event {
	struct thread *thread;	// borrowed
	u64 value;
	u32 signal;
	s32 clock;
};
// -EAGAIN at the limit, -ENOMEM
err_t process_timer_create(struct process *p, const struct signal_event *event borrowed, u32 *id borrowed);
struct signal_timer *process_timer_find(struct process *p, u32 id) owned;
// A thread of the process took a signal that a timer sent: info->overrun is what expired since, and the timer goes on.
void process_timer_signal_taken(struct process *p, struct signal_info *info borrowed);
err_t process_timer_delete(struct process *p, u32 id);
// execve: POSIX timers go, the interval timer stays.
void process_timers_exec(struct process *p);
