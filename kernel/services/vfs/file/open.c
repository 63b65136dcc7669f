// SPDX-License-Identifier: MPL-2.0
// open(2). Theory: a walk to the folder of the last component, then that component: found (perhaps a
// link, then on with its target), or made under the folder's lock. What was found is checked, opened,
// and only then cut (O_TRUNC), so that a refused open changes nothing.
#include <services/device/device.h>
#include <services/vfs/acl.h>
#include <services/vfs/attributes.h>
#include <services/vfs/dentry.h>
#include <services/vfs/entry.h>
#include <services/vfs/file/file_internal.h>
#include <services/vfs/fs_context.h>
#include <services/vfs/idmap.h>
#include <services/vfs/lookup/entry_internal.h>
#include <services/vfs/lookup/walk.h>
#include <services/vfs/mount.h>
#include <services/vfs/notify.h>
#include <services/vfs/path_guard.h>
#include <services/vfs/pipe.h>
#include <services/vfs/superblock.h>

const struct file_ops file_ops_none = {};

// --- a file on a place ------------------------------------------------------------------------------

static err_t open_device(struct file *f, enum device_kind kind)
{
	struct device *d object_auto(device) = device_find(kind, f->inode->device);
	if (!d)
		return -ENXIO;
	f->ops = d->ops;
	return d->open ? d->open(d, f) : OK;
}

static err_t open_special(struct file *f)
{
	switch (f->inode->type) {
	case S_IFCHR:
		return open_device(f, DEVICE_CHAR);
	case S_IFBLK:
		return open_device(f, DEVICE_BLOCK);
	case S_IFIFO:
		return fifo_open(f);
	default:
		return -ENXIO;
	}
}

err_t file_open_path(const struct path *p borrowed, u32 flags, struct cred *cred, struct file **out borrowed)
{
	struct file *f object_auto(file) = NULL;
	err_t e = file_create(p, flags, cred, &f);
	if (e)
		return e;
	struct inode *i = f->inode;
	if (flags & OPEN_PATH) {
		f->ops = &file_ops_none;
	} else if (i->type == S_IFREG || i->type == S_IFDIR) {
		f->ops = i->file_ops;
		e = i->ops->open ? i->ops->open(i, f) : OK;
	} else {
		e = open_special(f);
	}
	if (e) {
		// What was not opened is not released.
		f->ops = &file_ops_none;
		return e;
	}
	atomic_u32_and(&f->flags, ~OPEN_NO_CTTY);
	if (f->ops->seek)
		f->mode |= FILE_MODE_SEEK;
	if ((f->mode & FILE_MODE_WRITE) && i->type == S_IFREG) {
		e = file_count_writer(f);
		// A remount may have come in between; from now on it cannot.
		if (!e)
			e = mount_check_writable(f->path.mount);
		if (e)
			return e;
	}
	*out = take(f);
	return OK;
}

// --- may it be opened -------------------------------------------------------------------------------

static u32 access_of_flags(u32 flags)
{
	static const u8 wanted[4] = { PERMISSION_READ, PERMISSION_WRITE, PERMISSION_READ | PERMISSION_WRITE,
		PERMISSION_READ | PERMISSION_WRITE };
	return wanted[flags & OPEN_ACCESS_MASK] | (flags & OPEN_TRUNCATE ? (u32)PERMISSION_WRITE : 0);
}

static err_t open_check_kind(const struct path *p borrowed, u32 access)
{
	switch (p->dentry->inode->type) {
	case S_IFLNK:
		return -ELOOP;
	case S_IFDIR:
		return access & PERMISSION_WRITE ? -EISDIR : OK;
	case S_IFCHR:
	case S_IFBLK:
		return mount_has(p->mount, MOUNT_NO_DEVICES) ? -EACCES : OK;
	case S_IFREG:
		return access & PERMISSION_WRITE ? mount_check_writable(p->mount) : OK;
	default:
		return OK;
	}
}

// What opening with these flags needs, where somebody keeps more than modes do.
static err_t open_guard(const struct path *p borrowed, u32 type, u32 flags, const struct cred *cred borrowed)
{
	u32 rights = 0;
	if (file_mode_of_flags(flags) & FILE_MODE_READ)
		rights |= type == S_IFDIR ? PATH_READ_FOLDER : PATH_READ_FILE;
	if (file_mode_of_flags(flags) & FILE_MODE_WRITE)
		rights |= PATH_WRITE_FILE;
	return path_guard_check(cred, p, rights);
}

