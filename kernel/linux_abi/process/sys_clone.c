// SPDX-License-Identifier: MPL-2.0
// fork, vfork, clone, clone3, and the ends: exit, exit_group. source: clone(2)
#include <generated/syscall_prototypes.h>
#include <services/process/clone.h>
#include <services/process/exit.h>

#define EXIT_SIGNAL_MASK 0xfful
#define CLONE_LEGACY_KNOWN 0xfffffffful

s64 sys_fork(void)
{
	struct clone_request r = { .exit_signal = SIGCHLD };
	return thread_clone(&r);
}

s64 sys_vfork(void)
{
	struct clone_request r = { .flags = CLONE_VFORK | CLONE_VM, .exit_signal = SIGCHLD };
	return thread_clone(&r);
}

s64 sys_clone(u64 flags, u64 stack, user_addr_t parent_tid, user_addr_t child_tid, u64 tls)
{
	struct clone_request r = {
		.flags = flags & CLONE_LEGACY_KNOWN & ~EXIT_SIGNAL_MASK,
		.exit_signal = (u32)(flags & EXIT_SIGNAL_MASK),
		.stack = stack,
		.tls = tls,
		.parent_tid = parent_tid,
		.child_tid = child_tid,
		.pidfd = parent_tid,
	};
	// One word of the caller's cannot be told two numbers.
	if ((flags & CLONE_PIDFD) && (flags & CLONE_PARENT_SETTID))
		return -EINVAL;
	return thread_clone(&r);
}

#define CLONE3_SIZE_MIN 64u
#define CLONE3_SIZE_MAX PAGE_SIZE
#define CLONE3_KNOWN 88u
#define CLONE3_FLAGS_MAX 0x3fffffffful

struct clone3_layout {
	u64 flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

// Bytes beyond what this kernel knows must be zero. source: clone3(2), copy_struct_from_user convention
static err_t check_rest(user_addr_t args, u64 size)
{
	for (u64 at = CLONE3_KNOWN; at < size; at++) {
		u8 byte[1];
		err_t err = user_copy_in(array_span(byte), user_offset(args, at));
		if (err)
			return err;
		if (byte[0])
			return -E2BIG;
	}
	return OK;
}

static err_t read_set_tid(const struct clone3_layout *a borrowed, struct clone_request *r borrowed)
{
	if (!a->set_tid != !a->set_tid_size)
		return -EINVAL;
	if (a->set_tid_size > PID_DEPTH_MAX)
		return -EINVAL;
	r->set_tid_count = (u32)a->set_tid_size;
	for (u32 i = 0; i < r->set_tid_count; i++) {
		err_t err = user_read_u32(user_addr(a->set_tid + i * 4ul), array_ptr(r->set_tid, i));
		if (err)
			return err;
	}
	return OK;
}

static s64 clone_into(struct clone_request *r borrowed, struct cgroup *group)
{
	r->cgroup = group;
	return thread_clone(r);
}

static s64 clone3(const struct clone3_layout *a borrowed)
{
	struct clone_request r = {
		.flags = a->flags,
		.exit_signal = (u32)a->exit_signal,
		.stack = a->stack ? a->stack + a->stack_size : 0,
		.tls = a->tls,
		.parent_tid = user_addr(a->parent_tid),
		.child_tid = user_addr(a->child_tid),
		.pidfd = user_addr(a->pidfd),
	};
	if ((a->flags & ~CLONE3_FLAGS_MAX) || (a->flags & (EXIT_SIGNAL_MASK & ~CLONE_NEWTIME)) ||
		(a->flags & CLONE_DETACHED))
		return -EINVAL;
	if (a->exit_signal > SIGNAL_MAX || ((a->flags & (CLONE_THREAD | CLONE_PARENT)) && a->exit_signal))
		return -EINVAL;
	if (!a->stack != !a->stack_size)
		return -EINVAL;
	err_t err = read_set_tid(a, &r);
	if (err)
		return err;
	if (!(a->flags & CLONE_INTO_CGROUP))
		return thread_clone(&r);
	struct cgroup *group object_auto(cgroup) = NULL;
	err = clone_cgroup_from_fd(a->cgroup, &group);
	if (err)
		return err;
	return clone_into(&r, group);
}

s64 sys_clone3(user_addr_t args, u64 size)
{
	struct clone3_layout a = { 0 };
	if (size > CLONE3_SIZE_MAX)
		return -E2BIG;
	if (size < CLONE3_SIZE_MIN)
		return -EINVAL;
	err_t err = user_copy_in(span_first(object_span(&a), min(size, (u64)sizeof(a))), args);
	if (!err)
		err = check_rest(args, size);
	return err ? err : clone3(&a);
}

s64 sys_exit(s32 status)
{
	thread_exit((u32)(status & 0xff) << 8);
}

s64 sys_exit_group(s32 status)
{
	process_exit_group((u32)(status & 0xff) << 8);
	return 0;	// never seen: the thread exits on its way back
}
