// SPDX-License-Identifier: MPL-2.0
// cpu.*
#include <core/time.h>
#include <services/fs/cgroupfs/cgroup_files.h>
#include <services/sched/sched.h>

#define PERIOD_MIN_US 1000ul
#define PERIOD_MAX_US 1000000ul
#define QUOTA_MIN_US 1000ul

void cgroup_cpu_show_stat(struct cgroup *g, struct text *out borrowed)
{
	u64 user_ns = 0, system_ns = 0;
	bool has_controller;
	{
		mutex_guard(&cgroup_tree_lock);
		cgroup_read_cpu_time(g, &user_ns, &system_ns);
		has_controller = !cgroup_is_root(g) && cgroup_controllers(g) & CGROUP_CONTROLLER_CPU;
	}
	text_printf(out, "usage_usec %lu\nuser_usec %lu\nsystem_usec %lu\n", (user_ns + system_ns) / NS_PER_US,
		    user_ns / NS_PER_US, system_ns / NS_PER_US);
	if (has_controller)
		text_printf(out, "nr_periods %lu\nnr_throttled %lu\nthrottled_usec %lu\n"
			"nr_bursts %lu\nburst_usec %lu\n",
			atomic_u64_load(&g->cpu_periods), atomic_u64_load(&g->cpu_throttled),
			atomic_u64_load(&g->cpu_throttled_ns) / NS_PER_US, atomic_u64_load(&g->cpu_bursts),
			atomic_u64_load(&g->cpu_burst_used_ns) / NS_PER_US);
}

void cgroup_cpu_show_max(struct cgroup *g, struct text *out borrowed)
{
	u64 quota = atomic_u64_load(&g->cpu_quota_ns);

	if (quota)
		text_printf(out, "%lu ", quota / NS_PER_US);
	else
		text_put(out, STR("max "));
	text_printf(out, "%lu\n", atomic_u64_load(&g->cpu_period_ns) / NS_PER_US);
}

// "QUOTA [PERIOD]" in microseconds; the quota may be "max".
err_t cgroup_cpu_store_max(struct cgroup *g, bytes_t text)
{
	usize space = bytes_find(text, ' ');
	u64 quota = 0, period = atomic_u64_load(&g->cpu_period_ns) / NS_PER_US;
	err_t e = cgroup_parse_limit(bytes_first(text, space), &quota);

	if (e || (space < bytes_len(text) && !bytes_parse_u64(bytes_from(text, space + 1), 10, &period)))
		return -EINVAL;
	if (period < PERIOD_MIN_US || period > PERIOD_MAX_US || quota < QUOTA_MIN_US ||
	    (quota != CGROUP_MAX && quota > S64_MAX / NS_PER_SECOND))
		return -EINVAL;
	// A burst beyond the quota would be no burst.
	if (quota != CGROUP_MAX && atomic_u64_load(&g->cpu_burst_ns) > quota * NS_PER_US)
		return -EINVAL;
	mutex_guard(&cgroup_tree_lock);
	cgroup_cpu_set_quota(g, quota == CGROUP_MAX ? 0 : quota * NS_PER_US, period * NS_PER_US);
	return OK;
}

void cgroup_cpu_show_weight(struct cgroup *g, struct text *out borrowed)
{
	text_printf(out, "%u\n", atomic_u32_load(&g->cpu_weight));
}

err_t cgroup_cpu_store_weight(struct cgroup *g, bytes_t text)
{
	u64 weight = 0;

	if (!bytes_parse_u64(text, 10, &weight))
		return -EINVAL;
	if (weight < 1 || weight > 10000)
		return -ERANGE;
	mutex_guard(&cgroup_tree_lock);
	if (atomic_u32_load(&g->cpu_idle))
		return -EINVAL;
	cgroup_cpu_set_weight(g, (u32)weight);
	return OK;
}

static u32 cgroup_cpu_weight_of_nice(s32 nice)
{
	return (sched_weight_of_nice(nice) * CGROUP_CPU_WEIGHT_NORMAL + SCHED_WEIGHT_NORMAL / 2) / SCHED_WEIGHT_NORMAL;
}

// The nice value whose weight is nearest.
void cgroup_cpu_show_weight_nice(struct cgroup *g, struct text *out borrowed)
{
	s64 weight = atomic_u32_load(&g->cpu_weight), best = S64_MAX;
	s32 found = 0;

	for (s32 nice = SCHED_NICE_MIN; nice <= SCHED_NICE_MAX; nice++) {
		s64 distance = (s64)cgroup_cpu_weight_of_nice(nice) - weight;

		distance = max(distance, -distance);
		if (distance >= best)
			break;
		best = distance;
		found = nice;
	}
	text_printf(out, "%d\n", found);
}

err_t cgroup_cpu_store_weight_nice(struct cgroup *g, bytes_t text)
{
	bool is_negative = bytes_len(text) && byte_at(text, 0) == '-';
	u64 value = 0;

	if (!bytes_parse_u64(bytes_from(text, is_negative), 10, &value) || value > S32_MAX)
		return -EINVAL;
	s32 nice = is_negative ? -(s32)value : (s32)value;

	if (nice < SCHED_NICE_MIN || nice > SCHED_NICE_MAX)
		return -ERANGE;
	mutex_guard(&cgroup_tree_lock);
	if (atomic_u32_load(&g->cpu_idle))
		return -EINVAL;
	cgroup_cpu_set_weight(g, cgroup_cpu_weight_of_nice(nice));
	return OK;
}

void cgroup_cpu_show_idle(struct cgroup *g, struct text *out borrowed)
{
	text_printf(out, "%u\n", atomic_u32_load(&g->cpu_idle));
}

err_t cgroup_cpu_store_idle(struct cgroup *g, bytes_t text)
{
	u64 value = 0;

	if (!bytes_parse_u64(text, 0, &value) || value > 1)
		return -EINVAL;
	mutex_guard(&cgroup_tree_lock);
	cgroup_cpu_set_idle(g, (u32)value);
	return OK;
}

void cgroup_cpu_show_burst(struct cgroup *g, struct text *out borrowed)
{
	text_printf(out, "%lu\n", atomic_u64_load(&g->cpu_burst_ns) / NS_PER_US);
}

err_t cgroup_cpu_store_burst(struct cgroup *g, bytes_t text)
{
	u64 burst = 0, quota = atomic_u64_load(&g->cpu_quota_ns);

	if (!bytes_parse_u64(text, 0, &burst) || burst > S64_MAX / NS_PER_SECOND)
		return -EINVAL;
	if (quota && burst * NS_PER_US > quota)
		return -EINVAL;
	atomic_u64_store(&g->cpu_burst_ns, burst * NS_PER_US);
	return OK;
}
