// SPDX-License-Identifier: MPL-2.0
// Buddy arithmetic over an array of page records. Pure: no locks, no hardware; the caller serialises.
#pragma once

#include <core/page.h>

enum {
	BUDDY_ORDER_MAX = 10,		// 4 MiB
	BUDDY_BLOCK_ORDER = 9,		// 2 MiB: the unit that is typed
};

// What a 2 MiB block is for. A block gets its kind at its first use and keeps it for ever.
enum page_kind {
	PAGE_KIND_NONE,			// record: no memory, or not the allocator's; block: not typed yet
	PAGE_KIND_KERNEL,		// page tables, slabs, stacks
	PAGE_KIND_DATA,			// user memory, file content, buffers
	PAGE_KIND_COUNT
};

// page.__kind of an allocated page is its kind; the first page of a run or of a free block also tells the
// order, so that a wrong order at free is found.
#define PAGE_FREE_MARK 0x100u
// Of a single page in use: charged to the account PAGE_OWNER_SHIFT bits up, as a socket's if that is marked.
#define PAGE_OWNER_SOCKET 0x200u
#define PAGE_OWNER_SHIFT 12
#define PAGE_RUN(kind, order) ((u32)(kind) | (order) << 4)
#define PAGE_FREE(kind, order) (PAGE_FREE_MARK | PAGE_RUN(kind, order))

DEFINE_LIST(page_free_list, page, lru)

struct buddy {
	struct page *records;		// immutable after creation
	u64 frame_count;		// immutable after creation
	u8 *block_kinds;		// one for each 2 MiB, enum page_kind
	struct page_free_list free[PAGE_KIND_COUNT][BUDDY_ORDER_MAX + 1];
	u32 not_empty[PAGE_KIND_COUNT];	// bit per order
	u64 free_pages[PAGE_KIND_COUNT];
	u64 typed_blocks[PAGE_KIND_COUNT];
	u64 kernel_blocks_min;		// blocks that data may not take from the kernel's future use
};

void buddy_init(struct buddy *b, struct page *records, u64 frame_count, u8 *block_kinds);
// Gives the frames [start, end) to the allocator, once each.
void buddy_add(struct buddy *b, u64 start, u64 end);
// A block of 2^order pages below frame `limit`, its records marked with `kind`. NULL without one.
struct page *buddy_take(struct buddy *b, enum page_kind kind, u32 order, u64 limit);
void buddy_give(struct buddy *b, struct page *first, u32 order);

// The block that a block of this order merges with, and where the two together begin.
static inline u64 buddy_other(u64 frame, u32 order)
{
	return frame ^ (1ul << order);
}
static inline u64 buddy_joined(u64 frame, u32 order)
{
	return frame & ~(1ul << order);
}
// The order of the largest block that begins at `start` and ends by `end`, which is above it.
static inline u32 buddy_order_at(u64 start, u64 end)
{
	u32 order = start ? (u32)__builtin_ctzl(start) : BUDDY_ORDER_MAX;

	order = min(order, (u32)BUDDY_ORDER_MAX);
	while (1ul << order > end - start)
		order--;
	return order;
}

static inline u64 buddy_frame(const struct buddy *b, const struct page *p)
{
	return (u64)(p - b->records);
}
