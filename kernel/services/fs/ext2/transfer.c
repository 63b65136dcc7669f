// SPDX-License-Identifier: MPL-2.0
// Several pages of a file at once: one request for each run of blocks that lie behind one another on the disk,
// however many pages it covers, and all runs on their way together.
#include <services/block/block_stream.h>
#include <services/fs/ext2/ext2_internal.h>

static u64 sector_of(const struct ext2_superblock *s borrowed, u32 block)
{
	return (u64)block * (s->block_size / BLOCK_SECTOR);
}

// Blocks of the page with this index that lie (partly) within the file.
static u32 blocks_within(struct inode *i, u64 index)
{
	const struct ext2_superblock *s = ext2_of(i->superblock);
	const u64 size = atomic_u64_load(&i->size), start = index * PAGE_SIZE;

	if (size <= start)
		return 0;
	return (u32)min((size - start + s->block_size - 1) / s->block_size, PAGE_SIZE / s->block_size);
}

// A hole, and what lies behind the end, is zero.
static err_t page_add_reads(struct inode *i, struct page *p, struct block_stream *stream borrowed)
{
	struct ext2_superblock *s = ext2_of(i->superblock);
	const u32 a_page = (u32)PAGE_SIZE / s->block_size, used = blocks_within(i, p->index);

	for (u32 b = 0; b < a_page; b++) {
		u32 physical = 0;
		const u32 at = b * s->block_size;
		err_t err = OK;

		if (b < used)
			err = ext2_map(ext2_inode_of(i), p->index * a_page + b, EXT2_MAP_FIND, &physical);
		if (!err && physical)
			err = block_stream_add(stream, sector_of(s, physical), p, at, s->block_size);
		if (err)
			return err;
		if (!physical)
			span_fill(span_slice(page_span(p), at, s->block_size), 0);
	}
	return OK;
}

// Dirty pages of a shared mapping may have no blocks yet: they get them here. What has blocks behind the end is written
// too: a write(2) that got no byte has given blocks, which keep what their last owner left in them otherwise.
static err_t page_add_writes(struct inode *i, struct page *p, struct block_stream *stream borrowed)
{
	struct ext2_superblock *s = ext2_of(i->superblock);
	const u32 a_page = (u32)PAGE_SIZE / s->block_size, used = blocks_within(i, p->index);

	for (u32 b = 0; b < a_page; b++) {
		u32 physical = 0;
		const enum ext2_map_mode mode = b < used ? EXT2_MAP_ALLOCATE : EXT2_MAP_FIND;
		err_t err = ext2_map(ext2_inode_of(i), p->index * a_page + b, mode, &physical);

		if (!err && physical)
			err = block_stream_add(stream, sector_of(s, physical), p, b * s->block_size, s->block_size);
		if (err)
			return err;
	}
	return OK;
}

static err_t page_add(struct inode *i, struct page *p, enum block_operation operation,
	struct block_stream *stream borrowed)
{
	return operation == BLOCK_READ ? page_add_reads(i, p, stream) : page_add_writes(i, p, stream);
}

static err_t page_transfer(struct page_mapping *m, struct page *p, enum block_operation operation)
{
	struct inode *i = page_mapping_host(m);
	struct block_stream *stream object_auto(block_stream) =
		block_stream_create(ext2_of(i->superblock)->disk, operation);

	if (!stream)
		return -ENOMEM;
	const err_t err = page_add(i, p, operation, stream);

	return block_error_join(err, block_stream_finish(stream));
}

static err_t pages_transfer(
	struct page_mapping *m, const struct page_batch *batch borrowed, u32 count, enum block_operation operation)
{
	struct inode *i = page_mapping_host(m);
	struct block_stream *stream object_auto(block_stream) =
		block_stream_create(ext2_of(i->superblock)->disk, operation);
	err_t err = OK;

	if (!stream)
		return -ENOMEM;
	for (u32 k = 0; k < count; k++) {
		err = block_error_join(err, page_add(i, batch->slot[k], operation, stream));
	}
	return block_error_join(err, block_stream_finish(stream));
}

err_t ext2_read_page(struct page_mapping *m, struct page *p)
{
	return page_transfer(m, p, BLOCK_READ);
}

err_t ext2_write_page(struct page_mapping *m, struct page *p)
{
	return page_transfer(m, p, BLOCK_WRITE);
}

err_t ext2_read_pages(struct page_mapping *m, struct page_batch *batch, u32 count)
{
	return pages_transfer(m, batch, count, BLOCK_READ);
}

err_t ext2_write_pages(struct page_mapping *m, struct page_batch *batch, u32 count)
{
	return pages_transfer(m, batch, count, BLOCK_WRITE);
}
