// SPDX-License-Identifier: MPL-2.0
// fcntl(2), fsync(2), getdents(2), fallocate(2), fadvise(2).
#include <generated/syscall_prototypes.h>
#include <linux_abi/file/file_arguments.h>
#include <services/block/block_device.h>
#include <services/vfs/superblock.h>
#include <services/vfs/dentry.h>
#include <services/vfs/mount.h>
#include <services/vfs/notify.h>

// --- writing out ------------------------------------------------------------------------------------

static s64 sync_file(s32 fd, u32 data_only)
{
	struct file_borrow b file_borrow_auto = file_of(fd);
	if (!b.file || (b.file->mode & FILE_MODE_PATH))
		return -EBADF;
	return file_sync(b.file, 0, U64_MAX, data_only);
}

s64 sys_fsync(s32 fd)
{
	return sync_file(fd, 0);
}

s64 sys_fdatasync(s32 fd)
{
	return sync_file(fd, 1);
}

s64 sys_sync(void)
{
	superblock_sync_all();
	block_device_sync_all();
	return 0;
}

s64 sys_syncfs(s32 fd)
{
	struct file_borrow b file_borrow_auto = file_of(fd);
	if (!b.file || (b.file->mode & FILE_MODE_PATH))
		return -EBADF;
	return superblock_sync(b.file->path.mount->superblock);
}

// source: sync_file_range(2): everything is written and waited for, whichever part of that was asked for
s64 sys_sync_file_range(s32 fd, s64 offset, s64 nbytes, u32 flags)
{
	enum { WAIT_BEFORE = 1, WRITE = 2, WAIT_AFTER = 4 };
	struct file_borrow b file_borrow_auto = file_of(fd);
	if (!b.file || (b.file->mode & FILE_MODE_PATH))
		return -EBADF;
	if ((flags & ~(u32)(WAIT_BEFORE | WRITE | WAIT_AFTER)) || offset < 0 || nbytes < 0 || offset > S64_MAX - nbytes)
		return -EINVAL;
	const u32 type = b.file->inode->type;
	if (type != S_IFREG && type != S_IFBLK && type != S_IFDIR && type != S_IFLNK)
		return -ESPIPE;
	const u64 end = nbytes ? (u64)offset + (u64)nbytes - 1 : U64_MAX;
	return flags ? (s64)file_sync(b.file, (u64)offset, end, 1) : 0;
}

s64 sys_fallocate(s32 fd, s32 mode, s64 offset, s64 len)
{
	struct file_borrow b file_borrow_auto = file_of(fd);
	if (offset < 0 || len <= 0)
		return -EINVAL;
	if (!b.file || !(b.file->mode & FILE_MODE_WRITE))
		return -EBADF;
	if (offset > S64_MAX - len)
		return -EFBIG;
	switch (b.file->inode->type) {
	case S_IFIFO:
		return -ESPIPE;
	case S_IFDIR:
		return -EISDIR;
	case S_IFREG:
		break;
	default:
		return -ENODEV;
	}
	enum { FALLOC_KEEP_SIZE = 1, FALLOC_PUNCH_HOLE = 2 };
	if (((u32)mode & FALLOC_PUNCH_HOLE) && !((u32)mode & FALLOC_KEEP_SIZE))
		return -EOPNOTSUPP;
	if (!b.file->ops->allocate)
		return -EOPNOTSUPP;
	// Pages past the limit are refused whether the size follows them or not.
	err_t e = (u32)mode & FALLOC_PUNCH_HOLE ? OK : length_limit(b.file->inode, (u64)(offset + len));
	if (e)
		return e;
	e = b.file->ops->allocate(b.file, (u32)mode, (u64)offset, (u64)len);
	if (!e)
		notify_file(b.file, NOTIFY_MODIFY);
	return e;
}

// POSIX_FADV_DONTNEED: whole pages of the range, or what is left of the file, leave the cache once they are clean.
static void file_forget_range(struct file *f, u64 offset, u64 length)
{
	const u64 end = length && length <= U64_MAX - offset ? offset + length : U64_MAX;
	const u64 first = (offset + PAGE_SIZE - 1) >> PAGE_SHIFT, past = end >> PAGE_SHIFT;

	struct page_mapping *pages = f->inode ? f->inode->pages : NULL;

	if (!pages && f->inode && f->inode->type == S_IFBLK && f->ops->map && f->ops->map(f, 0, &pages))
		return;
	if (pages && past)
		page_mapping_forget_clean(pages, first, past - 1);
}

