// SPDX-License-Identifier: MPL-2.0
// The registry of block devices, their page caches, and exclusive claims.
#include <core/print.h>
#include <services/block/block_device.h>
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

// A page at the end of the device may be only partly backed; the rest reads as zeros.
static err_t transfer_page(struct page_mapping *m, struct page *p, enum block_operation operation)
{
	struct block_device *d object_auto(block_device) = device_of_mapping(m);
	u64 first = p->index * (PAGE_SIZE / BLOCK_SECTOR);
	u64 count = PAGE_SIZE / BLOCK_SECTOR;

	if (!d || first >= d->sector_count)
		return -EIO;
	if (count > d->sector_count - first)
		count = d->sector_count - first;
	return block_transfer(d, operation, first, p, 0, (u32)count * BLOCK_SECTOR);
}

static err_t device_read_page(struct page_mapping *m, struct page *p)
{
	return transfer_page(m, p, BLOCK_READ);
}

static err_t device_write_page(struct page_mapping *m, struct page *p)
{
	return transfer_page(m, p, BLOCK_WRITE);
}

static const struct page_mapping_ops device_mapping_ops = { .read_page = device_read_page, .write_page = device_write_page };

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
	mutex_init(&d->open_lock, RANK_BLOCK_DEVICE);
	return OK;
}

static exclusive_access void device_drop(struct block_device *d borrowed)
{
	if (d->pages)
		page_mapping_put(take(d->pages));
	if (d->disk)
		block_device_put(take(d->disk));
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

u64 block_device_bytes(const struct block_device *d borrowed)
{
	return d->sector_count * BLOCK_SECTOR;
}

err_t block_device_claim(struct block_device *d borrowed)
{
	mutex_guard(&d->open_lock);
	if (d->exclusive_opens)
		return -EBUSY;
	d->exclusive_opens = 1;
	return OK;
}

void block_device_release_claim(struct block_device *d borrowed)
{
	mutex_guard(&d->open_lock);
	d->exclusive_opens = 0;
}
