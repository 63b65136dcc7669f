// SPDX-License-Identifier: MPL-2.0
// Overlay inodes: what they are made of, and the attributes they show.
#include <services/fs/overlayfs/overlay_internal.h>
#include <services/vfs/idmap.h>

static exclusive_access void overlay_inode_release(struct overlay_inode *i)
{
	struct overlay_superblock *s = overlay_of(i->base.superblock);
	if (overlay_inode_tree_is_linked(i)) {
		spin_guard(&s->inodes_lock);
		overlay_inode_tree_remove(&s->known, i);
	}
	inode_fini(&i->base);
	if (i->upper)
		dentry_put(take(i->upper));
	for (struct overlay_place *p = overlay_place_list_pop(&i->lower); p; p = overlay_place_list_pop(&i->lower))
		overlay_place_put(take(p));
	buf_free(take(i->name));
	if (i->parent) {
		struct inode *parent = &take(i->parent)->base;
		inode_put(take(parent));
	}
}
DEFINE_DERIVED(overlay_inode, inode, overlay_inode_release)

struct overlay_inode *overlay_inode_of(struct inode *i)
{
	return overlay_inode_from_inode(i);
}

// --- the real file ----------------------------------------------------------------------------------

struct dentry *overlay_real_dentry(struct overlay_inode *i)
{
	return i->upper ? i->upper : overlay_place_list_first(&i->lower)->dentry;
}

struct inode *overlay_real(struct overlay_inode *i)
{
	return overlay_real_dentry(i)->inode;
}

struct mount *overlay_real_mount(struct overlay_inode *i)
{
	return i->upper ? overlay_of(i->base.superblock)->upper->mount
			: overlay_place_list_first(&i->lower)->layer->mount;
}

static bool has_other_content(const struct overlay_inode *i borrowed)
{
	return i->base.type == S_IFREG && (!i->upper || atomic_u32_load(&i->is_metacopy));
}

struct dentry *overlay_content_dentry(struct overlay_inode *i)
{
	return has_other_content(i) ? overlay_place_list_last(&i->lower)->dentry : overlay_real_dentry(i);
}

struct mount *overlay_content_mount(struct overlay_inode *i)
{
	return has_other_content(i) ? overlay_place_list_last(&i->lower)->layer->mount : overlay_real_mount(i);
}

bool overlay_is_merged(const struct overlay_inode *i borrowed)
{
	const usize lower = overlay_place_list_count(&i->lower);
	return i->base.type == S_IFDIR && (i->upper ? lower > 0 : lower > 1);
}

struct stack_only real_attributes {
	u32 mode, uid, gid, links;
	u64 blocks;
	struct file_time access_time, modify_time, change_time;
};

static void real_read(struct inode *real, struct real_attributes *out borrowed)
{
	spin_guard(&real->lock);
	out->mode = real->mode;
	out->uid = real->uid;
	out->gid = real->gid;
	out->links = real->link_count;
	out->blocks = real->block_count;
	out->access_time = real->access_time;
	out->modify_time = real->modify_time;
	out->change_time = real->change_time;
}

void overlay_refresh(struct overlay_inode *i)
{
	struct inode *real = overlay_real(i), *const base = &i->base;
	struct real_attributes a = {};
	real_read(real, &a);
	if (overlay_content_dentry(i)->inode != real) {
		struct real_attributes content = {};
		real_read(overlay_content_dentry(i)->inode, &content);
		a.blocks = content.blocks;
	}
	a.uid = idmap_uid_seen(real, overlay_real_mount(i)->idmap);
	a.gid = idmap_gid_seen(real, overlay_real_mount(i)->idmap);
	atomic_u64_store(&base->size, atomic_u64_load(&real->size));
	spin_guard(&base->lock);
	base->mode = a.mode;
	base->uid = a.uid;
	base->gid = a.gid;
	base->link_count = (u32)((s64)a.links + atomic_s64_load(&i->more_links));
	base->block_count = a.blocks;
	base->access_time = a.access_time;
	base->modify_time = a.modify_time;
	base->change_time = a.change_time;
}

