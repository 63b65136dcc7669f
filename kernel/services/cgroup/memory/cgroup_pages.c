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

// --- what groups keep ----------------------------------------------------------------------
//
// A group keeps what it uses of its memory.min (or memory.low), but children together no more than their parent keeps:
// if they claim more they share it in proportion to their claims. What they leave is nobody's, or with the option
// memory_recursiveprot theirs in proportion to what else they use. Claims are brought up to date when reclaim looks at
// a group or the file is written, not at every charge. source: the kernel's Documentation/admin-guide/cgroup-v2.rst,
// "memory.low"

static u64 cgroup_kept_setting(const struct cgroup *g borrowed, enum cgroup_kept kept)
{
	return atomic_u64_load_relaxed(kept == CGROUP_KEPT_MIN ? &g->memory_min : &g->memory_low);
}

static void cgroup_set_claim(struct cgroup *g, enum cgroup_kept kept, u64 pages)
{
	u64 before = atomic_u64_exchange(array_ptr(g->claimed, kept), pages);

	if (before != pages)
		atomic_u64_add(array_ptr(g->parent->children_claimed, kept), pages - before);
}

void cgroup_pages_claim(struct cgroup *g)
{
	u64 used = atomic_u64_load_relaxed(&g->memory);

	for (enum cgroup_kept k = 0; g->parent && k < CGROUP_KEPT_COUNT; k++)
		cgroup_set_claim(g, k, min(used, cgroup_kept_setting(g, k)));
}

// Of what the parent of g keeps, the part that g does.
static u64 cgroup_kept_share(const struct cgroup *g borrowed, enum cgroup_kept kept, u64 of_parent)
{
	u64 used = atomic_u64_load_relaxed(&g->memory), own = min(used, cgroup_kept_setting(g, kept));
	u64 all = max(own, atomic_u64_load_relaxed(array_ptr(g->parent->children_claimed, kept)));
	u64 parent_used = atomic_u64_load_relaxed(&g->parent->memory);

	if (all > of_parent)
		return own * of_parent / all;
	if (!cgroup_has_option(CGROUP_OPTION_RECURSIVE_PROTECTION) || parent_used <= all)
		return own;
	return own + (of_parent - all) * (used - own) / (parent_used - all);
}

static const struct cgroup *cgroup_at_level(const struct cgroup *g, u32 level)
{
	while (g->level > level)
		g = g->parent;
	return g;
}

// Pages that g keeps from reclaim for `for_whom`, which is above it; the first group below that keeps what it says.
static u64 cgroup_kept(const struct cgroup *g, enum cgroup_kept kept, const struct cgroup *for_whom)
{
	u32 top = for_whom ? for_whom->level + 1 : 1;
	const struct cgroup *first = cgroup_at_level(g, top);
	u64 pages = min(cgroup_kept_setting(first, kept), atomic_u64_load_relaxed(&first->memory));

	for (u32 level = top + 1; level <= g->level && pages; level++)
		pages = cgroup_kept_share(cgroup_at_level(g, level), kept, pages);
	return pages;
}

enum cgroup_protection cgroup_pages_protection(struct cgroup *g, const struct cgroup *for_whom, u64 *spare borrowed)
{
	u64 used = atomic_u64_load_relaxed(&g->memory);
	u32 top = for_whom ? for_whom->level : 0;

	*spare = U64_MAX;
	// What a group keeps for itself is no use against its own limit.
	if (g->level <= top)
		return CGROUP_UNPROTECTED;
	for (struct cgroup *a = g; a->level > top; a = a->parent)
		cgroup_pages_claim(a);
	u64 least = cgroup_kept(g, CGROUP_KEPT_MIN, for_whom), low = cgroup_kept(g, CGROUP_KEPT_LOW, for_whom);

	if (least && used <= least)
		return CGROUP_PROTECTED_MIN;
	if (low && used <= low) {
		*spare = used - least;
		return CGROUP_PROTECTED_LOW;
	}
	*spare = used - max(least, low);
	return CGROUP_UNPROTECTED;
}

void cgroup_pages_fini(struct cgroup *g)
{
	for (enum cgroup_kept k = 0; g->parent && k < CGROUP_KEPT_COUNT; k++)
		cgroup_set_claim(g, k, 0);
	irq_guard(&ring_lock);
	if (cgroup_ring_has(&ring, g))
		cgroup_ring_remove(&ring, g);
}

void cgroup_pages_break_low(struct cgroup *g)
{
	cgroup_count_event(g, CGROUP_EVENT_LOW);
}
