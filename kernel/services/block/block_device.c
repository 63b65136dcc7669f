// SPDX-License-Identifier: MPL-2.0
// The registry of block devices, their page caches, and exclusive claims.
#include <core/print.h>
#include <services/block/block_device.h>
#include <services/block/block_stream.h>
#include <services/block/partition.h>

DEFINE_BASE(block_device)
DEFINE_LIST(block_device_list, block_device, link)

static struct synchronised block_registry {
	struct mutex lock;
	struct block_device_list devices GUARDED_BY(lock);	// a reference each; never removed
	void (*added)(struct block_device *d) GUARDED_BY(lock);	// or NULL
} registry = { .lock = MUTEX_INIT(RANK_SLEEPING_LEAF) };

// The device that owns a mapping: mappings have no host inode here, so it is found by identity.
static struct block_device *device_of_mapping(struct page_mapping *m) owned;
static struct block_device *device_of_mapping(struct page_mapping *m)
{
	mutex_guard(&registry.lock);
	list_for_each(block_device_list, d, &registry.devices)
		if (d->pages == m)
			return block_device_get(d);
	return NULL;
}

#define DIRTY_SHIFT 24u	// page flags from here on: one for each sector of the page
#define DIRTY_MASK 0xff000000u
#define SECTORS_A_PAGE ((u32)PAGE_SIZE / BLOCK_SECTOR)

void block_device_mark_dirty(struct page *p, u32 offset, u32 length)
{
	u32 first = offset / BLOCK_SECTOR, end = (offset + length + BLOCK_SECTOR - 1) / BLOCK_SECTOR;

	for (u32 i = first; i < end && i < SECTORS_A_PAGE; i++)
		atomic_u32_or(&p->flags, 1u << (DIRTY_SHIFT + i));
	page_mark_dirty(p);
}

void block_device_forget(struct block_device *d, u64 offset, u32 length)
{
	struct page *p page_auto = page_mapping_find(d->pages, offset / PAGE_SIZE);
	const u32 first = (u32)(offset % PAGE_SIZE) / BLOCK_SECTOR;

	if (!p)
		return;
	page_lock(p);
	for (u32 k = first; k < first + length / BLOCK_SECTOR && k < SECTORS_A_PAGE; k++)
		atomic_u32_and(&p->flags, ~(1u << (DIRTY_SHIFT + k)));
	if (!(atomic_u32_load(&p->flags) & DIRTY_MASK))
		page_forget_dirty(d->pages, p);
	page_unlock(p);
}

// Sectors [from, to) of a page. The device may end within the page: the rest is not there.
static err_t transfer_sectors(struct block_device *d, struct page *p, enum block_operation operation, u32 from, u32 to)
{
	u64 first = p->index * SECTORS_A_PAGE;

	if (first + from >= d->sector_count)
		return from == 0 ? (err_t)-EIO : OK;
	to = (u32)min((u64)to, d->sector_count - first);
	return block_transfer(d, operation, first + from, p, from * BLOCK_SECTOR, (to - from) * BLOCK_SECTOR);
}

static err_t device_read_page(struct page_mapping *m, struct page *p)
{
	struct block_device *d object_auto(block_device) = device_of_mapping(m);

	return d ? transfer_sectors(d, p, BLOCK_READ, 0, SECTORS_A_PAGE) : (err_t)-EIO;
}

// Sectors [from, to) of a page into the stream, as far as the device goes.
static err_t stream_sectors(
	struct block_device *d, struct page *p, struct block_stream *stream borrowed, u32 from, u32 to)
{
	const u64 first = p->index * SECTORS_A_PAGE;

	if (first + from >= d->sector_count)
		return from == 0 ? (err_t)-EIO : OK;
	to = (u32)min((u64)to, d->sector_count - first);
	return block_stream_add(stream, first + from, p, from * BLOCK_SECTOR, (to - from) * BLOCK_SECTOR);
}

