// SPDX-License-Identifier: MPL-2.0
// From the boot loader's flow of control to tasks: the idle tasks, the first thread, the other CPUs.
#include <core/arch/boot_info.h>
#include <core/arch/clock.h>
#include <core/arch/context.h>
#include <core/arch/core_memory.h>
#include <core/arch/interrupts.h>
#include <core/cpu.h>
#include <core/main.h>
#include <core/print.h>
#include "sched.h"
#include "core/debug/debug_internal.h"

static struct task idle_tasks[ARCH_CPU_MAX];

// Makes the flow of control that runs on this CPU its idle task.
void sched_init_cpu(u32 cpu)
{
	struct run_queue *q = &run_queues[cpu];
	struct task *t = &idle_tasks[cpu];

	spin_init(&q->lock, RANK_RUN_QUEUE);
	q->cpu = cpu;
	q->stamp_ns = arch_clock_ns();
	q->tick_ns = U64_MAX;
	t->object.__references = 1;
	t->__state = TASK_RUNNABLE;
	t->__on_cpu = TASK_ON_CPU;
	t->__cpu = cpu;
	t->__affinity.bits[0] = 1ul << cpu;
	task_set_name(t, STR("idle"));
	q->idle = t;
	q->current = t;
	arch_context_adopt(t);
}

void sched_idle(void)
{
	for (;;) {
		arch_interrupts_disable();
		if (arch_reschedule_needed())
			sched_switch();
		else
			arch_cpu_idle();
		arch_interrupts_enable();
	}
}

static void first_thread(struct task *self)
{
	work_init();
	memory_reclaim_start();
	kernel_main();
}

void core_start_processors(void)
{
	arch_smp_start();
}

void core_start(void)
{
	log_start();
	memory_init();
	sched_init_cpu(0);
	__atomic_fetch_or(&idle_cpus, 1, __ATOMIC_RELAXED);
	arch_devices_init();
	run_queues[0].stamp_ns = arch_clock_ns();
	task_reaper_init();
	if (kernel_thread_start(STR("init"), first_thread) != OK)
		panic("no memory for the first thread");
	arch_interrupts_enable();
	sched_idle();
}

void core_start_secondary(void)
{
	sched_init_cpu(arch_cpu_index());
	__atomic_fetch_or(&idle_cpus, 1ul << arch_cpu_index(), __ATOMIC_RELAXED);
	arch_reschedule_needed_set(1); // look for something to steal
	arch_interrupts_enable();
	sched_idle();
}

// --- the contract's cpu.h ------------------------------------------------------------------------

u32 cpu_count(void)
{
	return arch_cpu_online_count();
}

u32 cpu_current(void)
{
	return arch_cpu_index();
}

struct cpu_set cpu_online_set(void)
{
	u32 n = arch_cpu_count();
	struct cpu_set set = { { 0 } };

	for (u32 i = 0; i < n; i++)
		if (i == 0 || __atomic_load_n(&run_queues[i].idle, __ATOMIC_ACQUIRE))
			set.bits[0] |= 1ul << i;
	return set;
}

bool cpu_is_busy(u32 cpu)
{
	return cpu < ARCH_CPU_MAX && run_queues[cpu].idle &&
		!(__atomic_load_n(&idle_cpus, __ATOMIC_RELAXED) >> cpu & 1);
}

struct cpu_times cpu_read_times(u32 cpu)
{
	if (cpu >= ARCH_CPU_MAX)
		return (struct cpu_times){ 0 };
	return run_queues[cpu].times;
}
