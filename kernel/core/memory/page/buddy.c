// SPDX-License-Identifier: MPL-2.0
// The buddy allocator.
//
// Theory: a free block of 2^n pages starts at a multiple of 2^n and is listed at its first page's
// record. Its buddy is the block whose number differs in bit n; two free buddies merge. Each 2 MiB
// block has a kind. Blocks without one wait in the lists of PAGE_KIND_NONE; the first request that
// its own kind's lists cannot serve types one, for ever. Thus memory that has held kernel objects
// never holds data, and the other way round: a stale view of data can spoil data, never types.
// Data may not type the last blocks (kernel_blocks_min), else a full page cache would leave no
// memory for page tables.
#include "core/memory/page/buddy.h"

void buddy_init(struct buddy *b, struct page *records, u64 frame_count, u8 *block_kinds)
{
	*b = (struct buddy){ .records = records, .frame_count = frame_count, .block_kinds = block_kinds };
}

static void block_insert(struct buddy *b, struct page *p, u32 kind, u32 order)
{
	p->__kind = PAGE_FREE(kind, order);
	page_free_list_push(&b->free[kind][order], p);
	b->not_empty[kind] |= 1u << order;
	b->free_pages[kind] += 1ul << order;
}

static void block_remove(struct buddy *b, struct page *p, u32 kind, u32 order)
{
	struct page_free_list *l = &b->free[kind][order];

	page_free_list_remove(l, p);
	if (page_free_list_is_empty(l))
		b->not_empty[kind] &= ~(1u << order);
	b->free_pages[kind] -= 1ul << order;
}

// The smallest free block of at least `order` below `limit`; its order in *found.
static struct page *block_find(struct buddy *b, u32 kind, u32 order, u64 limit, u32 *found)
{
	u32 mask = b->not_empty[kind] >> order << order;

	for (; mask; mask &= mask - 1) {
		u32 n = (u32)__builtin_ctz(mask);

		list_for_each(page_free_list, p, &b->free[kind][n]) {
			if (buddy_frame(b, p) + (1ul << order) <= limit) {
				*found = n;
				return p;
			}
		}
	}
	return NULL;
}

static void block_set_kind(struct buddy *b, u64 frame, u32 order, enum page_kind kind)
{
	for (u64 i = frame >> BUDDY_BLOCK_ORDER; i < (frame + (1ul << order) + 511) >> BUDDY_BLOCK_ORDER; i++) {
		b->block_kinds[i] = (u8)kind;
		b->typed_blocks[kind]++;
		b->typed_blocks[PAGE_KIND_NONE]--;
	}
}

// Moves an untyped block of at least 2 MiB into the lists of `kind`.
static bool block_type(struct buddy *b, enum page_kind kind, u32 order, u64 limit)
{
	u32 want = order > BUDDY_BLOCK_ORDER ? order : BUDDY_BLOCK_ORDER, found = 0;
	u64 blocks = 1ul << (want - BUDDY_BLOCK_ORDER);

	if (kind == PAGE_KIND_DATA &&
	    b->typed_blocks[PAGE_KIND_KERNEL] + b->typed_blocks[PAGE_KIND_NONE] < b->kernel_blocks_min + blocks)
		return false;
	struct page *p = block_find(b, PAGE_KIND_NONE, want, limit, &found);

	if (!p)
		return false;
	block_remove(b, p, PAGE_KIND_NONE, found);
	if (found > want)
		block_insert(b, p + (1ul << want), PAGE_KIND_NONE, want);
	block_set_kind(b, buddy_frame(b, p), want, kind);
	block_insert(b, p, kind, want);
	return true;
}

struct page *buddy_take(struct buddy *b, enum page_kind kind, u32 order, u64 limit)
{
	u32 found = 0;
	struct page *p = block_find(b, kind, order, limit, &found);

	if (!p && block_type(b, kind, order, limit))
		p = block_find(b, kind, order, limit, &found);
	if (!p)
		return NULL;
	block_remove(b, p, kind, found);
	while (found > order) {
		found--;
		block_insert(b, p + (1ul << found), kind, found);
	}
	for (u64 i = 0; i < 1ul << order; i++)
		p[i].__kind = kind;
	p->__kind = PAGE_RUN(kind, order);
	return p;
}

void buddy_give(struct buddy *b, struct page *first, u32 order)
{
	u64 frame = buddy_frame(b, first);

	if (__unlikely(frame >= b->frame_count || order > BUDDY_ORDER_MAX || frame & ((1ul << order) - 1)))
		core_trap();
	u32 kind = b->block_kinds[frame >> BUDDY_BLOCK_ORDER];

	if (__unlikely(first->__kind != PAGE_RUN(kind, order)))
		core_trap();
	for (u64 i = 0; i < 1ul << order; i++)
		first[i].__kind = PAGE_KIND_NONE;
	for (; order < BUDDY_ORDER_MAX; order++) {
		u64 other = buddy_other(frame, order);

		if (other >= b->frame_count || b->records[other].__kind != PAGE_FREE(kind, order))
			break;
		block_remove(b, b->records + other, kind, order);
		b->records[other].__kind = PAGE_KIND_NONE;
		frame = buddy_joined(frame, order);
	}
	block_insert(b, b->records + frame, kind, order);
}

void buddy_add(struct buddy *b, u64 start, u64 end)
{
	while (start < end) {
		u32 order = buddy_order_at(start, end);

		if (order >= BUDDY_BLOCK_ORDER) {
			b->typed_blocks[PAGE_KIND_NONE] += 1ul << (order - BUDDY_BLOCK_ORDER);
			block_insert(b, b->records + start, PAGE_KIND_NONE, order);
		} else {
			// Edges of memory: blocks of which a part is missing are the kernel's.
			u8 *kind = &b->block_kinds[start >> BUDDY_BLOCK_ORDER];

			if (*kind == PAGE_KIND_NONE) {
				*kind = PAGE_KIND_KERNEL;
				b->typed_blocks[PAGE_KIND_KERNEL]++;
			}
			for (u64 i = 0; i < 1ul << order; i++)
				b->records[start + i].__kind = *kind;
			b->records[start].__kind = PAGE_RUN(*kind, order);
			buddy_give(b, b->records + start, order);
		}
		start += 1ul << order;
	}
}
