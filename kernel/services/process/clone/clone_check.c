// SPDX-License-Identifier: MPL-2.0
// Which combinations of clone flags make sense, and who may ask for them. source: clone(2) ERRORS
#include <services/process/clone/clone_internal.h>

static bool is_init(struct process *p)
{
	return atomic_u32_load(&p->flags) & PROCESS_NAMESPACE_INIT;
}

static err_t check_threads(const struct clone_request *r borrowed, const struct namespace_set *set borrowed)
{
	u64 flags = r->flags;
	if ((flags & CLONE_THREAD) && !(flags & CLONE_SIGHAND))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && !(flags & CLONE_VM))
		return -EINVAL;
	if ((flags & CLONE_SIGHAND) && (flags & CLONE_CLEAR_SIGHAND))
		return -EINVAL;
	if ((flags & CLONE_THREAD) &&
		((flags & (CLONE_NEWUSER | CLONE_NEWPID)) || set->pid_for_children != set->slot[NAMESPACE_PID]))
		return -EINVAL;
	if ((flags & CLONE_VM) && set->time_for_children != set->slot[NAMESPACE_TIME])
		return -EINVAL;
	if ((flags & CLONE_PIDFD) && (flags & (CLONE_DETACHED | CLONE_THREAD)))
		return -EINVAL;
	return OK;
}

err_t clone_check(const struct clone_request *r borrowed)
{
	struct thread *self = thread_current();
	u64 flags = r->flags;
	if ((flags & CLONE_FS) && (flags & (CLONE_NEWNS | CLONE_NEWUSER)))
		return -EINVAL;
	if ((flags & CLONE_NEWIPC) && (flags & CLONE_SYSVSEM))
		return -EINVAL;
	if ((flags & CLONE_PARENT) && is_init(self->process))
		return -EINVAL;
	if (flags & CLONE_PTRACE)
		return -EINVAL;		// there is no tracing to inherit
	err_t err = check_threads(r, self->namespaces);
	if (err)
		return err;
	if (r->exit_signal > SIGNAL_MAX)
		return -EINVAL;
	if (r->set_tid_count > PID_LEVELS_MAX)
		return -EINVAL;
	u64 privileged = CLONE_NAMESPACES & ~CLONE_NEWUSER;
	if ((flags & privileged) && !(flags & CLONE_NEWUSER) && !thread_capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (r->set_tid_count && !thread_capable(CAP_SYS_ADMIN) && !thread_capable(CAP_CHECKPOINT_RESTORE))
		return -EPERM;
	u64 limit = process_rlimit(self->process, RLIMIT_NPROC);
	if (atomic_u64_load(&self->cred->account->processes) >= limit && self->cred->uid != 0 &&
	    !thread_capable(CAP_SYS_RESOURCE) && !thread_capable(CAP_SYS_ADMIN))
		return -EAGAIN;
	return OK;
}
