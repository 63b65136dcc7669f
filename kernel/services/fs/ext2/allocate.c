// SPDX-License-Identifier: MPL-2.0
// Blocks and inodes come from bitmaps, one of each a group. Everything here runs under alloc_lock; the counts
// in group descriptors change together with the bitmaps, those in the superblock at sync.
#include <core/time.h>
#include <services/cred/user_namespace.h>
#include <services/fs/ext2/ext2_internal.h>

// Where a group's descriptor is.
static u32 descriptor_block(const struct ext2_superblock *s borrowed, u32 group)
{
	return s->descriptor_block + group * EXT2_GROUP_BYTES / s->block_size;
}

static u32 descriptor_offset(const struct ext2_superblock *s borrowed, u32 group)
{
	return group * EXT2_GROUP_BYTES % s->block_size;
}

struct ext2_group {
	u32 block_bitmap, inode_bitmap, inode_table, free_blocks, free_inodes, used_dirs;
};

static no_inline err_t group_read(struct ext2_superblock *s, u32 group, struct ext2_group *out borrowed)
{
	struct page *p page_auto = NULL;
	u32 block = descriptor_block(s, group);
	err_t err = ext2_block_read(s, block, &p);

	if (err)
		return err;
	bytes_t b = bytes_slice(ext2_block_bytes(s, p, block), descriptor_offset(s, group), EXT2_GROUP_BYTES);
	out->block_bitmap = bytes_get_u32le(b, GROUP_BLOCK_BITMAP);
	out->inode_bitmap = bytes_get_u32le(b, GROUP_INODE_BITMAP);
	out->inode_table = bytes_get_u32le(b, GROUP_INODE_TABLE);
	out->free_blocks = bytes_get_u16le(b, GROUP_FREE_BLOCKS);
	out->free_inodes = bytes_get_u16le(b, GROUP_FREE_INODES);
	out->used_dirs = bytes_get_u16le(b, GROUP_USED_DIRS);
	return OK;
}

// Adds to one of the counts of a group.
static no_inline err_t group_count(struct ext2_superblock *s, u32 group, enum ext2_group_field field, s32 delta)
{
	struct page *p page_auto = NULL;
	u32 block = descriptor_block(s, group);
	err_t err = ext2_block_edit(s, block, &p);

	if (err)
		return err;
	span_t d = span_slice(ext2_block_span(s, p, block), descriptor_offset(s, group), EXT2_GROUP_BYTES);
	span_put_u16le(d, field, (u16)(bytes_get_u16le(bytes_of(d), field) + delta));
	ext2_block_done(s, p, block);
	return OK;
}

static u32 blocks_in_group(const struct ext2_superblock *s borrowed, u32 group)
{
	u32 first = s->first_data_block + group * s->blocks_a_group;

	return min(s->blocks_a_group, s->block_count - first);
}

static bool bit_is_set(bytes_t map, u32 bit)
{
	return byte_at(map, bit / 8) >> (bit % 8) & 1;
}

// The first clear bit in [from, to); `to` when there is none.
static u32 clear_bit_find(bytes_t map, u32 from, u32 to)
{
	for (u32 bit = from; bit < to;) {
		if (bit % 8 == 0 && byte_at(map, bit / 8) == 0xff) {
			bit += 8;
			continue;
		}
		if (!bit_is_set(map, bit))
			return bit;
		bit++;
	}
	return to;
}

// Takes a clear bit of a bitmap block, from `start` on and then from 0. -ENOSPC
static no_inline err_t bitmap_take(struct ext2_superblock *s, u32 block, u32 start, u32 count, u32 *bit borrowed)
{
	struct page *p page_auto = NULL;
	err_t err = ext2_block_edit(s, block, &p);
	u32 found;

	if (err)
		return err;
	span_t map = ext2_block_span(s, p, block);
	count = min(count, s->block_size * 8);
	found = clear_bit_find(bytes_of(map), min(start, count), count);
	if (found >= count)
		found = clear_bit_find(bytes_of(map), 0, min(start, count));
	if (found >= count || bit_is_set(bytes_of(map), found)) {
		page_unlock(p);
		return -ENOSPC;
	}
	span_at(map, found / 8) |= (u8)(1u << (found % 8));
	ext2_block_done(s, p, block);
	*bit = found;
	return OK;
}

