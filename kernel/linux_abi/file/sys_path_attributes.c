// SPDX-License-Identifier: MPL-2.0
// Changing attributes. source: chmod(2), chown(2), utimensat(2), truncate(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/file/file_arguments.h>
#include <services/process/process_signal.h>
#include <services/vfs/attributes.h>
#include <services/vfs/dentry.h>

// --- mode -------------------------------------------------------------------------------------------

s64 sys_fchmodat(s32 dirfd, user_addr_t pathname, u32 mode)
{
	struct path p path_auto = path_none();
	const err_t e = place_lookup(dirfd, pathname, LOOKUP_FOLLOW, &p);
	return e ? e : attributes_change_mode(&p, mode, thread_cred());
}

s64 sys_chmod(user_addr_t pathname, u32 mode)
{
	return sys_fchmodat(AT_CURRENT_FOLDER, pathname, mode);
}

s64 sys_fchmod(s32 fd, u32 mode)
{
	struct file_borrow b file_borrow_auto = file_of(fd);
	struct path p = path_none();
	const err_t e = descriptor_path(&b, &p);
	if (e || (b.file->mode & FILE_MODE_PATH))
		return -EBADF;
	return attributes_change_mode(&p, mode, thread_cred());
}

// --- owner ------------------------------------------------------------------------------------------

static s64 change_owner(const struct path *p borrowed, u32 owner, u32 group)
{
	struct cred *cred = thread_cred();
	const u32 uid = owner == ID_INVALID ? ID_INVALID : user_namespace_uid_in(cred->user_ns, owner);
	const u32 gid = group == ID_INVALID ? ID_INVALID : user_namespace_gid_in(cred->user_ns, group);
	if ((owner != ID_INVALID && uid == ID_INVALID) || (group != ID_INVALID && gid == ID_INVALID))
		return -EINVAL;
	return attributes_change_owner(p, uid, gid, cred);
}

