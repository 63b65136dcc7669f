// SPDX-License-Identifier: MPL-2.0
#pragma once

#include <core/types.h>

// Interrupts every processor of the mask, this one excepted.
void ipi_send_mask(u64 mask, u32 vector);
// One bit for each running processor.
u64 ipi_online_mask(void);
void ipi_set_online(u32 cpu);
// On the receiving side.
void ipi_call_handle(void);
// True in an NMI that arch_stop_other_cpus() sent.
bool ipi_stop_requested(void);
