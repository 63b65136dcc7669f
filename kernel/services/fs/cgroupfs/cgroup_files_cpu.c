// SPDX-License-Identifier: MPL-2.0
// cpu.*
#include <core/time.h>
#include <services/fs/cgroupfs/cgroup_files.h>

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
		text_printf(out, "nr_periods %lu\nnr_throttled %lu\nthrottled_usec %lu\n",
			atomic_u64_load(&g->cpu_periods), atomic_u64_load(&g->cpu_throttled),
			atomic_u64_load(&g->cpu_throttled_ns) / NS_PER_US);
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
	cgroup_cpu_set_weight(g, (u32)weight);
	return OK;
}
