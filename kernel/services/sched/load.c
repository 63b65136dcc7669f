// SPDX-License-Identifier: MPL-2.0
// Exponentially damped averages: every five seconds the new value is old * f + sample * (1 - f), with f =
// exp(-5 s / period). source: getloadavg(3), proc(5)
#include <core/atomic.h>
#include <core/cpu.h>
#include <core/time.h>
#include <services/sched/load.h>
#include <services/sched/policy.h>

#define SAMPLE_NS (5 * NS_PER_SECOND)
#define FRACTION_SHIFT 11

// exp(-5/60), exp(-5/300), exp(-5/900) as parts of 2048
static const u32 fractions[3] = { 1884, 2014, 2037 };
static struct atomic_u64 averages[3];	// by LOAD_ONE

struct load_timer {
	struct timer base;
	u64 next_ns;	// this timer's callback only
};

static void load_timer_release(struct load_timer *t)
{
}
DEFINE_DERIVED(load_timer, timer, load_timer_release)

u32 load_runnable(void)
{
	u32 n = 0;

	for (u32 cpu = 0; cpu < cpu_count(); cpu++)
		n += sched_queued(cpu) + (cpu_is_busy(cpu) ? 1 : 0);
	return n;
}

static void sample(struct timer *t)
{
	struct load_timer *own = load_timer_from_timer(t);
	u64 runnable = (u64)load_runnable() * LOAD_ONE;

	for (u32 i = 0; i < 3; i++) {
		struct atomic_u64 *a = array_ptr(averages, i);
		u64 f = *array_ptr(fractions, i), one = 1ul << FRACTION_SHIFT;

		atomic_u64_store_relaxed(a, (atomic_u64_load_relaxed(a) * f + runnable * (one - f)) >> FRACTION_SHIFT);
	}
	own->next_ns += SAMPLE_NS;
	timer_set(t, own->next_ns);
}

err_t load_init(void)
{
	struct load_timer *t object_auto(load_timer) = load_timer_alloc();

	if (!t)
		return -ENOMEM;
	t->base.fire = sample;
	t->next_ns = clock_monotonic_ns() + SAMPLE_NS;
	timer_set(&t->base, t->next_ns); // while it is armed, which is always, it holds itself
	return OK;
}

struct load_average load_read(void)
{
	struct load_average l = {};

	for (u32 i = 0; i < 3; i++)
		*array_ptr(l.value, i) = atomic_u64_load_relaxed(array_ptr(averages, i));
	return l;
}
