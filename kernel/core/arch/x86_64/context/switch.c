// SPDX-License-Identifier: MPL-2.0
// Context switches. Vector state is saved when a task leaves a processor and loaded when user mode is
// entered (fpu/), segment bases are compared there too (user/): a switch between kernel threads, or to
// idle and back, touches neither. A task without an address space runs on whichever is loaded.
#include "core/arch/x86_64/fpu/fpu.h"
#include "core/arch/x86_64/paging/table.h"
#include "core/arch/x86_64/user/bases.h"
#include <core/arch/context.h>
#include <core/arch/cpu.h>

struct task *context_switch_stacks(u64 *save, u64 load, struct task *previous);
extern const u8 context_first[];

enum { SAVED_WORDS = 7 };

void arch_task_prepare(struct task *task, u64 stack_end, void (*entry)(struct task *self, struct task *previous))
{
	// In the order in which context_switch_stacks() pops: r15 r14 r13 r12 rbx rbp, return address.
	u64 *words = (u64 *)(stack_end - 16) - SAVED_WORDS;
	words[0] = 0;
	words[1] = 0;
	words[2] = (u64)task;
	words[3] = (u64)entry;
	words[4] = 0;
	words[5] = 0;
	words[6] = (u64)context_first;
	task->__kernel_sp = (u64)words;
}

void arch_task_release(struct task *task)
{
	fpu_release(task);
	page_table_release(task);
}

void arch_context_adopt(struct task *idle)
{
	arch_current_task_set(idle);
}

struct task *arch_context_switch(struct task *from, struct task *to)
{
	fpu_leave(from);
	user_bases_leave(from);
	if (to->__page_table)
		page_table_load(to->__page_table);
	arch_current_task_set(to);
	return context_switch_stacks(&from->__kernel_sp, to->__kernel_sp, from);
}
