// SPDX-License-Identifier: MPL-2.0
// wait4, waitid, getrusage, times. source: wait(2), getrusage(2), times(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/process/find.h>
#include <linux_abi/process/usage.h>
#include <linux_abi/signal/siginfo.h>
#include <services/process/exit.h>
#include <services/process/pidfd.h>
#include <services/process/process_tree.h>
#include <services/vfs/file_table.h>
#include <services/vm/vm_space.h>

struct usage_layout {
	u64 user_seconds, user_us, system_seconds, system_us, max_resident_kib, zero[3], minor_faults, major_faults,
		zero2[6], switches_voluntary, switches_involuntary;
};
_Static_assert(sizeof(struct usage_layout) == 144, "struct rusage");

err_t usage_write(user_addr_t to, const struct process_times *t borrowed)
{
	struct usage_layout raw = {
		.user_seconds = t->user_ns / NS_PER_SECOND,
		.user_us = t->user_ns % NS_PER_SECOND / NS_PER_US,
		.system_seconds = t->system_ns / NS_PER_SECOND,
		.system_us = t->system_ns % NS_PER_SECOND / NS_PER_US,
		.max_resident_kib = t->peak_resident_pages * (PAGE_SIZE / 1024),
		.minor_faults = t->minor_faults,
		.major_faults = t->major_faults,
		.switches_voluntary = t->switches_voluntary,
		.switches_involuntary = t->switches_involuntary,
	};
	return user_copy_out_object(to, &raw);
}

// Which children: as wait4's pid says. The pid is handed out to be kept for the call.
static err_t select_children(s32 pid, struct wait_request *r borrowed, struct pid **keep borrowed)
{
	if (pid == -1) {
		r->select = WAIT_SELECT_ANY;
		return OK;
	}
	if (pid == -S32_MAX - 1)
		return -ESRCH;
	r->select = pid > 0 ? WAIT_SELECT_PROCESS : WAIT_SELECT_GROUP;
	if (pid == 0) {
		struct process_group *own object_auto(process_group) = process_group_of(process_current());
		*keep = pid_get(own->pid);
	} else {
		*keep = pid_find(thread_pid_namespace(), pid > 0 ? (u32)pid : (u32)-pid);
	}
	r->pid = *keep;
	return *keep ? OK : -ECHILD;
}

#define WAIT4_KNOWN (WAIT_NO_HANG | WAIT_STOPPED | WAIT_CONTINUED | WAIT_NO_THREAD | WAIT_ALL_KINDS | WAIT_CLONE)

s64 sys_wait4(s32 pid, user_addr_t wstatus, s32 options, user_addr_t rusage)
{
	struct wait_request r = { .options = (u32)options | WAIT_EXITED };
	struct wait_result result = { 0 };
	struct pid *keep object_auto(pid) = NULL;
	if ((u32)options & ~WAIT4_KNOWN)
		return -EINVAL;
	err_t err = select_children(pid, &r, &keep);
	if (!err)
		err = process_wait(&r, &result);
	if (err || !result.number)
		return err;
	if (!user_is_null(wstatus))
		err = user_write_u32(wstatus, result.status);
	if (!err && !user_is_null(rusage))
		err = usage_write(rusage, &result.times);
	return err ? err : (s64)result.number;
}

enum { P_ALL, P_PID, P_PGID, P_PIDFD };

static err_t select_by_fd(s32 fd, struct wait_request *r borrowed, struct pid **keep borrowed)
{
	struct file *f object_auto(file) = file_table_find(thread_files(), (u32)fd);
	if (!f)
		return -EBADF;
	*keep = pidfd_pid(f);
	if (!*keep)
		return -EBADF;
	if (file_is_nonblocking(f))
		r->options |= WAIT_NO_HANG;
	r->select = WAIT_SELECT_PROCESS;
	r->pid = *keep;
	return OK;
}

