// SPDX-License-Identifier: MPL-2.0
// System calls that send signals. source: kill(2), tgkill(2), rt_sigqueueinfo(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/signal/siginfo.h>
#include <services/fs/procfs/procfs.h>
#include <services/process/pidfd.h>
#include <services/process/process_signal.h>
#include <services/vfs/file_table.h>

static bool is_valid(s32 sig)
{
	return sig >= 0 && sig <= (s32)SIGNAL_MAX;
}

static s64 send_checked(struct process *p, const struct signal_info *info borrowed)
{
	err_t err = signal_may_send(p, (u32)info->signal);
	if (err || !info->signal)
		return err;
	return signal_send_process(p, info);
}

static s64 kill_process(s32 pid, const struct signal_info *info borrowed)
{
	if ((u32)pid == pid_number_own(process_current()->pid))
		return send_checked(process_current(), info);
	struct pid *named object_auto(pid) = pid_find(thread_pid_namespace(), (u32)pid);
	if (!named)
		return -ESRCH;
	struct process *p object_auto(process) = pid_process(named);
	if (!p) {
		// The number of a thread names its process, too.
		struct thread *t object_auto(thread) = pid_thread(named);
		return t ? send_checked(t->process, info) : -ESRCH;
	}
	return send_checked(p, info);
}

// 0 when at least one could be sent to.
static s64 kill_group(struct process_group *g, const struct signal_info *info borrowed)
{
	// Permission checks may not be done under the tree's lock: members are visited by number.
	s64 result = -ESRCH;
	bool any = false;
	struct pid_namespace *ns = thread_pid_namespace();
	for (u32 number = 1;; number++) {
		struct pid *pid object_auto(pid) = pid_next(ns, &number);
		if (!pid)
			break;
		struct process *p object_auto(process) = pid_process(pid);
		if (!p)
			continue;
		struct process_group *of object_auto(process_group) = process_group_of(p);
		if (of != g)
			continue;
		result = send_checked(p, info);
		any |= result == 0;
	}
	return any ? 0 : result;
}

// Everybody but the caller and the first process.
static s64 kill_all(const struct signal_info *info borrowed)
{
	struct pid_namespace *ns = thread_pid_namespace();
	s64 result = -ESRCH;
	bool any = false;
	for (u32 number = 2;; number++) {
		struct pid *pid object_auto(pid) = pid_next(ns, &number);
		if (!pid)
			break;
		struct process *p object_auto(process) = pid_process(pid);
		if (!p || p == process_current())
			continue;
		s64 one = send_checked(p, info);
		any |= one == 0;
		if (one != -EPERM)
			result = one;
	}
	return any ? 0 : result;
}

s64 sys_kill(s32 pid, s32 sig)
{
	if (!is_valid(sig))
		return -EINVAL;
	struct signal_info info = signal_info_user((u32)sig, SI_USER);
	if (pid > 0)
		return kill_process(pid, &info);
	if (pid == -1)
		return kill_all(&info);
	if (pid == 0) {
		struct process_group *own object_auto(process_group) = process_group_of(process_current());
		return kill_group(own, &info);
	}
	if (pid == -S32_MAX - 1)
		return -ESRCH;
	struct pid *named object_auto(pid) = pid_find(thread_pid_namespace(), (u32)-pid);
	if (!named)
		return -ESRCH;
	struct process_group *g object_auto(process_group) = pid_group(named);
	return g ? kill_group(g, &info) : -ESRCH;
}

// tgid 0: any.
static s64 kill_thread(s32 tgid, s32 tid, const struct signal_info *info borrowed)
{
	struct pid *named object_auto(pid) = pid_find(thread_pid_namespace(), (u32)tid);
	if (!named)
		return -ESRCH;
	struct thread *t object_auto(thread) = pid_thread(named);
	if (!t || (tgid && pid_number_in(t->process->pid, thread_pid_namespace()) != (u32)tgid))
		return -ESRCH;
	err_t err = signal_may_send(t->process, (u32)info->signal);
	if (err || !info->signal)
		return err;
	return signal_send_thread(t, info);
}

s64 sys_tkill(s32 tid, s32 sig)
{
	if (tid <= 0 || !is_valid(sig))
		return -EINVAL;
	struct signal_info info = signal_info_user((u32)sig, SI_TKILL);
	return kill_thread(0, tid, &info);
}

s64 sys_tgkill(s32 tgid, s32 tid, s32 sig)
{
	if (tid <= 0 || tgid <= 0 || !is_valid(sig))
		return -EINVAL;
	struct signal_info info = signal_info_user((u32)sig, SI_TKILL);
	return kill_thread(tgid, tid, &info);
}

// Codes of the kernel and of kill are not for users to forge, except towards themselves.
static err_t read_info(user_addr_t from, s32 sig, bool is_self, struct signal_info *out borrowed)
{
	u8 raw[SIGINFO_SIZE];
	if (!is_valid(sig))
		return -EINVAL;
	err_t err = user_copy_in(array_span(raw), from);
	if (err)
		return err;
	siginfo_decode(array_bytes(raw), (u32)sig, out);
	if ((out->code >= 0 || out->code == SI_TKILL) && !is_self)
		return -EPERM;
	return OK;
}

s64 sys_rt_sigqueueinfo(s32 pid, s32 sig, user_addr_t uinfo)
{
	struct signal_info info;
	err_t err = read_info(uinfo, sig, (u32)pid == pid_number_own(process_current()->pid), &info);
	if (err)
		return err;
	return pid > 0 ? kill_process(pid, &info) : -ESRCH;
}

s64 sys_rt_tgsigqueueinfo(s32 tgid, s32 tid, s32 sig, user_addr_t uinfo)
{
	struct signal_info info;
	if (tid <= 0 || tgid <= 0)
		return -EINVAL;
	err_t err = read_info(uinfo, sig, (u32)tid == thread_number(thread_current()), &info);
	if (err)
		return err;
	return kill_thread(tgid, tid, &info);
}

s64 sys_pidfd_send_signal(s32 pidfd, s32 sig, user_addr_t uinfo, u32 flags)
{
	if (flags || !is_valid(sig))
		return -EINVAL;
	struct file *f object_auto(file) = file_table_find(thread_files(), (u32)pidfd);
	if (!f)
		return -EBADF;
	struct pid *named object_auto(pid) = pidfd_pid(f);
	if (!named)
		named = procfs_pid_of(f);
	if (!named)
		return -EBADF;
	// Only downward: a process that the caller's pid namespace shows.
	if (!pid_number_in(named, thread_pid_namespace()))
		return -EINVAL;
	struct process *p object_auto(process) = pid_process(named);
	if (!p)
		return -ESRCH;
	struct signal_info info = signal_info_user((u32)sig, SI_USER);
	if (!user_is_null(uinfo)) {
		err_t err = read_info(uinfo, sig, p == process_current(), &info);
		if (err)
			return err;
	}
	return send_checked(p, &info);
}
