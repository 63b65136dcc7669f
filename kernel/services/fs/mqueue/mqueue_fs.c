// SPDX-License-Identifier: MPL-2.0
// The file system: one folder of queues. Each IPC namespace has one superblock, held by an internal mount that its
// tables hold; mount(2) shows the same one. A mount may outlive its namespace: then the queues stay with it.
#include <services/fs/mqueue/mqueue_internal.h>
#include <services/ipc/ipc_table.h>
#include <services/process/thread.h>
#include <services/vfs/dentry.h>
#include <services/vfs/entry.h>
#include <services/vfs/fs_context.h>
#include <services/vfs/mount.h>

#define MQUEUE_MAGIC 0x19800202u
#define ENTRY_SIZE 20u

static exclusive_access void mqueue_space_release(struct mqueue_space *s)
{
	atomic_u32_store(&s->queues, 0);
}
DEFINE_OBJECT(mqueue_space, mqueue_space_release)

static exclusive_access void mqueue_entry_release(struct mqueue_entry *e)
{
	if (e->inode)
		inode_put(take(e->inode));
	buf_free(take(e->name));
}
DEFINE_OBJECT(mqueue_entry, mqueue_entry_release)

static exclusive_access void mqueue_inode_release(struct mqueue_inode *n)
{
	for (;;) {
		struct mqueue_entry *e object_auto(mqueue_entry) = mqueue_entry_list_pop(&n->entries);
		if (!e)
			break;
	}
	mqueue_queue_tear_down(n);
	inode_fini(&n->base);
}
DEFINE_DERIVED(mqueue_inode, inode, mqueue_inode_release)

static exclusive_access void mqueue_superblock_release(struct mqueue_superblock *sb)
{
	superblock_fini(&sb->base);
	if (sb->space)
		mqueue_space_put(take(sb->space));
}
DEFINE_DERIVED(mqueue_superblock, superblock, mqueue_superblock_release)

struct mqueue_inode *mqueue_inode_of(struct inode *i)
{
	return mqueue_inode_from_inode(i);
}

// --- the folder -------------------------------------------------------------------------------------

static struct mqueue_entry *entry_find(struct mqueue_inode *dir, bytes_t name)
{
	list_for_each(mqueue_entry_list, e, &dir->entries) {
		if (bytes_equal(buf_bytes(e->name), name))
			return e;
	}
	return NULL;
}

static err_t folder_lookup(struct inode *dir, bytes_t name, struct inode **out borrowed)
{
	struct mqueue_entry *e = entry_find(mqueue_inode_of(dir), name);
	if (!e)
		return -ENOENT;
	*out = inode_get(e->inode);
	return OK;
}

static err_t folder_add(struct inode *i, bytes_t name, struct inode *child)
{
	struct mqueue_inode *dir = mqueue_inode_of(i);
	struct mqueue_entry *e object_auto(mqueue_entry) = mqueue_entry_alloc();
	if (!e)
		return -ENOMEM;
	e->name = buf_from(name);
	if (!e->name)
		return -ENOMEM;
	e->inode = inode_get(child);
	e->place = dir->next_place++;
	mqueue_entry_list_append(&dir->entries, take(e));
	atomic_u64_add(&i->size, ENTRY_SIZE);
	inode_touch(i, TOUCH_MODIFY | TOUCH_CHANGE);
	return OK;
}

static err_t inode_make(struct superblock *sb, u32 mode, struct inode **out borrowed);

static err_t folder_create(struct inode *dir, bytes_t name, u32 mode, u64 device, const struct cred *cred borrowed,
	struct inode **out borrowed)
{
	struct inode *child object_auto(inode) = NULL;
	struct mqueue_superblock *sb = mqueue_superblock_from_superblock(dir->superblock);
	const bool is_given = device & MQUEUE_ATTRIBUTES_GIVEN;
	const struct mqueue_attributes a = {
		is_given ? (s64)(device >> 32 & 0x7fffffff) : -1, is_given ? (s64)(device & U32_MAX) : -1 };
	if ((mode & S_IFMT) != S_IFREG)
		return -EPERM;
	err_t e = inode_make(dir->superblock, mode, &child);
	if (e)
		return e;
	inode_init_owner(child, dir, cred, mode);
	e = mqueue_queue_set_up(mqueue_inode_of(child), sb->space, a);
	if (!e)
		e = folder_add(dir, name, child);
	if (e)
		return e;
	*out = take(child);
	return OK;
}

static err_t folder_unlink(struct inode *dir, bytes_t name, struct inode *child)
{
	struct mqueue_entry *e object_auto(mqueue_entry) = entry_find(mqueue_inode_of(dir), name);
	if (!e)
		return -ENOENT;
	mqueue_entry_list_remove(&mqueue_inode_of(dir)->entries, e);	// `e` is the list's reference now
	inode_add_links(child, -1);
	atomic_u64_sub(&dir->size, ENTRY_SIZE);
	inode_touch(dir, TOUCH_MODIFY | TOUCH_CHANGE);
	return OK;
}

