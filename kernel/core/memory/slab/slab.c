// SPDX-License-Identifier: MPL-2.0
// Type-stable slabs.
//
// Theory: memory that was an object of a type stays one for ever, so a dangling pointer still points
// to an object of its type and cannot break memory safety. It is the address that stays: slabs live in
// addresses of their own (slab_pages.c), and while a slab has no memory its addresses read as zeros, as
// free objects do. The free objects of a type are simply a set of pointers. The set is
// kept outside the objects, in magazines (arrays of up to 29 pointers): each CPU has two, and full and
// empty ones wait in the cache's depot. Allocation and release touch only this CPU's loaded magazine,
// with interrupts off and without a lock, about 28 times in 29. Which slabs are empty nobody knows until
// slab_reclaim.c counts.
//
// Objects are zeroed when they are freed; fresh slabs are zero. For each slab as many magazines are
// made as its objects can fill, so that a release finds room in the depot without allocating. Only the
// two magazines of a CPU that frees before it ever allocated may be missing; then the object is leaked
// and counted rather than lost track of.
#include <core/arch/core_memory.h>
#include <core/arch/cpu.h>
#include <core/memory.h>
#include <core/print.h>
#include "core/memory/page/page_allocator.h"
#include "core/memory/slab/slab.h"

enum {
	MAGAZINE_BYTES_MAX = 16384,	// objects held back in one magazine, at most about that much
	OBJECTS_PER_SLAB_MIN = 8,
	SLAB_ORDER_WANTED = 3,
};

static struct spinlock list_lock = SPINLOCK_INIT(RANK_IRQ_LEAF);
static struct cache *caches;		// guarded by list_lock; entries are never removed
static struct spinlock meta_lock = SPINLOCK_INIT(RANK_SLAB);
static u8 *meta_at, *meta_end;		// guarded by meta_lock

// Per-CPU records and extents: cut from kernel pages, never freed.
void *slab_meta_alloc(usize size)
{
	for (;;) {
		u64 saved = spin_lock_irq(&meta_lock);
		u8 *p = meta_at;
		bool fits = (usize)(meta_end - p) >= size;

		if (fits)
			meta_at = p + size;
		spin_unlock_irq(&meta_lock, saved);
		if (fits)
			return p;
		p = kernel_pages_alloc(0);
		if (!p)
			return NULL;
		memory_use_add(MEMORY_USE_SLAB, 1);
		saved = spin_lock_irq(&meta_lock);
		meta_at = p;
		meta_end = p + PAGE_SIZE;
		spin_unlock_irq(&meta_lock, saved);
	}
}

static bool cache_init(struct cache *c, const char *name, usize size)
{
	usize align = size >= 256 || size % 64 == 0 ? 64 : 16;
	struct slab_cpu *cpus = slab_meta_alloc(sizeof(struct slab_cpu) * ARCH_CPU_MAX);

	if (!cpus)
		return false;
	irq_guard(&list_lock);
	if (__atomic_load_n(&c->is_ready, __ATOMIC_RELAXED))
		return true; // another CPU was first; the few bytes are lost
	spin_init(&c->lock, RANK_SLAB);
	c->name = name;
	c->object_size = size;
	c->stride = (size + align - 1) & ~(align - 1);
	while (c->order < 10 && ((PAGE_SIZE << c->order) < c->stride ||
	       (c->order < SLAB_ORDER_WANTED && (PAGE_SIZE << c->order) / c->stride < OBJECTS_PER_SLAB_MIN)))
		c->order++;
	c->objects_per_slab = (u32)((PAGE_SIZE << c->order) / c->stride);
	usize capacity = min((usize)MAGAZINE_MAX, MAGAZINE_BYTES_MAX / c->stride);

	c->capacity = (u32)max(2ul, capacity);
	c->cpus = cpus;
	c->next = caches;
	caches = c;
	__atomic_store_n(&c->is_ready, 1, __ATOMIC_RELEASE);
	return c->objects_per_slab != 0;
}

