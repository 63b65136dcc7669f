// SPDX-License-Identifier: MPL-2.0
// Private to paging/: the user page table object and the walks over it.
#pragma once

#include <core/arch/paging.h>
#include <core/lock.h>
#include <core/page_table.h>
#include <core/task.h>
#include "core/arch/x86_64/paging/entry.h"

struct page_table {
	struct object object;
	struct spinlock lock;           // the tree; not the processor's accessed and dirty marks
	u64 root;                       // physical; immutable
	u64 cpus;                       // processors that may hold translations: atomic
	u64 mapped[4];                  // leaf entries by kind; guarded by `lock`, read by anybody
	u64 pages;                      // tables in the tree, the root included; guarded by `lock`
};

enum { TABLE_STOCK = 3 };

// Table pages allocated ahead of a walk, since a walk holds the lock and cannot sleep.
struct table_stock {
	u32 count;
	u64 pages[TABLE_STOCK];
};

static inline u64 *table_words(u64 entry)
{
	return physical_to_virtual(entry & ENTRY_ADDRESS);
}

// Does the entry name a page, accessible or not?
static inline bool entry_is_mapped(u64 entry)
{
	return (entry & (ENTRY_PRESENT | ENTRY_SOFT_NONE)) != 0;
}

static inline u64 entry_load(const u64 *entry)
{
	return __atomic_load_n(entry, __ATOMIC_RELAXED);
}

#define KIND_BITS (PAGE_SOFT_FILE | PAGE_SOFT_SHARED)
_Static_assert(PAGE_SOFT_SHARED == 2 * PAGE_SOFT_FILE);

static inline u64 entry_make(u64 physical, u32 protection)
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

static inline u32 entry_kind(u64 entry)
{
	return (u32)(entry >> ENTRY_SOFT_KIND_SHIFT) & 3;
}

static inline u32 entry_protection(u64 entry)
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

struct page *entry_page(u64 entry);

// The leaf entry of `address`, or NULL where no leaf table exists. With the lock held.
u64 *table_find(struct page_table *t, u64 address);
// The same, making tables from the stock; NULL when the stock is too small.
u64 *table_reach(struct page_table *t, u64 address, struct table_stock *stock);
// One more page for the stock. -ENOMEM. => may sleep
err_t table_stock_fill(struct table_stock *stock);
void table_stock_drop(struct table_stock *stock);
// The leaf entry of the first address at or after *address, and below `end`, that has a leaf table;
// *address moves there. NULL, and *address is `end`, if there is none. With the lock held.
u64 *table_next(struct page_table *t, u64 *address, u64 end);

#define LEAF_SPAN (1UL << 21)

// Where the leaf table that covers `address` stops, or `end` if that comes first.
static inline u64 leaf_end(u64 address, u64 end)
{
	u64 boundary = (address & ~(LEAF_SPAN - 1)) + LEAF_SPAN;
	return boundary < end ? boundary : end;
}

// Sets an entry that was empty, or empties one that was not, and keeps the leaf's count of entries.
void entry_fill(u64 *entry, u64 value);
// True when the leaf is now empty: see table_prune().
bool entry_clear(u64 *entry);
// The same for leaf entries, with the table's counts by kind.
void leaf_fill(struct page_table *t, u64 *entry, u64 value);
bool leaf_clear(struct page_table *t, u64 *entry, u64 *old);
// For runs of entries in one leaf table: changes are counted on the stack and booked once. The entries
// themselves are stored by the caller.
struct leaf_totals {
	u32 kinds[4];
	u32 entries;
};
static inline void leaf_totals_note(struct leaf_totals *totals, u64 entry)
{
	totals->kinds[entry >> ENTRY_SOFT_KIND_SHIFT & 3]++;
	totals->entries++;
}
void leaf_totals_add(struct page_table *t, const u64 *leaf, const struct leaf_totals *totals);
// True when the leaf is now empty.
bool leaf_totals_subtract(struct page_table *t, const u64 *leaf, const struct leaf_totals *totals);
// Takes empty tables above `address` out of the tree; they go with the batch.
void table_prune(struct page_table *t, u64 address, struct tlb_batch *b);

// Room for one data page and for the tables of one prune.
enum { BATCH_ROOM = 4 };
static inline bool batch_is_full(const struct tlb_batch *b)
{
	return b->__count + BATCH_ROOM > array_len(b->__pages);
}
static inline void batch_add_range(struct tlb_batch *b, u64 start, u64 end)
{
	b->__start = start < b->__start ? start : b->__start;
	b->__end = end > b->__end ? end : b->__end;
}
static inline void batch_add_page(struct tlb_batch *b, struct page *page)
{
	b->__pages[b->__count++] = page;
}
void batch_add_table(struct tlb_batch *b, u64 physical);
// Forgets translations everywhere, then gives back the pages; the batch is empty and goes on.
void batch_flush(struct tlb_batch *b);

// Makes `t` the loaded address space of this processor. Interrupts disabled.
void page_table_load(struct page_table *t);
// Drops the address space of a task that does not run.
void page_table_release(struct task *task);
// This processor stops using `t`, if it still does. Interrupts disabled.
void page_table_unload(struct page_table *t);
