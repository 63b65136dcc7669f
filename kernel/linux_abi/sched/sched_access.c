// SPDX-License-Identifier: MPL-2.0
#include <linux_abi/sched/sched_access.h>

err_t sched_may_change(struct thread *t)
{
	struct cred *mine = thread_cred();
	struct cred *target object_auto(cred) = thread_cred_of(t);
	if (!target)
		return -ESRCH;
	if (mine->euid == target->uid || mine->euid == target->euid)
		return OK;
	return cred_has_capability(mine, target->user_ns, CAP_SYS_NICE) ? OK : -EPERM;
}

bool sched_may_raise(void)
{
	return thread_capable_over_machine(CAP_SYS_NICE);
}

struct sched_wish sched_wish_of(const struct thread *t)
{
	return (struct sched_wish){ .policy = t->base.sched.policy, .priority = t->base.sched.realtime_priority,
		.nice = t->base.sched.nice, .resets_on_fork = t->resets_scheduling };
}

static bool is_realtime(u32 policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

static err_t check_policy(struct thread *t, const struct sched_wish *wish borrowed)
{
	const struct sched_entity *now = &t->base.sched;
	u64 limit = process_rlimit(t->process, RLIMIT_RTPRIO);
	if (is_realtime(wish->policy) && wish->priority > limit &&
	    (!is_realtime(now->policy) || wish->priority > now->realtime_priority))
		return -EPERM;
	// Out of the idle class only as far as the nice value would be allowed.
	if (now->policy == SCHED_IDLE && wish->policy != SCHED_IDLE &&
	    (s64)(20 - now->nice) > (s64)min(process_rlimit(t->process, RLIMIT_NICE), 40ul))
		return -EPERM;
	return t->resets_scheduling && !wish->resets_on_fork ? -EPERM : OK;
}

static bool nice_is_allowed(struct thread *t, s32 nice)
{
	u64 floor = process_rlimit(t->process, RLIMIT_NICE);
	return nice >= t->base.sched.nice || (s64)(20 - nice) <= (s64)min(floor, 40ul);
}

err_t sched_change(struct thread *t, const struct sched_wish *wish borrowed)
{
	bool fair = wish->policy == SCHED_OTHER || wish->policy == SCHED_BATCH;
	err_t err = sched_may_change(t);
	if (!err && !sched_may_raise()) {
		err = check_policy(t, wish);
		if (!err && fair && !nice_is_allowed(t, wish->nice))
			err = -EPERM;
	}
	if (!err)
		err = sched_set_policy(&t->base, wish->policy, wish->priority);
	if (err)
		return err;
	t->resets_scheduling = wish->resets_on_fork;
	if (fair && wish->nice != t->base.sched.nice)
		sched_set_nice(&t->base, wish->nice);
	return OK;
}

err_t sched_change_nice(struct thread *t, s32 nice)
{
	err_t err = sched_may_change(t);
	if (err)
		return err;
	if (!nice_is_allowed(t, nice) && !sched_may_raise())
		return -EACCES;
	sched_set_nice(&t->base, nice);
	return OK;
}
