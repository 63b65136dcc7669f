// SPDX-License-Identifier: MPL-2.0
// The I/O interrupt controllers: lines to vectors. And the old controller, which stays silent.
#pragma once

#include <core/types.h>

struct interrupt_source;

// Maps one controller and masks all its lines. False: table full or not mappable.
bool io_apic_add(u64 physical, u32 first_line);
// Sends a line to a vector on the processor with that APIC id, unmasked. False: no such line.
bool io_apic_route(const struct interrupt_source *source, u32 vector, u32 target);
// Remaps and masks the two 8259 chips.
void legacy_pic_silence(void);
