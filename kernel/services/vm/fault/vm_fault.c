// SPDX-License-Identifier: MPL-2.0
// Page faults.
//
// Faults of one space run side by side, each with the space's lock held for reading; the page table's own lock
// makes every change of an entry one step. A fault that loses a race finds the entry present (-EEXIST) or changed
// (-EAGAIN) and simply lets the access be tried again. A page that a fault looks at is held by a reference taken
// under the page table's lock, because another fault may replace it.
//
// Copy on write: a page of the space's own (PAGE_ANONYMOUS) that only one entry refers to is made writable as
// it is; any other is copied. Each entry holds one reference, so "only one" is: the entry's and ours.
#include <services/cgroup/cgroup.h>
#include <services/pagecache/page_charge.h>
#include <services/vm/vm_space_internal.h>

struct page *vm_page_create(u32 flags)
{
	struct page *p page_auto = page_alloc(flags);

	if (!p)
		return NULL;
	atomic_u32_store_relaxed(&p->flags, PAGE_ANONYMOUS | PAGE_UPTODATE);
	if (page_charge(p, PAGE_CHARGE_LIMITED))
		return NULL;
	return take(p);
}

static err_t vm_fault_anonymous(struct vm_space *s, struct vm_fault *f borrowed) REQUIRES_SHARED(s->lock)
{
	u32 protection = vm_area_page_protection(f->area);
	err_t e;

	if (f->access & USER_FAULT_WRITE) {
		struct page *p page_auto = vm_page_create(PAGE_ALLOC_ZERO);

		if (!p)
			return -ENOMEM;
		e = page_table_map(s->table, f->address, p, protection);
	} else {
		e = page_table_map(s->table, f->address, page_zero_shared(),
				   (protection & ~(u32)PAGE_WRITE) | PAGE_SOFT_FILE | PAGE_SOFT_SHARED);
	}
	return e == -EEXIST ? OK : e;
}

static void vm_fault_raise(struct vm_space *s, u64 address, u32 protection) REQUIRES_SHARED(s->lock)
{
	struct tlb_batch b;

	tlb_batch_begin(&b, s->table);
	page_table_protect(s->table, address, address + PAGE_SIZE, 0, protection, &b);
	tlb_batch_end(&b);
}

static struct page *vm_fault_copy_of(struct page *old) owned;
static struct page *vm_fault_copy_of(struct page *old)
{
	if (old == page_zero_shared())
		return vm_page_create(PAGE_ALLOC_ZERO);
	struct page *p page_auto = vm_page_create(0);

	if (!p)
		return NULL;
	page_copy(p, old);
	return take(p);
}

// A store to `old`, mapped read-only in a private area.
static err_t vm_fault_private_store(struct vm_space *s, struct vm_fault *f borrowed, struct page *old)
	REQUIRES_SHARED(s->lock)
{
	u32 protection = vm_area_page_protection(f->area);

	if (atomic_u32_load_relaxed(&old->flags) & PAGE_ANONYMOUS && page_references(old) == 2) {
		vm_fault_raise(s, f->address, protection);
		return OK;
	}
	struct page *p page_auto = vm_fault_copy_of(old);

	if (!p)
		return -ENOMEM;
	struct tlb_batch b;

	tlb_batch_begin(&b, s->table);
	err_t e = page_table_replace(s->table, f->address, old, p, protection, &b);

	tlb_batch_end(&b);
	atomic_u32_or(&f->area->state, VM_AREA_HAS_PRIVATE);
	return e == -EAGAIN ? OK : e;
}

// The entry is present, yet the access faulted.
static err_t vm_fault_present(struct vm_space *s, struct vm_fault *f borrowed, struct page *p, u32 protection)
	REQUIRES_SHARED(s->lock)
{
	if (f->access & USER_FAULT_WRITE && !(protection & PAGE_WRITE)) {
		if (vm_area_is_shared(f->area))
			return vm_fault_shared_store(s, f);
		return vm_fault_private_store(s, f, p);
	}
	// Another thread was faster, or the entry has fewer rights than the area.
	vm_fault_raise(s, f->address, vm_area_page_protection(f->area) & ~(u32)PAGE_WRITE);
	return OK;
}

