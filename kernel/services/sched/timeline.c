// SPDX-License-Identifier: MPL-2.0
// Virtual time, one line for all CPUs.
//
// Theory: a fair task's virtual time grows with the time it runs, the slower the heavier it is, and who has least runs
// next. If that holds over all CPUs together, everybody gets a part by weight whatever the number of tasks and CPUs.
// Each CPU has its own order, and takes a task from another one's when that task is two slices behind its own best.
// A task that alone could use more than one CPU cannot be helped: its CPU falls behind and the others would run away
// from it, so that later comparisons would mean nothing. A CPU that is more than LEAD_SLICES ahead is set back by an
// offset, as a whole, which leaves the order of its own tasks alone. A task that is on no CPU carries common time.
#include <core/cpu.h>
#include <services/sched/policy.h>

enum { PULL_SLICES = 2, LEAD_SLICES = 32 };
#define VIRTUAL_START_NS (1ul << 40)	// so that nothing wraps below zero

struct sched_order sched_orders[CPU_COUNT_MAX];
static struct atomic_u64 timeline_ns = ATOMIC_INIT(VIRTUAL_START_NS);

u64 sched_virtual_ns(const struct task *t borrowed, u64 ns)
{
	u64 weight = t->sched.effective_weight, normal = (u64)SCHED_WEIGHT_NORMAL << SCHED_FACTOR_SHIFT;

	return weight == normal || !weight ? ns : (ns << 20) / max(weight >> (SCHED_FACTOR_SHIFT - 10), 1ul);
}

u64 sched_timeline_ns(void)
{
	return atomic_u64_load_relaxed(&timeline_ns);
}

static void sched_timeline_advance(void)
{
	u64 least = U64_MAX, now = atomic_u64_load_relaxed(&timeline_ns);
	const u32 count = cpu_count();

	for (u32 cpu = 0; cpu < count; cpu++)
		least = min(least, atomic_u64_load_relaxed(&array_ptr(sched_orders, cpu)->least_ns) - 1);
	// 0 - 1: nothing there. When another CPU was faster its value is as good.
	if (least != U64_MAX && least > now)
		(void)atomic_u64_compare_exchange(&timeline_ns, now, least);
}

u64 sched_order_least_ns(const struct sched_order *o borrowed)
{
	u64 least = atomic_u64_load_relaxed(&o->least_ns) - 1, now = sched_timeline_ns();

	return least == U64_MAX ? now : max(least, now);
}

void sched_order_publish(struct sched_order *o borrowed, const struct task *running borrowed)
{
	const struct task *first = fair_tree_first(&o->fair);
	u64 least = U64_MAX, pull = U64_MAX;

	if (first) {
		least = first->sched.virtual_runtime_ns - o->offset_ns;
		pull = least + sched_virtual_ns(first, PULL_SLICES * SCHED_SLICE_NS);
	}
	if (running && !sched_is_realtime(running))
		least = min(least, running->sched.virtual_runtime_ns - o->offset_ns);
	atomic_u64_store_relaxed(&o->pull_ns, pull);
	// One more than the time, so that 0, the value at start, is "nothing" too.
	if (atomic_u64_load_relaxed(&o->least_ns) == least + 1)
		return;
	atomic_u64_store_relaxed(&o->least_ns, least + 1);
	sched_timeline_advance();
}

void sched_order_hold_back(struct sched_order *o borrowed, const struct task *running borrowed)
{
	u64 least = atomic_u64_load_relaxed(&o->least_ns) - 1;
	u64 limit = sched_timeline_ns() + sched_virtual_ns(running, LEAD_SLICES * SCHED_SLICE_NS);

	if (least != U64_MAX && least > limit)
		o->offset_ns += least - limit;
}

bool sched_order_should_pull(u32 cpu, u64 virtual_ns)
{
	u64 mine = virtual_ns - array_ptr(sched_orders, cpu)->offset_ns;
	const u32 count = cpu_count();

	for (u32 other = 0; other < count; other++) {
		u64 pull = atomic_u64_load_relaxed(&array_ptr(sched_orders, other)->pull_ns);

		if (other != cpu && pull && pull < mine)
			return true;
	}
	return false;
}