// Places begin at 2; 0 and 1 are the VFS's dots.
static err_t folder_read(struct inode *dir, u64 *position borrowed, struct directory_sink *sink borrowed)
{
	list_for_each(mqueue_entry_list, e, &mqueue_inode_of(dir)->entries) {
		if (e->place < *position)
			continue;
		if (!sink->add(sink, buf_bytes(e->name), e->inode->number, S_IFREG, e->place + 1))
			return OK;
		*position = e->place + 1;
	}
	return OK;
}

static err_t queue_set_attributes(struct inode *i, const struct attribute_change *change borrowed)
{
	inode_set_attributes_generic(i, change);	// a size is accepted, as O_TRUNC has it, and means nothing
	return OK;
}

static const struct inode_ops folder_ops = {
	.lookup = folder_lookup, .create = folder_create, .unlink = folder_unlink, .read_directory = folder_read,
};
static const struct inode_ops queue_ops = { .set_attributes = queue_set_attributes };

static err_t inode_make(struct superblock *base, u32 mode, struct inode **out borrowed)
{
	struct mqueue_superblock *sb = mqueue_superblock_from_superblock(base);
	struct mqueue_inode *n object_auto(mqueue_inode) = mqueue_inode_alloc();
	const bool is_folder = (mode & S_IFMT) == S_IFDIR;
	if (!n)
		return -ENOMEM;
	inode_init(&n->base, base, atomic_u64_add(&sb->numbers, 1) + 1, mode, is_folder ? &folder_ops : &queue_ops,
		is_folder ? &file_ops_directory : &mqueue_file_ops);
	n->next_place = 2;
	*out = &take(n)->base;
	return OK;
}

// --- the superblock ---------------------------------------------------------------------------------

static err_t mqueue_statistics(struct superblock *sb, struct file_system_statistics *out borrowed)
{
	out->magic = MQUEUE_MAGIC;
	out->block_size = PAGE_SIZE;
	out->name_max = DENTRY_NAME_MAX;
	return OK;
}
// The queues go with their folder: it holds them, and nothing else does by now.
static void mqueue_unmount(struct superblock *sb)
{
	inode_put(take(sb->root));
}
static const struct superblock_ops mqueue_ops = { .statistics = mqueue_statistics, .unmount = mqueue_unmount };

static err_t mqueue_mount(const struct file_system_type *type, const struct mount_request *request borrowed,
	struct superblock **out borrowed);
static const struct file_system_type mqueue_type = {
	.name = "mqueue", .flags = FILE_SYSTEM_USER_MOUNT, .magic = MQUEUE_MAGIC, .mount = mqueue_mount,
};

static const u32 setting_defaults[MQUEUE_SETTING_COUNT] = {
	[MQUEUE_QUEUES_MAX] = 256, [MQUEUE_MESSAGES_MAX] = 10, [MQUEUE_MESSAGE_SIZE_MAX] = 8192,
	[MQUEUE_MESSAGES_DEFAULT] = 10, [MQUEUE_MESSAGE_SIZE_DEFAULT] = 8192,
};

static err_t superblock_make(struct user_namespace *owner, struct superblock **out borrowed)
{
	struct mqueue_superblock *sb object_auto(mqueue_superblock) = mqueue_superblock_alloc();
	if (!sb)
		return -ENOMEM;
	superblock_init(&sb->base, &mqueue_type, &mqueue_ops, owner);
	sb->base.device = superblock_anonymous_device();
	atomic_u32_store(&sb->base.flags, SUPERBLOCK_VFS_DOTS);
	sb->space = mqueue_space_alloc();
	if (!sb->space)
		return -ENOMEM;
	for (u32 n = 0; n < MQUEUE_SETTING_COUNT; n++)
		atomic_u32_store(array_ptr(sb->space->setting, n), setting_defaults[n]);
	const err_t e = inode_make(&sb->base, S_IFDIR | 01777, &sb->base.root);
	if (e)
		return e;
	inode_add_links(sb->base.root, 1);
	const struct attribute_change root = { .valid = ATTRIBUTE_UID | ATTRIBUTE_GID,
		.uid = user_namespace_uid_in(owner, 0), .gid = user_namespace_gid_in(owner, 0) };
	if (root.uid != ID_INVALID && root.gid != ID_INVALID)
		inode_set_attributes_generic(sb->base.root, &root);
	*out = &take(sb)->base;
	return OK;
}

// --- a namespace's own ------------------------------------------------------------------------------

struct mqueue_home {
	struct object object;
	struct mount *mount;		// reference; internal; immutable
	struct mqueue_space *space;	// reference; immutable
};
DECLARE_OBJECT(mqueue_home)
static exclusive_access void mqueue_home_release(struct mqueue_home *h)
{
	if (h->mount)
		mount_put(take(h->mount));
	if (h->space)
		mqueue_space_put(take(h->space));
}
DEFINE_OBJECT(mqueue_home, mqueue_home_release)