static err_t open_check(const struct path *p borrowed, u32 flags, const struct cred *cred borrowed)
{
	struct inode *i = p->dentry->inode;
	const u32 access = access_of_flags(flags);
	err_t e = open_check_kind(p, access);
	if (e)
		return e;
	e = path_permission(p, access, cred);
	if (e)
		return e;
	if ((atomic_u32_load_relaxed(&i->state) & INODE_APPEND_ONLY) &&
	    (((flags & OPEN_ACCESS_MASK) && !(flags & OPEN_APPEND)) || (flags & OPEN_TRUNCATE)))
		return -EPERM;
	return (flags & OPEN_NO_ATIME) && !inode_is_owner_mapped(i, p->mount->idmap, cred) ? -EPERM : OK;
}

// O_TRUNC; without access for writing it counts as a writer for the moment.
static err_t open_truncate(const struct path *p borrowed, const struct file *f)
{
	if (f->mode & FILE_MODE_WRITE)
		return attributes_truncate_opened(p, 0);
	struct inode *i = p->dentry->inode;
	err_t e = inode_open_for_writing(i);
	if (e)
		return e;
	e = attributes_truncate_opened(p, 0);
	inode_close_for_writing(i);
	return e;
}

err_t file_open_place(const struct path *p borrowed, u32 flags, struct cred *cred, struct file **out borrowed)
{
	err_t e = open_check(p, flags, cred);
	if (!e)
		e = open_guard(p, p->dentry->inode->type, flags, cred);
	if (e)
		return e;
	struct file *f object_auto(file) = NULL;
	e = file_open_path(p, flags, cred, &f);
	if (e)
		return e;
	if ((flags & OPEN_TRUNCATE) && p->dentry->inode->type == S_IFREG) {
		e = open_truncate(p, f);
		if (e)
			return e;
	}
	*out = take(f);
	return OK;
}

// --- O_CREAT ----------------------------------------------------------------------------------------

enum create_answer { CREATE_FOUND, CREATE_MADE };

// The last component below w->at, made if it is absent: w->child.
static err_t create_last(struct walk *w borrowed, const struct lookup_context *c borrowed, bytes_t component,
	u32 flags, u32 mode, enum create_answer *answer borrowed)
{
	*answer = CREATE_FOUND;
	err_t e = walk_find(w, c, component);
	if (e || !dentry_is_negative(w->child))
		return e;
	struct inode *dir = w->at.dentry->inode;
	struct dentry *d object_auto(dentry) = NULL;
	write_guard(&dir->directory_lock);
	e = dentry_lookup_locked(w->at.dentry, component, &d);
	if (e)
		return e;
	if (dentry_is_negative(d)) {
		e = entry_create_locked(&w->at, d, component, S_IFREG | (mode & 07777), fs_context_mask(c->fs),
			c->cred);
		*answer = CREATE_MADE;
	}
	dentry_put(take(w->child));
	w->child = take(d);
	return e;
}

// One round: OK with *text set means "go on with that name".
static err_t create_round(struct walk *w borrowed, const struct lookup_context *c borrowed, bytes_t name, u32 flags,
	u32 mode,
			  enum create_answer *answer borrowed, struct buf **text borrowed)
{
	struct last_component last = {};
	err_t e = walk_name(w, c, name, WALK_PARENT, &last);
	if (e)
		return e;
	if (last.kind != LAST_NORMAL || last.trailing_slash)
		return flags & OPEN_EXCLUSIVE && last.kind != LAST_NORMAL ? -EEXIST : -EISDIR;
	e = create_last(w, c, bytes_slice(name, last.offset, last.length), flags, mode, answer);
	if (e)
		return e;
	if (*answer == CREATE_FOUND && (flags & OPEN_EXCLUSIVE))
		return -EEXIST;
	if (w->child->inode->type != S_IFLNK)
		return walk_enter(w, c);
	if (flags & OPEN_NO_FOLLOW)
		return -ELOOP;
	e = walk_link(w, c, bytes_empty(), text);
	dentry_put(take(w->child));	// or a target that begins with ".." would be taken for this link again
	return e;
}

