// SPDX-License-Identifier: MPL-2.0
// A vm_area: one run of pages of a space that are mapped alike. Inside services/vm.
// All fields but `state` are guarded by the space's lock (writing); reclaim and write-back read start, end and
// offset without it, see vm_area_user.c.
#pragma once
#include <core/atomic.h>
#include <services/vm/vm_space.h>

#define VM_AREA_FLAGS_KEPT (VM_MAP_SHARED | VM_MAP_GROWSDOWN | VM_MAP_LOCKED | VM_MAP_NORESERVE)
// In `state`: pages of the space's own (copied on write) may be in the page table here.
#define VM_AREA_HAS_PRIVATE 1u
#define VM_AREA_NAME_MAX 16

struct vm_area {
	struct page_mapping_user base;
	struct tree_link link;		// the space's tree; key: start
	struct list_link gone_link;	// on its way out
	struct vm_space *space;		// borrowed: valid while the area is in the tree
	u64 start, end;			// page aligned
	u64 offset;			// of start in the mapping, bytes
	u32 protection, max_protection;	// PAGE_READ | PAGE_WRITE | PAGE_EXECUTE
	u32 flags;			// VM_AREA_FLAGS_KEPT and enum vm_area_flag
	u32 kind;			// enum vm_area_kind
	struct file *file;		// reference or NULL
	struct page_mapping *mapping;	// reference; NULL: anonymous or special
	struct atomic_u32 state;
	u32 name_length;
	u8 name[VM_AREA_NAME_MAX];
};
DECLARE_OBJECT(vm_area)
DEFINE_TREE(vm_area_tree, vm_area, link)
DEFINE_LIST(vm_area_list, vm_area, gone_link)

struct vm_area *vm_area_create(void) owned;
// Takes a reference and tells the file.
void vm_area_set_file(struct vm_area *a, struct file *f);
// A copy for [start, end), linked nowhere.
struct vm_area *vm_area_clone(const struct vm_area *a borrowed, u64 start, u64 end) owned;
// Drops the areas of a list; call it without the space's lock (files may go).
void vm_area_list_drop(struct vm_area_list *gone borrowed);
bool vm_area_can_join(const struct vm_area *low borrowed, const struct vm_area *high borrowed);
// May `access` (USER_FAULT_*) happen here?
bool vm_area_allows(const struct vm_area *a borrowed, u32 access);

static inline u64 vm_area_pages(const struct vm_area *a borrowed) { return (a->end - a->start) >> PAGE_SHIFT; }
static inline u64 vm_area_index(const struct vm_area *a borrowed, u64 address)
{
	return (a->offset + (address - a->start)) >> PAGE_SHIFT;
}
static inline bool vm_area_is_shared(const struct vm_area *a borrowed) { return a->flags & VM_MAP_SHARED; }
// Private and writable: counts as data.
static inline bool vm_area_is_data(const struct vm_area *a borrowed)
{
	return (a->flags & (VM_MAP_SHARED | VM_MAP_GROWSDOWN)) == 0 && a->protection & PAGE_WRITE;
}
// What the processor is told: any access implies reading.
static inline u32 vm_area_page_protection(const struct vm_area *a borrowed)
{
	return a->protection ? a->protection | PAGE_READ : PAGE_NONE;
}
