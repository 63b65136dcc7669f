// SPDX-License-Identifier: MPL-2.0
// Folders: making, linking and removing names. The VFS has checked the user's rights and holds the overlay folder's
// lock; everything happens in the upper layer, where a whiteout covers what must not be seen below.
#include <services/fs/overlayfs/overlay_internal.h>

// The upper layer's whiteout at a name, in *out; NULL: none. -ESTALE for anything else there.
static err_t look_whiteout(struct overlay_superblock *s, struct overlay_inode *dir, bytes_t name,
	struct dentry **out borrowed)
{
	struct dentry *d object_auto(dentry) = NULL;
	const err_t e = overlay_look(s, dir->upper, name, &d);
	*out = NULL;
	if (e || !d)
		return e;
	if (!overlay_is_whiteout(d))
		return -ESTALE;
	*out = take(d);
	return OK;
}

// A new file without lower ones, as the overlay's.
static err_t adopt(struct overlay_inode *dir, bytes_t name, struct dentry *made, struct inode **out borrowed)
{
	struct overlay_found found overlay_found_auto = {};
	found.upper = dentry_get(made);
	const err_t e = overlay_inode_make(overlay_of(dir->base.superblock), dir, name, &found, out);
	overlay_refresh(dir);
	return e;
}

// Over a whiteout: made in the work folder, renamed into place.
static err_t make_over(struct overlay_superblock *s, struct overlay_inode *dir, bytes_t name,
	const struct overlay_make *what borrowed, struct dentry **out borrowed)
{
	const bool is_folder = (what->mode & S_IFMT) == S_IFDIR;
	struct overlay_temporary temporary = {};
	err_t e = overlay_make_temporary(s, what, &temporary, out);
	if (e)
		return e;
	if (is_folder)
		e = overlay_set_mark(s, (*out)->inode, OVERLAY_MARK_OPAQUE, STR("y"));
	if (!e)
		e = overlay_place_temporary(s, &temporary, dir->upper, name, is_folder ? RENAME_EXCHANGE : 0);
	if (e || is_folder)
		overlay_drop_temporary(s, &temporary);
	return e;
}

static err_t make_entry_at(struct overlay_superblock *s, struct overlay_inode *dir, bytes_t name,
	const struct overlay_make *what borrowed, struct dentry **out borrowed)
{
	struct dentry *whiteout object_auto(dentry) = NULL;
	err_t e = look_whiteout(s, dir, name, &whiteout);
	if (e)
		return e;
	if (whiteout)
		return make_over(s, dir, name, what, out);
	e = overlay_make_at(s, dir->upper, name, what, out);
	// A later lower layer may not shine through: only a saving, so it may fail.
	if (!e && (what->mode & S_IFMT) == S_IFDIR && overlay_is_merged(dir)) {
		const err_t mark = overlay_set_mark(s, (*out)->inode, OVERLAY_MARK_OPAQUE, STR("y"));
		(void)mark;
	}
	return e;
}

static err_t make(struct inode *base, bytes_t name, const struct overlay_make *like borrowed,
	const struct cred *cred borrowed, struct inode **out borrowed)
{
	struct overlay_inode *dir = overlay_inode_of(base);
	struct overlay_superblock *s = overlay_of(base->superblock);
	struct dentry *made object_auto(dentry) = NULL;
	struct overlay_make what = *like;
	const bool hands_on = base->mode & S_ISGID;
	what.uid = cred->fsuid;
	what.gid = hands_on ? base->gid : cred->fsgid;
	if (hands_on && (what.mode & S_IFMT) == S_IFDIR)
		what.mode |= S_ISGID;
	err_t e = overlay_copy_up(dir);
	if (!e)
		e = overlay_check_writable(s);
	if (!e)
		e = make_entry_at(s, dir, name, &what, &made);
	return e ? e : adopt(dir, name, made, out);
}

static err_t directory_create(struct inode *dir, bytes_t name, u32 mode, u64 device, const struct cred *cred borrowed,
	struct inode **out borrowed)
{
	const struct overlay_make what = { .mode = mode, .device = device };
	// A whiteout belongs to the layers: users of the overlay cannot make one.
	if ((mode & S_IFMT) == S_IFCHR && device == 0)
		return -EPERM;
	return make(dir, name, &what, cred, out);
}

static err_t directory_make_directory(struct inode *dir, bytes_t name, u32 mode, const struct cred *cred borrowed,
	struct inode **out borrowed)
{
	const struct overlay_make what = { .mode = S_IFDIR | (mode & 07777) };
	return make(dir, name, &what, cred, out);
}

static err_t directory_symlink(struct inode *dir, bytes_t name, bytes_t target, const struct cred *cred borrowed,
	struct inode **out borrowed)
{
	const struct overlay_make what = { .mode = S_IFLNK | 0777, .target = target };
	return make(dir, name, &what, cred, out);
}

static err_t directory_create_unnamed(struct inode *base, u32 mode, const struct cred *cred borrowed,
	struct inode **out borrowed)
{
	struct overlay_inode *dir = overlay_inode_of(base);
	struct overlay_superblock *s = overlay_of(base->superblock);
	struct inode *made object_auto(inode) = NULL;
	err_t e = overlay_copy_up(dir);
	if (!e)
		e = overlay_check_writable(s);
	if (e)
		return e;
	struct inode *real = dir->upper->inode;
	if (!real->ops->create_unnamed)
		return -EOPNOTSUPP;
	struct cred *owner object_auto(cred) = overlay_cred_for(s, cred->fsuid, cred->fsgid);
	if (!owner)
		return -ENOMEM;
	e = real->ops->create_unnamed(real, mode, owner, &made);
	if (e)
		return e;
	struct dentry *d object_auto(dentry) = dentry_create_anonymous(real->superblock, made, bytes_empty());
	return d ? adopt(dir, bytes_empty(), d, out) : (err_t)-ENOMEM;
}

