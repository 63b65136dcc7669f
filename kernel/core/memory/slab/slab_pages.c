// SPDX-License-Identifier: MPL-2.0
// The addresses of slabs, and the memory behind them.
//
// Theory: a slab's addresses belong to its type for ever, its memory does not. Addresses come in extents of one cache.
// A slab whose memory was given back is vacant: its addresses show the one page of zeros, without the right to write,
// so that who reads a dangling pointer sees what a free object is: nothing, and no references. Before a vacant slab
// gets memory again all processors must have forgotten the zeros, which cannot be waited for under a spinlock; there,
// addresses that were never used are taken instead.
#include <core/arch/core_memory.h>
#include <core/arch/cpu.h>
#include <core/arch/paging.h>
#include <core/cpu.h>
#include "core/memory/page/page_allocator.h"
#include "core/memory/slab/slab.h"

enum {
	EXTENT_SLABS_LARGE = 4,
	EXTENT_ORDER_MAX = 5,		// of slabs that come by 64
	GRANULE_SHIFT = 18,		// extents are multiples of that
	CHUNK_GRANULES = 512,
	CHUNK_COUNT = 512,
};
#define SLAB_AREA_SIZE ((u64)CHUNK_GRANULES * CHUNK_COUNT << GRANULE_SHIFT)

static struct spinlock area_lock = SPINLOCK_INIT(RANK_IRQ_LEAF);
static u64 area_base, area_used;			// guarded by area_lock; base is immutable once set
static struct slab_extent **chunks[CHUNK_COUNT];	// atomic: what each granule belongs to
static void *zeros;					// atomic: the page that vacant slabs show