static err_t select_by_kind(s32 which, s32 id, struct wait_request *r borrowed, struct pid **keep borrowed)
{
	switch (which) {
	case P_ALL:
		return select_children(-1, r, keep);
	case P_PID:
		return id > 0 ? select_children(id, r, keep) : -EINVAL;
	case P_PGID:
		if (id < 0)
			return -EINVAL;
		return select_children(id ? -id : 0, r, keep);
	case P_PIDFD:
		return id >= 0 ? select_by_fd(id, r, keep) : -EINVAL;
	default:
		return -EINVAL;
	}
}

static err_t write_result(user_addr_t to, const struct wait_result *result borrowed)
{
	u8 raw[SIGINFO_SIZE] = { 0 };
	u32 low = result->status & 0x7f;
	struct signal_info info = {
		.signal = result->number ? SIGCHLD : 0,
		.code = result->code,
		.kind = SIGNAL_INFO_CHILD,
		.sender_pid = result->number,
		.sender_uid = result->uid,
		.status = (s32)(low && low != 0x7f ? low : result->status >> 8 & 0xff),
	};
	if (result->code == CLD_CONTINUED)
		info.status = SIGCONT;
	siginfo_encode(array_span(raw), &info, thread_cred()->user_ns);
	// Times of the child are not part of what waitid reports.
	return user_copy_out(to, array_bytes(raw));
}

#define WAITID_KNOWN (WAIT4_KNOWN | WAIT_EXITED | WAIT_KEEP)

s64 sys_waitid(s32 which, s32 id, user_addr_t infop, s32 options, user_addr_t rusage)
{
	struct wait_request r = { .options = (u32)options };
	struct wait_result result = { 0 };
	struct pid *keep object_auto(pid) = NULL;
	if (((u32)options & ~WAITID_KNOWN) || !((u32)options & (WAIT_EXITED | WAIT_STOPPED | WAIT_CONTINUED)))
		return -EINVAL;
	err_t err = select_by_kind(which, id, &r, &keep);
	if (!err)
		err = process_wait(&r, &result);
	if (err)
		return err;
	if (!result.number && !((u32)options & WAIT_NO_HANG))
		return -EAGAIN;		// a nonblocking pidfd
	if (!user_is_null(infop))
		err = write_result(infop, &result);
	if (!err && result.number && !user_is_null(rusage))
		err = usage_write(rusage, &result.times);
	return err;
}

enum { RUSAGE_SELF = 0, RUSAGE_CHILDREN = -1, RUSAGE_THREAD = 1 };

s64 sys_getrusage(s32 who, user_addr_t usage)
{
	struct process *p = process_current();
	struct process_times times = { 0 };
	if (who == RUSAGE_SELF) {
		times = process_times_read(p);
		struct vm_statistics memory = vm_space_statistics(thread_space());
		times.minor_faults = memory.minor_faults;
		times.major_faults = memory.major_faults;
		times.peak_resident_pages = memory.peak_resident;
	} else if (who == RUSAGE_CHILDREN) {
		times = process_times_children(p);
	} else if (who == RUSAGE_THREAD) {
		struct task_times one = task_read_times(task_current());
		times.user_ns = one.user_ns;
		times.system_ns = one.system_ns;
		times.switches_voluntary = one.switches_voluntary;
		times.switches_involuntary = one.switches_involuntary;
	} else {
		return -EINVAL;
	}
	return usage_write(usage, &times);
}

#define NS_PER_TICK (NS_PER_SECOND / 100)

s64 sys_times(user_addr_t buf)
{
	struct process *p = process_current();
	struct process_times own = process_times_read(p), children = process_times_children(p);
	u64 raw[4] = { own.user_ns / NS_PER_TICK, own.system_ns / NS_PER_TICK, children.user_ns / NS_PER_TICK,
		       children.system_ns / NS_PER_TICK };
	if (!user_is_null(buf)) {
		err_t err = user_copy_out_object(buf, &raw);
		if (err)
			return err;
	}
	return (s64)(clock_monotonic_ns() / NS_PER_TICK);
}
