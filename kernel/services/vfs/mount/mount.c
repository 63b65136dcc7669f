// SPDX-License-Identifier: MPL-2.0
// Mounts as objects, the table (parent, place) -> mount that path walks use, and attachment.
#include <services/vfs/dentry.h>
#include <services/vfs/fs_context.h>
#include <services/vfs/mount/mount_internal.h>

DEFINE_LIST(mount_hash_list, mount, hash_link)

#define MOUNT_BUCKETS 4096u
struct mutex mount_tree_lock = MUTEX_INIT(RANK_MOUNT_NAMESPACE);
struct spinlock mount_lock = SPINLOCK_INIT(RANK_MOUNT);
static struct mount_hash_list buckets[MOUNT_BUCKETS] GUARDED_BY(mount_lock);
static struct atomic_u64 next_id = ATOMIC_INIT(20);

static exclusive_access void mount_release(struct mount *m)
{
	if (m->mountpoint)
		dentry_put(take(m->mountpoint));
	if (m->parent)
		mount_put(take(m->parent));
	if (m->root)
		dentry_put(take(m->root));
	buf_free(take(m->source));
	if (m->idmap)
		user_namespace_put(take(m->idmap));
	if (m->superblock) {
		superblock_deactivate(m->superblock);
		superblock_put(take(m->superblock));
	}
}
DEFINE_OBJECT(mount, mount_release)

err_t mount_create(struct superblock *sb, struct dentry *root, bytes_t source, u32 flags, struct mount **out borrowed)
{
	struct mount *m object_auto(mount) = mount_alloc();
	if (!m)
		return -ENOMEM;
	if (bytes_len(source)) {
		m->source = buf_from(source);
		if (!m->source)
			return -ENOMEM;
	}
	const err_t e = superblock_activate(sb);
	if (e)
		return e;
	m->superblock = superblock_get(sb);
	m->root = dentry_get(root ? root : sb->root_dentry);
	m->id = atomic_u64_add(&next_id, 1);
	atomic_u32_store(&m->flags, flags);
	*out = take(m);
	return OK;
}

err_t mount_create_internal(const struct file_system_type *type, struct mount **out borrowed)
{
	const struct mount_request request = { .cred = cred_initial() };
	struct superblock *sb object_auto(superblock) = NULL;
	const err_t e = type->mount(type, &request, &sb);
	if (e)
		return e;
	return mount_create_internal_of(sb, out);
}

err_t mount_create_internal_of(struct superblock *sb, struct mount **out borrowed)
{
	return mount_create(sb, NULL, bytes_empty(), MOUNT_INTERNAL, out);
}

err_t mount_create_private(const struct path *p borrowed, u32 flags, struct mount **out borrowed)
{
	const err_t e = mount_create(p->mount->superblock, p->dentry, bytes_empty(), flags, out);
	if (!e && p->mount->idmap)
		(*out)->idmap = user_namespace_get(p->mount->idmap);
	return e;
}

err_t mount_check_writable(const struct mount *m borrowed)
{
	if (mount_has(m, MOUNT_READ_ONLY))
		return -EROFS;
	return atomic_u32_load_relaxed(&m->superblock->flags) & SUPERBLOCK_READ_ONLY ? -EROFS : OK;
}

// --- the table --------------------------------------------------------------------------------------

static struct mount_hash_list *bucket_of(const struct mount *parent, const struct dentry *at) REQUIRES(mount_lock);
static struct mount_hash_list *bucket_of(const struct mount *parent, const struct dentry *at)
{
	return array_ptr(buckets, (parent->id * 0x9e3779b97f4a7c15ul + at->seed) >> 52);
}

struct mount *mount_child_at(struct mount *parent, struct dentry *at)
{
	spin_guard(&mount_lock);
	list_for_each(mount_hash_list, m, bucket_of(parent, at)) {
		if (m->parent == parent && m->mountpoint == at)
			return mount_get(m);
	}
	return NULL;
}

void mount_cross_down(struct path *p borrowed)
{
	while (atomic_u32_load_relaxed(&p->dentry->mounts) != 0) {
		struct mount *m object_auto(mount) = mount_child_at(p->mount, p->dentry);
		if (!m)
			return;
		struct dentry *root object_auto(dentry) = dentry_get(m->root);
		atomic_u32_add(&m->walks, 1);
		path_put(p);
		p->mount = take(m);
		p->dentry = take(root);
	}
}

