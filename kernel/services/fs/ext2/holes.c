// SPDX-License-Identifier: MPL-2.0
// Holes: where they and the data are (SEEK_DATA, SEEK_HOLE, FIEMAP) and how they are made (fallocate with PUNCH_HOLE).
// Whole pages lose their blocks; what is left at the ends is filled with zeros. source: lseek(2), fallocate(2)
#include <services/fs/ext2/ext2_internal.h>

enum { SEEK_DATA = 3, SEEK_HOLE = 4, PUNCH_BLOCKS = 32, EXTENT_BLOCKS_MAX = 1 << 15 };

// The first block from `at` on that is data, or no data; `end` if none is.
static err_t find_kind(struct ext2_inode *n, u64 at, u64 end, bool is_data, u64 *out borrowed)
{
	while (at < end) {
		u32 physical = 0;
		u64 count = 0;
		const err_t err = ext2_map_extent(n, at, &physical, &count);

		if (err)
			return err;
		if ((physical != 0) == is_data)
			break;
		at += count;
	}
	*out = min(at, end);
	return OK;
}

ssize_r ext2_file_seek(struct file *f, s64 offset, u32 whence)
{
	struct ext2_inode *n = ext2_inode_of(f->inode);
	const u64 size = atomic_u64_load(&f->inode->size), block = ext2_of(f->inode->superblock)->block_size;
	u64 found = 0;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return file_seek_generic(f, offset, whence, size);
	if (offset < 0 || (u64)offset >= size)
		return -ENXIO;
	const err_t err = find_kind(n, (u64)offset / block, (size + block - 1) / block, whence == SEEK_DATA, &found);
	if (err)
		return (ssize_r)err;
	found = max(found * block, (u64)offset);
	if (whence == SEEK_DATA && found >= size)
		return -ENXIO;
	f->position = min(found, size);
	return (ssize_r)f->position;
}

err_t ext2_find_extent(struct inode *i, u64 offset, u64 *physical borrowed, u64 *length borrowed)
{
	const u64 block_size = ext2_of(i->superblock)->block_size, at = offset / block_size;
	u32 first = 0, next = 0;
	u64 count = 0, more = 0;
	err_t err = ext2_map_extent(ext2_inode_of(i), at, &first, &count);

	while (!err && first && count < EXTENT_BLOCKS_MAX) {
		err = ext2_map_extent(ext2_inode_of(i), at + count, &next, &more);
		if (err == -EFBIG || (!err && next != first + count))
			break;
		count++;
	}
	*physical = first * block_size;
	*length = count * block_size;
	return err == -EFBIG && count ? OK : err;
}

err_t ext2_zero_part(struct inode *i, u64 from, u64 to)
{
	const u64 block = ext2_of(i->superblock)->block_size;
	struct page *p page_auto = NULL;
	u64 data = 0;

	if (from >= to)
		return OK;
	err_t err = find_kind(ext2_inode_of(i), from / block, (to + block - 1) / block, true, &data);
	if (err || data * block >= to)
		return err;
	err = page_mapping_write_page(i->pages, from >> PAGE_SHIFT, PAGE_WRITE_PART, &p);
	if (err)
		return err;
	span_fill(span_slice(page_span(p), page_offset(from), to - from), 0);
	page_mark_dirty(p);
	page_unlock(p);
	return OK;
}

// Takes some blocks from the file, from *at on. They are given away only when no write of them can be on its way any
// more: their pages have left the cache after the file lost them.
static no_inline err_t punch_some(struct inode *i, u64 *at borrowed, u64 end)
{
	struct ext2_superblock *s = ext2_of(i->superblock);
	u32 blocks[PUNCH_BLOCKS], taken = 0;
	const u64 a_page = PAGE_SIZE / s->block_size, first = *at;
	err_t err = OK;

	while (*at < end && taken < PUNCH_BLOCKS && !err) {
		u32 physical = 0;
		u64 count = 1;

		err = ext2_map_take(ext2_inode_of(i), *at, &physical, &count);
		if (physical)
			blocks[taken++] = physical;
		*at += err ? 0 : count;
	}
	if (taken)
		page_mapping_drop(i->pages, first / a_page, (*at - 1) / a_page);
	for (u32 k = 0; k < taken; k++)
		ext2_free_block(s, blocks[k]);
	return err;
}

static err_t punch(struct inode *i, u64 offset, u64 end)
{
	const u64 a_page = PAGE_SIZE / ext2_of(i->superblock)->block_size;
	const u64 first = page_round_up(offset), last = page_round_down(end);
	err_t err;

	if (first > last)
		return ext2_zero_part(i, offset, end);
	err = ext2_zero_part(i, offset, first);
	if (!err)
		err = ext2_zero_part(i, last, end);
	if (err || first == last)
		return err;
	page_mapping_drop(i->pages, first >> PAGE_SHIFT, (last >> PAGE_SHIFT) - 1);
	for (u64 at = (first >> PAGE_SHIFT) * a_page; at < (last >> PAGE_SHIFT) * a_page && !err;)
		err = punch_some(i, &at, (last >> PAGE_SHIFT) * a_page);
	return err;
}

// Blocks are not given ahead of their content: they would show what their last owner left in them.
err_t ext2_file_allocate(struct file *f, u32 mode, u64 offset, u64 length)
{
	enum { KEEP_SIZE = 1, PUNCH_HOLE = 2 };
	struct inode *const i = f->inode;

	if (mode != (KEEP_SIZE | PUNCH_HOLE))
		return -EOPNOTSUPP;
	write_guard(&i->data_lock);
	const u64 end = min(offset + length, page_round_up(atomic_u64_load(&i->size)));
	const err_t err = offset < end ? punch(i, offset, end) : OK;

	inode_touch(i, TOUCH_MODIFY | TOUCH_CHANGE);
	return err;
}
