// SPDX-License-Identifier: MPL-2.0
#pragma once

#include <core/types.h>

// Fills the area of one processor; raises arch_cpu_count() to include it.
void cpu_local_setup(u32 index, u32 apic_id);
// Lowers arch_cpu_count() to `count`: areas above were set up for processors that never came.
void cpu_local_limit(u32 count);
// Counts this processor as running.
void cpu_local_online(void);
