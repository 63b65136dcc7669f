// SPDX-License-Identifier: MPL-2.0
// The work folder: what must appear at once is made here, under a name of its own, and renamed into place. What
// a power loss leaves here is removed at the next mount.
#include <services/fs/overlayfs/overlay_internal.h>

void overlay_name_temporary(struct overlay_superblock *s, struct overlay_temporary *out borrowed)
{
	struct text t = text_to(array_span(out->text));
	text_printf(&t, "#%lx", atomic_u64_add(&s->temporaries, 1));
	out->length = (u32)text_needed(&t);
}

// --- making -----------------------------------------------------------------------------------------

static err_t make_entry(const struct lookup_context *c borrowed, bytes_t name, const struct overlay_make *what borrowed)
{
	switch (what->mode & S_IFMT) {
	case S_IFDIR:
		return entry_make_directory(c, name, what->mode & 01777);
	case S_IFLNK:
		return entry_symlink(c, what->target, name);
	default:
		return entry_make_node(c, name, what->mode, what->device);
	}
}

err_t overlay_make_at(struct overlay_superblock *s, struct dentry *dir, bytes_t name,
	const struct overlay_make *what borrowed, struct dentry **out borrowed)
{
	struct cred *cred object_auto(cred) = overlay_cred_for(s, what->uid, what->gid);
	if (!cred)
		return -ENOMEM;
	const struct lookup_context c = OVERLAY_CONTEXT(s, s->upper->mount, dir, cred);
	err_t e = make_entry(&c, name, what);
	if (!e)
		e = overlay_look(s, dir, name, out);
	if (e)
		return e;
	if (!*out)
		return -ESTALE;		// somebody else works in the upper layer
	// A folder that hands on its group did so; what the overlay's rules say is what counts.
	struct inode *real = (*out)->inode;
	if (real->uid == what->uid && real->gid == what->gid &&
		((what->mode & S_IFMT) == S_IFLNK || real->mode == (what->mode & 07777)))
		return OK;
	const struct attribute_change change = { .valid = ATTRIBUTE_UID | ATTRIBUTE_GID |
		((what->mode & S_IFMT) == S_IFLNK ? 0 : (u32)ATTRIBUTE_MODE), .uid = what->uid, .gid = what->gid,
		.mode = what->mode & 07777 };
	return overlay_set_real(real, &change);
}

err_t overlay_make_temporary(struct overlay_superblock *s, const struct overlay_make *what borrowed,
	struct overlay_temporary *name borrowed, struct dentry **out borrowed)
{
	overlay_name_temporary(s, name);
	const err_t e = overlay_make_at(s, s->work, overlay_temporary_name(name), what, out);
	if (e)
		overlay_drop_temporary(s, name);
	return e;
}

err_t overlay_place_temporary(struct overlay_superblock *s, const struct overlay_temporary *name borrowed,
	struct dentry *dir, bytes_t at, u32 flags)
{
	const struct lookup_context from = OVERLAY_CONTEXT(s, s->upper->mount, s->work, s->cred);
	const struct lookup_context to = OVERLAY_CONTEXT(s, s->upper->mount, dir, s->cred);
	return entry_rename(&from, overlay_temporary_name(name), &to, at, flags);
}

// --- removing ---------------------------------------------------------------------------------------

// Removes every name in a folder that is no folder itself. `only_whiteouts`: -ENOTEMPTY for anything else.
enum clear_kind { CLEAR_WHITEOUTS, CLEAR_ALL };

static err_t clear_name(struct overlay_superblock *s, struct dentry *dir, bytes_t name, enum clear_kind kind)
{
	const struct lookup_context c = OVERLAY_CONTEXT(s, s->upper->mount, dir, s->cred);
	struct dentry *d object_auto(dentry) = NULL;
	const err_t e = overlay_look(s, dir, name, &d);
	if (e || !d)
		return e;
	if (kind == CLEAR_WHITEOUTS && !overlay_is_whiteout(d))
		return -ENOTEMPTY;
	return d->inode->type == S_IFDIR ? entry_remove_directory(&c, name) : entry_unlink(&c, name);
}

static no_inline err_t clear_names(struct overlay_superblock *s, struct dentry *dir, bytes_t names,
	enum clear_kind kind)
{
	struct overlay_name n = {};
	for (usize at = 0; overlay_next_name(names, &at, &n);) {
		const err_t e = clear_name(s, dir, bytes_slice(names, n.offset, n.length), kind);
		if (e)
			return e;
	}
	return OK;
}

static err_t clear_folder(struct overlay_superblock *s, struct dentry *dir, enum clear_kind kind)
{
	struct file *f object_auto(file) = NULL;
	struct buf *names buf_auto = buf_alloc(OVERLAY_NAMES_BYTES);
	if (!names)
		return -ENOMEM;
	err_t e = overlay_open_real(s, s->upper->mount, dir, OPEN_DIRECTORY, &f);
	while (!e) {
		usize used = 0;
		e = overlay_read_names(f, buf_span(names), &used);
		if (e || used == 0)
			return e;
		e = clear_names(s, dir, bytes_first(buf_bytes(names), used), kind);
	}
	return e;
}

