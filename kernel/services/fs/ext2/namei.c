// SPDX-License-Identifier: MPL-2.0
// Operations on folders: what open, mkdir, link, rename and unlink become. The order within each keeps the
// image repairable at any point: an inode is complete before a name leads to it, and a name is gone before
// its inode is freed.
#include <services/fs/ext2/ext2_internal.h>

static err_t ext2_lookup(struct inode *dir, bytes_t name, struct inode **out borrowed)
{
	u32 number = 0;
	err_t err = ext2_entry_find(ext2_inode_of(dir), name, &number);

	if (err)
		return err;
	err = ext2_inode_read(ext2_of(dir->superblock), number, out);
	if (err == -ESTALE) {
		ext2_report(ext2_of(dir->superblock), "name leads to a free inode", number);
		return -EIO;
	}
	return err;
}

// Gives `child` its name; on failure it loses its link and with the last reference its record.
static err_t connect(struct inode *dir, bytes_t name, struct inode *child)
{
	err_t err = ext2_inode_write(child);

	if (!err)
		err = ext2_entry_add(ext2_inode_of(dir), name, child);
	if (err)
		inode_add_links(child, -1);
	return err;
}

static err_t ext2_create(struct inode *dir, bytes_t name, u32 mode, u64 device, const struct cred *cred borrowed,
	struct inode **out borrowed)
{
	struct inode *child object_auto(inode) = NULL;
	err_t err = ext2_inode_create(dir, mode, device, cred, &child);

	if (!err)
		err = connect(dir, name, child);
	if (err)
		return err;
	*out = take(child);
	return OK;
}

static u32 link_count_of(struct inode *i)
{
	spin_guard(&i->lock);
	return i->link_count;
}

static err_t ext2_make_directory(
	struct inode *dir, bytes_t name, u32 mode, const struct cred *cred borrowed, struct inode **out borrowed)
{
	struct inode *child object_auto(inode) = NULL;
	err_t err;

	if (link_count_of(dir) >= EXT2_LINK_MAX)
		return -EMLINK;
	err = ext2_inode_create(dir, S_IFDIR | mode, 0, cred, &child);
	if (err)
		return err;
	err = ext2_directory_begin(ext2_inode_of(child), dir);
	if (err) {
		inode_add_links(child, -1);
		return err;
	}
	inode_add_links(child, 1);
	err = connect(dir, name, child);
	if (err) {
		inode_add_links(child, -1);
		return err;
	}
	inode_add_links(dir, 1);
	*out = take(child);
	return OK;
}

static void fast_link_write(struct ext2_inode *n, bytes_t target)
{
	u8 text[EXT2_BLOCK_SLOTS * 4] = { };

	span_copy(array_span(text), target);
	mutex_guard(&n->map_lock);
	for (u32 k = 0; k < EXT2_BLOCK_SLOTS; k++)
		n->block[k] = bytes_get_u32le(array_bytes(text), k * 4ul);
}

static no_inline err_t slow_link_write(struct inode *i, bytes_t target)
{
	struct iobuf from = iobuf_from_kernel(target);
	u64 position = 0;
	ssize_r n = page_mapping_write(i->pages, &position, &from);

	return n < 0 ? (err_t)n : OK;
}

static err_t ext2_symlink(
	struct inode *dir, bytes_t name, bytes_t target, const struct cred *cred borrowed, struct inode **out borrowed)
{
	struct inode *child object_auto(inode) = NULL;
	err_t err;

	if (bytes_len(target) >= ext2_of(dir->superblock)->block_size)
		return -ENAMETOOLONG;
	err = ext2_inode_create(dir, S_IFLNK | 0777, 0, cred, &child);
	if (err)
		return err;
	atomic_u64_store(&child->size, bytes_len(target));
	if (bytes_len(target) < EXT2_FAST_SYMLINK_MAX)
		fast_link_write(ext2_inode_of(child), target);
	else
		err = slow_link_write(child, target);
	if (err) {
		inode_add_links(child, -1);
		return err;
	}
	err = connect(dir, name, child);
	if (err)
		return err;
	*out = take(child);
	return OK;
}

static err_t ext2_link(struct inode *dir, bytes_t name, struct inode *target)
{
	err_t err;

	if (link_count_of(target) >= EXT2_LINK_MAX)
		return -EMLINK;
	inode_add_links(target, 1);
	err = ext2_inode_write(target);
	if (!err)
		err = ext2_entry_add(ext2_inode_of(dir), name, target);
	if (err)
		inode_add_links(target, -1);
	else
		inode_touch(target, TOUCH_CHANGE);
	return err;
}

static err_t ext2_unlink(struct inode *dir, bytes_t name, struct inode *child)
{
	err_t err = ext2_entry_remove(ext2_inode_of(dir), name);

	if (err)
		return err;
	inode_add_links(child, -1);
	inode_touch(child, TOUCH_CHANGE);
	return OK;
}

