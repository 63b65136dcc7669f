// SPDX-License-Identifier: MPL-2.0
// Pages that go: truncation, hole punching, dropping what is cached.
//
// The file's size was changed before, so a page fault that begins now maps nothing beyond it. Faults that
// began before hold their space's lock for reading; unmapping takes it for writing, so it waits for them.
#include <services/pagecache/page_mapping_internal.h>

// The first page of the index at or after *index, at most at `last`, locked and still in the mapping.
static struct page *page_mapping_lock_next(struct page_mapping *m, u64 *index borrowed, u64 last) owned;
static struct page *page_mapping_lock_next(struct page_mapping *m, u64 *index borrowed, u64 last)
{
	for (;;) {
		struct page *p page_auto = NULL;
		{
			spin_guard(&m->lock);
			struct page *at = page_index_next(&m->pages, index);

			if (!at || *index > last)
				return NULL;
			struct page *r page_auto = page_get(at);

			p = take(r);
		}
		page_lock(p);
		if (p->mapping == m)
			return take(p);
		page_unlock(p);
	}
}

void page_mapping_drop(struct page_mapping *m, u64 first_index, u64 last_index)
{
	u64 index = first_index, removed = 0;
	bool was_mapped = false;

	if (first_index > last_index)
		return;
	page_mapping_unmap_users(m, first_index, last_index);
	for (;;) {
		struct page *p page_auto = page_mapping_lock_next(m, &index, last_index);

		if (!p)
			break;
		page_mapping_remove(m, p);
		was_mapped |= atomic_u32_load(&p->map_count) != 0;
		page_unlock(p);
		removed++;
	}
	// Mapped again by a fault between the two passes (hole punching).
	if (was_mapped)
		page_mapping_unmap_users(m, first_index, last_index);
	if (removed && m->ops->page_removed)
		m->ops->page_removed(m, removed);
}

// Zeroes the rest of the page in which the file ends now.
static void page_mapping_zero_tail(struct page_mapping *m, u64 size)
{
	struct page *p page_auto = page_mapping_find(m, size >> PAGE_SHIFT);

	if (!p)
		return;
	page_lock(p);
	if (p->mapping == m) {
		span_fill(span_from(page_span(p), page_offset(size)), 0);
		page_mark_dirty(p);
	}
	page_unlock(p);
}

void page_mapping_truncate(struct page_mapping *m, u64 size)
{
	u64 first = (size >> PAGE_SHIFT) + (page_offset(size) != 0);

	page_mapping_drop(m, first, U64_MAX);
	if (page_offset(size))
		page_mapping_zero_tail(m, size);
}

// Nobody writes to the locked page, has it mapped or waits for its write-back.
static bool page_is_forgettable(struct page_mapping *m, const struct page *p borrowed)
{
	return p->mapping == m && !atomic_u32_load(&p->map_count) &&
		!(atomic_u32_load(&p->flags) & (PAGE_DIRTY | PAGE_WRITEBACK));
}

void page_mapping_forget_clean(struct page_mapping *m, u64 first_index, u64 last_index)
{
	if (page_mapping_is_memory(m) || first_index > last_index)
		return;
	for (u64 index = first_index;; index++) {
		struct page *p page_auto = page_mapping_lock_next(m, &index, last_index);

		if (!p)
			return;
		if (page_is_forgettable(m, p))
			page_mapping_remove(m, p);
		page_unlock(p);
		if (index == last_index)
			return;
	}
}
