// SPDX-License-Identifier: MPL-2.0
#include <core/arch/core_memory.h>
#include <core/once.h>

enum { ORDER_MAX = 10 };	// the longest run of pages: 4 MiB

static u32 order_of(usize bytes)
{
	u32 order = 0;

	while ((PAGE_SIZE << order) < bytes)
		order++;
	return order;
}

void *__boot_table_alloc(usize row_bytes, u32 *count)
{
	u32 rows = 1;

	while (rows <= *count / 2 && 2 * rows * row_bytes <= PAGE_SIZE << ORDER_MAX)
		rows *= 2;
	for (; rows; rows /= 2) {
		void *memory = kernel_pages_alloc(order_of(rows * row_bytes));

		if (memory) {
			*count = rows;
			return memory;
		}
	}
	core_trap();
}
