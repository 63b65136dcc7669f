// SPDX-License-Identifier: MPL-2.0
// mmap(2), munmap(2), brk(2). source: mmap(2), brk(2)
//
// What can fail is done first: the file is asked for its mapping and the area is made before the lock is taken,
// areas are split before the first of them goes. Areas that go are put aside and dropped after the lock.
#include <core/memory.h>
#include <services/vfs/mount.h>
#include <services/vm/vm_space_internal.h>

static const struct page_mapping_ops shared_memory_ops = {};

err_t vm_range_check(u64 address, u64 *length borrowed)
{
	if (page_offset(address) || *length > USER_TOP || address > USER_TOP - *length)
		return -EINVAL;
	*length = page_round_up(*length);
	return address > USER_TOP - *length ? -EINVAL : OK;
}

err_t vm_limits_check(struct vm_space *s, u64 pages, u32 is_data)
{
	u64 room = s->limits.address_space_bytes >> PAGE_SHIFT, data_room = s->limits.data_bytes >> PAGE_SHIFT;

	if (s->total_pages > room || pages > room - s->total_pages)
		return -ENOMEM;
	if (is_data && (s->data_pages > data_room || pages > data_room - s->data_pages))
		return -ENOMEM;
	return OK;
}

err_t vm_limits_check_locked_pages(struct vm_space *s, u64 pages)
{
	u64 room = s->limits.locked_bytes >> PAGE_SHIFT;

	return s->locked_pages > room || pages > room - s->locked_pages ? -ENOMEM : OK;
}

err_t vm_unmap_locked(struct vm_space *s, u64 start, u64 end, struct vm_area_list *gone borrowed)
{
	struct vm_area *a = vm_area_after(s, start);

	if (!a || a->start >= end)
		return OK;
	err_t e = vm_areas_split(s, start, end);

	if (e)
		return e;
	vm_space_note_resident(s);
	for (;;) {
		a = vm_area_after(s, start);
		if (!a || a->start >= end)
			break;
		vm_area_remove(s, a, gone);
	}
	struct tlb_batch b;

	tlb_batch_begin(&b, s->table);
	page_table_unmap(s->table, start, end, &b);
	tlb_batch_end(&b);
	vm_gap_opened(s, end);
	return OK;
}

err_t vm_space_unmap(struct vm_space *s, u64 address, u64 length)
{
	struct vm_area_list gone = {};
	err_t e = vm_range_check(address, &length);

	if (e || !length)
		return -EINVAL;
	{
		write_guard(&s->lock);
		e = vm_unmap_locked(s, address, address + length, &gone);
	}
	vm_area_list_drop(&gone);
	return e;
}

// --- mmap ----------------------------------------------------------------------------------

static err_t vm_map_check_file(const struct vm_map_request *r borrowed, u32 *max_protection borrowed)
{
	const struct file *f = r->file;

	if (!(f->mode & FILE_MODE_READ))
		return -EACCES;
	if (f->path.mount && mount_has(f->path.mount, MOUNT_NO_EXEC)) {
		if (r->protection & PAGE_EXECUTE)
			return -EPERM;
		*max_protection &= ~(u32)PAGE_EXECUTE;
	}
	if (r->flags & VM_MAP_SHARED && !(f->mode & FILE_MODE_WRITE)) {
		if (r->protection & PAGE_WRITE)
			return -EACCES;
		*max_protection &= ~(u32)PAGE_WRITE;
	}
	return f->ops->map ? OK : -ENODEV;
}

