// SPDX-License-Identifier: MPL-2.0
// Numbers of processes, groups and sessions. source: credentials(7)
#include <generated/syscall_prototypes.h>
#include <linux_abi/process/find.h>
#include <services/tty/tty.h>
#include <services/process/process_tree.h>

s64 sys_getpid(void)
{
	return pid_number_own(thread_current()->process->pid);
}

s64 sys_gettid(void)
{
	return thread_number(thread_current());
}

s64 sys_getppid(void)
{
	struct thread *t = thread_current();
	return process_parent_number(t->process, pid_namespace_of(t->pid));
}

s64 sys_getpgrp(void)
{
	return process_group_number(process_current(), thread_pid_namespace());
}

s64 sys_getpgid(s32 pid)
{
	struct process *p object_auto(process) = process_by_number(pid);
	return p ? (s64)process_group_number(p, thread_pid_namespace()) : -ESRCH;
}

s64 sys_getsid(s32 pid)
{
	struct process *p object_auto(process) = process_by_number(pid);
	return p ? (s64)process_session_number(p, thread_pid_namespace()) : -ESRCH;
}

s64 sys_setpgid(s32 pid, s32 pgid)
{
	if (pgid < 0)
		return -EINVAL;
	if (pid < 0)
		return -ESRCH;
	return process_set_group(process_current(), (u32)pid, (u32)pgid);
}

s64 sys_setsid(void)
{
	u32 number = 0;
	err_t err = process_set_session(process_current(), &number);
	return err ? err : (s64)number;
}

// source: vhangup(2)
s64 sys_vhangup(void)
{
	if (!thread_capable_over_machine(CAP_SYS_TTY_CONFIG))
		return -EPERM;
	struct tty *t object_auto(tty) = tty_controlling();
	if (t)
		tty_hang_up(t);
	return 0;
}

s64 sys_set_tid_address(user_addr_t tidptr)
{
	struct thread *t = thread_current();
	t->clear_child_tid = tidptr;
	return thread_number(t);
}
