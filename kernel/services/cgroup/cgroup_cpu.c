// SPDX-License-Identifier: MPL-2.0
// The cpu controller: quotas and weights.
//
// Run time is charged by the scheduler's accounting (at ticks and switches) to the group and its ancestors that
// have a quota. When one has used up its period, the task that notices must leave user mode and sleeps until the
// period ends (services/process); time spent in the kernel is never cut off, only charged, and a debt is taken
// into the next period. The refill is done by whoever comes first after the period's end: no timer runs.
// A group's weight multiplies that of each of its tasks.
#include <core/time.h>
#include <services/cgroup/cgroup_hierarchy.h>

static void cgroup_cpu_refill(struct cgroup *g, u64 now)
{
	u64 end = atomic_u64_load(&g->cpu_period_end_ns), period = atomic_u64_load_relaxed(&g->cpu_period_ns);
	u64 quota = atomic_u64_load_relaxed(&g->cpu_quota_ns);

	if (now < end || !atomic_u64_compare_exchange(&g->cpu_period_end_ns, end, now + period))
		return;
	u64 periods = end ? (now - end) / period + 1 : 1;

	atomic_u64_add(&g->cpu_periods, 1);
	periods = min(periods, 1000ul);
	if (atomic_s64_add(&g->cpu_left_ns, (s64)(quota * periods)) + (s64)(quota * periods) > (s64)quota)
		atomic_s64_store(&g->cpu_left_ns, (s64)quota);
}

bool cgroup_charge_cpu(struct cgroup *g, u64 ran_ns)
{
	bool is_out = false;

	if (!atomic_u32_load_relaxed(&g->cpu_limited))
		return false;
	u64 now = clock_monotonic_ns();

	for (struct cgroup *a = g; a; a = a->parent) {
		if (!atomic_u64_load_relaxed(&a->cpu_quota_ns))
			continue;
		cgroup_cpu_refill(a, now);
		is_out |= atomic_s64_sub(&a->cpu_left_ns, (s64)ran_ns) - (s64)ran_ns <= 0;
	}
	return is_out;
}

u64 cgroup_cpu_ready_at(struct cgroup *g)
{
	u64 now = clock_monotonic_ns(), until = 0;

	if (!atomic_u32_load_relaxed(&g->cpu_limited))
		return 0;
	for (struct cgroup *a = g; a; a = a->parent) {
		if (!atomic_u64_load(&a->cpu_quota_ns))
			continue;
		cgroup_cpu_refill(a, now);
		if (atomic_s64_load(&a->cpu_left_ns) <= 0)
			until = max(until, atomic_u64_load(&a->cpu_period_end_ns));
	}
	return until;
}

void cgroup_note_throttled(struct cgroup *g, u64 slept_ns)
{
	for (struct cgroup *a = g; a; a = a->parent) {
		if (!atomic_u64_load(&a->cpu_quota_ns))
			continue;
		atomic_u64_add(&a->cpu_throttled, 1);
		atomic_u64_add(&a->cpu_throttled_ns, slept_ns);
	}
}

u32 cgroup_cpu_share(const struct cgroup *g borrowed)
{
	u64 share = 1024;

	for (const struct cgroup *a = g; a; a = a->parent)
		share = share * atomic_u32_load_relaxed(&a->cpu_weight) / CGROUP_CPU_WEIGHT_NORMAL;
	share = max(share, 1ul);
	return (u32)min(share, 1024ul * 1024);
}

void cgroup_cpu_set_quota(struct cgroup *g, u64 quota_ns, u64 period_ns)
{
	bool was_limited = atomic_u64_load(&g->cpu_quota_ns);

	atomic_u64_store(&g->cpu_period_ns, period_ns);
	atomic_u64_store(&g->cpu_quota_ns, quota_ns);
	atomic_s64_store(&g->cpu_left_ns, 0);
	atomic_u64_store(&g->cpu_period_end_ns, 0); // the next charge begins a period
	if (was_limited == (quota_ns != 0))
		return;
	for (struct cgroup *c = cgroup_next_below(g, NULL); c; c = cgroup_next_below(g, c)) {
		if (quota_ns)
			atomic_u32_add(&c->cpu_limited, 1);
		else
			atomic_u32_sub(&c->cpu_limited, 1);
	}
}

void cgroup_cpu_set_weight(struct cgroup *g, u32 weight)
{
	const struct cgroup_member_ops *ops = cgroup_member_ops();

	if (atomic_u32_exchange(&g->cpu_weight, weight) == weight)
		return;
	for (struct cgroup *c = cgroup_next_below(g, NULL); c && ops; c = cgroup_next_below(g, c))
		ops->weight_changed(c);
}
