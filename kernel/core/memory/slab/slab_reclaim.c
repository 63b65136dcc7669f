// SPDX-License-Identifier: MPL-2.0
// Empty slabs go back to the page allocator.
//
// Theory: the free objects of a cache are in magazines. The full ones that lay in the depot since the last look were
// not needed; they are taken out and their objects are counted, slab by slab. A slab all of whose objects are among
// them is empty: its objects leave the magazines and its memory goes. Nobody else can have one of these objects
// meanwhile, for they are ours alone.
#include <core/arch/core_memory.h>
#include <core/arch/cpu.h>
#include <core/cpu.h>
#include <core/memory.h>
#include <core/print.h>
#include <core/task.h>
#include <core/time.h>
#include <core/wait.h>
#include "core/memory/page/page_allocator.h"
#include "core/memory/slab/slab.h"

enum { LOOK_EVERY_MS = 1000, IDLE_BYTES_MIN = 16384 };

static u32 is_busy;	// atomic: one at a time

// What lay idle, at most `most` magazines.
static struct magazine *depot_take(struct cache *c, enum slab_reclaim_mode mode)
{
	struct magazine *list = NULL;

	irq_guard(&c->lock);
	u64 count = mode == SLAB_RECLAIM_ALL ? c->full_count : min(c->full_least, c->full_count);

	c->full_least = c->full_count;
	if (!count || (mode == SLAB_RECLAIM_IDLE && count * c->capacity * c->stride < IDLE_BYTES_MIN))
		return NULL;
	for (; count; count--, c->full_count--)
		magazine_push(&list, magazine_pop(&c->full));
	c->full_least = c->full_count;
	return list;
}

static void objects_count(const struct cache *c, const struct magazine *list)
{
	for (const struct magazine *m = list; m; m = m->next)
		for (u64 i = 0; i < m->count; i++) {
			u32 slab;

			slab_extent_of(m->objects[i], c, &slab)->free_count[slab]++;
		}
}

static bool is_of_empty_slab(const struct cache *c, const void *object)
{
	u32 slab;

	return slab_extent_of(object, c, &slab)->free_count[slab] == c->objects_per_slab;
}

// Objects of empty slabs leave m.
static void magazine_clean(const struct cache *c, struct magazine *m)
{
	u64 kept = 0;

	for (u64 i = 0; i < m->count; i++)
		if (!is_of_empty_slab(c, m->objects[i]))
			m->objects[kept++] = m->objects[i];
	m->count = kept;
}

// Leaves only objects of slabs that stay, in as few magazines as they fill; the others go to *empty.
static struct magazine *magazines_clean(const struct cache *c, struct magazine *list, struct magazine **empty)
{
	struct magazine *kept = NULL, *partial = NULL;

	for (struct magazine *m = magazine_pop(&list); m; m = magazine_pop(&list)) {
		magazine_clean(c, m);
		while (partial && m->count && partial->count < c->capacity)
			partial->objects[partial->count++] = m->objects[--m->count];
		if (partial && partial->count == c->capacity) {
			magazine_push(&kept, partial);
			partial = NULL;
		}
		if (!m->count)
			magazine_push(empty, m);
		else
			partial = m;	// the one before is full, or there was none
	}
	if (partial)
		magazine_push(&kept, partial);
	return kept;
}

static struct slab_extent *first_extent(struct cache *c)
{
	irq_guard(&c->lock);
	return c->extents;
}

static void cache_count_back(struct cache *c, u64 slabs)
{
	irq_guard(&c->lock);
	c->objects_total -= slabs * c->objects_per_slab;
	c->pages -= slabs << c->order;
	memory_use_add(MEMORY_USE_SLAB, -(s64)(slabs << c->order));
}

// The memory of slabs all of whose objects were counted; forgets the counts. Slabs.
static u64 empty_slabs_unback(struct cache *c)
{
	u64 slabs = 0;

	for (struct slab_extent *x = first_extent(c); x; x = x->next) {
		u64 mask = 0;

		for (u32 i = 0; i < x->slabs; i++) {
			if (x->free_count[i] == c->objects_per_slab)
				mask |= 1ul << i;
			x->free_count[i] = 0;
		}
		if (!mask)
			continue;
		slab_unback(c, x, mask);
		slabs += (u64)__builtin_popcountl(mask);
	}
	return slabs;
}

