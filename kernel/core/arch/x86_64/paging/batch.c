// SPDX-License-Identifier: MPL-2.0
// The batch of what a change of mappings took away: a range to forget, and pages to give back once
// every processor has. Table pages are told from data pages by the lowest bit of their record's address.
#include "core/arch/x86_64/paging/table.h"
#include "core/arch/x86_64/smp/flush.h"
#include <core/arch/core_memory.h>

enum { TABLE_MARK = 1 };

void tlb_batch_begin(struct tlb_batch *b, struct page_table *t)
{
	b->__table = t;
	b->__start = U64_MAX;
	b->__end = 0;
	b->__count = 0;
	b->__full = 0;
}

void batch_add_table(struct tlb_batch *b, u64 physical)
{
	b->__full = 1;
	b->__pages[b->__count++] = (struct page *)((u64)page_of_frame(physical >> PAGE_SHIFT) | TABLE_MARK);
}

void batch_flush(struct tlb_batch *b)
{
	if (b->__full)
		flush_table(b->__table, 0, U64_MAX);
	else if (b->__start < b->__end)
		flush_table(b->__table, b->__start, b->__end);
	for (u32 i = 0; i < b->__count; i++) {
		u64 page = (u64)b->__pages[i];
		if (page & TABLE_MARK)
			core_table_page_free(page_dma_address((struct page *)(page & ~(u64)TABLE_MARK)));
		else
			page_put(b->__pages[i]);
	}
	tlb_batch_begin(b, b->__table);
}

void tlb_batch_end(struct tlb_batch *b)
{
	batch_flush(b);
}
