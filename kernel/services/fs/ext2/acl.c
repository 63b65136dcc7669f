// SPDX-License-Identifier: MPL-2.0
// Access control lists on the disk: the same entries as the VFS's, in another form: version 1, and an id only where
// somebody is named.
#include <services/fs/ext2/ext2_internal.h>
#include <services/vfs/acl.h>

#define DISK_VERSION 1u
#define DISK_SHORT 4u	// tag and rights
#define DISK_LONG 8u	// and an id

static bool is_named(u32 tag)
{
	return tag == ACL_USER || tag == ACL_GROUP;
}

// The next entry at *at, moved past it; -ENOENT at the end, -EIO.
static err_t disk_next(bytes_t disk, usize *at borrowed, struct acl_entry *out borrowed)
{
	if (*at == bytes_len(disk))
		return -ENOENT;
	const usize left = bytes_len(disk) - *at;
	if (left < DISK_SHORT)
		return -EIO;
	out->tag = bytes_get_u16le(disk, *at);
	out->rights = bytes_get_u16le(disk, *at + 2);
	out->id = ACL_NO_ID;
	if (is_named(out->tag)) {
		if (left < DISK_LONG)
			return -EIO;
		out->id = bytes_get_u32le(disk, *at + DISK_SHORT);
	}
	*at += is_named(out->tag) ? DISK_LONG : DISK_SHORT;
	return OK;
}

ssize_r ext2_acl_decode(bytes_t disk, span_t out)
{
	struct acl_entry entry = {};
	usize count = 0, at = ACL_HEADER_BYTES;
	err_t e;
	if (bytes_len(disk) < ACL_HEADER_BYTES || bytes_get_u32le(disk, 0) != DISK_VERSION)
		return -EIO;
	while (!(e = disk_next(disk, &at, &entry)))
		count++;
	const usize length = ACL_HEADER_BYTES + count * ACL_ENTRY_BYTES;
	if (e != -ENOENT || span_len(out) == 0)
		return e != -ENOENT ? (ssize_r)e : (ssize_r)length;
	if (span_len(out) < length)
		return -ERANGE;
	span_put_u32le(out, 0, ACL_VERSION);
	at = ACL_HEADER_BYTES;
	for (usize k = 0; k < count && !disk_next(disk, &at, &entry); k++)
		acl_entry_put(out, k, &entry);
	return (ssize_r)length;
}

err_t ext2_acl_encode(bytes_t list, struct buf **out borrowed)
{
	usize length = ACL_HEADER_BYTES, at = ACL_HEADER_BYTES;
	for (usize k = 0; k < acl_count(list); k++)
		length += is_named(acl_entry_at(list, k).tag) ? DISK_LONG : DISK_SHORT;
	struct buf *disk buf_auto = buf_alloc(length);
	if (!disk)
		return -ENOMEM;
	const span_t to = buf_span(disk);
	span_put_u32le(to, 0, DISK_VERSION);
	for (usize k = 0; k < acl_count(list); k++) {
		const struct acl_entry entry = acl_entry_at(list, k);
		span_put_u16le(to, at, (u16)entry.tag);
		span_put_u16le(to, at + 2, (u16)entry.rights);
		if (is_named(entry.tag))
			span_put_u32le(to, at + DISK_SHORT, entry.id);
		at += is_named(entry.tag) ? DISK_LONG : DISK_SHORT;
	}
	*out = take(disk);
	return OK;
}
