// SPDX-License-Identifier: MPL-2.0
#pragma once

#include <core/types.h>

// Fills the area of one processor; raises arch_cpu_count() to include it.
void cpu_local_setup(u32 index, u32 apic_id);
// Counts this processor as running.
void cpu_local_online(void);