static err_t ext2_remove_directory(struct inode *dir, bytes_t name, struct inode *child)
{
	err_t err = ext2_directory_is_empty(ext2_inode_of(child));

	if (!err)
		err = ext2_entry_remove(ext2_inode_of(dir), name);
	if (err)
		return err;
	inode_add_links(child, -2);
	inode_add_links(dir, -1);
	inode_touch(child, TOUCH_CHANGE);
	return OK;
}

// The inode that a rename replaces loses the name.
static void replaced_dropped(struct inode *replaced, struct inode *to_dir)
{
	inode_add_links(replaced, replaced->type == S_IFDIR ? -2 : -1);
	if (replaced->type == S_IFDIR)
		inode_add_links(to_dir, -1);
	inode_touch(replaced, TOUCH_CHANGE);
}

// A folder that moved has a new parent.
static err_t parent_changed(struct inode *child, struct inode *from_dir, struct inode *to_dir)
{
	err_t err;

	if (child->type != S_IFDIR || from_dir == to_dir)
		return OK;
	err = ext2_entry_set(ext2_inode_of(child), STR(".."), to_dir);
	if (err)
		return err;
	inode_add_links(from_dir, -1);
	inode_add_links(to_dir, 1);
	return OK;
}

static err_t exchange(struct inode *from_dir, bytes_t from_name, struct inode *child, struct inode *to_dir,
	bytes_t to_name, struct inode *other)
{
	err_t err = ext2_entry_set(ext2_inode_of(to_dir), to_name, child);

	if (!err)
		err = ext2_entry_set(ext2_inode_of(from_dir), from_name, other);
	if (!err)
		err = parent_changed(child, from_dir, to_dir);
	if (!err)
		err = parent_changed(other, to_dir, from_dir);
	return err;
}

#define RENAME_NOREPLACE_FLAG 1u
#define RENAME_EXCHANGE_FLAG 2u
#define RENAME_WHITEOUT_FLAG 4u

// What stays at the old name: nothing, or a whiteout (character device 0:0).
static err_t old_name_leave(struct inode *dir, bytes_t name, struct inode *whiteout)
{
	if (!whiteout)
		return ext2_entry_remove(ext2_inode_of(dir), name);
	err_t err = ext2_inode_write(whiteout);

	return err ? err : ext2_entry_set(ext2_inode_of(dir), name, whiteout);
}

static err_t whiteout_make(struct inode *dir, u32 flags, struct inode **out borrowed)
{
	return flags & RENAME_WHITEOUT_FLAG ? ext2_inode_create(dir, S_IFCHR, 0, cred_current(), out) : OK;
}

static err_t ext2_rename(struct inode *from_dir, bytes_t from_name, struct inode *child, struct inode *to_dir,
			 bytes_t to_name, struct inode *replaced, u32 flags)
{
	struct inode *whiteout object_auto(inode) = NULL;
	err_t err = OK;

	if (flags & ~(RENAME_NOREPLACE_FLAG | RENAME_EXCHANGE_FLAG | RENAME_WHITEOUT_FLAG))
		return -EINVAL;
	if (flags & RENAME_EXCHANGE_FLAG)
		return replaced ? exchange(from_dir, from_name, child, to_dir, to_name, replaced) : (err_t)-ENOENT;
	if (replaced && replaced->type == S_IFDIR)
		err = ext2_directory_is_empty(ext2_inode_of(replaced));
	if (!err && !replaced && child->type == S_IFDIR && from_dir != to_dir && link_count_of(to_dir) >= EXT2_LINK_MAX)
		err = -EMLINK;
	if (!err)
		err = whiteout_make(from_dir, flags, &whiteout);
	if (!err)
		err = replaced ? ext2_entry_set(ext2_inode_of(to_dir), to_name, child)
			       : ext2_entry_add(ext2_inode_of(to_dir), to_name, child);
	if (!err)
		err = old_name_leave(from_dir, from_name, whiteout);
	if (err) {
		if (whiteout)
			inode_add_links(whiteout, -1);
		return err;
	}
	if (replaced)
		replaced_dropped(replaced, to_dir);
	inode_touch(child, TOUCH_CHANGE);
	return parent_changed(child, from_dir, to_dir);
}

static err_t ext2_create_unnamed(
	struct inode *dir, u32 mode, const struct cred *cred borrowed, struct inode **out borrowed)
{
	err_t err = ext2_inode_create(dir, mode, 0, cred, out);

	if (!err)
		inode_add_links(*out, -1);
	return err;
}

const struct inode_ops ext2_directory_ops = {
	EXT2_XATTR_OPS, .set_flags = ext2_set_flags, .find_extent = ext2_find_extent, .lookup = ext2_lookup,
	.create = ext2_create,
		.make_directory = ext2_make_directory, .symlink = ext2_symlink,
	.link = ext2_link, .unlink = ext2_unlink, .remove_directory = ext2_remove_directory, .rename = ext2_rename,
	.read_directory = ext2_directory_read, .create_unnamed = ext2_create_unnamed,
	.set_attributes = ext2_set_attributes, .evict = ext2_inode_evict, .write_inode = ext2_inode_write,
};
