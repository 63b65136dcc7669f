// SPDX-License-Identifier: MPL-2.0
// The local interrupt controller of this processor, by registers in memory (xAPIC) or MSRs (x2APIC).
#pragma once

#include <core/types.h>

// Finds the mode and maps the registers: the boot processor, once. False: there is none.
bool apic_setup(void);
// Enables this processor's: after apic_setup().
void apic_setup_cpu(void);
bool apic_is_present(void);
u32 apic_id(void);
void apic_end_of_interrupt(void);
// Waits until the controller took it; interrupts disabled.
void apic_send(u32 target, u32 vector);
void apic_send_nmi(u32 target);
void apic_send_init(u32 target);
void apic_send_startup(u32 target, u32 page);

// The timer counts down from `count` at the frequency that time/ measured; 0 stops it.
void apic_timer_start(u32 count);
u32 apic_timer_read(void);
// TSC-deadline mode instead of counting.
void apic_timer_use_deadline(void);
