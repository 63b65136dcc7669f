// SPDX-License-Identifier: MPL-2.0
// Open files: their life, and the way into their operations.
#include <core/memory.h>
#include <services/cred/user_namespace.h>
#include <services/vfs/dentry.h>
#include <services/vfs/file.h>
#include <services/vfs/file/file_internal.h>
#include <services/vfs/mount.h>
#include <services/vfs/notify.h>

DEFINE_BASE(file)

static exclusive_access void plain_file_release(struct plain_file *p)
{
	file_fini(&p->base);
}
DEFINE_DERIVED(plain_file, file, plain_file_release)

u32 file_mode_of_flags(u32 flags)
{
	switch (flags & OPEN_ACCESS_MASK) {
	case 0:
		return FILE_MODE_READ;
	case 1:
		return FILE_MODE_WRITE;
	default:
		return FILE_MODE_READ | FILE_MODE_WRITE;
	}
}

// --- how many there are: fs.file-max is for all, but whoever administers the machine can still open files ---
static struct atomic_u32 open_files;
struct atomic_u32 file_limit;

u64 file_count(void)
{
	return atomic_u32_load(&open_files);
}

void file_system_init_limit(void)
{
	const u64 a_tenth_of_memory = memory_read_totals().total_pages * (PAGE_SIZE / 1024) / 10;
	atomic_u32_store(&file_limit, (u32)min(max(a_tenth_of_memory, (u64)FILE_LIMIT_LEAST), (u64)S32_MAX));
}

static err_t file_count_up(struct file *f, const struct cred *cred borrowed)
{
	if (atomic_u32_add(&open_files, 1) >= atomic_u32_load_relaxed(&file_limit) &&
	    !cred_has_capability(cred, user_namespace_initial(), CAP_SYS_ADMIN)) {
		atomic_u32_sub(&open_files, 1);
		return -ENFILE;
	}
	f->mode = FILE_MODE_COUNTED;
	return OK;
}

err_t file_init(struct file *f, const struct file_ops *ops, u32 flags, struct cred *cred)
{
	const err_t e = file_count_up(f, cred);
	f->ops = e ? &file_ops_none : ops;
	f->cred = cred_get(cred);
	f->mode |= flags & OPEN_PATH ? (u32)FILE_MODE_PATH : file_mode_of_flags(flags);
	// What only open(2) itself looks at is not kept (F_GETFL); OPEN_NO_CTTY goes when the file is open.
	atomic_u32_store_relaxed(
		&f->flags, flags & ~(OPEN_CREATE | OPEN_EXCLUSIVE | OPEN_TRUNCATE | OPEN_CLOSE_ON_EXEC));
	mutex_init(&f->position_lock, RANK_FILE_POSITION);
	spin_init(&f->lock, RANK_FILE);
	return e;
}

static struct spinlock hook_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static void (*watch_hook)(struct epoll_watch_set *watches consumes) GUARDED_BY(hook_lock);

void file_set_watch_hook(void (*drop)(struct epoll_watch_set *watches consumes))
{
	spin_guard(&hook_lock);
	watch_hook = drop;
}

static void file_drop_watches(struct epoll_watch_set *watches consumes)
{
	void (*drop)(struct epoll_watch_set *watches consumes);
	{
		spin_guard(&hook_lock);
		drop = watch_hook;
	}
	drop(take(watches));
}

static void (*async_hook)(struct file_async *a consumes) GUARDED_BY(hook_lock);

void file_set_async_hook(void (*drop)(struct file_async *a consumes))
{
	spin_guard(&hook_lock);
	async_hook = drop;
}

static void file_drop_async(struct file_async *a consumes)
{
	void (*drop)(struct file_async *a consumes);
	{
		spin_guard(&hook_lock);
		drop = async_hook;
	}
	drop(take(a));
}

// Files of the kernel's own mounts (memfd) may run while they are open for writing.
static bool file_excludes_programs(const struct file *f)
{
	return !mount_has(f->path.mount, MOUNT_INTERNAL);
}

err_t file_count_writer(struct file *f)
{
	const err_t e = file_excludes_programs(f) ? inode_open_for_writing(f->inode) : OK;
	if (e)
		return e;
	atomic_u32_add(&f->path.mount->writers, 1);
	atomic_u32_add(&f->path.mount->superblock->writers, 1);
	f->mode |= FILE_MODE_WRITER;
	return OK;
}

err_t file_deny_writing(struct file *f)
{
	const err_t e = inode_deny_writing(f->inode);
	if (!e)
		f->mode |= FILE_MODE_DENIES_WRITING;
	return e;
}

static void file_end_writing(struct file *f)
{
	if (f->mode & FILE_MODE_DENIES_WRITING)
		inode_allow_writing(f->inode);
	if (!(f->mode & FILE_MODE_WRITER))
		return;
	if (file_excludes_programs(f))
		inode_close_for_writing(f->inode);
	atomic_u32_sub(&f->path.mount->writers, 1);
	atomic_u32_sub(&f->path.mount->superblock->writers, 1);
}

