// SPDX-License-Identifier: MPL-2.0
// Timers that count CPU time: setitimer(ITIMER_VIRTUAL, ITIMER_PROF) and RLIMIT_CPU. A clock's timer asks at the
// earliest moment at which one can have expired; the answer is found by a thread of the process on its way to user
// mode, where the times can be read.
#pragma once
#include <linux_abi/time/process_timers.h>

enum cpu_timer_kind { CPU_TIMER_VIRTUAL, CPU_TIMER_PROFILE, CPU_TIMER_COUNT };
struct cpu_watch;
DECLARE_OBJECT(cpu_watch)
struct cpu_watch *cpu_watch_create(struct process *p) owned;
void cpu_watch_end(struct cpu_watch *w consumes);
// -ENOMEM. The old setting in *old.
err_t cpu_timer_set(
	struct process *p, enum cpu_timer_kind kind, struct timer_setting setting, struct timer_setting *old borrowed);
err_t cpu_timer_read(struct process *p, enum cpu_timer_kind kind, struct timer_setting *out borrowed);
// Sends what has expired and arms the watch again; in a thread of the process.
void cpu_watch_check(struct process *p);
