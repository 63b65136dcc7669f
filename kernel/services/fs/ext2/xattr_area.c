// SPDX-License-Identifier: MPL-2.0
// Areas of extended attributes: reading with every number checked, and writing anew. A change never edits in
// place: it makes a second area, so that what fails leaves the first as it was.
#include <services/fs/ext2/xattr_area.h>

enum xattr_entry_field { XE_NAME_LENGTH = 0, XE_SPACE = 1, XE_VALUE = 2, XE_VALUE_INODE = 4, XE_SIZE = 8, XE_HASH = 12,
	XE_NAME = 16 };

static usize round_up_4(usize n)
{
	return (n + 3) & ~3ul;
}

err_t ext2_xattr_next(bytes_t area, usize *at borrowed, struct ext2_xattr_entry *out borrowed)
{
	const usize length = bytes_len(area);
	if (*at > length || length - *at < 4)
		return -EIO;
	if (bytes_get_u32le(area, *at) == 0)
		return -ENOENT;
	if (length - *at < XE_NAME)
		return -EIO;
	const bytes_t e = bytes_from(area, *at);
	out->space = byte_at(e, XE_SPACE);
	out->name = (u32)(*at + XE_NAME);
	out->name_length = byte_at(e, XE_NAME_LENGTH);
	out->value = bytes_get_u16le(e, XE_VALUE);
	out->value_length = bytes_get_u32le(e, XE_SIZE);
	out->hash = bytes_get_u32le(e, XE_HASH);
	const usize next = *at + XE_NAME + round_up_4(out->name_length);
	if (next > length || bytes_get_u32le(e, XE_VALUE_INODE) != 0)
		return -EIO;
	if (out->value_length && (out->value > length || out->value_length > length - out->value))
		return -EIO;
	*at = next;
	return OK;
}

static s32 name_order(u32 space, bytes_t name, bytes_t area, const struct ext2_xattr_entry *e borrowed)
{
	if (space != e->space)
		return space < e->space ? -1 : 1;
	if (bytes_len(name) != e->name_length)
		return bytes_len(name) < e->name_length ? -1 : 1;
	return bytes_compare(name, bytes_slice(area, e->name, e->name_length));
}

err_t ext2_xattr_find(bytes_t area, usize first, u32 space, bytes_t name, struct ext2_xattr_entry *out borrowed)
{
	usize at = first;
	for (;;) {
		const err_t e = ext2_xattr_next(area, &at, out);
		if (e)
			return e == -ENOENT ? (err_t)-ENODATA : e;
		if (name_order(space, name, area, out) == 0)
			return OK;
	}
}

// --- names ------------------------------------------------------------------------------------------

bytes_t ext2_xattr_prefix(u32 space)
{
	switch (space) {
	case XATTR_SPACE_USER:
		return STR("user.");
	case XATTR_SPACE_ACL_ACCESS:
		return STR("system.posix_acl_access");
	case XATTR_SPACE_ACL_DEFAULT:
		return STR("system.posix_acl_default");
	case XATTR_SPACE_TRUSTED:
		return STR("trusted.");
	case XATTR_SPACE_SECURITY:
		return STR("security.");
	default:
		return bytes_empty();
	}
}

bool ext2_xattr_split(bytes_t full, u32 *space borrowed, usize *prefix borrowed)
{
	static const u8 spaces[] = { XATTR_SPACE_USER, XATTR_SPACE_ACL_ACCESS, XATTR_SPACE_ACL_DEFAULT,
		XATTR_SPACE_TRUSTED, XATTR_SPACE_SECURITY };
	for (usize i = 0; i < array_len(spaces); i++) {
		const bytes_t start = ext2_xattr_prefix(spaces[i]);
		if (!bytes_start_with(full, start) ||
			(ext2_xattr_is_acl(spaces[i]) && bytes_len(full) != bytes_len(start)))
			continue;
		*space = spaces[i];
		*prefix = bytes_len(start);
		return true;
	}
	return false;
}

// --- hashes -----------------------------------------------------------------------------------------

static u32 rotate(u32 value, u32 bits)
{
	return value << bits | value >> (32 - bits);
}

// Over the name's bytes and the value's words, the last one filled up with zeros.
static u32 entry_hash(bytes_t name, bytes_t value)
{
	u32 hash = 0;
	for (usize i = 0; i < bytes_len(name); i++)
		hash = rotate(hash, 5) ^ byte_at(name, i);
	for (usize i = 0; i < bytes_len(value); i += 4) {
		u32 word = 0;
		for (usize k = 0; k < 4 && i + k < bytes_len(value); k++)
			word |= (u32)byte_at(value, i + k) << (8 * k);
		hash = rotate(hash, 16) ^ word;
	}
	return hash;
}

u32 ext2_xattr_block_hash(bytes_t block)
{
	struct ext2_xattr_entry entry = {};
	usize at = EXT2_XATTR_HEADER;
	u32 hash = 0;
	while (ext2_xattr_next(block, &at, &entry) == OK) {
		if (entry.hash == 0)
			return 0;	// not to be shared
		hash = rotate(hash, 16) ^ entry.hash;
	}
	return hash;
}

// --- writing ----------------------------------------------------------------------------------------

struct stack_only area_writer {
	span_t to;
	usize entry;	// where the next entry goes
	usize value;	// where the last value begins
};

static err_t writer_put(struct area_writer *w borrowed, u32 space, bytes_t name, bytes_t value)
{
	const usize entry = XE_NAME + round_up_4(bytes_len(name)), room = round_up_4(bytes_len(value));
	// Four zero bytes end the list.
	if (w->value - w->entry < entry + 4 || w->value - w->entry - entry - 4 < room)
		return -ENOSPC;
	if (room)
		w->value -= room;
	const span_t e = span_slice(w->to, w->entry, entry);
	span_at(e, XE_NAME_LENGTH) = (u8)bytes_len(name);
	span_at(e, XE_SPACE) = (u8)space;
	span_put_u16le(e, XE_VALUE, room ? (u16)w->value : 0);
	span_put_u32le(e, XE_SIZE, (u32)bytes_len(value));
	span_put_u32le(e, XE_HASH, entry_hash(name, value));
	span_copy(span_from(e, XE_NAME), name);
	span_copy(span_from(w->to, w->value), value);
	w->entry += entry;
	return OK;
}

err_t ext2_xattr_rebuild(bytes_t from, span_t to, usize first, const struct ext2_xattr_change *change borrowed,
	u32 *count borrowed)
{
	struct area_writer w = { .to = to, .entry = first, .value = span_len(to) & ~3ul };
	struct ext2_xattr_entry entry = {};
	bool pending = change->has_value;
	usize at = first;
	err_t e = OK;
	*count = 0;
	for (;;) {
		e = ext2_xattr_next(from, &at, &entry);
		if (e && e != -ENOENT)
			return e;
		const s32 order = e ? -1 : name_order(change->space, change->name, from, &entry);
		if (pending && order <= 0) {
			const err_t put = writer_put(&w, change->space, change->name, change->value);
			if (put)
				return put;
			pending = false;
			++*count;
		}
		if (e)
			return OK;
		if (order == 0)
			continue;
		const bytes_t value = entry.value_length ? bytes_slice(from, entry.value, entry.value_length)
							 : bytes_empty();
		e = writer_put(&w, entry.space, bytes_slice(from, entry.name, entry.name_length), value);
		if (e)
			return e;
		++*count;
	}
}
