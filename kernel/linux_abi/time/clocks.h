// SPDX-License-Identifier: MPL-2.0
// Linux's clocks and the layouts of times. source: clock_gettime(2), time_namespaces(7)
#pragma once
#include <core/time.h>
#include <core/user.h>
#include <core/wait.h>

enum clock_number : s32 {
	CLOCK_REALTIME = 0,
	CLOCK_MONOTONIC = 1,
	CLOCK_PROCESS_CPUTIME = 2,
	CLOCK_THREAD_CPUTIME = 3,
	CLOCK_MONOTONIC_RAW = 4,
	CLOCK_REALTIME_COARSE = 5,
	CLOCK_MONOTONIC_COARSE = 6,
	CLOCK_BOOTTIME = 7,
	CLOCK_REALTIME_ALARM = 8,
	CLOCK_BOOTTIME_ALARM = 9,
	CLOCK_TAI = 11
};
// What a CPU clock counts, as its number says.
enum cpu_clock_kind { CPU_CLOCK_PROFILE, CPU_CLOCK_VIRTUAL, CPU_CLOCK_SCHED };
bool clock_is_cpu(s32 clock);	// by its number
struct process;
struct thread;
// Whose it is: references; the thread NULL for the clock of a whole process. -EINVAL
err_t cpu_clock_find(s32 clock, struct process **process borrowed, struct thread **thread borrowed);
u64 cpu_clock_used(struct process *p, struct thread *t, u32 kind);	// t NULL: all of p
u32 cpu_clock_kind_of(s32 clock);
struct time_spec {
	u64 seconds, nanoseconds;
};
struct time_value {
	u64 seconds, microseconds;
};
// The clock's time as the caller's time namespace sees it. -EINVAL for a clock that there is not.
err_t clock_read(s32 clock, u64 *ns borrowed);
// Can one sleep by it or set a timer on it?
bool clock_is_timer(s32 clock);
// A clock's absolute time as a deadline of the monotonic clock of the kernel.
u64 clock_deadline(s32 clock, u64 at_ns);
// Reads a time and checks it. Beyond 292 years: DEADLINE_NEVER. -EFAULT, -EINVAL
err_t time_spec_read(user_addr_t from, u64 *ns borrowed);
err_t time_spec_write(user_addr_t to, u64 ns);
err_t time_value_read(user_addr_t from, u64 *ns borrowed);
err_t time_value_write(user_addr_t to, u64 ns);
struct time_spec time_spec_of(u64 ns);
// The real-time clock was set: timers that asked for it are cancelled, those that wait for one of its times follow it.
void clock_was_set(void);
// Sets it for the caller. -EPERM, -EINVAL
s64 clock_set_checked(u64 ns);
void clock_forget_quality(void);	// for clock_was_set(): how good it was is not known any more
// Sleeps until a clock's absolute time, wherever the real-time clock is set meanwhile. OK at that time, -ERESTARTSYS.
err_t clock_sleep_until(s32 clock, u64 at_ns);

// A timer that waits for a time of the real-time clock. Base type; who has it begins and ends it.
struct clock_follower {
	struct object object;
	struct list_link link;		// the list of all; its lock
	// Deadlines are to be made anew (clock_deadline_moved). Under a spinlock: must not sleep. Immutable.
	void (*clock_set)(struct clock_follower *f);
};
DECLARE_OBJECT(clock_follower)
DEFINE_LIST(clock_follower_list, clock_follower, link)
void clock_follow(struct clock_follower *f);
void clock_follow_no_more(struct clock_follower *f);	// afterwards it is not called any more
// A time of the real-time clock as a deadline, with its offset from the monotonic one. Never 0.
u64 clock_deadline_by(u64 at_ns, u64 offset_ns);
// A deadline made with *offset_ns by the present one, which is stored. Never 0, nor beyond DEADLINE_NEVER - 1.
u64 clock_deadline_moved(u64 deadline_ns, u64 *offset_ns borrowed);
// Now plus a length, without wrapping.
u64 clock_deadline_after(u64 ns);