// --- making -----------------------------------------------------------------------------------------

static const struct inode_ops *ops_of_type(u32 type)
{
	switch (type) {
	case S_IFDIR:
		return &overlay_directory_ops;
	case S_IFREG:
		return &overlay_file_ops;
	case S_IFLNK:
		return &overlay_link_ops;
	default:
		return &overlay_special_ops;
	}
}

// Locks of stacked file systems come before those of what they are stacked on.
static void lock_ranks_set(struct overlay_inode *i)
{
	const bool is_outer = i->base.superblock->stack_depth > 1;
	rwlock_init(&i->base.directory_lock, is_outer ? RANK_STACK_2_DIRECTORY : RANK_STACK_1_DIRECTORY);
	rwlock_init(&i->base.data_lock, is_outer ? RANK_STACK_2_DATA : RANK_STACK_1_DATA);
	mutex_init(&i->copy_lock, is_outer ? RANK_STACK_2_COPY : RANK_STACK_1_COPY);
}

// The number by which the inode is known, where stat does not show the real file's.
static u64 number_for(struct overlay_superblock *s, const struct inode *real borrowed)
{
	if (s->device_count > 1 && !s->xino_bits && real->type == S_IFDIR)
		return atomic_u64_add(&s->numbers, 1) + 1;
	return real->number;
}

static struct overlay_inode *inode_new(struct overlay_superblock *s, struct overlay_inode *dir, bytes_t name,
	struct overlay_found *f borrowed) owned;
static struct overlay_inode *inode_new(struct overlay_superblock *s, struct overlay_inode *dir, bytes_t name,
	struct overlay_found *f borrowed)
{
	struct inode *real = f->upper ? f->upper->inode : overlay_place_list_first(&f->lower)->dentry->inode;
	struct overlay_inode *i object_auto(overlay_inode) = overlay_inode_alloc();
	if (!i)
		return NULL;
	inode_init(&i->base, &s->base, number_for(s, real), real->type | real->mode, ops_of_type(real->type),
		real->type == S_IFDIR ? &overlay_open_directory_ops : real->type == S_IFREG ? &overlay_open_ops : NULL);
	lock_ranks_set(i);
	i->base.device = real->device;
	i->base.block_size = real->block_size;
	i->base.birth_time = real->birth_time;
	if (dir) {
		struct inode *parent object_auto(inode) = inode_get(&dir->base);
		i->parent = overlay_inode_of(take(parent));
		i->name = buf_from(name);
	}
	i->upper = take(f->upper);
	for (struct overlay_place *p = overlay_place_list_pop(&f->lower); p; p = overlay_place_list_pop(&f->lower))
		overlay_place_list_append(&i->lower, take(p));
	if (dir && !i->name)
		return NULL;
	i->is_indexed = f->is_indexed;
	atomic_u32_store_relaxed(&i->is_metacopy, f->is_metacopy);
	overlay_index_load(s, i);
	overlay_refresh(i);
	return take(i);
}

// --- what may be found twice: one inode for all names, and for a handle ----------------------------------

// The real file that an overlay file is known by: the lower one where the index leads all its names to one copy, else
// the upper one. NULL: each look-up makes an inode of its own. A folder has one name, which the dentry cache knows.
static struct inode *identity_of(const struct overlay_found *f borrowed)
{
	struct overlay_place *lower = overlay_place_list_first(&f->lower);
	struct inode *real = f->upper ? f->upper->inode : lower->dentry->inode;
	if (real->type == S_IFDIR)
		return NULL;
	if (f->is_indexed)
		return lower->dentry->inode;
	return f->upper ? real : NULL;
}

