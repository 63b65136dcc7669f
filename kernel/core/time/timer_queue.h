// SPDX-License-Identifier: MPL-2.0
// The timers of each CPU, inside the core.
#pragma once

#include <core/list.h>
#include <core/task.h>

// Has the layout of struct timer from its __link on.
struct timer_node {
	struct tree_link link;	// guarded by the lock of the queue of `cpu`
	u32 cpu;		// changes under the lock of the old one
	u32 state;		// enum timer_state
};

enum timer_state {
	TIMER_IDLE,
	TIMER_ARMED,
	TIMER_SLEEPER = 0x10,	// flag: part of a struct sleep_timer
	TIMER_FOLLOWS = 0x20,	// flag: of one that follows the real-time clock
};

// Wakes a task; lives on the sleeper's stack.
struct sleep_timer {
	struct timer_node node;
	struct task *task;
	u32 fired;		// enum sleep_timer_news
	u64 offset_ns;		// one that follows: by which the deadline was made; immutable while armed
	struct sleep_timer *next, *previous;	// guarded by the lock of the queue
};
enum sleep_timer_news { SLEEP_TIMER_WAITS, SLEEP_TIMER_EXPIRED, SLEEP_TIMER_CLOCK_SET };
void sleep_timer_start(struct sleep_timer *t, u64 deadline_ns);
// By the real-time clock; `fired` becomes SLEEP_TIMER_CLOCK_SET when that is set meanwhile.
void sleep_timer_start_realtime(struct sleep_timer *t, u64 at_ns);
void sleep_timer_stop(struct sleep_timer *t);
// The offset of the real-time clock has changed: wakes who sleeps by it.
void sleep_timers_clock_set(void);

// Sees to it that this CPU's timer interrupt comes at `deadline_ns` or earlier. Interrupts are off.
void timer_queue_program(u64 deadline_ns);
