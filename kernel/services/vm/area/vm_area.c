// SPDX-License-Identifier: MPL-2.0
// Areas as objects: making, copying, comparing.
#include <services/vm/vm_space_internal.h>

static exclusive_access void vm_area_release(struct vm_area *a)
{
	if (a->mapping)
		page_mapping_put(take(a->mapping));
	if (!a->file)
		return;
	if (a->file->ops->area_gone)
		a->file->ops->area_gone(a->file);
	file_put(take(a->file));
}
DEFINE_DERIVED_SHARED(vm_area, page_mapping_user, vm_area_release)

struct vm_area *vm_area_of_user(struct page_mapping_user *u)
{
	return vm_area_from_page_mapping_user(u);
}

struct vm_area *vm_area_create(void)
{
	struct vm_area *a object_auto(vm_area) = vm_area_alloc();

	if (!a)
		return NULL;
	a->base.ops = &vm_area_user_ops;
	return take(a);
}

void vm_area_set_file(struct vm_area *a, struct file *f)
{
	a->file = file_get(f);
	if (f->ops->area_came)
		f->ops->area_came(f);
}

struct vm_area *vm_area_clone(const struct vm_area *a borrowed, u64 start, u64 end)
{
	struct vm_area *n object_auto(vm_area) = vm_area_create();

	if (!n)
		return NULL;
	n->start = start;
	n->end = end;
	n->offset = a->mapping ? a->offset + (start - a->start) : 0;
	n->protection = a->protection;
	n->max_protection = a->max_protection;
	n->flags = a->flags;
	n->kind = a->kind;
	n->name_length = a->name_length;
	span_copy(array_span(n->name), array_bytes(a->name));
	atomic_u32_store_relaxed(&n->state, atomic_u32_load_relaxed(&a->state));
	if (a->file)
		vm_area_set_file(n, a->file);
	if (a->mapping)
		n->mapping = page_mapping_get(a->mapping);
	return take(n);
}

void vm_area_list_drop(struct vm_area_list *gone borrowed)
{
	for (;;) {
		struct vm_area *a object_auto(vm_area) = vm_area_list_pop(gone);

		if (!a)
			return;
	}
}

bool vm_area_can_join(const struct vm_area *low borrowed, const struct vm_area *high borrowed)
{
	if (low->end != high->start || low->protection != high->protection || low->flags != high->flags ||
	    low->kind != high->kind || low->kind == VM_AREA_SPECIAL || low->max_protection != high->max_protection)
		return false;
	if (low->mapping != high->mapping || low->file != high->file)
		return false;
	return !low->mapping || low->offset + (low->end - low->start) == high->offset;
}

bool vm_area_allows(const struct vm_area *a borrowed, u32 access)
{
	if (access & USER_FAULT_WRITE)
		return a->protection & PAGE_WRITE;
	if (access & USER_FAULT_EXECUTE)
		return a->protection & PAGE_EXECUTE;
	return a->protection != PAGE_NONE;
}
