// SPDX-License-Identifier: MPL-2.0
// Copying up: a lower file gets an upper one with the same content, attributes and name, its ancestors first. The
// copy is made in the work folder and renamed into place, so that it is there as a whole or not at all; its content
// is on the disk before its name is. A file that has lost its name gets a copy without a name. With "metacopy" the
// copy of a file has its attributes and size alone, and a mark; the mark goes when the content has come.
#include <services/fs/overlayfs/overlay_internal.h>

#define COPY_CHUNK 65536u

// --- content ----------------------------------------------------------------------------------------

static bool is_zero(bytes_t b)
{
	for (usize i = 0; i < bytes_len(b); i++) {
		if (byte_at(b, i))
			return false;
	}
	return true;
}

// Writes a chunk, page by page; pages of zeros stay holes.
static err_t chunk_write(struct file *to, u64 position, bytes_t chunk)
{
	for (usize at = 0; at < bytes_len(chunk);) {
		const usize n = min(bytes_len(chunk) - at, PAGE_SIZE);
		const bytes_t part = bytes_slice(chunk, at, n);
		at += n;
		u64 where = position + at - n;
		if (is_zero(part))
			continue;
		struct iobuf from = iobuf_from_kernel(part);
		while (iobuf_remaining(&from)) {
			const ssize_r written = file_write(to, &from, &where);
			if (written <= 0)
				return written ? (err_t)written : -EIO;
		}
	}
	return OK;
}

static no_inline err_t copy_between(struct file *from, struct file *to, u64 size)
{
	struct buf *chunk buf_auto = buf_alloc(COPY_CHUNK);
	if (!chunk)
		return -ENOMEM;
	for (u64 at = 0; at < size;) {
		u64 position = at;
		struct iobuf into = iobuf_to_kernel(span_first(buf_span(chunk), (usize)min(size - at,
			(u64)COPY_CHUNK)));
		const ssize_r n = file_read(from, &into, &position);
		if (n < 0)
			return (err_t)n;
		if (n == 0)
			break;
		const err_t e = chunk_write(to, at, bytes_first(buf_bytes(chunk), (usize)n));
		if (e)
			return e;
		at += (u64)n;
	}
	return OK;
}

static no_inline err_t copy_content(struct overlay_superblock *s, struct overlay_inode *i, struct dentry *copy)
{
	struct file *from object_auto(file) = NULL, *to object_auto(file) = NULL;
	const u64 size = atomic_u64_load(&overlay_real(i)->size);
	if (size == 0)
		return OK;
	err_t e = overlay_open_real(s, overlay_content_mount(i), overlay_content_dentry(i), 0 | OPEN_LARGEFILE,
		&from);
	if (!e)
		e = overlay_open_real(s, s->upper->mount, copy, 1 | OPEN_LARGEFILE, &to);
	if (!e)
		e = copy_between(from, to, size);
	if (e)
		return e;
	const struct attribute_change change = { .valid = ATTRIBUTE_SIZE, .size = size };
	e = overlay_set_real(copy->inode, &change);
	if (e || (s->options.flags & OVERLAY_VOLATILE))
		return e;
	return inode_write_all(copy->inode);
}

// --- attributes -------------------------------------------------------------------------------------

static err_t copy_attributes(struct overlay_inode *i, struct inode *from, struct inode *to)
{
	struct attribute_change change = { .valid = ATTRIBUTE_UID | ATTRIBUTE_GID | ATTRIBUTE_ACCESS_TIME |
		ATTRIBUTE_MODIFY_TIME | (from->type == S_IFLNK ? 0 : (u32)ATTRIBUTE_MODE) };
	struct file_stat st = {};
	const err_t e = inode_stat(from, &st);
	if (e)
		return e;
	change.mode = st.mode & 07777;
	// As the overlay shows them: the layer's mount may map owners.
	change.uid = i->base.uid;
	change.gid = i->base.gid;
	if (change.uid == ID_INVALID || change.gid == ID_INVALID)
		return -EOVERFLOW;
	change.access_time = st.access_time;
	change.modify_time = st.modify_time;
	return overlay_set_real(to, &change);
}

// How much of a file is copied.
enum overlay_copy_extent { OVERLAY_COPY_WHOLE, OVERLAY_COPY_ATTRIBUTES };

static err_t copy_size(struct overlay_superblock *s, struct overlay_inode *i, struct dentry *copy)
{
	const struct attribute_change change = { .valid = ATTRIBUTE_SIZE,
		.size = atomic_u64_load(&overlay_real(i)->size) };
	const err_t e = overlay_set_real(copy->inode, &change);
	return e ? e : overlay_set_mark(s, copy->inode, OVERLAY_MARK_METACOPY, bytes_empty());
}

