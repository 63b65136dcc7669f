// SPDX-License-Identifier: MPL-2.0
// Calls into layers. The mounter's credentials decide: what a user may see was checked on the overlay inode.
#include <services/fs/overlayfs/overlay_internal.h>

err_t overlay_look(struct overlay_superblock *s, struct dentry *dir, bytes_t name, struct dentry **out borrowed)
{
	struct dentry *d object_auto(dentry) = NULL;
	*out = NULL;
	if (bytes_len(name) > dir->superblock->name_max)
		return -ENAMETOOLONG;
	err_t e = inode_permission(dir->inode, PERMISSION_EXECUTE, s->cred);
	if (!e)
		e = dentry_lookup(dir, name, &d);
	if (e)
		return e == -ENOENT ? OK : e;
	if (!dentry_is_negative(d))
		*out = take(d);
	return OK;
}

bool overlay_is_whiteout(const struct dentry *d borrowed)
{
	return d->inode && d->inode->type == S_IFCHR && d->inode->device == 0;
}

// --- marks ------------------------------------------------------------------------------------------

bool overlay_is_own_name(const struct overlay_superblock *s borrowed, bytes_t name)
{
	return bytes_start_with(name, s->options.flags & OVERLAY_USER_XATTR ? STR("user.overlay.")
									    : STR("trusted.overlay."));
}

static bytes_t mark_word(enum overlay_mark mark)
{
	switch (mark) {
	case OVERLAY_MARK_OPAQUE:
		return STR("overlay.opaque");
	case OVERLAY_MARK_REDIRECT:
		return STR("overlay.redirect");
	case OVERLAY_MARK_IMPURE:
		return STR("overlay.impure");
	case OVERLAY_MARK_LINKS:
		return STR("overlay.nlink");
	case OVERLAY_MARK_METACOPY:
		return STR("overlay.metacopy");
	case OVERLAY_MARK_UPPER:
		return STR("overlay.upper");
	default:
		return STR("overlay.origin");
	}
}

// The attribute's name, written to `out`.
static bytes_t mark_name(const struct overlay_superblock *s borrowed, enum overlay_mark mark, span_t out)
{
	struct text t = text_to(out);
	text_put(&t, s->options.flags & OVERLAY_USER_XATTR ? STR("user.") : STR("trusted."));
	text_put(&t, mark_word(mark));
	return text_bytes(&t);
}

ssize_r overlay_get_mark(struct overlay_superblock *s, struct inode *real, enum overlay_mark mark, span_t out)
{
	u8 name[OVERLAY_MARK_NAME_MAX];
	if (!real->ops->get_xattr)
		return -EOPNOTSUPP;
	return real->ops->get_xattr(real, mark_name(s, mark, array_span(name)), out);
}

bool overlay_is_opaque(struct overlay_superblock *s, struct inode *dir)
{
	u8 value[1] = {};
	return overlay_get_mark(s, dir, OVERLAY_MARK_OPAQUE, array_span(value)) == 1 && value[0] == 'y';
}

err_t overlay_set_mark(struct overlay_superblock *s, struct inode *real, enum overlay_mark mark, bytes_t value)
{
	u8 name[OVERLAY_MARK_NAME_MAX];
	if (!real->ops->set_xattr)
		return -EOPNOTSUPP;
	return real->ops->set_xattr(real, mark_name(s, mark, array_span(name)), value, 0);
}

err_t overlay_remove_mark(struct overlay_superblock *s, struct inode *real, enum overlay_mark mark)
{
	u8 name[OVERLAY_MARK_NAME_MAX];
	if (!real->ops->remove_xattr)
		return -EOPNOTSUPP;
	return real->ops->remove_xattr(real, mark_name(s, mark, array_span(name)));
}

err_t overlay_get_redirect(struct overlay_superblock *s, struct inode *real, struct buf **out borrowed)
{
	*out = NULL;
	const ssize_r length = overlay_get_mark(s, real, OVERLAY_MARK_REDIRECT, span_empty());
	if (length == -ENODATA || length == -EOPNOTSUPP)
		return OK;
	if (length < 0)
		return (err_t)length;
	if (length == 0)
		return -EINVAL;
	struct buf *value buf_auto = buf_alloc((usize)length);
	if (!value)
		return -ENOMEM;
	const ssize_r again = overlay_get_mark(s, real, OVERLAY_MARK_REDIRECT, buf_span(value));
	if (again != length)
		return again < 0 ? (err_t)again : -EIO;
	*out = take(value);
	return OK;
}

