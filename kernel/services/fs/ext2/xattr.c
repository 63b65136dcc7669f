// SPDX-License-Identifier: MPL-2.0
// Extended attributes of ext2. Theory:
//
// An inode's attributes lie in one block, which inodes with the same attributes share: its header counts them.
// A change builds the new block in memory, looks for one on the disk that is the same and may be shared, else
// takes a fresh block (or its own again, when nobody shares it), and then leaves the old one. Attributes behind
// the inode's record, as other systems write them, are read there; one that is changed moves to the block.
// Everything runs under xattr_lock: readers together, one writer. It comes before map_lock and alloc_lock.
#include <core/buf.h>
#include <services/fs/ext2/ext2_internal.h>
#include <services/fs/ext2/xattr_area.h>

// --- blocks -----------------------------------------------------------------------------------------

static bool header_is_good(bytes_t b)
{
	return bytes_get_u32le(b, XATTR_HEADER_MAGIC) == EXT2_XATTR_MAGIC &&
	       bytes_get_u32le(b, XATTR_HEADER_BLOCKS) == 1 && bytes_get_u32le(b, XATTR_HEADER_REFERENCES) != 0 &&
	       bytes_get_u32le(b, XATTR_HEADER_REFERENCES) <= EXT2_XATTR_REFERENCES_MAX;
}

// A copy of the attribute block, all zero where there is none.
static no_inline err_t xattr_block_copy(struct ext2_superblock *s, u32 block, struct buf **out borrowed)
{
	struct page *p page_auto = NULL;
	struct buf *copy buf_auto = buf_alloc(s->block_size);
	if (!copy)
		return -ENOMEM;
	if (block) {
		const err_t e = ext2_block_read(s, block, &p);
		if (e)
			return e;
		span_copy(buf_span(copy), ext2_block_bytes(s, p, block));
		if (!header_is_good(buf_bytes(copy))) {
			ext2_report(s, "block of extended attributes is damaged", block);
			return -EIO;
		}
	}
	*out = take(copy);
	return OK;
}

// One user more or less of a block. `last` tells that nobody is left; the block is then the caller's to free.
static no_inline err_t references_add(struct ext2_superblock *s, u32 block, s32 delta, bool *last borrowed)
{
	struct page *p page_auto = NULL;
	const err_t e = ext2_block_edit(s, block, &p);
	if (e)
		return e;
	const span_t b = ext2_block_span(s, p, block);
	if (!header_is_good(bytes_of(b))) {
		page_unlock(p);
		return -EIO;
	}
	const u32 count = bytes_get_u32le(bytes_of(b), XATTR_HEADER_REFERENCES) + (u32)delta;
	*last = count == 0;
	if (count)
		span_put_u32le(b, XATTR_HEADER_REFERENCES, count);
	ext2_block_done(s, p, block);
	return OK;
}


static no_inline err_t xattr_block_write(struct ext2_superblock *s, u32 block, bytes_t content)
{
	struct page *p page_auto = NULL;
	const err_t e = ext2_block_edit(s, block, &p);
	if (e)
		return e;
	span_copy(ext2_block_span(s, p, block), content);
	ext2_block_done(s, p, block);
	return OK;
}

// --- sharing ----------------------------------------------------------------------------------------

// Is the block on the disk the same but for its count, with room for one more?
static no_inline bool can_share(struct ext2_superblock *s, u32 block, bytes_t content)
{
	struct page *p page_auto = NULL;
	if (ext2_block_read(s, block, &p))
		return false;
	const bytes_t b = ext2_block_bytes(s, p, block);
	return header_is_good(b) && bytes_get_u32le(b, XATTR_HEADER_REFERENCES) < EXT2_XATTR_REFERENCES_MAX &&
	       bytes_equal(bytes_from(b, XATTR_HEADER_BLOCKS), bytes_from(content, XATTR_HEADER_BLOCKS));
}

static void recent_note(struct ext2_superblock *s, u32 hash, u32 block) REQUIRES(s->xattr_lock)
{
	if (hash)
		s->recent_xattrs[hash % EXT2_RECENT_XATTRS] = block;
}

// A block to share, counted, or 0.
static u32 recent_share(struct ext2_superblock *s, u32 hash, u32 own, bytes_t content) REQUIRES(s->xattr_lock)
{
	bool last = false;
	const u32 block = hash ? s->recent_xattrs[hash % EXT2_RECENT_XATTRS] : 0;
	if (!block || block == own || !can_share(s, block, content) || references_add(s, block, 1, &last))
		return 0;
	return block;
}

