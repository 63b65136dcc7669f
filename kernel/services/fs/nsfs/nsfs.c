// SPDX-License-Identifier: MPL-2.0
// One superblock on an internal mount. Inodes are made when somebody follows a link; two inodes of one
// namespace show the same device and number, which is what users compare.
#include <core/text.h>
#include <services/fs/nsfs/nsfs.h>
#include <services/vfs/dentry.h>
#include <services/vfs/mount.h>
#include <services/vfs/superblock.h>

#define NSFS_MAGIC 0x6e736673u

struct nsfs_inode {
	struct inode base;
	struct namespace *ns;	// reference; immutable; NULL for the root
};
static exclusive_access void nsfs_inode_release(struct nsfs_inode *i)
{
	inode_fini(&i->base);
	if (i->ns)
		namespace_put(take(i->ns));
}
DEFINE_DERIVED(nsfs_inode, inode, nsfs_inode_release)

struct nsfs_superblock {
	struct superblock base;
};
static exclusive_access void nsfs_superblock_release(struct nsfs_superblock *s)
{
	superblock_fini(&s->base);
}
DEFINE_DERIVED(nsfs_superblock, superblock, nsfs_superblock_release)

static const struct inode_ops nsfs_inode_ops = { };
static const struct file_ops nsfs_file_ops = { };

static err_t nsfs_statistics(struct superblock *sb, struct file_system_statistics *out borrowed)
{
	out->magic = NSFS_MAGIC;
	out->block_size = PAGE_SIZE;
	out->name_max = 255;
	return OK;
}

static u64 nsfs_mount_namespace_number(struct inode *i)
{
	struct namespace *ns = inode_is_nsfs_inode(i) ? nsfs_inode_from_inode(i)->ns : NULL;

	return ns && ns->kind == NAMESPACE_MOUNT ? ns->number : 0;
}
static const struct superblock_ops nsfs_superblock_ops = { .statistics = nsfs_statistics,
	.mount_namespace_number = nsfs_mount_namespace_number };

static struct synchronised nsfs_home {
	struct spinlock lock;
	struct mount *mount GUARDED_BY(lock);	// reference, kept for ever
} home = { .lock = SPINLOCK_INIT(RANK_SERVICE_LEAF) };

static struct mount *home_mount(void) owned;
static struct mount *home_mount(void)
{
	spin_guard(&home.lock);
	return mount_get(home.mount);
}

static struct inode *inode_create(struct superblock *sb, struct namespace *ns) owned;
static struct inode *inode_create(struct superblock *sb, struct namespace *ns)
{
	struct nsfs_inode *i object_auto(nsfs_inode) = nsfs_inode_alloc();

	if (!i)
		return NULL;
	inode_init(&i->base, sb, ns ? ns->number : 1, ns ? S_IFREG | 0444 : S_IFDIR | 0555, &nsfs_inode_ops,
		ns ? &nsfs_file_ops : &file_ops_directory);
	if (ns)
		i->ns = namespace_get(ns);
	return inode_get(&i->base);
}

static err_t nsfs_mount(const struct file_system_type *type, const struct mount_request *request borrowed,
	struct superblock **out borrowed)
{
	struct nsfs_superblock *s object_auto(nsfs_superblock) = nsfs_superblock_alloc();

	if (!s)
		return -ENOMEM;
	superblock_init(&s->base, type, &nsfs_superblock_ops, user_namespace_initial());
	s->base.device = superblock_anonymous_device();
	s->base.root = inode_create(&s->base, NULL);
	if (!s->base.root)
		return -ENOMEM;
	*out = superblock_get(&s->base);
	return OK;
}

static const struct file_system_type nsfs_type = { .name = "nsfs", .magic = NSFS_MAGIC, .mount = nsfs_mount };

err_t nsfs_init(void)
{
	struct mount *m object_auto(mount) = NULL;
	err_t err = mount_create_internal(&nsfs_type, &m);

	if (err)
		return err;
	spin_guard(&home.lock);
	home.mount = take(m);
	return OK;
}

err_t nsfs_path(struct namespace *ns, struct path *out borrowed)
{
	struct mount *m object_auto(mount) = home_mount();
	struct inode *i object_auto(inode) = inode_create(m->superblock, ns);
	u8 name[48] = { }, kind[16] = { };
	struct text t = text_to(array_span(name));

	if (!i)
		return -ENOMEM;
	text_put(&t, bytes_first(array_bytes(kind), namespace_kind_name(ns->kind, array_span(kind))));
	text_printf(&t, ":[%lu]", ns->number);
	struct dentry *d object_auto(dentry) = dentry_create_anonymous(m->superblock, i, text_bytes(&t));
	if (!d)
		return -ENOMEM;
	out->mount = take(m);
	out->dentry = take(d);
	return OK;
}

struct namespace *nsfs_namespace(struct file *f)
{
	if (f->inode->superblock->type != &nsfs_type || !inode_is_nsfs_inode(f->inode))
		return NULL;
	struct nsfs_inode *i = nsfs_inode_from_inode(f->inode);
	return i->ns ? namespace_get(i->ns) : NULL;
}
