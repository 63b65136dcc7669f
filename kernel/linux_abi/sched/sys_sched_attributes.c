// SPDX-License-Identifier: MPL-2.0
// source: sched_setattr(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/process/find.h>
#include <linux_abi/sched/sched_access.h>

// struct sched_attr as of its second version, 56 bytes; the first one ends before the utilisation clamps.
struct attributes {
	u32 size, policy;
	u64 flags;
	s32 nice;
	u32 priority;
	u64 runtime, deadline, period;
	u32 clamp_min, clamp_max;
};
#define SIZE_FIRST 48u
#define SIZE_LIMIT 4096u
#define FLAG_RESET_ON_FORK 1ul
#define FLAG_KEEP_POLICY 8ul
#define FLAG_KEEP_PARAMETERS 16ul
#define FLAGS_CLAMP 96ul

// Bytes beyond what is known here must be zero.
static bool is_zero(user_addr_t at, u64 length)
{
	for (u64 i = 0; i < length; i++) {
		u8 byte[1];
		if (user_copy_in(array_span(byte), user_offset(at, i)) || byte[0])
			return false;
	}
	return true;
}

static err_t read_attributes(user_addr_t from, struct attributes *a borrowed)
{
	u32 size = 0;
	err_t err = user_read_u32(from, &size);
	if (err)
		return err;
	size = size ? size : SIZE_FIRST;
	if (size < SIZE_FIRST || size > SIZE_LIMIT ||
	    (size > sizeof(*a) && !is_zero(user_offset(from, sizeof(*a)), size - sizeof(*a)))) {
		err = user_write_u32(from, sizeof(*a));
		return err ? err : -E2BIG;
	}
	err = user_copy_in(span_first(object_span(a), min((usize)size, sizeof(*a))), from);
	if (!err && (a->flags & FLAGS_CLAMP))
		err = size < sizeof(*a) ? -EINVAL : -EOPNOTSUPP;
	return err;
}

s64 sys_sched_setattr(s32 pid, user_addr_t attr, u32 flags)
{
	struct attributes a = { 0 };
	if (user_is_null(attr) || pid < 0 || flags)
		return -EINVAL;
	err_t err = read_attributes(attr, &a);
	if (err)
		return err;
	if ((s32)a.policy < 0 || (a.flags & ~(FLAG_RESET_ON_FORK | FLAG_KEEP_POLICY | FLAG_KEEP_PARAMETERS)))
		return -EINVAL;
	struct thread *t object_auto(thread) = thread_by_number(pid);
	if (!t)
		return -ESRCH;
	struct sched_wish wish = sched_wish_of(t);
	wish.resets_on_fork = !!(a.flags & FLAG_RESET_ON_FORK);
	if (!(a.flags & FLAG_KEEP_POLICY))
		wish.policy = a.policy;
	if (!(a.flags & FLAG_KEEP_PARAMETERS)) {
		wish.priority = a.priority;
		wish.nice = max(min(a.nice, SCHED_NICE_MAX), SCHED_NICE_MIN);
	}
	return sched_change(t, &wish);
}

s64 sys_sched_getattr(s32 pid, user_addr_t attr, u32 size, u32 flags)
{
	if (user_is_null(attr) || pid < 0 || size < SIZE_FIRST || size > SIZE_LIMIT || flags)
		return -EINVAL;
	struct thread *t object_auto(thread) = thread_by_number(pid);
	if (!t)
		return -ESRCH;
	struct sched_wish wish = sched_wish_of(t);
	bool fair = wish.policy == SCHED_OTHER || wish.policy == SCHED_BATCH;
	struct attributes a = { .size = min(size, (u32)sizeof(a)), .policy = wish.policy, .priority = wish.priority,
		.nice = fair ? wish.nice : 0, .flags = wish.resets_on_fork ? FLAG_RESET_ON_FORK : 0 };
	return user_copy_out(attr, bytes_first(object_bytes(&a), a.size));
}
