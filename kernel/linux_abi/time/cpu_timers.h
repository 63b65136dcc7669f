// SPDX-License-Identifier: MPL-2.0
// Timers that count CPU time: setitimer(ITIMER_VIRTUAL, ITIMER_PROF), RLIMIT_CPU, and alarms: POSIX timers and sleeps
// on CPU clocks. A clock's timer asks at the earliest moment at which one can have expired; the answer is found by a
// thread of the process on its way to user mode, where the times can be read. A process that sleeps is not asked.
#pragma once
#include <linux_abi/time/process_timers.h>

enum cpu_timer_kind { CPU_TIMER_VIRTUAL, CPU_TIMER_PROFILE, CPU_TIMER_COUNT };
struct cpu_watch;
DECLARE_OBJECT(cpu_watch)
struct cpu_watch *cpu_watch_create(struct process *p) owned;
void cpu_watch_end(struct cpu_watch *w consumes);
struct process *cpu_watch_process(struct cpu_watch *w);	// borrowed
struct cpu_alarm;
void cpu_watch_join(struct cpu_watch *w, struct cpu_alarm *a);
void cpu_watch_leave(struct cpu_watch *w, struct cpu_alarm *a);
void cpu_watch_place(struct cpu_watch *w, struct cpu_alarm *a);	// its deadline was set
// -ENOMEM. The old setting in *old.
err_t cpu_timer_set(
	struct process *p, enum cpu_timer_kind kind, struct timer_setting setting, struct timer_setting *old borrowed);
err_t cpu_timer_read(struct process *p, enum cpu_timer_kind kind, struct timer_setting *out borrowed);
// Sends what has expired and arms the watch again; in a thread of the process.
void cpu_watch_check(struct process *p);

// An alarm on the CPU clock of a process or of one of its threads. Base type; whoever has it begins and ends it.
struct cpu_alarm {
	struct object object;
	struct list_link link;		// the watch's list of those on threads; its lock, as for the next two
	struct tree_link tree_link;	// the watch's others
	u32 is_joined;
	struct cpu_watch *watch;	// reference; set by cpu_alarm_begin
	struct thread *thread;		// reference or NULL: all of the process; likewise
	u32 kind;			// enum cpu_clock_kind; likewise
	struct atomic_u64 deadline_ns;	// of CPU time; 0: not armed
	// Has expired: sets another deadline, or 0. Under a spinlock: must not sleep. Immutable.
	void (*expire)(struct cpu_alarm *a, u64 used_ns);
};
DECLARE_OBJECT(cpu_alarm)
DEFINE_LIST(cpu_alarm_list, cpu_alarm, link)
DEFINE_TREE(cpu_alarm_tree, cpu_alarm, tree_link)
// -EINVAL: not a CPU clock, or of nobody, or of another process's thread. -ENOMEM
err_t cpu_alarm_begin(struct cpu_alarm *a, s32 clock);
void cpu_alarm_end(struct cpu_alarm *a);	// afterwards it is not called any more
void cpu_alarm_drop(struct cpu_alarm *a borrowed);	// what `begin` took; for release callbacks
u64 cpu_alarm_now(const struct cpu_alarm *a);	// => takes locks of the process
// After a deadline was set: sees to it that it is looked at. Likewise.
void cpu_alarm_check(struct cpu_alarm *a);
// clock_nanosleep(2): until the clock shows at_ns; what is left in *left_ns. OK, -ERESTARTSYS, -EINVAL, -ENOMEM
err_t cpu_clock_sleep(s32 clock, u64 at_ns, u64 *left_ns borrowed);