exclusive_access void file_fini(struct file *f)
{
	notify_closed(f);
	file_end_writing(f);
	if (f->epoll_watches)
		file_drop_watches(take(f->epoll_watches));
	if (f->async)
		file_drop_async(take(f->async));
	if (f->inode)
		file_drop_locks(f);
	if (f->ops && f->ops->release)
		f->ops->release(f);
	if (f->private_object)
		object_put(take(f->private_object));
	if (f->inode)
		inode_put(take(f->inode));
	path_put(&f->path);
	if (f->cred)
		cred_put(take(f->cred));
	if (f->mode & FILE_MODE_COUNTED)
		atomic_u32_sub(&open_files, 1);
}

err_t file_create(const struct path *p borrowed, u32 flags, struct cred *cred, struct file **out borrowed)
{
	struct plain_file *made object_auto(plain_file) = plain_file_alloc();
	if (!made)
		return -ENOMEM;
	struct file *f = &made->base;
	const err_t e = file_init(f, NULL, flags, cred);
	if (e)
		return e;
	f->path.mount = mount_get(p->mount);
	f->path.dentry = dentry_get(p->dentry);
	f->inode = inode_get(p->dentry->inode);
	*out = &take(made)->base;
	return OK;
}

// --- read and write ---------------------------------------------------------------------------------

// Reads or writes at the file's own position. A caller with the only reference needs no lock: nobody
// else can have this file open.
static ssize_r file_read_own(struct file *f, struct iobuf *to borrowed)
{
	if (!(f->mode & FILE_MODE_SEEK)) {
		u64 none = 0;
		return f->ops->read(f, to, &none);
	}
	if (object_references(&f->object) == 1)
		return f->ops->read(f, to, &f->position);
	mutex_guard(&f->position_lock);
	return f->ops->read(f, to, &f->position);
}

ssize_r file_read(struct file *f, struct iobuf *to borrowed, u64 *position borrowed)
{
	if (!(f->mode & FILE_MODE_READ))
		return -EBADF;
	if (!f->ops->read)
		return -EINVAL;
	const ssize_r n = position ? f->ops->read(f, to, position) : file_read_own(f, to);
	if (n > 0)
		notify_file(f, NOTIFY_ACCESS);
	return n;
}

static ssize_r file_write_own(struct file *f, struct iobuf *from borrowed)
{
	if (!(f->mode & FILE_MODE_SEEK)) {
		u64 none = 0;
		return f->ops->write(f, from, &none);
	}
	if (object_references(&f->object) == 1)
		return f->ops->write(f, from, &f->position);
	mutex_guard(&f->position_lock);
	return f->ops->write(f, from, &f->position);
}

static ssize_r file_write_at(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	return position ? f->ops->write(f, from, position) : file_write_own(f, from);
}

ssize_r file_write(struct file *f, struct iobuf *from borrowed, u64 *position borrowed)
{
	if (!(f->mode & FILE_MODE_WRITE))
		return -EBADF;
	if (!f->ops->write)
		return -EINVAL;
	ssize_r n = file_write_at(f, from, position);
	if (n == -EAGAIN && file_note_no_room(f)) {
		n = file_write_at(f, from, position);	// nothing of it was taken
		if (n != -EAGAIN)
			file_note_room(f);
	}
	if (n > 0)
		notify_file(f, NOTIFY_MODIFY);
	return n;
}

err_t file_read_exact(struct file *f, u64 position, span_t out)
{
	usize done = 0;
	while (done < span_len(out)) {
		struct iobuf to = iobuf_to_kernel(span_from(out, done));
		const ssize_r n = f->ops->read ? f->ops->read(f, &to, &position) : (ssize_r)-ENOEXEC;
		if (n < 0)
			return (err_t)n;
		if (n == 0)
			return -ENOEXEC;
		done += (usize)n;
	}
	return OK;
}

err_t file_sync(struct file *f, u64 start, u64 end, u32 data_only)
{
	return f->ops->sync ? f->ops->sync(f, start, end, data_only) : (err_t)-EINVAL;
}

// --- position ---------------------------------------------------------------------------------------

enum { SEEK_SET, SEEK_CUR, SEEK_END, SEEK_DATA, SEEK_HOLE };

ssize_r file_seek_generic(struct file *f, s64 offset, u32 whence, u64 size)
{
	s64 base = 0;
	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		if (offset == 0)
			return (ssize_r)f->position;
		base = (s64)f->position;
		break;
	case SEEK_END:
		base = (s64)size;
		break;
	case SEEK_DATA:
	case SEEK_HOLE:
		if (offset < 0 || (u64)offset >= size)
			return -ENXIO;
		base = whence == SEEK_HOLE ? (s64)size - offset : 0;
		break;
	default:
		return -EINVAL;
	}
	if (offset > 0 && base > S64_MAX - offset)
		return -EOVERFLOW;
	const s64 target = base + offset;
	if (target < 0)
		return -EINVAL;
	f->position = (u64)target;
	return (ssize_r)target;
}

ssize_r file_seek(struct file *f, s64 offset, u32 whence)
{
	if (!f->ops->seek)
		return -ESPIPE;
	mutex_guard(&f->position_lock);
	return f->ops->seek(f, offset, whence);
}
