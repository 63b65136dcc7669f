// SPDX-License-Identifier: MPL-2.0
// Mount namespaces.
#include <core/debug.h>
#include <services/vfs/dentry.h>
#include <services/vfs/file.h>
#include <services/vfs/fs_context.h>
#include <services/vfs/mount/mount_internal.h>
#include <services/vfs/vfs.h>

static struct spinlock initial_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct mount_namespace *initial GUARDED_BY(initial_lock);
// Of all namespaces: one of them may go while a file of /proc that shows it is polled.
static struct wait_queue any_changed = WAIT_QUEUE_INIT;
struct atomic_u32 mount_limit = ATOMIC_INIT(MOUNTS_PER_NAMESPACE);

static exclusive_access void mount_namespace_release(struct mount_namespace *ns)
{
	struct mount_order_list doomed = {};
	if (ns->root) {
		mutex_guard(&mount_tree_lock);
		struct mount *top = take(ns->root);
		mount_tree_remove(top, MOUNT_REMOVE_HERE, &doomed);
	}
	mount_list_put_all(&doomed);
	namespace_fini(&ns->base);
}
DEFINE_DERIVED_SHARED(mount_namespace, namespace, mount_namespace_release)

struct mount_namespace *mount_namespace_from(struct namespace *n)
{
	return mount_namespace_from_namespace(n);
}

struct mount_namespace *mount_namespace_initial(void)
{
	spin_guard(&initial_lock);
	return initial;
}

static struct mount_namespace *mount_namespace_make(struct user_namespace *owner) owned;
static struct mount_namespace *mount_namespace_make(struct user_namespace *owner)
{
	struct mount_namespace *ns object_auto(mount_namespace) = mount_namespace_alloc();
	if (!ns)
		return NULL;
	namespace_init(&ns->base, NAMESPACE_MOUNT, owner);
	return take(ns);
}

void mount_namespace_note_change(struct mount_namespace *ns)
{
	if (!ns)
		return;
	atomic_u64_add(&ns->version, 1);
	wait_queue_wake_all(&any_changed, ~0u);
}

u64 mount_namespace_version(struct mount_namespace *ns, struct poll_request *r)
{
	poll_add(r, &any_changed);
	return atomic_u64_load(&ns->version);
}

bool mount_namespace_is_left(struct mount_namespace *ns, struct fs_context *fs)
{
	struct path top path_auto = path_none(), root path_auto = path_none();
	mount_namespace_root(ns, &top);
	fs_context_root(fs, &root);
	return top.mount != root.mount || top.dentry != root.dentry;
}

void mount_namespace_root(struct mount_namespace *ns, struct path *out borrowed)
{
	{
		mutex_guard(&mount_tree_lock);
		out->mount = mount_get(ns->root);
		out->dentry = dentry_get(ns->root->root);
	}
	mount_cross_down(out);
}

err_t mount_namespace_enter(struct mount_namespace *ns, struct fs_context *fs)
{
	struct path root path_auto = path_none();
	mount_namespace_root(ns, &root);
	fs_context_set_root(fs, &root);
	fs_context_set_working(fs, &root);
	return OK;
}

err_t mount_tree_expect(struct mount *top, struct mount_namespace *ns)
{
	usize count = 0;
	for (struct mount *m = top; m; m = mount_tree_next(m, top))
		count++;
	if (mount_order_list_count(&ns->mounts) + ns->expected + count > atomic_u32_load(&mount_limit))
		return -ENOSPC;
	ns->expected += count;
	return OK;
}

void mount_tree_add(struct mount *top, struct mount_namespace *ns)
{
	for (struct mount *m = top; m; m = mount_tree_next(m, top)) {
		m->namespace = ns;
		mount_order_list_append(&ns->mounts, m);
	}
	mount_namespace_note_change(ns);
}

