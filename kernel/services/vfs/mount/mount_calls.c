// SPDX-License-Identifier: MPL-2.0
// mount(2), umount2(2), pivot_root(2): who may, what is refused, and then one change under the tree lock.
#include <services/cred/user_namespace.h>
#include <services/block/block_device.h>
#include <services/cgroup/cgroup_device.h>
#include <services/vfs/dentry.h>
#include <services/vfs/fs_context.h>
#include <services/vfs/mount/mount_internal.h>

#define NSFS_MAGIC 0x6e736673u

err_t mount_check_privilege(const struct mounter *who borrowed)
{
	// Who has given up places may not lay others over them.
	if (who->cred->domain)
		return -EPERM;
	return cred_has_capability(who->cred, who->namespace->base.owner, CAP_SYS_ADMIN) ? OK : -EPERM;
}

// The place where something may be mounted now: the topmost mount there, not removed, of our namespace.
static err_t place_check(const struct mounter *who borrowed, struct path *at borrowed) REQUIRES(mount_tree_lock);
static err_t place_check(const struct mounter *who borrowed, struct path *at borrowed)
{
	mount_cross_down(at);
	if (at->mount->namespace != who->namespace)
		return -EINVAL;
	return dentry_is_deleted(at->dentry) ? -ENOENT : OK;
}

static err_t graft(struct mount *tree, const struct path *at borrowed,
	struct mount_order_list *doomed borrowed) REQUIRES(mount_tree_lock);
static err_t graft(struct mount *tree, const struct path *at borrowed, struct mount_order_list *doomed borrowed)
{
	if ((tree->root->inode->type == S_IFDIR) != (at->dentry->inode->type == S_IFDIR))
		return -ENOTDIR;
	// Who removes the name later sees that something is mounted; who removed it just now is seen here.
	atomic_u32_add(&at->dentry->mounts, 1);
	err_t e = dentry_is_deleted(at->dentry) ? -ENOENT : OK;
	if (!e)
		e = mount_attach_propagated(tree, at->mount, at->dentry, doomed);
	atomic_u32_sub(&at->dentry->mounts, 1);
	return e;
}

// --- a new file system ------------------------------------------------------------------------------

static err_t new_mount_attach(const struct mounter *who borrowed, struct mount *m, struct path *at borrowed,
	struct mount_order_list *doomed borrowed)
{
	mutex_guard(&mount_tree_lock);
	err_t e = place_check(who, at);
	if (!e)
		e = mount_check_revealing(who, m);
	if (e)
		return e;
	if (at->mount->superblock == m->superblock && at->dentry == at->mount->root && m->root == at->dentry)
		return -EBUSY;
	return graft(m, at, doomed);
}

// The block device that `source` names. -ENOTBLK, -ENXIO.
static struct block_device *source_device(const struct mounter *who borrowed,
	const struct mount_request *request borrowed, err_t *err borrowed) owned;
static struct block_device *source_device(const struct mounter *who borrowed,
	const struct mount_request *request borrowed, err_t *err borrowed)
{
	struct lookup_context c = { .cred = who->cred, .fs = who->fs, .flags = LOOKUP_FOLLOW };
	struct path p path_auto = path_none();
	*err = path_lookup(&c, request->source, &p);
	if (*err)
		return NULL;
	*err = -ENOTBLK;
	if (path_inode(&p)->type != S_IFBLK)
		return NULL;
	*err = mount_has(p.mount, MOUNT_NO_DEVICES) ? -EACCES : OK;
	if (!*err)
		*err = cgroup_check_device(CGROUP_DEVICE_BLOCK, path_inode(&p)->device,
			CGROUP_DEVICE_READ | (request->flags & SUPERBLOCK_READ_ONLY ? 0u : (u32)CGROUP_DEVICE_WRITE));
	if (*err)
		return NULL;
	*err = -ENXIO;
	return block_device_find(path_inode(&p)->device);
}

