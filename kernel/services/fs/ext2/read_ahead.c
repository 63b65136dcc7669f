// SPDX-License-Identifier: MPL-2.0
// Several pages of a file at once: one request for each run of blocks that lie behind one another on the disk,
// however many pages it covers.
#include <services/fs/ext2/ext2_internal.h>

// Blocks are counted from the beginning of the batch.
struct ahead_run {
	u32 first, count;
	u32 physical;	// of the first; 0: no run yet
	u32 pad;
};

static err_t ahead_submit(struct ext2_superblock *s, struct page_batch *batch, u32 first, u32 count, u32 physical)
{
	const u32 a_page = (u32)PAGE_SIZE / s->block_size;
	const u64 sector = (u64)physical * (s->block_size / BLOCK_SECTOR);
	struct block_request *r object_auto(block_request) = block_request_create(BLOCK_READ, sector);

	if (!r)
		return -ENOMEM;
	for (u32 b = first; b < first + count;) {
		const u32 within = b % a_page, blocks = min(a_page - within, first + count - b);

		if (!block_request_add_page(r, batch->slot[b / a_page], within * s->block_size, blocks * s->block_size))
			return -EIO;
		b += blocks;
	}
	block_submit(s->disk, r);
	return block_request_wait(r);
}

// Reads what is gathered, in pieces that fit a request.
static err_t ahead_flush(struct ext2_superblock *s, struct page_batch *batch, struct ahead_run *run borrowed)
{
	const u32 most = (BLOCK_REQUEST_PAGES - 1) * ((u32)PAGE_SIZE / s->block_size);

	for (u32 done = 0; run->physical && done < run->count; done += most) {
		const u32 part = min(run->count - done, most);
		const err_t err = ahead_submit(s, batch, run->first + done, part, run->physical + done);

		if (err)
			return err;
	}
	run->physical = 0;
	return OK;
}

static void ahead_zero(struct ext2_superblock *s, struct page_batch *batch, u32 block)
{
	const u32 a_page = (u32)PAGE_SIZE / s->block_size;

	span_fill(span_slice(page_span(batch->slot[block / a_page]), block % a_page * s->block_size, s->block_size), 0);
}

// One more block of the file: it goes on with the run, begins another, or is a hole.
static err_t ahead_block(struct ext2_superblock *s, struct page_batch *batch, u32 block, u32 physical,
	struct ahead_run *run borrowed)
{
	if (run->physical && physical == run->physical + run->count) {
		run->count++;
		return OK;
	}
	const err_t err = ahead_flush(s, batch, run);

	if (err)
		return err;
	if (physical)
		*run = (struct ahead_run){ .first = block, .count = 1, .physical = physical };
	else
		ahead_zero(s, batch, block);
	return OK;
}

err_t ext2_read_pages(struct page_mapping *m, struct page_batch *batch, u32 count)
{
	struct inode *i = page_mapping_host(m);
	struct ext2_superblock *s = ext2_of(i->superblock);
	const u32 a_page = (u32)PAGE_SIZE / s->block_size;
	const u64 first = batch->slot[0]->index * a_page;
	const u64 used = (atomic_u64_load(&i->size) + s->block_size - 1) / s->block_size;
	struct ahead_run run = { };

	for (u32 b = 0; b < count * a_page; b++) {
		u32 physical = 0;
		err_t err = first + b < used ? ext2_map(ext2_inode_of(i), first + b, EXT2_MAP_FIND, &physical) : OK;

		if (!err)
			err = ahead_block(s, batch, b, physical, &run);
		if (err)
			return err;
	}
	return ahead_flush(s, batch, &run);
}
