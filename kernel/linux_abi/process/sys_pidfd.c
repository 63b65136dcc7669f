// SPDX-License-Identifier: MPL-2.0
// source: pidfd_open(2), pidfd_getfd(2)
#include <generated/syscall_prototypes.h>
#include <services/process/pidfd.h>
#include <services/process/thread.h>
#include <services/vfs/file_table.h>

#define PIDFD_NONBLOCK 04000u

static s64 install(struct file *f consumes)
{
	return file_table_add(thread_files(), f, process_rlimit(process_current(), RLIMIT_NOFILE), OPEN_CLOSE_ON_EXEC);
}

s64 sys_pidfd_open(s32 pid, u32 flags)
{
	if (pid <= 0 || (flags & ~PIDFD_NONBLOCK))
		return -EINVAL;
	struct pid *named object_auto(pid) = pid_find(thread_pid_namespace(), (u32)pid);
	if (!named)
		return -ESRCH;
	struct process *p object_auto(process) = pid_process(named);
	if (!p) {
		struct thread *t object_auto(thread) = pid_thread(named);
		return t ? -EINVAL : -ESRCH;	// a thread that leads nobody
	}
	struct file *f object_auto(file) = NULL;
	err_t err = pidfd_create(named, flags, thread_cred(), &f);
	return err ? err : install(take(f));
}

s64 sys_pidfd_getfd(s32 pidfd, s32 targetfd, u32 flags)
{
	if (flags)
		return -EINVAL;
	struct file *f object_auto(file) = file_table_find(thread_files(), (u32)pidfd);
	struct pid *named object_auto(pid) = NULL;
	if (f)
		named = pidfd_pid(f);
	if (!named)
		return -EBADF;
	struct thread *t object_auto(thread) = pid_thread(named);
	if (!t)
		return -ESRCH;
	err_t err = thread_may_access(t, THREAD_ACCESS_ATTACH);
	if (err)
		return err;
	struct file_table *files object_auto(file_table) = thread_files_of(t);
	if (!files)
		return -ESRCH;
	struct file *wanted object_auto(file) = file_table_find(files, (u32)targetfd);
	return wanted ? install(take(wanted)) : -EBADF;
}