static err_t vm_map_file(struct vm_area *a, const struct vm_map_request *r borrowed)
{
	struct page_mapping *m = NULL;
	err_t e = vm_map_check_file(r, &a->max_protection);

	// What is written to a private mapping does not reach the file.
	if (!e)
		e = r->file->ops->map(
			r->file, r->flags & VM_MAP_SHARED ? r->protection : r->protection & ~(u32)PAGE_WRITE, &m);
	if (e)
		return e;
	// A sealed file refuses writable mappings: then this one may not become writable later either.
	if (r->flags & VM_MAP_SHARED && !(r->protection & PAGE_WRITE) && m) {
		struct page_mapping *same = NULL;

		if (r->file->ops->map(r->file, r->protection | PAGE_WRITE, &same))
			a->max_protection &= ~(u32)PAGE_WRITE;
	}
	a->offset = r->offset;
	if (!m)
		return OK; // /dev/zero
	vm_area_set_file(a, r->file);
	a->mapping = page_mapping_get(m);
	a->kind = VM_AREA_FILE;
	return OK;
}

// The area for a request, with everything but its place.
static err_t vm_map_make_area(const struct vm_map_request *r borrowed, struct vm_area **out borrowed)
{
	struct vm_area *a object_auto(vm_area) = vm_area_create();
	err_t e = OK;

	if (!a)
		return -ENOMEM;
	a->protection = r->protection;
	a->max_protection = PAGE_READ | PAGE_WRITE | PAGE_EXECUTE;
	a->flags = r->flags & VM_AREA_FLAGS_KEPT;
	if (r->file)
		e = vm_map_file(a, r);
	if (!e && !a->mapping && vm_area_is_shared(a)) {
		a->mapping = page_mapping_create(&shared_memory_ops, NULL);
		a->kind = VM_AREA_SHARED_MEMORY;
		a->offset = 0;
		e = a->mapping ? OK : -ENOMEM;
	}
	if (!a->mapping)
		a->offset = 0;
	*out = take(a);
	return e;
}

static err_t vm_map_check(const struct vm_map_request *r borrowed, u64 *length borrowed)
{
	if (!r->length)
		return -EINVAL;
	if (r->length > USER_TOP)
		return -ENOMEM;
	*length = page_round_up(r->length);
	if (page_offset(r->offset))
		return -EINVAL;
	if (r->file && r->offset + *length < r->offset)
		return -EOVERFLOW;
	if (!(r->flags & (VM_MAP_FIXED | VM_MAP_FIXED_NOREPLACE)))
		return OK;
	if (page_offset(r->address))
		return -EINVAL;
	if (*length > USER_TOP || r->address > USER_TOP - *length)
		return -ENOMEM;
	return r->address < USER_BOTTOM ? -EPERM : OK;
}

// Obvious nonsense is refused: more private memory at once than the machine has.
static err_t vm_map_check_commit(const struct vm_area *a borrowed, u64 length)
{
	if (a->flags & VM_MAP_NORESERVE || a->kind == VM_AREA_FILE || !(a->protection & PAGE_WRITE))
		return OK;
	return length >> PAGE_SHIFT > memory_read_totals().total_pages ? -ENOMEM : OK;
}

static err_t vm_map_place(struct vm_space *s, const struct vm_map_request *r borrowed, u64 length,
	u64 *address borrowed, struct vm_area_list *gone borrowed) REQUIRES(s->lock)
{
	u64 hint = page_round_down(r->address);

	if (r->flags & VM_MAP_FIXED_NOREPLACE) {
		*address = r->address;
		return vm_areas_overlap(s, r->address, r->address + length) ? -EEXIST : OK;
	}
	if (r->flags & VM_MAP_FIXED) {
		*address = r->address;
		return vm_unmap_locked(s, r->address, r->address + length, gone);
	}
	if (hint >= USER_BOTTOM && length <= USER_TOP && hint <= USER_TOP - length &&
	    !vm_areas_overlap(s, hint, hint + length)) {
		*address = hint;
		return OK;
	}
	if (r->flags & VM_MAP_LOW_2G)
		return vm_gap_find_below(s, 1ul << 31, length, address);
	return vm_gap_find(s, length, address);
}

static err_t vm_map_insert(struct vm_space *s, const struct vm_map_request *r borrowed, struct vm_area *a, u64 length,
			   struct vm_area_list *gone borrowed) REQUIRES(s->lock)
{
	u64 pages = length >> PAGE_SHIFT;
	err_t e = vm_limits_check(s, pages, vm_area_is_data(a));

