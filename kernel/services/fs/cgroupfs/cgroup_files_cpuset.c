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
	if (atomic_u32_load(&g->is_removed))
		return -ENODEV;
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

	if (e)
		return e;
	mutex_guard(&cgroup_tree_lock);
	if (!mems && atomic_u32_load(&g->mems) && cgroup_is_populated(g))
		return -ENOSPC;
	atomic_u32_store(&g->mems, (u32)mems);
	return OK;
}

void cgroup_cpuset_show_mems_effective(struct cgroup *g, struct text *out borrowed)
{
	text_put(out, STR("0\n"));
}

// --- partitions ----------------------------------------------------------------------------

static bytes_t cgroup_partition_reason(enum cgroup_partition_error e)
{
	switch (e) {
	case CGROUP_PARTITION_VALID:
		return bytes_empty();
	case CGROUP_PARTITION_EMPTY:
		return STR("cpuset.cpus is empty");
	case CGROUP_PARTITION_NOT_EXCLUSIVE:
		return STR("Cpu list in cpuset.cpus not exclusive");
	case CGROUP_PARTITION_NO_PARENT:
		return STR("Parent is not a partition root");
	case CGROUP_PARTITION_PARENT_INVALID:
		return STR("Parent is an invalid partition root");
	case CGROUP_PARTITION_FOREIGN:
		return STR("Invalid cpu list in cpuset.cpus");
	case CGROUP_PARTITION_NO_CPUS:
		return STR("Parent unable to distribute cpu downstream");
	}
}

static bytes_t cgroup_partition_word(enum cgroup_partition p)
{
	switch (p) {
	case CGROUP_PARTITION_MEMBER:
		return STR("member");
	case CGROUP_PARTITION_ROOT:
		return STR("root");
	case CGROUP_PARTITION_ISOLATED:
		return STR("isolated");
	}
}

void cgroup_cpuset_show_partition(struct cgroup *g, struct text *out borrowed)
{
	mutex_guard(&cgroup_tree_lock);
	text_put(out, cgroup_partition_word(g->partition));
	if (g->partition_error) {
		text_put(out, STR(" invalid ("));
		text_put(out, cgroup_partition_reason(g->partition_error));
		text_char(out, ')');
	}
	text_char(out, '\n');
}

err_t cgroup_cpuset_store_partition(struct cgroup *g, bytes_t text)
{
	static const enum cgroup_partition all[] = {
		CGROUP_PARTITION_MEMBER, CGROUP_PARTITION_ROOT, CGROUP_PARTITION_ISOLATED
	};

	mutex_guard(&cgroup_tree_lock);
	if (atomic_u32_load(&g->is_removed))
		return -ENODEV;
	for (u32 i = 0; i < array_len(all); i++) {
		if (!bytes_equal(text, cgroup_partition_word(all[i])))
			continue;
		cgroup_partition_set(g, all[i]);
		return OK;
	}
	return -EINVAL;
}
