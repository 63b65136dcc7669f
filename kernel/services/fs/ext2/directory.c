// SPDX-License-Identifier: MPL-2.0
// Folder content: blocks of variable records. A record's length covers the free space after its name; a
// removed record joins the one before it, or keeps its place with inode 0. Every record is checked before
// it is used; a block that does not add up makes the folder unreadable from there (-EIO), never a crash.
#include <services/fs/ext2/ext2_internal.h>

u32 ext2_record_bytes(usize name_length)
{
	return (u32)(ENTRY_NAME + name_length + 3) & ~3u;
}

bool ext2_entry_decode(bytes_t block, u32 offset, struct ext2_entry *e borrowed)
{
	if (offset + ENTRY_NAME > bytes_len(block))
		return false;
	e->offset = offset;
	e->inode = bytes_get_u32le(block, offset + ENTRY_INODE);
	e->record = bytes_get_u16le(block, offset + ENTRY_RECORD);
	e->name_length = byte_at(block, offset + ENTRY_NAME_LENGTH);
	e->type = byte_at(block, offset + ENTRY_TYPE);
	return e->record >= ext2_record_bytes(e->name_length) && e->record % 4 == 0 &&
		e->record <= bytes_len(block) - offset;
}

u64 ext2_directory_blocks(struct ext2_inode *dir)
{
	return atomic_u64_load(&dir->base.size) / ext2_of(dir->base.superblock)->block_size;
}

err_t ext2_directory_block(struct ext2_inode *dir, u64 n, struct page **out borrowed)
{
	return page_mapping_read_page(dir->base.pages, n * ext2_of(dir->base.superblock)->block_size / PAGE_SIZE, out);
}

u32 ext2_directory_offset(struct ext2_inode *dir, u64 n)
{
	return (u32)(n * ext2_of(dir->base.superblock)->block_size % PAGE_SIZE);
}

#define block_span(dir, p, n) \
	span_slice(page_span(p), ext2_directory_offset(dir, n), ext2_of((dir)->base.superblock)->block_size)

static err_t block_edit(struct ext2_inode *dir, u64 n, struct page **out borrowed)
{
	return page_mapping_write_page(
		dir->base.pages, n * ext2_of(dir->base.superblock)->block_size / PAGE_SIZE, PAGE_WRITE_PART, out);
}

static void block_done(struct page *p)
{
	page_mark_dirty(p);
	page_unlock(p);
}

static err_t damaged(struct ext2_inode *dir)
{
	ext2_report(ext2_of(dir->base.superblock), "folder is damaged: inode", dir->base.number);
	return -EIO;
}

// A folder that changes is a plain one from then on.
static void directory_changed(struct ext2_inode *dir)
{
	{
		mutex_guard(&dir->map_lock);
		dir->disk_flags &= ~(u32)EXT2_FLAG_INDEX;
	}
	inode_touch(&dir->base, TOUCH_MODIFY | TOUCH_CHANGE);
}

// Where a name is: block, record, and the record before it in the block (offset U32_MAX: none).
struct ext2_place {
	u64 block;
	struct ext2_entry entry;
	u32 previous;
};

// Looks for a name in one block. OK with out->entry.inode 0: not here.
static err_t block_find(struct ext2_inode *dir, bytes_t block, bytes_t name, struct ext2_place *out borrowed)
{
	struct ext2_entry e = { };

	out->previous = U32_MAX;
	for (u32 offset = 0; offset < bytes_len(block); offset += e.record) {
		if (!ext2_entry_decode(block, offset, &e))
			return damaged(dir);
		if (e.inode && bytes_equal(ext2_entry_name(block, &e), name)) {
			out->entry = e;
			return OK;
		}
		out->previous = offset;
	}
	out->entry.inode = 0;
	return OK;
}

// OK, -ENOENT: not in this block.
static err_t place_find_in(struct ext2_inode *dir, u64 n, bytes_t name, struct ext2_place *out borrowed)
{
	struct page *p page_auto = NULL;
	err_t err = ext2_directory_block(dir, n, &p);

	if (!err)
		err = block_find(dir, ext2_directory_bytes(dir, p, n), name, out);
	out->block = n;
	return err ? err : out->entry.inode ? OK : -ENOENT;
}

