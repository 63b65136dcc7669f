// SPDX-License-Identifier: MPL-2.0
#pragma once

#include <core/types.h>

// Fills the one interrupt descriptor table; before paging_start(), while code is still writable:
// it also takes the SMAP instructions out of the entry code where the processor has none.
void trap_setup_table(void);
// Loads descriptor tables, task state and system call registers of this processor.
void trap_setup_cpu(u32 index);
// Emergency stacks of a processor other than the first; false without memory.
bool trap_prepare_cpu(u32 index);
