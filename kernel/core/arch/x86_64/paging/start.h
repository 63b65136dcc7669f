// SPDX-License-Identifier: MPL-2.0
// Private to the architecture: the kernel's own page table.
#pragma once

#include <core/types.h>

enum { KERNEL_SLOT_MAX = 128 };

// Builds the direct map and the image's final mappings, and switches to them. Boot processor only.
void paging_start(void);

// Physical address of the kernel's root table: what a processor without a user address space runs on.
u64 paging_kernel_root(void);

// Copies the kernel's top-level entries into a zeroed root table.
void paging_copy_kernel(u64 *root);

// A few device registers or firmware table bytes, mapped for good in the architecture's window,
// whatever their alignment. NULL when the window is full. Before and after core_start().
void *paging_window_map(u64 physical, u64 size, u64 cache);

// The kernel's root table.
u64 *paging_kernel_table(void);
// The leaf table that covers a kernel address, made on the way if needed; NULL without memory. Tables
// are installed under `lock`.
struct spinlock;
u64 *paging_table_reach(u64 address, struct spinlock *lock);