// -EINVAL when the bit is clear already: the image is damaged.
static no_inline err_t bitmap_give(struct ext2_superblock *s, u32 block, u32 bit)
{
	struct page *p page_auto = NULL;
	err_t err = ext2_block_edit(s, block, &p);

	if (err)
		return err;
	span_t map = ext2_block_span(s, p, block);
	if (!bit_is_set(bytes_of(map), bit)) {
		page_unlock(p);
		return -EINVAL;
	}
	span_at(map, bit / 8) &= (u8)~(1u << (bit % 8));
	ext2_block_done(s, p, block);
	return OK;
}

static err_t block_from_group(struct ext2_superblock *s, u32 group, u32 start, u32 *out borrowed)
	REQUIRES(s->alloc_lock)
{
	struct ext2_group g = { };
	u32 bit = 0;
	err_t err = group_read(s, group, &g);

	if (err)
		return err;
	if (g.free_blocks == 0)
		return -ENOSPC;
	err = bitmap_take(s, g.block_bitmap, start, blocks_in_group(s, group), &bit);
	if (!err)
		err = group_count(s, group, GROUP_FREE_BLOCKS, -1);
	if (err)
		return err;
	s->free_blocks -= s->free_blocks > 0;
	*out = s->first_data_block + group * s->blocks_a_group + bit;
	return OK;
}

err_t ext2_allocate_block(
	struct ext2_superblock *s, u32 goal, u32 group, const struct cred *cred borrowed, u32 *out borrowed)
{
	u32 start = 0;
	err_t err = -ENOSPC;

	if (goal >= s->first_data_block && goal < s->block_count) {
		group = (goal - s->first_data_block) / s->blocks_a_group;
		start = (goal - s->first_data_block) % s->blocks_a_group;
	}
	mutex_guard_nested(&s->alloc_lock, 1);
	if (s->free_blocks == 0 ||
		(s->free_blocks <= s->reserved_blocks && cred &&
			!cred_has_capability(cred, user_namespace_initial(), CAP_SYS_RESOURCE)))
		return -ENOSPC;
	for (u32 i = 0; i < s->group_count && err == -ENOSPC; i++) {
		err = block_from_group(s, (group + i) % s->group_count, i == 0 ? start : 0, out);
	}
	return err;
}

void ext2_free_block(struct ext2_superblock *s, u32 block)
{
	struct ext2_group g = { };
	u32 group, bit;
	err_t err;

	if (block < s->first_data_block || block >= s->block_count) {
		ext2_report(s, "freed block is out of range", block);
		return;
	}
	group = (block - s->first_data_block) / s->blocks_a_group;
	bit = (block - s->first_data_block) % s->blocks_a_group;
	mutex_guard_nested(&s->alloc_lock, 1);
	err = group_read(s, group, &g);
	if (!err)
		err = bitmap_give(s, g.block_bitmap, bit);
	if (!err)
		err = group_count(s, group, GROUP_FREE_BLOCKS, 1);
	if (err)
		ext2_report(s, "block could not be freed", block);
	else
		s->free_blocks++;
}

void ext2_free_metadata(struct ext2_superblock *s, u32 block)
{
	block_device_forget(s->disk, (u64)block * s->block_size, s->block_size);
	ext2_free_block(s, block);
}

// Folders spread over the groups with most room; files stay with their folder.
static u32 group_for_inode(struct ext2_superblock *s, u32 parent_group, u32 type)
{
	u32 best = parent_group, most = 0;

	if (type != S_IFDIR)
		return parent_group;
	for (u32 i = 0; i < s->group_count; i++) {
		struct ext2_group g = { };
		u32 candidate = (parent_group + i) % s->group_count;

		if (group_read(s, candidate, &g))
			continue;
		if (g.free_inodes > 0 && g.free_blocks > most) {
			most = g.free_blocks;
			best = candidate;
		}
	}
	return best;
}

