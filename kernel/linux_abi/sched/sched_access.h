// SPDX-License-Identifier: MPL-2.0
// Who may change whose scheduling, and the change. source: sched(7), "Privileges and resource limits"
#pragma once
#include <services/process/thread.h>
#include <services/sched/sched.h>

#define SCHED_RESET_ON_FORK 0x40000000u

// What a thread is to be scheduled by.
struct sched_wish {
	u32 policy, priority, resets_on_fork;
	s32 nice;
};
struct sched_wish sched_wish_of(const struct thread *t);
// -EPERM, -ESRCH
err_t sched_may_change(struct thread *t);
// CAP_SYS_NICE towards t.
bool sched_may_raise(void);
// -EPERM, -EINVAL (a priority that does not go with the policy), -ESRCH.
err_t sched_change(struct thread *t, const struct sched_wish *wish borrowed);
// -EACCES: nicer to itself than RLIMIT_NICE allows.
err_t sched_change_nice(struct thread *t, s32 nice);
