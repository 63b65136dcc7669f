// SPDX-License-Identifier: MPL-2.0
// Nodes of file systems made on demand: how the inode operations reach the callbacks of a kind.
#include <services/vfs/dentry.h>
#include <services/vfs/pseudo/pseudo_internal.h>

#define ROOT_NUMBER 1u
#define NUMBER_MASK 0xffffffffffffful	// numbers stay exact in any user's floating point
#define DYNAMIC_POSITION (1ul << 62)	// positions of `read_directory` begin here

static exclusive_access void pseudo_inode_release(struct pseudo_inode *n)
{
	inode_fini(&n->base);
	if (n->subject)
		object_put(take(n->subject));
}
DEFINE_DERIVED(pseudo_inode, inode, pseudo_inode_release)

static exclusive_access void pseudo_superblock_release(struct pseudo_superblock *sb)
{
	superblock_fini(&sb->base);
	if (sb->subject)
		object_put(take(sb->subject));
}
DEFINE_DERIVED(pseudo_superblock, superblock, pseudo_superblock_release)

bool inode_is_pseudo(const struct inode *i borrowed)
{
	return inode_is_pseudo_inode(i);
}

struct pseudo_inode *pseudo_inode_of(struct inode *i)
{
	return pseudo_inode_from_inode(i);
}

struct pseudo_inode *pseudo_inode_of_file(struct file *f)
{
	return pseudo_inode_from_inode(f->inode);
}

struct pseudo_superblock *pseudo_superblock_of(struct superblock *sb)
{
	return pseudo_superblock_from_superblock(sb);
}

u64 pseudo_child_number(u64 dir_number, bytes_t name)
{
	return (bytes_hash(name, dir_number) & NUMBER_MASK) | 2;
}

u64 pseudo_number(const struct pseudo_inode *dir borrowed, bytes_t name)
{
	return pseudo_child_number(dir->base.number, name);
}

// --- folders ----------------------------------------------------------------------------------------

static bool entry_is_shown(struct pseudo_inode *dir, const struct pseudo_entry *e)
{
	return !dir->kind->has_entry || dir->kind->has_entry(dir, e);
}

static err_t folder_lookup(struct inode *i, bytes_t name, struct inode **out borrowed)
{
	struct pseudo_inode *dir = pseudo_inode_of(i);
	const struct pseudo_kind *kind = dir->kind;
	for (u32 n = 0; kind->entry_at; n++) {
		const struct pseudo_entry *e = kind->entry_at(n);
		if (!e)
			break;
		if (!bytes_equal(bytes_first(array_bytes(e->name), bytes_string_len(array_bytes(e->name))), name))
			continue;
		if (!entry_is_shown(dir, e))
			return -ENOENT;
		return pseudo_create(dir, name, e->mode, e->kind, dir->subject, e->value, out);
	}
	if (!kind->lookup)
		return -ENOENT;
	return kind->lookup(dir, name, out);
}

// Static entries have positions from 2 on. False when the sink is full.
static bool folder_read_entries(struct pseudo_inode *dir, u64 *position borrowed, struct directory_sink *sink borrowed)
{
	while (dir->kind->entry_at && *position < DYNAMIC_POSITION) {
		const struct pseudo_entry *e = dir->kind->entry_at((u32)(*position - 2));
		if (!e)
			break;
		if (entry_is_shown(dir, e)) {
			const bytes_t name = bytes_first(array_bytes(e->name), bytes_string_len(array_bytes(e->name)));
			if (!sink->add(sink, name, pseudo_number(dir, name), e->mode & S_IFMT, *position + 1))
				return false;
		}
		++*position;
	}
	return true;
}

static err_t folder_read(struct inode *i, u64 *position borrowed, struct directory_sink *sink borrowed)
{
	struct pseudo_inode *dir = pseudo_inode_of(i);
	if (!folder_read_entries(dir, position, sink) || !dir->kind->read_directory)
		return OK;
	u64 own = *position < DYNAMIC_POSITION ? 0 : *position - DYNAMIC_POSITION;
	sink->position_base = DYNAMIC_POSITION;
	const err_t e = dir->kind->read_directory(dir, &own, sink);
	sink->position_base = 0;
	*position = DYNAMIC_POSITION + own;
	return e;
}

static err_t folder_make_directory(struct inode *i, bytes_t name, u32 mode, const struct cred *cred borrowed,
	struct inode **out borrowed)
{
	struct pseudo_inode *dir = pseudo_inode_of(i);
	if (!dir->kind->make_directory)
		return -EPERM;
	return dir->kind->make_directory(dir, name, mode, cred, out);
}

static err_t folder_remove_directory(struct inode *i, bytes_t name, struct inode *child)
{
	struct pseudo_inode *dir = pseudo_inode_of(i);
	return dir->kind->remove_directory ? dir->kind->remove_directory(dir, name, child) : (err_t)-EPERM;
}

// Where names come and go by themselves an absent one may have come since.
static bool folder_revalidate(struct inode *i, bytes_t name, struct inode *child)
{
	struct pseudo_inode *dir = pseudo_inode_of(i);
	if (dir->kind->revalidate)
		return dir->kind->revalidate(dir, name, child);
	return child || !dir->kind->lookup;
}

// --- links, attributes ------------------------------------------------------------------------------

static ssize_r link_read(struct inode *i, span_t out)
{
	struct pseudo_inode *n = pseudo_inode_of(i);
	return n->kind->read_link ? n->kind->read_link(n, out) : (ssize_r)-EINVAL;
}

