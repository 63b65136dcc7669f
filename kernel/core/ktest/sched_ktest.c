// SPDX-License-Identifier: MPL-2.0
// Preemption, affinity, signals' interruption of sleeps, deferred work, ends of threads.
#include <core/cpu.h>
#include <core/memory.h>
#include <core/time.h>
#include <core/wait.h>
#include <core/work.h>
#include "core/ktest/tests.h"

static struct atomic_u32 count, seen_cpus, stop;

// Spinners that never sleep must share each CPU: the one that stops them is one of the crowd.
static void spin_until_stopped(void)
{
	if (atomic_u32_add(&count, 1) + 1 == 2 * cpu_count() + 1) {
		atomic_u32_store(&stop, 1);
		return;
	}
	while (!atomic_u32_load(&stop))
		;
}

static bool spinners_are_preempted(void)
{
	atomic_u32_store(&count, 0);
	atomic_u32_store(&stop, 0);
	return threads_run(2 * cpu_count() + 1, spin_until_stopped);
}

static void note_cpu_for_a_while(void)
{
	u64 until_ns = clock_monotonic_ns() + 100 * NS_PER_MS;

	while (clock_monotonic_ns() < until_ns)
		atomic_u32_or(&seen_cpus, 1u << cpu_current());
}

static bool every_cpu_works(void)
{
	atomic_u32_store(&seen_cpus, 0);
	return threads_run(2 * cpu_count(), note_cpu_for_a_while) &&
	       atomic_u32_load(&seen_cpus) == (u32)cpu_online_set().bits[0];
}

static void tour(void)
{
	for (u32 i = 0; i < 200; i++) {
		u32 cpu = (atomic_u32_add(&count, 1) * 7) % cpu_count();
		struct cpu_set one = { { 1ul << cpu } };

		if (task_set_affinity(task_current(), &one) != OK || cpu_current() != cpu)
			atomic_u32_store(&stop, 1);
	}
}

static bool affinity_moves_tasks(void)
{
	struct cpu_set none = { { 1ul << 63 } };

	atomic_u32_store(&stop, 0);
	return threads_run(4, tour) && !atomic_u32_load(&stop) &&
	       task_set_affinity(task_current(), &none) == (err_t)-EINVAL;
}

static struct wait_queue bed = WAIT_QUEUE_INIT;
static struct task *sleeper; // owner task only, then the test
static struct atomic_u32 result;

static void sleep_interruptibly(struct task *self)
{
	err_t e = wait_event(&bed, WAIT_INTERRUPTIBLE, DEADLINE_NEVER, false);

	atomic_u32_store(&result, (u32)-e);
	wait_queue_wake_all(&bed, 0);
	task_put(self);
}

static void start_sleeper(struct task *self)
{
	sleeper = task_get(self);
	atomic_u32_store(&count, 1);
	sleep_interruptibly(task_get(self));
}

static bool posted_work_ends_a_sleep(void)
{
	for (u32 i = 0; i < 200; i++) {
		atomic_u32_store(&count, 0);
		atomic_u32_store(&result, 0);
		if (kernel_thread_start(STR("sleeper"), start_sleeper) != OK)
			return false;
		while (!atomic_u32_load(&count))
			task_yield();
		task_post_work(sleeper, TASK_WORK_SIGNAL); // at any point of its falling asleep
		u64 deadline_ns = clock_monotonic_ns() + 10 * NS_PER_SECOND;

		if (wait_event(&bed, WAIT_UNINTERRUPTIBLE, deadline_ns, atomic_u32_load(&result)) != OK)
			return false;
		task_put(sleeper);
		if (atomic_u32_load(&result) != ERESTARTSYS)
			return false;
	}
	return true;
}

struct counting_work {
	struct work base;
};
static void counting_work_release(struct counting_work *w)
{
}
DEFINE_DERIVED(counting_work, work, counting_work_release)

static void count_work(struct work *w)
{
	atomic_u32_add(&count, 1);
	(void)task_sleep_until(clock_monotonic_ns() + NS_PER_MS, WAIT_UNINTERRUPTIBLE);
}

static bool work_runs_and_is_flushed(void)
{
	struct counting_work *w = counting_work_alloc();

	if (!w)
		return false;
	w->base.run = count_work;
	atomic_u32_store(&count, 0);
	for (u32 i = 0; i < 20; i++) {
		u32 before = atomic_u32_load(&count);

		work_schedule(&w->base);
		work_flush(&w->base);
		if (atomic_u32_load(&count) == before)
			return false;
	}
	work_put(&w->base);
	return true;
}

static void nothing(void)
{
}

static bool ended_threads_leave_nothing(void)
{
	threads_run(50, nothing);
	u64 before = memory_read_totals().free_pages;

	for (u32 i = 0; i < 40; i++)
		if (!threads_run(50, nothing))
			return false;
	(void)task_sleep_until(clock_monotonic_ns() + 50 * NS_PER_MS, WAIT_UNINTERRUPTIBLE);
	return memory_read_totals().free_pages + 600 >= before;
}

const struct ktest sched_ktests[] = {
	{ "spinners_are_preempted", spinners_are_preempted },
	{ "every_cpu_works", every_cpu_works },
	{ "affinity_moves_tasks", affinity_moves_tasks },
	{ "posted_work_ends_a_sleep", posted_work_ends_a_sleep },
	{ "work_runs_and_is_flushed", work_runs_and_is_flushed },
	{ "ended_threads_leave_nothing", ended_threads_leave_nothing },
};
const u32 sched_ktest_count = array_len(sched_ktests);
