// SPDX-License-Identifier: MPL-2.0
// The clock's page comes first, the image right behind it: its code finds the page by a fixed distance.
#include <core/print.h>
#include <core/time.h>
#include <generated/vdso_image.h>
#include <linux_abi/vdso_map.h>
#include <services/exec/exec.h>
#include <services/namespace/time_namespace.h>
#include <services/pagecache/page_mapping.h>
#include <services/vm/vm_space.h>

#define IMAGE_PAGES (VDSO_IMAGE_SIZE / PAGE_SIZE)

static struct synchronised vdso_pages {
	struct spinlock lock;
	struct page_batch *clock GUARDED_BY(lock);	// one page; NULL: no vDSO
	struct page_batch *image GUARDED_BY(lock);
} pages = { .lock = SPINLOCK_INIT(RANK_SERVICE_LEAF) };

static err_t map_at(struct vm_space *s, u64 address, const struct page_batch *batch, u32 protection, bytes_t name,
	u64 *result borrowed)
{
	return batch ? vm_space_map_special(s, address, batch, protection, name, result) : -ENOMEM;
}

// Set once: borrowing it beyond the lock is sound.
static const struct page_batch *clock_batch(void)
{
	spin_guard(&pages.lock);
	return pages.clock;
}
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
		.length = (IMAGE_PAGES + 1) * PAGE_SIZE, .protection = PAGE_NONE, .flags = VM_MAP_NORESERVE
	};
	err_t err = vm_space_map(s, &r, place);
	return err ? err : vm_space_unmap(s, *place, r.length);
}

static err_t vdso_map(struct vm_space *s, u64 *base borrowed)
{
	// Its clocks know no offsets: processes of other time namespaces use the system calls.
	struct time_namespace *own = time_namespace_from(thread_namespaces()->slot[NAMESPACE_TIME]);
	u64 place = 0, at = 0;
	*base = 0;
	if (own != time_namespace_initial())
		return OK;
	err_t err = find_place(s, &place);
	if (!err)
		err = map_at(s, place, clock_batch(), PAGE_READ, STR("[vvar]"), &at);
	if (!err)
		err = map_at(s, place + PAGE_SIZE, image_batch(), PAGE_READ | PAGE_EXECUTE, STR("[vdso]"), &at);
	*base = at;
	return err;
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
	struct page_batch *clock auto_release(page_batch_auto_free) = page_batch_alloc(1);
	struct page_batch *image auto_release(page_batch_auto_free) = copy_image();
	if (!clock || !image) {
		log_warning("no memory for the vDSO");
		return;
	}
	clock->slot[0] = page_get(clock_vdso_page());
	{
		spin_guard(&pages.lock);
		pages.clock = take(clock);
		pages.image = take(image);
	}
	exec_set_vdso(&ops);
}
