// SPDX-License-Identifier: MPL-2.0
// source: getrandom(2)
#include <generated/syscall_prototypes.h>
#include <core/random.h>
#include <core/time.h>
#include <services/process/thread.h>

#define GRND_NONBLOCK 1u
#define GRND_RANDOM 2u
#define GRND_INSECURE 4u
#define COUNT_MAX 33554431ul
#define READY_POLL_NS (20 * NS_PER_MS)

// Entropy arrives from devices and interrupts; nothing announces it, and this is waited for once a boot.
static err_t wait_until_ready(void)
{
	while (!random_is_ready()) {
		err_t e = task_sleep_until(clock_monotonic_ns() + READY_POLL_NS, WAIT_INTERRUPTIBLE);

		if (e)
			return e;
	}
	return OK;
}

s64 sys_getrandom(user_addr_t buf, u64 count, u32 flags)
{
	u8 chunk[256];
	u64 done = 0;

	if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if ((flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if (!(flags & GRND_INSECURE) && !random_is_ready()) {
		err_t e = flags & GRND_NONBLOCK ? (err_t)-EAGAIN : wait_until_ready();

		if (e)
			return e;
	}
	count = min(count, COUNT_MAX);
	while (done < count) {
		span_t part = span_first(array_span(chunk), min(count - done, sizeof(chunk)));

		random_fill(part);
		usize missing = user_copy_out_some(user_offset(buf, done), bytes_of(part));

		done += span_len(part) - missing;
		if (missing)
			return done ? (s64)done : -EFAULT;
		// As Linux: a long request ends early for a signal.
		if (task_pending_work(task_current()) & (TASK_WORK_SIGNAL | TASK_WORK_KILL))
			break;
	}
	span_fill(array_span(chunk), 0);
	return (s64)done;
}
