// SPDX-License-Identifier: MPL-2.0
// Which clean file pages to give back first.
//
// Each control group has two lists: a page begins on the inactive one, moves to the active one when reclaim finds that
// it was used twice, and comes back when the inactive list runs short. Being used only sets marks
// (page_mark_accessed), so that readers never take a lists' lock. A file read once from end to end leaves the active
// list alone. Reclaim goes round the groups it is for, past those that memory.min and memory.low protect. Pages of
// memory mappings (tmpfs) cannot be reclaimed: they are counted, not listed.
#include <core/cpu.h>
#include <core/memory.h>
#include <services/cgroup/cgroup.h>
#include <services/pagecache/page_charge.h>
#include <services/pagecache/page_mapping_internal.h>

enum { RECLAIM_BATCH = 32, RECLAIM_WAITS = 10, RECLAIM_ROUNDS_MAX = 200 };

static struct atomic_u64 shared_memory_pages;

// The lists that p belongs to as long as it is charged.
static struct cgroup_pages *page_lists(const struct page *p borrowed)
{
	return cgroup_pages_of(p->cgroup ? p->cgroup : cgroup_root());
}

void page_lru_add(struct page *p)
{
	u32 flags = atomic_u32_load_relaxed(&p->flags);
	struct cgroup_pages *l = page_lists(p);

	if (flags & PAGE_SHARED_MEMORY) {
		atomic_u64_add(&shared_memory_pages, 1);
		return;
	}
	spin_guard(&l->lock);
	if (flags & PAGE_ACTIVE)
		page_list_append(&l->active, p);
	else
		page_list_append(&l->inactive, p);
}

void page_lru_remove(struct page *p)
{
	struct cgroup_pages *l = page_lists(p);

	if (atomic_u32_load_relaxed(&p->flags) & PAGE_SHARED_MEMORY) {
		atomic_u64_sub(&shared_memory_pages, 1);
		return;
	}
	spin_guard(&l->lock);
	if (page_list_has(&l->active, p))
		page_list_remove(&l->active, p);
	else if (page_list_has(&l->inactive, p))
		page_list_remove(&l->inactive, p);
}

// Keeps the inactive list at a third or more of all.
static void page_lru_balance(struct cgroup_pages *l) REQUIRES(l->lock)
{
	for (u32 i = 0; i < RECLAIM_BATCH; i++) {
		struct page *p = page_list_first(&l->active);

		if (!p || page_list_count(&l->inactive) * 2 >= page_list_count(&l->active))
			return;
		page_list_remove(&l->active, p);
		if (atomic_u32_and(&p->flags, ~(u32)PAGE_REFERENCED) & PAGE_REFERENCED) {
			page_list_append(&l->active, p);
			continue;
		}
		atomic_u32_and(&p->flags, ~(u32)PAGE_ACTIVE);
		page_list_append(&l->inactive, p);
	}
}

// Takes up to RECLAIM_BATCH candidates off the inactive list, with references, into g-like slots.
struct stack_only page_candidates {
	struct page *page[RECLAIM_BATCH];
	u32 count;
	u32 scanned;
	u32 dirty;	// met and left: they need write-back first
};

static void page_lru_take_one(struct page_candidates *c borrowed, struct cgroup_pages *l, struct page *p)
	REQUIRES(l->lock)
{
	u32 flags = atomic_u32_load_relaxed(&p->flags);

	page_list_remove(&l->inactive, p);
	if (flags & PAGE_ACTIVE) {
		atomic_u32_and(&p->flags, ~(u32)PAGE_REFERENCED);
		page_list_append(&l->active, p);
		return;
	}
	if (flags & (PAGE_DIRTY | PAGE_WRITEBACK | PAGE_LOCKED)) {
		c->dirty++;
		page_list_append(&l->inactive, p);
		return;
	}
	if (page_try_get(p))
		c->page[c->count++] = p;
	else
		page_list_append(&l->inactive, p);
}

static void page_lru_isolate(struct page_candidates *c borrowed, struct cgroup_pages *l)
{
	c->count = 0;
	spin_guard(&l->lock);
	page_lru_balance(l);
	for (u32 i = 0; i < 2 * RECLAIM_BATCH && c->count < RECLAIM_BATCH; i++) {
		struct page *p = page_list_first(&l->inactive);

		if (!p)
			return;
		c->scanned++;
		page_lru_take_one(c, l, p);
	}
}

// Clean, not mapped and known to nobody but the cache and us: out of the index. The page is locked.
static bool page_reclaim_locked(struct page_mapping *m, struct page *p)
{
	if (p->mapping != m)
		return false;
	if (atomic_u32_load(&p->map_count))
		page_mapping_try_unmap_page(m, p);
	spin_guard(&m->lock);
	if (page_references(p) != 2 || atomic_u32_load(&p->flags) & (PAGE_DIRTY | PAGE_WRITEBACK))
		return false;
	page_index_remove(&m->pages, p->index);
	p->mapping = NULL;
	return true;
}

