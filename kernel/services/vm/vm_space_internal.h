// SPDX-License-Identifier: MPL-2.0
// Inside services/vm: the space and what its files offer each other.
#pragma once
#include <services/vm/area/vm_area.h>

#define VM_STACK_GUARD_BYTES (256 * PAGE_SIZE)
#define VM_AREAS_MAX 65530u

struct vm_space {
	struct object object;
	struct rwlock lock;
	struct page_table *table;		// reference; immutable
	u64 serial;				// immutable
	struct user_namespace *user_ns;		// reference; immutable: where its program began
	struct vm_area_tree areas GUARDED_BY(lock);	// each with one reference
	struct vm_limits limits GUARDED_BY(lock);
	struct vm_layout layout GUARDED_BY(lock);
	struct file *executable GUARDED_BY(lock);	// reference or NULL
	u64 total_pages GUARDED_BY(lock);
	u64 peak_total GUARDED_BY(lock);
	u64 data_pages GUARDED_BY(lock);
	u64 stack_pages GUARDED_BY(lock);
	u64 text_pages GUARDED_BY(lock);
	u64 locked_pages GUARDED_BY(lock);
	u64 search_top GUARDED_BY(lock);	// look for room below this first
	u64 largest_hole GUARDED_BY(lock);	// known above search_top
	u32 future_flags GUARDED_BY(lock);	// VM_MAP_LOCKED after mlockall(MCL_FUTURE)
	struct atomic_u32 barrier_commands;	// vm_space_barrier_register()
	struct atomic_u64 peak_resident;
	struct atomic_u64 minor_faults, major_faults;
	struct atomic_u32 file_stores;			// first stores to pages of files on disks, since it waited last
};

// vm_areas.c: the tree
struct vm_area *vm_area_at(struct vm_space *s, u64 address) REQUIRES_SHARED(s->lock);
// The first area that ends above address.
struct vm_area *vm_area_after(struct vm_space *s, u64 address) REQUIRES_SHARED(s->lock);
void vm_area_insert(struct vm_space *s, struct vm_area *a consumes) REQUIRES(s->lock);
void vm_area_remove(struct vm_space *s, struct vm_area *a, struct vm_area_list *gone borrowed) REQUIRES(s->lock);
// Joins a with its neighbours where they are alike; returns the area that is left.
struct vm_area *vm_area_join(struct vm_space *s, struct vm_area *a, struct vm_area_list *gone borrowed)
	REQUIRES(s->lock);
// Makes area boundaries at start and end. -ENOMEM
err_t vm_areas_split(struct vm_space *s, u64 start, u64 end) REQUIRES(s->lock);
// Is every page of [start, end) mapped?
bool vm_areas_cover(struct vm_space *s, u64 start, u64 end) REQUIRES_SHARED(s->lock);
bool vm_areas_overlap(struct vm_space *s, u64 start, u64 end) REQUIRES_SHARED(s->lock);
// Adds the area to the sums of the space, or takes it off.
void vm_space_account(struct vm_space *s, const struct vm_area *a borrowed, u32 is_added) REQUIRES(s->lock);

// vm_gap.c: an unused place of `length` bytes, near the top. -ENOMEM
err_t vm_gap_find(struct vm_space *s, u64 length, u64 *address borrowed) REQUIRES(s->lock);
// The same below `top`, for MAP_32BIT.
err_t vm_gap_find_below(struct vm_space *s, u64 top, u64 length, u64 *address borrowed) REQUIRES(s->lock);
void vm_gap_opened(struct vm_space *s, u64 end) REQUIRES(s->lock);

// vm_map.c
// Page-aligned range inside user space? -EINVAL
err_t vm_range_check(u64 address, u64 *length borrowed);
err_t vm_unmap_locked(struct vm_space *s, u64 start, u64 end, struct vm_area_list *gone borrowed) REQUIRES(s->lock);
// -ENOMEM when `pages` more would pass a limit.
err_t vm_limits_check(struct vm_space *s, u64 pages, u32 is_data) REQUIRES_SHARED(s->lock);
err_t vm_limits_check_locked_pages(struct vm_space *s, u64 pages) REQUIRES_SHARED(s->lock);

// vm_area_user.c
extern const struct page_mapping_user_ops vm_area_user_ops;
struct vm_area *vm_area_of_user(struct page_mapping_user *u);

// vm_fault.c: one access at a time. The page-aligned `address` lies in `area`.
struct stack_only vm_fault {
	struct vm_area *area;
	u64 address;
	u32 access;
	u32 is_major;
};
err_t vm_fault_area(struct vm_space *s, struct vm_area *a, u64 address, u32 access) REQUIRES_SHARED(s->lock);
// Who makes pages of files on disks dirty waits for write-back as a writer does, once in a while. => may sleep
enum { VM_STORES_UNTHROTTLED = 16 };
void vm_fault_throttle(struct vm_space *s);
// A tracer's store to a private page that its area does not let the program write: copies it if it is shared.
err_t vm_fault_force_copy(struct vm_space *s, struct vm_area *a, u64 address) REQUIRES_SHARED(s->lock);
// A fresh page of the space's own: PAGE_ALLOC_ZERO or 0.
struct page *vm_page_create(u32 flags) owned;
// vm_fault_file.c
err_t vm_fault_mapping(struct vm_space *s, struct vm_fault *f borrowed) REQUIRES_SHARED(s->lock);
// A store to the page that is mapped without write permission in a shared area.
err_t vm_fault_shared_store(struct vm_space *s, struct vm_fault *f borrowed) REQUIRES_SHARED(s->lock);

// vm_populate.c: as if each page of the range were touched; stops quietly at the first failure.
void vm_populate(struct vm_space *s, u64 start, u64 end);
// The same with the error. access: USER_FAULT_*, or ~0u: write where the area is writable.
err_t vm_populate_access(struct vm_space *s, u64 start, u64 end, u32 access);

// vm_space.c
void vm_space_note_resident(struct vm_space *s borrowed);

// vm_pressure.c
void vm_pressure_init(void);
