// SPDX-License-Identifier: MPL-2.0
// The calls about another process's memory. source: process_vm_readv(2), process_madvise(2)
#include <generated/syscall_prototypes.h>
#include <services/process/pidfd.h>
#include <services/process/thread.h>
#include <services/vfs/file_table.h>
#include <services/vm/vm_space.h>

#define IOV_MAX 1024u
#define IOV_SIZE 16u

// The whole vector in kernel memory; NULL in *out for an empty one.
static err_t vector_copy_in(user_addr_t iov, u64 count, struct buf **out borrowed)
{
	if (count > IOV_MAX)
		return -EINVAL;
	if (!count)
		return OK;
	struct buf *b buf_auto = buf_alloc(count * IOV_SIZE);

	if (!b)
		return -ENOMEM;
	err_t e = user_copy_in(buf_span(b), iov);

	if (e)
		return e;
	*out = take(b);
	return OK;
}

// The sum of the lengths; -EINVAL beyond what a ssize_t holds.
static ssize_r vector_total(bytes_t v)
{
	u64 total = 0;

	for (usize i = 0; i < bytes_len(v); i += IOV_SIZE)
		if (__builtin_add_overflow(total, bytes_get_u64le(v, i + 8), &total) || total > S64_MAX)
			return (ssize_r)-EINVAL;
	return (ssize_r)total;
}

static err_t space_to_access(struct thread *t, enum thread_access access, struct vm_space **out borrowed)
{
	// In this order: the space of a program that begins meanwhile is not the one that was asked for.
	struct vm_space *space object_auto(vm_space) = thread_space_of(t);
	err_t e = thread_may_access(t, access);

	if (e)
		return e;
	*out = take(space);
	return *out ? OK : -ESRCH;
}

static err_t remote_space(u32 number, struct vm_space **out borrowed)
{
	struct pid *pid object_auto(pid) = pid_find(thread_pid_namespace(), number);
	struct thread *t object_auto(thread) = pid ? pid_thread(pid) : NULL;

	return t ? space_to_access(t, THREAD_ACCESS_ATTACH, out) : -ESRCH;
}

static ssize_r remote_transfer(struct vm_space *s, bytes_t remote, struct iobuf *local borrowed, u32 access)
{
	u64 done = 0;

	for (usize i = 0; i < bytes_len(remote) && iobuf_remaining(local); i += IOV_SIZE) {
		u64 want = min(bytes_get_u64le(remote, i + 8), iobuf_remaining(local));
		ssize_r n = vm_space_access(s, bytes_get_u64le(remote, i), want, local, access);

		if (n < 0)
			return done ? (ssize_r)done : n;
		done += (u64)n;
		if ((u64)n < want)
			break;
	}
	return (ssize_r)done;
}

static s64 remote_copy(
	s32 pid, user_addr_t local_iov, u64 liovcnt, user_addr_t remote_iov, u64 riovcnt, u64 flags, u32 access)
{
	struct buf *local buf_auto = NULL, *remote buf_auto = NULL;
	struct vm_space *s object_auto(vm_space) = NULL;

	if (flags)
		return -EINVAL;
	err_t e = vector_copy_in(local_iov, liovcnt, &local);

	if (!e)
		e = vector_copy_in(remote_iov, riovcnt, &remote);
	if (e)
		return e;
	ssize_r total = local ? vector_total(buf_bytes(local)) : (ssize_r)0;

	if (total < 0 || !local || !remote)
		return total < 0 ? (s64)total : 0;
	e = remote_space((u32)pid, &s);
	if (e)
		return e;
	struct iobuf b = iobuf_user_vector(buf_bytes(local), (usize)total);

	return remote_transfer(s, buf_bytes(remote), &b, access);
}

s64 sys_process_vm_readv(s32 pid, user_addr_t local_iov, u64 liovcnt, user_addr_t remote_iov, u64 riovcnt, u64 flags)
{
	return remote_copy(pid, local_iov, liovcnt, remote_iov, riovcnt, flags, 0);
}

s64 sys_process_vm_writev(s32 pid, user_addr_t local_iov, u64 liovcnt, user_addr_t remote_iov, u64 riovcnt, u64 flags)
{
	return remote_copy(pid, local_iov, liovcnt, remote_iov, riovcnt, flags, USER_FAULT_WRITE);
}

// --- process_madvise --------------------------------------------------------------------------

static bool is_remote_advice(s32 advice)
{
	return advice == VM_ADVICE_WILLNEED || advice == VM_ADVICE_COLD || advice == VM_ADVICE_PAGEOUT;
}

static err_t pidfd_space(s32 pidfd, struct vm_space **out borrowed)
{
	struct file *f object_auto(file) = file_table_find(thread_files(), (u32)pidfd);
	struct pid *named object_auto(pid) = f ? pidfd_pid(f) : NULL;

	if (!named)
		return -EBADF;
	struct thread *t object_auto(thread) = pid_thread(named);

	return t ? space_to_access(t, THREAD_ACCESS_READ, out) : -ESRCH;
}

s64 sys_process_madvise(s32 pidfd, user_addr_t iov, u64 vlen, s32 advice, u32 flags)
{
	struct buf *v buf_auto = NULL;
	struct vm_space *s object_auto(vm_space) = NULL;
	u64 done = 0;

	if (flags)
		return -EINVAL;
	err_t e = vector_copy_in(iov, vlen, &v);

	if (!e)
		e = pidfd_space(pidfd, &s);
	if (!e && !is_remote_advice(advice))
		e = -EINVAL;
	if (!e && s != thread_space() && !thread_capable_over_machine(CAP_SYS_NICE))
		e = -EPERM;
	if (e)
		return e;
	bytes_t ranges = v ? buf_bytes(v) : bytes_empty();
	for (usize i = 0; i < bytes_len(ranges) && !e; i += IOV_SIZE) {
		u64 length = bytes_get_u64le(ranges, i + 8);

		e = vm_space_advise(s, bytes_get_u64le(ranges, i), length, (u32)advice);
		done += e ? 0 : length;
	}
	return done ? (s64)done : (s64)e;
}