// Runs of marked sectors; the whole page when none is marked.
static err_t stream_marked(struct block_device *d, struct page *p, struct block_stream *stream borrowed, u32 marks)
{
	err_t err = OK;

	if (marks == 0)
		marks = 0xff;
	for (u32 i = 0; i < SECTORS_A_PAGE && !err;) {
		u32 end = i;

		while (end < SECTORS_A_PAGE && (marks >> end & 1))
			end++;
		if (end > i)
			err = stream_sectors(d, p, stream, i, end);
		i = end + 1;
	}
	return err;
}

// What is in the page is on the disk. Without memory nothing is forgotten: the pages are written again.
static void forget_marks(struct page *p, err_t result)
{
	if (result != -ENOMEM)
		atomic_u32_and(&p->flags, ~DIRTY_MASK);
}

static err_t device_write_pages(struct page_mapping *m, struct page_batch *batch, u32 count)
{
	struct block_device *d object_auto(block_device) = device_of_mapping(m);
	struct block_stream *stream object_auto(block_stream) = d ? block_stream_create(d, BLOCK_WRITE) : NULL;
	err_t err = OK;

	if (!stream)
		return d ? (err_t)-ENOMEM : (err_t)-EIO;
	for (u32 k = 0; k < count; k++) {
		const u32 marks = atomic_u32_load(&batch->slot[k]->flags) >> DIRTY_SHIFT;
		err = block_error_join(err, stream_marked(d, batch->slot[k], stream, marks));
	}
	const err_t result = block_error_join(err, block_stream_finish(stream));

	for (u32 k = 0; k < count; k++)
		forget_marks(batch->slot[k], result);
	return result;
}

static err_t device_write_page(struct page_mapping *m, struct page *p)
{
	struct block_device *d object_auto(block_device) = device_of_mapping(m);
	struct block_stream *stream object_auto(block_stream) = d ? block_stream_create(d, BLOCK_WRITE) : NULL;

	if (!stream)
		return d ? (err_t)-ENOMEM : (err_t)-EIO;
	const err_t err = stream_marked(d, p, stream, atomic_u32_load(&p->flags) >> DIRTY_SHIFT);
	const err_t result = block_error_join(err, block_stream_finish(stream));

	forget_marks(p, result);
	return result;
}

// Who writes to the device itself: the page may have marks of a file system's.
static err_t device_begin_write(struct page_mapping *m, struct page *p, u32 offset, u32 length)
{
	block_device_mark_dirty(p, offset, length);
	return OK;
}

// A device that is read in sequence (dd, e2fsck, an image).
static err_t device_read_pages(struct page_mapping *m, struct page_batch *batch, u32 count)
{
	struct block_device *d object_auto(block_device) = device_of_mapping(m);
	struct block_stream *stream object_auto(block_stream) = d ? block_stream_create(d, BLOCK_READ) : NULL;
	err_t err = OK;

	if (!stream)
		return d ? (err_t)-ENOMEM : (err_t)-EIO;
	for (u32 k = 0; k < count && !err; k++)
		err = stream_sectors(d, batch->slot[k], stream, 0, SECTORS_A_PAGE);
	return block_error_join(err, block_stream_finish(stream));
}

static const struct page_mapping_ops device_mapping_ops = {
	.read_page = device_read_page, .write_page = device_write_page,
	.read_pages = device_read_pages, .write_pages = device_write_pages, .begin_write = device_begin_write,
};

err_t block_device_init(struct block_device *d borrowed, const struct block_device_ops *ops, bytes_t name, u64 number,
			u64 sector_count, u32 flags)
{
	struct page_mapping *pages object_auto(page_mapping) = page_mapping_create(&device_mapping_ops, NULL);

	if (!pages)
		return -ENOMEM;
	d->ops = ops;
	d->number = number;
	d->sector_count = sector_count;
	d->flags = flags;
	d->name_length = (u32)span_copy_some(array_span(d->name), name);
	d->pages = take(pages);
	wait_queue_init(&d->claim_event);
	cgroup_io_queue_init(&d->queue);
	return OK;
}

static exclusive_access void device_drop(struct block_device *d borrowed)
{
	if (d->pages)
		page_mapping_put(take(d->pages));
	if (d->disk)
		block_device_put(take(d->disk));
	if (d->dispatch)
		work_put(take(d->dispatch));
	if (d->dispatch_timer)
		timer_put(take(d->dispatch_timer));
	cgroup_io_queue_fini(&d->queue);
}

