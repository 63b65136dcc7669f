// SPDX-License-Identifier: MPL-2.0
// source: getrlimit(2), prlimit(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/process/find.h>
#include <services/vm/vm_space.h>

struct limit_layout {
	u64 soft, hard;
};

// The address space keeps the limits that it enforces itself.
static void tell_space(struct process *p)
{
	struct thread *t object_auto(thread) = process_main_thread(p);
	if (!t)
		return;
	struct vm_space *s object_auto(vm_space) = thread_space_of(t);
	if (!s)
		return;
	struct vm_limits limits = {
		.address_space_bytes = process_rlimit(p, RLIMIT_AS),
		.data_bytes = process_rlimit(p, RLIMIT_DATA),
		.stack_bytes = process_rlimit(p, RLIMIT_STACK),
		.locked_bytes = process_rlimit(p, RLIMIT_MEMLOCK),
	};
	vm_space_set_limits(s, &limits);
}

// A thread of p starts the watch on its next way to user mode.
static void watch_cpu_time(struct process *p)
{
	struct thread *t object_auto(thread) = process_main_thread(p);
	if (t)
		task_post_work(&t->base, TASK_WORK_SERVICE);
}

static err_t set_limit(struct process *p, u32 resource, user_addr_t from)
{
	struct limit_layout raw;
	err_t err = user_copy_in_object(&raw, from);
	if (err)
		return err;
	if (resource == RLIMIT_NOFILE && raw.hard > (1u << 20))
		return -EPERM;
	struct rlimit limit = { raw.soft, raw.hard };
	err = process_rlimit_set(p, (enum rlimit_kind)resource, limit, thread_cred());
	if (!err)
		tell_space(p);
	if (!err && resource == RLIMIT_CPU)
		watch_cpu_time(p);
	return err;
}

static err_t get_limit(struct process *p, u32 resource, user_addr_t to)
{
	struct rlimit limit = process_rlimit_both(p, (enum rlimit_kind)resource);
	struct limit_layout raw = { limit.soft, limit.hard };
	return user_copy_out_object(to, &raw);
}

s64 sys_getrlimit(u32 resource, user_addr_t rlim)
{
	return resource < RLIMIT_COUNT ? get_limit(process_current(), resource, rlim) : -EINVAL;
}

s64 sys_setrlimit(u32 resource, user_addr_t rlim)
{
	return resource < RLIMIT_COUNT ? set_limit(process_current(), resource, rlim) : -EINVAL;
}

// Same user in all ids, or CAP_SYS_RESOURCE towards the target.
static err_t may_touch(struct process *p)
{
	struct cred *mine = thread_cred();
	struct cred *target object_auto(cred) = process_cred(p);
	if (p == process_current())
		return OK;
	if (!target)
		return -ESRCH;
	if (mine->uid == target->euid && mine->uid == target->suid && mine->uid == target->uid &&
		mine->gid == target->egid && mine->gid == target->sgid && mine->gid == target->gid)
		return OK;
	return cred_has_capability(mine, target->user_ns, CAP_SYS_RESOURCE) ? OK : -EPERM;
}

s64 sys_prlimit64(s32 pid, u32 resource, user_addr_t new_limit, user_addr_t old_limit)
{
	if (resource >= RLIMIT_COUNT)
		return -EINVAL;
	struct process *p object_auto(process) = process_by_number(pid);
	if (!p)
		return -ESRCH;
	err_t err = may_touch(p);
	struct rlimit old = process_rlimit_both(p, (enum rlimit_kind)resource);
	struct limit_layout raw = { old.soft, old.hard };
	if (!err && !user_is_null(new_limit))
		err = set_limit(p, resource, new_limit);
	if (!err && !user_is_null(old_limit))
		err = user_copy_out_object(old_limit, &raw);
	return err;
}