static bool area_prepare(void)
{
	if (__likely(__atomic_load_n(&area_base, __ATOMIC_ACQUIRE)))
		return true;
	u64 base = kernel_area_reserve(SLAB_AREA_SIZE), none = 0;

	if (base)
		__atomic_compare_exchange_n(&area_base, &none, base, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
	return area_base;
}

// True: there is a page of places for the granule.
static bool chunk_prepare(u64 granule)
{
	struct slab_extent **none = NULL, ***chunk = &chunks[granule / CHUNK_GRANULES];

	if (__atomic_load_n(chunk, __ATOMIC_ACQUIRE))
		return true;
	void *page = kernel_pages_alloc(0);

	if (!page)
		return false;
	if (!__atomic_compare_exchange_n(chunk, &none, page, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		kernel_pages_free(page, 0);
	else
		memory_use_add(MEMORY_USE_SLAB, 1);
	return true;
}

static void granules_set(u64 base, u64 size, struct slab_extent *x)
{
	for (u64 at = base - area_base; at < base - area_base + size; at += 1ul << GRANULE_SHIFT) {
		u64 granule = at >> GRANULE_SHIFT;

		__atomic_store_n(&chunks[granule / CHUNK_GRANULES][granule % CHUNK_GRANULES], x, __ATOMIC_RELEASE);
	}
}

static u64 addresses_take(u64 size)
{
	irq_guard(&area_lock);
	if (size > SLAB_AREA_SIZE - area_used)
		return 0;
	area_used += size;
	return area_base + area_used - size;
}

static struct slab_extent *extent_create(const struct cache *c)
{
	u32 slabs = c->order <= EXTENT_ORDER_MAX ? EXTENT_SLABS : EXTENT_SLABS_LARGE;
	u64 size = (u64)slabs << (PAGE_SHIFT + c->order);
	struct slab_extent *x = area_prepare() ? slab_meta_alloc(sizeof(struct slab_extent)) : NULL;
	u64 base = x ? addresses_take(size) : 0;	// a failure below costs addresses only

	if (!base)
		return NULL;
	for (u64 at = base - area_base; at < base - area_base + size; at += 1ul << GRANULE_SHIFT)
		if (!chunk_prepare(at >> GRANULE_SHIFT))
			return NULL;
	x->base = base;
	x->slabs = slabs;
	granules_set(base, size, x);
	return x;
}

struct slab_extent *slab_extent_of(const void *object, const struct cache *c, u32 *slab)
{
	u64 granule = ((u64)object - area_base) >> GRANULE_SHIFT;
	struct slab_extent *x = chunks[granule / CHUNK_GRANULES][granule % CHUNK_GRANULES];

	*slab = (u32)(((u64)object - x->base) >> (PAGE_SHIFT + c->order));
	return x;
}

// --- memory ------------------------------------------------------------------------------------------

struct slot {
	struct slab_extent *extent;
	u32 slab;
	bool was_vacant;
};

static bool extent_take(struct slab_extent *x, bool wants_vacant, struct slot *out)
{
	u64 all = x->slabs == 64 ? ~0ul : (1ul << x->slabs) - 1;
	u64 free = wants_vacant ? x->vacant : all & ~x->backed & ~x->vacant;

	if (!free)
		return false;
	*out = (struct slot){ x, (u32)__builtin_ctzl(free), wants_vacant };
	x->backed |= 1ul << out->slab;
	x->vacant &= ~(1ul << out->slab);
	return true;
}

static bool slot_take(struct cache *c, struct slot *out)
{
	bool may_wait = !cpu_is_atomic() && arch_interrupts_enabled();

	irq_guard(&c->lock);
	for (struct slab_extent *x = c->extents; x && may_wait && c->vacant_count; x = x->next)
		if (extent_take(x, true, out)) {
			c->vacant_count--;
			return true;
		}
	for (struct slab_extent *x = c->extents; x; x = x->next)
		if (extent_take(x, false, out))
			return true;
	return false;
}

static void slot_give(struct cache *c, const struct slot *s)
{
	irq_guard(&c->lock);
	s->extent->backed &= ~(1ul << s->slab);
	if (!s->was_vacant)
		return;
	s->extent->vacant |= 1ul << s->slab;
	c->vacant_count++;
}

static bool slot_find(struct cache *c, struct slot *out)
{
	while (!slot_take(c, out)) {
		struct slab_extent *x = extent_create(c);

		if (!x)
			return false;
		irq_guard(&c->lock);
		x->next = c->extents;
		c->extents = x;
	}
	return true;
}

static u64 slab_address(const struct cache *c, const struct slab_extent *x, u32 slab)
{
	return x->base + ((u64)slab << (PAGE_SHIFT + c->order));
}

static void map_zeros(u64 address, u64 size)
{
	for (u64 at = address; at < address + size; at += PAGE_SIZE)
		if (arch_kernel_map(at, virtual_to_physical(zeros), PAGE_SIZE, KERNEL_MAP_READ) != OK)
			return;	// never: it was mapped before, so the tables are there
}

u8 *slab_back(struct cache *c)
{
	struct slot s = { .extent = NULL };
	u64 size = PAGE_SIZE << c->order;
	void *memory = slot_find(c, &s) ? kernel_pages_alloc(c->order) : NULL;

	if (!memory) {
		if (s.extent)
			slot_give(c, &s);
		return NULL;
	}
	u64 address = slab_address(c, s.extent, s.slab);

	if (arch_kernel_map(address, virtual_to_physical(memory), size, KERNEL_MAP_WRITE) != OK) {
		// Some of it may be mapped, and some processor have looked: those pages are lost with their addresses.
		return NULL;
	}
	if (s.was_vacant)
		arch_kernel_flush(address, size);
	return (u8 *)address;
}

bool slab_zeros_prepare(void)
{
	void *none = NULL, *page = __atomic_load_n(&zeros, __ATOMIC_ACQUIRE);

	if (page)
		return true;
	page = kernel_pages_alloc(0);
	if (page && !__atomic_compare_exchange_n(&zeros, &none, page, 0, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		kernel_pages_free(page, 0);
	return page;
}

void slab_unback(struct cache *c, struct slab_extent *x, u64 mask)
{
	void *memory[EXTENT_SLABS];
	u64 size = PAGE_SIZE << c->order;
	u32 count = 0;

	for (u64 left = mask; left; left &= left - 1) {
		u64 address = slab_address(c, x, (u32)__builtin_ctzl(left));

		memory[count++] = physical_to_virtual(arch_kernel_translate(address));
		map_zeros(address, size);
	}
	arch_kernel_flush(x->base, (u64)x->slabs * size);
	for (u32 i = 0; i < count; i++)
		kernel_pages_free(memory[i], c->order);
	irq_guard(&c->lock);
	x->backed &= ~mask;
	x->vacant |= mask;
	c->vacant_count += count;
}
