// SPDX-License-Identifier: MPL-2.0
// Bringing pages in ahead of their use, and locking them in memory: MAP_POPULATE, mlock(2), mlockall(2). Nothing
// but reclaim of clean file pages takes pages away, and that passes locked areas over.
#include <services/vm/vm_space_internal.h>

static err_t vm_populate_page(struct vm_space *s, u64 address, u32 access)
{
	read_guard(&s->lock);
	struct vm_area *a = vm_area_at(s, address);

	if (!a)
		return -ENOMEM;
	if (access == ~0u)
		access = a->protection & PAGE_WRITE ? USER_FAULT_WRITE : 0;
	if (page_table_query(s->table, address).protection & (access & USER_FAULT_WRITE ? PAGE_WRITE : PAGE_READ))
		return OK;
	return a->kind == VM_AREA_SPECIAL ? OK : vm_fault_area(s, a, address, access);
}

err_t vm_populate_access(struct vm_space *s, u64 start, u64 end, u32 access)
{
	for (u64 at = start; at < end; at += PAGE_SIZE) {
		err_t e = vm_populate_page(s, at, access);

		vm_fault_throttle(s);
		if (e)
			return e;
		if (task_pending_work(task_current()) & TASK_WORK_KILL)
			return -EINTR;
	}
	return OK;
}

void vm_populate(struct vm_space *s, u64 start, u64 end)
{
	(void)vm_populate_access(s, start, end, ~0u); // mmap(2) does not fail for it
}

// --- locking -------------------------------------------------------------------------------

static u64 vm_lock_missing_pages(struct vm_space *s, u64 start, u64 end) REQUIRES(s->lock)
{
	u64 pages = 0;

	for (struct vm_area *a = vm_area_after(s, start); a && a->start < end; a = vm_area_tree_next(a))
		if (!(a->flags & VM_MAP_LOCKED))
			pages += (min(a->end, end) - max(a->start, start)) >> PAGE_SHIFT;
	return pages;
}

static err_t vm_lock_locked(struct vm_space *s, u64 start, u64 end, u32 flags, struct vm_area_list *gone borrowed)
	REQUIRES(s->lock)
{
	if (!vm_areas_cover(s, start, end))
		return -ENOMEM;
	if (flags & VM_LOCK_SET && !(flags & VM_LOCK_NO_LIMIT) &&
	    vm_limits_check_locked_pages(s, vm_lock_missing_pages(s, start, end)))
		return s->limits.locked_bytes ? -ENOMEM : -EPERM;
	err_t e = vm_areas_split(s, start, end);

	if (e)
		return e;
	for (u64 at = start; at < end;) {
		struct vm_area *a = vm_area_at(s, at);

		at = a->end;
		vm_space_account(s, a, 0);
		a->flags = flags & VM_LOCK_SET ? a->flags | VM_MAP_LOCKED : a->flags & ~(u32)VM_MAP_LOCKED;
		vm_space_account(s, a, 1);
		(void)vm_area_join(s, a, gone);
	}
	return OK;
}

err_t vm_space_lock_range(struct vm_space *s, u64 address, u64 length, u32 flags)
{
	struct vm_area_list gone = {};
	u64 start = page_round_down(address);

	if (length > USER_TOP || address > USER_TOP - length)
		return length && address + length < address ? -EINVAL : -ENOMEM;
	u64 end = page_round_up(address + length);
	err_t e;

	if (start == end)
		return OK;
	{
		write_guard(&s->lock);
		e = vm_lock_locked(s, start, end, flags, &gone);
	}
	vm_area_list_drop(&gone);
	if (!e && flags & VM_LOCK_SET && !(flags & VM_LOCK_ON_FAULT))
		e = vm_populate_access(s, start, end, ~0u);
	return e == -EACCES || e == -EFAULT ? -ENOMEM : e;
}

static err_t vm_lock_all_locked(struct vm_space *s, u32 flags, u32 lock_flags, struct vm_area_list *gone borrowed)
	REQUIRES(s->lock)
{
	u64 room = s->limits.locked_bytes >> PAGE_SHIFT;

	if (flags & 1 && !(lock_flags & VM_LOCK_NO_LIMIT) && s->total_pages > room)
		return -ENOMEM;
	s->future_flags = flags & 2 ? VM_MAP_LOCKED : 0;
	for (u64 at = 0; !(flags & 2) || flags & 1;) {
		struct vm_area *a = vm_area_after(s, at);

		if (!a)
			break;
		at = a->end;
		if (a->kind == VM_AREA_SPECIAL)
			continue;
		vm_space_account(s, a, 0);
		a->flags = flags & 1 ? a->flags | VM_MAP_LOCKED : a->flags & ~(u32)VM_MAP_LOCKED;
		vm_space_account(s, a, 1);
		(void)vm_area_join(s, a, gone);
	}
	return OK;
}

// The next area at or after *at: its bounds. False at the end.
static bool vm_area_bounds(struct vm_space *s, u64 at, u64 *start borrowed, u64 *end borrowed)
{
	read_guard(&s->lock);
	struct vm_area *a = vm_area_after(s, at);

	if (!a)
		return false;
	*start = a->start;
	*end = a->end;
	return true;
}

err_t vm_space_lock_all(struct vm_space *s, u32 flags, u32 lock_flags)
{
	struct vm_area_list gone = {};
	u64 start = 0, end = 0;
	err_t e;
	{
		write_guard(&s->lock);
		e = vm_lock_all_locked(s, flags, lock_flags, &gone);
	}
	vm_area_list_drop(&gone);
	if (e || !(flags & 1) || lock_flags & VM_LOCK_ON_FAULT)
		return e;
	// What cannot be brought in (no permission, beyond the file) does not make the call fail.
	while (vm_area_bounds(s, end, &start, &end))
		vm_populate(s, start, end);
	return OK;
}
