// SPDX-License-Identifier: MPL-2.0
// Arguments that the calls that wait for files share: timeouts and temporary signal masks.
#pragma once
#include <core/user.h>

// A relative struct timespec; NULL: DEADLINE_NEVER. A zero timeout gives 0. -EFAULT, -EINVAL
err_t deadline_read(user_addr_t timeout, u64 *deadline_ns borrowed);
u64 deadline_after(u64 seconds, u64 ns);	// 0 for no time at all; too far: never
u64 deadline_rest(u64 deadline_ns);
u64 deadline_of_ms(s32 timeout_ms);	// negative: never, 0: 0
// What is left of the time, written back where the timeout came from (unless NULL).
err_t deadline_write_rest(user_addr_t timeout, u64 deadline_ns);
// NULL: nothing changes. -EINVAL for another size than 8.
err_t mask_apply(user_addr_t mask, u64 size);
