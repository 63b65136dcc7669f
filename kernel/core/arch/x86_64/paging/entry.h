// SPDX-License-Identifier: MPL-2.0
// Page-table entries as the processor reads them.
#pragma once

#include <core/types.h>

#define ENTRY_PRESENT           (1UL << 0)
#define ENTRY_WRITE             (1UL << 1)
#define ENTRY_USER              (1UL << 2)
#define ENTRY_PWT               (1UL << 3)
#define ENTRY_PCD               (1UL << 4)
#define ENTRY_ACCESSED          (1UL << 5)
#define ENTRY_DIRTY             (1UL << 6)
#define ENTRY_LARGE             (1UL << 7)      // in levels 1 and 2: maps memory, not a table
#define ENTRY_GLOBAL            (1UL << 8)
#define ENTRY_SOFT_COW          (1UL << 9)      // the vm service's
#define ENTRY_SOFT_NONE         (1UL << 10)     // mapped without any access: not present, but here
#define ENTRY_SOFT_KIND_SHIFT   52              // two bits: what the services map there
#define ENTRY_NO_EXECUTE        (1UL << 63)
#define ENTRY_ADDRESS           0x000ffffffffff000UL

// With the PAT that cpu/features.c loads.
#define ENTRY_CACHE_WRITE_COMBINE ENTRY_PWT
#define ENTRY_CACHE_DEVICE      (ENTRY_PWT | ENTRY_PCD)

#define ENTRY_TABLE             (ENTRY_PRESENT | ENTRY_WRITE)
#define ENTRY_COUNT             512

// Levels: 0 maps 4 KiB, 1 2 MiB, 2 1 GiB, 3 512 GiB.
static inline u32 level_shift(u32 level)
{
	return 12 + 9 * level;
}

static inline u64 level_size(u32 level)
{
	return 1UL << level_shift(level);
}

static inline u32 level_index(u64 address, u32 level)
{
	return (u32)(address >> level_shift(level)) & (ENTRY_COUNT - 1);
}
