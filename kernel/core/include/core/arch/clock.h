// SPDX-License-Identifier: MPL-2.0
// The machine's clock and one-shot timer, one per processor.
#pragma once

#include <core/types.h>

// Nanoseconds since boot, never going backwards on any processor. Callable anywhere, NMI included.
u64 arch_clock_ns(void);
const char *arch_clock_name(void);

// Arms this processor's timer for that time (past: fires at once); replaces the earlier deadline.
// Interrupts are disabled. ~0 disarms.
void arch_timer_set(u64 deadline_ns);

// Parameters by which user space can compute the clock from the time stamp counter:
// ns = base_ns + (u64)(((unsigned __int128)(tsc - base_tsc) * multiplier) >> 32), valid if `usable`.
struct arch_clock_user {
	u64 base_tsc;
	u64 base_ns;
	u64 multiplier;
	u32 usable;
};
void arch_clock_user(struct arch_clock_user *clock);
// Of the time stamp counter; 0 if unknown.
u64 arch_clock_tsc_khz(void);

// Seconds since 1970 from the battery-backed clock, or 0.
u64 arch_wall_clock_seconds(void);

// Waits by spinning; for hardware that needs it.
void arch_delay_ns(u64 ns);
