// SPDX-License-Identifier: MPL-2.0
// Page tables as the services use them: mapping, protection, copies, moves, counts, emptied tables.
#include <core/page_table.h>
#include <core/user.h>
#include "core/ktest/tests.h"

enum {
	BASE = 0x40000000,
	FAR = 0x7f0000000000,
	PAGES = 600,			// more than one table
	LEAF_SIZE = 2 << 20,
};

static bool page_is(struct page_table *t, u64 address, const struct page *p, u32 protection)
{
	struct page_entry e = page_table_query(t, address);

	return e.page == p && e.protection == protection;
}

static void unmap_all(struct page_table *t)
{
	struct tlb_batch b;

	tlb_batch_begin(&b, t);
	page_table_unmap(t, 0, USER_TOP, &b);
	tlb_batch_end(&b);
}

static bool fill(struct page_table *t, u64 base, struct page *p, u32 count)
{
	bool ok = true;

	for (u32 i = 0; i < count; i++)
		ok &= page_table_map(t, base + i * PAGE_SIZE, p, PAGE_READ | PAGE_WRITE) == OK;
	return ok;
}

// All mapped pages, in runs of at most PAGE_ENTRIES_MAX, also across the gap.
static bool collects_all(struct page_table *t, u32 expected)
{
	struct page_entries some;
	u32 found = 0;
	bool ok = true;

	for (u64 at = 0; at < USER_TOP; found += some.count) {
		at = page_table_collect(t, at, USER_TOP, &some);
		ok &= some.count == PAGE_ENTRIES_MAX || at == USER_TOP;
	}
	return ok && found == expected && page_table_collect(t, 0, BASE, &some) == BASE && !some.count;
}

static bool mappings_are_counted(void)
{
	struct page_table *t object_auto(page_table) = page_table_create();
	struct page *p page_auto = page_alloc(PAGE_ALLOC_ZERO);
	struct tlb_batch b;

	if (!t || !p || !fill(t, BASE, p, PAGES) || !fill(t, FAR, p, 1))
		return false;
	bool ok = page_references(p) == PAGES + 2 && atomic_u32_load(&p->map_count) == PAGES + 1 &&
		  page_table_mapped(t, 0) == PAGES + 1 && page_table_pages(t) == 1 + 4 + 3;
	ok &= page_table_map(t, BASE, p, PAGE_READ) == -EEXIST;
	ok &= page_table_map(t, USER_TOP, p, PAGE_READ) == -EINVAL &&
		page_table_map(t, BASE + 1, p, PAGE_READ) == -EINVAL;
	ok &= page_table_next(t, BASE + PAGES * PAGE_SIZE, USER_TOP) == FAR && page_table_next(t, 0, BASE) == BASE &&
		collects_all(t, PAGES + 1);
	tlb_batch_begin(&b, t);
	page_table_unmap(t, BASE + PAGE_SIZE, USER_TOP, &b);
	ok &= page_table_unmap_page(t, BASE, p, &b) && !page_table_unmap_page(t, BASE, p, &b);
	tlb_batch_end(&b);
	return ok && page_references(p) == 1 && atomic_u32_load(&p->map_count) == 0 && page_table_pages(t) == 1 &&
	       page_table_mapped(t, 0) == 0;
}

static bool protection_changes(void)
{
	struct page_table *t object_auto(page_table) = page_table_create();
	struct page *p page_auto = page_alloc(PAGE_ALLOC_ZERO), *q page_auto = page_alloc(PAGE_ALLOC_ZERO);
	struct tlb_batch b;
	u32 protection;

	if (!t || !p || !q || page_table_map(t, BASE, p, PAGE_READ | PAGE_WRITE | PAGE_SOFT_FILE) != OK)
		return false;
	tlb_batch_begin(&b, t);
	page_table_protect(t, BASE, BASE + PAGE_SIZE, PAGE_READ | PAGE_WRITE, 0, &b);
	bool ok = page_is(t, BASE, p, PAGE_SOFT_FILE);
	page_table_protect(t, 0, USER_TOP, 0, PAGE_READ | PAGE_EXECUTE | PAGE_SOFT_COW, &b);
	ok &= page_is(t, BASE, p, PAGE_READ | PAGE_EXECUTE | PAGE_SOFT_COW | PAGE_SOFT_FILE);
	ok &= page_table_mapped(t, PAGE_SOFT_FILE) == 1;
	ok &= page_table_replace(t, BASE, q, q, PAGE_READ, &b) == -EAGAIN;
	ok &= page_table_replace(t, BASE, p, q, PAGE_READ | PAGE_WRITE, &b) == OK;
	tlb_batch_end(&b);
	struct page *held page_auto = page_table_get_page(t, BASE, &protection);
	ok &= held == q && protection == (PAGE_READ | PAGE_WRITE) && page_references(q) == 3 && page_references(p) == 1;
	unmap_all(t);
	return ok && page_table_mapped(t, PAGE_SOFT_FILE) == 0 && page_table_mapped(t, 0) == 0;
}

