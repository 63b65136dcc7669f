// SPDX-License-Identifier: MPL-2.0
#include <linux_abi/process/find.h>

struct thread *thread_by_number(s32 number)
{
	if (!number)
		return thread_get(thread_current());
	if (number < 0)
		return NULL;
	struct pid *pid object_auto(pid) = pid_find(thread_pid_namespace(), (u32)number);
	return pid ? pid_thread(pid) : NULL;
}

struct process *process_by_number(s32 number)
{
	if (!number)
		return process_get(process_current());
	if (number < 0)
		return NULL;
	struct pid *pid object_auto(pid) = pid_find(thread_pid_namespace(), (u32)number);
	return pid ? pid_process(pid) : NULL;
}