	a->flags |= s->future_flags;
	if (!e && vm_area_tree_count(&s->areas) >= VM_AREAS_MAX)
		e = -ENOMEM;
	if (!e && a->flags & VM_MAP_LOCKED && vm_limits_check_locked_pages(s, pages))
		e = -EAGAIN;
	if (!e)
		e = vm_map_place(s, r, length, &a->start, gone);
	if (e)
		return e;
	a->end = a->start + length;
	struct vm_area *own object_auto(vm_area) = vm_area_get(a);

	vm_area_insert(s, take(own));
	(void)vm_area_join(s, a, gone);
	return OK;
}

err_t vm_space_map(struct vm_space *s, const struct vm_map_request *r borrowed, u64 *address borrowed)
{
	struct vm_area_list gone = {};
	struct vm_area *a object_auto(vm_area) = NULL;
	u64 length = 0;
	u32 flags;
	err_t e = vm_map_check(r, &length);

	if (!e)
		e = vm_map_make_area(r, &a);
	if (!e)
		e = vm_map_check_commit(a, length);
	if (e)
		return e;
	{
		write_guard(&s->lock);
		e = vm_map_insert(s, r, a, length, &gone);
		*address = a->start;
		flags = a->flags;
	}
	vm_area_list_drop(&gone);
	if (!e && (r->flags & VM_MAP_POPULATE || flags & VM_MAP_LOCKED))
		vm_populate(s, *address, *address + length);
	return e;
}

// --- brk -----------------------------------------------------------------------------------

static err_t vm_break_grow(struct vm_space *s, u64 start, u64 end, struct vm_area_list *gone borrowed) REQUIRES(s->lock)
{
	struct vm_area *a object_auto(vm_area) = vm_area_create();
	err_t e = vm_limits_check(s, (end - start) >> PAGE_SHIFT, 1);

	if (e || !a)
		return -ENOMEM;
	// One page of distance to the next mapping.
	if (end > USER_TOP - PAGE_SIZE || vm_areas_overlap(s, start, end + PAGE_SIZE))
		return -ENOMEM;
	a->start = start;
	a->end = end;
	a->protection = PAGE_READ | PAGE_WRITE;
	a->max_protection = PAGE_READ | PAGE_WRITE | PAGE_EXECUTE;
	a->flags = s->future_flags;
	struct vm_area *own object_auto(vm_area) = vm_area_get(a);

	vm_area_insert(s, take(own));
	(void)vm_area_join(s, a, gone);
	return OK;
}

static err_t vm_break_move(struct vm_space *s, u64 address, struct vm_area_list *gone borrowed) REQUIRES(s->lock)
{
	struct vm_layout *l = &s->layout;
	u64 old = page_round_up(l->brk), new = page_round_up(address);

	if (address < l->start_brk || address > USER_TOP)
		return -EINVAL;
	if (s->limits.data_bytes != U64_MAX &&
	    address - l->start_brk + (l->end_data - l->start_data) > s->limits.data_bytes)
		return -ENOMEM;
	if (new < old)
		return vm_unmap_locked(s, new, old, gone);
	return new > old ? vm_break_grow(s, old, new, gone) : OK;
}

u64 vm_space_set_break(struct vm_space *s, u64 address)
{
	struct vm_area_list gone = {};
	u64 result, populate_from = 0;
	{
		write_guard(&s->lock);
		u64 old = s->layout.brk;

		if (vm_break_move(s, address, &gone) == OK) {
			s->layout.brk = address;
			if (s->future_flags & VM_MAP_LOCKED && address > old)
				populate_from = page_round_up(old);
		}
		result = s->layout.brk;
	}
	vm_area_list_drop(&gone);
	if (populate_from)
		vm_populate(s, populate_from, page_round_up(result));
	return result;
}
