// SPDX-License-Identifier: MPL-2.0
// source: eventfd(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/file/file_arguments.h>
#include <services/event/eventfd.h>

#define EFD_SEMAPHORE 1u

s64 sys_eventfd2(u32 initval, s32 flags)
{
	struct file *f object_auto(file) = NULL;
	const u32 wanted = (u32)flags;
	if (wanted & ~(EFD_SEMAPHORE | OPEN_NONBLOCK | OPEN_CLOSE_ON_EXEC))
		return -EINVAL;
	const err_t err = eventfd_create(initval, wanted & EFD_SEMAPHORE ? EVENTFD_SEMAPHORE : EVENTFD_COUNTER,
					 wanted & OPEN_NONBLOCK, thread_cred(), &f);
	if (err)
		return err;
	return file_table_add(thread_files(), take(f), process_rlimit(process_current(), RLIMIT_NOFILE),
			      wanted & OPEN_CLOSE_ON_EXEC ? OPEN_CLOSE_ON_EXEC : 0);
}

s64 sys_eventfd(u32 initval)
{
	return sys_eventfd2(initval, 0);
}
