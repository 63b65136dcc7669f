// SPDX-License-Identifier: MPL-2.0
// Making and removing names. source: mkdir(2), mknod(2), link(2), unlink(2), symlink(2), rename(2), chdir(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/file/file_arguments.h>
#include <services/vfs/attributes.h>
#include <services/vfs/dentry.h>
#include <services/vfs/entry.h>

s64 sys_mkdirat(s32 dirfd, user_addr_t pathname, u32 mode)
{
	struct place_argument p place_auto = {};
	const err_t e = place_read(&p, dirfd, pathname, 0);
	return e ? e : entry_make_directory(&p.context, place_name(&p), mode);
}

s64 sys_mkdir(user_addr_t pathname, u32 mode)
{
	return sys_mkdirat(AT_CURRENT_FOLDER, pathname, mode);
}

s64 sys_mknodat(s32 dirfd, user_addr_t pathname, u32 mode, u32 dev)
{
	struct place_argument p place_auto = {};
	const err_t e = place_read(&p, dirfd, pathname, 0);
	const u64 device = device_number((dev >> 8) & 0xfff, (dev & 0xff) | ((dev >> 12) & 0xfff00));
	return e ? e : entry_make_node(&p.context, place_name(&p), mode, device);
}

s64 sys_mknod(user_addr_t pathname, u32 mode, u32 dev)
{
	return sys_mknodat(AT_CURRENT_FOLDER, pathname, mode, dev);
}

s64 sys_symlinkat(user_addr_t target, s32 newdirfd, user_addr_t linkpath)
{
	struct place_argument text place_auto = {};
	struct place_argument p place_auto = {};
	err_t e = place_read(&text, AT_CURRENT_FOLDER, target, 0);
	if (!e)
		e = place_read(&p, newdirfd, linkpath, 0);
	return e ? e : entry_symlink(&p.context, place_name(&text), place_name(&p));
}

s64 sys_symlink(user_addr_t target, user_addr_t linkpath)
{
	return sys_symlinkat(target, AT_CURRENT_FOLDER, linkpath);
}

s64 sys_linkat(s32 olddirfd, user_addr_t oldpath, s32 newdirfd, user_addr_t newpath, s32 flags)
{
	if ((u32)flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH))
		return -EINVAL;
	if (((u32)flags & AT_EMPTY_PATH) && !thread_capable_over_machine(CAP_DAC_READ_SEARCH))
		return -ENOENT;
	const u32 lookup = ((u32)flags & AT_SYMLINK_FOLLOW ? (u32)LOOKUP_FOLLOW : 0) | ((u32)flags & AT_EMPTY_PATH ?
		(u32)LOOKUP_EMPTY : 0);
	struct path from path_auto = path_none();
	struct place_argument p place_auto = {};
	err_t e = place_lookup(olddirfd, oldpath, lookup, &from);
	if (!e)
		e = place_read(&p, newdirfd, newpath, 0);
	return e ? e : entry_link(&from, &p.context, place_name(&p));
}

s64 sys_link(user_addr_t oldpath, user_addr_t newpath)
{
	return sys_linkat(AT_CURRENT_FOLDER, oldpath, AT_CURRENT_FOLDER, newpath, 0);
}

s64 sys_unlinkat(s32 dirfd, user_addr_t pathname, s32 flags)
{
	struct place_argument p place_auto = {};
	if ((u32)flags & ~AT_REMOVEDIR)
		return -EINVAL;
	const err_t e = place_read(&p, dirfd, pathname, 0);
	if (e)
		return e;
	return flags ? entry_remove_directory(&p.context, place_name(&p)) : entry_unlink(&p.context, place_name(&p));
}

s64 sys_unlink(user_addr_t pathname)
{
	return sys_unlinkat(AT_CURRENT_FOLDER, pathname, 0);
}

s64 sys_rmdir(user_addr_t pathname)
{
	return sys_unlinkat(AT_CURRENT_FOLDER, pathname, (s32)AT_REMOVEDIR);
}

s64 sys_renameat2(s32 olddirfd, user_addr_t oldpath, s32 newdirfd, user_addr_t newpath, u32 flags)
{
	struct place_argument from place_auto = {};
	struct place_argument to place_auto = {};
	if ((flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) ||
	    ((flags & RENAME_EXCHANGE) && (flags & (RENAME_NOREPLACE | RENAME_WHITEOUT))))
		return -EINVAL;
	if ((flags & RENAME_WHITEOUT) && !thread_capable(CAP_MKNOD))
		return -EPERM;
	err_t e = place_read(&from, olddirfd, oldpath, 0);
	if (!e)
		e = place_read(&to, newdirfd, newpath, 0);
	return e ? e : entry_rename(&from.context, place_name(&from), &to.context, place_name(&to), flags);
}

s64 sys_renameat(s32 olddirfd, user_addr_t oldpath, s32 newdirfd, user_addr_t newpath)
{
	return sys_renameat2(olddirfd, oldpath, newdirfd, newpath, 0);
}

s64 sys_rename(user_addr_t oldpath, user_addr_t newpath)
{
	return sys_renameat2(AT_CURRENT_FOLDER, oldpath, AT_CURRENT_FOLDER, newpath, 0);
}

// --- where the thread is ----------------------------------------------------------------------------

static s64 enter_folder(const struct path *p borrowed)
{
	if (p->dentry->inode->type != S_IFDIR)
		return -ENOTDIR;
	const err_t e = path_permission(p, PERMISSION_EXECUTE, thread_cred());
	if (e)
		return e;
	fs_context_set_working(thread_fs(), p);
	return 0;
}

s64 sys_chdir(user_addr_t pathname)
{
	struct path p path_auto = path_none();
	const err_t e = place_lookup(AT_CURRENT_FOLDER, pathname, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);
	return e ? (s64)e : enter_folder(&p);
}

s64 sys_fchdir(s32 fd)
{
	struct file_borrow b file_borrow_auto = file_of(fd);
	struct path p = path_none();
	const err_t e = descriptor_path(&b, &p);
	return e ? (s64)e : enter_folder(&p);
}

s64 sys_chroot(user_addr_t pathname)
{
	struct path p path_auto = path_none();
	err_t e = place_lookup(AT_CURRENT_FOLDER, pathname, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &p);
	if (!e)
		e = path_permission(&p, PERMISSION_EXECUTE, thread_cred());
	if (e)
		return e;
	if (!thread_capable(CAP_SYS_CHROOT))
		return -EPERM;
	fs_context_set_root(thread_fs(), &p);
	return 0;
}

s64 sys_umask(u32 mask)
{
	return fs_context_set_mask(thread_fs(), mask);
}