// Content, extended attributes, attributes, in the order in which each keeps what came before.
static err_t copy_all(struct overlay_superblock *s, struct overlay_inode *i, struct dentry *copy,
	enum overlay_copy_extent extent)
{
	struct inode *real = overlay_real(i);
	err_t e = OK;
	if (real->type == S_IFREG)
		e = extent == OVERLAY_COPY_ATTRIBUTES ? copy_size(s, i, copy) : copy_content(s, i, copy);
	if (!e)
		e = overlay_copy_xattrs(s, real, copy->inode);
	if (!e)
		e = overlay_set_origin(s, copy->inode, real);
	return e ? e : copy_attributes(i, real, copy->inode);
}

// --- making the copy --------------------------------------------------------------------------------

#define LINK_MAX 4096u
static no_inline err_t copy_make(struct overlay_superblock *s, struct inode *real,
	struct overlay_temporary *name borrowed, struct dentry **out borrowed)
{
	struct overlay_make what = { .mode = real->type, .uid = s->cred->fsuid, .gid = s->cred->fsgid,
		.device = real->device };
	if (real->type != S_IFLNK)
		return overlay_make_temporary(s, &what, name, out);
	struct buf *target buf_auto = buf_alloc(LINK_MAX);
	if (!target)
		return -ENOMEM;
	const ssize_r length = real->ops->read_link ? real->ops->read_link(real, buf_span(target)) : (ssize_r)-EINVAL;
	if (length < 0)
		return (err_t)length;
	what.target = bytes_first(buf_bytes(target), (usize)length);
	return overlay_make_temporary(s, &what, name, out);
}

// The copy's folder keeps its times: for a user nothing has changed in it.
static err_t place_quietly(struct overlay_superblock *s, const struct overlay_temporary *name borrowed,
	struct overlay_inode *dir, bytes_t at)
{
	struct file_stat before = {};
	overlay_mark_impure(s, dir, NULL);
	err_t e = inode_stat(dir->upper->inode, &before);
	if (!e)
		e = overlay_place_temporary(s, name, dir->upper, at, RENAME_NOREPLACE);
	if (e)
		return e;
	const struct attribute_change change = { .valid = ATTRIBUTE_ACCESS_TIME | ATTRIBUTE_MODIFY_TIME,
		.access_time = before.access_time, .modify_time = before.modify_time };
	return overlay_set_real(dir->upper->inode, &change);
}

// Before the upper one is seen.
static void content_note(struct overlay_inode *i, enum overlay_copy_extent extent)
{
	atomic_u32_store(&i->is_metacopy, extent == OVERLAY_COPY_ATTRIBUTES && i->base.type == S_IFREG);
}

static err_t copy_with_name(struct overlay_superblock *s, struct overlay_inode *i, enum overlay_copy_extent extent)
{
	struct inode *lower = overlay_real(i);
	struct overlay_temporary name = {};
	struct dentry *copy object_auto(dentry) = NULL;
	err_t e = copy_make(s, lower, &name, &copy);
	if (e)
		return e;
	e = copy_all(s, i, copy, extent);
	if (!e && i->is_indexed)
		e = overlay_index_enter_folder(s, lower, copy->inode);
	if (!e)
		e = place_quietly(s, &name, i->parent, buf_bytes(i->name));
	if (e) {
		overlay_drop_temporary(s, &name);
		return e;
	}
	content_note(i, extent);
	overlay_inode_set_upper(i, copy);
	return OK;
}

// For a file that has several names: they all find the copy by the index.
static err_t copy_with_index(struct overlay_superblock *s, struct overlay_inode *i, enum overlay_copy_extent extent)
{
	struct overlay_temporary name = {};
	struct dentry *copy object_auto(dentry) = NULL;
	struct inode *lower = overlay_real(i);
	struct file_stat st = {}, before = {};
	err_t e = copy_make(s, lower, &name, &copy);
	if (e)
		return e;
	e = inode_stat(lower, &st);
	if (!e)
		e = copy_all(s, i, copy, extent);
	if (!e)
		e = overlay_index_enter(s, lower, &name);
	if (e) {
		overlay_drop_temporary(s, &name);
		return e;
	}
	content_note(i, extent);
	overlay_inode_set_upper(i, copy);
	overlay_index_count(i, (s64)st.link_count - 1);
	if (atomic_u32_load(&i->is_removed) || !i->parent || !i->parent->upper ||
	    inode_stat(i->parent->upper->inode, &before))
		return OK;
	// For those who look at the upper layer alone the copy gets the name it was found by; the folder keeps its
	// times.
	e = overlay_index_link(i, i->parent, buf_bytes(i->name));
	const struct attribute_change change = { .valid = ATTRIBUTE_ACCESS_TIME | ATTRIBUTE_MODIFY_TIME,
		.access_time = before.access_time, .modify_time = before.modify_time };
	if (!e)
		e = overlay_set_real(i->parent->upper->inode, &change);
	(void)e;
	return OK;
}