static err_t mount_on_device(const struct file_system_type *type, struct mount_request *request borrowed,
	struct block_device *device, struct superblock **out borrowed)
{
	for (;;) {
		struct superblock *in_use object_auto(superblock) = superblock_find_device(type, device);
		if (in_use) {
			const u32 read_only = atomic_u32_load(&in_use->flags) & SUPERBLOCK_READ_ONLY;
			if (read_only != (request->flags & SUPERBLOCK_READ_ONLY))
				return -EBUSY;
			*out = take(in_use);
			return OK;
		}
		request->device = device;
		const err_t e = type->mount(type, request, out);
		if (e != -EAGAIN)
			return e;	// else somebody has mounted it in between
	}
}

static err_t open_superblock(const struct mounter *who borrowed, const struct file_system_type *type,
	struct mount_request *request borrowed, struct superblock **out borrowed)
{
	if (!(type->flags & FILE_SYSTEM_NEEDS_DEVICE))
		return type->mount(type, request, out);
	err_t e = OK;
	struct block_device *device object_auto(block_device) = source_device(who, request, &e);
	return device ? mount_on_device(type, request, device, out) : e;
}

err_t mount_open(const struct mounter *who borrowed, const struct file_system_type *type,
	struct mount_request *request borrowed, bytes_t source, u32 flags, struct mount **out borrowed)
{
	for (;;) {
		struct superblock *sb object_auto(superblock) = NULL;
		err_t e = open_superblock(who, type, request, &sb);
		if (e)
			return e;
		e = mount_create(sb, NULL, source, flags, out);
		if (e != -EBUSY || !atomic_u32_load(&sb->has_ended))
			return e;	// else its last mount has gone since it was found: once more
	}
}

err_t mount_check_type(const struct mounter *who borrowed, const struct file_system_type *type)
{
	if ((type->flags & FILE_SYSTEM_USER_MOUNT) ||
		cred_has_capability(who->cred, user_namespace_initial(), CAP_SYS_ADMIN))
		return OK;
	return -EPERM;
}

err_t mount_new(const struct mounter *who borrowed, const struct path *at borrowed, bytes_t type_name, bytes_t source,
		u32 flags, u32 sb_flags, bytes_t options)
{
	err_t e = mount_check_privilege(who);
	if (e)
		return e;
	const struct file_system_type *type = file_system_find(type_name);
	if (!type)
		return -ENODEV;
	e = mount_check_type(who, type);
	if (e)
		return e;
	struct mount_request request = { .source = source, .options = options, .flags = sb_flags, .cred = who->cred,
		.fs = who->fs, .namespaces = who->namespaces };
	struct mount *m object_auto(mount) = NULL;
	struct path place path_auto = path_copy(at);
	struct mount_order_list doomed = {};
	e = mount_open(who, type, &request, source, flags, &m);
	if (e)
		return e;
	e = new_mount_attach(who, m, &place, &doomed);
	if (!e)
		(void)take(m);	// the tree's now
	mount_list_put_all(&doomed);
	return e;
}

// --- bind -------------------------------------------------------------------------------------------

bool mount_has_locked_children(struct mount *m, struct dentry *root)
{
	list_for_each(mount_list, child, &m->children) {
		if (mount_has(child, MOUNT_LOCKED) && dentry_is_below(child->mountpoint, root))
			return true;
	}
	return false;
}

static err_t bind_source_check(const struct mounter *who borrowed, const struct path *from borrowed,
	enum mount_depth depth) REQUIRES(mount_tree_lock);
static err_t bind_source_check(const struct mounter *who borrowed, const struct path *from borrowed,
	enum mount_depth depth)
{
	struct mount *m = from->mount;
	if (m->unbindable)
		return -EINVAL;
	const bool is_namespace_file = mount_has(m, MOUNT_INTERNAL) && m->superblock->type->magic == NSFS_MAGIC;
	if (m->namespace != who->namespace && !is_namespace_file)
		return -EINVAL;
	const u64 number = mount_namespace_number_of(from->dentry);
	if (number && number <= who->namespace->base.number)
		return -EINVAL;		// it would hold itself, or one that may hold it
	return depth == MOUNT_ONE && mount_has_locked_children(m, from->dentry) ? -EINVAL : OK;
}