err_t vm_fault_area(struct vm_space *s, struct vm_area *a, u64 address, u32 access)
{
	struct vm_fault f = { .area = a, .address = page_round_down(address), .access = access };
	u32 protection = 0;
	err_t e;

	if (!vm_area_allows(a, access))
		return -EACCES;
	struct page *present page_auto = page_table_get_page(s->table, f.address, &protection);

	if (present)
		e = vm_fault_present(s, &f, present, protection);
	else if (a->kind == VM_AREA_SPECIAL)
		e = -EFAULT;
	else if (a->mapping)
		e = vm_fault_mapping(s, &f);
	else
		e = vm_fault_anonymous(s, &f);
	atomic_u64_add(f.is_major ? &s->major_faults : &s->minor_faults, 1);
	return e;
}

err_t vm_fault_force_copy(struct vm_space *s, struct vm_area *a, u64 address)
{
	struct vm_fault f = { .area = a, .address = page_round_down(address), .access = USER_FAULT_WRITE };
	u32 protection = 0;
	struct page *present page_auto = page_table_get_page(s->table, f.address, &protection);

	if (vm_area_is_shared(a) || a->kind == VM_AREA_SPECIAL)
		return -EACCES;
	if (present)
		return vm_fault_private_store(s, &f, present);
	return a->mapping ? vm_fault_mapping(s, &f) : vm_fault_anonymous(s, &f);
}

// The stack area above `address` grows down to it if it may.
static err_t vm_fault_grow(struct vm_space *s, u64 address)
{
	write_guard(&s->lock);
	struct vm_area *a = vm_area_after(s, address), *below = vm_area_tree_at_most(&s->areas, address);
	u64 start = page_round_down(address);

	if (a && a->start <= address)
		return OK; // another thread did it
	if (!a || !(a->flags & VM_MAP_GROWSDOWN) || start < USER_BOTTOM || a->end - start > s->limits.stack_bytes)
		return -EFAULT;
	if (below && below->protection != PAGE_NONE && start - below->end < VM_STACK_GUARD_BYTES)
		return -EFAULT;
	u64 pages = (a->start - start) >> PAGE_SHIFT;

	if (vm_limits_check(s, pages, 0))
		return -EFAULT;
	if (a->flags & VM_MAP_LOCKED && vm_limits_check_locked_pages(s, pages))
		return -EFAULT;
	vm_space_account(s, a, 0);
	vm_area_tree_remove(&s->areas, a);
	a->start = start;
	vm_area_tree_insert(&s->areas, a, start);
	vm_space_account(s, a, 1);
	return OK;
}

// -ENOENT: no area there.
static err_t vm_fault_try(struct vm_space *s, u64 address, u32 access)
{
	read_guard(&s->lock);
	struct vm_area *a = vm_area_at(s, address);

	return a ? vm_fault_area(s, a, address, access) : -ENOENT;
}

void vm_fault_throttle(struct vm_space *s)
{
	if (atomic_u32_load_relaxed(&s->file_stores) < VM_STORES_UNTHROTTLED)
		return;
	atomic_u32_store_relaxed(&s->file_stores, 0);
	page_mapping_throttle_stores();
}

err_t vm_space_fault(struct vm_space *s, u64 address, u32 access)
{
	if (address >= USER_TOP)
		return -EFAULT;
	err_t e = vm_fault_try(s, address, access);

	if (access & USER_FAULT_WRITE)
		vm_fault_throttle(s);
	if (e != -ENOENT)
		return e;
	e = vm_fault_grow(s, address);
	if (e)
		return e;
	e = vm_fault_try(s, address, access);
	return e == -ENOENT ? -EFAULT : e;
}

// A copy from or to user memory met a page that is not there.
static err_t vm_user_fault(u64 address, u32 access)
{
	struct vm_space *s = vm_space_current();

	return s && vm_space_fault(s, address, access) == OK ? OK : -EFAULT;
}

void vm_init(void)
{
	user_set_fault_handler(vm_user_fault);
	vm_pressure_init();
}
