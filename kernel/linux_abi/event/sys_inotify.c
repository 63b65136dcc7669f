// SPDX-License-Identifier: MPL-2.0
// source: inotify_init(2), inotify_add_watch(2), inotify_rm_watch(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/file/file_arguments.h>
#include <services/event/inotify.h>
#include <services/vfs/dentry.h>

#define MASK_FLAGS (INOTIFY_ONLY_DIRECTORY | INOTIFY_DONT_FOLLOW | INOTIFY_EXCLUDE_UNLINKED | INOTIFY_MASK_CREATE | \
	INOTIFY_MASK_ADD | INOTIFY_ONE_SHOT)
#define MASK_KNOWN (NOTIFY_EVENTS | NOTIFY_UNMOUNT | INOTIFY_OVERFLOW | INOTIFY_IGNORED | NOTIFY_IS_DIRECTORY | \
	MASK_FLAGS)

s64 sys_inotify_init1(s32 flags)
{
	struct file *f object_auto(file) = NULL;
	const u32 wanted = (u32)flags;
	if (wanted & ~(OPEN_NONBLOCK | OPEN_CLOSE_ON_EXEC))
		return -EINVAL;
	const err_t e = inotify_create(wanted & OPEN_NONBLOCK, thread_cred(), &f);
	if (e)
		return e;
	return file_table_add(thread_files(), take(f), process_rlimit(process_current(), RLIMIT_NOFILE),
		wanted & OPEN_CLOSE_ON_EXEC);
}

s64 sys_inotify_init(void)
{
	return sys_inotify_init1(0);
}

s64 sys_inotify_add_watch(s32 fd, user_addr_t pathname, u32 mask)
{
	if (!mask || (mask & ~MASK_KNOWN))
		return -EINVAL;
	struct file_borrow b file_borrow_auto = file_of(fd);
	if (!b.file)
		return -EBADF;
	if (!file_is_inotify_instance(b.file) ||
		(mask & (INOTIFY_MASK_ADD | INOTIFY_MASK_CREATE)) == (INOTIFY_MASK_ADD | INOTIFY_MASK_CREATE))
		return -EINVAL;
	struct path p path_auto = path_none();
	err_t e = place_lookup(AT_CURRENT_FOLDER, pathname, (mask & INOTIFY_DONT_FOLLOW ? 0 : (u32)LOOKUP_FOLLOW) |
		(mask & INOTIFY_ONLY_DIRECTORY ? (u32)LOOKUP_DIRECTORY : 0), &p);
	if (!e)
		e = path_permission(&p, PERMISSION_READ, thread_cred());
	return e ? (s64)e : (s64)inotify_watch_add(b.file, p.dentry->inode, mask);
}

s64 sys_inotify_rm_watch(s32 fd, s32 wd)
{
	struct file_borrow b file_borrow_auto = file_of(fd);
	if (!b.file)
		return -EBADF;
	if (!file_is_inotify_instance(b.file) || wd <= 0)
		return -EINVAL;
	return inotify_watch_remove(b.file, (u32)wd);
}
