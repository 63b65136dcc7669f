// SPDX-License-Identifier: MPL-2.0
// File handles, by the file system's own search.
#include <services/vfs/dentry.h>
#include <services/vfs/file_handle.h>
#include <services/vfs/mount.h>

err_t file_handle_of(const struct path *p borrowed, struct file_handle *out borrowed)
{
	struct inode *i = p->dentry->inode;
	if (!i->superblock->ops->find_inode)
		return -EOPNOTSUPP;
	out->number = i->number;
	out->generation = i->generation;
	return OK;
}

static bool has_links(struct inode *i)
{
	spin_guard(&i->lock);
	return i->link_count;
}

err_t file_handle_find(const struct path *at borrowed, const struct file_handle *h borrowed, struct path *out borrowed)
{
	struct superblock *sb = at->mount->superblock;
	struct inode *found object_auto(inode) = NULL;
	if (!sb->ops->find_inode)
		return -ESTALE;
	const err_t e = sb->ops->find_inode(sb, h->number, h->generation, &found);
	if (e)
		return e == -ENOMEM ? e : (err_t)-ESTALE;
	if (!has_links(found))
		return -ESTALE;
	struct dentry *d object_auto(dentry) = NULL;
	if (found == sb->root)
		d = dentry_get(sb->root_dentry);
	else if (found->type != S_IFDIR)
		d = dentry_create_anonymous(sb, found, bytes_empty());
	else
		return -ESTALE;
	if (!d)
		return -ENOMEM;
	out->mount = mount_get(at->mount);
	out->dentry = take(d);
	return OK;
}
