// SPDX-License-Identifier: MPL-2.0
// Descriptors. source: close(2), dup(2), close_range(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/file/file_arguments.h>

static u64 descriptor_limit(void)
{
	return process_rlimit(process_current(), RLIMIT_NOFILE);
}

s64 sys_close(s32 fd)
{
	return file_table_close(thread_files(), (u32)fd);
}

s64 sys_dup(s32 oldfd)
{
	struct file *f object_auto(file) = file_table_find(thread_files(), (u32)oldfd);
	return f ? (s64)file_table_add(thread_files(), take(f), descriptor_limit(), 0) : -EBADF;
}

static s64 duplicate_to(s32 oldfd, s32 newfd, u32 flags)
{
	struct file *f object_auto(file) = file_table_find(thread_files(), (u32)oldfd);
	if (!f)
		return -EBADF;
	return file_table_replace(thread_files(), (u32)newfd, take(f), descriptor_limit(), flags);
}

s64 sys_dup2(s32 oldfd, s32 newfd)
{
	if (oldfd != newfd)
		return duplicate_to(oldfd, newfd, 0);
	struct file_borrow b file_borrow_auto = file_of(oldfd);
	return b.file ? oldfd : -EBADF;
}

s64 sys_dup3(s32 oldfd, s32 newfd, s32 flags)
{
	if (((u32)flags & ~OPEN_CLOSE_ON_EXEC) || oldfd == newfd)
		return -EINVAL;
	return duplicate_to(oldfd, newfd, (u32)flags);
}

s64 sys_close_range(u32 first, u32 last, u32 flags)
{
	enum { CLOSE_RANGE_UNSHARE = 2, CLOSE_RANGE_CLOEXEC = 4 };
	if ((flags & ~(u32)(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) || first > last)
		return -EINVAL;
	const bool marks = flags & CLOSE_RANGE_CLOEXEC;
	if ((flags & CLOSE_RANGE_UNSHARE) && object_references(&thread_files()->object) > 1) {
		struct file_table *own object_auto(file_table) = NULL;
		// What would be closed to the end of the table need not be copied.
		const u32 limit = !marks && last >= file_table_end(thread_files()) ? first : U32_MAX;
		const err_t e = file_table_copy(thread_files(), limit, &own);
		if (e)
			return e;
		thread_set_files(take(own));
	}
	file_table_close_range(thread_files(), first, last, marks ? FILE_TABLE_MARK : FILE_TABLE_CLOSE);
	return 0;
}
