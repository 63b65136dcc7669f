// SPDX-License-Identifier: MPL-2.0
// In which block of a big folder a name is, and which block has room for another, without looking through all of
// them. Knows names by a hash alone: what it answers are places to look at. In memory only, and only as good as
// what its folder tells it: whoever fails to, drops it. The caller serialises.
#pragma once
#include <core/buf.h>
#include <core/object.h>

struct name_index {
	struct object object;
	struct buf *slots;	// owned; 8 bytes each: hash, block + 1 (0: never used, NAME_INDEX_LEFT: was)
	struct buf *rooms;	// owned; two bytes a block: the longest record that fits
	u32 mask, filled, used;	// slots less one, ever used, in use
	u32 blocks;
	u64 seed;
};
DECLARE_OBJECT(name_index)
#define NAME_INDEX_NOWHERE U32_MAX

// Of a folder of so many blocks, without names or room. NULL without memory or when there are too many.
struct name_index *name_index_create(u32 blocks, u64 seed) owned;
static inline u32 name_index_hash(const struct name_index *x borrowed, bytes_t name) {
	return (u32)bytes_hash(name, x->seed); }
// -ENOMEM
err_t name_index_add(struct name_index *x borrowed, u32 hash, u32 block);
void name_index_remove(struct name_index *x borrowed, u32 hash, u32 block);
// The next block where a name of that hash is, or NAME_INDEX_NOWHERE; *cursor is at first 0.
u32 name_index_next(const struct name_index *x borrowed, u32 hash, u32 *cursor borrowed);
// One block more at the end. -ENOMEM
err_t name_index_add_block(struct name_index *x borrowed);
void name_index_set_room(struct name_index *x borrowed, u32 block, u32 bytes);
// The first block with that much room, or NAME_INDEX_NOWHERE.
u32 name_index_find_room(const struct name_index *x borrowed, u32 bytes);