// --- another name -----------------------------------------------------------------------------------

err_t overlay_link_upper(struct overlay_superblock *s, struct overlay_inode *file, struct dentry *dir, bytes_t name)
{
	struct path from path_auto = path_none();
	from.mount = mount_get(s->upper->mount);
	from.dentry = dentry_get(file->upper);
	const struct lookup_context c = OVERLAY_CONTEXT(s, s->upper->mount, dir, s->cred);
	return entry_link(&from, &c, name);
}

static err_t link_over(struct overlay_superblock *s, struct overlay_inode *file, struct overlay_inode *dir,
	bytes_t name)
{
	struct overlay_temporary temporary = {};
	overlay_name_temporary(s, &temporary);
	err_t e = overlay_link_upper(s, file, s->work, overlay_temporary_name(&temporary));
	if (e)
		return e;
	e = overlay_place_temporary(s, &temporary, dir->upper, name, 0);
	if (e)
		overlay_drop_temporary(s, &temporary);
	return e;
}

static err_t directory_link(struct inode *base, bytes_t name, struct inode *target)
{
	struct overlay_inode *dir = overlay_inode_of(base), *file = overlay_inode_of(target);
	struct overlay_superblock *s = overlay_of(base->superblock);
	struct dentry *whiteout object_auto(dentry) = NULL;
	err_t e = overlay_copy_up_attributes(file);
	if (!e)
		e = overlay_copy_up(dir);
	if (!e)
		e = overlay_redirect_file(s, file);
	if (!e)
		e = look_whiteout(s, dir, name, &whiteout);
	if (e)
		return e;
	if (atomic_u32_load(&target->state) & INODE_LINKABLE)
		atomic_u32_or(&file->upper->inode->state, INODE_LINKABLE);
	overlay_mark_impure(s, dir, file);
	e = whiteout ? link_over(s, file, dir, name) : overlay_link_upper(s, file, dir->upper, name);
	if (!e)
		atomic_u32_and(&target->state, ~(u32)INODE_LINKABLE);
	overlay_refresh(file);
	overlay_refresh(dir);
	return e;
}

// --- removing ---------------------------------------------------------------------------------------

static err_t remove_upper(struct overlay_superblock *s, struct dentry *dir, bytes_t name, u32 type)
{
	const struct lookup_context c = OVERLAY_CONTEXT(s, s->upper->mount, dir, s->cred);
	return type == S_IFDIR ? entry_remove_directory(&c, name) : entry_unlink(&c, name);
}

static err_t remove_name(struct overlay_inode *dir, bytes_t name, struct overlay_inode *child)
{
	struct overlay_superblock *s = overlay_of(dir->base.superblock);
	bool is_below = false;
	struct dentry *there object_auto(dentry) = NULL;
	err_t e = overlay_copy_up(dir);
	if (!e)
		e = overlay_check_writable(s);
	if (!e && child->is_indexed)
		e = overlay_copy_up_attributes(child);	// what is left of it is kept with the copy
	if (!e)
		e = overlay_look(s, dir->upper, name, &there);
	if (!e)
		e = overlay_lower_has(dir, name, &is_below);
	if (!e && child->base.type == S_IFDIR)
		e = overlay_make_bare(child);
	if (!e)
		e = is_below ? overlay_whiteout(s, dir->upper, name) : remove_upper(s, dir->upper, name,
			child->base.type);
	if (e)
		return e;
	atomic_u32_store(&child->is_removed, 1);
	overlay_index_lost(child, there);
	overlay_refresh(child);
	overlay_refresh(dir);
	return OK;
}

static err_t directory_unlink(struct inode *dir, bytes_t name, struct inode *child)
{
	return remove_name(overlay_inode_of(dir), name, overlay_inode_of(child));
}

err_t overlay_make_bare(struct overlay_inode *dir)
{
	struct overlay_superblock *s = overlay_of(dir->base.superblock);
	err_t e = overlay_check_empty(dir);
	if (e || !dir->upper)
		return e;
	// First opaque, then without whiteouts: nothing from below is seen in between.
	if (!overlay_place_list_is_empty(&dir->lower))
		e = overlay_set_mark(s, dir->upper->inode, OVERLAY_MARK_OPAQUE, STR("y"));
	return e ? e : overlay_clear_whiteouts(s, dir->upper);
}

static err_t directory_remove_directory(struct inode *dir, bytes_t name, struct inode *child)
{
	return remove_name(overlay_inode_of(dir), name, overlay_inode_of(child));
}

const struct inode_ops overlay_directory_ops = {
	.lookup = overlay_lookup,
	.create = directory_create,
	.make_directory = directory_make_directory,
	.symlink = directory_symlink,
	.link = directory_link,
	.unlink = directory_unlink,
	.remove_directory = directory_remove_directory,
	.rename = overlay_rename,
	.create_unnamed = directory_create_unnamed,
	.set_attributes = overlay_set_attributes,
	.get_attributes = overlay_get_attributes,
	.permission = overlay_permission,
	.get_xattr = overlay_get_xattr,
	.set_xattr = overlay_set_xattr,
	.list_xattr = overlay_list_xattr,
	.remove_xattr = overlay_remove_xattr,
};
