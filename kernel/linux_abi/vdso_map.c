// SPDX-License-Identifier: MPL-2.0
// Two pages of data come first, the time namespace's offsets and the clock, then the image: its code finds them by a
// fixed distance. A process that enters another time namespace gets that one's page of offsets.
#include <core/print.h>
#include <core/time.h>
#include <generated/vdso_image.h>
#include <linux_abi/vdso_map.h>
#include <services/exec/exec.h>
#include <services/namespace/time_namespace.h>
#include <services/pagecache/page_mapping.h>
#include <services/process/clone.h>
#include <services/vfs/file.h>
#include <services/vm/vm_space.h>

#define IMAGE_PAGES (VDSO_IMAGE_SIZE / PAGE_SIZE)
#define DATA_PAGES 2u

static struct synchronised vdso_pages {
	struct spinlock lock;
	struct page *clock GUARDED_BY(lock);		// reference; NULL: no vDSO
	struct page_batch *image GUARDED_BY(lock);
} pages = { .lock = SPINLOCK_INIT(RANK_SERVICE_LEAF) };

static err_t map_at(struct vm_space *s, u64 address, const struct page_batch *batch, u32 protection, bytes_t name,
	u64 *result borrowed)
{
	return batch ? vm_space_map_special(s, address, batch, protection, name, result) : -ENOMEM;
}

static struct page *clock_page(void) owned;
static struct page *clock_page(void)
{
	spin_guard(&pages.lock);
	return pages.clock ? page_get(pages.clock) : NULL;
}
// Set once: borrowing it beyond the lock is sound.
static const struct page_batch *image_batch(void)
{
	spin_guard(&pages.lock);
	return pages.image;
}

// A gap for both in one piece is found by mapping and unmapping nothing else in between: nobody shares
// the new space yet.
static err_t find_place(struct vm_space *s, u64 *place borrowed)
{
	struct vm_map_request r = {
		.length = (IMAGE_PAGES + DATA_PAGES) * PAGE_SIZE, .protection = PAGE_NONE, .flags = VM_MAP_NORESERVE
	};
	err_t err = vm_space_map(s, &r, place);
	return err ? err : vm_space_unmap(s, *place, r.length);
}

static err_t map_data(struct vm_space *s, u64 place, struct time_namespace *n)
{
	struct page_batch *data auto_release(page_batch_auto_free) = page_batch_alloc(DATA_PAGES);
	u64 at = 0;
	if (!data)
		return -ENOMEM;
	data->slot[0] = time_namespace_page(n);
	data->slot[1] = clock_page();
	if (!data->slot[0] || !data->slot[1])
		return -ENOMEM;
	return map_at(s, place, data, PAGE_READ, STR("[vvar]"), &at);
}

static err_t vdso_map(struct vm_space *s, u64 *base borrowed)
{
	u64 place = 0, at = 0;
	*base = 0;
	err_t err = find_place(s, &place);
	if (!err)
		err = map_data(s, place, time_namespace_from(thread_namespaces()->slot[NAMESPACE_TIME]));
	if (!err)
		err = map_at(s, place + DATA_PAGES * PAGE_SIZE, image_batch(), PAGE_READ | PAGE_EXECUTE, STR("[vdso]"),
			&at);
	*base = at;
	return err;
}

// A program that has unmapped or moved its vDSO is left as it is.
err_t vdso_join(struct vm_space *s, struct time_namespace *n)
{
	const u64 base = vm_space_layout(s).vdso, place = base - DATA_PAGES * PAGE_SIZE;
	struct vm_area_info info = {};
	struct file *none object_auto(file) = NULL;
	if (!base || !vm_space_area_at(s, place, &info, &none) || info.start != place ||
		info.end - info.start != DATA_PAGES * PAGE_SIZE || info.name_length != 6)
		return OK;
	const err_t err = vm_space_unmap(s, place, DATA_PAGES * PAGE_SIZE);
	return err ? err : map_data(s, place, n);
}

static const struct vdso_ops ops = { .map = vdso_map };

static struct page_batch *copy_image(void) owned;
static struct page_batch *copy_image(void)
{
	struct page_batch *batch auto_release(page_batch_auto_free) = page_batch_alloc(IMAGE_PAGES);
	if (!batch)
		return NULL;
	for (u32 i = 0; i < IMAGE_PAGES; i++) {
		struct page *p page_auto = page_alloc(PAGE_ALLOC_ZERO);
		if (!p)
			return NULL;
		span_copy(page_span(p), bytes_slice(array_bytes(vdso_image), (usize)i * PAGE_SIZE, PAGE_SIZE));
		batch->slot[i] = take(p);
	}
	return take(batch);
}

void vdso_map_init(void)
{
	struct page *clock page_auto = page_get(clock_vdso_page());
	struct page_batch *image auto_release(page_batch_auto_free) = copy_image();
	if (!image) {
		log_warning("no memory for the vDSO");
		return;
	}
	{
		spin_guard(&pages.lock);
		pages.clock = take(clock);
		pages.image = take(image);
	}
	exec_set_vdso(&ops);
	clone_set_time_hook(vdso_join);
}
