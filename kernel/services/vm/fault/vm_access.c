// SPDX-License-Identifier: MPL-2.0
// Another process's memory, page by page, through the kernel: process_vm_readv(2), /proc/PID/mem, ptrace(2); and
// the arguments of a new program. Also: special areas with pages of the kernel.
#include <services/vm/vm_space_internal.h>

enum { ACCESS_ATTEMPTS_MAX = 64 };

static bool vm_access_is_enough(const struct page *p, u32 protection, u32 access)
{
	if (!(access & USER_FAULT_WRITE) || protection & PAGE_WRITE)
		return true;
	// Copied for us: the entry's reference and ours.
	return access & VM_ACCESS_FORCE && atomic_u32_load_relaxed(&p->flags) & PAGE_ANONYMOUS &&
		page_references(p) == 2;
}

// One try. OK and NULL: try again.
static err_t vm_access_try(struct vm_space *s, u64 address, u32 access, struct page **out borrowed)
{
	u32 protection = 0, fault = access & USER_FAULT_WRITE;

	read_guard(&s->lock);
	struct vm_area *a = vm_area_at(s, address);

	if (!a)
		return -EFAULT;
	bool is_allowed = vm_area_allows(a, fault);

	if (!is_allowed && !(access & VM_ACCESS_FORCE))
		return -EFAULT;
	struct page *p page_auto = page_table_get_page(s->table, page_round_down(address), &protection);

	if (p && vm_access_is_enough(p, protection, access)) {
		*out = take(p);
		return OK;
	}
	if (p)
		page_put(take(p));
	if (is_allowed)
		return vm_fault_area(s, a, address, fault);
	return vm_fault_force_copy(s, a, address);
}

static err_t vm_access_page(struct vm_space *s, u64 address, u32 access, struct page **out borrowed)
{
	for (u32 i = 0; i < ACCESS_ATTEMPTS_MAX; i++) {
		err_t e = vm_access_try(s, address, access, out);

		if (e)
			return e == -ENOMEM ? e : -EFAULT;
		if (*out)
			return OK;
	}
	return -EFAULT;
}

ssize_r vm_space_access(struct vm_space *s, u64 address, u64 length, struct iobuf *buffer borrowed, u32 access)
{
	u64 done = 0;

	length = min(length, iobuf_remaining(buffer));
	while (done < length) {
		struct page *p page_auto = NULL;
		usize part = min(PAGE_SIZE - page_offset(address), length - done), n;
		err_t e = address >= USER_TOP ? -EFAULT : vm_access_page(s, address, access, &p);

		if (e)
			return done ? (ssize_r)done : (ssize_r)e;
		span_t piece = span_slice(page_span(p), page_offset(address), part);

		if (access & USER_FAULT_WRITE) {
			n = iobuf_get(buffer, piece);
			page_mark_dirty(p);
		} else {
			n = iobuf_put(buffer, bytes_of(piece));
		}
		done += n;
		address += n;
		if (n < part)
			return done ? (ssize_r)done : (ssize_r)-EFAULT;
	}
	return (ssize_r)done;
}

// --- special areas -------------------------------------------------------------------------

static err_t vm_special_insert(struct vm_space *s, struct vm_area *a, u64 address, u64 length) REQUIRES(s->lock)
{
	err_t e = OK;

	if (!address)
		e = vm_gap_find(s, length, &address);
	else if (vm_areas_overlap(s, address, address + length))
		e = -EEXIST;
	if (e)
		return e;
	a->start = address;
	a->end = address + length;
	struct vm_area *own object_auto(vm_area) = vm_area_get(a);

	vm_area_insert(s, take(own));
	return OK;
}

static err_t vm_special_map_pages(struct vm_space *s, const struct vm_area *a, const struct page_batch *pages borrowed)
{
	for (u32 i = 0; i < page_batch_count(pages); i++) {
		err_t e = page_table_map(s->table, a->start + i * PAGE_SIZE, pages->slot[i],
					 vm_area_page_protection(a) | PAGE_SOFT_FILE | PAGE_SOFT_SHARED);

		if (e)
			return e;
	}
	return OK;
}

err_t vm_space_map_special(struct vm_space *s, u64 address, const struct page_batch *pages borrowed, u32 protection,
	bytes_t name, u64 *result borrowed)
{
	u64 length = page_batch_count(pages) * PAGE_SIZE;
	struct vm_area *a object_auto(vm_area) = vm_area_create();

	if (!a)
		return -ENOMEM;
	if (vm_range_check(address, &length) || !length)
		return -EINVAL;
	a->kind = VM_AREA_SPECIAL;
	a->protection = protection & ~(u32)PAGE_WRITE;
	a->max_protection = PAGE_READ | PAGE_EXECUTE;
	a->name_length = (u32)span_copy_some(array_span(a->name), name);
	{
		write_guard(&s->lock);
		err_t e = vm_special_insert(s, a, address, length);

		if (!e)
			e = vm_special_map_pages(s, a, pages);
		if (e)
			return e; // the area may stay, without pages: the new program is given up
	}
	*result = a->start;
	return OK;
}
