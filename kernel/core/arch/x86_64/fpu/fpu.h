// SPDX-License-Identifier: MPL-2.0
// Private to the architecture: the vector state of user tasks.
#pragma once

#include <core/arch/cpu.h>
#include <core/task.h>

// Registers hold the newest value while `dirty` is set and the task runs; else `area` does. Written by
// the owner task only (or its creator before it starts), interrupts disabled.
struct fpu_state {
	u32 cpu;                        // whose registers were last loaded from here, ~0: none
	u32 dirty;
	u32 owner;                      // the account that pays for it
	u8 area[] __ATTR(aligned(64));
};

// After cpu_features_enable(), before the first task.
void fpu_setup(void);
// Makes `task` have a state; -ENOMEM. => may sleep
err_t fpu_prepare(struct task *task);
void fpu_release(struct task *task);
// The task stops running here. Interrupts disabled.
void fpu_leave(struct task *task);
// Loads the registers from a state that they do not hold. Interrupts disabled.
void fpu_load(struct fpu_state *state);