// --- rights and attributes --------------------------------------------------------------------------

struct cred *overlay_cred_for(struct overlay_superblock *s, u32 uid, u32 gid)
{
	struct cred *c object_auto(cred) = cred_copy(s->cred);
	if (!c)
		return NULL;
	c->fsuid = uid;
	c->fsgid = gid;
	return take(c);
}

err_t overlay_check_writable(struct overlay_superblock *s)
{
	return s->upper ? mount_check_writable(s->upper->mount) : (err_t)-EROFS;
}

static err_t set_real_attributes(struct inode *real, const struct attribute_change *change borrowed)
{
	if (real->ops->set_attributes)
		return real->ops->set_attributes(real, change);
	if (change->valid & ATTRIBUTE_SIZE)
		return -EPERM;
	inode_set_attributes_generic(real, change);
	return OK;
}

static err_t set_real_locked(struct inode *real, const struct attribute_change *change borrowed)
{
	const err_t e = set_real_attributes(real, change);
	if (change->valid & ATTRIBUTE_MODE)
		inode_note_changed(&real->no_privileges);
	return e;
}

err_t overlay_set_real(struct inode *real, const struct attribute_change *change borrowed)
{
	atomic_u64_add(&real->version, 1);
	if (!(change->valid & ATTRIBUTE_SIZE))
		return set_real_locked(real, change);
	write_guard(&real->data_lock);
	return set_real_locked(real, change);
}

// --- names of a folder ------------------------------------------------------------------------------
// Packed as: number (8 bytes), type (4), length (2), name.
#define NAME_HEADER 14u

static bool names_add(struct directory_sink *sink borrowed, bytes_t name, u64 number, u32 type, u64 next_position)
{
	const usize need = NAME_HEADER + bytes_len(name);
	if (need > span_len(sink->out) - sink->used)
		return false;
	const span_t at = span_slice(sink->out, sink->used, need);
	span_put_u64le(at, 0, number);
	span_put_u32le(at, 8, type);
	span_put_u16le(at, 12, (u16)bytes_len(name));
	span_copy(span_from(at, NAME_HEADER), name);
	sink->used += need;
	sink->count++;
	return true;
}

// The file is ours alone: its position needs no lock, which could not be taken here either.
static err_t read_directory(struct file *f, struct directory_sink *sink borrowed)
{
	struct inode *dir = f->inode;
	if (f->ops->read_directory)
		return f->ops->read_directory(f, sink);
	if (!dir->ops->read_directory)
		return -ENOTDIR;
	if ((atomic_u32_load_relaxed(&dir->superblock->flags) & SUPERBLOCK_VFS_DOTS) && f->position < 2)
		f->position = 2;
	read_guard(&dir->directory_lock);
	return dir->ops->read_directory(dir, &f->position, sink);
}

err_t overlay_read_names(struct file *dir, span_t into, usize *used borrowed)
{
	struct directory_sink sink = { .add = names_add, .out = into };
	const err_t e = read_directory(dir, &sink);
	*used = sink.used;
	return e ? e : sink.error;
}

bool overlay_next_name(bytes_t names, usize *at borrowed, struct overlay_name *out borrowed)
{
	while (*at < bytes_len(names)) {
		const bytes_t e = bytes_from(names, *at);
		out->number = bytes_get_u64le(e, 0);
		out->type = bytes_get_u32le(e, 8);
		out->length = bytes_get_u16le(e, 12);
		out->offset = *at + NAME_HEADER;
		*at = out->offset + out->length;
		const bytes_t name = bytes_slice(names, out->offset, out->length);
		if (!bytes_equal(name, STR(".")) && !bytes_equal(name, STR("..")))
			return true;
	}
	return false;
}

err_t overlay_open_real(struct overlay_superblock *s, struct mount *m, struct dentry *d, u32 flags,
	struct file **out borrowed)
{
	struct path p path_auto = path_none();
	p.mount = mount_get(m);
	p.dentry = dentry_get(d);
	return file_open_path(&p, flags, s->cred, out);
}
