// SPDX-License-Identifier: MPL-2.0
// Clocks and timers. All times are u64 nanoseconds.
#pragma once
#include <core/object.h>

#define NS_PER_SECOND 1000000000ul
#define NS_PER_MS 1000000ul
#define NS_PER_US 1000ul

u64 clock_monotonic_ns(void);		// since boot, never goes back, on any CPU
u64 clock_realtime_ns(void);		// since 1970
u64 clock_realtime_offset_ns(void);	// real time minus monotonic, modulo 2^64; changes when the clock is set
void clock_set_realtime_ns(u64 now_ns);
u64 clock_thread_cpu_ns(void);		// CPU time of the current task

// One-shot timers. `fire` runs in interrupt context of the CPU that set it (interrupts off): it must
// not sleep. A derived type holds what it needs (DEFINE_DERIVED(T, timer, ...)).
struct timer {
	struct object object;
	core_private struct tree_link __link;
	core_private u32 __cpu;
	core_private u32 __state;
	void (*fire)(struct timer *t); // immutable once set
};
DECLARE_OBJECT(timer)
// (Re)arms at a monotonic time; the armed timer holds a reference.
void timer_set(struct timer *t, u64 deadline_ns);
// False if it was not armed (it may be firing on another CPU right now).
bool timer_cancel(struct timer *t);
// Also waits until a running `fire` has returned. => not from the callback itself
bool timer_cancel_sync(struct timer *t);

// The data page that the vDSO reads (seqlock, TSC factors); mapped read-only into user space.
struct page;
struct page *clock_vdso_page(void);
