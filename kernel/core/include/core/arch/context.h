// SPDX-License-Identifier: MPL-2.0
// Switching between tasks: kernel stack, address space, floating-point state.
//
// The architecture's fields in struct task: __kernel_sp, __page_table, __fpu, __bases, __fs_base,
// __gs_base, __fault_resume, __arch. Everything else there is the core's.
#pragma once

#include <core/task.h>

// Prepares task->__kernel_sp so that the first switch to the task calls `entry(task)` with interrupts
// disabled, as if arch_context_switch() had returned `previous` in it: entry's second argument.
// `entry` must not return. `stack_end` is one past the stack's last byte, 16-byte aligned.
void arch_task_prepare(struct task *task, u64 stack_end, void (*entry)(struct task *self, struct task *previous));

// Gives up the floating-point state and the address space of a task that does not run (task_fini).
void arch_task_release(struct task *task);

// Saves the running task in `from`, continues `to`, sets arch_current_task(). Interrupts are disabled.
// Returns in `from` when something switches back to it, maybe on another processor; the value is the
// task that ran there before, off its stack from now on.
struct task *arch_context_switch(struct task *from, struct task *to);

// Makes the running flow of control (boot, or a secondary processor's start) the task `idle`.
void arch_context_adopt(struct task *idle);

// Back trace by frame pointers: fills `addresses`, returns how many. `frame` is a value of %rbp, 0 for
// the caller's own. Reads only mapped kernel memory.
u32 arch_back_trace(u64 frame, u64 *addresses, u32 max);