static void recent_forget(struct ext2_superblock *s, u32 block) REQUIRES(s->xattr_lock)
{
	for (u32 i = 0; i < EXT2_RECENT_XATTRS; i++) {
		if (s->recent_xattrs[i] == block)
			s->recent_xattrs[i] = 0;
	}
}

static void xattr_block_leave(struct ext2_superblock *s, u32 block) REQUIRES(s->xattr_lock)
{
	bool last = false;
	if (references_add(s, block, -1, &last)) {
		ext2_report(s, "block of extended attributes could not be left", block);
		return;
	}
	if (!last)
		return;
	recent_forget(s, block);
	ext2_free_metadata(s, block);
}

// --- an inode's block -------------------------------------------------------------------------------

static void inode_set_block(struct ext2_inode *n, u32 block)
{
	const struct ext2_superblock *s = ext2_of(n->base.superblock);
	const u64 sectors = s->block_size / BLOCK_SECTOR;
	{
		spin_guard(&n->base.lock);
		n->base.block_count += (block ? sectors : 0) - (n->file_acl ? sectors : 0);
	}
	n->file_acl = block;
	inode_mark_dirty(&n->base);
}

static bool is_shared(struct ext2_superblock *s, u32 block)
{
	struct page *p page_auto = NULL;
	if (ext2_block_read(s, block, &p))
		return true;
	return bytes_get_u32le(ext2_block_bytes(s, p, block), XATTR_HEADER_REFERENCES) != 1;
}

// A block of n's own with this content, written.
static err_t block_own(struct ext2_superblock *s, struct ext2_inode *n, bytes_t content, u32 *out borrowed)
	REQUIRES(s->xattr_lock)
{
	if (n->file_acl && !is_shared(s, n->file_acl)) {
		*out = n->file_acl;
		return xattr_block_write(s, *out, content);
	}
	err_t e = ext2_allocate_block(s, 0, n->group, NULL, out);
	if (e)
		return e;
	e = xattr_block_write(s, *out, content);
	if (e)
		ext2_free_metadata(s, *out);
	return e;
}

// The inode's attributes become those in `content`, a whole block; `count` 0: none.
static err_t inode_replace_block(struct ext2_superblock *s, struct ext2_inode *n, span_t content, u32 count)
	REQUIRES(s->xattr_lock)
{
	const u32 old = n->file_acl;
	u32 block = 0;
	if (count) {
		const u32 hash = ext2_xattr_block_hash(bytes_of(content));
		span_put_u32le(content, XATTR_HEADER_MAGIC, EXT2_XATTR_MAGIC);
		span_put_u32le(content, XATTR_HEADER_REFERENCES, 1);
		span_put_u32le(content, XATTR_HEADER_BLOCKS, 1);
		span_put_u32le(content, XATTR_HEADER_HASH, hash);
		block = recent_share(s, hash, old, bytes_of(content));
		if (!block) {
			const err_t e = block_own(s, n, bytes_of(content), &block);
			if (e)
				return e;
			recent_note(s, hash, block);
		}
		atomic_u32_store(&s->has_xattrs, 1);
	}
	inode_set_block(n, block);
	if (old && old != block)
		xattr_block_leave(s, old);
	return OK;
}

void ext2_xattr_evict(struct ext2_inode *n)
{
	struct ext2_superblock *const s = ext2_of(n->base.superblock);
	if (!n->file_acl)
		return;
	write_guard(&s->xattr_lock);
	const u32 block = n->file_acl;
	inode_set_block(n, 0);
	xattr_block_leave(s, block);
}

// --- behind the record ------------------------------------------------------------------------------

// The attributes behind the inode's record, as a copy; NULL where there are none.
static no_inline err_t inline_copy(struct ext2_inode *n, struct buf **out borrowed)
{
	struct ext2_superblock *s = ext2_of(n->base.superblock);
	struct page *p page_auto = NULL;
	u32 block = 0, offset = 0;
	if (s->inode_bytes <= EXT2_GOOD_OLD_INODE_BYTES)
		return OK;
	err_t e = ext2_inode_record(s, n->base.number, &block, &offset);
	if (!e)
		e = ext2_block_read(s, block, &p);
	if (e)
		return e;
	const bytes_t record = bytes_slice(ext2_block_bytes(s, p, block), offset, s->inode_bytes);
	const usize at = EXT2_GOOD_OLD_INODE_BYTES + (usize)bytes_get_u16le(record, INODE_EXTRA_BYTES);
	if (at + 8 > bytes_len(record) || bytes_get_u32le(record, at) != EXT2_XATTR_MAGIC)
		return OK;
	*out = buf_from(bytes_from(record, at + 4));
	return *out ? OK : -ENOMEM;
}

