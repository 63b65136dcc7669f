// SPDX-License-Identifier: MPL-2.0
// See memory_stall.h. The ops come at start-up, before anybody can stall.
#include <services/cgroup/memory_stall.h>

DEFINE_ONCE(memory_stall_ops_cell, const struct memory_stall_ops);
static struct memory_stall_ops_cell memory_stall_cell;

void memory_stall_set_ops(const struct memory_stall_ops *ops)
{
	memory_stall_ops_cell_set(&memory_stall_cell, ops);
}

void memstall_enter(void)
{
	const struct memory_stall_ops *ops = memory_stall_ops_cell_get(&memory_stall_cell);

	if (ops)
		ops->enter();
}

void memstall_leave(void)
{
	const struct memory_stall_ops *ops = memory_stall_ops_cell_get(&memory_stall_cell);

	if (ops)
		ops->leave();
}
