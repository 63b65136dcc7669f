// SPDX-License-Identifier: MPL-2.0
// The cpu controller: quotas and weights.
//
// Weights are services/sched's. A quota: run time is charged by the scheduler's accounting (at ticks and switches) to
// the group and its ancestors that have one. When one has used up its period, the task that notices must leave user
// mode and sleeps until the period ends (services/process); time spent in the kernel is never cut off, only charged,
// and a debt is taken into the next period. The refill is done by whoever comes first after the period's end: no
// timer runs. What a period leaves over may be kept up to the burst.
#include <core/time.h>
#include <services/cgroup/cgroup_hierarchy.h>

enum { REFILL_PERIODS_MAX = 1000 };

static void cgroup_cpu_note_burst(struct cgroup *g, s64 left, u64 quota)
{
	u64 given = atomic_u64_load_relaxed(&g->cpu_given_ns), used = given - (u64)min(left, (s64)given);

	if (used <= quota || !given)
		return;
	atomic_u64_add(&g->cpu_bursts, 1);
	atomic_u64_add(&g->cpu_burst_used_ns, used - quota);
}

static void cgroup_cpu_refill(struct cgroup *g, u64 now)
{
	u64 end = atomic_u64_load(&g->cpu_period_end_ns), period = atomic_u64_load_relaxed(&g->cpu_period_ns);
	u64 quota = atomic_u64_load_relaxed(&g->cpu_quota_ns), burst = atomic_u64_load_relaxed(&g->cpu_burst_ns);

	u64 periods = end ? (now - end) / period + 1 : 1;

	// Whoever comes late does not make the period longer.
	if (now < end || !atomic_u64_compare_exchange(&g->cpu_period_end_ns, end, (end ? end : now) + periods * period))
		return;
	periods = min(periods, (u64)REFILL_PERIODS_MAX);
	s64 left = atomic_s64_add(&g->cpu_left_ns, (s64)(quota * periods));

	atomic_u64_add(&g->cpu_periods, 1);
	if (burst)
		cgroup_cpu_note_burst(g, left, quota);
	left += (s64)(quota * periods);
	if (left > (s64)(quota + burst)) {
		left = (s64)(quota + burst);
		atomic_s64_store(&g->cpu_left_ns, left);
	}
	atomic_u64_store_relaxed(&g->cpu_given_ns, left > 0 ? (u64)left : 0);
}

// g has nothing left: its tasks wait for the period's end. Counted once a period.
static u64 cgroup_cpu_note_out(struct cgroup *g, u64 now)
{
	u64 end = atomic_u64_load(&g->cpu_period_end_ns), noted = atomic_u64_load_relaxed(&g->cpu_noted_end_ns);

	if (noted == end || now >= end || !atomic_u64_compare_exchange(&g->cpu_noted_end_ns, noted, end))
		return end;
	atomic_u64_add(&g->cpu_throttled, 1);
	atomic_u64_add(&g->cpu_throttled_ns, end - now);
	return end;
}

bool cgroup_charge_cpu(struct cgroup *g, u64 ran_ns, enum cgroup_cpu_mode mode)
{
	bool is_out = false;

	atomic_u64_add(mode == CGROUP_CPU_USER ? &g->cpu_user_ns : &g->cpu_system_ns, ran_ns);
	if (!atomic_u32_load_relaxed(&g->cpu_limited))
		return false;
	u64 now = clock_monotonic_ns();

	for (struct cgroup *a = g; a; a = a->parent) {
		if (!atomic_u64_load_relaxed(&a->cpu_quota_ns))
			continue;
		cgroup_cpu_refill(a, now);
		if (atomic_s64_sub(&a->cpu_left_ns, (s64)ran_ns) > (s64)ran_ns)
			continue;
		is_out = true;
		(void)cgroup_cpu_note_out(a, now); // the time is asked for when the task leaves
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
			until = max(until, cgroup_cpu_note_out(a, now));
	}
	return until;
}

struct sched_group *cgroup_sched_group(struct cgroup *g)
{
	return &g->sched;
}

err_t cgroup_cpu_init(struct cgroup *g, struct cgroup *parent)
{
	atomic_u32_store(&g->cpu_weight, CGROUP_CPU_WEIGHT_NORMAL);
	atomic_u64_store(&g->cpu_period_ns, CGROUP_CPU_PERIOD_NORMAL_NS);
	atomic_u32_store(&g->cpu_limited, parent ? atomic_u32_load(&parent->cpu_limited) : 0);
	return sched_group_init(&g->sched, parent ? &parent->sched : NULL);
}

void cgroup_cpu_set_quota(struct cgroup *g, u64 quota_ns, u64 period_ns)
{
	bool was_limited = atomic_u64_load(&g->cpu_quota_ns);

	atomic_u64_store(&g->cpu_period_ns, period_ns);
	atomic_u64_store(&g->cpu_quota_ns, quota_ns);
	atomic_s64_store(&g->cpu_left_ns, 0);
	atomic_u64_store(&g->cpu_given_ns, 0);
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

// cpu.weight 100 is as much as a task with nice value 0; cpu.idle as one of SCHED_IDLE.
static void cgroup_cpu_apply_weight(struct cgroup *g)
{
	u32 weight = atomic_u32_load(&g->cpu_weight) * SCHED_WEIGHT_NORMAL / CGROUP_CPU_WEIGHT_NORMAL;

	sched_group_set_weight(&g->sched, atomic_u32_load(&g->cpu_idle) ? SCHED_WEIGHT_IDLE : weight);
}

void cgroup_cpu_set_weight(struct cgroup *g, u32 weight)
{
	atomic_u32_store(&g->cpu_weight, weight);
	cgroup_cpu_apply_weight(g);
}

void cgroup_cpu_set_idle(struct cgroup *g, u32 is_idle)
{
	if (atomic_u32_exchange(&g->cpu_idle, is_idle) == is_idle)
		return;
	atomic_u32_store(&g->cpu_weight, is_idle ? 0 : CGROUP_CPU_WEIGHT_NORMAL);
	cgroup_cpu_apply_weight(g);
}

// --- time used -------------------------------------------------------------------------------

// What g used is its parent's own from now on: g is being removed or released.
void cgroup_cpu_hand_up(struct cgroup *g)
{
	if (!g->parent)
		return;
	atomic_u64_add(&g->parent->cpu_user_ns, atomic_u64_exchange(&g->cpu_user_ns, 0));
	atomic_u64_add(&g->parent->cpu_system_ns, atomic_u64_exchange(&g->cpu_system_ns, 0));
}

void cgroup_read_cpu_time(struct cgroup *g, u64 *user_ns borrowed, u64 *system_ns borrowed)
{
	*user_ns = 0;
	*system_ns = 0;
	for (struct cgroup *c = cgroup_next_below(g, NULL); c; c = cgroup_next_below(g, c)) {
		*user_ns += atomic_u64_load(&c->cpu_user_ns);
		*system_ns += atomic_u64_load(&c->cpu_system_ns);
	}
}
