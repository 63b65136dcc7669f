// SPDX-License-Identifier: MPL-2.0
// What is mapped where, page by page (/proc/PID/pagemap). Pages may come and go meanwhile: each answer was true once.
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
