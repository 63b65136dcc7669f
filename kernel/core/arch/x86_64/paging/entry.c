// SPDX-License-Identifier: MPL-2.0
// Leaf entries: from protection to bits and back; reference counts of what they name.
#include "core/arch/x86_64/paging/table.h"
#include <core/arch/core_memory.h>

#define KIND_BITS (PAGE_SOFT_FILE | PAGE_SOFT_SHARED)
_Static_assert(PAGE_SOFT_SHARED == 2 * PAGE_SOFT_FILE);

u64 entry_make(u64 physical, u32 protection)
{
	u64 entry = physical | ENTRY_USER | ENTRY_ACCESSED;
	entry |= protection & (PAGE_READ | PAGE_WRITE | PAGE_EXECUTE) ? ENTRY_PRESENT : ENTRY_SOFT_NONE;
	entry |= protection & PAGE_WRITE ? ENTRY_WRITE : 0;
	entry |= protection & PAGE_EXECUTE ? 0 : ENTRY_NO_EXECUTE;
	entry |= protection & PAGE_SOFT_COW ? ENTRY_SOFT_COW : 0;
	entry |= protection & PAGE_UNCACHED ? ENTRY_CACHE_DEVICE : 0;
	entry |= (u64)(protection & KIND_BITS) / PAGE_SOFT_FILE << ENTRY_SOFT_KIND_SHIFT;
	return entry;
}

u32 entry_kind(u64 entry)
{
	return (u32)(entry >> ENTRY_SOFT_KIND_SHIFT) & 3;
}

u32 entry_protection(u64 entry)
{
	u32 protection = 0;
	if (entry & ENTRY_PRESENT) {
		protection |= PAGE_READ;
		protection |= entry & ENTRY_WRITE ? PAGE_WRITE : 0;
		protection |= entry & ENTRY_NO_EXECUTE ? 0 : PAGE_EXECUTE;
	}
	protection |= entry & ENTRY_SOFT_COW ? PAGE_SOFT_COW : 0;
	protection |= entry & ENTRY_PCD ? PAGE_UNCACHED : 0;
	return protection | entry_kind(entry) * PAGE_SOFT_FILE;
}

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
