// SPDX-License-Identifier: MPL-2.0
// Segment bases of user mode that the program may have written by itself (enter.c).
#pragma once
#include "core/arch/x86_64/cpu/registers.h"
#include <core/arch/cpu.h>
#include <core/task.h>
#include <core/user.h>

// The task leaves its processor, or somebody looks: the context counts from here on. Interrupts disabled.
static inline void user_bases_leave(struct task *task)
{
	if (!task->__bases_live)
		return;
	struct user_context *context = task->__user;
	u64 fs_base;
	asm volatile("rdfsbase %0" : "=r"(fs_base));
	context->fs_base = fs_base;
	context->gs_base = msr_read(MSR_KERNEL_GS_BASE);
	cpu_word(u64, CPU_LOCAL_USER_FS) = context->fs_base;
	cpu_word(u64, CPU_LOCAL_USER_GS) = context->gs_base;
	task->__bases_live = 0;
}
