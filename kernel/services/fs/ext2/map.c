// SPDX-License-Identifier: MPL-2.0
// From a file's block number to the disk's: 12 direct slots, then trees of one, two and three levels of
// address blocks. A walk goes from slot to slot; a slot is either in the inode or in an address block.
#include <services/fs/ext2/ext2_internal.h>

#define LEVELS_MAX 4u

// The way to a block: slot[0] in the inode, the others in address blocks.
struct map_way {
	u32 slot[LEVELS_MAX];
	u32 depth;	// number of slots
};

static err_t way_find(const struct ext2_superblock *s borrowed, u64 logical, struct map_way *w borrowed)
{
	u64 per = s->addresses_a_block, span = per;

	if (logical < EXT2_DIRECT) {
		w->slot[0] = (u32)logical;
		w->depth = 1;
		return OK;
	}
	logical -= EXT2_DIRECT;
	for (u32 level = 1; level < LEVELS_MAX; level++, span *= per) {
		if (logical >= span) {
			logical -= span;
			continue;
		}
		w->slot[0] = EXT2_DIRECT + level - 1;
		w->depth = level + 1;
		for (u32 i = level; i >= 1; i--, logical /= per)
			w->slot[i] = (u32)(logical % per);
		return OK;
	}
	return -EFBIG;
}

u64 ext2_max_size(const struct ext2_superblock *s borrowed)
{
	u64 per = s->addresses_a_block;
	u64 blocks = EXT2_DIRECT + per + per * per + per * per * per;

	// i_blocks counts 512-byte units in 32 bits.
	return min(blocks * s->block_size, (u64)U32_MAX * BLOCK_SECTOR);
}

static void count_blocks(struct ext2_inode *n, s64 blocks)
{
	spin_guard(&n->base.lock);
	n->base.block_count += (u64)(blocks * (s64)(ext2_of(n->base.superblock)->block_size / BLOCK_SECTOR));
}

// A new block for n; an address block is zeroed.
static err_t block_new(struct ext2_inode *n, bool is_address, u32 *out borrowed) REQUIRES(n->map_lock)
{
	struct ext2_superblock *s = ext2_of(n->base.superblock);
	struct page *p page_auto = NULL;
	err_t err = ext2_allocate_block(s, n->last_allocated ? n->last_allocated + 1 : 0, n->group, NULL, out);

	if (err)
		return err;
	if (is_address) {
		err = ext2_block_edit(s, *out, &p);
		if (err) {
			ext2_free_block(s, *out);
			return err;
		}
		span_fill(ext2_block_span(s, p, *out), 0);
		ext2_block_done(s, p, *out);
	}
	n->last_allocated = *out;
	count_blocks(n, 1);
	inode_mark_dirty(&n->base);
	return OK;
}

static no_inline err_t slot_read(struct ext2_superblock *s, u32 block, u32 slot, u32 *value borrowed)
{
	struct page *p page_auto = NULL;
	err_t err = ext2_block_read(s, block, &p);

	if (!err)
		*value = bytes_get_u32le(ext2_block_bytes(s, p, block), slot * 4ul);
	return err;
}

static no_inline err_t slot_write(struct ext2_superblock *s, u32 block, u32 slot, u32 value)
{
	struct page *p page_auto = NULL;
	err_t err = ext2_block_edit(s, block, &p);

	if (err)
		return err;
	span_put_u32le(ext2_block_span(s, p, block), slot * 4ul, value);
	ext2_block_done(s, p, block);
	return OK;
}

// The next step of a walk below address block `parent` (0: the inode itself).
static err_t step(struct ext2_inode *n, u32 parent, u32 slot, bool is_address, enum ext2_map_mode mode,
	u32 *value borrowed) REQUIRES(n->map_lock)
{
	struct ext2_superblock *s = ext2_of(n->base.superblock);
	err_t err = OK;

	if (parent)
		err = slot_read(s, parent, slot, value);
	else
		*value = n->block[slot];
	if (err || *value || mode == EXT2_MAP_FIND)
		return err;
	err = block_new(n, is_address, value);
	if (err)
		return err;
	if (!parent) {
		n->block[slot] = *value;
		return OK;
	}
	err = slot_write(s, parent, slot, *value);
	if (!err)
		return OK;
	if (is_address)
		ext2_free_metadata(s, *value);
	else
		ext2_free_block(s, *value);
	count_blocks(n, -1);
	return err;
}

err_t ext2_map(struct ext2_inode *n, u64 logical, enum ext2_map_mode mode, u32 *physical borrowed)
{
	struct ext2_superblock *s = ext2_of(n->base.superblock);
	struct map_way w = { };
	u32 at = 0;
	err_t err = way_find(s, logical, &w);

	if (err)
		return err;
	mutex_guard(&n->map_lock);
	for (u32 i = 0; i < w.depth; i++) {
		u32 next = 0;

		err = step(n, at, w.slot[i], i + 1 < w.depth, mode, &next);
		if (err)
			return err;
		at = next;
		if (at == 0)
			break;
		if (at < s->first_data_block || at >= s->block_count) {
			ext2_report(s, "inode has a bad block number", n->base.number);
			return -EIO;
		}
	}
	*physical = at;
	return OK;
}

// Blocks from here to the end of the subtree that slot `level` of the way leads to.
static u64 way_left(const struct ext2_superblock *s borrowed, const struct map_way *w borrowed, u32 level)
{
	u64 size = 1, inside = 0;

	for (u32 i = w->depth - 1; i > level; i--, size *= s->addresses_a_block)
		inside += w->slot[i] * size;
	return size - inside;
}

