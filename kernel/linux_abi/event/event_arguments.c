// SPDX-License-Identifier: MPL-2.0
#include <core/time.h>
#include <linux_abi/event/event_arguments.h>
#include <services/process/process_signal.h>

// Far deadlines are never.
u64 deadline_after(u64 seconds, u64 ns)
{
	const u64 now = clock_monotonic_ns();
	if (seconds == 0 && ns == 0)
		return 0;
	if (seconds >= (S64_MAX - now) / NS_PER_SECOND - 1)
		return DEADLINE_NEVER;
	return now + seconds * NS_PER_SECOND + ns;
}

err_t deadline_read(user_addr_t timeout, u64 *deadline_ns borrowed)
{
	u64 raw[2];
	*deadline_ns = DEADLINE_NEVER;
	if (user_is_null(timeout))
		return OK;
	const err_t err = user_copy_in_object(&raw, timeout);
	if (err)
		return err;
	if (raw[0] > S64_MAX || raw[1] >= NS_PER_SECOND)
		return -EINVAL;
	*deadline_ns = deadline_after(raw[0], raw[1]);
	return OK;
}

u64 deadline_of_ms(s32 timeout_ms)
{
	if (timeout_ms < 0)
		return DEADLINE_NEVER;
	return deadline_after((u32)timeout_ms / 1000, (u32)timeout_ms % 1000 * NS_PER_MS);
}

u64 deadline_rest(u64 deadline_ns)
{
	const u64 now = clock_monotonic_ns();
	return deadline_ns > now ? deadline_ns - now : 0;
}

err_t deadline_write_rest(user_addr_t timeout, u64 deadline_ns)
{
	if (user_is_null(timeout) || deadline_ns == DEADLINE_NEVER)
		return OK;
	const u64 rest = deadline_rest(deadline_ns);
	const u64 raw[2] = { rest / NS_PER_SECOND, rest % NS_PER_SECOND };
	return user_copy_out_object(timeout, &raw);
}

err_t mask_apply(user_addr_t mask, u64 size)
{
	struct signal_set set = {};
	if (user_is_null(mask))
		return OK;
	if (size != sizeof(u64))
		return -EINVAL;
	const err_t err = user_read_u64(mask, &set.bits);
	if (!err)
		signal_set_blocked_temporarily(set);
	return err;
}
