// SPDX-License-Identifier: MPL-2.0
// Making and removing names. Renames are in rename.c.
#include <services/cgroup/cgroup_device.h>
#include <services/vfs/acl.h>
#include <services/vfs/entry.h>
#include <services/vfs/fs_context.h>
#include <services/vfs/idmap.h>
#include <services/vfs/lookup/entry_internal.h>
#include <services/vfs/mount.h>
#include <services/vfs/notify.h>
#include <services/vfs/path_guard.h>
#include <services/vfs/superblock.h>

err_t entry_may_create(const struct path *dir borrowed, const struct cred *cred borrowed)
{
	return path_permission(dir, PERMISSION_WRITE | PERMISSION_EXECUTE, cred);
}

err_t entry_may_delete(const struct path *at borrowed, struct inode *victim, const struct cred *cred borrowed)
{
	struct inode *dir = at->dentry->inode;
	struct user_namespace *idmap = at->mount->idmap;
	if (idmap_uid_seen(victim, idmap) == ID_INVALID || idmap_gid_seen(victim, idmap) == ID_INVALID)
		return -EOVERFLOW;
	const err_t e = path_permission(at, PERMISSION_WRITE | PERMISSION_EXECUTE, cred);
	if (e)
		return e;
	if (atomic_u32_load_relaxed(&dir->state) & INODE_APPEND_ONLY)
		return -EPERM;
	if ((dir->mode & S_ISVTX) && idmap_uid_seen(victim, idmap) != cred->fsuid &&
		idmap_uid_seen(dir, idmap) != cred->fsuid && !inode_capable_mapped(victim, idmap, cred, CAP_FOWNER))
		return -EPERM;
	return atomic_u32_load_relaxed(&victim->state) & (INODE_APPEND_ONLY | INODE_IMMUTABLE) ? -EPERM : OK;
}

err_t entry_parent(const struct lookup_context *c borrowed, bytes_t name, struct path *parent borrowed,
	struct last_component *last borrowed)
{
	err_t e = path_lookup_parent(c, name, parent, last);
	if (e)
		return e;
	if (last->length > parent->mount->superblock->name_max)
		return -ENAMETOOLONG;
	return path_permission(parent, PERMISSION_EXECUTE, c->cred);
}

// --- making -----------------------------------------------------------------------------------------

struct stack_only new_entry {
	u32 mode;	// with type, as it was asked for
	u32 mask;	// what the umask takes from it, unless the folder has a list for new files
	u64 device;
	bytes_t target;	// of a symbolic link
	// of another name: the place of the file, both lent by the caller
	struct mount *mount;
	struct dentry *existing, *existing_folder;
};

static err_t entry_make_inode(struct inode *dir, bytes_t component, const struct new_entry *n borrowed,
	const struct cred *cred borrowed, struct inode **out borrowed)
{
	const struct inode_ops *ops = dir->ops;
	switch (n->mode & S_IFMT) {
	case S_IFDIR:
		return ops->make_directory ? ops->make_directory(dir, component, n->mode, cred, out) : (err_t)-EPERM;
	case S_IFLNK:
		return ops->symlink ? ops->symlink(dir, component, n->target, cred, out) : (err_t)-EPERM;
	default:
		if (!ops->create)
			return (n->mode & S_IFMT) == S_IFREG ? -EACCES : -EPERM;
		return ops->create(dir, component, n->mode, n->device, cred, out);
	}
}

static u32 inode_links(struct inode *i)
{
	spin_guard(&i->lock);
	return i->link_count;
}

// Another name for `target`; its inode in *out, as if it had been made.
static err_t entry_link_inode(struct inode *dir, bytes_t component, struct inode *target, struct inode **out borrowed)
{
	if ((atomic_u32_load(&target->state) & (INODE_APPEND_ONLY | INODE_IMMUTABLE)) || !dir->ops->link ||
		target->type == S_IFDIR)
		return -EPERM;
	if (inode_links(target) == 0 && !(atomic_u32_load(&target->state) & INODE_LINKABLE))
		return -ENOENT;
	const err_t e = dir->ops->link(dir, component, target);
	if (e)
		return e;
	struct inode *inode object_auto(inode) = inode_get(target);
	*out = take(inode);
	return OK;
}

