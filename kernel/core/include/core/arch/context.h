// SPDX-License-Identifier: MPL-2.0
// Switching between kernel threads, and the state of user mode that travels with one.
#pragma once

#include <core/types.h>

struct user_context;

// Lives in the task; the owner CPU only while the task runs, else the scheduler's.
struct arch_thread {
	u64 stack_pointer;              // saved while the thread does not run
	struct user_context *user;      // whose floating-point and segment state goes along, or NULL
};

// Prepares a stack so that the first switch to the thread calls `entry(argument)` with interrupts
// disabled, as if arch_context_switch() had returned in it. `entry` must not return.
void arch_thread_prepare(struct arch_thread *thread, u64 stack_end, void (*entry)(void *), void *argument);

// Saves the running thread in `from`, continues `to`. Interrupts are disabled. Returns when something
// switches back to `from`, maybe on another processor; the return value is the thread that ran before
// (its stack may be freed from here on).
struct arch_thread *arch_context_switch(struct arch_thread *from, struct arch_thread *to);

// The first switch on a processor: nothing to save.
[[noreturn]] void arch_context_start(struct arch_thread *to);

// Back trace by frame pointers: fills `addresses`, returns how many. `frame` 0: the caller's own frame.
// Reads only mapped kernel stacks.
u32 arch_back_trace(u64 frame, u64 *addresses, u32 max);