static no_inline err_t inline_write(struct ext2_inode *n, bytes_t area)
{
	struct ext2_superblock *s = ext2_of(n->base.superblock);
	struct page *p page_auto = NULL;
	u32 block = 0, offset = 0;
	err_t e = ext2_inode_record(s, n->base.number, &block, &offset);
	if (!e)
		e = ext2_block_edit(s, block, &p);
	if (e)
		return e;
	const span_t record = span_slice(ext2_block_span(s, p, block), offset, s->inode_bytes);
	span_copy(span_from(record, s->inode_bytes - bytes_len(area)), area);
	ext2_block_done(s, p, block);
	return OK;
}

// Takes the attribute out of what lies behind the record. -ENODATA: it was not there.
static no_inline err_t inline_remove(struct ext2_inode *n, u32 space, bytes_t name)
{
	struct buf *area buf_auto = NULL;
	struct ext2_xattr_entry found = {};
	u32 count = 0;
	err_t e = inline_copy(n, &area);
	if (e || !area)
		return e ? e : (err_t)-ENODATA;
	e = ext2_xattr_find(buf_bytes(area), 0, space, name, &found);
	if (e)
		return e;
	const struct ext2_xattr_change change = { .space = space, .name = name };
	struct buf *without buf_auto = buf_alloc(buf_len(area));
	if (!without)
		return -ENOMEM;
	e = ext2_xattr_rebuild(buf_bytes(area), buf_span(without), 0, &change, &count);
	return e ? e : inline_write(n, buf_bytes(without));
}

// --- operations -------------------------------------------------------------------------------------

static bool has_acls(const struct ext2_superblock *s borrowed)
{
	return atomic_u32_load_relaxed(&s->base.flags) & SUPERBLOCK_ACL;
}

static err_t name_split(struct inode *i, bytes_t full, u32 *space borrowed, usize *prefix borrowed)
{
	if (!ext2_xattr_split(full, space, prefix))
		return -EOPNOTSUPP;
	if (*space == XATTR_SPACE_USER && !ext2_of(i->superblock)->user_xattrs)
		return -EOPNOTSUPP;
	return ext2_xattr_is_acl(*space) && !has_acls(ext2_of(i->superblock)) ? -EOPNOTSUPP : OK;
}

// Copies the value out of an area, or tells its length.
static ssize_r value_from(bytes_t area, usize first, u32 space, bytes_t name, span_t out)
{
	struct ext2_xattr_entry found = {};
	const err_t e = ext2_xattr_find(area, first, space, name, &found);
	if (e)
		return (ssize_r)e;
	if (ext2_xattr_is_acl(space))
		return ext2_acl_decode(bytes_slice(area, found.value, found.value_length), out);
	if (span_len(out) == 0 || found.value_length == 0)
		return (ssize_r)found.value_length;
	if (span_len(out) < found.value_length)
		return -ERANGE;
	span_copy(out, bytes_slice(area, found.value, found.value_length));
	return (ssize_r)found.value_length;
}

ssize_r ext2_get_xattr(struct inode *i, bytes_t full, span_t out)
{
	struct ext2_inode *n = ext2_inode_of(i);
	struct ext2_superblock *const s = ext2_of(i->superblock);
	u32 space = 0;
	usize prefix = 0;
	const err_t e = name_split(i, full, &space, &prefix);
	if (e)
		return (ssize_r)e;
	const bytes_t name = bytes_from(full, prefix);
	struct buf *area buf_auto = NULL, *block buf_auto = NULL;
	read_guard(&s->xattr_lock);
	err_t read = inline_copy(n, &area);
	if (read)
		return (ssize_r)read;
	if (area) {
		const ssize_r length = value_from(buf_bytes(area), 0, space, name, out);
		if (length != -ENODATA)
			return length;
	}
	if (!n->file_acl)
		return -ENODATA;
	read = xattr_block_copy(s, n->file_acl, &block);
	return read ? (ssize_r)read : value_from(buf_bytes(block), EXT2_XATTR_HEADER, space, name, out);
}

