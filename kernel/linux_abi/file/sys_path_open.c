// SPDX-License-Identifier: MPL-2.0
// open(2), openat2(2), creat(2), memfd_create(2), pipe(2).
#include <generated/syscall_prototypes.h>
#include <linux_abi/file/file_arguments.h>
#include <services/fs/tmpfs/tmpfs.h>
#include <services/vfs/pipe.h>

static s64 open_descriptor(struct place_argument *p borrowed, u32 flags, u32 mode)
{
	const ssize_r fd = file_table_reserve(thread_files(), 0, process_rlimit(process_current(), RLIMIT_NOFILE),
		flags);
	if (fd < 0)
		return fd;
	struct file *f object_auto(file) = NULL;
	const err_t e = file_open(&p->context, place_name(p), flags, mode, &f);
	if (e) {
		file_table_cancel(thread_files(), (u32)fd);
		return e;
	}
	file_table_install(thread_files(), (u32)fd, take(f));
	return fd;
}

// Bits that open(2) ignores when it does not know them; openat2(2) refuses those.
#define OPEN_KNOWN (OPEN_ACCESS_MASK | OPEN_CREATE | OPEN_EXCLUSIVE | OPEN_NO_CTTY | OPEN_TRUNCATE | OPEN_APPEND | \
	OPEN_NONBLOCK | OPEN_SYNC | OPEN_ASYNC | OPEN_DIRECT | OPEN_LARGEFILE | OPEN_DIRECTORY | OPEN_NO_FOLLOW | \
	OPEN_NO_ATIME | OPEN_CLOSE_ON_EXEC | OPEN_PATH | OPEN_TMPFILE)
#define TMPFILE_ONLY (OPEN_TMPFILE & ~OPEN_DIRECTORY)

static s64 open_at(s32 dirfd, user_addr_t name, u32 flags, u32 mode)
{
	struct place_argument p place_auto = {};
	flags &= OPEN_KNOWN;
	if ((flags & TMPFILE_ONLY) && !(flags & OPEN_DIRECTORY))
		return -EINVAL;
	const err_t e = place_read(&p, dirfd, name, 0);
	if (e)
		return e;
	return open_descriptor(&p, flags | OPEN_LARGEFILE, mode & 07777);
}

s64 sys_open(user_addr_t pathname, s32 flags, u32 mode)
{
	return open_at(AT_CURRENT_FOLDER, pathname, (u32)flags, mode);
}

s64 sys_openat(s32 dirfd, user_addr_t pathname, s32 flags, u32 mode)
{
	return open_at(dirfd, pathname, (u32)flags, mode);
}

s64 sys_creat(user_addr_t pathname, u32 mode)
{
	return open_at(AT_CURRENT_FOLDER, pathname, OPEN_CREATE | OPEN_TRUNCATE | 1, mode);
}

struct open_how {
	u64 flags, mode, resolve;
};
enum { RESOLVE_NO_XDEV = 1, RESOLVE_NO_MAGICLINKS = 2, RESOLVE_NO_SYMLINKS = 4, RESOLVE_BENEATH = 8, RESOLVE_IN_ROOT =
	16, RESOLVE_CACHED = 32 };

static u32 lookup_of_resolve(u64 resolve)
{
	return (resolve & RESOLVE_NO_XDEV ? (u32)LOOKUP_NO_XDEV : 0) | (resolve & RESOLVE_NO_MAGICLINKS ?
		(u32)LOOKUP_NO_MAGICLINKS : 0) |
	       (resolve & RESOLVE_NO_SYMLINKS ? (u32)LOOKUP_NO_SYMLINKS : 0) | (resolve & RESOLVE_BENEATH ?
		(u32)LOOKUP_BENEATH : 0) |
	       (resolve & RESOLVE_IN_ROOT ? (u32)LOOKUP_IN_ROOT : 0) | (resolve & RESOLVE_CACHED ?
		(u32)LOOKUP_CACHED : 0);
}

