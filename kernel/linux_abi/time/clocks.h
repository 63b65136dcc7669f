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
// The real-time clock was set: timers that asked for it are cancelled.
void clock_was_set(void);
// Now plus a length, without wrapping.
u64 clock_deadline_after(u64 ns);
