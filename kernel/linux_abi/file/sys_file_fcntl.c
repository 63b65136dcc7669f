// SPDX-License-Identifier: MPL-2.0
// fcntl(2), flock(2).
#include <generated/syscall_prototypes.h>
#include <linux_abi/file/file_arguments.h>
#include <services/fs/tmpfs/tmpfs.h>
#include <services/process/pid.h>
#include <services/vfs/file_lock.h>
#include <services/vfs/idmap.h>
#include <services/vfs/mount.h>
#include <services/vfs/pipe.h>

enum {
	F_DUPFD = 0, F_GETFD = 1, F_SETFD = 2, F_GETFL = 3, F_SETFL = 4, F_GETLK = 5, F_SETLK = 6, F_SETLKW = 7,
	F_OFD_GETLK = 36, F_OFD_SETLK = 37, F_OFD_SETLKW = 38,
	F_DUPFD_CLOEXEC = 1030, F_SETPIPE_SZ = 1031, F_GETPIPE_SZ = 1032, F_ADD_SEALS = 1033, F_GET_SEALS = 1034
};

// --- record locks -----------------------------------------------------------------------------------

struct linux_flock {
	s16 type, whence;
	s32 pad;
	s64 start, length;
	s32 pid, pad2;
};
enum { F_RDLCK, F_WRLCK, F_UNLCK };

static err_t range_base(struct file *f, s16 whence, s64 *base borrowed)
{
	switch (whence) {
	case 0:
		*base = 0;
		return OK;
	case 1:
		*base = (s64)f->position;
		return OK;
	case 2:
		*base = (s64)atomic_u64_load(&f->inode->size);
		return OK;
	default:
		return -EINVAL;
	}
}

static err_t range_decode(struct file *f, const struct linux_flock *l borrowed, struct file_lock_range *out borrowed)
{
	s64 base = 0;
	const err_t e = range_base(f, l->whence, &base);
	if (e || l->type < F_RDLCK || l->type > F_UNLCK)
		return -EINVAL;
	if (l->start > 0 && base > S64_MAX - l->start)
		return -EOVERFLOW;
	s64 start = base + l->start, end = S64_MAX;
	if (start < 0 || l->length < -S64_MAX)
		return -EINVAL;
	if (l->length > 0) {
		if (start > S64_MAX - (l->length - 1))
			return -EOVERFLOW;
		end = start + (l->length - 1);
	} else if (l->length < 0) {
		end = start - 1;
		start += l->length;
	}
	if (start < 0)
		return -EINVAL;
	out->type = l->type == F_RDLCK ? FILE_LOCK_READ : l->type == F_WRLCK ? FILE_LOCK_WRITE : FILE_LOCK_NONE;
	out->start = (u64)start;
	out->end = l->length == 0 ? U64_MAX : (u64)end;
	out->pid = pid_number_global(process_current()->pid);
	return OK;
}

static s64 lock_get(struct file *f, user_addr_t at, enum file_lock_kind kind)
{
	struct linux_flock l = {};
	struct file_lock_range range = { .kind = kind };
	err_t e = user_copy_in_object(&l, at);
	if (!e)
		e = range_decode(f, &l, &range);
	if (e)
		return e;
	if (range.type == FILE_LOCK_NONE || (kind == FILE_LOCK_OFD && l.pid))
		return -EINVAL;
	file_lock_test(f, thread_files(), &range);
	if (range.type == FILE_LOCK_NONE) {
		l.type = F_UNLCK;
	} else {
		l.type = range.type == FILE_LOCK_READ ? F_RDLCK : F_WRLCK;
		l.whence = 0;
		l.start = (s64)range.start;
		l.length = range.end == U64_MAX ? 0 : (s64)(range.end - range.start + 1);
		l.pid = range.kind == FILE_LOCK_OFD ? -1 : (s32)pid_number_seen(range.pid, thread_pid_namespace());
	}
	return user_copy_out_object(at, &l);
}

static s64 lock_set(struct file *f, user_addr_t at, enum file_lock_kind kind, enum file_lock_wait wait)
{
	struct linux_flock l = {};
	struct file_lock_range range = { .kind = kind };
	err_t e = user_copy_in_object(&l, at);
	if (!e)
		e = range_decode(f, &l, &range);
	if (e)
		return e;
	if (kind == FILE_LOCK_OFD && l.pid)
		return -EINVAL;
	if ((range.type == FILE_LOCK_READ && !(f->mode & FILE_MODE_READ)) || (range.type == FILE_LOCK_WRITE &&
		!(f->mode & FILE_MODE_WRITE)))
		return -EBADF;
	return file_lock_set(f, thread_files(), &range, wait);
}

