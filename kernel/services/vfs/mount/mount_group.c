// SPDX-License-Identifier: MPL-2.0
// Peer groups as users name them: joining another mount's (MOVE_MOUNT_SET_GROUP), and the group that a slave receives
// from as far as a process can see. source: move_mount(2), proc_pid_mountinfo(5)
#include <services/vfs/dentry.h>
#include <services/vfs/mount/mount_internal.h>

static bool is_attached(const struct mount *m)
{
	return m->namespace && !mount_has(m, MOUNT_DETACHED);
}

static err_t set_group_check(const struct mounter *who borrowed, const struct path *from borrowed,
	const struct path *to borrowed) REQUIRES(mount_tree_lock);
static err_t set_group_check(const struct mounter *who borrowed, const struct path *from borrowed,
	const struct path *to borrowed)
{
	struct mount *source = from->mount, *target = to->mount;
	if (!is_attached(source) || !is_attached(target))
		return -EINVAL;
	if (!cred_has_capability(who->cred, source->namespace->base.owner, CAP_SYS_ADMIN) ||
		!cred_has_capability(who->cred, target->namespace->base.owner, CAP_SYS_ADMIN))
		return -EPERM;
	if (!path_is_mount_root(from) || !path_is_mount_root(to) || source->superblock != target->superblock)
		return -EINVAL;
	// What the source's group does must have a place in the target.
	if (!dentry_is_below(target->root, source->root) || mount_has_locked_children(source, target->root))
		return -EINVAL;
	if (target->group || target->master)
		return -EINVAL;
	return source->group || source->master ? OK : -EINVAL;
}

err_t mount_set_group(const struct mounter *who borrowed, const struct path *from borrowed,
	const struct path *to borrowed)
{
	mutex_guard(&mount_tree_lock);
	const err_t e = set_group_check(who, from, to);
	if (e)
		return e;
	if (from->mount->master)
		mount_join_master(to->mount, from->mount->master);
	if (from->mount->group)
		mount_join_peers(to->mount, from->mount);
	return OK;
}

// Is a member of m's group in m's ring to be seen in this namespace below this root?
static bool group_is_visible(struct mount *m, struct mount_namespace *ns,
	const struct path *root borrowed) REQUIRES(mount_tree_lock);
static bool group_is_visible(struct mount *m, struct mount_namespace *ns, const struct path *root borrowed)
{
	struct mount *at = m;
	do {
		if (at->namespace == ns && mount_is_visible(at, root))
			return true;
		at = at->next_peer;
	} while (at && at != m);
	return false;
}

u32 mount_dominating_group(struct mount *m, const struct path *root borrowed)
{
	for (struct mount *master = m->master; master; master = master->master) {
		if (group_is_visible(master, m->namespace, root))
			return master->group;
	}
	return 0;
}