static struct inode *known_find(struct overlay_superblock *s, struct inode *by) REQUIRES(s->inodes_lock) owned;
static struct inode *known_find(struct overlay_superblock *s, struct inode *by)
{
	struct overlay_inode *i = overlay_inode_tree_at_least(&s->known, by->number);
	for (; i && overlay_inode_tree_key(i) == by->number; i = overlay_inode_tree_next(i)) {
		if (i->known_by != by)
			continue;
		struct inode *got object_auto(inode) = inode_try_get(&i->base);
		if (got)
			return take(got);
	}
	return NULL;
}

static struct inode *known_get(struct overlay_superblock *s, struct inode *by) owned;
static struct inode *known_get(struct overlay_superblock *s, struct inode *by)
{
	spin_guard(&s->inodes_lock);
	return known_find(s, by);
}

// Another look-up may have been first: then its inode is the answer.
static struct inode *known_enter(struct overlay_superblock *s, struct overlay_inode *i, struct inode *by) owned;
static struct inode *known_enter(struct overlay_superblock *s, struct overlay_inode *i, struct inode *by)
{
	spin_guard(&s->inodes_lock);
	struct inode *first object_auto(inode) = known_find(s, by);
	if (first)
		return take(first);
	i->known_by = by;
	overlay_inode_tree_insert(&s->known, i, by->number);
	return inode_get(&i->base);
}

// A file that was found by its handle first learns where it stands.
static err_t name_note(struct overlay_inode *i, struct overlay_inode *dir, bytes_t name)
{
	if (i->parent || !dir || bytes_len(name) == 0)
		return OK;
	mutex_guard(&i->copy_lock);
	if (i->parent)
		return OK;
	struct buf *copy buf_auto = buf_from(name);
	if (!copy)
		return -ENOMEM;
	struct inode *parent object_auto(inode) = inode_get(&dir->base);
	buf_free(take(i->name));
	i->name = take(copy);
	i->parent = overlay_inode_of(take(parent));
	return OK;
}

static err_t known_make(struct overlay_superblock *s, struct overlay_inode *dir, bytes_t name,
	struct overlay_found *f borrowed, struct inode *by, struct inode **out borrowed)
{
	struct inode *found object_auto(inode) = known_get(s, by);
	if (!found) {
		struct overlay_inode *i object_auto(overlay_inode) = inode_new(s, dir, name, f);
		if (!i)
			return -ENOMEM;
		found = known_enter(s, i, by);
	}
	const err_t e = name_note(overlay_inode_of(found), dir, name);
	if (!e)
		*out = take(found);
	return e;
}

err_t overlay_inode_make(struct overlay_superblock *s, struct overlay_inode *dir, bytes_t name,
	struct overlay_found *f borrowed, struct inode **out borrowed)
{
	struct inode *by = identity_of(f);
	if (by)
		return known_make(s, dir, name, f, by, out);
	struct overlay_inode *i object_auto(overlay_inode) = inode_new(s, dir, name, f);
	if (!i)
		return -ENOMEM;
	*out = inode_get(&i->base);
	return OK;
}

void overlay_inode_set_upper(struct overlay_inode *i, struct dentry *upper)
{
	struct overlay_superblock *const s = overlay_of(i->base.superblock);
	i->upper = dentry_get(upper);
	if (i->base.type == S_IFDIR || i->is_indexed)
		return;
	spin_guard(&s->inodes_lock);
	i->known_by = upper->inode;
	overlay_inode_tree_insert(&s->known, i, upper->inode->number);
}

// --- attributes -------------------------------------------------------------------------------------

// Where the number comes from that the file keeps when it is copied up; `layer` says which file system.
static u64 lasting_number(struct overlay_inode *i, u64 number, struct overlay_layer **layer borrowed)
{
	struct overlay_superblock *s = overlay_of(i->base.superblock);
	struct overlay_place *origin = overlay_place_list_first(&i->lower);
	*layer = i->upper ? s->upper : origin->layer;
	if (!i->upper || !origin)
		return number;
	struct inode *real = origin->dentry->inode;
	struct real_attributes a = {};
	real_read(real, &a);
	// Names of one lower file become files of their own: they cannot all keep its number.
	if (real->type != S_IFDIR && a.links != 1 && !i->is_indexed)
		return number;
	*layer = origin->layer;
	return real->number;
}