s64 sys_fadvise64(s32 fd, s64 offset, u64 len, s32 advice)
{
	struct file_borrow b file_borrow_auto = file_of(fd);
	if (!b.file)
		return -EBADF;
	if (b.file->inode && b.file->inode->type == S_IFIFO)
		return -ESPIPE;
	if (advice < 0 || advice > 5 || (s64)len < 0)
		return -EINVAL;
	if (advice == 4 && offset >= 0)
		file_forget_range(b.file, (u64)offset, len);
	return 0;
}

s64 sys_readahead(s32 fd, s64 offset, u64 count)
{
	struct file_borrow b file_borrow_auto = file_of(fd);
	if (!b.file || !(b.file->mode & FILE_MODE_READ))
		return -EBADF;
	return b.file->inode && b.file->inode->type == S_IFREG ? 0 : -EINVAL;
}

// --- folders ----------------------------------------------------------------------------------------

// struct linux_dirent64: ino 8, next position 8, length 2, type 1, name with its end mark, to 8 bytes.
// struct linux_dirent: ino 8, next position 8, length 2, name with its end mark; the type in the last byte.
#define DIRENT64_TYPE 18u
#define DIRENT64_HEAD 19u
#define DIRENT_HEAD 18u

// Adds an entry of `length` bytes whose name begins at `head`; the caller adds the type. Empty: it does not fit.
static span_t entry_add(struct directory_sink *s borrowed, usize length, u32 head, bytes_t name, u64 number, u64 next)
{
	if (length > span_len(s->out) - s->used) {
		s->error = -EINVAL;
		return span_empty();
	}
	const span_t d = span_slice(s->out, s->used, length);
	span_put_u64le(d, 0, number);
	span_put_u64le(d, 8, s->position_base + next);
	span_put_u16le(d, 16, (u16)length);
	span_copy(span_from(d, head), name);
	span_fill(span_from(d, head + bytes_len(name)), 0);
	s->used += length;
	s->count++;
	return d;
}

static bool dirent64_add(struct directory_sink *s borrowed, bytes_t name, u64 number, u32 type, u64 next_position)
{
	const usize length = (DIRENT64_HEAD + bytes_len(name) + 1 + 7) & ~7ul;
	const span_t d = entry_add(s, length, DIRENT64_HEAD, name, number, next_position);
	if (!span_len(d))
		return false;
	span_at(d, DIRENT64_TYPE) = (u8)(type >> 12);
	return true;
}

static bool dirent_add(struct directory_sink *s borrowed, bytes_t name, u64 number, u32 type, u64 next_position)
{
	const usize length = (DIRENT_HEAD + bytes_len(name) + 2 + 7) & ~7ul;
	const span_t d = entry_add(s, length, DIRENT_HEAD, name, number, next_position);
	if (!span_len(d))
		return false;
	span_at(d, length - 1) = (u8)(type >> 12);
	return true;
}

#define DIRENT_CHUNK 4096u

typedef bool (*sink_add_t)(struct directory_sink *s borrowed, bytes_t name, u64 number, u32 type, u64 next_position);

// One chunk of entries to `to`: the bytes, 0 at the end of the folder, or why none fits.
static s64 read_chunk(struct file *f, user_addr_t to, span_t chunk, sink_add_t add)
{
	struct directory_sink sink = { .add = add, .out = chunk };
	const u64 before = f->position;
	err_t e = file_read_directory(f, &sink);
	if (sink.count == 0)
		return e ? e : sink.error;
	e = user_copy_out(to, bytes_of(span_first(chunk, sink.used)));
	if (e)
		f->position = before;	// these entries were not seen
	return e ? (s64)e : (s64)sink.used;
}

static s64 read_directory(s32 fd, user_addr_t to, u32 count, sink_add_t add)
{
	struct file_borrow b file_borrow_auto = file_of(fd);
	struct buf *chunk buf_auto = buf_alloc(min(max(count, 1u), DIRENT_CHUNK));
	usize done = 0;
	if (!b.file)
		return -EBADF;
	if (!chunk)
		return -ENOMEM;
	for (;;) {
		const usize room = min(count - done, buf_len(chunk));
		const s64 n = read_chunk(b.file, user_offset(to, done), span_first(buf_span(chunk), room), add);
		if (n <= 0)
			return done ? (s64)done : n;
		done += (usize)n;
	}
}

s64 sys_getdents64(s32 fd, user_addr_t dirp, u32 count)
{
	return read_directory(fd, dirp, count, dirent64_add);
}

s64 sys_getdents(s32 fd, user_addr_t dirp, u32 count)
{
	return read_directory(fd, dirp, count, dirent_add);
}
