// SPDX-License-Identifier: MPL-2.0
// File content: the page cache's way to the blocks, sizes, symbolic links, fsync.
#include <services/fs/ext2/ext2_internal.h>

static err_t ext2_begin_write(struct page_mapping *m, struct page *p, u32 offset, u32 length)
{
	struct inode *i = page_mapping_host(m);
	struct ext2_superblock *s = ext2_of(i->superblock);
	u64 logical = p->index * (PAGE_SIZE / s->block_size);

	for (u32 b = offset / s->block_size; b * s->block_size < offset + length; b++) {
		u32 physical = 0;
		err_t err = ext2_map(ext2_inode_of(i), logical + b, EXT2_MAP_ALLOCATE, &physical);

		if (err)
			return err;
	}
	return OK;
}

// The writer has data_lock.
static void ext2_end_write(struct page_mapping *m, u64 end)
{
	struct inode *i = page_mapping_host(m);

	if (end <= atomic_u64_load(&i->size))
		return;
	atomic_u64_store(&i->size, end);
	inode_mark_dirty(i);
}

const struct page_mapping_ops ext2_mapping_ops = {
	.read_page = ext2_read_page, .write_page = ext2_write_page, .begin_write = ext2_begin_write,
	.end_write = ext2_end_write,
	.read_pages = ext2_read_pages, .write_pages = ext2_write_pages,
};

static err_t set_size(struct inode *i, u64 size)
{
	struct ext2_superblock *s = ext2_of(i->superblock);
	u64 old = atomic_u64_load(&i->size);

	if (size > ext2_max_size(s))
		return -EFBIG;
	if (size >= old) {
		atomic_u64_store(&i->size, size);
		return OK;
	}
	// What is left of the last block would be seen again when the file grows.
	const u64 block_end = (size + s->block_size - 1) / s->block_size * s->block_size;
	const err_t err = ext2_zero_part(i, size, min(old, block_end));

	if (err)
		return err;
	atomic_u64_store(&i->size, size);
	page_mapping_truncate(i->pages, size);
	return ext2_map_truncate(ext2_inode_of(i), (size + s->block_size - 1) / s->block_size);
}

err_t ext2_set_attributes(struct inode *i, const struct attribute_change *change borrowed)
{
	err_t err = OK;

	if (change->valid & ATTRIBUTE_SIZE)
		err = set_size(i, change->size);
	if (err)
		return err;
	inode_set_attributes_generic(i, change);
	inode_mark_dirty(i);
	return OK;
}

// Folders and bitmaps go with the file, so that e2fsck finds it by name; other files' content does not.
static err_t ext2_file_sync(struct file *f, u64 start, u64 end, u32 data_only)
{
	struct inode *i = f->inode;
	const err_t err = i->type == S_IFREG ? page_mapping_sync(i->pages, start, end) : OK;
	const err_t e = superblock_sync_records(i->superblock);

	return err ? err : e;
}

static ssize_r ext2_file_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	return file_ops_page_cache.read(f, to, position);
}

static ssize_r ext2_file_write(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	return file_ops_page_cache.write(f, from, position);
}

static err_t ext2_file_map(struct file *f, u32 protection, struct page_mapping **out borrowed)
{
	return file_ops_page_cache.map(f, protection, out);
}

const struct file_ops ext2_file_ops = {
	.read = ext2_file_read,
	.write = ext2_file_write,
	.seek = ext2_file_seek,
	.map = ext2_file_map,
	.sync = ext2_file_sync,
	.allocate = ext2_file_allocate,
};

static ssize_r ext2_directory_seek(struct file *f, s64 offset, u32 whence)
{
	return file_ops_directory.seek(f, offset, whence);
}

const struct file_ops ext2_directory_file_ops = { .seek = ext2_directory_seek, .sync = ext2_file_sync };

// --- symbolic links: short ones lie in the block slots -----------------------------------------------
static ssize_r fast_link_read(struct ext2_inode *n, span_t out, u32 length)
{
	u8 text[EXT2_BLOCK_SLOTS * 4] = { };
	span_t t = array_span(text);

	mutex_guard(&n->map_lock);
	for (u32 k = 0; k < EXT2_BLOCK_SLOTS; k++)
		span_put_u32le(t, k * 4ul, n->block[k]);
	return (ssize_r)span_copy_some(out, bytes_first(bytes_of(t), length));
}

static ssize_r ext2_read_link(struct inode *i, span_t out)
{
	struct page *p page_auto = NULL;
	u32 length = (u32)atomic_u64_load(&i->size);
	err_t err;

	if (length < EXT2_FAST_SYMLINK_MAX)
		return fast_link_read(ext2_inode_of(i), out, length);
	err = page_mapping_read_page(i->pages, 0, &p);
	if (err)
		return (ssize_r)err;
	return (ssize_r)span_copy_some(out, bytes_first(page_bytes(p), min((usize)length, PAGE_SIZE)));
}

const struct inode_ops ext2_file_inode_ops = {
	EXT2_XATTR_OPS, .set_attributes = ext2_set_attributes, .evict = ext2_inode_evict,
		.write_inode = ext2_inode_write,
	.set_flags = ext2_set_flags, .find_extent = ext2_find_extent,
};
const struct inode_ops ext2_special_ops = {
	EXT2_XATTR_OPS, .set_attributes = ext2_set_attributes, .evict = ext2_inode_evict,
		.write_inode = ext2_inode_write,
};
const struct inode_ops ext2_symlink_ops = {
	EXT2_XATTR_OPS,
	.read_link = ext2_read_link,
	.set_attributes = ext2_set_attributes,
	.evict = ext2_inode_evict,
	.write_inode = ext2_inode_write,
};
