// SPDX-License-Identifier: MPL-2.0
// Flags and propagation of mounts that exist. source: mount_setattr(2), mount_namespaces(7)
#include <services/cred/user_namespace.h>
#include <services/vfs/dentry.h>
#include <services/vfs/mount/mount_internal.h>

// What a more privileged namespace restricted stays so, and its policy of access times.
void mount_lock_flags(struct mount *top)
{
	const u32 restrictions = MOUNT_READ_ONLY | MOUNT_NO_SUID | MOUNT_NO_DEVICES | MOUNT_NO_EXEC;
	for (struct mount *m = top; m; m = mount_tree_next(m, top))
		m->locked_flags |= (atomic_u32_load(&m->flags) & restrictions) | MOUNT_FLAGS_ACCESS_TIME;
}

err_t mount_check_flags(struct mount *m, u32 flags)
{
	const u32 old = atomic_u32_load(&m->flags);
	const u32 times = MOUNT_FLAGS_ACCESS_TIME;
	if (old & m->locked_flags & ~flags & ~times)
		return -EPERM;
	if ((m->locked_flags & times) && ((old ^ flags) & times))
		return -EPERM;
	return (flags & ~old & MOUNT_READ_ONLY) && atomic_u32_load(&m->writers) ? -EBUSY : OK;
}

void mount_store_flags(struct mount *m, u32 flags)
{
	const u32 old = atomic_u32_load(&m->flags);
	atomic_u32_store(&m->flags, (old & ~(u32)MOUNT_FLAGS_USER) | (flags & MOUNT_FLAGS_USER));
	mount_namespace_note_change(m->namespace);
}

static u32 revealing_lock(const struct mount *m) REQUIRES(mount_tree_lock);
static u32 revealing_lock(const struct mount *m)
{
	const bool is_read_only = (atomic_u32_load(&m->flags) & m->locked_flags & MOUNT_READ_ONLY) ||
		(atomic_u32_load(&m->superblock->flags) & SUPERBLOCK_READ_ONLY);
	return (m->locked_flags & MOUNT_FLAGS_ACCESS_TIME) | (is_read_only ? (u32)MOUNT_READ_ONLY : 0);
}

// Is all of the file system to be seen through m, with flags that allow at least as much as `flags`?
static bool mount_shows_all(struct mount *m, u32 flags) REQUIRES(mount_tree_lock);
static bool mount_shows_all(struct mount *m, u32 flags)
{
	const u32 own = atomic_u32_load(&m->flags), times = MOUNT_FLAGS_ACCESS_TIME;
	if (m->root != m->superblock->root_dentry)
		return false;
	if ((revealing_lock(m) & MOUNT_READ_ONLY) && !(flags & MOUNT_READ_ONLY))
		return false;
	if ((m->locked_flags & times) && ((own ^ flags) & times))
		return false;
	list_for_each(mount_list, child, &m->children) {
		if (mount_has(child, MOUNT_LOCKED) &&
			!(atomic_u32_load(&child->mountpoint->inode->state) & INODE_EMPTY_FOLDER))
			return false;
	}
	return true;
}

err_t mount_check_revealing(const struct mounter *who borrowed, struct mount *fresh)
{
	const struct file_system_type *type = fresh->superblock->type;
	struct mount_namespace *ns = who->namespace;
	if (!(type->flags & FILE_SYSTEM_REVEALING) || ns->base.owner == user_namespace_initial())
		return OK;
	list_for_each(mount_order_list, m, &ns->mounts) {
		if (m->superblock->type != type || !mount_shows_all(m, atomic_u32_load(&fresh->flags)))
			continue;
		fresh->locked_flags |= revealing_lock(m);
		return OK;
	}
	return -EPERM;
}

err_t mount_set_propagation(const struct mounter *who borrowed, const struct path *at borrowed,
	enum mount_propagation kind, enum mount_depth depth)
{
	const err_t e = mount_check_privilege(who);
	if (e)
		return e;
	if (!path_is_mount_root(at))
		return -EINVAL;
	mutex_guard(&mount_tree_lock);
	struct mount *top = at->mount;
	if (top->namespace != who->namespace)
		return -EINVAL;
	for (struct mount *m = top; m; m = depth == MOUNT_RECURSIVE ? mount_tree_next(m, top) : NULL)
		mount_change_propagation(m, kind);
	return OK;
}

// --- mount_setattr ----------------------------------------------------------------------------------

static struct mount *attributes_next(struct mount *m, struct mount *top,
	const struct mount_attributes *a borrowed) REQUIRES(mount_tree_lock);
static struct mount *attributes_next(struct mount *m, struct mount *top, const struct mount_attributes *a borrowed)
{
	return a->depth == MOUNT_RECURSIVE ? mount_tree_next(m, top) : NULL;
}

static u32 flags_after(const struct mount *m, const struct mount_attributes *a borrowed)
{
	return (atomic_u32_load(&m->flags) & ~a->clear) | a->set;
}

// -EPERM, -EINVAL: files may be open through it, so that their owners would change under their users.
static err_t check_idmap(const struct mounter *who borrowed, struct mount *m,
	const struct mount_attributes *a borrowed) REQUIRES(mount_tree_lock);
static err_t check_idmap(const struct mounter *who borrowed, struct mount *m, const struct mount_attributes *a borrowed)
{
	if (!a->idmap)
		return OK;
	if (m->idmap)
		return -EPERM;
	if (!(m->superblock->type->flags & FILE_SYSTEM_ID_MAP))
		return -EINVAL;
	if (!cred_has_capability(who->cred, m->superblock->user_ns, CAP_SYS_ADMIN))
		return -EPERM;
	if (!mount_is_unattached(m))
		return -EINVAL;
	return atomic_u32_load(&m->writers) ? -EBUSY : OK;
}

static void store_idmap(struct mount *m, const struct mount_attributes *a borrowed) REQUIRES(mount_tree_lock);
static void store_idmap(struct mount *m, const struct mount_attributes *a borrowed)
{
	if (a->idmap)
		m->idmap = user_namespace_get(a->idmap);
}

err_t mount_set_attributes(const struct mounter *who borrowed, const struct path *at borrowed,
	const struct mount_attributes *a borrowed)
{
	if (!path_is_mount_root(at))
		return -EINVAL;
	mutex_guard(&mount_tree_lock);
	struct mount *top = at->mount;
	if (top->namespace != who->namespace && !mount_is_unattached(top))
		return -EINVAL;
	for (struct mount *m = top; m; m = attributes_next(m, top, a)) {
		err_t e = mount_check_flags(m, flags_after(m, a));
		if (!e)
			e = check_idmap(who, m, a);
		if (e)
			return e;
	}
	for (struct mount *m = top; m; m = attributes_next(m, top, a)) {
		mount_store_flags(m, flags_after(m, a));
		store_idmap(m, a);
		if (a->has_propagation)
			mount_change_propagation(m, a->propagation);
	}
	mount_namespace_note_change(top->namespace);
	return OK;
}
