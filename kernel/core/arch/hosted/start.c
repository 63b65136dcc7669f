// SPDX-License-Identifier: MPL-2.0
// The hosted core: the kernel's own allocator, locks, scheduler and timers on a machine made of a Linux
// process.
//
// Theory: there is one processor. Its tasks are coroutines (ucontext); the test's main program is the
// first task. Nothing interrupts a task between two calls into the core, so runs repeat exactly. Time
// stands still but for a little at each look at the clock; when every task sleeps it jumps to the next
// timer, and when there is none the test would hang for ever and is ended. Physical memory is a mapping
// of its own; objects come from malloc, so that the address sanitizer sees a use after free.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#undef NULL
#include <core/arch/boot_info.h>
#include <core/arch/clock.h>
#include <core/arch/context.h>
#include <core/arch/core_memory.h>
#include <core/arch/cpu.h>
#include <core/arch/interrupts.h>
#include "core/arch/hosted/hosted_internal.h"
#include "core/sched/sched.h"

enum { EXIT_TRAPPED = 77 };

struct hosted_cpu hosted_cpu = { .interrupts_enabled = 1 };
static struct task main_task;

void hosted_abort(const char *why)
{
	fprintf(stderr, "hosted core: %s\n", why);
	_exit(EXIT_TRAPPED);
}

static void idle_first_frame(struct task *self, struct task *previous)
{
	sched_finish_switch(previous);
	sched_idle();
}

// Before main(). The main program becomes a task that may sleep; the idle task gets a stack of its own.
__attribute__((constructor)) static void hosted_start(void)
{
	struct run_queue *q = &run_queues[0];

	hosted_memory_start();
	memory_init();
	sched_init_cpu(0);
	arch_task_prepare(q->idle, (u64)kernel_stack_end(kernel_stack_alloc()), idle_first_frame);
	q->idle->__on_cpu = TASK_NOWHERE;
	main_task.object.__references = 1;
	main_task.__affinity.bits[0] = 1;
	main_task.__on_cpu = TASK_ON_CPU;
	main_task.sched.weight = 1024;
	task_set_name(&main_task, STR("test"));
	q->current = &main_task;
	arch_context_adopt(&main_task);
	hosted_cpu.interrupts_enabled = 1;
	task_reaper_init();
	work_init();
}

// --- the processor ------------------------------------------------------------------------------

u32 arch_cpu_count(void)
{
	return 1;
}

u32 arch_cpu_online_count(void)
{
	return 1;
}

u64 arch_hardware_random(void)
{
	return 0;
}

void arch_reschedule_cpu(u32 cpu)
{
	hosted_cpu.reschedule_needed = 1;
}

void arch_stop_other_cpus(void)
{
}

bool arch_interrupted_user(void)
{
	return false;
}

// --- time -----------------------------------------------------------------------------------------

enum { NS_PER_LOOK = 100 };

static u64 clock_ns = 1000000000, timer_ns = ~0ul;

u64 arch_clock_ns(void)
{
	return clock_ns += NS_PER_LOOK;
}

void arch_timer_set(u64 deadline_ns)
{
	timer_ns = deadline_ns;
}

void arch_clock_user(struct arch_clock_user *c)
{
	*c = (struct arch_clock_user){ 0 };
}

u64 arch_wall_clock_seconds(void)
{
	return 1700000000;
}

void arch_delay_ns(u64 ns)
{
	clock_ns += ns;
}

static void timer_interrupt(void)
{
	timer_ns = ~0ul;
	hosted_cpu.interrupts_enabled = 0;
	hosted_cpu.interrupt_depth++;
	core_timer_interrupt();
	hosted_cpu.interrupt_depth--;
	hosted_cpu.interrupts_enabled = 1;
}

void hosted_idle(void)
{
	if (timer_ns == ~0ul)
		hosted_abort("every task sleeps, and nothing will wake one");
	if (clock_ns < timer_ns)
		clock_ns = timer_ns;
	timer_interrupt();
}

void hosted_clock_advance(u64 ns)
{
	u64 until_ns = clock_ns + ns;

	while (timer_ns <= until_ns) {
		if (clock_ns < timer_ns)
			clock_ns = timer_ns;
		timer_interrupt();
	}
	if (clock_ns < until_ns)
		clock_ns = until_ns;
}
