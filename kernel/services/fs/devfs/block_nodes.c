// SPDX-License-Identifier: MPL-2.0
// Block devices as files: /dev/vda reads and writes through the device's page cache, which file systems share.
#include <core/print.h>
#include <services/block/block_device.h>
#include <services/cred/user_namespace.h>
#include <services/device/device.h>
#include <services/fs/devfs/devfs_internal.h>
#include <services/vfs/file.h>

enum block_ioctl {
	BLKROGET = 0x125e,
	BLKGETSIZE = 0x1260,
	BLKFLSBUF = 0x1261,
	BLKSSZGET = 0x1268,
	BLKPBSZGET = 0x127b,
	BLKBSZGET = 0x80081270,
	BLKGETSIZE64 = 0x80081272
};

struct block_node {
	struct device base;
	struct block_device *disk;	// reference; immutable
};
static exclusive_access void block_node_release(struct block_node *n)
{
	block_device_put(take(n->disk));
}
DEFINE_DERIVED(block_node, device, block_node_release)

static struct block_device *disk_of(struct file *f) owned;
static struct block_device *disk_of(struct file *f)
{
	return block_device_find(f->inode->device);
}

static ssize_r block_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	struct block_device *d object_auto(block_device) = disk_of(f);

	return d ? page_mapping_read(d->pages, block_device_bytes(d), position, to) : (ssize_r)-ENXIO;
}

static ssize_r block_write(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	struct block_device *d object_auto(block_device) = disk_of(f);
	u64 size = d ? block_device_bytes(d) : 0;

	if (!d)
		return -ENXIO;
	if (d->flags & BLOCK_DEVICE_READ_ONLY)
		return -EPERM;
	if (*position >= size)
		return iobuf_remaining(from) ? (ssize_r)-ENOSPC : 0;
	iobuf_truncate(from, min(size - *position, iobuf_remaining(from)));
	return page_mapping_write(d->pages, position, from);
}

static ssize_r block_seek(struct file *f, s64 offset, u32 whence)
{
	struct block_device *d object_auto(block_device) = disk_of(f);

	return d ? file_seek_generic(f, offset, whence, block_device_bytes(d)) : (ssize_r)-ENXIO;
}

static err_t block_sync(struct file *f, u64 start, u64 end, u32 data_only)
{
	struct block_device *d object_auto(block_device) = disk_of(f);
	err_t err = d ? page_mapping_sync(d->pages, start, end) : (err_t)-ENXIO;

	return err ? err : block_flush(d);
}

static err_t block_map(struct file *f, u32 protection, struct page_mapping **out borrowed)
{
	struct block_device *d object_auto(block_device) = disk_of(f);

	if (!d)
		return -ENXIO;
	*out = d->pages;	// devices are never removed
	return OK;
}

static ssize_r block_control(struct file *f, struct file_control *c borrowed)
{
	struct block_device *d object_auto(block_device) = disk_of(f);

	if (!d)
		return -ENXIO;
	switch (c->command) {
	case BLKGETSIZE64: c->value = block_device_bytes(d); return 0;
	case BLKGETSIZE: c->value = d->sector_count; return 0;
	case BLKSSZGET:
	case BLKPBSZGET: c->value = BLOCK_SECTOR; return 0;
	case BLKBSZGET: c->value = PAGE_SIZE; return 0;
	case BLKROGET: c->value = d->flags & BLOCK_DEVICE_READ_ONLY; return 0;
	case BLKFLSBUF:
		if (!cred_has_capability(cred_current(), user_namespace_initial(), CAP_SYS_ADMIN))
			return -EACCES;
		return (ssize_r)block_sync(f, 0, U64_MAX, 0);
	default: return -ENOTTY;
	}
}

static const struct file_ops block_file_ops = {
	.read = block_read,
	.write = block_write,
	.seek = block_seek,
	.sync = block_sync,
	.map = block_map,
	.control = block_control,
};

static exclusive_access void node_set_up(struct block_node *n, struct block_device *d)
{
	n->disk = block_device_get(d);
	n->base.kind = DEVICE_BLOCK;
	n->base.major = device_major(d->number);
	n->base.minor = device_minor(d->number);
	n->base.minor_count = 1;
	n->base.mode = 0660;
	n->base.ops = &block_file_ops;
	device_set_name(&n->base, bytes_first(array_bytes(d->name), d->name_length));
	device_set_class(&n->base, STR("block"));
}

static void disk_added(struct block_device *d)
{
	struct block_node *n object_auto(block_node) = block_node_alloc();
	err_t err = -ENOMEM;

	if (n) {
		node_set_up(n, d);
		err = device_register(&n->base);
	}
	if (err)
		log_error("devfs: no device file for a disk: error %d", -(s32)err);
}

void block_nodes_init(void)
{
	block_device_listen(disk_added);
}