// For a file that is open but has no name any more.
static err_t copy_without_name(struct overlay_superblock *s, struct overlay_inode *i)
{
	struct inode *work = s->work->inode, *made object_auto(inode) = NULL;
	if (i->base.type != S_IFREG || !work->ops->create_unnamed)
		return -ENOENT;
	err_t e = work->ops->create_unnamed(work, S_IFREG | 0600, s->cred, &made);
	if (e)
		return e;
	struct dentry *copy object_auto(dentry) = dentry_create_anonymous(work->superblock, made, bytes_empty());
	if (!copy)
		return -ENOMEM;
	e = copy_all(s, i, copy, OVERLAY_COPY_WHOLE);
	if (!e)
		overlay_inode_set_upper(i, copy);
	return e;
}

// The content comes after the attributes, which stay as they are by now.
static err_t copy_late(struct overlay_superblock *s, struct overlay_inode *i)
{
	struct inode *real = i->upper->inode;
	struct buf *capability buf_auto = NULL;
	struct file_stat before = {};
	err_t e = inode_stat(real, &before);
	if (!e)
		e = overlay_take_capability(s, real, &capability);
	if (!e)
		e = copy_content(s, i, i->upper);
	if (!e && capability)
		e = overlay_give_capability(s, real, capability);
	const struct attribute_change change = { .valid = ATTRIBUTE_MODE | ATTRIBUTE_ACCESS_TIME |
		ATTRIBUTE_MODIFY_TIME, .mode = before.mode & 07777, .access_time = before.access_time,
		.modify_time = before.modify_time };
	if (!e)
		e = overlay_set_real(real, &change);
	if (!e)
		e = overlay_remove_mark(s, real, OVERLAY_MARK_METACOPY);
	if (!e)
		atomic_u32_store(&i->is_metacopy, 0);
	return e;
}

static err_t copy_one(struct overlay_superblock *s, struct overlay_inode *i, enum overlay_copy_extent extent)
{
	mutex_guard(&i->copy_lock);
	if (!(s->options.flags & OVERLAY_METACOPY))
		extent = OVERLAY_COPY_WHOLE;
	if (i->upper)
		return extent == OVERLAY_COPY_WHOLE && atomic_u32_load(&i->is_metacopy) ? copy_late(s, i) : OK;
	err_t e;
	if (i->is_indexed && i->base.type != S_IFDIR)
		e = copy_with_index(s, i, extent);
	else
		e = atomic_u32_load(&i->is_removed) ? copy_without_name(s, i) : copy_with_name(s, i, extent);
	if (!e)
		overlay_refresh(i);
	return e;
}

// The ancestor, or the file itself, that is to be copied next.
static struct overlay_inode *topmost_lower(struct overlay_inode *i)
{
	while (i->parent && !i->parent->upper)
		i = i->parent;
	return i;
}

static err_t copy_up(struct overlay_inode *i, enum overlay_copy_extent extent)
{
	struct overlay_superblock *s = overlay_of(i->base.superblock);
	err_t e = overlay_check_writable(s);
	if (!e && atomic_u32_load(&i->is_removed) && (i->base.type == S_IFREG || i->is_indexed))
		return copy_one(s, i, extent);
	while (!e && !i->upper)
		e = copy_one(s, topmost_lower(i), extent);
	if (!e && extent == OVERLAY_COPY_WHOLE && atomic_u32_load(&i->is_metacopy))
		e = copy_one(s, i, extent);
	return e;
}

err_t overlay_copy_up(struct overlay_inode *i)
{
	return i->upper && !atomic_u32_load(&i->is_metacopy) ? OK : copy_up(i, OVERLAY_COPY_WHOLE);
}

err_t overlay_copy_up_attributes(struct overlay_inode *i)
{
	return i->upper ? OK : copy_up(i, OVERLAY_COPY_ATTRIBUTES);
}

void overlay_mark_impure(struct overlay_superblock *s, struct overlay_inode *dir, const struct overlay_inode *child)
{
	if (atomic_u32_load(&dir->is_impure) || (child && overlay_place_list_is_empty(&child->lower)))
		return;
	// Where it cannot be kept readdir shows other numbers than stat; that is all.
	if (!overlay_set_mark(s, dir->upper->inode, OVERLAY_MARK_IMPURE, STR("y")))
		atomic_u32_store(&dir->is_impure, 1);
}