s64 sys_fchownat(s32 dirfd, user_addr_t pathname, u32 owner, u32 group, s32 flags)
{
	struct path p path_auto = path_none();
	if ((u32)flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	const err_t e = place_lookup(dirfd, pathname, lookup_flags_of_at((u32)flags), &p);
	return e ? (s64)e : change_owner(&p, owner, group);
}

s64 sys_chown(user_addr_t pathname, u32 owner, u32 group)
{
	return sys_fchownat(AT_CURRENT_FOLDER, pathname, owner, group, 0);
}

s64 sys_lchown(user_addr_t pathname, u32 owner, u32 group)
{
	return sys_fchownat(AT_CURRENT_FOLDER, pathname, owner, group, AT_SYMLINK_NOFOLLOW);
}

s64 sys_fchown(s32 fd, u32 owner, u32 group)
{
	struct file_borrow b file_borrow_auto = file_of(fd);
	struct path p = path_none();
	const err_t e = descriptor_path(&b, &p);
	if (e || (b.file->mode & FILE_MODE_PATH))
		return -EBADF;
	return change_owner(&p, owner, group);
}

// --- times ------------------------------------------------------------------------------------------

#define UTIME_NOW 0x3fffffff
#define UTIME_OMIT 0x3ffffffe

struct linux_timespec {
	s64 seconds, nanoseconds;
};
struct linux_timespec_pair {
	struct linux_timespec access, modify;
};

static err_t time_decode(const struct linux_timespec *t borrowed, enum time_choice *choice borrowed,
	struct file_time *out borrowed)
{
	*choice = t->nanoseconds == UTIME_NOW ? TIME_NOW : t->nanoseconds == UTIME_OMIT ? TIME_OMIT : TIME_SET;
	if (*choice == TIME_SET && (t->nanoseconds < 0 || t->nanoseconds > 999999999))
		return -EINVAL;
	*out = (struct file_time){ t->seconds, (u32)t->nanoseconds, 0 };
	return OK;
}

static s64 set_times(s32 dirfd, user_addr_t name, const struct times_change *t borrowed, u32 flags)
{
	struct path p path_auto = path_none();
	if (user_is_null(name) && dirfd != AT_CURRENT_FOLDER) {
		if (flags)
			return -EINVAL;
		struct file_borrow b file_borrow_auto = file_of(dirfd);
		struct path of = path_none();
		const err_t bad = descriptor_path(&b, &of);
		if (bad || (b.file->mode & FILE_MODE_PATH))
			return -EBADF;
		return attributes_set_times(&of, t, thread_cred());
	}
	const err_t e = place_lookup(dirfd, name, lookup_flags_of_at(flags), &p);
	return e ? e : attributes_set_times(&p, t, thread_cred());
}

s64 sys_utimensat(s32 dirfd, user_addr_t pathname, user_addr_t times, s32 flags)
{
	struct times_change t = { .access = TIME_NOW, .modify = TIME_NOW };
	struct linux_timespec_pair pair = {};
	if ((u32)flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (!user_is_null(times)) {
		err_t e = user_copy_in_object(&pair, times);
		if (!e)
			e = time_decode(&pair.access, &t.access, &t.access_time);
		if (!e)
			e = time_decode(&pair.modify, &t.modify, &t.modify_time);
		if (e)
			return e;
	}
	return set_times(dirfd, pathname, &t, (u32)flags);
}

// utimes(2) and futimesat(2) have microseconds.
s64 sys_futimesat(s32 dirfd, user_addr_t pathname, user_addr_t times)
{
	struct times_change t = { .access = TIME_NOW, .modify = TIME_NOW };
	struct linux_timespec_pair pair = {};
	if (!user_is_null(times)) {
		const err_t e = user_copy_in_object(&pair, times);
		if (e)
			return e;
		if (pair.access.nanoseconds < 0 || pair.access.nanoseconds > 999999 || pair.modify.nanoseconds < 0 ||
			pair.modify.nanoseconds > 999999)
			return -EINVAL;
		t.access = TIME_SET;
		t.modify = TIME_SET;
		t.access_time = (struct file_time){ pair.access.seconds, (u32)pair.access.nanoseconds * 1000, 0 };
		t.modify_time = (struct file_time){ pair.modify.seconds, (u32)pair.modify.nanoseconds * 1000, 0 };
	}
	return set_times(dirfd, pathname, &t, 0);
}

s64 sys_utimes(user_addr_t filename, user_addr_t times)
{
	return sys_futimesat(AT_CURRENT_FOLDER, filename, times);
}

struct linux_utimbuf {
	s64 access, modify;
};

s64 sys_utime(user_addr_t filename, user_addr_t times)
{
	struct times_change t = { .access = TIME_NOW, .modify = TIME_NOW };
	struct linux_utimbuf seconds = {};
	if (!user_is_null(times)) {
		const err_t e = user_copy_in_object(&seconds, times);
		if (e)
			return e;
		t.access = TIME_SET;
		t.modify = TIME_SET;
		t.access_time.seconds = seconds.access;
		t.modify_time.seconds = seconds.modify;
	}
	return set_times(AT_CURRENT_FOLDER, filename, &t, 0);
}

// --- length -----------------------------------------------------------------------------------------

s64 sys_truncate(user_addr_t pathname, s64 length)
{
	struct path p path_auto = path_none();
	if (length < 0)
		return -EINVAL;
	err_t e = place_lookup(AT_CURRENT_FOLDER, pathname, LOOKUP_FOLLOW, &p);
	if (!e)
		e = length_limit(path_inode(&p), (u64)length);
	return e ? e : attributes_truncate(&p, (u64)length, thread_cred());
}

s64 sys_ftruncate(s32 fd, u64 length)
{
	struct file_borrow b file_borrow_auto = file_of(fd);
	struct path p = path_none();
	err_t e = descriptor_path(&b, &p);
	if (e || (b.file->mode & FILE_MODE_PATH))
		return -EBADF;
	if ((s64)length < 0 || b.file->inode->type != S_IFREG || !(b.file->mode & FILE_MODE_WRITE))
		return -EINVAL;
	e = length_limit(b.file->inode, length);
	return e ? e : attributes_truncate_opened(&p, length);
}
