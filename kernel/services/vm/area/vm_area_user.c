// SPDX-License-Identifier: MPL-2.0
// What the page cache asks of those who map its pages.
//
// unmap() takes the space's lock. clean() and unmap_page() are called under a page's lock, where the space's lock
// must not be taken: they read the area's bounds as they are. A wrong address does no harm: write permission
// lost too much comes back with the next fault, and a page is removed only where it is mapped.
#include <services/vm/vm_space_internal.h>

static void vm_area_unmap_locked(struct vm_space *s, struct vm_area *a, u64 first, u64 last) REQUIRES(s->lock)
{
	if (a->space != s || !vm_area_tree_is_linked(a))
		return;
	u64 low = vm_area_index(a, a->start), high = low + vm_area_pages(a) - 1;

	if (first > high || last < low)
		return;
	u64 start = a->start + ((max(first, low) - low) << PAGE_SHIFT);
	u64 end = a->start + ((min(last, high) - low + 1) << PAGE_SHIFT);
	struct tlb_batch b;

	tlb_batch_begin(&b, s->table);
	page_table_unmap(s->table, start, end, &b);
	tlb_batch_end(&b);
}

static void vm_area_user_unmap(struct page_mapping_user *u, u64 first, u64 last)
{
	struct vm_area *a = vm_area_of_user(u);
	struct vm_space *s object_auto(vm_space) = vm_space_try_get(a->space);

	if (!s)
		return;
	write_guard(&s->lock);
	vm_area_unmap_locked(s, a, first, last);
}

// 0: the area does not show the page.
static u64 vm_area_address_of(const struct vm_area *a borrowed, u64 index)
{
	u64 low = a->offset >> PAGE_SHIFT;

	if (index < low || index - low >= vm_area_pages(a))
		return 0;
	return a->start + ((index - low) << PAGE_SHIFT);
}

static void vm_area_user_clean(struct page_mapping_user *u, u64 index)
{
	struct vm_area *a = vm_area_of_user(u);
	u64 address = vm_area_address_of(a, index);

	if (!address || !(a->flags & VM_MAP_SHARED))
		return;
	struct tlb_batch b;

	tlb_batch_begin(&b, a->space->table);
	page_table_protect(a->space->table, address, address + PAGE_SIZE, PAGE_WRITE, 0, &b);
	tlb_batch_end(&b);
}

static void vm_area_user_unmap_page(struct page_mapping_user *u, struct page *p)
{
	struct vm_area *a = vm_area_of_user(u);
	u64 address = vm_area_address_of(a, p->index);

	if (!address || a->flags & VM_MAP_LOCKED)
		return;
	struct tlb_batch b;

	tlb_batch_begin(&b, a->space->table);
	(void)page_table_unmap_page(a->space->table, address, p, &b); // not there: nothing to do
	tlb_batch_end(&b);
}

const struct page_mapping_user_ops vm_area_user_ops = {
	.unmap = vm_area_user_unmap,
	.clean = vm_area_user_clean,
	.unmap_page = vm_area_user_unmap_page,
};
