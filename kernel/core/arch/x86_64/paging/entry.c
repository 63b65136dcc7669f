// SPDX-License-Identifier: MPL-2.0
// Leaf entries: from protection to bits and back; reference counts of what they name.
#include "core/arch/x86_64/paging/table.h"
#include <core/arch/core_memory.h>

struct page *entry_page(u64 entry)
{
	return page_of_frame((entry & ENTRY_ADDRESS) >> PAGE_SHIFT);
}

// A table page's own record counts its entries in use, so that emptiness needs no scan.
static struct atomic_u32 *table_count(const u64 *entry)
{
	return &page_of_frame(virtual_to_physical(entry) >> PAGE_SHIFT)->map_count;
}

void entry_fill(u64 *entry, u64 value)
{
	struct atomic_u32 *count = table_count(entry);
	atomic_u32_store_relaxed(count, atomic_u32_load_relaxed(count) + 1);
	__atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

bool entry_clear(u64 *entry)
{
	struct atomic_u32 *count = table_count(entry);
	u32 left = atomic_u32_load_relaxed(count) - 1;
	atomic_u32_store_relaxed(count, left);
	__atomic_store_n(entry, 0, __ATOMIC_RELEASE);
	return left == 0;
}

void leaf_fill(struct page_table *t, u64 *entry, u64 value)
{
	entry_fill(entry, value);
	t->mapped[entry_kind(value)]++;
}

bool leaf_clear(struct page_table *t, u64 *entry, u64 *old)
{
	*old = __atomic_exchange_n(entry, 0, __ATOMIC_SEQ_CST);
	t->mapped[entry_kind(*old)]--;
	return entry_clear(entry);
}

void leaf_totals_add(struct page_table *t, const u64 *leaf, const struct leaf_totals *totals)
{
	struct atomic_u32 *count = table_count(leaf);
	atomic_u32_store_relaxed(count, atomic_u32_load_relaxed(count) + totals->entries);
	for (u32 i = 0; i < array_len(totals->kinds); i++)
		t->mapped[i] += totals->kinds[i];
}

bool leaf_totals_subtract(struct page_table *t, const u64 *leaf, const struct leaf_totals *totals)
{
	struct atomic_u32 *count = table_count(leaf);
	u32 left = atomic_u32_load_relaxed(count) - totals->entries;
	atomic_u32_store_relaxed(count, left);
	for (u32 i = 0; i < array_len(totals->kinds); i++)
		t->mapped[i] -= totals->kinds[i];
	return left == 0;
}
