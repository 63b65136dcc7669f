// SPDX-License-Identifier: MPL-2.0
// madvise(2). MADV_FREE frees at once, as it may. Advice that only hints (COLD, PAGEOUT, RANDOM, SEQUENTIAL, NORMAL)
// changes nothing today: there is no swap, and read-ahead adapts by itself.
#include <services/vm/vm_space_internal.h>

static void vm_advise_drop_pages(struct vm_space *s, u64 start, u64 end)
{
	struct tlb_batch b;

	tlb_batch_begin(&b, s->table);
	page_table_unmap(s->table, start, end, &b);
	tlb_batch_end(&b);
}

// DONTNEED and FREE: with the lock for writing, because a fault trusts that pages of the space's own stay.
static err_t vm_advise_drop(struct vm_space *s, u64 start, u64 end, u32 is_free)
{
	bool has_hole = false;

	write_guard(&s->lock);
	vm_space_note_resident(s);
	for (u64 at = start; at < end;) {
		struct vm_area *a = vm_area_after(s, at);

		if (!a || a->start >= end)
			return -ENOMEM;
		if (a->flags & VM_MAP_LOCKED || a->kind == VM_AREA_SPECIAL || (is_free && a->mapping))
			return -EINVAL;
		has_hole |= a->start > at;
		vm_advise_drop_pages(s, max(a->start, at), min(a->end, end));
		at = a->end;
	}
	return has_hole ? -ENOMEM : OK;
}

static u32 vm_advise_new_flags(u32 flags, u32 advice)
{
	switch (advice) {
	case VM_ADVICE_DONTFORK:
		return flags | VM_AREA_DONT_FORK;
	case VM_ADVICE_DOFORK:
		return flags & ~(u32)VM_AREA_DONT_FORK;
	case VM_ADVICE_WIPEONFORK:
		return flags | VM_AREA_WIPE_ON_FORK;
	case VM_ADVICE_KEEPONFORK:
		return flags & ~(u32)VM_AREA_WIPE_ON_FORK;
	case VM_ADVICE_DONTDUMP:
		return flags | VM_AREA_DONT_DUMP;
	default:
		return flags & ~(u32)VM_AREA_DONT_DUMP;
	}
}

static err_t vm_advise_flags(struct vm_space *s, u64 start, u64 end, u32 advice, struct vm_area_list *gone borrowed)
	REQUIRES(s->lock)
{
	err_t e = vm_areas_split(s, start, end);

	if (e)
		return e;
	for (u64 at = start; at < end;) {
		struct vm_area *a = vm_area_at(s, at);

		if (!a)
			return -ENOMEM;
		if (advice == VM_ADVICE_WIPEONFORK && (a->mapping || a->kind == VM_AREA_SPECIAL))
			return -EINVAL;
		at = a->end;
		a->flags = vm_advise_new_flags(a->flags, advice);
		(void)vm_area_join(s, a, gone);
	}
	return OK;
}

static err_t vm_advise_change(struct vm_space *s, u64 start, u64 end, u32 advice)
{
	struct vm_area_list gone = {};
	err_t e;
	{
		write_guard(&s->lock);
		e = vm_advise_flags(s, start, end, advice, &gone);
	}
	vm_area_list_drop(&gone);
	return e;
}

// Brings the file's pages into the cache, not into the page table.
static err_t vm_advise_will_need(struct vm_space *s, u64 start, u64 end)
{
	read_guard(&s->lock);
	if (!vm_areas_cover(s, start, end))
		return -ENOMEM;
	for (struct vm_area *a = vm_area_at(s, start); a && a->start < end; a = vm_area_tree_next(a)) {
		struct inode *host = a->mapping ? page_mapping_host(a->mapping) : NULL;

		if (host && !page_mapping_is_memory(a->mapping))
			page_mapping_read_ahead(
				a->mapping, vm_area_index(a, max(a->start, start)), atomic_u64_load(&host->size));
	}
	return OK;
}

static err_t vm_advise_check_mapped(struct vm_space *s, u64 start, u64 end)
{
	read_guard(&s->lock);
	return vm_areas_cover(s, start, end) ? OK : -ENOMEM;
}

// MADV_REMOVE: punches a hole into the shared memory or file behind one area.
static err_t vm_advise_remove(struct vm_space *s, u64 start, u64 end)
{
	struct file *f object_auto(file) = NULL;
	struct page_mapping *m object_auto(page_mapping) = NULL;
	u64 offset;
	{
		read_guard(&s->lock);
		struct vm_area *a = vm_area_at(s, start);

		if (!a || a->end < end)
			return a ? -EINVAL : -ENOMEM;
		if (!a->mapping || !vm_area_is_shared(a))
			return -EINVAL;
		if (!(a->protection & PAGE_WRITE))
			return -EACCES;
		f = a->file ? file_get(a->file) : NULL;
		m = page_mapping_get(a->mapping);
		offset = a->offset + (start - a->start);
	}
	if (!f) {
		page_mapping_drop(m, offset >> PAGE_SHIFT, ((offset + (end - start)) >> PAGE_SHIFT) - 1);
		return OK;
	}
	return f->ops->allocate
		? f->ops->allocate(f, 3 /* FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE */, offset, end - start)
		: -EOPNOTSUPP;
}

err_t vm_space_advise(struct vm_space *s, u64 address, u64 length, u32 advice)
{
	err_t e = vm_range_check(address, &length);
	u64 end = address + length;

	if (e)
		return page_offset(address) ? -EINVAL : -ENOMEM;
	if (!length && advice <= VM_ADVICE_DONTNEED)
		return OK;
	switch (advice) {
	case VM_ADVICE_NORMAL:
	case VM_ADVICE_RANDOM:
	case VM_ADVICE_SEQUENTIAL:
	case VM_ADVICE_COLD:
	case VM_ADVICE_PAGEOUT:
		return length ? vm_advise_check_mapped(s, address, end) : OK;
	case VM_ADVICE_WILLNEED:
		return vm_advise_will_need(s, address, end);
	case VM_ADVICE_DONTNEED:
	case VM_ADVICE_FREE:
		return length ? vm_advise_drop(s, address, end, advice == VM_ADVICE_FREE) : OK;
	case VM_ADVICE_REMOVE:
		return length ? vm_advise_remove(s, address, end) : OK;
	case VM_ADVICE_DONTFORK:
	case VM_ADVICE_DOFORK:
	case VM_ADVICE_DONTDUMP:
	case VM_ADVICE_DODUMP:
	case VM_ADVICE_WIPEONFORK:
	case VM_ADVICE_KEEPONFORK:
		return length ? vm_advise_change(s, address, end, advice) : OK;
	case VM_ADVICE_POPULATE_READ:
	case VM_ADVICE_POPULATE_WRITE:
		return vm_populate_access(s, address, end, advice == VM_ADVICE_POPULATE_WRITE ? USER_FAULT_WRITE : 0);
	default:
		return -EINVAL;
	}
}
