// SPDX-License-Identifier: MPL-2.0
// Tasks as coroutines. The address sanitizer is told of each switch of stacks.
#define _GNU_SOURCE
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#include <stdlib.h>
#include <ucontext.h>
#undef NULL
#include <core/arch/context.h>
#include <core/arch/core_memory.h>
#include <core/arch/cpu.h>
#include "core/arch/hosted/hosted_internal.h"

struct fiber {
	ucontext_t context;
	void *fake_stack;
	const void *stack_bottom;
	size_t stack_size;
	void (*entry)(struct task *self, struct task *previous);
};

static struct task *came_from; // across the switch at hand

static struct fiber *fiber_of(struct task *t)
{
	return (struct fiber *)t->__arch[0];
}

static void fiber_main(void)
{
	struct task *self = hosted_cpu.current;
	struct fiber *f = fiber_of(self);

	__sanitizer_finish_switch_fiber(NULL, NULL, NULL);
	f->entry(self, came_from);
	hosted_abort("a task's first frame returned");
}

void arch_task_prepare(struct task *task, u64 stack_end, void (*entry)(struct task *self, struct task *previous))
{
	struct fiber *f = calloc(1, sizeof(*f));

	getcontext(&f->context);
	f->stack_bottom = task->__stack ? task->__stack : (void *)(stack_end - HOSTED_STACK_SIZE);
	f->stack_size = stack_end - (u64)f->stack_bottom;
	f->context.uc_stack.ss_sp = (void *)f->stack_bottom;
	f->context.uc_stack.ss_size = f->stack_size;
	f->entry = entry;
	makecontext(&f->context, fiber_main, 0);
	task->__arch[0] = (u64)f;
}

void arch_task_release(struct task *task)
{
	free(fiber_of(task));
	task->__arch[0] = 0;
}

static void find_main_stack(struct fiber *f)
{
	pthread_attr_t attributes;
	void *bottom;

	pthread_getattr_np(pthread_self(), &attributes);
	pthread_attr_getstack(&attributes, &bottom, &f->stack_size);
	f->stack_bottom = bottom;
	pthread_attr_destroy(&attributes);
}

void arch_context_adopt(struct task *idle)
{
	static struct fiber main_fiber;
	struct fiber *f = &main_fiber;

	find_main_stack(f);
	idle->__arch[0] = (u64)f;
	hosted_cpu.current = idle;
}

struct task *arch_context_switch(struct task *from, struct task *to)
{
	struct fiber *f = fiber_of(from), *t = fiber_of(to);

	came_from = from;
	hosted_cpu.current = to;
	__sanitizer_start_switch_fiber(&f->fake_stack, t->stack_bottom, t->stack_size);
	swapcontext(&f->context, &t->context);
	__sanitizer_finish_switch_fiber(f->fake_stack, NULL, NULL);
	return came_from;
}

u32 arch_back_trace(u64 frame, u64 *addresses, u32 max)
{
	__sanitizer_print_stack_trace();
	return 0;
}
