// SPDX-License-Identifier: MPL-2.0
// The form of extended attributes on disk: entries from the front, values from the back, sorted by space,
// length and text of the name. The same form lies in a block of its own (behind a header) and, as newer
// mke2fs and other systems leave it, behind an inode's record (behind a magic word). Pure functions on bytes.
#pragma once
#include <core/error.h>
#include <core/span.h>

#define EXT2_XATTR_MAGIC 0xea020000u
#define EXT2_XATTR_HEADER 32u
#define EXT2_XATTR_REFERENCES_MAX 1024u
enum ext2_xattr_header { XATTR_HEADER_MAGIC = 0, XATTR_HEADER_REFERENCES = 4, XATTR_HEADER_BLOCKS = 8,
	XATTR_HEADER_HASH = 12 };
enum ext2_xattr_space { XATTR_SPACE_USER = 1, XATTR_SPACE_ACL_ACCESS = 2, XATTR_SPACE_ACL_DEFAULT = 3,
	XATTR_SPACE_TRUSTED = 4, XATTR_SPACE_SECURITY = 6 };

// One attribute, as offsets into its area.
struct ext2_xattr_entry {
	u32 space, name, name_length, value, value_length, hash;
};
// Goes to the entry at *at and past it. -ENOENT at the end, -EIO when the area is damaged.
err_t ext2_xattr_next(bytes_t area, usize *at borrowed, struct ext2_xattr_entry *out borrowed);
// The entry of this name in an area whose entries begin at `first`. -ENODATA, -EIO
err_t ext2_xattr_find(bytes_t area, usize first, u32 space, bytes_t name, struct ext2_xattr_entry *out borrowed);

// "user.x" -> space and "x"; access control lists have spaces of their own and no name in them. False: a space that is
// not stored here.
bool ext2_xattr_split(bytes_t full, u32 *space borrowed, usize *prefix borrowed);
static inline bool ext2_xattr_is_acl(u32 space) {
	return space == XATTR_SPACE_ACL_ACCESS || space == XATTR_SPACE_ACL_DEFAULT; }
// The prefix of a space with its dot, or its whole name; empty: not shown.
bytes_t ext2_xattr_prefix(u32 space);

// A change: the area `from` without the named attribute, and with it again when it has a value.
struct stack_only ext2_xattr_change {
	u32 space, has_value;
	bytes_t name, value;
};
// Writes the changed area to `to`, which is zero and of the same length and whose entries begin at `first` too.
// *count: how many attributes it holds. -ENOSPC, -EIO
err_t ext2_xattr_rebuild(bytes_t from, span_t to, usize first, const struct ext2_xattr_change *change borrowed,
	u32 *count borrowed);
// The hash of a whole block, over its entries.
u32 ext2_xattr_block_hash(bytes_t block);