static err_t inode_from_group(struct ext2_superblock *s, u32 group, u32 type, u32 *out borrowed) REQUIRES(s->alloc_lock)
{
	struct ext2_group g = { };
	u32 bit = 0;
	u32 start = group == 0 ? s->first_inode - 1 : 0;
	err_t err = group_read(s, group, &g);

	if (err)
		return err;
	if (g.free_inodes == 0)
		return -ENOSPC;
	err = bitmap_take(s, g.inode_bitmap, start, s->inodes_a_group, &bit);
	if (!err)
		err = group_count(s, group, GROUP_FREE_INODES, -1);
	if (!err && type == S_IFDIR)
		err = group_count(s, group, GROUP_USED_DIRS, 1);
	if (err)
		return err;
	s->free_inodes -= s->free_inodes > 0;
	*out = group * s->inodes_a_group + bit + 1;
	return OK;
}

err_t ext2_allocate_inode(struct ext2_superblock *s, u32 parent_group, u32 type, u32 *out borrowed)
{
	err_t err = -ENOSPC;
	u32 group;

	mutex_guard_nested(&s->alloc_lock, 1);
	group = group_for_inode(s, parent_group, type);
	for (u32 i = 0; i < s->group_count && err == -ENOSPC; i++)
		err = inode_from_group(s, (group + i) % s->group_count, type, out);
	return err;
}

void ext2_free_inode(struct ext2_superblock *s, u32 number, u32 type)
{
	struct ext2_group g = { };
	u32 group = (number - 1) / s->inodes_a_group;
	err_t err;

	mutex_guard_nested(&s->alloc_lock, 1);
	err = group_read(s, group, &g);
	if (!err)
		err = bitmap_give(s, g.inode_bitmap, (number - 1) % s->inodes_a_group);
	if (!err)
		err = group_count(s, group, GROUP_FREE_INODES, 1);
	if (!err && type == S_IFDIR)
		err = group_count(s, group, GROUP_USED_DIRS, -1);
	if (err)
		ext2_report(s, "inode could not be freed", number);
	else
		s->free_inodes++;
}

// Does the block say what is to be written? A sync that changes nothing else costs no write of it.
static bool superblock_is_current(struct ext2_superblock *s, bytes_t b) REQUIRES(s->alloc_lock)
{
	const bool has_xattrs = bytes_get_u32le(b, SB_COMPATIBLE) & COMPATIBLE_XATTR;

	return bytes_get_u32le(b, SB_FREE_BLOCKS) == (u32)s->free_blocks &&
		bytes_get_u32le(b, SB_FREE_INODES) == (u32)s->free_inodes &&
		(has_xattrs || !atomic_u32_load(&s->has_xattrs));
}

err_t ext2_write_superblock(struct ext2_superblock *s, u32 state)
{
	struct page *p page_auto = NULL;
	u32 block = EXT2_SUPERBLOCK_AT / s->block_size;
	err_t err;

	mutex_guard_nested(&s->alloc_lock, 1);
	err = ext2_block_edit(s, block, &p);
	if (err)
		return err;
	span_t b = span_slice(page_span(p), EXT2_SUPERBLOCK_AT % PAGE_SIZE, EXT2_SUPERBLOCK_BYTES);
	if (state == EXT2_STATE_KEEP && superblock_is_current(s, bytes_of(b))) {
		page_unlock(p);
		return OK;
	}
	span_put_u32le(b, SB_FREE_BLOCKS, (u32)s->free_blocks);
	span_put_u32le(b, SB_FREE_INODES, (u32)s->free_inodes);
	span_put_u32le(b, SB_WRITE_TIME, (u32)(clock_realtime_ns() / NS_PER_SECOND));
	if (atomic_u32_load(&s->has_xattrs))
		span_put_u32le(b, SB_COMPATIBLE, bytes_get_u32le(bytes_of(b), SB_COMPATIBLE) | COMPATIBLE_XATTR);
	if (state != EXT2_STATE_KEEP)
		span_put_u16le(b, SB_STATE, (u16)state);
	ext2_block_done(s, p, block);
	return OK;
}
