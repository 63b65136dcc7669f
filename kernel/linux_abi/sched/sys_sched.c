// SPDX-License-Identifier: MPL-2.0
// Scheduling parameters. source: sched(7), sched_setscheduler(2), sched_setaffinity(2)
#include <generated/syscall_prototypes.h>
#include <core/cpu.h>
#include <linux_abi/process/find.h>
#include <linux_abi/sched/sched_access.h>

s64 sys_sched_yield(void)
{
	task_yield();
	return 0;
}

// --- affinity ---------------------------------------------------------------------------------------

s64 sys_sched_setaffinity(s32 pid, u32 len, user_addr_t mask)
{
	struct cpu_set set = { 0 };
	usize length = min((usize)len, sizeof(set));
	struct thread *t object_auto(thread) = thread_by_number(pid);
	if (!t)
		return -ESRCH;
	err_t err = user_copy_in(span_first(object_span(&set), length), mask);
	if (!err)
		err = sched_may_change(t);
	return err ? err : thread_set_affinity(t, &set);
}

s64 sys_sched_getaffinity(s32 pid, u32 len, user_addr_t mask)
{
	if (len < sizeof(struct cpu_set) || len % 8)
		return -EINVAL;
	struct thread *t object_auto(thread) = thread_by_number(pid);
	if (!t)
		return -ESRCH;
	struct cpu_set set = task_affinity(&t->base), online = cpu_online_set();
	set.bits[0] &= online.bits[0];
	err_t err = user_copy_out_object(mask, &set);
	return err ? err : (s64)sizeof(set);
}

// --- policy and priority --------------------------------------------------------------------------------

s64 sys_sched_setscheduler(s32 pid, s32 policy, user_addr_t param)
{
	struct sched_wish wish = { .policy = (u32)policy & ~SCHED_RESET_ON_FORK,
		.resets_on_fork = !!((u32)policy & SCHED_RESET_ON_FORK) };
	if (pid < 0 || policy < 0)
		return -EINVAL;
	err_t err = user_read_u32(param, &wish.priority);
	struct thread *t object_auto(thread) = thread_by_number(pid);
	if (!err && !t)
		err = -ESRCH;
	if (err)
		return err;
	wish.nice = t->base.sched.nice;
	return sched_change(t, &wish);
}

s64 sys_sched_setparam(s32 pid, user_addr_t param)
{
	struct thread *t object_auto(thread) = thread_by_number(pid);
	if (pid < 0)
		return -EINVAL;
	if (!t)
		return -ESRCH;
	struct sched_wish wish = sched_wish_of(t);
	err_t err = user_read_u32(param, &wish.priority);
	return err ? err : sched_change(t, &wish);
}

s64 sys_sched_getscheduler(s32 pid)
{
	struct thread *t object_auto(thread) = thread_by_number(pid);
	if (pid < 0)
		return -EINVAL;
	return t ? (s64)(t->base.sched.policy | (t->resets_scheduling ? SCHED_RESET_ON_FORK : 0)) : -ESRCH;
}

s64 sys_sched_getparam(s32 pid, user_addr_t param)
{
	struct thread *t object_auto(thread) = thread_by_number(pid);
	if (pid < 0)
		return -EINVAL;
	return t ? (s64)user_write_u32(param, t->base.sched.realtime_priority) : -ESRCH;
}

s64 sys_sched_get_priority_max(s32 policy)
{
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return SCHED_PRIORITY_MAX;
	return policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE ? 0 : -EINVAL;
}

s64 sys_sched_get_priority_min(s32 policy)
{
	if (policy == SCHED_FIFO || policy == SCHED_RR)
		return 1;
	return policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE ? 0 : -EINVAL;
}

s64 sys_sched_rr_get_interval(s32 pid, user_addr_t interval)
{
	struct thread *t object_auto(thread) = thread_by_number(pid);
	if (!t)
		return -ESRCH;
	u64 ns = t->base.sched.policy == SCHED_RR    ? SCHED_RR_SLICE_NS
		: t->base.sched.policy == SCHED_FIFO ? 0
						     : SCHED_SLICE_NS;
	u64 raw[2] = { ns / 1000000000ul, ns % 1000000000ul };
	return user_copy_out_object(interval, &raw);
}