// A whiteout is no device.
static err_t may_make_device(const struct new_entry *n borrowed)
{
	const u32 type = n->mode & S_IFMT;
	if ((type != S_IFCHR && type != S_IFBLK) || (type == S_IFCHR && !n->device))
		return OK;
	return cgroup_check_device(type == S_IFCHR ? CGROUP_DEVICE_CHAR : CGROUP_DEVICE_BLOCK, n->device,
		CGROUP_DEVICE_MAKE);
}

// The owner is stored as the mount's map of ids says.
static err_t entry_make_owned(const struct path *parent borrowed, bytes_t component, const struct new_entry *n borrowed,
	struct cred *cred, struct inode **out borrowed)
{
	struct inode *dir = parent->dentry->inode;
	if (!parent->mount->idmap)
		return entry_make_inode(dir, component, n, cred, out);
	struct cred *creator object_auto(cred) = NULL;
	const err_t e = idmap_creator(dir, parent->mount->idmap, cred, &creator);
	return e ? e : entry_make_inode(dir, component, n, creator, out);
}

static err_t entry_unmake(struct inode *dir, bytes_t component, struct inode *child)
{
	if (child->type == S_IFDIR)
		return dir->ops->remove_directory ? dir->ops->remove_directory(dir, component, child) : (err_t)-EPERM;
	return dir->ops->unlink ? dir->ops->unlink(dir, component, child) : (err_t)-EPERM;
}

// Who may do what with a new file the umask says, or a list of the folder: nobody sees the file before.
static err_t entry_make_new(const struct path *parent borrowed, bytes_t component, const struct new_entry *n borrowed,
	struct cred *cred, struct inode **out borrowed)
{
	struct inode *dir = parent->dentry->inode, *made object_auto(inode) = NULL;
	struct new_entry masked = *n;
	if ((n->mode & S_IFMT) == S_IFLNK || !acl_is_handed_on(dir)) {
		masked.mode &= ~n->mask;
		return entry_make_owned(parent, component, &masked, cred, out);
	}
	err_t e = entry_make_owned(parent, component, n, cred, &made);
	if (e)
		return e;
	e = acl_hand_on(dir, made, n->mode);
	if (!e) {
		*out = take(made);
		return OK;
	}
	const err_t undone = entry_unmake(dir, component, made);
	(void)undone;	// the first error is what counts
	return e;
}

static err_t guard_make(const struct path *parent borrowed, struct dentry *d, const struct new_entry *n borrowed,
	const struct cred *cred borrowed)
{
	if (!n->existing)
		return path_guard_check(cred, parent, path_right_to_make(n->mode & S_IFMT));
	const struct path_move move = { .from = { n->mount, n->existing_folder }, .to = *parent,
		.child = n->existing, .replaced = d };
	return path_guard_check_move(cred, &move);
}

// dir's directory_lock is held for writing; d is its negative child.
static err_t entry_make_locked(const struct path *parent borrowed, struct dentry *d, bytes_t component,
	const struct new_entry *n borrowed, struct cred *cred)
{
	struct inode *dir = parent->dentry->inode;
	err_t e = mount_check_writable(parent->mount);
	if (e)
		return e;
	if (dentry_is_deleted(parent->dentry))
		return -ENOENT;
	e = entry_may_create(parent, cred);
	if (!e)
		e = may_make_device(n);
	if (!e)
		e = guard_make(parent, d, n, cred);
	if (e)
		return e;
	struct inode *inode object_auto(inode) = NULL;
	if (n->existing)
		e = entry_link_inode(dir, component, n->existing->inode, &inode);
	else
		e = entry_make_new(parent, component, n, cred, &inode);
	if (e)
		return e;
	dentry_instantiate(d, take(inode));
	if (n->existing && notify_is_active())
		notify_inode(d->inode, NOTIFY_ATTRIBUTES);
	notify_entry(dir, component, d->inode, NOTIFY_CREATE);
	return OK;
}