err_t mount_clone_place(const struct mounter *who borrowed, const struct path *from borrowed, enum mount_depth depth,
	struct mount **out borrowed)
{
	struct mount *copy object_auto(mount) = NULL;
	err_t e = bind_source_check(who, from, depth);
	if (e)
		return e;
	if (depth == MOUNT_RECURSIVE)
		e = mount_tree_clone(from->mount, from->dentry, MOUNT_CLONE_LIKE, MOUNT_CLONE_NAMESPACES, &copy);
	else
		e = mount_clone(from->mount, from->dentry, MOUNT_CLONE_LIKE, &copy);
	if (e)
		return e;
	atomic_u32_and(&copy->flags, ~(u32)MOUNT_LOCKED);
	*out = take(copy);
	return OK;
}

static err_t bind_locked(const struct mounter *who borrowed, const struct path *from borrowed,
	struct path *at borrowed, enum mount_depth depth, struct mount_order_list *doomed borrowed)
{
	mutex_guard(&mount_tree_lock);
	err_t e = place_check(who, at);
	if (e)
		return e;
	struct mount *copy object_auto(mount) = NULL;
	e = mount_clone_place(who, from, depth, &copy);
	if (e)
		return e;
	e = graft(copy, at, doomed);
	if (e)
		mount_tree_discard(copy, doomed);
	else
		(void)take(copy);
	return e;
}

err_t mount_bind(const struct mounter *who borrowed, const struct path *from borrowed, const struct path *at borrowed,
	enum mount_depth depth)
{
	err_t e = mount_check_privilege(who);
	if (e)
		return e;
	struct mount_order_list doomed = {};
	struct path place path_auto = path_copy(at);
	e = bind_locked(who, from, &place, depth, &doomed);
	mount_list_put_all(&doomed);
	return e;
}

// --- move -------------------------------------------------------------------------------------------

static bool tree_has_unbindable(struct mount *top) REQUIRES(mount_tree_lock);
static bool tree_has_unbindable(struct mount *top)
{
	for (struct mount *m = top; m; m = mount_tree_next(m, top)) {
		if (m->unbindable)
			return true;
	}
	return false;
}

// An unattached tree may have been made by somebody of another namespace.
static bool tree_makes_ring(struct mount *top, const struct mount_namespace *ns borrowed) REQUIRES(mount_tree_lock);
static bool tree_makes_ring(struct mount *top, const struct mount_namespace *ns borrowed)
{
	for (struct mount *m = top; m; m = mount_tree_next(m, top)) {
		const u64 number = mount_namespace_number_of(m->root);
		if (number && number <= ns->base.number)
			return true;
	}
	return false;
}

static err_t move_check(const struct mounter *who borrowed, const struct path *from borrowed,
	const struct path *at borrowed) REQUIRES(mount_tree_lock);
static err_t move_check(const struct mounter *who borrowed, const struct path *from borrowed,
	const struct path *at borrowed)
{
	struct mount *m = from->mount;
	if (m->parent ? m->namespace != who->namespace : !mount_is_unattached(m))
		return -EINVAL;
	if (!path_is_mount_root(from) || mount_has(m, MOUNT_LOCKED))
		return -EINVAL;
	if ((m->root->inode->type == S_IFDIR) != (at->dentry->inode->type == S_IFDIR))
		return -EINVAL;
	if (m->parent && m->parent->group)
		return -EINVAL;
	if ((at->mount->group && tree_has_unbindable(m)) || tree_makes_ring(m, who->namespace))
		return -EINVAL;
	return mount_is_below(at->mount, m) ? -ELOOP : OK;
}

static err_t move_locked(const struct mounter *who borrowed, const struct path *from borrowed,
	struct path *at borrowed, struct path *was borrowed, struct mount_order_list *doomed borrowed)
{
	mutex_guard(&mount_tree_lock);
	err_t e = place_check(who, at);
	if (e)
		return e;
	e = move_check(who, from, at);
	if (e)
		return e;
	mount_detach(from->mount, was);
	e = graft(from->mount, at, doomed);
	if (e && was->mount)
		mount_attach(from->mount, was->mount, was->dentry);
	return e;
}