static err_t place_find(struct ext2_inode *dir, bytes_t name, struct ext2_place *out borrowed)
{
	struct ext2_places places = {};
	const bool is_known = ext2_index_search(dir, name, &places);
	const u64 count = is_known ? places.count : ext2_directory_blocks(dir);
	err_t err = -ENOENT;

	for (u64 n = 0; n < count && err == -ENOENT; n++)
		err = place_find_in(dir, is_known ? places.block[n] : n, name, out);
	return err;
}

err_t ext2_entry_find(struct ext2_inode *dir, bytes_t name, u32 *number borrowed)
{
	struct ext2_place at = { };
	err_t err = place_find(dir, name, &at);

	*number = at.entry.inode;
	return err;
}

static u8 type_code(u32 type)
{
	static const u8 code[16] = { [S_IFREG >> 12] = 1, [S_IFDIR >> 12] = 2, [S_IFCHR >> 12] = 3, [S_IFBLK >> 12] = 4,
				     [S_IFIFO >> 12] = 5, [S_IFSOCK >> 12] = 6, [S_IFLNK >> 12] = 7 };

	return code[type >> 12 & 15];
}

static void entry_write(span_t block, u32 offset, u32 record, bytes_t name, const struct inode *child borrowed)
{
	span_put_u32le(block, offset + ENTRY_INODE, (u32)child->number);
	span_put_u16le(block, offset + ENTRY_RECORD, (u16)record);
	span_at(block, offset + ENTRY_NAME_LENGTH) = (u8)bytes_len(name);
	span_at(block, offset + ENTRY_TYPE) = type_code(child->type);
	span_copy(span_from(block, offset + ENTRY_NAME), name);
}

// Puts the entry into free space of a block. -ENOSPC: no room here.
static no_inline err_t block_add(struct ext2_inode *dir, span_t block, bytes_t name, const struct inode *child borrowed)
{
	u32 wanted = ext2_record_bytes(bytes_len(name));
	struct ext2_entry e = { };

	for (u32 offset = 0; offset < span_len(block); offset += e.record) {
		u32 used;

		if (!ext2_entry_decode(bytes_of(block), offset, &e))
			return damaged(dir);
		used = e.inode ? ext2_record_bytes(e.name_length) : 0;
		if (e.record - used < wanted)
			continue;
		if (used)
			span_put_u16le(block, offset + ENTRY_RECORD, (u16)used);
		entry_write(block, offset + used, e.record - used, name, child);
		return OK;
	}
	return -ENOSPC;
}

static err_t add_in_block(struct ext2_inode *dir, u64 n, bytes_t name, const struct inode *child borrowed)
{
	struct page *p page_auto = NULL;
	err_t err = block_edit(dir, n, &p);

	if (err)
		return err;
	err = block_add(dir, block_span(dir, p, n), name, child);
	if (err)
		page_unlock(p);
	else
		block_done(p);
	return err;
}

// A new block at the end: one free record.
static err_t block_append(struct ext2_inode *dir)
{
	struct ext2_superblock *s = ext2_of(dir->base.superblock);
	struct page *p page_auto = NULL;
	u64 n = ext2_directory_blocks(dir);
	u32 physical = 0;
	err_t err = ext2_map(dir, n, EXT2_MAP_ALLOCATE, &physical);

	if (!err)
		err = block_edit(dir, n, &p);
	if (err)
		return err;
	span_t block = block_span(dir, p, n);
	span_fill(block, 0);
	span_put_u16le(block, ENTRY_RECORD, (u16)s->block_size);
	block_done(p);
	atomic_u64_store(&dir->base.size, (n + 1) * s->block_size);
	return OK;
}

err_t ext2_entry_add(struct ext2_inode *dir, bytes_t name, const struct inode *child borrowed)
{
	const u64 count = ext2_directory_blocks(dir);
	u64 n = ext2_index_search_room(dir, bytes_len(name));
	err_t err = -ENOSPC;

	for (; n < count && err == -ENOSPC; n += err == -ENOSPC)
		err = add_in_block(dir, n, name, child);
	if (err == -ENOSPC) {
		err = block_append(dir);
		if (!err)
			err = add_in_block(dir, n, name, child);
	}
	if (err)
		return err;
	ext2_index_note(dir, EXT2_INDEX_CAME, name, n);
	directory_changed(dir);
	return OK;
}

