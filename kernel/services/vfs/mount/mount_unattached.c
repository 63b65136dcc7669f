// SPDX-License-Identifier: MPL-2.0
// Trees of mounts that no namespace shows: what fsmount(2) and open_tree(2) make. An O_PATH file on the top keeps
// such a
// tree; its last put takes the tree apart, unless the tree has been attached meanwhile: then the namespace has
// taken over the tree's own reference, and the file only keeps its place.
#include <services/vfs/dentry.h>
#include <services/vfs/file.h>
#include <services/vfs/mount/mount_internal.h>

struct mount_keeper {
	struct object object;
	struct mount *top;	// reference of its own, besides the tree's; immutable
};
DECLARE_OBJECT(mount_keeper)

bool mount_is_unattached(const struct mount *m)
{
	return !m->namespace && !mount_has(m, MOUNT_DETACHED | MOUNT_INTERNAL);
}

static void keeper_let_go(struct mount *top, struct mount_order_list *doomed borrowed)
{
	mutex_guard(&mount_tree_lock);
	if (!mount_is_unattached(top))
		return;
	mount_tree_discard(top, doomed);
	atomic_u32_or(&top->flags, MOUNT_DETACHED);
	mount_order_list_append(doomed, top);	// with the tree's reference
}

static exclusive_access void mount_keeper_release(struct mount_keeper *k)
{
	struct mount_order_list doomed = {};
	if (!k->top)
		return;
	keeper_let_go(k->top, &doomed);
	mount_list_put_all(&doomed);
	mount_put(take(k->top));
}
DEFINE_OBJECT(mount_keeper, mount_keeper_release)

err_t mount_open_unattached(struct mount *top consumes, struct cred *cred, struct file **out borrowed)
{
	struct mount *tree object_auto(mount) = take(top);
	struct mount_keeper *k object_auto(mount_keeper) = mount_keeper_alloc();
	if (!k) {
		struct mount_order_list doomed = {};
		keeper_let_go(take(tree), &doomed);
		mount_list_put_all(&doomed);
		return -ENOMEM;
	}
	k->top = mount_get(tree);
	(void)take(tree);	// the keeper lets the tree's reference go from here on
	const struct path place = { k->top, k->top->root };
	struct file *f object_auto(file) = NULL;
	const err_t e = file_open_path(&place, OPEN_PATH, cred, &f);
	if (e)
		return e;
	f->private_object = &take(k)->object;
	*out = take(f);
	return OK;
}

static err_t copy_locked(const struct mounter *who borrowed, const struct path *from borrowed, enum mount_depth depth,
	struct mount **out borrowed)
{
	mutex_guard(&mount_tree_lock);
	return mount_clone_place(who, from, depth, out);
}

err_t mount_open_copy(const struct mounter *who borrowed, const struct path *from borrowed, enum mount_depth depth,
	struct file **out borrowed)
{
	struct mount *copy object_auto(mount) = NULL;
	err_t e = mount_check_privilege(who);
	if (!e)
		e = copy_locked(who, from, depth, &copy);
	return e ? e : mount_open_unattached(take(copy), who->cred, out);
}