err_t mount_move(const struct mounter *who borrowed, const struct path *from borrowed, const struct path *at borrowed)
{
	err_t e = mount_check_privilege(who);
	if (e)
		return e;
	struct mount_order_list doomed = {};
	struct path place path_auto = path_copy(at);
	struct path was path_auto = path_none();
	e = move_locked(who, from, &place, &was, &doomed);
	mount_list_put_all(&doomed);
	return e;
}

// --- flags ------------------------------------------------------------------------------------------

static err_t flags_change(const struct mounter *who borrowed, const struct path *at borrowed,
	u32 flags) REQUIRES(mount_tree_lock);
static err_t flags_change(const struct mounter *who borrowed, const struct path *at borrowed, u32 flags)
{
	struct mount *m = at->mount;
	if (m->namespace != who->namespace || !path_is_mount_root(at))
		return -EINVAL;
	const err_t e = mount_check_flags(m, flags);
	if (e)
		return e;
	mount_store_flags(m, flags);
	return OK;
}

err_t mount_change_flags(const struct mounter *who borrowed, const struct path *at borrowed, u32 flags)
{
	const err_t e = mount_check_privilege(who);
	if (e)
		return e;
	mutex_guard(&mount_tree_lock);
	return flags_change(who, at, flags);
}

err_t mount_remount_superblock(struct superblock *sb, u32 sb_flags, bytes_t options)
{
	if ((sb_flags & SUPERBLOCK_READ_ONLY) && !(atomic_u32_load(&sb->flags) & SUPERBLOCK_READ_ONLY)) {
		if (atomic_u32_load(&sb->writers))
			return -EBUSY;
		const err_t e = superblock_sync(sb);
		if (e)
			return e;
	}
	if (sb->ops->remount) {
		const err_t e = sb->ops->remount(sb, sb_flags, options);
		if (e)
			return e;
	}
	// The file system may have changed others of them.
	if (sb_flags & SUPERBLOCK_READ_ONLY)
		atomic_u32_or(&sb->flags, SUPERBLOCK_READ_ONLY);
	else
		atomic_u32_and(&sb->flags, ~(u32)SUPERBLOCK_READ_ONLY);
	return OK;
}

