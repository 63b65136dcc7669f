// SPDX-License-Identifier: MPL-2.0
// mprotect(2). Write permission is taken from page-table entries at once and given back by page faults, which
// know what is shared.
#include <services/vm/vm_space_internal.h>

static err_t vm_protect_check(struct vm_space *s, u64 start, u64 end, u32 protection) REQUIRES(s->lock)
{
	u64 new_data = 0;

	if (!vm_areas_cover(s, start, end))
		return -ENOMEM;
	for (struct vm_area *a = vm_area_at(s, start); a && a->start < end; a = vm_area_tree_next(a)) {
		if (protection & ~a->max_protection || (a->kind == VM_AREA_SPECIAL && protection & PAGE_WRITE))
			return -EACCES;
		if (!(a->protection & PAGE_WRITE) && !(a->flags & (VM_MAP_SHARED | VM_MAP_GROWSDOWN)))
			new_data += (min(a->end, end) - max(a->start, start)) >> PAGE_SHIFT;
	}
	if (protection & PAGE_WRITE && new_data && s->limits.data_bytes != U64_MAX) {
		u64 room = s->limits.data_bytes >> PAGE_SHIFT;

		if (s->data_pages > room || new_data > room - s->data_pages)
			return -ENOMEM;
	}
	return OK;
}

// One area, whose bounds are right already.
static void vm_protect_area(struct vm_space *s, struct vm_area *a, u32 protection, struct tlb_batch *b borrowed)
	REQUIRES(s->lock)
{
	vm_space_account(s, a, 0);
	a->protection = protection;
	vm_space_account(s, a, 1);
	u32 pages = vm_area_page_protection(a), set = pages & ~(u32)PAGE_WRITE;

	if (a->mapping && vm_area_is_shared(a) && page_mapping_is_memory(a->mapping))
		set = pages;
	page_table_protect(s->table, a->start, a->end, (PAGE_READ | PAGE_WRITE | PAGE_EXECUTE) & ~pages, set, b);
}

static err_t vm_protect_range(
	struct vm_space *s, u64 start, u64 end, u32 protection, struct vm_area_list *gone borrowed) REQUIRES(s->lock)
{
	err_t e = vm_protect_check(s, start, end, protection);
	struct tlb_batch b;

	if (!e)
		e = vm_areas_split(s, start, end);
	if (e)
		return e;
	tlb_batch_begin(&b, s->table);
	for (u64 at = start; at < end;) {
		struct vm_area *a = vm_area_at(s, at);

		at = a->end;
		if (a->protection != protection)
			vm_protect_area(s, a, protection, &b);
		(void)vm_area_join(s, a, gone);
	}
	struct vm_area *last = vm_area_at(s, end);

	if (last)
		(void)vm_area_join(s, last, gone);
	tlb_batch_end(&b);
	return OK;
}

err_t vm_space_protect(struct vm_space *s, u64 address, u64 length, u32 protection)
{
	struct vm_area_list gone = {};
	err_t e = vm_range_check(address, &length);

	if (e)
		return page_offset(address) ? -EINVAL : -ENOMEM;
	if (!length)
		return OK;
	{
		write_guard(&s->lock);
		e = vm_protect_range(s, address, address + length, protection, &gone);
	}
	vm_area_list_drop(&gone);
	return e;
}