static err_t open_create(const struct lookup_context *c borrowed, bytes_t name, u32 flags, u32 mode,
	struct file **out borrowed)
{
	struct walk w walk_auto = {};
	struct buf *storage buf_auto = NULL;
	bytes_t text = name;
	enum create_answer answer = CREATE_FOUND;
	err_t e = walk_begin(&w, c, name);
	for (;;) {
		if (e)
			return e;
		struct buf *longer buf_auto = NULL;
		e = create_round(&w, c, text, flags, mode, &answer, &longer);
		if (e)
			return e;
		if (!longer)
			break;
		buf_free(take(storage));
		storage = take(longer);
		text = buf_bytes(storage);
	}
	struct cred *cred = c->cred;
	if (answer == CREATE_MADE) {
		e = open_guard(&w.at, S_IFREG, flags, cred);
		return e ? e : file_open_path(&w.at, flags & ~OPEN_TRUNCATE, cred, out);
	}
	if (w.at.dentry->inode->type == S_IFDIR)
		return -EISDIR;
	return file_open_place(&w.at, flags, cred, out);
}

// --- O_TMPFILE --------------------------------------------------------------------------------------

static err_t open_unnamed(const struct lookup_context *c borrowed, bytes_t name, u32 flags, u32 mode,
	struct cred *cred, struct file **out borrowed)
{
	struct path dir path_auto = path_none();
	err_t e = path_lookup(c, name, &dir);
	if (e)
		return e;
	struct inode *folder = dir.dentry->inode;
	if (!folder->ops->create_unnamed)
		return -EOPNOTSUPP;
	e = mount_check_writable(dir.mount);
	if (e)
		return e;
	e = entry_may_create(&dir, cred);
	if (!e)
		e = open_guard(&dir, S_IFREG, flags, cred);
	if (e)
		return e;
	struct inode *i object_auto(inode) = NULL;
	struct cred *creator object_auto(cred) = NULL;
	e = idmap_creator(folder, dir.mount->idmap, cred, &creator);
	if (e)
		return e;
	const u32 mask = acl_is_handed_on(folder) ? 0 : fs_context_mask(c->fs);
	e = folder->ops->create_unnamed(folder, S_IFREG | (mode & 07777 & ~mask), creator, &i);
	if (!e)
		e = acl_hand_on(folder, i, mode);
	if (e)
		return e;
	if (!(flags & OPEN_EXCLUSIVE))
		atomic_u32_or(&i->state, INODE_LINKABLE);
	struct path place path_auto = path_none();
	place.dentry = dentry_create_anonymous(folder->superblock, i, bytes_empty());
	if (!place.dentry)
		return -ENOMEM;
	place.mount = mount_get(dir.mount);
	return file_open_path(&place, flags, cred, out);
}

// --- the whole --------------------------------------------------------------------------------------

static err_t open_existing(const struct lookup_context *c borrowed, bytes_t name, u32 flags, struct cred *cred,
	struct file **out borrowed)
{
	struct path p path_auto = path_none();
	const err_t e = path_lookup(c, name, &p);
	if (e)
		return e;
	if (flags & OPEN_PATH)
		return file_open_path(&p, flags, cred, out);
	return file_open_place(&p, flags, cred, out);
}

static err_t open_by_flags(const struct lookup_context *c borrowed, bytes_t name, u32 flags, u32 mode,
	struct file **out borrowed)
{
	if (flags & OPEN_PATH)
		flags &= OPEN_PATH | OPEN_DIRECTORY | OPEN_NO_FOLLOW | OPEN_CLOSE_ON_EXEC;
	struct lookup_context look = *c;
	if (!(flags & OPEN_NO_FOLLOW))
		look.flags |= LOOKUP_FOLLOW;
	if (flags & OPEN_DIRECTORY)
		look.flags |= LOOKUP_DIRECTORY;
	struct cred *cred = c->cred;
	if ((flags & OPEN_TMPFILE) == OPEN_TMPFILE) {
		if (!(flags & OPEN_ACCESS_MASK))
			return -EINVAL;
		return open_unnamed(&look, name, flags, mode, cred, out);
	}
	if (!(flags & OPEN_CREATE))
		return open_existing(&look, name, flags, cred, out);
	if (flags & OPEN_DIRECTORY)
		return -EINVAL;
	if (bytes_len(name) == 0)
		return -ENOENT;
	return open_create(&look, name, flags, mode, out);
}

err_t file_open(const struct lookup_context *c borrowed, bytes_t name, u32 flags, u32 mode, struct file **out borrowed)
{
	struct file *f object_auto(file) = NULL;
	const err_t e = open_by_flags(c, name, flags, mode, &f);
	if (e)
		return e;
	if (!(flags & OPEN_PATH))
		notify_opened(f);
	*out = take(f);
	return OK;
}