static struct mqueue_home *home_create(void) owned;
static struct mqueue_home *home_create(void)
{
	struct namespace *ns = thread_namespace(NAMESPACE_IPC);
	struct mqueue_home *h object_auto(mqueue_home) = mqueue_home_alloc();
	struct superblock *sb object_auto(superblock) = NULL;
	if (!h || superblock_make(ns->owner ? ns->owner : user_namespace_initial(), &sb) != OK)
		return NULL;
	h->space = mqueue_space_get(mqueue_superblock_from_superblock(sb)->space);
	if (mount_create_internal_of(sb, &h->mount) != OK)
		return NULL;
	return take(h);
}

static struct object *home_known(struct ipc_tables *const t) owned;
static struct object *home_known(struct ipc_tables *const t)
{
	spin_guard(&t->lock);
	return t->mqueues ? object_get(t->mqueues) : NULL;
}

static void home_keep(struct ipc_tables *const t, struct mqueue_home *h)
{
	spin_guard(&t->lock);
	if (!t->mqueues)
		t->mqueues = object_get(&h->object);
}

// The caller's namespace's, made at the first use. NULL without memory.
static struct mqueue_home *home_current(void) owned;
static struct mqueue_home *home_current(void)
{
	struct ipc_tables *t object_auto(ipc_tables) = ipc_tables_current();
	struct object *known object_ref_auto = t ? home_known(t) : NULL;
	if (!t)
		return NULL;
	if (!known) {
		struct mqueue_home *made object_auto(mqueue_home) = home_create();
		if (!made)
			return NULL;
		home_keep(t, made);
		known = home_known(t);
	}
	return mqueue_home_get(mqueue_home_from_object(known));
}

static err_t mqueue_mount(const struct file_system_type *type, const struct mount_request *request borrowed,
	struct superblock **out borrowed)
{
	if (!ipc_capable(request->cred, CAP_SYS_ADMIN))
		return -EPERM;
	struct mqueue_home *h object_auto(mqueue_home) = home_current();
	if (!h)
		return -ENOMEM;
	*out = superblock_get(h->mount->superblock);
	return OK;
}

void mqueue_init(void)
{
	file_system_register(&mqueue_type);
}

u64 mqueue_setting_get(u32 which)
{
	struct mqueue_home *h object_auto(mqueue_home) = home_current();
	return h ? atomic_u32_load(array_ptr(h->space->setting, which)) : 0;
}

err_t mqueue_setting_set(u32 which, u64 value)
{
	struct mqueue_home *h object_auto(mqueue_home) = home_current();
	if (!h)
		return -ENOMEM;
	atomic_u32_store(array_ptr(h->space->setting, which), (u32)value);
	return OK;
}

// --- names ------------------------------------------------------------------------------------------

static err_t name_check(bytes_t name)
{
	if (bytes_len(name) == 0)
		return -ENOENT;
	if (bytes_len(name) > DENTRY_NAME_MAX)
		return -ENAMETOOLONG;
	if (bytes_find(name, '/') < bytes_len(name) || bytes_equal(name, STR(".")) || bytes_equal(name, STR("..")))
		return -EACCES;
	return OK;
}

static err_t open_found(const struct lookup_context *c borrowed, bytes_t name, u32 flags, struct file **out borrowed)
{
	return file_open(c, name, flags & ~(OPEN_CREATE | OPEN_EXCLUSIVE), 0, out);
}

// Whoever makes a queue may use it, whatever its mode says.
static err_t open_made(const struct lookup_context *c borrowed, bytes_t name, u32 flags, u32 mode, u64 attributes,
	struct file **out borrowed)
{
	struct path made path_auto = path_none();
	const err_t e = entry_make_node_at(c, name, S_IFREG | (mode & 07777), attributes, &made);
	if (e)
		return e;
	return file_open_path(&made, flags & ~(OPEN_CREATE | OPEN_EXCLUSIVE), c->cred, out);
}

err_t mqueue_open(bytes_t name, u32 flags, u32 mode, const struct mqueue_attributes *a borrowed,
	struct file **out borrowed)
{
	err_t e = name_check(name);
	struct mqueue_home *h object_auto(mqueue_home) = e ? NULL : home_current();
	if (!h)
		return e ? e : -ENOMEM;
	const struct lookup_context c = { .cred = thread_cred(), .fs = thread_fs(),
		.start = { h->mount, h->mount->root } };
	const u64 attributes = a ? mqueue_attributes_encode(a) : 0;
	for (;;) {
		e = flags & OPEN_EXCLUSIVE && flags & OPEN_CREATE ? -ENOENT : open_found(&c, name, flags, out);
		if (e != (err_t)-ENOENT || !(flags & OPEN_CREATE))
			return e;
		e = open_made(&c, name, flags, mode, attributes, out);
		if (e != (err_t)-EEXIST || (flags & OPEN_EXCLUSIVE))
			return e;
	}
}

err_t mqueue_unlink(bytes_t name)
{
	const err_t e = name_check(name);
	struct mqueue_home *h object_auto(mqueue_home) = e ? NULL : home_current();
	if (!h)
		return e ? e : -ENOMEM;
	const struct lookup_context c = { .cred = thread_cred(), .fs = thread_fs(),
		.start = { h->mount, h->mount->root } };
	return entry_unlink(&c, name);
}
