// SPDX-License-Identifier: MPL-2.0
// What is known of a big folder's names. The first search reads the folder once; from then on a search looks at the
// block where the name is, and a new name goes straight to the first block with room for it, so that the cost of
// one name does not grow with the folder. Changes are told here under the folder's lock, so an index is right or
// gone: where it cannot follow (no memory, a damaged block), it is dropped and all blocks are searched.
#include <core/random.h>
#include <services/fs/ext2/ext2_internal.h>

#define INDEXED_FROM_BLOCKS 3u		// fewer are searched as fast

// The longest record that fits a block, 0 for one that is damaged.
static u32 block_room(bytes_t block)
{
	struct ext2_entry e = {};
	u32 room = 0;

	for (u32 offset = 0; offset < bytes_len(block); offset += e.record) {
		if (!ext2_entry_decode(block, offset, &e))
			return 0;
		room = max(room, e.record - (e.inode ? ext2_record_bytes(e.name_length) : 0));
	}
	return room;
}

static err_t room_read(struct ext2_inode *dir, struct name_index *x, u64 n)
{
	struct page *p page_auto = NULL;
	const err_t e = ext2_directory_block(dir, n, &p);

	if (!e)
		name_index_set_room(x, (u32)n, block_room(ext2_directory_bytes(dir, p, n)));
	return e;
}

static err_t block_enter(struct name_index *x, bytes_t block, u64 n)
{
	struct ext2_entry e = {};

	for (u32 offset = 0; offset < bytes_len(block); offset += e.record) {
		if (!ext2_entry_decode(block, offset, &e))
			return -EIO;
		if (!e.inode)
			continue;
		const err_t err = name_index_add(x, name_index_hash(x, ext2_entry_name(block, &e)), (u32)n);
		if (err)
			return err;
	}
	name_index_set_room(x, (u32)n, block_room(block));
	return OK;
}

// Reads the folder. NULL: it is damaged, there are too many names, or memory is short.
static struct name_index *index_make(struct ext2_inode *dir, u64 count) owned;
static struct name_index *index_make(struct ext2_inode *dir, u64 count)
{
	if (count >= U32_MAX / 4)
		return NULL;
	struct name_index *x object_auto(name_index) = name_index_create((u32)count, random_u64());
	if (!x)
		return NULL;
	for (u64 n = 0; n < count; n++) {
		struct page *p page_auto = NULL;
		if (ext2_directory_block(dir, n, &p) || block_enter(x, ext2_directory_bytes(dir, p, n), n))
			return NULL;
	}
	return take(x);
}

// What could not be made (damage, too many names, no memory) is not tried again until the folder has half its length.
static bool index_obtain(struct ext2_inode *dir) REQUIRES(dir->index_lock)
{
	const u64 count = ext2_directory_blocks(dir);
	if (count < INDEXED_FROM_BLOCKS || (dir->index_refused && count > dir->index_refused / 2))
		return false;
	dir->index = index_make(dir, count);
	dir->index_refused = dir->index ? 0 : count;
	return dir->index;
}

bool ext2_index_search(struct ext2_inode *dir, bytes_t name, struct ext2_places *out borrowed)
{
	u32 cursor = 0;

	mutex_guard(&dir->index_lock);
	if (!dir->index && !index_obtain(dir))
		return false;
	const u32 hash = name_index_hash(dir->index, name);
	for (out->count = 0; out->count < EXT2_PLACES; out->count++) {
		out->block[out->count] = name_index_next(dir->index, hash, &cursor);
		if (out->block[out->count] == NAME_INDEX_NOWHERE)
			return true;
	}
	return false;
}

u64 ext2_index_search_room(struct ext2_inode *dir, usize name_length)
{
	mutex_guard(&dir->index_lock);
	if (!dir->index)
		return 0;
	const u32 n = name_index_find_room(dir->index, ext2_record_bytes(name_length));
	return n == NAME_INDEX_NOWHERE ? ext2_directory_blocks(dir) : n;
}

static err_t note(struct ext2_inode *dir, struct name_index *x, enum ext2_index_event event, bytes_t name, u64 n)
{
	const u32 hash = name_index_hash(x, name);
	err_t e = OK;

	while (!e && x->blocks <= n)
		e = name_index_add_block(x);
	if (event == EXT2_INDEX_WENT)
		name_index_remove(x, hash, (u32)n);
	else if (!e)
		e = name_index_add(x, hash, (u32)n);
	return e ? e : room_read(dir, x, n);
}

void ext2_index_note(struct ext2_inode *dir, enum ext2_index_event event, bytes_t name, u64 n)
{
	mutex_guard(&dir->index_lock);
	if (dir->index && note(dir, dir->index, event, name, n))
		name_index_put(take(dir->index));
}
