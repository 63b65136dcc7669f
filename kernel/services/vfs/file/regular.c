// SPDX-License-Identifier: MPL-2.0
// Regular files whose content is in the page cache.
#include <services/vfs/file.h>
#include <services/vfs/file/file_internal.h>
#include <services/vfs/mount.h>

#define RELATIME_AGE_SECONDS (24 * 60 * 60)

static bool time_is_before(const struct file_time *a borrowed, const struct file_time *b borrowed)
{
	return a->seconds < b->seconds || (a->seconds == b->seconds && a->nanoseconds <= b->nanoseconds);
}

void file_note_access(struct file *f)
{
	struct inode *i = f->inode;
	if (atomic_u32_load_relaxed(&i->state) & INODE_NO_ATIME)
		return;
	const u32 quiet = i->type == S_IFDIR ? MOUNT_NO_ATIME | MOUNT_NO_DIRATIME : MOUNT_NO_ATIME;
	if (!f->path.mount || (atomic_u32_load_relaxed(&f->flags) & OPEN_NO_ATIME) || mount_has(f->path.mount, quiet |
		MOUNT_INTERNAL))
		return;
	if (mount_check_writable(f->path.mount) != OK)
		return;
	const struct file_time now = file_time_now();
	spin_guard(&i->lock);
	if (mount_has(f->path.mount, MOUNT_RELATIME) && !time_is_before(&i->access_time, &i->modify_time) &&
	    !time_is_before(&i->access_time, &i->change_time) &&
		now.seconds - i->access_time.seconds < RELATIME_AGE_SECONDS)
		return;
	i->access_time = now;
	inode_mark_dirty(i);
}

static ssize_r regular_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	struct inode *i = f->inode;
	const ssize_r n = page_mapping_read(i->pages, atomic_u64_load(&i->size), position, to);
	if (n > 0)
		file_note_access(f);
	return n;
}

// data_lock is held for writing.
static ssize_r regular_write_locked(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	struct inode *i = f->inode;
	if (atomic_u32_load_relaxed(&f->flags) & OPEN_APPEND)
		*position = atomic_u64_load(&i->size);
	if (*position >= S64_MAX)
		return -EFBIG;
	if (iobuf_remaining(from) > S64_MAX - *position)
		iobuf_truncate(from, S64_MAX - *position);
	file_drop_privileges(f);
	const ssize_r n = page_mapping_write(i->pages, position, from);
	if (n <= 0)
		return n;
	if (*position > atomic_u64_load(&i->size))
		atomic_u64_store(&i->size, *position);
	inode_touch(i, TOUCH_MODIFY | TOUCH_CHANGE);
	return n;
}

static ssize_r regular_write(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	if (iobuf_remaining(from) == 0)
		return (ssize_r)0;
	ssize_r n;
	{
		write_guard(&f->inode->data_lock);
		n = regular_write_locked(f, from, position);
	}
	if (n > 0 && (atomic_u32_load_relaxed(&f->flags) & OPEN_DSYNC)) {
		const err_t e = file_sync(f, *position - (u64)n, *position, 1);
		if (e)
			return (ssize_r)e;
	}
	return n;
}

static ssize_r regular_seek(struct file *f, s64 offset, u32 whence)
{
	return file_seek_generic(f, offset, whence, atomic_u64_load(&f->inode->size));
}

static err_t regular_map(struct file *f, u32 protection, struct page_mapping **out borrowed)
{
	*out = f->inode->pages;
	return OK;
}

static err_t regular_sync(struct file *f, u64 start, u64 end, u32 data_only)
{
	struct inode *i = f->inode;
	const err_t e = page_mapping_sync(i->pages, start, end);
	return e ? e : inode_write_record(i);
}

const struct file_ops file_ops_page_cache = {
	.read = regular_read,
	.write = regular_write,
	.seek = regular_seek,
	.map = regular_map,
	.sync = regular_sync,
};