err_t mount_remount(const struct mounter *who borrowed, const struct path *at borrowed, u32 flags, u32 sb_flags,
	bytes_t options)
{
	err_t e = mount_check_privilege(who);
	if (e)
		return e;
	struct superblock *sb = at->mount->superblock;
	if (!path_is_mount_root(at))
		return -EINVAL;
	if (!cred_has_capability(who->cred, sb->user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	e = mount_remount_superblock(sb, sb_flags, options);
	if (e)
		return e;
	mutex_guard(&mount_tree_lock);
	return flags_change(who, at, flags);
}

// --- unmount ----------------------------------------------------------------------------------------

// Who may still hold a mount that is to go: the tree, and the caller's own path.
#define IDLE_REFERENCES 2u

static bool mount_is_idle(struct mount *m) REQUIRES(mount_tree_lock);
static bool mount_is_idle(struct mount *m)
{
	return mount_list_is_empty(&m->children) && object_references(&m->object) <= IDLE_REFERENCES;
}

// MNT_EXPIRE: the second call in a row, with nobody having walked in between. Each call's own walk counts one.
static bool expire_is_due(struct mount *m) REQUIRES(mount_tree_lock);
static bool expire_is_due(struct mount *m)
{
	const u32 walks = atomic_u32_load(&m->walks);
	const bool due = m->expire_mark && walks == m->expire_mark;
	m->expire_mark = walks + 1;
	return due;
}

static err_t unmount_locked(const struct mounter *who borrowed, const struct path *at borrowed, u32 flags,
	struct mount_order_list *doomed borrowed)
{
	struct mount *m = at->mount;
	mutex_guard(&mount_tree_lock);
	if (m->namespace != who->namespace || mount_has(m, MOUNT_LOCKED))
		return -EINVAL;
	if (!m->parent)
		return -EINVAL;
	if ((flags & UNMOUNT_EXPIRE) && !expire_is_due(m))
		return mount_is_idle(m) ? -EAGAIN : -EBUSY;
	if (!(flags & UNMOUNT_DETACH)) {
		if (!mount_is_idle(m))
			return -EBUSY;
		const err_t e = mount_check_copies_idle(m);
		if (e)
			return e;
	}
	mount_tree_remove(m, MOUNT_REMOVE_PROPAGATED, doomed);
	return OK;
}

err_t mount_unmount(const struct mounter *who borrowed, const struct path *at borrowed, u32 flags)
{
	err_t e = mount_check_privilege(who);
	if (e)
		return e;
	if (!path_is_mount_root(at))
		return -EINVAL;
	struct mount_order_list doomed = {};
	e = unmount_locked(who, at, flags, &doomed);
	mount_list_put_all(&doomed);
	return e;
}

// --- pivot_root -------------------------------------------------------------------------------------

// Is p below `above` in the tree of mounts and folders?
static bool path_is_below(const struct path *p borrowed, const struct path *above borrowed) REQUIRES(mount_tree_lock);
static bool path_is_below(const struct path *p borrowed, const struct path *above borrowed)
{
	struct mount *m = p->mount;
	struct dentry *d = p->dentry;
	while (m != above->mount && m->parent) {
		d = m->mountpoint;
		m = m->parent;
	}
	return m == above->mount && dentry_is_below(d, above->dentry);
}

static err_t pivot_check(const struct mounter *who borrowed, const struct path *root borrowed,
	const struct path *new_root borrowed, const struct path *put_old borrowed) REQUIRES(mount_tree_lock);
static err_t pivot_check(const struct mounter *who borrowed, const struct path *root borrowed,
	const struct path *new_root borrowed, const struct path *put_old borrowed)
{
	struct mount *const old = root->mount, *const fresh = new_root->mount;
	if (put_old->mount->group || (fresh->parent && fresh->parent->group) || (old->parent && old->parent->group))
		return -EINVAL;
	if (old->namespace != who->namespace || fresh->namespace != who->namespace || mount_has(fresh, MOUNT_LOCKED))
		return -EINVAL;
	if (dentry_is_deleted(new_root->dentry) || dentry_is_deleted(put_old->dentry))
		return -ENOENT;
	if (fresh == old || put_old->mount == old)
		return -EBUSY;
	if (!path_is_mount_root(root) || !old->parent || !path_is_mount_root(new_root) || !fresh->parent)
		return -EINVAL;
	return path_is_below(put_old, new_root) && path_is_below(new_root, root) ? OK : -EINVAL;
}

static err_t pivot_locked(const struct mounter *who borrowed, const struct path *root borrowed,
	const struct path *new_root borrowed, const struct path *put_old borrowed,
			  struct path *was borrowed, struct path *place borrowed)
{
	mutex_guard(&mount_tree_lock);
	const err_t e = pivot_check(who, root, new_root, put_old);
	if (e)
		return e;
	mount_detach(new_root->mount, was);
	mount_detach(root->mount, place);
	if (atomic_u32_load(&root->mount->flags) & MOUNT_LOCKED) {
		atomic_u32_or(&new_root->mount->flags, MOUNT_LOCKED);
		atomic_u32_and(&root->mount->flags, ~(u32)MOUNT_LOCKED);
	}
	mount_attach(new_root->mount, place->mount, place->dentry);
	mount_attach(root->mount, put_old->mount, put_old->dentry);
	mount_namespace_note_change(who->namespace);
	return OK;
}

err_t mount_pivot_root(const struct mounter *who borrowed, const struct path *new_root borrowed,
	const struct path *put_old borrowed)
{
	err_t e = mount_check_privilege(who);
	if (e)
		return e;
	struct path root path_auto = path_none();
	struct path was path_auto = path_none();
	struct path place path_auto = path_none();
	fs_context_root(who->fs, &root);
	e = pivot_locked(who, &root, new_root, put_old, &was, &place);
	if (e)
		return e;
	fs_context_replace_all(&root, new_root);
	return OK;
}
