// SPDX-License-Identifier: MPL-2.0
// Metadata blocks, by way of the block device's page cache.
#include <core/print.h>
#include <services/fs/ext2/ext2_internal.h>

u32 ext2_block_offset(const struct ext2_superblock *s borrowed, u32 block)
{
	return (u32)((u64)block * s->block_size % PAGE_SIZE);
}

static u64 page_index_of(const struct ext2_superblock *s borrowed, u32 block)
{
	return (u64)block * s->block_size / PAGE_SIZE;
}

err_t ext2_block_read(struct ext2_superblock *s, u32 block, struct page **out borrowed)
{
	if (block >= s->block_count) {
		ext2_report(s, "block number out of range", block);
		return -EIO;
	}
	return page_mapping_read_page(s->disk->pages, page_index_of(s, block), out);
}

err_t ext2_block_edit(struct ext2_superblock *s, u32 block, struct page **out borrowed)
{
	if (block >= s->block_count) {
		ext2_report(s, "block number out of range", block);
		return -EIO;
	}
	return page_mapping_write_page(s->disk->pages, page_index_of(s, block), PAGE_WRITE_PART, out);
}

void ext2_block_done(struct ext2_superblock *s, struct page *p, u32 block)
{
	block_device_mark_dirty(p, ext2_block_offset(s, block), s->block_size);
	page_unlock(p);
}

void ext2_report(const struct ext2_superblock *s borrowed, const char *what, u64 where)
{
	log_text(LOG_ERROR, what, bytes_first(array_bytes(s->disk->name), s->disk->name_length));
	log_error("ext2: at %lu: run e2fsck", where);
}
