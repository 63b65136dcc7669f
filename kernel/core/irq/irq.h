// SPDX-License-Identifier: MPL-2.0
// Private to the core: from a vector to its handlers.
#pragma once

#include <core/device_memory.h>

enum interrupt_origin {
	INTERRUPT_FROM_KERNEL,
	INTERRUPT_FROM_USER,
};

// Handles one interrupt and acknowledges it. Interrupts disabled.
void interrupt_handle(u32 vector, enum interrupt_origin origin);
void interrupt_nmi(void);

// Vectors for devices: `line` is what irq_read_count() shows. 0: none left.
u32 vector_allocate(u32 line);
void vector_free(u32 vector);
// Puts an action on a vector's list, takes it off (and waits until it runs nowhere).
void vector_attach(u32 vector, struct irq_action *action);
void vector_detach(u32 vector, struct irq_action *action);
