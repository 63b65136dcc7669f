// SPDX-License-Identifier: MPL-2.0
// Metadata blocks, by way of the block device's page cache.
#include <core/print.h>
#include <core/time.h>
#include <services/fs/ext2/ext2_internal.h>

enum { EXT2_REPORTS_A_WINDOW = 20 };

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

// A damaged image can be wrong in a million places; the log has room for other things too.
static bool may_report(void)
{
	static struct atomic_u64 window_end_ns;
	static struct atomic_u32 reports;
	const u64 now = clock_monotonic_ns();

	if (now >= atomic_u64_load(&window_end_ns)) {
		atomic_u64_store(&window_end_ns, now + 5 * NS_PER_SECOND);
		atomic_u32_store(&reports, 0);
	}
	return atomic_u32_add(&reports, 1) < EXT2_REPORTS_A_WINDOW;
}

void ext2_report(const struct ext2_superblock *s borrowed, const char *what, u64 where)
{
	if (!may_report())
		return;
	log_text(LOG_ERROR, what, bytes_first(array_bytes(s->disk->name), s->disk->name_length));
	log_error("ext2: at %lu: run e2fsck", where);
}