void overlay_identity(struct overlay_inode *i, struct file_stat *st borrowed)
{
	struct overlay_superblock *s = overlay_of(i->base.superblock);
	struct overlay_layer *layer = NULL;
	const u64 number = lasting_number(i, st->number, &layer);
	const u32 shift = 64 - s->xino_bits;
	if (s->device_count == 1) {
		st->number = number;
		st->superblock_device = s->base.device;
	} else if (s->xino_bits && !(number >> shift)) {
		st->number = number | (u64)layer->device_index << (shift + 1);
		st->superblock_device = s->base.device;
	} else if (i->base.type == S_IFDIR) {
		st->number = i->base.number;
		st->superblock_device = s->base.device;
	} else {
		st->number = number;
		st->superblock_device = layer->device;
	}
}

err_t overlay_get_attributes(struct inode *inode, struct file_stat *out borrowed)
{
	struct overlay_inode *i = overlay_inode_of(inode);
	struct inode *real = overlay_real(i);
	const err_t e = inode_stat(real, out);
	if (e)
		return e;
	out->uid = idmap_uid_seen(real, overlay_real_mount(i)->idmap);
	out->gid = idmap_gid_seen(real, overlay_real_mount(i)->idmap);
	overlay_identity(i, out);
	out->link_count = (u32)((s64)out->link_count + atomic_s64_load(&i->more_links));
	if (overlay_is_merged(i))
		out->link_count = 1;	// nobody counts the folders in all layers
	if (overlay_content_dentry(i)->inode == real)
		return OK;
	struct file_stat content = {};
	const err_t none = inode_stat(overlay_content_dentry(i)->inode, &content);
	if (!none)
		out->blocks = content.blocks;
	return none;
}

err_t overlay_set_attributes(struct inode *inode, const struct attribute_change *change borrowed)
{
	struct overlay_inode *i = overlay_inode_of(inode);
	err_t e = change->valid & ATTRIBUTE_SIZE ? overlay_copy_up(i) : overlay_copy_up_attributes(i);
	if (!e)
		e = overlay_check_writable(overlay_of(inode->superblock));
	if (!e)
		e = overlay_set_real(i->upper->inode, change);
	overlay_refresh(i);
	return e;
}

// The user against the overlay inode, then the mounter against the real one; a lower file that would be written is
// read, to be copied up.
err_t overlay_permission(struct inode *inode, u32 mask, const struct cred *cred borrowed)
{
	struct overlay_inode *i = overlay_inode_of(inode);
	const err_t e = inode_permission_generic(inode, mask, cred);
	if (e)
		return e;
	const bool has_content = inode->type == S_IFREG || inode->type == S_IFDIR || inode->type == S_IFLNK;
	if (!i->upper && has_content && (mask & PERMISSION_WRITE))
		mask = (mask & ~(u32)PERMISSION_WRITE) | PERMISSION_READ;
	return inode_permission_mapped(overlay_real(i), overlay_real_mount(i)->idmap, mask,
		overlay_of(inode->superblock)->cred);
}

static ssize_r link_read(struct inode *inode, span_t out)
{
	struct inode *real = overlay_real(overlay_inode_of(inode));
	return real->ops->read_link ? real->ops->read_link(real, out) : (ssize_r)-EINVAL;
}

#define OVERLAY_COMMON_OPS .set_attributes = overlay_set_attributes, .get_attributes = overlay_get_attributes, \
	.permission = overlay_permission, .get_xattr = overlay_get_xattr, .set_xattr = overlay_set_xattr, \
	.list_xattr = overlay_list_xattr, .remove_xattr = overlay_remove_xattr
const struct inode_ops overlay_file_ops = { .open = overlay_open, OVERLAY_COMMON_OPS };
const struct inode_ops overlay_link_ops = { .read_link = link_read, OVERLAY_COMMON_OPS };
const struct inode_ops overlay_special_ops = { OVERLAY_COMMON_OPS };
