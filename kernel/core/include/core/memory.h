// SPDX-License-Identifier: MPL-2.0
// Memory as a whole: totals, pressure, and the hooks by which services give memory back.
#pragma once
#include <core/error.h>

struct memory_totals {
	u64 total_pages, free_pages, data_pages, slab_pages, slab_reclaimable_pages, stack_pages,
		page_table_pages, reserved_pages, buffer_pages;
};
struct memory_totals memory_read_totals(void);

struct memory_pressure_ops {
	// Frees about `pages` pages if it can; returns how many. May sleep unless `atomic`.
	u64 (*reclaim)(u64 pages, u32 flags);
	// Nothing was left to reclaim: choose and kill a task. True when one was killed or is dying.
	bool (*out_of_memory)(void);
};
// Empty slabs and unused kernel stacks go back to the page allocator; pages. => not atomic
u64 memory_give_back(void);
void memory_pressure_register(const struct memory_pressure_ops *ops);
// Objects in use and allocated per slab cache for /proc/slabinfo: index from 0 until false.
struct slab_info {
	u8 name[32];
	u64 object_size, objects_used, objects_total, pages;
};
bool memory_slab_info(u32 index, struct slab_info *out borrowed);
