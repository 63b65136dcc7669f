// SPDX-License-Identifier: MPL-2.0
// The tree of areas of a space: finding, splitting, joining, and the sums kept over it.
#include <services/vm/vm_space_internal.h>

struct vm_area *vm_area_at(struct vm_space *s, u64 address)
{
	struct vm_area *a = vm_area_tree_at_most(&s->areas, address);

	return a && address < a->end ? a : NULL;
}

struct vm_area *vm_area_after(struct vm_space *s, u64 address)
{
	struct vm_area *a = vm_area_at(s, address);

	return a ? a : vm_area_tree_at_least(&s->areas, address);
}

void vm_space_account(struct vm_space *s, const struct vm_area *a borrowed, u32 is_added)
{
	u64 pages = is_added ? vm_area_pages(a) : 0 - vm_area_pages(a);

	s->total_pages += pages;
	s->peak_total = max(s->peak_total, s->total_pages);
	if (vm_area_is_data(a))
		s->data_pages += pages;
	if (a->flags & VM_MAP_GROWSDOWN)
		s->stack_pages += pages;
	if (a->protection & PAGE_EXECUTE && !(a->protection & PAGE_WRITE))
		s->text_pages += pages;
	if (a->flags & VM_MAP_LOCKED)
		s->locked_pages += pages;
}

void vm_area_insert(struct vm_space *s, struct vm_area *a consumes)
{
	a->space = s;
	vm_area_tree_insert(&s->areas, a, a->start);
	vm_space_account(s, a, 1);
	a->base.may_write = vm_area_is_shared(a) && a->max_protection & PAGE_WRITE;
	if (a->mapping)
		page_mapping_add_user(a->mapping, &a->base);
}

void vm_area_remove(struct vm_space *s, struct vm_area *a, struct vm_area_list *gone borrowed)
{
	vm_area_tree_remove(&s->areas, a);
	vm_space_account(s, a, 0);
	if (a->mapping)
		page_mapping_remove_user(a->mapping, &a->base);
	vm_area_list_append(gone, a);
}

// `high` becomes part of `low`.
static void vm_area_absorb(struct vm_space *s, struct vm_area *low, struct vm_area *high,
			   struct vm_area_list *gone borrowed) REQUIRES(s->lock)
{
	u64 end = high->end;

	atomic_u32_or(&low->state, atomic_u32_load_relaxed(&high->state));
	vm_area_remove(s, high, gone);
	vm_space_account(s, low, 0);
	low->end = end;
	vm_space_account(s, low, 1);
}

struct vm_area *vm_area_join(struct vm_space *s, struct vm_area *a, struct vm_area_list *gone borrowed)
{
	struct vm_area *prev = vm_area_tree_prev(a);

	if (prev && vm_area_can_join(prev, a)) {
		vm_area_absorb(s, prev, a, gone);
		a = prev;
	}
	struct vm_area *next = vm_area_tree_next(a);

	if (next && vm_area_can_join(a, next))
		vm_area_absorb(s, a, next, gone);
	return a;
}

static err_t vm_area_split(struct vm_space *s, u64 at) REQUIRES(s->lock)
{
	struct vm_area *a = vm_area_at(s, at);

	if (!a || a->start == at)
		return OK;
	if (vm_area_tree_count(&s->areas) >= VM_AREAS_MAX)
		return -ENOMEM;
	struct vm_area *high object_auto(vm_area) = vm_area_clone(a, at, a->end);

	if (!high)
		return -ENOMEM;
	vm_space_account(s, a, 0);
	a->end = at;
	vm_space_account(s, a, 1);
	vm_area_insert(s, take(high));
	return OK;
}

err_t vm_areas_split(struct vm_space *s, u64 start, u64 end)
{
	err_t e = vm_area_split(s, start);

	return e ? e : vm_area_split(s, end);
}

bool vm_areas_cover(struct vm_space *s, u64 start, u64 end)
{
	struct vm_area *a = vm_area_at(s, start);

	while (a && a->end < end) {
		struct vm_area *next = vm_area_tree_next(a);

		if (!next || next->start != a->end)
			return false;
		a = next;
	}
	return a;
}

bool vm_areas_overlap(struct vm_space *s, u64 start, u64 end)
{
	struct vm_area *a = vm_area_after(s, start);

	return a && a->start < end;
}
