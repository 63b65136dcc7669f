// SPDX-License-Identifier: MPL-2.0
// Time that the current task loses because memory is short: it reclaims pages itself, waits for them to be written, or is
// held back at memory.high or memory.max. Whoever accounts pressure registers ops; without any, nothing is counted.
#pragma once
#include <core/once.h>
#include <core/types.h>

struct memory_stall_ops {
	void (*enter)(void);	// the current task stalls from now on; calls may nest
	void (*leave)(void);
};
void memory_stall_set_ops(const struct memory_stall_ops *ops);	// once

// => a task's context, not atomic. Each enter is followed by one leave of the same task.
void memstall_enter(void);
void memstall_leave(void);