err_t entry_create_locked(const struct path *parent borrowed, struct dentry *d, bytes_t component, u32 mode, u32 mask,
	struct cred *cred)
{
	const struct new_entry n = { .mode = mode, .mask = mask };
	return entry_make_locked(parent, d, component, &n, cred);
}

static err_t entry_make(const struct lookup_context *c borrowed, bytes_t name, const struct new_entry *n borrowed,
	struct path *out borrowed)
{
	struct path parent path_auto = path_none();
	struct dentry *d object_auto(dentry) = NULL;
	struct last_component last = {};
	err_t e = entry_parent(c, name, &parent, &last);
	if (e)
		return e;
	if (last.kind != LAST_NORMAL)
		return -EEXIST;
	const bytes_t component = bytes_slice(name, last.offset, last.length);
	struct inode *dir = parent.dentry->inode;
	write_guard(&dir->directory_lock);
	e = dentry_lookup_locked(parent.dentry, component, &d);
	if (e)
		return e;
	if (!dentry_is_negative(d))
		return -EEXIST;
	if (n->existing && n->mount != parent.mount)
		return -EXDEV;
	if (last.trailing_slash && (n->mode & S_IFMT) != S_IFDIR)
		return -ENOENT;
	e = entry_make_locked(&parent, d, component, n, c->cred);
	if (e)
		return e;
	out->mount = mount_get(parent.mount);
	out->dentry = take(d);
	return OK;
}

err_t entry_make_directory(const struct lookup_context *c borrowed, bytes_t name, u32 mode)
{
	const struct new_entry n = { .mode = S_IFDIR | (mode & 01777), .mask = fs_context_mask(c->fs) };
	struct path made path_auto = path_none();
	return entry_make(c, name, &n, &made);
}

