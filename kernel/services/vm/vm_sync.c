// SPDX-License-Identifier: MPL-2.0
// msync(2) and mincore(2).
#include <services/vm/vm_space_internal.h>

struct vm_sync_piece {
	u64 next;		// where to go on
	u64 start, end;		// of the file; equal: nothing to write
	u32 has_hole;
};

// The first piece at or after `at`, with a reference on its file.
static err_t vm_sync_next(struct vm_space *s, u64 at, u64 end, u32 flags, struct vm_sync_piece *piece borrowed,
	struct file **file borrowed)
{
	read_guard(&s->lock);
	struct vm_area *a = vm_area_after(s, at);

	*piece = (struct vm_sync_piece){ .next = end };
	if (!a || a->start >= end) {
		piece->has_hole = 1;
		return OK;
	}
	u64 from = max(a->start, at);

	piece->has_hole = a->start > at;
	piece->next = min(a->end, end);
	if (flags & VM_SYNC_INVALIDATE && a->flags & VM_MAP_LOCKED)
		return -EBUSY;
	if (!(flags & VM_SYNC_SYNC) || !a->file || !vm_area_is_shared(a))
		return OK;
	piece->start = a->offset + (from - a->start);
	piece->end = piece->start + (piece->next - from);
	struct file *f object_auto(file) = file_get(a->file);

	*file = take(f);
	return OK;
}

err_t vm_space_sync(struct vm_space *s, u64 address, u64 length, u32 flags)
{
	u32 has_hole = 0;
	err_t e = vm_range_check(address, &length);

	if (e)
		return page_offset(address) ? -EINVAL : -ENOMEM;
	for (u64 at = address; at < address + length;) {
		struct file *f object_auto(file) = NULL;
		struct vm_sync_piece piece;

		e = vm_sync_next(s, at, address + length, flags, &piece, &f);
		if (!e && f && f->ops->sync)
			e = f->ops->sync(f, piece.start, piece.end, 1);
		if (e)
			return e;
		has_hole |= piece.has_hole;
		at = piece.next;
	}
	return has_hole ? -ENOMEM : OK;
}

static u8 vm_page_is_resident(struct vm_space *s, const struct vm_area *a, u64 address) REQUIRES_SHARED(s->lock)
{
	if (page_table_query(s->table, address).page)
		return 1;
	if (!a->mapping)
		return 0;
	struct page *p page_auto = page_mapping_find(a->mapping, vm_area_index(a, address));

	return p != NULL;
}

err_t vm_space_resident(struct vm_space *s, u64 address, u64 length, span_t out)
{
	err_t e = vm_range_check(address, &length);

	if (e)
		return page_offset(address) ? -EINVAL : -ENOMEM;
	read_guard(&s->lock);
	if (length && !vm_areas_cover(s, address, address + length))
		return -ENOMEM;
	for (u64 i = 0; i < length >> PAGE_SHIFT && i < span_len(out); i++) {
		u64 at = address + (i << PAGE_SHIFT);

		span_at(out, i) = vm_page_is_resident(s, vm_area_at(s, at), at);
	}
	return OK;
}