static err_t open_how_check(const struct open_how *how borrowed)
{
	if ((how->flags & ~(u64)OPEN_KNOWN) || (how->resolve & ~63ul) || (how->mode & ~07777ul))
		return -EINVAL;
	if ((how->resolve & RESOLVE_BENEATH) && (how->resolve & RESOLVE_IN_ROOT))
		return -EINVAL;
	if (how->mode && !(how->flags & (OPEN_CREATE | TMPFILE_ONLY)))
		return -EINVAL;
	if ((how->flags & OPEN_PATH) && (how->flags & ~(u64)(OPEN_PATH | OPEN_DIRECTORY | OPEN_NO_FOLLOW |
		OPEN_CLOSE_ON_EXEC)))
		return -EINVAL;
	if ((how->flags & TMPFILE_ONLY) && !(how->flags & OPEN_DIRECTORY))
		return -EINVAL;
	if ((how->resolve & RESOLVE_CACHED) && (how->flags & (OPEN_TRUNCATE | OPEN_CREATE | TMPFILE_ONLY)))
		return -EAGAIN;
	return OK;
}

// Bytes beyond what we know must be zero (openat2(2), "Extensibility").
static err_t rest_is_zero(user_addr_t at, u64 length)
{
	u8 chunk[64];
	while (length) {
		const u64 n = min(length, sizeof(chunk));
		const err_t e = user_copy_in(span_first(array_span(chunk), n), at);
		if (e)
			return e;
		for (u64 i = 0; i < n; i++) {
			if (chunk[i])
				return -E2BIG;
		}
		at = user_offset(at, n);
		length -= n;
	}
	return OK;
}

s64 sys_openat2(s32 dirfd, user_addr_t pathname, user_addr_t how_at, u64 size)
{
	struct open_how how = {};
	struct place_argument p place_auto = {};
	if (size < sizeof(how))
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	err_t e = user_copy_in_object(&how, how_at);
	if (!e)
		e = rest_is_zero(user_offset(how_at, sizeof(how)), size - sizeof(how));
	if (!e)
		e = open_how_check(&how);
	if (!e)
		e = place_read(&p, dirfd, pathname, lookup_of_resolve(how.resolve));
	if (e)
		return e;
	return open_descriptor(&p, (u32)how.flags | OPEN_LARGEFILE, (u32)how.mode);
}

// --- files without a name ---------------------------------------------------------------------------

s64 sys_memfd_create(user_addr_t name, u32 flags)
{
	enum { MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2, NAME_LENGTH = 249 };
	u8 text[NAME_LENGTH + 1];
	if (flags & ~(u32)(MFD_CLOEXEC | MFD_ALLOW_SEALING))
		return -EINVAL;
	const ssize_r length = user_copy_string(array_span(text), name);
	if (length < 0)
		return length == -ENAMETOOLONG ? -EINVAL : (s64)length;
	struct file *f object_auto(file) = NULL;
	const u32 seal = flags & MFD_ALLOW_SEALING ? TMPFS_MEMFD_SEALING : 0;
	const err_t e = tmpfs_memfd_create(bytes_first(array_bytes(text), (usize)length), seal, 2 | OPEN_LARGEFILE,
		thread_cred(), &f);
	if (e)
		return e;
	return file_table_add(thread_files(), take(f), process_rlimit(process_current(), RLIMIT_NOFILE),
		flags & MFD_CLOEXEC ? OPEN_CLOSE_ON_EXEC : 0);
}

struct descriptor_pair {
	s32 first, second;
};

s64 sys_pipe2(user_addr_t pipefd, s32 flags)
{
	struct file *reader object_auto(file) = NULL;
	struct file *writer object_auto(file) = NULL;
	struct descriptor_pair pair = {};
	const u64 limit = process_rlimit(process_current(), RLIMIT_NOFILE);
	if ((u32)flags & ~(OPEN_CLOSE_ON_EXEC | OPEN_NONBLOCK | OPEN_DIRECT))
		return -EINVAL;
	err_t e = pipe_create((u32)flags, thread_cred(), &reader, &writer);
	if (e)
		return e;
	const ssize_r first = file_table_reserve(thread_files(), 0, limit, (u32)flags);
	if (first < 0)
		return first;
	const ssize_r second = file_table_reserve(thread_files(), 0, limit, (u32)flags);
	if (second < 0) {
		file_table_cancel(thread_files(), (u32)first);
		return second;
	}
	pair.first = (s32)first;
	pair.second = (s32)second;
	e = user_copy_out_object(pipefd, &pair);
	if (e) {
		file_table_cancel(thread_files(), (u32)first);
		file_table_cancel(thread_files(), (u32)second);
		return e;
	}
	file_table_install(thread_files(), (u32)first, take(reader));
	file_table_install(thread_files(), (u32)second, take(writer));
	return 0;
}

s64 sys_pipe(user_addr_t pipefd)
{
	return sys_pipe2(pipefd, 0);
}
