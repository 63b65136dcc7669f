// SPDX-License-Identifier: MPL-2.0
// Magazines: fifteen to a page, behind its header. They are the slabs' own, so an empty page of them is simply freed.
#include <core/arch/core_memory.h>
#include <core/list.h>
#include "core/memory/page/page_allocator.h"
#include "core/memory/slab/slab.h"

enum { SLOTS = 16, SLOTS_FREE = 0xfffe };	// the header is in the first place

struct magazine_page {
	struct magazine_page *next, *previous;	// guarded by magazine_lock: pages with a free place
	u64 free;				// guarded by magazine_lock: a bit a place
};
_Static_assert(sizeof(struct magazine_page) <= sizeof(struct magazine), "the header takes one place");

static struct spinlock magazine_lock = SPINLOCK_INIT(RANK_IRQ_LEAF);
static struct magazine_page *pages_with_room;	// guarded by magazine_lock

static void page_link(struct magazine_page *p)
{
	p->previous = NULL;
	p->next = pages_with_room;
	if (p->next)
		p->next->previous = p;
	pages_with_room = p;
}

static void page_unlink(struct magazine_page *p)
{
	if (p->previous)
		p->previous->next = p->next;
	else
		pages_with_room = p->next;
	if (p->next)
		p->next->previous = p->previous;
}

static struct magazine *place_take(void)
{
	irq_guard(&magazine_lock);
	struct magazine_page *p = pages_with_room;

	if (!p)
		return NULL;
	u32 place = (u32)__builtin_ctzl(p->free);

	p->free &= ~(1ul << place);
	if (!p->free)
		page_unlink(p);
	return (struct magazine *)(void *)p + place;
}

struct magazine *magazine_alloc(void)
{
	for (;;) {
		struct magazine *m = place_take();

		if (m) {
			m->next = NULL;
			m->count = 0;
			return m;
		}
		struct magazine_page *p = kernel_pages_alloc(0);

		if (!p)
			return NULL;
		memory_use_add(MEMORY_USE_SLAB, 1);
		p->free = SLOTS_FREE;
		irq_guard(&magazine_lock);
		page_link(p);
	}
}

// True when the page is empty now, and nobody's.
static bool place_give(struct magazine_page *p, u32 place)
{
	irq_guard(&magazine_lock);
	if (!p->free)
		page_link(p);
	p->free |= 1ul << place;
	if (p->free != SLOTS_FREE)
		return false;
	page_unlink(p);
	return true;
}

void magazine_free(struct magazine *m)
{
	struct magazine_page *p = (struct magazine_page *)((u64)m & ~(PAGE_SIZE - 1));

	if (!place_give(p, (u32)(m - (struct magazine *)(void *)p)))
		return;
	memory_use_add(MEMORY_USE_SLAB, -1);
	kernel_pages_free(p, 0);
}
