// SPDX-License-Identifier: MPL-2.0
// Scheduling parameters. source: sched(7), sched_setscheduler(2), sched_setaffinity(2), getpriority(2)
#include <generated/syscall_prototypes.h>
#include <core/cpu.h>
#include <linux_abi/process/find.h>
#include <services/process/process_tree.h>
#include <services/sched/sched.h>

s64 sys_sched_yield(void)
{
	task_yield();
	return 0;
}

// --- who may change whom --------------------------------------------------------------------------

static err_t may_change(struct thread *t)
{
	struct cred *mine = thread_cred();
	struct cred *target object_auto(cred) = thread_cred_of(t);
	if (!target)
		return -ESRCH;
	if (mine->euid == target->uid || mine->euid == target->euid)
		return OK;
	return cred_has_capability(mine, target->user_ns, CAP_SYS_NICE) ? OK : -EPERM;
}

static bool may_raise(struct thread *t)
{
	struct cred *target object_auto(cred) = thread_cred_of(t);
	return target && cred_has_capability(thread_cred(), target->user_ns, CAP_SYS_NICE);
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
		err = may_change(t);
	return err ? err : task_set_affinity(&t->base, &set);
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

static s64 set_policy(s32 pid, u32 policy, u32 priority)
{
	struct thread *t object_auto(thread) = thread_by_number(pid);
	if (!t)
		return -ESRCH;
	err_t err = may_change(t);
	if (err)
		return err;
	bool is_realtime = policy == SCHED_FIFO || policy == SCHED_RR;
	if (is_realtime && !may_raise(t) && priority > process_rlimit(t->process, RLIMIT_RTPRIO))
		return -EPERM;
	return sched_set_policy(&t->base, policy, priority);
}

#define SCHED_RESET_ON_FORK 0x40000000

s64 sys_sched_setscheduler(s32 pid, s32 policy, user_addr_t param)
{
	u32 priority = 0;
	if (pid < 0 || policy < 0 || (policy & SCHED_RESET_ON_FORK))
		return -EINVAL;
	err_t err = user_read_u32(param, &priority);
	return err ? err : set_policy(pid, (u32)policy, priority);
}

s64 sys_sched_setparam(s32 pid, user_addr_t param)
{
	u32 priority = 0;
	struct thread *t object_auto(thread) = thread_by_number(pid);
	if (pid < 0)
		return -EINVAL;
	if (!t)
		return -ESRCH;
	err_t err = user_read_u32(param, &priority);
	return err ? err : set_policy(pid, t->base.sched.policy, priority);
}

s64 sys_sched_getscheduler(s32 pid)
{
	struct thread *t object_auto(thread) = thread_by_number(pid);
	return t ? (s64)t->base.sched.policy : -ESRCH;
}

s64 sys_sched_getparam(s32 pid, user_addr_t param)
{
	struct thread *t object_auto(thread) = thread_by_number(pid);
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

// --- nice values -----------------------------------------------------------------------------------------

enum { PRIO_PROCESS, PRIO_PGRP, PRIO_USER };

// Is p among those that (which, who) names?
static bool is_named(struct process *p, s32 which, s32 who)
{
	struct pid_namespace *ns = thread_pid_namespace();
	if (which == PRIO_PGRP)
		return process_group_number(p, ns) == (who ? (u32)who : process_group_number(process_current(), ns));
	struct cred *c object_auto(cred) = process_cred(p);
	u32 uid = who ? user_namespace_uid_in(thread_cred()->user_ns, (u32)who) : thread_cred()->uid;
	return c && c->uid == uid;
}

static err_t set_nice(struct thread *t, s32 nice)
{
	err_t err = may_change(t);
	if (err)
		return err;
	u64 floor = process_rlimit(t->process, RLIMIT_NICE);
	if (nice < t->base.sched.nice && !may_raise(t) && (s64)(20 - nice) > (s64)min(floor, 40ul))
		return -EACCES;
	sched_set_nice(&t->base, nice);
	return OK;
}

struct priority_walk {
	bool is_set, found;
	s32 nice;		// to set, or the best seen (20 - nice is greatest)
	err_t err;
};

static void visit(struct thread *t, struct priority_walk *w borrowed)
{
	if (w->is_set) {
		err_t err = set_nice(t, w->nice);
		w->err = err ? err : w->err;
	} else if (!w->found || t->base.sched.nice < w->nice) {
		w->nice = t->base.sched.nice;
	}
	w->found = true;
}

static err_t walk(s32 which, s32 who, struct priority_walk *w borrowed)
{
	if (which == PRIO_PROCESS) {
		struct thread *t object_auto(thread) = thread_by_number(who);
		if (!t)
			return -ESRCH;
		visit(t, w);
		return w->err;
	}
	if (which != PRIO_PGRP && which != PRIO_USER)
		return -EINVAL;
	for (u32 number = 1;; number++) {
		struct pid *pid object_auto(pid) = pid_next(thread_pid_namespace(), &number);
		if (!pid)
			break;
		struct process *p object_auto(process) = pid_process(pid);
		if (!p || !is_named(p, which, who))
			continue;
		struct thread *t object_auto(thread) = process_main_thread(p);
		if (t)
			visit(t, w);
	}
	return w->found ? w->err : -ESRCH;
}

s64 sys_getpriority(s32 which, s32 who)
{
	struct priority_walk w = { 0 };
	err_t err = walk(which, who, &w);
	return err ? err : 20 - w.nice;
}

s64 sys_setpriority(s32 which, s32 who, s32 prio)
{
	struct priority_walk w = { .is_set = true, .nice = max(min(prio, SCHED_NICE_MAX), SCHED_NICE_MIN) };
	return walk(which, who, &w);
}
