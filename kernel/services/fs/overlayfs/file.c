// SPDX-License-Identifier: MPL-2.0
// Open files: each has the real file open beside it. A file that was opened for reading from a lower layer and is
// copied up later goes over to the copy at its next use; what it has mapped stays with the lower file.
#include <services/fs/overlayfs/overlay_internal.h>

struct overlay_open_file {
	struct object object;
	struct mutex lock;		// while the second one is opened
	struct file *first;		// reference; immutable
	struct file *second GUARDED_BY(lock);	// reference: of the copy; NULL until needed, then for ever
};
DECLARE_OBJECT(overlay_open_file)
static exclusive_access void overlay_open_file_release(struct overlay_open_file *o)
{
	if (o->first)
		file_put(take(o->first));
	if (o->second)
		file_put(take(o->second));
}
DEFINE_OBJECT(overlay_open_file, overlay_open_file_release)

static u32 real_flags(struct file *f)
{
	return atomic_u32_load_relaxed(&f->flags) & ~(OPEN_DIRECTORY | OPEN_NO_FOLLOW | OPEN_TMPFILE);
}

static err_t open_for(struct overlay_inode *i, u32 flags, struct file **out borrowed)
{
	return overlay_open_real(overlay_of(i->base.superblock), overlay_content_mount(i), overlay_content_dentry(i),
		flags, out);
}

err_t overlay_open(struct inode *inode, struct file *f)
{
	struct overlay_inode *i = overlay_inode_of(inode);
	if (f->mode & FILE_MODE_WRITE) {
		const err_t e = overlay_copy_up(i);
		if (e)
			return e;
	}
	struct overlay_open_file *o object_auto(overlay_open_file) = overlay_open_file_alloc();
	if (!o)
		return -ENOMEM;
	mutex_init(&o->lock, inode->superblock->stack_depth > 1 ? RANK_STACK_2_COPY : RANK_STACK_1_COPY);
	const err_t e = open_for(i, real_flags(f), &o->first);
	if (e)
		return e;
	f->private_object = &take(o)->object;
	return OK;
}

// The real file that an operation goes to, borrowed from f.
static err_t real_file(struct file *f, struct file **out borrowed)
{
	struct overlay_inode *i = overlay_inode_of(f->inode);
	struct overlay_open_file *const o = overlay_open_file_from_object(f->private_object);
	struct file *real = o->first;
	if (real->inode != overlay_content_dentry(i)->inode) {
		mutex_guard(&o->lock);
		if (!o->second) {
			const err_t e = open_for(i, real_flags(f), &o->second);
			if (e)
				return e;
		}
		real = o->second;
	}
	// F_SETFL reaches the overlay file alone.
	const u32 flags = real_flags(f);
	if (atomic_u32_load_relaxed(&real->flags) != flags)
		atomic_u32_store_relaxed(&real->flags, flags);
	*out = real;
	return OK;
}

static ssize_r open_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	struct file *real = NULL;
	const err_t e = real_file(f, &real);
	return e ? (ssize_r)e : file_read(real, to, position);
}

static ssize_r open_write(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	struct file *real = NULL;
	const err_t e = real_file(f, &real);
	if (e)
		return (ssize_r)e;
	const ssize_r n = file_write(real, from, position);
	overlay_refresh(overlay_inode_of(f->inode));
	return n;
}

static ssize_r open_seek(struct file *f, s64 offset, u32 whence)
{
	enum { SEEK_DATA = 3, SEEK_HOLE = 4 };
	struct file *real = NULL;
	const err_t e = real_file(f, &real);
	if (e)
		return (ssize_r)e;
	if ((whence != SEEK_DATA && whence != SEEK_HOLE) || !real->ops->seek)
		return file_seek_generic(f, offset, whence, atomic_u64_load(&real->inode->size));
	// The real file's position is only ever used here, under the overlay file's lock.
	const ssize_r found = real->ops->seek(real, offset, whence);
	if (found >= 0)
		f->position = (u64)found;
	return found;
}

static err_t open_map(struct file *f, u32 protection, struct page_mapping **out borrowed)
{
	// What was opened is mapped, the lower file too that has a copy by now: as on Linux.
	struct file *real = overlay_open_file_from_object(f->private_object)->first;
	return real->ops->map ? real->ops->map(real, protection, out) : (err_t)-ENODEV;
}

static err_t open_sync(struct file *f, u64 start, u64 end, u32 data_only)
{
	struct overlay_inode *i = overlay_inode_of(f->inode);
	struct file *real = NULL;
	// Only the upper layer changes; with "volatile" nobody wants to wait for it.
	if (!i->upper || (overlay_of(f->inode->superblock)->options.flags & OVERLAY_VOLATILE))
		return OK;
	if (atomic_u32_load(&i->is_metacopy))
		return data_only ? OK : inode_write_all(i->upper->inode);
	const err_t e = real_file(f, &real);
	return e ? e : file_sync(real, start, end, data_only);
}

static err_t open_allocate(struct file *f, u32 mode, u64 offset, u64 length)
{
	struct file *real = NULL;
	err_t e = real_file(f, &real);
	if (e)
		return e;
	e = real->ops->allocate ? real->ops->allocate(real, mode, offset, length) : (err_t)-EOPNOTSUPP;
	overlay_refresh(overlay_inode_of(f->inode));
	return e;
}

const struct file_ops overlay_open_ops = {
	.read = open_read,
	.write = open_write,
	.seek = open_seek,
	.map = open_map,
	.sync = open_sync,
	.allocate = open_allocate,
};