// Appends the names of an area; the length so far, or -ERANGE.
static ssize_r names_from(struct ext2_superblock *s, bytes_t area, usize first, span_t out, usize length)
{
	struct ext2_xattr_entry entry = {};
	usize at = first;
	for (;;) {
		const err_t e = ext2_xattr_next(area, &at, &entry);
		if (e)
			return e == -ENOENT ? (ssize_r)length : (ssize_r)e;
		const bytes_t prefix = ext2_xattr_prefix(entry.space);
		if (bytes_len(prefix) == 0 || (entry.space == XATTR_SPACE_USER && !s->user_xattrs) ||
			(ext2_xattr_is_acl(entry.space) && (entry.name_length || !has_acls(s))))
			continue;
		const usize n = bytes_len(prefix) + entry.name_length + 1;
		if (span_len(out)) {
			if (n > span_len(out) - length)
				return -ERANGE;
			span_copy(span_from(out, length), prefix);
			span_copy(span_from(out, length + bytes_len(prefix)),
				bytes_slice(area, entry.name, entry.name_length));
			span_at(out, length + n - 1) = 0;
		}
		length += n;
	}
}

ssize_r ext2_list_xattr(struct inode *i, span_t out)
{
	struct ext2_inode *n = ext2_inode_of(i);
	struct ext2_superblock *const s = ext2_of(i->superblock);
	struct buf *area buf_auto = NULL, *block buf_auto = NULL;
	ssize_r length = (ssize_r)0;
	read_guard(&s->xattr_lock);
	err_t e = inline_copy(n, &area);
	if (e)
		return (ssize_r)e;
	if (area)
		length = names_from(s, buf_bytes(area), 0, out, 0);
	if (length < 0 || !n->file_acl)
		return length;
	e = xattr_block_copy(s, n->file_acl, &block);
	return e ? (ssize_r)e : names_from(s, buf_bytes(block), EXT2_XATTR_HEADER, out, (usize)length);
}

// Does the inode have it, in either place?
static err_t xattr_exists(struct ext2_inode *n, u32 space, bytes_t name, bytes_t block)
{
	struct ext2_xattr_entry found = {};
	struct buf *area buf_auto = NULL;
	err_t e = inline_copy(n, &area);
	if (e)
		return e;
	if (area) {
		e = ext2_xattr_find(buf_bytes(area), 0, space, name, &found);
		if (e != -ENODATA)
			return e;
	}
	return ext2_xattr_find(block, EXT2_XATTR_HEADER, space, name, &found);
}

static err_t xattr_change(struct ext2_superblock *s, struct ext2_inode *n, const struct ext2_xattr_change *c borrowed,
	u32 flags) REQUIRES(s->xattr_lock)
{
	enum { CREATE = 1, REPLACE = 2 };
	struct buf *old buf_auto = NULL;
	u32 count = 0;
	err_t e = xattr_block_copy(s, n->file_acl, &old);
	if (e)
		return e;
	e = xattr_exists(n, c->space, c->name, buf_bytes(old));
	if (e != OK && e != -ENODATA)
		return e;
	if (e == OK && (flags & CREATE))
		return -EEXIST;
	if (e == -ENODATA && (!c->has_value || (flags & REPLACE)))
		return -ENODATA;
	struct buf *changed buf_auto = buf_alloc(s->block_size);
	if (!changed)
		return -ENOMEM;
	e = ext2_xattr_rebuild(buf_bytes(old), buf_span(changed), EXT2_XATTR_HEADER, c, &count);
	if (!e)
		e = inode_replace_block(s, n, buf_span(changed), count);
	if (e)
		return e;
	e = inline_remove(n, c->space, c->name);
	inode_touch(&n->base, TOUCH_CHANGE);
	return e == -ENODATA ? OK : e;
}

err_t ext2_set_xattr(struct inode *i, bytes_t full, bytes_t value, u32 flags)
{
	struct ext2_superblock *const s = ext2_of(i->superblock);
	struct ext2_xattr_change change = { .has_value = 1, .value = value };
	struct buf *list buf_auto = NULL;
	usize prefix = 0;
	err_t e = name_split(i, full, &change.space, &prefix);
	if (!e && ext2_xattr_is_acl(change.space))
		e = ext2_acl_encode(value, &list);
	if (e)
		return e;
	if (list)
		change.value = buf_bytes(list);
	change.name = bytes_from(full, prefix);
	write_guard(&s->xattr_lock);
	return xattr_change(s, ext2_inode_of(i), &change, flags);
}

err_t ext2_remove_xattr(struct inode *i, bytes_t full)
{
	struct ext2_superblock *const s = ext2_of(i->superblock);
	struct ext2_xattr_change change = {};
	usize prefix = 0;
	const err_t e = name_split(i, full, &change.space, &prefix);
	if (e)
		return e;
	change.name = bytes_from(full, prefix);
	write_guard(&s->xattr_lock);
	return xattr_change(s, ext2_inode_of(i), &change, 0);
}
