// SPDX-License-Identifier: MPL-2.0
// What happens when memory runs short: reclaim, then the out-of-memory policy, then failure. The
// services decide what to give back and whom to kill; this file only asks, in order, and gives up.
#include <core/cpu.h>
#include <core/memory.h>
#include <core/task.h>
#include <core/time.h>
#include <core/wait.h>
#include "core/memory/page/page_allocator.h"

enum {
	RECLAIM_BATCH = 64,
	ATTEMPTS_MAX = 64,
	KILL_WAIT_MS = 5,
};

static const struct memory_pressure_ops *pressure_ops; // immutable once registered

void memory_pressure_register(const struct memory_pressure_ops *ops)
{
	__atomic_store_n(&pressure_ops, ops, __ATOMIC_RELEASE);
}

bool memory_pressure_relieve(u32 order, u32 flags, u32 attempt)
{
	const struct memory_pressure_ops *ops = __atomic_load_n(&pressure_ops, __ATOMIC_ACQUIRE);
	struct task *t = task_current();

	if (!ops || flags & (PAGE_ALLOC_ATOMIC | PAGE_ALLOC_RECLAIM_OFF) || attempt >= ATTEMPTS_MAX)
		return false;
	if (ops->reclaim && ops->reclaim(RECLAIM_BATCH + (1ul << order), flags))
		return true;
	if (memory_give_back())
		return true;
	// A dying task gives memory back fastest by failing; and long runs are nobody's right.
	if (order || (t && task_pending_work(t) & TASK_WORK_KILL))
		return false;
	if (!ops->out_of_memory || !ops->out_of_memory())
		return false;
	if (t && task_pending_work(t) & TASK_WORK_KILL)
		return false;
	err_t e = task_sleep_until(clock_monotonic_ns() + KILL_WAIT_MS * NS_PER_MS, WAIT_KILLABLE);

	return e != -ERESTARTSYS;
}
