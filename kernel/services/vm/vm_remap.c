// SPDX-License-Identifier: MPL-2.0
// mremap(2): shrinking, growing in place, moving.
#include <core/print.h>
#include <services/vm/vm_space_internal.h>

struct vm_remap {
	u64 old_start, old_length, new_length, new_start;
	u32 flags, pad;
};

static err_t vm_remap_check(struct vm_remap *r borrowed)
{
	u64 old_length = r->old_length, new_length = r->new_length;

	if (r->flags & ~(u32)(VM_REMAP_MAY_MOVE | VM_REMAP_FIXED | VM_REMAP_DONT_UNMAP) || !new_length)
		return -EINVAL;
	if (r->flags & (VM_REMAP_FIXED | VM_REMAP_DONT_UNMAP) && !(r->flags & VM_REMAP_MAY_MOVE))
		return -EINVAL;
	if (r->flags & VM_REMAP_DONT_UNMAP && page_round_up(old_length) != page_round_up(new_length))
		return -EINVAL;
	if (vm_range_check(r->old_start, &old_length) || new_length > USER_TOP)
		return -EINVAL;
	r->old_length = old_length;
	r->new_length = page_round_up(new_length);
	if (!(r->flags & VM_REMAP_FIXED))
		return OK;
	new_length = r->new_length;
	if (vm_range_check(r->new_start, &new_length) || r->new_start < USER_BOTTOM)
		return -EINVAL;
	bool is_apart = r->new_start + r->new_length <= r->old_start || r->old_start + r->old_length <= r->new_start;

	return is_apart ? OK : -EINVAL;
}

// The area that the call is about; all of the old range must lie in it.
static err_t vm_remap_find(struct vm_space *s, const struct vm_remap *r borrowed, struct vm_area **out borrowed)
	REQUIRES(s->lock)
{
	struct vm_area *a = vm_area_at(s, r->old_start);

	if (!a || r->old_start + r->old_length > a->end)
		return -EFAULT;
	if (!r->old_length && !vm_area_is_shared(a))
		return -EINVAL;
	if (r->flags & VM_REMAP_DONT_UNMAP && (a->mapping || a->kind == VM_AREA_SPECIAL))
		return -EINVAL;
	if (a->kind == VM_AREA_SPECIAL && r->new_length > r->old_length)
		return -EFAULT;
	*out = a;
	return OK;
}

static err_t vm_remap_check_growth(struct vm_space *s, const struct vm_remap *r borrowed, const struct vm_area *a)
	REQUIRES(s->lock)
{
	if (r->new_length <= r->old_length)
		return OK;
	u64 pages = (r->new_length - r->old_length) >> PAGE_SHIFT;

	if (a->flags & VM_MAP_LOCKED && vm_limits_check_locked_pages(s, pages))
		return -EAGAIN;
	return vm_limits_check(s, pages, vm_area_is_data(a));
}

static bool vm_remap_grow_in_place(struct vm_space *s, const struct vm_remap *r borrowed, struct vm_area *a,
	struct vm_area_list *gone borrowed) REQUIRES(s->lock)
{
	u64 end = r->old_start + r->new_length;

	if (r->old_start + r->old_length != a->end || r->flags & (VM_REMAP_FIXED | VM_REMAP_DONT_UNMAP) ||
		!r->old_length)
		return false;
	if (r->new_length > USER_TOP - r->old_start || vm_areas_overlap(s, a->end, end))
		return false;
	vm_space_account(s, a, 0);
	a->end = end;
	vm_space_account(s, a, 1);
	(void)vm_area_join(s, a, gone);
	return true;
}

static err_t vm_remap_place(struct vm_space *s, const struct vm_remap *r borrowed, u64 *place borrowed,
	struct vm_area_list *gone borrowed) REQUIRES(s->lock)
{
	if (!(r->flags & VM_REMAP_FIXED))
		return vm_gap_find(s, r->new_length, place);
	*place = r->new_start;
	return vm_unmap_locked(s, r->new_start, r->new_start + r->new_length, gone);
}

