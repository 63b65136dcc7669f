// SPDX-License-Identifier: MPL-2.0
// A user address space as the processor sees it. The vm service decides what is mapped; this object
// maps it, and keeps a reference and a map_count on every mapped page. User addresses only.
// Callers serialise by address range (the vm service holds its space lock); the object's own lock
// protects its tree. Entries that are taken away are gathered in a tlb_batch: their pages are put
// only after every CPU has forgotten them.
#pragma once
#include <core/page.h>
#include <core/object.h>

#define USER_TOP 0x00007ffffffff000ul // first address above user space
#define USER_BOTTOM 0x10000ul	      // mmap_min_addr

enum page_protection {
	PAGE_READ = 1 << 0,
	PAGE_WRITE = 1 << 1,
	PAGE_EXECUTE = 1 << 2,
	PAGE_NONE = 0,
	PAGE_SOFT_COW = 1 << 4,	     // software bit kept for the vm service
	PAGE_UNCACHED = 1 << 5,
	// Two software bits that say what kind of page is mapped; kept through protect, copy and move,
	// and counted by page_table_mapped(). 0: anonymous, both: not counted (zero page, vDSO).
	PAGE_SOFT_FILE = 1 << 6,
	PAGE_SOFT_SHARED = 1 << 7
};

struct page_table;
DECLARE_OBJECT(page_table)
struct page_table *page_table_create(void) owned; // NULL without memory

struct stack_only tlb_batch {
	core_private struct page_table *__table;
	core_private u64 __start, __end;
	core_private u32 __count;
	core_private u32 __full;
	core_private struct page *__pages[32];
};
void tlb_batch_begin(struct tlb_batch *b borrowed, struct page_table *t borrowed);
// Flushes and puts the pages. => takes no lock; interrupts on
void tlb_batch_end(struct tlb_batch *b borrowed);

// Maps one page; takes a reference. -EEXIST when an entry is there, -ENOMEM without a table page.
err_t page_table_map(struct page_table *t borrowed, u64 address, struct page *p, u32 protection);
// Maps `count` consecutive pages at once (fault-around): slot i at address + i * PAGE_SIZE, all within
// one 2 MiB-aligned block (one table page). Takes over the references in the slots and clears them; a slot that
// is NULL or whose entry is present is passed over (its reference dropped). -ENOMEM: none was mapped.
#define PAGE_GROUP_MAX 16
struct stack_only page_group {
	struct page *page[PAGE_GROUP_MAX]; // references or NULL
};
err_t page_table_map_group(
	struct page_table *t borrowed, u64 address, struct page_group *g borrowed, u32 count, u32 protection);
// Replaces the entry at `address` (copy on write) by p in one step if it still maps `expected`; -EAGAIN if not
// (another thread's fault was faster).
err_t page_table_replace(struct page_table *t borrowed, u64 address, const struct page *expected borrowed,
	struct page *p, u32 protection, struct tlb_batch *b borrowed);
// Removes all entries of [start, end).
void page_table_unmap(struct page_table *t borrowed, u64 start, u64 end, struct tlb_batch *b borrowed);
// Removes the entry at `address` only if it maps `p` (one step under the table's lock, so that reclaim may
// call it without the space's lock). True when it did.
bool page_table_unmap_page(
	struct page_table *t borrowed, u64 address, const struct page *p borrowed, struct tlb_batch *b borrowed);
// Changes protection of what is mapped in [start, end); `set`/`clear` are protection bits.
void page_table_protect(
	struct page_table *t borrowed, u64 start, u64 end, u32 clear, u32 set, struct tlb_batch *b borrowed);

struct page_entry {
	struct page *page;	// borrowed while the caller serialises; NULL: nothing mapped
	u32 protection;
	u32 is_dirty;		// since last cleaned
	u32 is_accessed;
};
struct page_entry page_table_query(struct page_table *t borrowed, u64 address);
// The mapped page with a reference taken under the table's lock, for faults that run side by side; NULL: nothing
// is mapped.
struct page *page_table_get_page(struct page_table *t borrowed, u64 address, u32 *protection borrowed) owned;
// The next mapped address at or after `address` and below `end`; `end` if there is none.
u64 page_table_next(struct page_table *t borrowed, u64 address, u64 end);
// The next PAGE_ENTRIES_MAX mapped pages at most of [address, end), in order. => where to go on; `end`: that was all.
#define PAGE_ENTRIES_MAX 16u
struct page_entries {
	u32 count;
	struct page_entry entries[PAGE_ENTRIES_MAX];
};
u64 page_table_collect(struct page_table *t borrowed, u64 address, u64 end, struct page_entries *out borrowed);
// Clears dirty and/or accessed marks of one entry; returns what was there.
struct page_entry page_table_harvest(struct page_table *t borrowed, u64 address, u32 clear_dirty, u32 clear_accessed);
// fork: copies the entries of [start, end) from one table to the other. With `copy_on_write` set
// writable entries lose PAGE_WRITE on both sides and get PAGE_SOFT_COW. -ENOMEM leaves a partial copy.
err_t page_table_copy(struct page_table *to borrowed, struct page_table *from borrowed, u64 start, u64 end,
		      u32 copy_on_write, struct tlb_batch *b borrowed);
// mremap: moves the entries of [from, from + length) to `to`.
err_t page_table_move(struct page_table *t borrowed, u64 from, u64 to, u64 length, struct tlb_batch *b borrowed);
// Entries present by kind (protection & (PAGE_SOFT_FILE | PAGE_SOFT_SHARED)).
u64 page_table_mapped(const struct page_table *t borrowed, u32 kind);
// Pages used by the tables themselves.
u64 page_table_pages(const struct page_table *t borrowed);
// Every CPU on which t is loaded (NULL: every CPU) has passed a full memory barrier, and serialised its instruction
// stream before it goes on in user mode, when this returns. source: membarrier(2)
void page_table_barrier(struct page_table *t borrowed);
// Makes it the current task's address space (NULL: none); the task holds a reference.
void page_table_activate(struct page_table *t);