static void depot_return(struct cache *c, struct magazine *kept, struct magazine *empty)
{
	irq_guard(&c->lock);
	for (struct magazine *m = magazine_pop(&kept); m; m = magazine_pop(&kept)) {
		magazine_push(&c->full, m);
		c->full_count++;
	}
	for (struct magazine *m = magazine_pop(&empty); m; m = magazine_pop(&empty))
		magazine_push(&c->empty, m);
	c->full_least = c->full_count;
}

// With each slab its magazines go: those that stay have room for all objects that stay.
static void magazines_give_back(struct cache *c, u64 count)
{
	struct magazine *list = NULL;

	{
		irq_guard(&c->lock);
		for (; count && c->empty; count--)
			magazine_push(&list, magazine_pop(&c->empty));
	}
	for (struct magazine *m = magazine_pop(&list); m; m = magazine_pop(&list))
		magazine_free(m);
}

static u64 cache_reclaim(struct cache *c, enum slab_reclaim_mode mode)
{
	struct magazine *list = c->is_kept ? NULL : depot_take(c, mode), *empty = NULL;

	if (!list)
		return 0;
	objects_count(c, list);
	struct magazine *kept = magazines_clean(c, list, &empty);
	u64 slabs = empty_slabs_unback(c);

	cache_count_back(c, slabs);
	depot_return(c, kept, empty);
	magazines_give_back(c, slabs * ((c->objects_per_slab + c->capacity - 1) / c->capacity));
	return slabs << c->order;
}

u64 slab_reclaim(enum slab_reclaim_mode mode)
{
	u64 pages = 0;

	if (cpu_is_atomic() || !slab_zeros_prepare() || __atomic_exchange_n(&is_busy, 1, __ATOMIC_ACQUIRE))
		return 0;
	for (struct cache *c = slab_first_cache(); c; c = c->next) {
		if (mode == SLAB_RECLAIM_ALL && !c->is_kept)
			slab_drain_cpu(c);
		pages += cache_reclaim(c, mode);
	}
	__atomic_store_n(&is_busy, 0, __ATOMIC_RELEASE);
	return pages;
}

u64 memory_give_back(void)
{
	return cpu_is_atomic() ? 0 : slab_reclaim(SLAB_RECLAIM_ALL) + kernel_stacks_trim(SLAB_RECLAIM_ALL);
}

// --- the thread that looks from time to time -----------------------------------------------------------

static bool has_idle(struct cache *c)
{
	irq_guard(&c->lock);
	return min(c->full_least, c->full_count) * c->capacity * c->stride >= IDLE_BYTES_MIN;
}

// What idle caches, and those of large objects, have in the magazines of each processor goes to their depots.
static void processors_drain(void)
{
	struct cpu_set online = cpu_online_set();
	struct task *self = task_current();

	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		struct cpu_set one = { .bits = { 1ul << cpu } };

		if (!(online.bits[0] & one.bits[0]) || task_set_affinity(self, &one) != OK)
			continue;
		for (struct cache *c = slab_first_cache(); c; c = c->next)
			if (!c->is_kept && (c->stride >= PAGE_SIZE || has_idle(c)))
				slab_drain_cpu(c);
	}
	(void)task_set_affinity(self, &online);
}

static void reclaim_thread(struct task *self)
{
	(void)self;
	for (;;) {
		(void)task_sleep_until(clock_monotonic_ns() + LOOK_EVERY_MS * NS_PER_MS, WAIT_UNINTERRUPTIBLE);
		processors_drain();
		(void)slab_reclaim(SLAB_RECLAIM_IDLE);
		(void)kernel_stacks_trim(SLAB_RECLAIM_IDLE);
	}
}

void memory_reclaim_start(void)
{
	if (kernel_thread_start(STR("slabs"), reclaim_thread) != OK)
		panic("no memory for the thread that gives slabs back");
}
