// SPDX-License-Identifier: MPL-2.0
// Type-stable memory: see slab.c. Interface in core/arch/core_memory.h.
#pragma once

#include <core/lock.h>
#include <core/object.h>

enum { MAGAZINE_MAX = 29 };

struct magazine {
	struct magazine *next;
	u64 count;
	void *objects[MAGAZINE_MAX];
	u64 pad;
};
_Static_assert(sizeof(struct magazine) == 256, "sixteenth of a page");

struct slab_cpu {
	struct magazine *loaded, *previous;	// this CPU only, interrupts off
	u64 taken, given;			// this CPU only; sums are read without care
};

struct slab_extent;

// Lives in struct slab_cache.
struct cache {
	struct spinlock lock;
	u32 is_ready;			// atomic
	u32 capacity;			// immutable: objects a magazine may hold
	const char *name;		// immutable once ready, as are all up to cpus
	u64 object_size, stride;
	u32 order, objects_per_slab;
	u32 keeps_content;		// atomic: given back without zeroing
	u32 is_kept;			// immutable: its memory is never given back
	struct slab_cpu *cpus;
	struct magazine *full, *empty;	// guarded by lock, as are the following
	u64 full_count, full_least;	// least since the last look
	u8 *fresh;			// the rest of the newest slab, never used so far
	u64 fresh_count;
	u64 pages, objects_total, leaked;
	struct slab_extent *extents;	// slab_pages.c
	u64 vacant_count;
	struct cache *next;		// immutable once ready
};
_Static_assert(sizeof(struct cache) <= sizeof(struct slab_cache), "struct cache fits");

static inline struct cache *cache_of(struct slab_cache *c) { return (struct cache *)(void *)c; }

// Gives memory back without zeroing it: for types that keep part of their content for ever.
void slab_give(struct slab_cache *cache, void *object);
// Prepares a cache without allocating from it; false without memory.
bool slab_make_ready(struct slab_cache *cache, const char *name, usize size);
// Before its first use: its pages stay with it for ever.
void slab_keep_pages(struct slab_cache *cache);

// --- inside the slabs --------------------------------------------------------------------------------

struct cache *slab_first_cache(void);	// the others follow by `next`
// This CPU's magazines go to the depot.
void slab_drain_cpu(struct cache *c);
void *slab_meta_alloc(usize size);	// for records that are never freed

static inline void magazine_push(struct magazine **list, struct magazine *m)
{
	m->next = *list;
	*list = m;
}
static inline struct magazine *magazine_pop(struct magazine **list)
{
	struct magazine *m = *list;

	if (m)
		*list = m->next;
	return m;
}
struct magazine *magazine_alloc(void);	// empty; NULL without memory
void magazine_free(struct magazine *m);

// slab_pages.c: the addresses of slabs. Sixty-four slabs (four large ones) make an extent.
enum { EXTENT_SLABS = 64 };
struct slab_extent {
	struct slab_extent *next;	// guarded by the cache's lock, as are the following
	u64 base;			// immutable
	u64 backed;			// a bit a slab: has memory
	u64 vacant;			// had memory once; reads as zeros meanwhile
	u32 slabs;			// immutable
	u16 free_count[EXTENT_SLABS];	// of the one who reclaims
};
// Memory for one more slab; NULL without. Its content is zero.
u8 *slab_back(struct cache *c);
// Takes the memory of the slabs in `mask` away and frees it. => not atomic
void slab_unback(struct cache *c, struct slab_extent *x, u64 mask);
// Before the first slab_unback(); false without memory.
bool slab_zeros_prepare(void);
struct slab_extent *slab_extent_of(const void *object, const struct cache *c, u32 *slab);

// slab_reclaim.c
// Gives empty slabs back: what was not needed since the last call, or (`all`) what is not in use. Pages; 0 when
// somebody is at it already. => not atomic
enum slab_reclaim_mode { SLAB_RECLAIM_IDLE, SLAB_RECLAIM_ALL };
u64 slab_reclaim(enum slab_reclaim_mode mode);
// stack.c: the same for stacks beyond a small reserve.
u64 kernel_stacks_trim(enum slab_reclaim_mode mode);
