// SPDX-License-Identifier: MPL-2.0
// Page faults in areas that show a mapping: files and shared memory.
//
// A read fault maps up to 16 pages around the address that are in the cache (fault-around). Pages of a file on a
// disk are mapped without write permission in shared areas until the first store, which makes the page dirty
// under its lock; write-back takes the permission away again, under the lock too.
#include <services/vm/vm_space_internal.h>

#define FAULT_AROUND_BYTES (PAGE_GROUP_MAX * PAGE_SIZE)

// Pages that the mapping has by the file's size.
static u64 vm_mapping_pages(const struct page_mapping *m borrowed)
{
	const struct inode *host = page_mapping_host(m);

	return host ? (atomic_u64_load(&host->size) + PAGE_SIZE - 1) >> PAGE_SHIFT : 1ul << 51;
}

static u32 vm_mapping_soft_kind(const struct page_mapping *m borrowed)
{
	return page_mapping_is_memory(m) ? PAGE_SOFT_SHARED : PAGE_SOFT_FILE;
}

// What may be mapped without asking the mapping first.
static u32 vm_mapping_protection(const struct vm_area *a borrowed)
{
	u32 protection = vm_area_page_protection(a) | vm_mapping_soft_kind(a->mapping);

	return vm_area_is_shared(a) && page_mapping_is_memory(a->mapping) ? protection : protection & ~(u32)PAGE_WRITE;
}

static err_t vm_fault_error(err_t e)
{
	return e == OK || e == -EEXIST ? OK : e == -ENOMEM ? -ENOMEM : -EIO;
}

static err_t vm_fault_bring_in(struct vm_fault *f borrowed, u64 index, u64 pages, struct page **out borrowed)
{
	struct page_mapping *m = f->area->mapping;
	struct page *found page_auto = page_mapping_find(m, index);

	if (found) {
		*out = take(found);
		return OK;
	}
	if (!page_mapping_is_memory(m)) {
		f->is_major = 1;
		page_mapping_read_ahead(m, index, pages << PAGE_SHIFT);
	}
	return page_mapping_read_page(m, index, out);
}

static void page_group_drop(struct page_group *g borrowed)
{
	for (u32 i = 0; i < PAGE_GROUP_MAX; i++) {
		struct page *p page_auto = take(g->page[i]);
	}
}

static err_t vm_fault_around(struct vm_space *s, struct vm_fault *f borrowed, u64 pages) REQUIRES_SHARED(s->lock)
{
	struct vm_area *a = f->area;
	u64 block = f->address & ~(FAULT_AROUND_BYTES - 1), start = max(a->start, block);
	u64 end = min(a->end, block + FAULT_AROUND_BYTES), first = vm_area_index(a, start);
	u64 count = min((end - start) >> PAGE_SHIFT, pages - first), slot = (f->address - start) >> PAGE_SHIFT;
	struct page_group g;
	err_t e = OK;

	page_mapping_find_group(a->mapping, first, (u32)count, &g);
	if (!g.page[slot]) {
		struct page *p page_auto = NULL;

		e = vm_fault_bring_in(f, first + slot, pages, &p);
		g.page[slot] = take(p);
	}
	if (!e)
		e = page_table_map_group(s->table, start, &g, (u32)count, vm_mapping_protection(a));
	page_group_drop(&g);
	return vm_fault_error(e);
}

// A store to a page of a private area that is not mapped yet.
static err_t vm_fault_private_copy(struct vm_space *s, struct vm_fault *f borrowed, u64 index, u64 pages)
	REQUIRES_SHARED(s->lock)
{
	struct page *source page_auto = NULL;
	err_t e = vm_fault_bring_in(f, index, pages, &source);

	if (e)
		return vm_fault_error(e);
	struct page *p page_auto = vm_page_create(0);

	if (!p)
		return -ENOMEM;
	page_copy(p, source);
	atomic_u32_or(&f->area->state, VM_AREA_HAS_PRIVATE);
	return vm_fault_error(page_table_map(s->table, f->address, p, vm_area_page_protection(f->area)));
}

// The page is locked: write-back cannot come between the mark and the entry.
static err_t vm_fault_map_writable(struct vm_space *s, struct vm_fault *f borrowed, struct page *p)
	REQUIRES_SHARED(s->lock)
{
	struct page_mapping *m = f->area->mapping;
	u32 protection = vm_area_page_protection(f->area) | vm_mapping_soft_kind(m);
	err_t e = page_mapping_make_writable(m, p);

	if (e)
		return e;
	e = page_table_map(s->table, f->address, p, protection);
	if (e != -EEXIST)
		return e;
	struct tlb_batch b;

	tlb_batch_begin(&b, s->table);
	if (page_table_query(s->table, f->address).page == p)
		page_table_protect(s->table, f->address, f->address + PAGE_SIZE, 0, protection, &b);
	tlb_batch_end(&b);
	return OK;
}

err_t vm_fault_shared_store(struct vm_space *s, struct vm_fault *f borrowed)
{
	struct page_mapping *m = f->area->mapping;
	u64 index = vm_area_index(f->area, f->address);
	struct page *p page_auto = NULL;

	if (!m)
		return -EACCES;
	if (index >= vm_mapping_pages(m))
		return -ENXIO;
	err_t e = page_mapping_write_page(m, index, PAGE_WRITE_PART, &p);

	if (e)
		return vm_fault_error(e);
	// The file may have been cut while we waited for the page.
	e = index < vm_mapping_pages(m) ? vm_fault_map_writable(s, f, p) : -ENXIO;
	page_unlock(p);
	if (e == OK && !page_mapping_is_memory(m))
		atomic_u32_add(&s->file_stores, 1);
	if (e == OK && page_mapping_host(m))
		inode_touch(page_mapping_host(m), TOUCH_MODIFY | TOUCH_CHANGE);
	return e == -ENXIO ? e : vm_fault_error(e);
}

err_t vm_fault_mapping(struct vm_space *s, struct vm_fault *f borrowed)
{
	u64 index = vm_area_index(f->area, f->address), pages = vm_mapping_pages(f->area->mapping);

	if (index >= pages)
		return -ENXIO;
	if (!(f->access & USER_FAULT_WRITE))
		return vm_fault_around(s, f, pages);
	if (!vm_area_is_shared(f->area))
		return vm_fault_private_copy(s, f, index, pages);
	return page_mapping_is_memory(f->area->mapping) ? vm_fault_around(s, f, pages) : vm_fault_shared_store(s, f);
}