err_t entry_make_node_at(const struct lookup_context *c borrowed, bytes_t name, u32 mode, u64 device,
	struct path *out borrowed)
{
	const u32 type = mode & S_IFMT ? mode & S_IFMT : S_IFREG;
	const struct new_entry n = { .mode = type | (mode & 07777), .mask = fs_context_mask(c->fs),
		.device = device };
	switch (type) {
	case S_IFREG:
	case S_IFIFO:
	case S_IFSOCK:
		break;
	case S_IFCHR:
	case S_IFBLK:
		// A whiteout (character device 0:0) needs no privilege.
		if (!(type == S_IFCHR && device == 0) && !cred_has_capability(c->cred, user_namespace_initial(),
			CAP_MKNOD))
			return -EPERM;
		break;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
	return entry_make(c, name, &n, out);
}

err_t entry_make_node(const struct lookup_context *c borrowed, bytes_t name, u32 mode, u64 device)
{
	struct path made path_auto = path_none();
	return entry_make_node_at(c, name, mode, device, &made);
}

err_t entry_symlink(const struct lookup_context *c borrowed, bytes_t target, bytes_t name)
{
	if (bytes_len(target) == 0)
		return -ENOENT;
	const struct new_entry n = { .mode = S_IFLNK | 0777, .target = target };
	struct path made path_auto = path_none();
	return entry_make(c, name, &n, &made);
}

err_t entry_link(const struct path *from borrowed, const struct lookup_context *c borrowed, bytes_t name)
{
	struct dentry *folder object_auto(dentry) = dentry_parent(from->dentry);
	const struct new_entry n = { .mount = from->mount, .existing = from->dentry, .existing_folder = folder };
	struct path made path_auto = path_none();
	return entry_make(c, name, &n, &made);
}

// --- removing ---------------------------------------------------------------------------------------

enum entry_kind { ENTRY_FILE, ENTRY_FOLDER };

// A name is gone. Its last user ends the watches of what lost its last name, so that comes before the folder hears of
// it; `victim` keeps the inode until the folder is unlocked.
static no_inline void removal_announce(struct inode *dir, bytes_t component, struct dentry **d borrowed,
	struct inode **victim borrowed)
{
	*victim = inode_get((*d)->inode);
	if ((*victim)->type != S_IFDIR)
		notify_inode(*victim, NOTIFY_ATTRIBUTES);
	dentry_put(take(*d));
	notify_entry(dir, component, *victim, NOTIFY_DELETE);
}

static err_t remove_check(const struct path *parent borrowed, struct dentry *d, enum entry_kind kind,
	const struct lookup_context *c borrowed)
{
	struct inode *dir = parent->dentry->inode;
	struct inode *victim = d->inode;
	err_t e = mount_check_writable(parent->mount);
	if (e)
		return e;
	e = entry_may_delete(parent, victim, c->cred);
	if (!e)
		e = path_guard_check(c->cred, parent, kind == ENTRY_FOLDER ? PATH_REMOVE_FOLDER : PATH_REMOVE_FILE);
	if (e)
		return e;
	if ((victim->type == S_IFDIR) != (kind == ENTRY_FOLDER))
		return kind == ENTRY_FOLDER ? -ENOTDIR : -EISDIR;
	if (kind == ENTRY_FOLDER ? !dir->ops->remove_directory : !dir->ops->unlink)
		return -EPERM;
	return mount_may_leave_place(d, c->fs) ? OK : -EBUSY;
}

static err_t remove_folder(struct inode *dir, bytes_t component, struct inode *victim)
{
	write_guard_nested(&victim->directory_lock, 1);
	return dir->ops->remove_directory(dir, component, victim);
}

// The folder's directory_lock is held for writing.
static err_t remove_locked(const struct path *parent borrowed, struct dentry *d, bytes_t component,
	enum entry_kind kind, const struct lookup_context *c borrowed)
{
	struct inode *dir = parent->dentry->inode;
	err_t e = remove_check(parent, d, kind, c);
	if (e)
		return e;
	e = kind == ENTRY_FOLDER ? remove_folder(dir, component, d->inode) : dir->ops->unlink(dir, component, d->inode);
	if (e)
		return e;
	dentry_unlink(d);
	return OK;
}

static err_t remove_special(enum last_kind last, enum entry_kind kind)
{
	if (kind == ENTRY_FILE)
		return -EISDIR;
	return last == LAST_DOT ? -EINVAL : last == LAST_DOTDOT ? -ENOTEMPTY : -EBUSY;
}

// *left: the name when something is still mounted on it elsewhere.
static err_t remove_name(const struct lookup_context *c borrowed, bytes_t name, enum entry_kind kind,
	struct dentry **left borrowed)
{
	struct path parent path_auto = path_none();
	struct inode *victim object_auto(inode) = NULL;
	struct dentry *d object_auto(dentry) = NULL;
	struct last_component last = {};
	err_t e = entry_parent(c, name, &parent, &last);
	if (e)
		return e;
	if (last.kind != LAST_NORMAL)
		return remove_special(last.kind, kind);
	const bytes_t component = bytes_slice(name, last.offset, last.length);
	struct inode *dir = parent.dentry->inode;
	write_guard(&dir->directory_lock);
	e = dentry_lookup_locked(parent.dentry, component, &d);
	if (e)
		return e;
	if (dentry_is_negative(d))
		return -ENOENT;
	if (kind == ENTRY_FILE && last.trailing_slash)
		return d->inode->type == S_IFDIR ? -EISDIR : -ENOTDIR;
	e = remove_locked(&parent, d, component, kind, c);
	if (!e && atomic_u32_load(&d->mounts))
		*left = dentry_get(d);
	if (!e && notify_is_active())
		removal_announce(dir, component, &d, &victim);
	return e;
}

static err_t entry_remove(const struct lookup_context *c borrowed, bytes_t name, enum entry_kind kind)
{
	struct dentry *left object_auto(dentry) = NULL;
	const err_t e = remove_name(c, name, kind, &left);
	if (left)
		mount_detach_place(left);
	return e;
}

err_t entry_unlink(const struct lookup_context *c borrowed, bytes_t name)
{
	return entry_remove(c, name, ENTRY_FILE);
}

err_t entry_remove_directory(const struct lookup_context *c borrowed, bytes_t name)
{
	return entry_remove(c, name, ENTRY_FOLDER);
}
