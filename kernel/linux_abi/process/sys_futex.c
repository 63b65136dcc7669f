// SPDX-License-Identifier: MPL-2.0
// source: futex(2), set_robust_list(2)
#include <generated/syscall_prototypes.h>
#include <core/time.h>
#include <linux_abi/process/find.h>
#include <services/futex/futex.h>

enum { WAIT = 0, WAKE = 1, REQUEUE = 3, CMP_REQUEUE = 4, WAKE_OP = 5, WAIT_BITSET = 9, WAKE_BITSET = 10 };
#define OP_PRIVATE 128
#define OP_CLOCK_REALTIME 256

// A timeout: relative for WAIT, absolute for WAIT_BITSET. DEADLINE_NEVER when `from` is NULL.
static err_t read_deadline(user_addr_t from, s32 op, u64 *out borrowed)
{
	u64 raw[2];
	*out = DEADLINE_NEVER;
	if (user_is_null(from))
		return OK;
	err_t err = user_copy_in_object(&raw, from);
	if (err)
		return err;
	if (raw[0] > S64_MAX || raw[1] >= NS_PER_SECOND)
		return -EINVAL;
	if (raw[0] >= S64_MAX / NS_PER_SECOND / 2)
		return OK;
	u64 value = raw[0] * NS_PER_SECOND + raw[1], now = clock_monotonic_ns();
	if ((op & 127) == WAIT) {
		*out = now + value;
	} else if (op & OP_CLOCK_REALTIME) {
		u64 real = clock_realtime_ns();
		*out = value > real ? now + (value - real) : 1;
	} else {
		*out = max(value, 1ul);
	}
	return OK;
}

static ssize_r resume_wait(struct restart_block *r borrowed)
{
	err_t err = futex_wait(
		r->address, (enum futex_scope)r->argument[0], (u32)r->argument[1], (u32)r->argument[2], r->deadline_ns);
	return (ssize_r)(err == (err_t)-ERESTARTSYS ? -ERESTART_RESTARTBLOCK : err);
}

static s64 wait(user_addr_t at, s32 op, u32 expected, user_addr_t timeout, u32 bits)
{
	enum futex_scope scope = op & OP_PRIVATE ? FUTEX_PRIVATE : FUTEX_SHARED;
	u64 deadline = 0;
	err_t err = read_deadline(timeout, op, &deadline);
	if (err)
		return err;
	err = futex_wait(at, scope, expected, bits, deadline);
	if (err != (err_t)-ERESTARTSYS || deadline == DEADLINE_NEVER)
		return err;
	thread_current()->restart = (struct restart_block){
		.resume = resume_wait, .deadline_ns = deadline, .address = at, .argument = { scope, expected, bits, 0 }
	};
	return -ERESTART_RESTARTBLOCK;
}

static s64 requeue(
	user_addr_t from, user_addr_t to, enum futex_scope scope, u32 wake, u64 move, bool compare, u32 expected)
{
	if (wake > S32_MAX || move > S32_MAX)
		return -EINVAL;
	struct futex_move m = {
		.from = from, .to = to, .wake = wake, .move = (u32)move, .compare = compare, .expected = expected
	};
	return futex_requeue(&m, scope);
}

s64 sys_futex(user_addr_t uaddr, s32 op, u32 val, u64 timeout, user_addr_t uaddr2, u32 val3)
{
	enum futex_scope scope = op & OP_PRIVATE ? FUTEX_PRIVATE : FUTEX_SHARED;
	s32 command = op & ~(OP_PRIVATE | OP_CLOCK_REALTIME);
	if ((op & OP_CLOCK_REALTIME) && command != WAIT_BITSET && command != WAIT)
		return -ENOSYS;
	switch (command) {
	case WAIT:
		return wait(uaddr, op, val, user_addr(timeout), FUTEX_ANY_BITS);
	case WAIT_BITSET:
		return wait(uaddr, op, val, user_addr(timeout), val3);
	case WAKE:
		return futex_wake(uaddr, scope, val, FUTEX_ANY_BITS);
	case WAKE_BITSET:
		return futex_wake(uaddr, scope, val, val3);
	case REQUEUE:
		return requeue(uaddr, uaddr2, scope, val, timeout, false, 0);
	case CMP_REQUEUE:
		return requeue(uaddr, uaddr2, scope, val, timeout, true, val3);
	case WAKE_OP:
		return futex_wake_op(uaddr, uaddr2, scope, val, (u32)timeout, val3);
	default:
		return -ENOSYS;
	}
}

#define ROBUST_HEAD_SIZE 24u

s64 sys_set_robust_list(user_addr_t head, u64 len)
{
	if (len != ROBUST_HEAD_SIZE)
		return -EINVAL;
	thread_current()->robust_list = head;
	return 0;
}

s64 sys_get_robust_list(s32 pid, user_addr_t head_ptr, user_addr_t len_ptr)
{
	struct thread *t object_auto(thread) = thread_by_number(pid);
	if (!t)
		return -ESRCH;
	err_t err = thread_may_access(t, THREAD_ACCESS_READ);
	if (!err)
		err = user_write_u64(len_ptr, ROBUST_HEAD_SIZE);
	return err ? err : user_write_u64(head_ptr, t->robust_list.value);
}
