// SPDX-License-Identifier: MPL-2.0
// Mappings in the kernel's own areas (core/arch/paging.h). Table pages are never freed: addresses
// there are reused for ever.
#include "core/arch/x86_64/boot/boot.h"
#include "core/arch/x86_64/paging/entry.h"
#include "core/arch/x86_64/paging/start.h"
#include "core/arch/x86_64/smp/flush.h"
#include <core/arch/paging.h>
#include <core/lock.h>

static struct spinlock kernel_lock = SPINLOCK_INIT(RANK_IRQ_LEAF);	// slabs grow under most other locks

static u64 *entry_find(u64 address)
{
	u64 *table = paging_kernel_table();
	for (u32 level = 3; level > 0; level--) {
		u64 entry = table[level_index(address, level)];
		if (!(entry & ENTRY_PRESENT) || (entry & ENTRY_LARGE))
			return NULL;
		table = physical_to_virtual(entry & ENTRY_ADDRESS);
	}
	return &table[level_index(address, 0)];
}

static u64 entry_flags(enum kernel_map_flags flags)
{
	u64 entry = ENTRY_PRESENT | ENTRY_GLOBAL | ENTRY_NO_EXECUTE | ENTRY_ACCESSED;
	entry |= flags & KERNEL_MAP_WRITE ? ENTRY_WRITE | ENTRY_DIRTY : 0;
	entry |= flags & KERNEL_MAP_DEVICE ? ENTRY_CACHE_DEVICE : 0;
	entry |= flags & KERNEL_MAP_WRITE_COMBINE ? ENTRY_CACHE_WRITE_COMBINE : 0;
	return entry;
}

err_t arch_kernel_map(u64 address, u64 physical, usize size, enum kernel_map_flags flags)
{
	u64 bits = entry_flags(flags);
	for (u64 at = 0; at < size; at += LAYOUT_PAGE_SIZE) {
		// Tables are allocated outside the lock; installing one is the only race, and is checked.
		u64 *table = paging_table_reach(address + at, &kernel_lock);
		if (!table)
			return -ENOMEM;
		__atomic_store_n(&table[level_index(address + at, 0)], (physical + at) | bits, __ATOMIC_RELEASE);
	}
	return OK;
}

void arch_kernel_unmap(u64 address, usize size)
{
	for (u64 at = 0; at < size; at += LAYOUT_PAGE_SIZE) {
		u64 *entry = entry_find(address + at);
		if (entry)
			__atomic_store_n(entry, 0, __ATOMIC_RELEASE);
	}
}

void arch_kernel_flush(u64 address, usize size)
{
	flush_kernel(address, address + size);
}

u64 arch_kernel_translate(u64 address)
{
	u64 *table = paging_kernel_table();
	for (u32 level = 3;; level--) {
		u64 entry = table[level_index(address, level)];
		if (!(entry & ENTRY_PRESENT))
			return ~0UL;
		if (level == 0 || (entry & ENTRY_LARGE)) {
			u64 mask = level_size(level) - 1;
			return ((entry & ENTRY_ADDRESS) & ~mask) | (address & mask);
		}
		table = physical_to_virtual(entry & ENTRY_ADDRESS);
	}
}