// As ext2_map() finds a block; with `takes`, its slot is emptied.
static err_t map_find(
	struct ext2_inode *n, u64 logical, bool takes, u32 *physical borrowed, u64 *count borrowed)
	REQUIRES(n->map_lock)
{
	struct ext2_superblock *s = ext2_of(n->base.superblock);
	struct map_way w = { };
	u32 at = 0, next = 0, i = 0;
	err_t err = way_find(s, logical, &w);

	*physical = 0;
	for (; !err && i < w.depth; i++, at = next) {
		err = step(n, at, w.slot[i], i + 1 < w.depth, EXT2_MAP_FIND, &next);
		if (err || next == 0)
			break;
		if (next < s->first_data_block || next >= s->block_count) {
			ext2_report(s, "inode has a bad block number", n->base.number);
			return -EIO;
		}
		if (i + 1 == w.depth)
			break;
	}
	if (err)
		return err;
	*count = next ? 1 : way_left(s, &w, i);
	if (takes && next && at)
		err = slot_write(s, at, w.slot[i], 0);
	else if (takes && next)
		n->block[w.slot[i]] = 0;
	if (!err)
		*physical = next;
	return err;
}

err_t ext2_map_extent(struct ext2_inode *n, u64 logical, u32 *physical borrowed, u64 *count borrowed)
{
	mutex_guard(&n->map_lock);
	return map_find(n, logical, false, physical, count);
}

err_t ext2_map_take(struct ext2_inode *n, u64 logical, u32 *physical borrowed, u64 *count borrowed)
{
	mutex_guard(&n->map_lock);
	const err_t err = map_find(n, logical, true, physical, count);

	if (!err && *physical) {
		count_blocks(n, -1);
		inode_mark_dirty(&n->base);
	}
	return err;
}

// Frees the tree below address block `block` of `level` (1: its slots are data) from slot-relative logical
// number `first` on. *empty tells whether nothing is left. Recursion is unrolled by level: see below.
static no_inline err_t level1_truncate(struct ext2_inode *n, u32 block, u64 first, bool *empty borrowed)
{
	struct ext2_superblock *s = ext2_of(n->base.superblock);
	err_t err = OK;
	s64 freed = 0;

	for (u64 i = first; i < s->addresses_a_block && !err; i++) {
		u32 value = 0;

		err = slot_read(s, block, (u32)i, &value);
		if (!err && value)
			err = slot_write(s, block, (u32)i, 0);
		if (!err && value) {
			ext2_free_block(s, value);
			freed++;
		}
	}
	count_blocks(n, -freed);
	*empty = !err && first == 0;
	return err;
}

typedef err_t (*level_truncate_fn)(struct ext2_inode *n, u32 block, u64 first, bool *empty borrowed);

// Applies `below` to each slot's subtree of `span` blocks and frees those that became empty.
static no_inline err_t slots_truncate(
	struct ext2_inode *n, u32 block, u64 first, u64 span, level_truncate_fn below, bool *empty borrowed)
{
	struct ext2_superblock *s = ext2_of(n->base.superblock);

	for (u64 i = first / span; i < s->addresses_a_block; i++) {
		u32 value = 0;
		bool is_empty = false;
		u64 inside = i * span < first ? first - i * span : 0;
		err_t err = slot_read(s, block, (u32)i, &value);

		if (!err && value)
			err = below(n, value, inside, &is_empty);
		if (!err && is_empty)
			err = slot_write(s, block, (u32)i, 0);
		if (err)
			return err;
		if (is_empty) {
			ext2_free_metadata(s, value);
			count_blocks(n, -1);
		}
	}
	*empty = first == 0;
	return OK;
}

static err_t level2_truncate(struct ext2_inode *n, u32 block, u64 first, bool *empty borrowed)
{
	return slots_truncate(n, block, first, ext2_of(n->base.superblock)->addresses_a_block, level1_truncate, empty);
}

static err_t level3_truncate(struct ext2_inode *n, u32 block, u64 first, bool *empty borrowed)
{
	u64 per = ext2_of(n->base.superblock)->addresses_a_block;

	return slots_truncate(n, block, first, per * per, level2_truncate, empty);
}

static err_t direct_truncate(struct ext2_inode *n, u64 first) REQUIRES(n->map_lock)
{
	struct ext2_superblock *s = ext2_of(n->base.superblock);

	for (u64 i = first; i < EXT2_DIRECT; i++) {
		if (!n->block[i])
			continue;
		ext2_free_block(s, n->block[i]);
		n->block[i] = 0;
		count_blocks(n, -1);
	}
	return OK;
}

err_t ext2_map_truncate(struct ext2_inode *n, u64 first)
{
	static const struct {
		level_truncate_fn truncate;
	} level[] = { { level1_truncate }, { level2_truncate }, { level3_truncate } };
	struct ext2_superblock *s = ext2_of(n->base.superblock);
	u64 base = EXT2_DIRECT, span = s->addresses_a_block;

	mutex_guard(&n->map_lock);
	err_t err = direct_truncate(n, first);
	for (u32 i = 0; i < array_len(level) && !err; i++, base += span, span *= s->addresses_a_block) {
		u32 root = n->block[EXT2_DIRECT + i];
		bool is_empty = false;

		if (!root || first >= base + span)
			continue;
		err = level[i].truncate(n, root, first > base ? first - base : 0, &is_empty);
		if (!err && is_empty) {
			ext2_free_metadata(s, root);
			count_blocks(n, -1);
			n->block[EXT2_DIRECT + i] = 0;
		}
	}
	n->last_allocated = 0;
	inode_mark_dirty(&n->base);
	return err;
}