// With c->lock held.
static void depot_push(struct cache *c, struct magazine *m)
{
	magazine_push(&c->full, m);
	c->full_count++;
}

static struct magazine *depot_pop(struct cache *c)
{
	struct magazine *m = magazine_pop(&c->full);

	if (m && --c->full_count < c->full_least)
		c->full_least = c->full_count;
	return m;
}

// A new slab and the magazines that its objects can fill. => reclaims where the context allows
static bool cache_grow(struct cache *c)
{
	struct magazine *list = NULL;

	for (u32 n = 0; n < c->objects_per_slab; n += c->capacity) {
		struct magazine *m = magazine_alloc();

		if (m)
			magazine_push(&list, m);
		else if (!list)
			return false; // what was got goes to the depot below
		else
			break;
	}
	u8 *slab = slab_back(c);
	irq_guard(&c->lock);
	// Another CPU may have been faster: what is left of its slab is free, and there are magazines for it.
	while (slab && c->fresh_count) {
		struct magazine *m = magazine_pop(&list);

		if (!m)
			m = magazine_pop(&c->empty);
		if (!m) {
			c->leaked += c->fresh_count;
			break;
		}
		for (; m->count < c->capacity && c->fresh_count; c->fresh_count--) {
			m->objects[m->count++] = c->fresh;
			c->fresh += c->stride;
		}
		depot_push(c, m);
	}
	for (struct magazine *m = magazine_pop(&list); m; m = magazine_pop(&list))
		magazine_push(&c->empty, m);
	if (!slab)
		return false;
	c->fresh = slab;
	c->fresh_count = c->objects_per_slab;
	c->objects_total += c->objects_per_slab;
	c->pages += 1ul << c->order;
	memory_use_add(MEMORY_USE_SLAB, 1l << c->order);
	return true;
}

static bool cpu_has_magazines(struct slab_cpu *cpu)
{
	if (__likely(cpu->loaded))
		return true;
	struct magazine *a = magazine_alloc(), *b = magazine_alloc();

	if (!a || !b)
		return false;
	cpu->loaded = a;
	cpu->previous = b;
	return true;
}

static void magazines_swap(struct slab_cpu *cpu)
{
	struct magazine *m = cpu->loaded;

	cpu->loaded = cpu->previous;
	cpu->previous = m;
}

// Interrupts are off; the loaded magazine is empty or missing. False: nothing left without growing.
static bool cpu_refill(struct cache *c, struct slab_cpu *cpu)
{
	if (!cpu_has_magazines(cpu))
		return false;
	if (cpu->previous->count) {
		magazines_swap(cpu);
		return true;
	}
	spin_lock(&c->lock);
	struct magazine *full = depot_pop(c);

	if (full) {
		magazine_push(&c->empty, cpu->loaded);
		cpu->loaded = full;
	} else {
		struct magazine *m = cpu->loaded;

		for (; m->count < c->capacity && c->fresh_count; c->fresh_count--) {
			m->objects[m->count++] = c->fresh;
			c->fresh += c->stride;
		}
	}
	spin_unlock(&c->lock);
	return cpu->loaded->count;
}

// Interrupts are off; the loaded magazine is full or missing. False: no room.
static bool cpu_make_room(struct cache *c, struct slab_cpu *cpu)
{
	if (!cpu_has_magazines(cpu))
		return false;
	if (cpu->loaded->count < c->capacity)
		return true;
	if (cpu->previous->count < c->capacity) {
		magazines_swap(cpu);
		return true;
	}
	spin_lock(&c->lock);
	struct magazine *empty = magazine_pop(&c->empty);

	if (empty) {
		depot_push(c, cpu->loaded);
		cpu->loaded = empty;
	}
	spin_unlock(&c->lock);
	if (empty)
		return true;
	empty = magazine_alloc();
	if (!empty)
		return false;
	spin_lock(&c->lock);
	depot_push(c, cpu->loaded);
	spin_unlock(&c->lock);
	cpu->loaded = empty;
	return true;
}

