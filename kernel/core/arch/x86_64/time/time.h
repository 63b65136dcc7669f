// SPDX-License-Identifier: MPL-2.0
// Private to the architecture: measuring and choosing clocks.
#pragma once

#include <core/types.h>

// Measures the time stamp counter and the APIC timer, chooses the clock. After ACPI and the APIC.
void time_setup(void);
// This processor's timer.
void time_setup_cpu(void);

// The timer fired: the core's handler, and what the clock itself needs. Interrupts disabled.
void time_interrupt(void);

// Both sides of a test whether two processors' counters agree: the boot processor and a new one call
// theirs at the same time.
void time_check_primary(void);
void time_check_secondary(void);

// A slower counter to measure against, whose read-out cannot run backwards for `span` of its ticks.
struct reference {
	const char *name;
	u64 (*read)(void);
	u64 frequency;
	u64 mask;
};
// HPET, ACPI timer or the PIT, in this order; false if there is none.
bool reference_find(struct reference *r);
// Only HPET and ACPI timer can go on as the machine's clock.
bool reference_is_steady(const struct reference *r);
