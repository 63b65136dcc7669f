// SPDX-License-Identifier: MPL-2.0
// cpuset.*
#include <core/cpu.h>
#include <services/fs/cgroupfs/cgroup_files.h>

// "0-2,5"
static void cgroup_put_cpus(struct text *out borrowed, u64 cpus)
{
	u32 is_first = 1;

	for (u32 cpu = 0; cpu < CPU_COUNT_MAX; cpu++) {
		u32 end = cpu;

		if (!(cpus >> cpu & 1))
			continue;
		while (end + 1 < CPU_COUNT_MAX && cpus >> (end + 1) & 1)
			end++;
		if (!is_first)
			text_char(out, ',');
		is_first = 0;
		if (end > cpu)
			text_printf(out, "%u-%u", cpu, end);
		else
			text_printf(out, "%u", cpu);
		cpu = end;
	}
	text_char(out, '\n');
}

// One of the ranges, of CPUs that the machine has.
static err_t cgroup_parse_range(bytes_t text, u64 limit, u64 *cpus borrowed)
{
	usize dash = bytes_find(text, '-');
	u64 first = 0, last = 0;

	if (!bytes_parse_u64(bytes_first(text, dash), 10, &first))
		return -EINVAL;
	last = first;
	if (dash < bytes_len(text) && !bytes_parse_u64(bytes_from(text, dash + 1), 10, &last))
		return -EINVAL;
	if (last < first)
		return -EINVAL;
	if (last >= limit)
		return -ERANGE;
	for (u64 cpu = first; cpu <= last; cpu++)
		*cpus |= 1ul << cpu;
	return OK;
}

static err_t cgroup_parse_set(bytes_t text, u64 limit, u64 *cpus borrowed)
{
	*cpus = 0;
	while (bytes_len(text)) {
		usize length = bytes_find(text, ',');
		err_t e = cgroup_parse_range(bytes_first(text, length), limit, cpus);

		if (e)
			return e;
		text = bytes_from(text, min(length + 1, bytes_len(text)));
	}
	return OK;
}

void cgroup_cpuset_show_cpus(struct cgroup *g, struct text *out borrowed)
{
	cgroup_put_cpus(out, atomic_u64_load(&g->cpus));
}

err_t cgroup_cpuset_store_cpus(struct cgroup *g, bytes_t text)
{
	u64 cpus = 0;
	err_t e = cgroup_parse_set(text, cpu_count(), &cpus);

	if (e)
		return e;
	mutex_guard(&cgroup_tree_lock);
	if (!cpus && atomic_u64_load(&g->cpus) && cgroup_is_populated(g))
		return -ENOSPC; // what has members does not lose its set
	cgroup_cpuset_set(g, cpus);
	return OK;
}

void cgroup_cpuset_show_cpus_effective(struct cgroup *g, struct text *out borrowed)
{
	cgroup_put_cpus(out, cgroup_cpus_effective(g).bits[0]);
}

// There is one node: it can be asked for or not, and it is what there is.
void cgroup_cpuset_show_mems(struct cgroup *g, struct text *out borrowed)
{
	cgroup_put_cpus(out, atomic_u32_load(&g->mems));
}

err_t cgroup_cpuset_store_mems(struct cgroup *g, bytes_t text)
{
	u64 mems = 0;
	err_t e = cgroup_parse_set(text, 1, &mems);

	if (!e)
		atomic_u32_store(&g->mems, (u32)mems);
	return e;
}

void cgroup_cpuset_show_mems_effective(struct cgroup *g, struct text *out borrowed)
{
	text_put(out, STR("0\n"));
}