err_t ext2_entry_remove(struct ext2_inode *dir, bytes_t name)
{
	struct page *p page_auto = NULL;
	struct ext2_place at = { };
	err_t err = place_find(dir, name, &at);

	if (!err)
		err = block_edit(dir, at.block, &p);
	if (err)
		return err;
	span_t block = block_span(dir, p, at.block);
	if (at.previous == U32_MAX)
		span_put_u32le(block, at.entry.offset + ENTRY_INODE, 0);
	else
		span_put_u16le(
			block, at.previous + ENTRY_RECORD, (u16)(at.entry.offset - at.previous + at.entry.record));
	block_done(p);
	ext2_index_note(dir, EXT2_INDEX_WENT, name, at.block);
	directory_changed(dir);
	return OK;
}

err_t ext2_entry_set(struct ext2_inode *dir, bytes_t name, const struct inode *child borrowed)
{
	struct page *p page_auto = NULL;
	struct ext2_place at = { };
	err_t err = place_find(dir, name, &at);

	if (!err)
		err = block_edit(dir, at.block, &p);
	if (err)
		return err;
	span_t block = block_span(dir, p, at.block);
	span_put_u32le(block, at.entry.offset + ENTRY_INODE, (u32)child->number);
	span_at(block, at.entry.offset + ENTRY_TYPE) = type_code(child->type);
	block_done(p);
	directory_changed(dir);
	return OK;
}

err_t ext2_directory_begin(struct ext2_inode *dir, const struct inode *parent borrowed)
{
	err_t err = ext2_entry_add(dir, STR("."), &dir->base);

	return err ? err : ext2_entry_add(dir, STR(".."), parent);
}

static bool is_dots(bytes_t name)
{
	return bytes_equal(name, STR(".")) || bytes_equal(name, STR(".."));
}

static err_t block_is_empty(struct ext2_inode *dir, bytes_t block)
{
	struct ext2_entry e = { };

	for (u32 offset = 0; offset < bytes_len(block); offset += e.record) {
		if (!ext2_entry_decode(block, offset, &e))
			return damaged(dir);
		if (e.inode && !is_dots(ext2_entry_name(block, &e)))
			return -ENOTEMPTY;
	}
	return OK;
}

err_t ext2_directory_is_empty(struct ext2_inode *dir)
{
	u64 count = ext2_directory_blocks(dir);

	for (u64 n = 0; n < count; n++) {
		struct page *p page_auto = NULL;
		err_t err = ext2_directory_block(dir, n, &p);

		if (!err)
			err = block_is_empty(dir, ext2_directory_bytes(dir, p, n));
		if (err)
			return err;
	}
	return OK;
}

// Reports the records of a block from `from` on; *offset tells where it stopped.
static err_t block_list(struct ext2_inode *dir, bytes_t block, u64 base, u32 from, struct directory_sink *sink borrowed,
	u32 *offset borrowed)
{
	static const u32 type_of[8] = { 0, S_IFREG, S_IFDIR, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK, S_IFLNK };
	struct ext2_entry e = { };

	// Records may have been joined since the position was given out: begin at the block's first record.
	for (u32 at = 0; at < bytes_len(block); at += e.record) {
		if (!ext2_entry_decode(block, at, &e))
			return damaged(dir);
		*offset = at;
		if (at < from || !e.inode)
			continue;
		if (!sink->add(sink, ext2_entry_name(block, &e), e.inode, type_of[e.type & 7], base + at + e.record))
			return OK;
	}
	*offset = (u32)bytes_len(block);
	return OK;
}

err_t ext2_directory_read(struct inode *i, u64 *position borrowed, struct directory_sink *sink borrowed)
{
	struct ext2_inode *dir = ext2_inode_of(i);
	u32 block_size = ext2_of(i->superblock)->block_size;

	while (*position < atomic_u64_load(&i->size)) {
		struct page *p page_auto = NULL;
		u64 n = *position / block_size;
		u32 offset = 0;
		err_t err = ext2_directory_block(dir, n, &p);

		if (!err)
			err = block_list(dir, ext2_directory_bytes(dir, p, n), n * block_size,
				(u32)(*position % block_size), sink, &offset);
		if (err)
			return err;
		*position = n * block_size + offset;
		if (offset < block_size)
			return OK;
	}
	return OK;
}
