// SPDX-License-Identifier: MPL-2.0
// The life of one timer that sends a signal; for the table of a process's timers.
#pragma once
#include <linux_abi/time/process_timers.h>

// SIGALRM by the monotonic clock. NULL without memory.
struct signal_timer *signal_timer_create(struct process *p) owned;
// Makes a POSIX timer of it, by its clock. -EINVAL, -ENOMEM. What it has begun signal_timer_end() ends.
err_t signal_timer_begin(struct signal_timer *t);
void signal_timer_end(struct signal_timer *t consumes);
// Its signal was taken: what expired since it was sent is the overrun; the next time is awaited.
u32 signal_timer_go_on(struct signal_timer *t);
