// SPDX-License-Identifier: MPL-2.0
// Signals between processors, and what the architecture's interrupt paths ask of the core.
#pragma once

#include <core/types.h>

// Makes processor `cpu` look at its reschedule flag: sets the flag, interrupts it if it is another one.
void arch_reschedule_cpu(u32 cpu);

// Runs `function(argument)` on every processor of `mask` (this one included if named), and waits for
// all. Interrupts must be enabled unless the mask names this processor alone. The function runs with
// interrupts disabled.
void arch_call_cpus(u64 mask, void (*function)(void *), void *argument);

// Stops all other processors for good (panic). Never waits for long.
void arch_stop_other_cpus(void);

// Whether this is an interrupt of user mode (for time accounting); false outside interrupts.
bool arch_interrupted_user(void);

// Called by the architecture with interrupts disabled, in interrupt context:
void core_timer_interrupt(void);        // the one-shot timer fired
void core_reschedule_interrupt(void);   // another processor asks this one to choose again: the flag is set
// Called with interrupts disabled when an interrupt returns to preemptible kernel code, or to user
// mode, while a reschedule is needed. Outside interrupt context; returns with interrupts disabled.
void core_preempt(void);

// A trap in kernel mode that nothing can repair. `frame_pointer` starts the back trace of the place.
// The core stops the task where it can prove the rest intact, else the machine. Registers have been
// printed by arch_trap_frame_print() (call it from there).
struct trap_frame;
no_return void core_trap_panic(const struct trap_frame *frame, const char *what, u64 rip, u64 frame_pointer);
void arch_trap_frame_print(const struct trap_frame *frame);