static bool place_of(struct mount *m, struct path *out borrowed)
{
	spin_guard(&mount_lock);
	if (!m->parent)
		return false;
	out->mount = mount_get(m->parent);
	out->dentry = dentry_get(m->mountpoint);
	return true;
}

bool mount_cross_up(struct path *p borrowed)
{
	struct path up path_auto = path_none();
	if (!place_of(p->mount, &up))
		return false;
	path_put(p);
	p->mount = take(up.mount);
	p->dentry = take(up.dentry);
	return true;
}

// --- attachment -------------------------------------------------------------------------------------

void mount_attach(struct mount *m, struct mount *parent, struct dentry *at)
{
	struct mount *up object_auto(mount) = mount_get(parent);
	struct dentry *place object_auto(dentry) = dentry_get(at);
	atomic_u32_add(&at->mounts, 1);
	mount_list_append(&parent->children, m);
	spin_guard(&mount_lock);
	m->parent = take(up);
	m->mountpoint = take(place);
	mount_hash_list_push(bucket_of(parent, at), m);
}

void mount_detach(struct mount *m, struct path *was borrowed)
{
	if (!m->parent)
		return;
	atomic_u32_sub(&m->mountpoint->mounts, 1);
	mount_list_remove(&m->parent->children, m);
	spin_guard(&mount_lock);
	mount_hash_list_remove(bucket_of(m->parent, m->mountpoint), m);
	was->mount = take(m->parent);
	was->dentry = take(m->mountpoint);
}

struct mount *mount_tree_next(struct mount *m, struct mount *top)
{
	struct mount *next = mount_list_first(&m->children);
	while (!next && m != top) {
		next = mount_list_next(m);
		m = m->parent;
	}
	return next;
}

bool mount_is_below(struct mount *m, struct mount *ancestor)
{
	for (; m; m = m->parent) {
		if (m == ancestor)
			return true;
	}
	return false;
}

void mount_list_put_all(struct mount_order_list *doomed borrowed)
{
	for (struct mount *m = mount_order_list_pop(doomed); m; m = mount_order_list_pop(doomed))
		mount_put(take(m));
}

// --- places that go ---------------------------------------------------------------------------------

// A mount of bucket n at that place; of namespace `ns` only, unless that is NULL.
static struct mount *bucket_find(u32 n, struct dentry *at, struct mount_namespace *ns) owned;
static struct mount *bucket_find(u32 n, struct dentry *at, struct mount_namespace *ns)
{
	spin_guard(&mount_lock);
	list_for_each(mount_hash_list, m, array_ptr(buckets, n)) {
		if (m->mountpoint == at && (!ns || m->namespace == ns))
			return mount_get(m);
	}
	return NULL;
}

bool mount_may_leave_place(struct dentry *d, struct fs_context *fs)
{
	if (atomic_u32_load(&d->mounts) == 0)
		return true;
	struct path root path_auto = path_none();
	fs_context_root(fs, &root);
	for (u32 n = 0; n < MOUNT_BUCKETS && root.mount->namespace; n++) {
		struct mount *m object_auto(mount) = bucket_find(n, d, root.mount->namespace);
		if (m)
			return false;
	}
	return true;
}

static void place_clear(struct dentry *d, struct mount_order_list *doomed borrowed) REQUIRES(mount_tree_lock);
static void place_clear(struct dentry *d, struct mount_order_list *doomed borrowed)
{
	for (u32 n = 0; n < MOUNT_BUCKETS && atomic_u32_load(&d->mounts); n++) {
		for (;;) {
			struct mount *m object_auto(mount) = bucket_find(n, d, NULL);
			if (!m)
				break;
			mount_tree_remove(m, MOUNT_REMOVE_HERE, doomed);
		}
	}
}

void mount_detach_place(struct dentry *d)
{
	if (atomic_u32_load(&d->mounts) == 0)
		return;
	struct mount_order_list doomed = {};
	{
		mutex_guard(&mount_tree_lock);
		place_clear(d, &doomed);
	}
	mount_list_put_all(&doomed);
}
