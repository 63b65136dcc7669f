// SPDX-License-Identifier: MPL-2.0
// Byte buffers.
//
// Theory: services may hold a `struct buf *` after it was freed by mistake. What they read then must
// still be a length and an address that fit each other, although the two are read one after the other.
// So a buffer's header belongs for ever to one size class: small classes have their bytes right behind
// the header, at an address that never changes; large ones (a power of two of pages) point to a run of
// data pages of exactly the class's order. Any length and any address ever found in a header of one
// class go together. Only data pages are behind large buffers, so stale bytes can spoil data, not types.
#include <core/arch/core_memory.h>
#include <core/arch/paging.h>
#include <core/buf.h>
#include "core/memory/account.h"
#include "core/memory/page/page_allocator.h"
#include "core/memory/slab/slab.h"

enum {
	SMALL_CLASS_COUNT = 11,
	LARGE_ORDER_MAX = 10,
	BUF_IN_USE = 0x100,
	BUF_OWNER_SHIFT = 12,	// of __pad: the account that pays, above the class
};

static const u16 small_sizes[SMALL_CLASS_COUNT] = { 32, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048 };
static struct slab_cache small_caches[SMALL_CLASS_COUNT];
static struct slab_cache large_caches[LARGE_ORDER_MAX + 1];

static struct buf *small_alloc(usize length)
{
	u32 class = 0;

	while (small_sizes[class] < length + sizeof(struct buf))
		class++;
	u32 owner;

	if (!account_charge_current(small_sizes[class], MEMORY_ACCOUNT_SLAB, &owner))
		return NULL;
	struct buf *b = slab_alloc(&small_caches[class], "buf", small_sizes[class]);

	if (!b) {
		account_uncharge(owner, small_sizes[class], MEMORY_ACCOUNT_SLAB);
		return NULL;
	}
	b->__data = (u8 *)(b + 1);
	b->__pad = class | BUF_IN_USE | owner << BUF_OWNER_SHIFT;
	b->__n = (u32)length;
	return b;
}

static usize large_charge(u32 order)
{
	return (PAGE_SIZE << order) + sizeof(struct buf);
}

static struct buf *large_make(u32 order, usize length, u32 owner)
{
	// A header read in part from zeros would give a large buffer at the address 0.
	slab_keep_pages(&large_caches[order]);
	struct buf *b = slab_alloc(&large_caches[order], "buf_large", sizeof(struct buf));

	if (!b)
		return NULL;
	struct page *p = page_run_alloc(order, PAGE_ALLOC_ZERO);

	if (!p) {
		slab_give(&large_caches[order], b);
		return NULL;
	}
	memory_use_add(MEMORY_USE_BUFFER, 1l << order);
	b->__data = page_run_span(p, order).__p;
	b->__pad = (SMALL_CLASS_COUNT + order) | BUF_IN_USE | owner << BUF_OWNER_SHIFT;
	b->__n = (u32)length;
	return b;
}

static struct buf *large_alloc(usize length)
{
	u32 owner, order = length <= PAGE_SIZE ? 0 : 64 - (u32)__builtin_clzl((length - 1) >> PAGE_SHIFT);

	if (!account_charge_current(large_charge(order), MEMORY_ACCOUNT_SLAB, &owner))
		return NULL;
	struct buf *b = large_make(order, length, owner);

	if (!b)
		account_uncharge(owner, large_charge(order), MEMORY_ACCOUNT_SLAB);
	return b;
}

struct buf *buf_alloc(usize length)
{
	if (length > BUF_MAX)
		return NULL;
	if (length + sizeof(struct buf) <= small_sizes[SMALL_CLASS_COUNT - 1])
		return small_alloc(length);
	return large_alloc(length);
}

void buf_free(struct buf *b)
{
	if (!b)
		return;
	u32 class = __atomic_fetch_and(&b->__pad, ~(u32)BUF_IN_USE, __ATOMIC_ACQ_REL);

	if (__unlikely(!(class & BUF_IN_USE)))
		core_trap(); // freed twice
	u32 owner = class >> BUF_OWNER_SHIFT;

	class &= BUF_IN_USE - 1;
	b->__pad = class;
	if (class < SMALL_CLASS_COUNT) {
		memory_words_zero(b->__data, (b->__n + 7) & ~7ul);
		b->__n = 0;
		slab_give(&small_caches[class], b);
		account_uncharge(owner, small_sizes[class], MEMORY_ACCOUNT_SLAB);
		return;
	}
	u32 order = class - SMALL_CLASS_COUNT;

	memory_use_add(MEMORY_USE_BUFFER, -(1l << order));
	page_run_free(page_of_frame(virtual_to_physical(b->__data) >> PAGE_SHIFT), order);
	b->__n = 0;
	slab_give(&large_caches[order], b);
	account_uncharge(owner, large_charge(order), MEMORY_ACCOUNT_SLAB);
}

void buf_auto_free(struct buf **b borrowed)
{
	buf_free(*b);
}

struct buf *buf_from(bytes_t content)
{
	struct buf *b = buf_alloc(bytes_len(content));

	if (b)
		span_copy(buf_span(b), content);
	return b;
}