err_t mount_tree_enter(struct mount *top, struct mount_namespace *ns)
{
	const err_t e = mount_tree_expect(top, ns);
	ns->expected = 0;
	if (!e)
		mount_tree_add(top, ns);
	return e;
}

// --- copies -----------------------------------------------------------------------------------------

// The context's places in the old tree become the same folders of the corresponding mounts.
static void context_follow(struct fs_context *fs, struct mount *old_top,
	struct mount *new_top) REQUIRES(mount_tree_lock);
static void context_follow(struct fs_context *fs, struct mount *old_top, struct mount *new_top)
{
	struct path root path_auto = path_none();
	struct path working path_auto = path_none();
	fs_context_root(fs, &root);
	fs_context_working(fs, &working);
	struct mount *to = new_top;
	// Both trees have the same shape: unbindable mounts are copied too.
	for (struct mount *m = old_top; m && to; m = mount_tree_next(m, old_top), to = mount_tree_next(to, new_top)) {
		if (root.mount == m) {
			const struct path place = { to, root.dentry };
			fs_context_set_root(fs, &place);
		}
		if (working.mount == m) {
			const struct path place = { to, working.dentry };
			fs_context_set_working(fs, &place);
		}
	}
}

static err_t namespace_fill(struct mount_namespace *ns, struct mount_namespace *from, struct fs_context *fs,
	enum mount_clone_kind kind, u32 options, struct mount_order_list *doomed borrowed)
{
	struct mount *copy object_auto(mount) = NULL;
	mutex_guard(&mount_tree_lock);
	err_t e = mount_tree_clone(from->root, from->root->root, kind, options, &copy);
	if (e)
		return e;
	e = mount_tree_enter(copy, ns);
	if (e) {
		mount_tree_discard(copy, doomed);
		return e;
	}
	struct mount *top = take(copy);
	ns->root = top;
	if (options & MOUNT_CLONE_LOCK)
		mount_lock_flags(top);
	if (fs)
		context_follow(fs, from->root, top);
	return OK;
}

err_t mount_namespace_copy(struct mount_namespace *from, struct user_namespace *owner, struct fs_context *fs,
	struct mount_namespace **out borrowed)
{
	struct mount_namespace *ns object_auto(mount_namespace) = mount_namespace_make(owner);
	struct mount_order_list doomed = {};
	if (!ns)
		return -ENOMEM;
	const bool less = owner != from->base.owner;
	const err_t e = namespace_fill(ns, from, fs, less ? MOUNT_CLONE_SLAVE : MOUNT_CLONE_LIKE,
				       MOUNT_CLONE_UNBINDABLE | (less ? (u32)MOUNT_CLONE_LOCK : 0), &doomed);
	mount_list_put_all(&doomed);
	if (e)
		return e;
	*out = take(ns);
	return OK;
}

err_t vfs_mount_root(void)
{
	const struct file_system_type *type = file_system_find(STR("rootfs"));
	const struct mount_request request = { .cred = cred_initial() };
	struct superblock *sb object_auto(superblock) = NULL;
	struct mount *m object_auto(mount) = NULL;
	struct mount_namespace *ns object_auto(mount_namespace) = mount_namespace_make(user_namespace_initial());
	if (!type)
		return -ENODEV;
	if (!ns)
		return -ENOMEM;
	err_t e = type->mount(type, &request, &sb);
	if (e)
		return e;
	e = mount_create(sb, NULL, STR("rootfs"), 0, &m);
	if (e)
		return e;
	{
		mutex_guard(&mount_tree_lock);
		struct mount *top = take(m);
		ns->root = top;
		e = mount_tree_enter(top, ns);
		if (e)
			return e;
	}
	spin_guard(&initial_lock);
	initial = take(ns);
	return OK;
}

err_t vfs_init(void)
{
	dentry_cache_init();
	inode_cache_init();
	fs_context_table_init();
	superblock_flush_init();
	file_system_init_limit();
	return file_system_init_anonymous();
}
