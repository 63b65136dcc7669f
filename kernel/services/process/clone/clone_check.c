// SPDX-License-Identifier: MPL-2.0
// Which combinations of clone flags make sense, and who may ask for them. source: clone(2) ERRORS
#include <services/cred/user_namespace.h>
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

// A number may be chosen in a pid namespace by those with power over the user namespace that owns it.
static bool may_choose_numbers(const struct clone_request *r borrowed, const struct thread *self borrowed)
{
	struct pid_namespace *ns = pid_namespace_from(self->namespaces->pid_for_children);
	const u32 new_level = r->flags & CLONE_NEWPID ? 1 : 0;	// its maker has power over it
	for (u32 n = new_level; n < r->set_tid_count && ns; n++) {
		const struct user_namespace *owner = pid_namespace_base(ns)->owner;
		if (!owner)
			owner = user_namespace_initial();
		if (!cred_has_capability(self->cred, owner, CAP_SYS_ADMIN) &&
		    !cred_has_capability(self->cred, owner, CAP_CHECKPOINT_RESTORE))
			return false;
		ns = pid_namespace_parent(ns);
	}
	return true;
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
	if (r->set_tid_count > PID_DEPTH_MAX)
		return -EINVAL;
	u64 privileged = CLONE_NAMESPACES & ~CLONE_NEWUSER;
	if ((flags & privileged) && !(flags & CLONE_NEWUSER) && !thread_capable(CAP_SYS_ADMIN))
		return -EPERM;
	if (r->set_tid_count && !may_choose_numbers(r, self))
		return -EPERM;
	u64 limit = process_rlimit(self->process, RLIMIT_NPROC);
	if (atomic_u64_load(&self->cred->account->processes) >= limit && self->cred->uid != 0 &&
	    !thread_capable_over_machine(CAP_SYS_RESOURCE) && !thread_capable_over_machine(CAP_SYS_ADMIN))
		return -EAGAIN;
	return OK;
}
