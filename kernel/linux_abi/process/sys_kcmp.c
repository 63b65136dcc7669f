// SPDX-License-Identifier: MPL-2.0
// kcmp(2): are two threads' resources the same? The order of different ones would be the order of kernel addresses, in
// disguise: it is not told.
#include <generated/syscall_prototypes.h>
#include <linux_abi/process/find.h>
#include <services/vfs/file_table.h>
#include <services/vfs/fs_context.h>
#include <services/vm/vm_space.h>

enum kcmp_type { KCMP_FILE, KCMP_VM, KCMP_FILES, KCMP_FS, KCMP_SIGHAND, KCMP_IO, KCMP_SYSVSEM };
#define DIFFERENT 3

static s64 compare_files(struct thread *a, struct thread *b, u64 first, u64 second)
{
	struct file_table *left object_auto(file_table) = thread_files_of(a);
	struct file_table *right object_auto(file_table) = thread_files_of(b);
	if (!left || !right || first > U32_MAX || second > U32_MAX)
		return -EBADF;
	struct file *x object_auto(file) = file_table_find(left, (u32)first);
	struct file *y object_auto(file) = file_table_find(right, (u32)second);
	return x && y ? (x == y ? 0 : DIFFERENT) : -EBADF;
}

static bool same_space(struct thread *a, struct thread *b)
{
	struct vm_space *x object_auto(vm_space) = thread_space_of(a);
	struct vm_space *y object_auto(vm_space) = thread_space_of(b);
	return x == y;
}

static bool same_tables(struct thread *a, struct thread *b)
{
	struct file_table *x object_auto(file_table) = thread_files_of(a);
	struct file_table *y object_auto(file_table) = thread_files_of(b);
	return x == y;
}

static bool same_fs(struct thread *a, struct thread *b)
{
	struct fs_context *x object_auto(fs_context) = thread_fs_of(a);
	struct fs_context *y object_auto(fs_context) = thread_fs_of(b);
	return x == y;
}

static bool has_undo(struct process *process)
{
	spin_guard(&process->lock);
	return process->semaphore_undo != NULL;
}

// A process has its undo list for itself, once it has asked for one: those that have none have the same.
static bool same_undo(struct thread *a, struct thread *b)
{
	return a->process == b->process || (!has_undo(a->process) && !has_undo(b->process));
}

static s64 compare(struct thread *a, struct thread *b, s32 type, u64 first, u64 second)
{
	bool same = false;
	switch (type) {
	case KCMP_FILE:
		return compare_files(a, b, first, second);
	case KCMP_VM:
		same = same_space(a, b);
		break;
	case KCMP_FILES:
		same = same_tables(a, b);
		break;
	case KCMP_FS:
		same = same_fs(a, b);
		break;
	case KCMP_SIGHAND:
		same = a->process->actions == b->process->actions;
		break;
	case KCMP_IO:		// nobody has an I/O context here
		same = true;
		break;
	case KCMP_SYSVSEM:
		same = same_undo(a, b);
		break;
	default:
		return -EINVAL;
	}
	return same ? 0 : DIFFERENT;
}

s64 sys_kcmp(s32 pid1, s32 pid2, s32 type, u64 idx1, u64 idx2)
{
	struct thread *a object_auto(thread) = pid1 > 0 ? thread_by_number(pid1) : NULL;
	struct thread *b object_auto(thread) = pid2 > 0 ? thread_by_number(pid2) : NULL;
	if (!a || !b)
		return -ESRCH;
	err_t err = thread_may_access(a, THREAD_ACCESS_READ);
	if (!err)
		err = thread_may_access(b, THREAD_ACCESS_READ);
	return err ? err : compare(a, b, type, idx1, idx2);
}