static err_t link_follow(struct inode *i, struct path *out borrowed)
{
	struct pseudo_inode *n = pseudo_inode_of(i);
	return n->kind->follow_link(n, out);
}

static err_t node_permission(struct inode *i, u32 mask, const struct cred *cred borrowed)
{
	struct pseudo_inode *n = pseudo_inode_of(i);
	if (!n->kind->permission)
		return inode_permission_generic(i, mask, cred);
	return n->kind->permission(n, mask, cred);
}

static err_t node_get_attributes(struct inode *i, struct file_stat *out borrowed)
{
	struct pseudo_inode *n = pseudo_inode_of(i);
	inode_stat_generic(i, out);
	if (!n->kind->get_attributes)
		return OK;
	return n->kind->get_attributes(n, out);
}

// O_TRUNC is accepted: the text has no length of its own.
static err_t node_set_attributes(struct inode *i, const struct attribute_change *change borrowed)
{
	struct pseudo_inode *n = pseudo_inode_of(i);
	if (change->valid & ATTRIBUTE_SIZE)
		return OK;
	if (n->kind->set_attributes)
		return n->kind->set_attributes(n, change);
	inode_set_attributes_generic(i, change);
	return OK;
}

#define NODE_OPS                                                                               \
	.permission = node_permission, .get_attributes = node_get_attributes,                  \
	.set_attributes = node_set_attributes, .open = pseudo_open
const struct inode_ops pseudo_folder_ops = {
	.lookup = folder_lookup, .read_directory = folder_read, .make_directory = folder_make_directory,
	.remove_directory = folder_remove_directory, .revalidate = folder_revalidate, NODE_OPS,
};
static const struct inode_ops file_node_ops = { NODE_OPS };
static const struct inode_ops text_link_ops = { .read_link = link_read, NODE_OPS };
static const struct inode_ops magic_link_ops = { .follow_link = link_follow, NODE_OPS };
static const struct inode_ops named_magic_link_ops = { .read_link = link_read, .follow_link = link_follow, NODE_OPS };

static const struct inode_ops *ops_for(u32 type, const struct pseudo_kind *kind)
{
	if (type == S_IFDIR)
		return &pseudo_folder_ops;
	if (type != S_IFLNK)
		return &file_node_ops;
	if (!kind->follow_link)
		return &text_link_ops;
	return kind->read_link ? &named_magic_link_ops : &magic_link_ops;
}

// --- making -----------------------------------------------------------------------------------------

err_t pseudo_inode_make(struct superblock *sb, u64 number, u32 mode, const struct pseudo_kind *kind,
	struct object *subject, u64 value, struct inode **out borrowed)
{
	struct pseudo_inode *n object_auto(pseudo_inode) = pseudo_inode_alloc();
	if (!n)
		return -ENOMEM;
	const u32 type = mode & S_IFMT;
	inode_init(&n->base, sb, number, mode, ops_for(type, kind), type == S_IFDIR ?
		&file_ops_directory : &pseudo_file_ops);
	n->kind = kind;
	n->value[0] = value;
	if (subject)
		n->subject = object_get(subject);
	if (type == S_IFDIR)
		inode_add_links(&n->base, 1);
	if (type == S_IFDIR && !kind->entry_at && !kind->lookup && !kind->read_directory && !kind->make_directory)
		atomic_u32_or(&n->base.state, INODE_EMPTY_FOLDER);
	*out = &take(n)->base;
	return OK;
}

err_t pseudo_create(struct pseudo_inode *dir, bytes_t name, u32 mode, const struct pseudo_kind *kind,
		    struct object *subject, u64 value, struct inode **out borrowed)
{
	struct inode *i object_auto(inode) = NULL;
	const err_t e = pseudo_inode_make(dir->base.superblock, pseudo_number(dir, name), mode, kind, subject, value,
		&i);
	if (e)
		return e;
	pseudo_set_owner(i, dir->base.uid, dir->base.gid);
	*out = take(i);
	return OK;
}

void pseudo_set_owner(struct inode *i, u32 uid, u32 gid)
{
	spin_guard(&i->lock);
	i->uid = uid;
	i->gid = gid;
}

err_t pseudo_mount(const struct file_system_type *type, const struct mount_request *request borrowed,
	const struct superblock_ops *ops,
		   const struct pseudo_kind *root, struct object *subject, struct superblock **out borrowed)
{
	struct pseudo_superblock *sb object_auto(pseudo_superblock) = pseudo_superblock_alloc();
	if (!sb)
		return -ENOMEM;
	superblock_init(&sb->base, type, ops, request->cred->user_ns);
	sb->base.device = superblock_anonymous_device();
	atomic_u32_store(&sb->base.flags, request->flags | SUPERBLOCK_VFS_DOTS);
	if (subject)
		sb->subject = object_get(subject);
	const err_t e = pseudo_inode_make(&sb->base, ROOT_NUMBER, S_IFDIR | 0555, root, subject, 0, &sb->base.root);
	if (e)
		return e;
	*out = &take(sb)->base;
	return OK;
}

err_t pseudo_statistics(struct superblock *sb, struct file_system_statistics *out borrowed)
{
	out->magic = sb->type->magic;
	out->block_size = PAGE_SIZE;
	out->name_max = DENTRY_NAME_MAX;
	return OK;
}
