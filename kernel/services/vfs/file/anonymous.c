// SPDX-License-Identifier: MPL-2.0
// Files of no folder: pipes, sockets, eventfd and the like get an inode of an internal file system and
// a dentry that only serves as their name in /proc/PID/fd.
#include <services/vfs/dentry.h>
#include <services/vfs/file/file_internal.h>
#include <services/vfs/mount.h>
#include <services/vfs/superblock.h>

#define ANONYMOUS_MAGIC 0x09041934u

static const struct inode_ops anonymous_inode_ops = {};

struct anonymous_inode {
	struct inode base;
};
static exclusive_access void anonymous_inode_release(struct anonymous_inode *i)
{
	inode_fini(&i->base);
}
DEFINE_DERIVED(anonymous_inode, inode, anonymous_inode_release)

struct anonymous_superblock {
	struct superblock base;
};
static exclusive_access void anonymous_superblock_release(struct anonymous_superblock *sb)
{
	superblock_fini(&sb->base);
}
DEFINE_DERIVED(anonymous_superblock, superblock, anonymous_superblock_release)

static err_t anonymous_statistics(struct superblock *sb, struct file_system_statistics *out borrowed)
{
	out->magic = ANONYMOUS_MAGIC;
	out->block_size = PAGE_SIZE;
	out->name_max = 255;
	return OK;
}
static const struct superblock_ops anonymous_ops = { .statistics = anonymous_statistics };

static struct atomic_u64 numbers;
static struct spinlock home_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct mount *home GUARDED_BY(home_lock);

static err_t anonymous_inode_create(struct superblock *sb, u32 mode, const struct file_ops *ops,
	struct inode **out borrowed)
{
	struct anonymous_inode *i object_auto(anonymous_inode) = anonymous_inode_alloc();
	if (!i)
		return -ENOMEM;
	inode_init(&i->base, sb, atomic_u64_add(&numbers, 1) + 1, mode, &anonymous_inode_ops, ops);
	*out = &take(i)->base;
	return OK;
}

static err_t anonymous_mount(const struct file_system_type *type, const struct mount_request *request borrowed,
	struct superblock **out borrowed)
{
	struct anonymous_superblock *sb object_auto(anonymous_superblock) = anonymous_superblock_alloc();
	if (!sb)
		return -ENOMEM;
	superblock_init(&sb->base, type, &anonymous_ops, user_namespace_initial());
	sb->base.device = superblock_anonymous_device();
	const err_t e = anonymous_inode_create(&sb->base, S_IFDIR | 0555, &file_ops_directory, &sb->base.root);
	if (e)
		return e;
	*out = &take(sb)->base;
	return OK;
}

static const struct file_system_type anonymous_type = {
	.name = "anon_inodefs", .flags = 0, .magic = ANONYMOUS_MAGIC, .mount = anonymous_mount,
};

err_t file_system_init_anonymous(void)
{
	struct mount *m object_auto(mount) = NULL;
	const err_t e = mount_create_internal(&anonymous_type, &m);
	if (e)
		return e;
	spin_guard(&home_lock);
	home = take(m);
	return OK;
}

static struct mount *anonymous_home(void)
{
	spin_guard(&home_lock);
	return home;
}

err_t anonymous_place(bytes_t label, u32 mode_with_type, const struct cred *cred borrowed, struct path *out borrowed)
{
	struct mount *m = anonymous_home();
	struct inode *i object_auto(inode) = NULL;
	const err_t e = anonymous_inode_create(m->superblock, mode_with_type, NULL, &i);
	if (e)
		return e;
	inode_init_owner(i, NULL, cred, mode_with_type);
	u8 name[64];
	struct text t = text_to(array_span(name));
	text_put(&t, label);
	if (bytes_len(label) && byte_at(label, bytes_len(label) - 1) == ':')
		text_printf(&t, "[%lu]", i->number);
	out->dentry = dentry_create_anonymous(m->superblock, i, text_bytes(&t));
	if (!out->dentry)
		return -ENOMEM;
	out->mount = mount_get(m);
	return OK;
}

err_t file_init_anonymous(struct file *f, const struct file_ops *ops, bytes_t label, u32 flags, struct cred *cred,
	u32 inode_type)
{
	err_t e = file_init(f, ops, flags, cred);
	if (!e)
		e = anonymous_place(label, inode_type | 0600, cred, &f->path);
	if (e) {
		f->ops = &file_ops_none;
		return e;
	}
	f->inode = inode_get(f->path.dentry->inode);
	return OK;
}
