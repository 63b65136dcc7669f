// SPDX-License-Identifier: MPL-2.0
// source: futex(2), set_robust_list(2)
#include <generated/syscall_prototypes.h>
#include <core/time.h>
#include <linux_abi/process/find.h>
#include <services/futex/futex.h>

enum { WAIT = 0, WAKE = 1, REQUEUE = 3, CMP_REQUEUE = 4, WAKE_OP = 5, LOCK_PI = 6, UNLOCK_PI = 7, TRYLOCK_PI = 8,
	WAIT_BITSET = 9, WAKE_BITSET = 10, LOCK_PI2 = 13 };
#define OP_PRIVATE 128
#define OP_CLOCK_REALTIME 256

// A timeout: relative for WAIT, absolute for the others. DEADLINE_NEVER when `from` is NULL.
enum timeout_clock { TIMEOUT_RELATIVE, TIMEOUT_MONOTONIC, TIMEOUT_REALTIME };
static err_t read_deadline(user_addr_t from, enum timeout_clock clock, struct futex_limit *out borrowed)
{
	u64 raw[2];
	*out = (struct futex_limit){ DEADLINE_NEVER, WAIT_INTERRUPTIBLE };
	if (user_is_null(from))
		return OK;
	err_t err = user_copy_in_object(&raw, from);
	if (err)
		return err;
	if (raw[0] > S64_MAX || raw[1] >= NS_PER_SECOND)
		return -EINVAL;
	if (raw[0] >= S64_MAX / NS_PER_SECOND / 2)
		return OK;
	const u64 value = raw[0] * NS_PER_SECOND + raw[1];
	out->deadline_ns = clock == TIMEOUT_RELATIVE ? clock_monotonic_ns() + value : max(value, 1ul);
	if (clock == TIMEOUT_REALTIME)
		out->mode = WAIT_INTERRUPTIBLE_REALTIME;
	return OK;
}

static enum timeout_clock clock_of(s32 op)
{
	return op & OP_CLOCK_REALTIME ? TIMEOUT_REALTIME : TIMEOUT_MONOTONIC;
}

static ssize_r resume_wait(struct restart_block *r borrowed)
{
	err_t err = futex_wait(
		r->address, (enum futex_scope)r->argument[0], (u32)r->argument[1], (u32)r->argument[2],
		(struct futex_limit){ r->deadline_ns, (enum wait_mode)r->argument[3] });
	return (ssize_r)(err == (err_t)-ERESTARTSYS ? -ERESTART_RESTARTBLOCK : err);
}

static s64 wait(user_addr_t at, s32 op, u32 expected, user_addr_t timeout, u32 bits)
{
	enum futex_scope scope = op & OP_PRIVATE ? FUTEX_PRIVATE : FUTEX_SHARED;
	struct futex_limit limit = {};
	err_t err = read_deadline(timeout, (op & 127) == WAIT ? TIMEOUT_RELATIVE : clock_of(op), &limit);
	if (err)
		return err;
	err = futex_wait(at, scope, expected, bits, limit);
	if (err != (err_t)-ERESTARTSYS || limit.deadline_ns == DEADLINE_NEVER)
		return err;
	thread_current()->restart = (struct restart_block){ .resume = resume_wait, .deadline_ns = limit.deadline_ns,
		.address = at, .argument = { scope, expected, bits, limit.mode } };
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

// `clock`: LOCK_PI is always by the wall clock.
static s64 lock(user_addr_t at, enum futex_scope scope, enum timeout_clock clock, user_addr_t timeout)
{
	struct futex_limit limit = {};
	err_t err = read_deadline(timeout, clock, &limit);
	return err ? err : futex_lock(at, scope, thread_number(thread_current()), FUTEX_LOCK_WAIT, limit);
}

s64 sys_futex(user_addr_t uaddr, s32 op, u32 val, u64 timeout, user_addr_t uaddr2, u32 val3)
{
	enum futex_scope scope = op & OP_PRIVATE ? FUTEX_PRIVATE : FUTEX_SHARED;
	s32 command = op & ~(OP_PRIVATE | OP_CLOCK_REALTIME);
	if ((op & OP_CLOCK_REALTIME) && command != WAIT_BITSET && command != WAIT && command != LOCK_PI2)
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
	case LOCK_PI:
		return lock(uaddr, scope, TIMEOUT_REALTIME, user_addr(timeout));
	case LOCK_PI2:
		return lock(uaddr, scope, clock_of(op), user_addr(timeout));
	case TRYLOCK_PI:
		return futex_lock(uaddr, scope, thread_number(thread_current()), FUTEX_LOCK_TRY,
			(struct futex_limit){ DEADLINE_NEVER, WAIT_INTERRUPTIBLE });
	case UNLOCK_PI:
		return futex_unlock(uaddr, scope, thread_number(thread_current()));
	default:
		return -ENOSYS;
	}
}

// --- futex_waitv: struct futex_waitv is value (64 bits), address (64), flags, reserved (32) ----------------

#define WAITV_SIZE_32 2u
#define WAITV_PRIVATE 128u
struct waitv_layout {
	u64 value, address;
	u32 flags, reserved;
};

static err_t read_words(struct futex_wait_set *w, user_addr_t waiters, u32 count)
{
	for (u32 i = 0; i < count; i++) {
		struct waitv_layout raw;
		err_t err = user_copy_in_object(&raw, user_offset(waiters, (u64)i * sizeof(raw)));
		if (err)
			return err;
		if ((raw.flags & ~WAITV_PRIVATE) != WAITV_SIZE_32 || raw.reserved)
			return -EINVAL;
		w->word[i].at = user_addr(raw.address);
		w->word[i].scope = raw.flags & WAITV_PRIVATE ? FUTEX_PRIVATE : FUTEX_SHARED;
		w->word[i].expected = (u32)raw.value;
	}
	w->count = count;
	return OK;
}

s64 sys_futex_waitv(user_addr_t waiters, u32 nr_futexes, u32 flags, user_addr_t timeout, s32 clockid)
{
	struct futex_limit limit = {};
	if (flags || !nr_futexes || nr_futexes > FUTEX_WAIT_WORDS_MAX || user_is_null(waiters))
		return -EINVAL;
	if (!user_is_null(timeout) && clockid != 0 && clockid != 1)
		return -EINVAL;
	struct futex_wait_set *w object_auto(futex_wait_set) = futex_wait_set_create();
	if (!w)
		return -ENOMEM;
	err_t err = read_deadline(timeout, clockid ? TIMEOUT_MONOTONIC : TIMEOUT_REALTIME, &limit);
	if (!err)
		err = read_words(w, waiters, nr_futexes);
	return err ? (s64)err : (s64)futex_wait_multiple(w, limit);
}

// --- robust lists --------------------------------------------------------------------------------------

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
