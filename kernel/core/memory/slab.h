// SPDX-License-Identifier: MPL-2.0
// Type-stable memory: see slab.c. Interface in core/arch/core_memory.h.
#pragma once

#include <core/lock.h>
#include <core/object.h>

struct magazine {
	struct magazine *next;
	u64 count;
	void *objects[30];
};

struct slab_cpu {
	struct magazine *loaded, *previous;	// this CPU only, interrupts off
	u64 taken, given;			// this CPU only; sums are read without care
};

// Lives in struct slab_cache.
struct cache {
	struct spinlock lock;
	u32 is_ready;			// atomic
	u32 capacity;			// immutable: objects a magazine may hold
	const char *name;		// immutable once ready, as are all up to cpus
	u64 object_size, stride;
	u32 order, objects_per_slab;
	u32 keeps_content;		// atomic: given back without zeroing
	struct slab_cpu *cpus;
	struct magazine *full, *empty;	// guarded by lock, as are the following
	u8 *fresh;			// the rest of the newest slab, never used so far
	u64 fresh_count;
	u64 pages, objects_total, leaked;
	struct cache *next;		// immutable once ready
};
_Static_assert(sizeof(struct cache) <= sizeof(struct slab_cache), "struct cache fits");

static inline struct cache *cache_of(struct slab_cache *c) { return (struct cache *)(void *)c; }

// Gives memory back without zeroing it: for types that keep part of their content for ever.
void slab_give(struct slab_cache *cache, void *object);
// Prepares a cache without allocating from it; false without memory.
bool slab_make_ready(struct slab_cache *cache, const char *name, usize size);