void block_device_fini(struct block_device *d borrowed)
{
	device_drop(d);
}

void block_device_listen(void (*added)(struct block_device *d))
{
	{
		mutex_guard(&registry.lock);
		registry.added = added;
	}
	for (u32 i = 0;; i++) {
		struct block_device *d object_auto(block_device) = block_device_at(i);

		if (!d)
			return;
		added(d);
	}
}

err_t block_device_register(struct block_device *d)
{
	void (*added)(struct block_device *d) = NULL;
	err_t err = d->disk ? OK : block_dispatch_create(d);

	if (err)
		return err;
	{
		mutex_guard(&registry.lock);
		block_device_list_append(&registry.devices, block_device_get(d));
		added = registry.added;
	}
	if (added)
		added(d);
	if (!d->disk)
		partition_scan(d);
	return OK;
}

struct block_device *block_device_find(u64 number)
{
	mutex_guard(&registry.lock);
	list_for_each(block_device_list, d, &registry.devices)
		if (d->number == number)
			return block_device_get(d);
	return NULL;
}

struct block_device *block_device_find_name(bytes_t name)
{
	mutex_guard(&registry.lock);
	list_for_each(block_device_list, d, &registry.devices)
		if (bytes_equal(bytes_first(array_bytes(d->name), d->name_length), name))
			return block_device_get(d);
	return NULL;
}

struct block_device *block_device_at(u32 index)
{
	u32 i = 0;

	mutex_guard(&registry.lock);
	list_for_each(block_device_list, d, &registry.devices) {
		if (i == index)
			return block_device_get(d);
		i++;
	}
	return NULL;
}

// sync(2) has nobody to tell errors to but the log.
void block_device_sync_all(void)
{
	for (u32 index = 0;; index++) {
		struct block_device *d object_auto(block_device) = block_device_at(index);

		if (!d)
			return;
		err_t err = page_mapping_sync(d->pages, 0, U64_MAX);
		if (!err)
			err = block_flush(d);
		if (err)
			log_warning("block: a device could not be written (error %d)", -(s32)err);
	}
}

u64 block_device_bytes(const struct block_device *d borrowed)
{
	return d->sector_count * BLOCK_SECTOR;
}

// In between: it will be free or mounted soon.
static bool claim_changes(const struct block_device *d borrowed)
{
	const u32 claim = atomic_u32_load(&d->claim);
	return claim == BLOCK_CLAIM_BEGINS || claim == BLOCK_CLAIM_ENDS;
}

static err_t claim_take(struct block_device *const d borrowed, u32 holder)
{
	while (!atomic_u32_compare_exchange(&d->claim, BLOCK_CLAIM_FREE, BLOCK_CLAIM_BEGINS)) {
		if (atomic_u32_load(&d->claim) == BLOCK_CLAIM_MOUNTED)
			return atomic_u32_load(&d->claim_holder) == holder ? -EAGAIN : -EBUSY;
		const err_t err = wait_event(&d->claim_event, WAIT_KILLABLE, DEADLINE_NEVER, !claim_changes(d));

		if (err)
			return err;
	}
	atomic_u32_store(&d->claim_holder, holder);
	return OK;
}

void block_device_move_claim(struct block_device *const d borrowed, enum block_claim to)
{
	atomic_u32_store(&d->claim, to);
	wait_queue_wake_all(&d->claim_event, ~0u);
}

err_t block_device_claim(struct block_device *d borrowed, u32 holder)
{
	err_t err = claim_take(d, holder);

	if (err)
		return err;
	// What was written to the device itself: the file system reads its files past this cache.
	err = page_mapping_sync(d->pages, 0, U64_MAX);
	if (err)
		block_device_move_claim(d, BLOCK_CLAIM_FREE);
	return err;
}

void block_device_release_claim(struct block_device *d borrowed)
{
	// Files were written past this cache: it shows what the disk holds from now on.
	page_mapping_forget_clean(d->pages, 0, U64_MAX);
	block_device_move_claim(d, BLOCK_CLAIM_FREE);
}
