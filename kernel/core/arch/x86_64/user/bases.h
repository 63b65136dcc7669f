// SPDX-License-Identifier: MPL-2.0
// Segment bases of user mode that the program may have written by itself (enter.c). The caller's context is only
// written during user_enter() and user_bases_sync(): between them it may go away, so what a task leaves behind on its
// processor is kept in the task.
#pragma once
#include "core/arch/x86_64/cpu/registers.h"
#include <core/arch/cpu.h>
#include <core/task.h>
#include <core/user.h>

enum user_bases {
	BASES_IN_CONTEXT,	// the caller's; it may change them
	BASES_LIVE,		// the processor's
	BASES_IN_TASK,		// the task's, until the context is seen again
};

// The task leaves its processor, or somebody looks. Interrupts disabled.
static inline void user_bases_leave(struct task *task)
{
	if (task->__bases != BASES_LIVE)
		return;
	u64 fs_base;
	asm volatile("rdfsbase %0" : "=r"(fs_base));
	task->__fs_base = fs_base;
	task->__gs_base = msr_read(MSR_KERNEL_GS_BASE);
	cpu_word(u64, CPU_LOCAL_USER_FS) = task->__fs_base;
	cpu_word(u64, CPU_LOCAL_USER_GS) = task->__gs_base;
	task->__bases = BASES_IN_TASK;
}

// What the task kept goes to the context. Interrupts disabled.
static inline void user_bases_hand_over(struct task *task, struct user_context *context)
{
	if (task->__bases != BASES_IN_TASK)
		return;
	context->fs_base = task->__fs_base;
	context->gs_base = task->__gs_base;
	task->__bases = BASES_IN_CONTEXT;
}