s64 sys_flock(s32 fd, u32 operation)
{
	enum { LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8 };
	struct file_borrow b file_borrow_auto = file_of(fd);
	struct file_lock_range range = { .kind = FILE_LOCK_FLOCK, .end = U64_MAX };
	if (!b.file || (b.file->mode & FILE_MODE_PATH))
		return -EBADF;
	switch (operation & ~(u32)LOCK_NB) {
	case LOCK_SH:
		range.type = FILE_LOCK_READ;
		break;
	case LOCK_EX:
		range.type = FILE_LOCK_WRITE;
		break;
	case LOCK_UN:
		range.type = FILE_LOCK_NONE;
		break;
	default:
		return -EINVAL;
	}
	return file_lock_set(b.file, NULL, &range, operation & LOCK_NB ? FILE_LOCK_TRY : FILE_LOCK_WAIT);
}

// --- status -----------------------------------------------------------------------------------------

static s64 duplicate_from(s32 fd, u64 minimum, u32 flags)
{
	struct file *f object_auto(file) = file_table_find(thread_files(), (u32)fd);
	const u64 limit = process_rlimit(process_current(), RLIMIT_NOFILE);
	if (minimum >= limit)
		return -EINVAL;
	const ssize_r fresh = file_table_reserve(thread_files(), (u32)minimum, limit, flags);
	if (fresh >= 0)
		file_table_install(thread_files(), (u32)fresh, take(f));
	return fresh;
}

// OPEN_ASYNC is switched by who knows the file's queues, and left as it is for files that do not have it.
static s64 set_status(struct file *f, s32 fd, u64 argument)
{
	const u32 settable = OPEN_APPEND | OPEN_NONBLOCK | OPEN_DIRECT | OPEN_NO_ATIME;
	const u32 old = atomic_u32_load(&f->flags);
	if (((u32)argument & OPEN_NO_ATIME) && !(old & OPEN_NO_ATIME) && !inode_is_owner_mapped(f->inode,
		f->path.mount->idmap, thread_cred()))
		return -EPERM;
	if (((u32)argument & OPEN_DIRECT & ~old) && !pipe_of_file(f))
		return -EINVAL;
	if (((u32)argument ^ old) & OPEN_ASYNC) {
		const s64 e = file_async_switch(f, fd, (u32)argument & OPEN_ASYNC);
		if (e && e != -ENOTTY)
			return e;
	}
	atomic_u32_and(&f->flags, ~settable | (u32)argument);
	atomic_u32_or(&f->flags, (u32)argument & settable);
	return 0;
}

static s64 pipe_command(struct file *f, u32 command, u64 argument)
{
	struct pipe *p = f->mode & FILE_MODE_PATH ? NULL : pipe_of_file(f);
	if (!p)
		return -EBADF;
	return command == F_GETPIPE_SZ ? pipe_capacity(p) : pipe_set_capacity(p, argument, thread_cred());
}

static s64 lock_command(struct file *f, u32 command, user_addr_t at)
{
	const enum file_lock_kind kind = command >= F_OFD_GETLK ? FILE_LOCK_OFD : FILE_LOCK_POSIX;
	if (command == F_GETLK || command == F_OFD_GETLK)
		return lock_get(f, at, kind);
	return lock_set(f, at, kind, command == F_SETLKW || command == F_OFD_SETLKW ? FILE_LOCK_WAIT : FILE_LOCK_TRY);
}

static s64 opened_command(struct file *f, s32 fd, u32 command, u64 argument)
{
	switch (command) {
	case F_SETFL:
		return set_status(f, fd, argument);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return lock_command(f, command, user_addr(argument));
	case F_GETPIPE_SZ:
	case F_SETPIPE_SZ:
		return pipe_command(f, command, argument);
	case F_GET_SEALS:
		return tmpfs_seals(f);
	case F_ADD_SEALS:
		return argument > U32_MAX ? -EINVAL : tmpfs_add_seals(f, (u32)argument);
	default:
		return file_owner_command(f, command, argument);
	}
}

s64 sys_fcntl(s32 fd, u32 cmd, u64 arg)
{
	struct file_borrow b file_borrow_auto = file_of(fd);
	if (!b.file)
		return -EBADF;
	switch (cmd) {
	case F_DUPFD:
		return duplicate_from(fd, arg, 0);
	case F_DUPFD_CLOEXEC:
		return duplicate_from(fd, arg, OPEN_CLOSE_ON_EXEC);
	case F_GETFD:
		return file_table_flags(thread_files(), (u32)fd) & DESCRIPTOR_CLOSE_ON_EXEC ? 1 : 0;
	case F_SETFD:
		return file_table_set_flags(thread_files(), (u32)fd, arg & 1 ? DESCRIPTOR_CLOSE_ON_EXEC : 0);
	case F_GETFL:
		return (s64)atomic_u32_load(&b.file->flags);
	default:
		return b.file->mode & FILE_MODE_PATH ? -EBADF : opened_command(b.file, fd, cmd, arg);
	}
}
