// SPDX-License-Identifier: MPL-2.0
// What is mapped where, page by page (/proc/PID/pagemap) and in sums (/proc/PID/smaps). Pages may come and go
// meanwhile: each answer was true once.
#include <services/vm/vm_space_internal.h>

static u32 flags_of(const struct page_entry *e borrowed)
{
	const u32 kind = e->protection & (PAGE_SOFT_FILE | PAGE_SOFT_SHARED);
	u32 flags = VM_PAGE_PRESENT;

	if (kind == (PAGE_SOFT_FILE | PAGE_SOFT_SHARED))	// the zero page, the vDSO: nobody's
		return flags;
	if (kind)
		flags |= VM_PAGE_OF_FILE;
	if (atomic_u32_load_relaxed(&e->page->map_count) == 1)
		flags |= VM_PAGE_EXCLUSIVE;
	return flags;
}

void vm_space_page_states(struct vm_space *const s, u64 address, u32 count, struct vm_page_states *out borrowed)
{
	*out = (struct vm_page_states){ };
	read_guard(&s->lock);
	for (u32 i = 0; i < min(count, VM_PAGE_STATES); i++) {
		const struct page_entry e = page_table_query(s->table, address + i * PAGE_SIZE);

		if (!e.page)
			continue;
		out->flags[i] = flags_of(&e);
		out->frame[i] = page_frame_number(e.page);
	}
}

static enum vm_share share_of(const struct page_entry *e borrowed)
{
	if (e->protection & PAGE_SOFT_FILE)
		return VM_SHARE_FILE;
	return e->protection & PAGE_SOFT_SHARED ? VM_SHARE_SHARED_MEMORY : VM_SHARE_ANONYMOUS;
}

static void usage_add(struct vm_usage *u borrowed, const struct page_entry *e borrowed, bool is_locked)
{
	const u32 mapped = max(atomic_u32_load_relaxed(&e->page->map_count), 1u);
	const u64 share = PAGE_SIZE * VM_SHARE_UNIT / mapped;
	const enum vm_share kind = share_of(e);

	u->resident++;
	u->referenced += e->is_accessed;
	u->anonymous += kind == VM_SHARE_ANONYMOUS;
	u->share[kind] += share;
	u->share_dirty += e->is_dirty ? share : 0;
	u->share_locked += is_locked ? share : 0;
	if (mapped > 1) {
		u->shared_dirty += e->is_dirty;
		u->shared_clean += !e->is_dirty;
	} else {
		u->private_dirty += e->is_dirty;
		u->private_clean += !e->is_dirty;
	}
}

static no_inline void area_add_usage(
	struct vm_space *s, u64 start, u64 end, bool is_locked, struct vm_usage *u borrowed) REQUIRES_SHARED(s->lock)
{
	struct page_entries some;

	for (u64 at = start; at < end;) {
		at = page_table_collect(s->table, at, end, &some);
		for (u32 i = 0; i < some.count; i++) {
			const struct page_entry e = some.entries[i];

			if (e.page != page_zero_shared())
				usage_add(u, &e, is_locked);
		}
	}
}

void vm_space_add_usage(struct vm_space *const s, u64 start, u64 end, struct vm_usage *u borrowed)
{
	read_guard(&s->lock);
	for (struct vm_area *a = vm_area_after(s, start); a && a->start < end; a = vm_area_tree_next(a))
		area_add_usage(s, max(a->start, start), min(a->end, end), a->flags & VM_MAP_LOCKED, u);
}