// True when the page was freed. Consumes the candidate's reference.
static bool page_reclaim_one(struct page *candidate)
{
	struct page *p page_auto = candidate;
	// The mapping may be going away, even be another one by now: its memory stays a mapping's.
	struct page_mapping *m object_auto(page_mapping) = page_mapping_try_get(p->mapping);
	bool is_freed = false;

	if (m && page_try_lock(p)) {
		is_freed = page_reclaim_locked(m, p);
		page_unlock(p);
	}
	if (is_freed) {
		struct page *cached page_auto = p; // the index's reference

		return true;
	}
	// Back to the list, unless it left the index meanwhile.
	if (m) {
		spin_guard(&m->lock);
		if (p->mapping == m)
			page_lru_add(p);
	}
	return false;
}

static u64 page_lru_length(struct cgroup_pages *l)
{
	spin_guard(&l->lock);
	return page_list_count(&l->active) + page_list_count(&l->inactive);
}

// Goes through the lists of a group at most twice: once for the marks, once for the pages.
static u64 page_lru_shrink(struct cgroup *g, u64 pages, u64 *dirty borrowed)
{
	struct cgroup_pages *l = cgroup_pages_of(g);
	u64 freed = 0, length = page_lru_length(l), budget = length ? 2 * length + 2 * RECLAIM_BATCH : 0;

	while (freed < pages && budget) {
		struct page_candidates c = {};

		page_lru_isolate(&c, l);
		for (u32 i = 0; i < c.count; i++)
			freed += page_reclaim_one(c.page[i]);
		*dirty += c.dirty;
		budget -= min(budget, (u64)max(c.scanned, 1u));
	}
	return freed;
}

// One round over all groups in `only`, past the protected ones; how many of them only memory.low protects.
static u64 pagecache_reclaim_round(u64 pages, struct cgroup *only, enum cgroup_protection most, u64 *dirty borrowed,
	u64 *low borrowed)
{
	u64 freed = 0;

	for (u64 n = cgroup_pages_turns(only); n && freed < pages; n--) {
		struct cgroup *g object_auto(cgroup) = cgroup_pages_next(only);

		if (!g)
			break;
		u64 spare = 0;
		enum cgroup_protection p = cgroup_pages_protection(g, only, &spare);

		*low += p == CGROUP_PROTECTED_LOW;
		if (p > most)
			continue;
		u64 got = page_lru_shrink(g, min(pages - freed, spare), dirty);

		if (got && p == CGROUP_PROTECTED_LOW)
			cgroup_pages_break_low(g);
		freed += got;
	}
	return freed;
}

static u64 pagecache_reclaim_pass(u64 pages, struct cgroup *only, u64 *dirty borrowed)
{
	u64 low = 0, freed = pagecache_reclaim_round(pages, only, CGROUP_UNPROTECTED, dirty, &low);

	if (!freed && low)
		freed = pagecache_reclaim_round(pages, only, CGROUP_PROTECTED_LOW, dirty, &low);
	return freed;
}

u64 pagecache_reclaim(u64 pages, u32 flags, struct cgroup *only)
{
	u64 freed = 0;

	if (flags & PAGE_ALLOC_ATOMIC || cpu_is_atomic())
		return 0;
	// As long as pages are being written there is hope, and nobody has to die.
	for (u32 round = 0, idle = 0; round < RECLAIM_ROUNDS_MAX && idle < RECLAIM_WAITS; round++) {
		u64 dirty = 0;

		freed += pagecache_reclaim_pass(pages, only, &dirty);
		if (freed || !dirty)
			break;
		page_writeback_kick();
		if (flags & PAGE_ALLOC_RECLAIM_OFF)
			break;
		idle = page_writeback_wait_progress() ? 0 : idle + 1;
	}
	return freed;
}

static u64 page_lru_count_mapped(const struct page_list *l borrowed)
{
	u64 mapped = 0;

	list_for_each(page_list, p, l)
		mapped += atomic_u32_load_relaxed(&p->map_count) != 0;
	return mapped;
}

static void page_lru_add_totals(struct cgroup *g, struct pagecache_totals *t borrowed)
{
	struct cgroup_pages *l = cgroup_pages_of(g);

	spin_guard(&l->lock);
	t->active_file += page_list_count(&l->active);
	t->inactive_file += page_list_count(&l->inactive);
	t->mapped_pages += page_lru_count_mapped(&l->active) + page_lru_count_mapped(&l->inactive);
}

struct pagecache_totals pagecache_read_totals(void)
{
	struct pagecache_totals t = {
		.shmem_pages = atomic_u64_load_relaxed(&shared_memory_pages),
		.dirty_pages = page_writeback_dirty_pages(),
		.writeback_pages = page_writeback_active_pages(),
	};

	for (u64 n = cgroup_pages_turns(NULL); n; n--) {
		struct cgroup *g object_auto(cgroup) = cgroup_pages_next(NULL);

		if (g)
			page_lru_add_totals(g, &t);
	}
	t.file_pages = t.active_file + t.inactive_file + t.shmem_pages;
	return t;
}

void pagecache_init(void)
{
	page_lock_init();
	page_charge_init();
	page_writeback_init();
}