err_t overlay_clear_whiteouts(struct overlay_superblock *s, struct dentry *dir)
{
	return clear_folder(s, dir, CLEAR_WHITEOUTS);
}

static err_t drop_name(struct overlay_superblock *s, struct dentry *dir, bytes_t name)
{
	const struct lookup_context c = OVERLAY_CONTEXT(s, s->upper->mount, dir, s->cred);
	struct dentry *d object_auto(dentry) = NULL;
	err_t e = overlay_look(s, dir, name, &d);
	if (e || !d)
		return e;
	if (d->inode->type != S_IFDIR)
		return entry_unlink(&c, name);
	e = clear_folder(s, d, CLEAR_ALL);
	return e ? e : entry_remove_directory(&c, name);
}

void overlay_drop_temporary(struct overlay_superblock *s, const struct overlay_temporary *name borrowed)
{
	// What cannot be removed stays in the work folder, out of sight, until the next mount.
	const err_t e = drop_name(s, s->work, overlay_temporary_name(name));
	(void)e;
}

err_t overlay_whiteout(struct overlay_superblock *s, struct dentry *dir, bytes_t name)
{
	struct overlay_temporary temporary = {};
	struct dentry *made object_auto(dentry) = NULL, *there object_auto(dentry) = NULL;
	err_t e = overlay_look(s, dir, name, &there);
	if (e)
		return e;
	const bool is_folder = there && there->inode->type == S_IFDIR;
	const struct overlay_make what = { .mode = S_IFCHR, .uid = s->cred->fsuid, .gid = s->cred->fsgid };
	e = overlay_make_temporary(s, &what, &temporary, &made);
	if (e)
		return e;
	e = overlay_place_temporary(s, &temporary, dir, name, is_folder ? RENAME_EXCHANGE : 0);
	if (e || is_folder)
		overlay_drop_temporary(s, &temporary);
	return e;
}

// --- at mount ---------------------------------------------------------------------------------------

// Empties a work folder that an earlier mount left: it holds temporaries, which hold at most whiteouts.
static err_t work_empty(struct overlay_superblock *s, struct dentry *work)
{
	struct file *f object_auto(file) = NULL;
	struct buf *names buf_auto = buf_alloc(OVERLAY_NAMES_BYTES);
	struct dentry *incompatible object_auto(dentry) = NULL;
	if (!names)
		return -ENOMEM;
	err_t e = overlay_look(s, work, STR("incompat"), &incompatible);
	if (e)
		return e;
	if (incompatible)
		return -EINVAL;
	e = overlay_open_real(s, s->upper->mount, work, OPEN_DIRECTORY, &f);
	while (!e) {
		usize used = 0;
		struct overlay_name n = {};
		e = overlay_read_names(f, buf_span(names), &used);
		if (e || used == 0)
			return e;
		for (usize at = 0; !e && overlay_next_name(bytes_first(buf_bytes(names), used), &at, &n);)
			e = drop_name(s, work, bytes_slice(buf_bytes(names), n.offset, n.length));
	}
	return e;
}

static err_t make_folder(struct overlay_superblock *s, struct dentry *at, bytes_t name, u32 mode,
	struct dentry **out borrowed)
{
	const struct overlay_make what = { .mode = S_IFDIR | mode, .uid = s->cred->fsuid, .gid = s->cred->fsgid };
	return overlay_make_at(s, at, name, &what, out);
}

// A mark that makes the next mount refuse: a power loss may have cost anything.
static err_t mark_volatile(struct overlay_superblock *s)
{
	struct dentry *outer object_auto(dentry) = NULL, *inner object_auto(dentry) = NULL;
	struct dentry *file object_auto(dentry) = NULL;
	err_t e = make_folder(s, s->work, STR("incompat"), 0700, &outer);
	if (!e)
		e = make_folder(s, outer, STR("volatile"), 0700, &inner);
	const struct overlay_make dirty = { .mode = S_IFREG | 0600, .uid = s->cred->fsuid, .gid = s->cred->fsgid };
	return e ? e : overlay_make_at(s, inner, STR("dirty"), &dirty, &file);
}

static err_t index_prepare(struct overlay_superblock *s, struct dentry *base)
{
	struct dentry *index object_auto(dentry) = NULL;
	err_t e = overlay_look(s, base, STR("index"), &index);
	if (!e && index && index->inode->type != S_IFDIR)
		return -EEXIST;
	if (!e && !index)
		e = make_folder(s, base, STR("index"), 0, &index);
	if (!e)
		s->index = take(index);
	return e;
}

err_t overlay_work_prepare(struct overlay_superblock *s, struct dentry *base)
{
	struct dentry *work object_auto(dentry) = NULL;
	err_t e = overlay_look(s, base, STR("work"), &work);
	if (!e && work && work->inode->type != S_IFDIR)
		return -EEXIST;
	if (!e && work)
		e = work_empty(s, work);
	if (!e && !work)
		e = make_folder(s, base, STR("work"), 0, &work);
	if (e)
		return e;
	s->work = take(work);
	if (s->options.flags & OVERLAY_INDEX) {
		e = index_prepare(s, base);
		if (e)
			return e;
	}
	return s->options.flags & OVERLAY_VOLATILE ? mark_volatile(s) : OK;
}
