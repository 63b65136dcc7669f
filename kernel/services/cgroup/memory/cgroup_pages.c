// SPDX-License-Identifier: MPL-2.0
// All groups in a ring, for reclaim; and what memory.min and memory.low keep.
#include <services/cgroup/cgroup_hierarchy.h>

DEFINE_LIST(cgroup_ring, cgroup, ring)

static struct spinlock ring_lock = SPINLOCK_INIT(RANK_IRQ_LEAF);
static struct cgroup_ring ring GUARDED_BY(ring_lock);	// without references: a group leaves when it is released

void cgroup_pages_init(struct cgroup *g)
{
	spin_init(&g->pages.lock, RANK_PAGE_LRU);
	irq_guard(&ring_lock);
	cgroup_ring_append(&ring, g);
}

void cgroup_pages_fini(struct cgroup *g)
{
	irq_guard(&ring_lock);
	if (cgroup_ring_has(&ring, g))
		cgroup_ring_remove(&ring, g);
}

struct cgroup_pages *cgroup_pages_of(struct cgroup *g)
{
	return &g->pages;
}

static bool cgroup_pages_is_leaf(const struct cgroup *g)
{
	return g && g->parent && !g->descendant_count && !atomic_u32_load(&g->dying_count);
}

u64 cgroup_pages_turns(const struct cgroup *within)
{
	if (cgroup_pages_is_leaf(within))
		return 1;
	irq_guard(&ring_lock);
	return cgroup_ring_count(&ring);
}

// The next of the ring, with a reference; NULL when it is being released.
static struct cgroup *cgroup_ring_turn(void) owned;
static struct cgroup *cgroup_ring_turn(void)
{
	irq_guard(&ring_lock);
	struct cgroup *g = cgroup_ring_pop(&ring);

	if (!g)
		return NULL;
	cgroup_ring_append(&ring, g);
	return cgroup_try_get(g);
}

struct cgroup *cgroup_pages_next(struct cgroup *within)
{
	if (cgroup_pages_is_leaf(within))
		return cgroup_get(within);
	for (u64 n = cgroup_pages_turns(NULL); n; n--) {
		struct cgroup *g object_auto(cgroup) = cgroup_ring_turn();

		if (g && (!within || cgroup_is_within(g, within)))
			return take(g);
	}
	return NULL;
}

enum cgroup_protection cgroup_pages_protection(const struct cgroup *g borrowed, const struct cgroup *for_whom)
{
	u64 low = CGROUP_MAX, least = CGROUP_MAX, used = atomic_u64_load_relaxed(&g->memory);

	// What a group keeps for itself is no use against its own limit, and no more than its parent keeps.
	for (const struct cgroup *a = g; a && a->parent && a != for_whom; a = a->parent) {
		low = min(low, atomic_u64_load_relaxed(&a->memory_low));
		least = min(least, atomic_u64_load_relaxed(&a->memory_min));
	}
	if (g == for_whom || !g->parent)
		return CGROUP_UNPROTECTED;
	if (used <= least)
		return CGROUP_PROTECTED_MIN;
	return used <= low ? CGROUP_PROTECTED_LOW : CGROUP_UNPROTECTED;
}

void cgroup_pages_break_low(struct cgroup *g)
{
	cgroup_count_event(g, CGROUP_EVENT_LOW);
}
