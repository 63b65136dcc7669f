// SPDX-License-Identifier: MPL-2.0
// fork: a second space with the same areas. Pages of the space's own become shared copy-on-write; what the page
// cache can give back by a fault (clean file pages, shared memory) is not copied.
#include <services/vm/vm_space_internal.h>

static bool vm_fork_needs_pages(const struct vm_area *a)
{
	if (a->flags & VM_AREA_WIPE_ON_FORK)
		return false;
	return !a->mapping || atomic_u32_load_relaxed(&a->state) & VM_AREA_HAS_PRIVATE;
}

static err_t vm_fork_area(struct vm_space *from, struct vm_space *to, struct vm_area *a, struct tlb_batch *b borrowed)
	REQUIRES(from->lock) REQUIRES(to->lock)
{
	struct vm_area *copy object_auto(vm_area) = vm_area_clone(a, a->start, a->end);

	if (!copy)
		return -ENOMEM;
	copy->flags &= ~(u32)VM_MAP_LOCKED;
	vm_area_insert(to, take(copy));
	if (!vm_fork_needs_pages(a))
		return OK;
	return page_table_copy(to->table, from->table, a->start, a->end, a->kind != VM_AREA_SPECIAL, b);
}

static err_t vm_fork_areas(struct vm_space *from, struct vm_space *to, struct tlb_batch *b borrowed)
	REQUIRES(from->lock) REQUIRES(to->lock)
{
	for (struct vm_area *a = vm_area_tree_first(&from->areas); a; a = vm_area_tree_next(a)) {
		err_t e = a->flags & VM_AREA_DONT_FORK ? OK : vm_fork_area(from, to, a, b);

		if (e)
			return e;
	}
	return OK;
}

static err_t vm_fork_into(struct vm_space *from, struct vm_space *to)
{
	struct tlb_batch b;

	write_guard(&from->lock);
	write_guard_nested(&to->lock, 1);
	to->limits = from->limits;
	atomic_u32_store(&to->barrier_commands, atomic_u32_load(&from->barrier_commands));
	to->layout = from->layout;
	to->search_top = from->search_top;
	to->largest_hole = from->largest_hole;
	if (from->executable)
		to->executable = file_get(from->executable);
	tlb_batch_begin(&b, from->table);
	err_t e = vm_fork_areas(from, to, &b);

	tlb_batch_end(&b);
	return e;
}

err_t vm_space_fork(struct vm_space *from, struct vm_space **out borrowed)
{
	struct vm_space *to object_auto(vm_space) = vm_space_create(from->user_ns);

	*out = NULL;
	if (!to)
		return -ENOMEM;
	err_t e = vm_fork_into(from, to);

	if (e)
		return e;
	*out = take(to);
	return OK;
}