static bool copies_share(void)
{
	struct page_table *t object_auto(page_table) = page_table_create();
	struct page_table *child object_auto(page_table) = page_table_create();
	struct page *p page_auto = page_alloc(PAGE_ALLOC_ZERO);
	struct tlb_batch b;

	if (!t || !child || !p || !fill(t, BASE, p, PAGES))
		return false;
	tlb_batch_begin(&b, t);
	bool ok = page_table_copy(child, t, BASE, BASE + LEAF_SIZE, 1, &b) == OK;
	ok &= page_table_copy(child, t, BASE + LEAF_SIZE, USER_TOP, 0, &b) == OK;
	tlb_batch_end(&b);
	ok &= page_is(t, BASE, p, PAGE_READ | PAGE_SOFT_COW) && page_is(child, BASE, p, PAGE_READ | PAGE_SOFT_COW);
	ok &= page_is(child, BASE + LEAF_SIZE, p, PAGE_READ | PAGE_WRITE);
	ok &= page_references(p) == 2 * PAGES + 1 && page_table_mapped(child, 0) == PAGES;
	unmap_all(t);
	unmap_all(child);
	return ok && page_references(p) == 1;
}

static bool moves_keep_pages(void)
{
	struct page_table *t object_auto(page_table) = page_table_create();
	struct page *p page_auto = page_alloc(PAGE_ALLOC_ZERO);
	struct tlb_batch b;

	if (!t || !p || !fill(t, BASE, p, PAGES))
		return false;
	tlb_batch_begin(&b, t);
	bool ok = page_table_move(t, BASE, FAR + PAGE_SIZE, PAGES * PAGE_SIZE, &b) == OK;
	ok &= page_table_move(t, FAR, USER_TOP - PAGE_SIZE, PAGES * PAGE_SIZE, &b) == -EINVAL;
	tlb_batch_end(&b);
	ok &= page_table_next(t, 0, USER_TOP) == FAR + PAGE_SIZE && page_table_mapped(t, 0) == PAGES;
	ok &= page_references(p) == PAGES + 1;
	unmap_all(t);
	return ok && page_references(p) == 1 && page_table_pages(t) == 1;
}

static bool groups_fill_gaps(void)
{
	struct page_table *t object_auto(page_table) = page_table_create();
	struct page *p page_auto = page_alloc(PAGE_ALLOC_ZERO), *q page_auto = page_alloc(PAGE_ALLOC_ZERO);
	struct page_group g = { 0 };

	if (!t || !p || !q || page_table_map(t, BASE + PAGE_SIZE, q, PAGE_READ) != OK)
		return false;
	for (u32 i = 0; i < 3; i++)
		g.page[i] = page_get(p);
	bool ok = page_table_map_group(t, BASE, &g, 4, PAGE_READ) == OK;
	ok &= page_is(t, BASE, p, PAGE_READ) && page_is(t, BASE + PAGE_SIZE, q, PAGE_READ);
	ok &= page_is(t, BASE + 2 * PAGE_SIZE, p, PAGE_READ) && !page_table_query(t, BASE + 3 * PAGE_SIZE).page;
	ok &= page_references(p) == 3;
	g.page[0] = page_get(p);
	ok &= page_table_map_group(t, BASE + LEAF_SIZE - PAGE_SIZE, &g, 2, PAGE_READ) == -EINVAL && !g.page[0];
	unmap_all(t);
	return ok && page_references(p) == 1 && page_references(q) == 1;
}

// A table dropped with its mappings in place gives everything back.
static bool release_gives_pages_back(void)
{
	struct page *p page_auto = page_alloc(PAGE_ALLOC_ZERO);
	struct page_table *t = page_table_create();

	if (!t || !p)
		return false;
	bool ok = fill(t, BASE, p, PAGES) && fill(t, FAR, p, 2);
	page_table_put(t);
	return ok && page_references(p) == 1 && atomic_u32_load(&p->map_count) == 0;
}

const struct ktest page_table_ktests[] = {
	{ "mappings_are_counted", mappings_are_counted },
	{ "protection_changes", protection_changes },
	{ "copies_share", copies_share },
	{ "moves_keep_pages", moves_keep_pages },
	{ "groups_fill_gaps", groups_fill_gaps },
	{ "release_gives_pages_back", release_gives_pages_back },
};
const u32 page_table_ktest_count = array_len(page_table_ktests);