// Debug builds find writes through dangling pointers: free objects are zero.
static void check_untouched(const struct cache *c, const void *object)
{
#ifdef CONFIG_DEBUG
	const u64 *words = object;

	for (u32 i = 0; i < c->stride / 8 && !c->keeps_content; i++)
		if (words[i])
			panic("a free %s was written to: %lx at offset %u", c->name, words[i], i * 8);
#else
	(void)c;
	(void)object;
#endif
}

// Interrupts are on: the caller is a task that stays on this CPU meanwhile.
void slab_drain_cpu(struct cache *c)
{
	u64 saved = arch_interrupts_save();
	struct slab_cpu *cpu = &c->cpus[arch_cpu_index()];

	spin_lock(&c->lock);
	for (u32 i = 0; i < 2; i++) {
		struct magazine **place = i ? &cpu->previous : &cpu->loaded, *empty = NULL;

		if (*place && (*place)->count)
			empty = magazine_pop(&c->empty);
		if (!empty)
			continue;
		depot_push(c, *place);
		*place = empty;
	}
	spin_unlock(&c->lock);
	arch_interrupts_restore(saved);
}

struct cache *slab_first_cache(void)
{
	irq_guard(&list_lock);
	return caches;
}

void slab_keep_pages(struct slab_cache *cache)
{
	cache_of(cache)->is_kept = 1;
}

bool slab_make_ready(struct slab_cache *cache, const char *name, usize size)
{
	struct cache *c = cache_of(cache);

	return __likely(__atomic_load_n(&c->is_ready, __ATOMIC_ACQUIRE)) || cache_init(c, name, size);
}

void *slab_alloc(struct slab_cache *cache, const char *name, usize size)
{
	struct cache *c = cache_of(cache);

	if (!slab_make_ready(cache, name, size) || memory_should_fail())
		return NULL;
	for (;;) {
		u64 saved = arch_interrupts_save();
		struct slab_cpu *cpu = &c->cpus[arch_cpu_index()];
		struct magazine *m = cpu->loaded;

		if (__likely(m && m->count) || cpu_refill(c, cpu)) {
			m = cpu->loaded;
			void *o = m->objects[--m->count];

			cpu->taken++;
			arch_interrupts_restore(saved);
			check_untouched(c, o);
			return o;
		}
		arch_interrupts_restore(saved);
		if (!cache_grow(c))
			return NULL;
	}
}

static void give(struct cache *c, void *object)
{
	u64 saved = arch_interrupts_save();
	struct slab_cpu *cpu = &c->cpus[arch_cpu_index()];
	struct magazine *m = cpu->loaded;

	if (__likely(m && m->count < c->capacity) || cpu_make_room(c, cpu)) {
		m = cpu->loaded;
		m->objects[m->count++] = object;
		cpu->given++;
	} else {
		__atomic_fetch_add(&c->leaked, 1, __ATOMIC_RELAXED);
	}
	arch_interrupts_restore(saved);
}

void slab_free(struct slab_cache *cache, void *object)
{
	memory_words_zero(object, cache_of(cache)->stride);
	give(cache_of(cache), object);
}

void slab_give(struct slab_cache *cache, void *object)
{
	__atomic_store_n(&cache_of(cache)->keeps_content, 1, __ATOMIC_RELAXED);
	give(cache_of(cache), object);
}

bool memory_slab_info(u32 index, struct slab_info *out borrowed)
{
	struct cache *c = slab_first_cache();

	while (c && index--)
		c = c->next;
	if (!c)
		return false;
	*out = (struct slab_info){ .object_size = c->stride, .objects_total = c->objects_total, .pages = c->pages };
	for (u32 i = 0; i < ARCH_CPU_MAX; i++)
		out->objects_used += c->cpus[i].taken - c->cpus[i].given;
	for (u32 i = 0; i < sizeof(out->name) - 1 && c->name[i]; i++)
		out->name[i] = (u8)c->name[i];
	return true;
}