// a is exactly the old range (or, with old_length 0, an area to be shown a second time).
static err_t vm_remap_move_area(struct vm_space *s, const struct vm_remap *r borrowed, struct vm_area *a, u64 place,
				struct vm_area_list *gone borrowed) REQUIRES(s->lock)
{
	u64 length = min(r->old_length, r->new_length);
	struct vm_area *copy object_auto(vm_area) = vm_area_clone(a, a->start, a->end);
	struct tlb_batch b;

	if (!copy)
		return -ENOMEM;
	copy->offset = a->mapping ? a->offset + (r->old_start - a->start) : 0;
	copy->start = place;
	copy->end = place + r->new_length;
	struct vm_area *new = copy;

	vm_area_insert(s, take(copy));
	tlb_batch_begin(&b, s->table);
	err_t e = page_table_move(s->table, r->old_start, place, length, &b);

	// Back with what had moved. What cannot go back either is lost with the new area; the caller is told.
	if (e && page_table_move(s->table, place, r->old_start, length, &b))
		log_warning("mremap: no memory to undo a move\n");
	tlb_batch_end(&b);
	if (e) {
		vm_area_remove(s, new, gone);
		return e;
	}
	if (r->old_length && !(r->flags & VM_REMAP_DONT_UNMAP))
		return vm_unmap_locked(s, r->old_start, r->old_start + r->old_length, gone);
	return OK;
}

static err_t vm_remap_move(struct vm_space *s, const struct vm_remap *r borrowed, u64 *result borrowed,
	struct vm_area_list *gone borrowed) REQUIRES(s->lock)
{
	struct vm_area *a = NULL;
	u64 place = 0;
	err_t e = vm_remap_place(s, r, &place, gone);

	if (!e)
		e = vm_areas_split(s, r->old_start, r->old_start + r->old_length);
	if (!e)
		e = vm_remap_find(s, r, &a);
	if (!e)
		e = vm_remap_move_area(s, r, a, place, gone);
	*result = place;
	return e;
}

static err_t vm_remap_locked(struct vm_space *s, const struct vm_remap *r borrowed, u64 *result borrowed,
	struct vm_area_list *gone borrowed) REQUIRES(s->lock)
{
	struct vm_area *a = NULL;
	err_t e = vm_remap_find(s, r, &a);

	if (e)
		return e;
	*result = r->old_start;
	if (r->new_length <= r->old_length && !(r->flags & (VM_REMAP_FIXED | VM_REMAP_DONT_UNMAP)))
		return r->new_length == r->old_length ? OK :
			vm_unmap_locked(s, r->old_start + r->new_length, r->old_start + r->old_length, gone);
	e = vm_remap_check_growth(s, r, a);
	if (e || vm_remap_grow_in_place(s, r, a, gone))
		return e;
	return r->flags & VM_REMAP_MAY_MOVE ? vm_remap_move(s, r, result, gone) : -ENOMEM;
}

err_t vm_space_remap(struct vm_space *s, u64 old_address, u64 old_length, u64 new_length, u32 flags, u64 new_address,
	u64 *result borrowed)
{
	struct vm_remap r = { .old_start = old_address, .old_length = old_length, .new_length = new_length,
		.new_start = new_address, .flags = flags };
	struct vm_area_list gone = {};
	bool is_locked;
	err_t e = vm_remap_check(&r);

	if (e)
		return e;
	{
		write_guard(&s->lock);
		e = vm_remap_locked(s, &r, result, &gone);
		struct vm_area *a = e ? NULL : vm_area_at(s, *result);

		is_locked = a && a->flags & VM_MAP_LOCKED;
	}
	vm_area_list_drop(&gone);
	if (is_locked)
		vm_populate(s, *result, *result + r.new_length);
	return e;
}
