// SPDX-License-Identifier: MPL-2.0
// Open folders.
#include <services/vfs/dentry.h>
#include <services/vfs/file.h>
#include <services/vfs/mount.h>
#include <services/vfs/notify.h>
#include <services/vfs/superblock.h>

static ssize_r directory_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	return -EISDIR;
}

static ssize_r directory_seek(struct file *f, s64 offset, u32 whence)
{
	if (whence > 1)
		return whence == 2 ? file_seek_generic(f, offset, whence, S64_MAX) : (ssize_r)-EINVAL;
	return file_seek_generic(f, offset, whence, 0);
}

static err_t directory_sync(struct file *f, u64 start, u64 end, u32 data_only)
{
	return inode_write_all(f->inode);
}

const struct file_ops file_ops_directory = {
	.read = directory_read,
	.seek = directory_seek,
	.sync = directory_sync,
};

// "." and ".." at positions 0 and 1. False when the sink is full.
static bool directory_put_dots(struct file *f, u64 *position borrowed, struct directory_sink *sink borrowed)
{
	if (*position == 0) {
		if (!sink->add(sink, STR("."), f->inode->number, S_IFDIR, 1))
			return false;
		*position = 1;
	}
	if (*position == 1) {
		struct dentry *parent object_auto(dentry) = dentry_parent(f->path.dentry);
		if (!sink->add(sink, STR(".."), parent->inode->number, S_IFDIR, 2))
			return false;
		*position = 2;
	}
	return true;
}

static err_t directory_fill(struct file *f, struct directory_sink *sink borrowed)
{
	struct inode *dir = f->inode;
	read_guard(&dir->directory_lock);
	if (dentry_is_deleted(f->path.dentry))
		return -ENOENT;
	if ((atomic_u32_load_relaxed(&dir->superblock->flags) & SUPERBLOCK_VFS_DOTS) && !directory_put_dots(f,
		&f->position, sink))
		return OK;
	return dir->ops->read_directory(dir, &f->position, sink);
}

err_t file_read_directory(struct file *f, struct directory_sink *sink borrowed)
{
	if (f->mode & FILE_MODE_PATH)
		return -EBADF;
	if (f->inode->type != S_IFDIR)
		return -ENOTDIR;
	mutex_guard(&f->position_lock);
	if (f->ops->read_directory)
		return f->ops->read_directory(f, sink);
	if (!f->inode->ops->read_directory)
		return -ENOTDIR;
	const err_t e = directory_fill(f, sink);
	file_note_access(f);
	if (!e)
		notify_file(f, NOTIFY_ACCESS);
	return e;
}
