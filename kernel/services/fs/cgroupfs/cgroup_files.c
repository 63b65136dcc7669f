// SPDX-License-Identifier: MPL-2.0
// The table of files, and reading and writing them.
#include <services/fs/cgroupfs/cgroup_files.h>
#include <services/process/thread.h>
#include <services/sched/pressure.h>

enum {
	MEMORY = CGROUP_CONTROLLER_MEMORY,
	PIDS = CGROUP_CONTROLLER_PIDS,
	CPU = CGROUP_CONTROLLER_CPU,
	IO = CGROUP_CONTROLLER_IO,
	CPUSET = CGROUP_CONTROLLER_CPUSET,
	HUGETLB = CGROUP_CONTROLLER_HUGETLB,
	INNER = CGROUP_FILE_NOT_ON_ROOT,
	EVENTS = CGROUP_FILE_EVENTS,
	DELEGATED = CGROUP_FILE_DELEGATED,
	PRESSURE = CGROUP_FILE_PRESSURE
};

// Row i describes the file of entry i.
static const struct cgroup_file cgroup_files[] = {
	{ cgroup_core_show_type, cgroup_core_store_type, 0, INNER, 0 },
	{ cgroup_core_show_procs, NULL, 0, DELEGATED | CGROUP_FILE_PROCESSES, 0 },
	{ cgroup_core_show_threads, NULL, 0, DELEGATED | CGROUP_FILE_THREADS, 0 },
	{ cgroup_core_show_controllers, NULL, 0, 0, 0 },
	{ cgroup_core_show_subtree, cgroup_core_store_subtree, 0, DELEGATED, 0 },
	{ cgroup_core_show_events, NULL, 0, INNER | EVENTS, CGROUP_EVENT_FILE_CORE },
	{ cgroup_core_show_freeze, cgroup_core_store_freeze, 0, INNER, 0 },
	{ NULL, cgroup_core_store_kill, 0, INNER, 0 },
	{ cgroup_core_show_max_depth, cgroup_core_store_max_depth, 0, 0, 0 },
	{ cgroup_core_show_max_descendants, cgroup_core_store_max_descendants, 0, 0, 0 },
	{ cgroup_core_show_stat, NULL, 0, 0, 0 },
	{ cgroup_cpu_show_stat, NULL, 0, 0, 0 },
	{ cgroup_pids_show_current, NULL, PIDS, INNER, 0 },
	{ cgroup_pids_show_peak, NULL, PIDS, INNER, 0 },
	{ cgroup_pids_show_max, cgroup_pids_store_max, PIDS, INNER, 0 },
	{ cgroup_pids_show_events, NULL, PIDS, INNER | EVENTS, CGROUP_EVENT_FILE_PIDS },
	{ cgroup_memory_show_current, NULL, MEMORY, INNER, 0 },
	{ cgroup_memory_show_peak, NULL, MEMORY, INNER, 0 },
	{ cgroup_memory_show_max, cgroup_memory_store_max, MEMORY, INNER, 0 },
	{ cgroup_memory_show_high, cgroup_memory_store_high, MEMORY, INNER, 0 },
	{ cgroup_memory_show_events, NULL, MEMORY, INNER | EVENTS, CGROUP_EVENT_FILE_MEMORY },
	{ cgroup_memory_show_events_local, NULL, MEMORY, INNER | EVENTS, CGROUP_EVENT_FILE_MEMORY_LOCAL },
	{ cgroup_memory_show_stat, NULL, MEMORY, 0, 0 },
	{ cgroup_memory_show_oom_group, cgroup_memory_store_oom_group, MEMORY, INNER | DELEGATED, 0 },
	{ NULL, cgroup_memory_store_reclaim, MEMORY, DELEGATED, 0 },
	{ cgroup_cpu_show_max, cgroup_cpu_store_max, CPU, INNER, 0 },
	{ cgroup_cpu_show_weight, cgroup_cpu_store_weight, CPU, INNER, 0 },
	{ cgroup_cpu_show_weight_nice, cgroup_cpu_store_weight_nice, CPU, INNER, 0 },
	{ cgroup_cpu_show_idle, cgroup_cpu_store_idle, CPU, INNER, 0 },
	{ cgroup_cpu_show_burst, cgroup_cpu_store_burst, CPU, INNER, 0 },
	{ cgroup_memory_show_low, cgroup_memory_store_low, MEMORY, INNER, 0 },
	{ cgroup_memory_show_min, cgroup_memory_store_min, MEMORY, INNER, 0 },
	{ cgroup_memory_show_swap_max, cgroup_memory_store_swap_max, MEMORY, INNER, 0 },
	{ cgroup_memory_show_swap_high, cgroup_memory_store_swap_high, MEMORY, INNER, 0 },
	{ cgroup_memory_show_swap_current, NULL, MEMORY, INNER, 0 },
	{ cgroup_memory_show_swap_events, NULL, MEMORY, INNER, 0 },
	{ cgroup_io_show_max, cgroup_io_store_max, IO, INNER, 0 },
	{ cgroup_io_show_stat, NULL, IO, 0, 0 },
	{ cgroup_cpuset_show_cpus, cgroup_cpuset_store_cpus, CPUSET, INNER, 0 },
	{ cgroup_cpuset_show_cpus_effective, NULL, CPUSET, 0, 0 },
	{ cgroup_cpuset_show_mems, cgroup_cpuset_store_mems, CPUSET, INNER, 0 },
	{ cgroup_cpuset_show_mems_effective, NULL, CPUSET, 0, 0 },
	{ cgroup_hugetlb_show_max_2mb, cgroup_hugetlb_store_max_2mb, HUGETLB, INNER, 0 },
	{ cgroup_hugetlb_show_reserved_max_2mb, cgroup_hugetlb_store_reserved_max_2mb, HUGETLB, INNER, 0 },
	{ cgroup_hugetlb_show_none, NULL, HUGETLB, INNER, 0 },
	{ cgroup_hugetlb_show_none, NULL, HUGETLB, INNER, 0 },
	{ cgroup_hugetlb_show_events, NULL, HUGETLB, INNER, 0 },
	{ cgroup_hugetlb_show_events, NULL, HUGETLB, INNER, 0 },
	{ cgroup_hugetlb_show_nodes, NULL, HUGETLB, INNER, 0 },
	{ cgroup_hugetlb_show_max_1gb, cgroup_hugetlb_store_max_1gb, HUGETLB, INNER, 0 },
	{ cgroup_hugetlb_show_reserved_max_1gb, cgroup_hugetlb_store_reserved_max_1gb, HUGETLB, INNER, 0 },
	{ cgroup_hugetlb_show_none, NULL, HUGETLB, INNER, 0 },
	{ cgroup_hugetlb_show_none, NULL, HUGETLB, INNER, 0 },
	{ cgroup_hugetlb_show_events, NULL, HUGETLB, INNER, 0 },
	{ cgroup_hugetlb_show_events, NULL, HUGETLB, INNER, 0 },
	{ cgroup_hugetlb_show_nodes, NULL, HUGETLB, INNER, 0 },
	{ cgroup_pressure_show_cpu, NULL, 0, PRESSURE, PRESSURE_CPU },
	{ cgroup_pressure_show_memory, NULL, 0, PRESSURE, PRESSURE_MEMORY },
	{ cgroup_pressure_show_io, NULL, 0, PRESSURE, PRESSURE_IO },
	{ cgroup_pressure_show_switch, cgroup_pressure_store_switch, 0, 0, 0 },
	{ cgroup_io_show_weight, cgroup_io_store_weight, IO, INNER, 0 },
	{ cgroup_cpuset_show_partition, cgroup_cpuset_store_partition, CPUSET, INNER | EVENTS,
		CGROUP_EVENT_FILE_PARTITION },
};

static const struct pseudo_entry cgroup_entries[] = {
	{ "cgroup.type", S_IFREG | 0644, &cgroupfs_file_kind, 1 },
	{ "cgroup.procs", S_IFREG | 0644, &cgroupfs_file_kind, 2 },
	{ "cgroup.threads", S_IFREG | 0644, &cgroupfs_file_kind, 3 },
	{ "cgroup.controllers", S_IFREG | 0444, &cgroupfs_file_kind, 4 },
	{ "cgroup.subtree_control", S_IFREG | 0644, &cgroupfs_file_kind, 5 },
	{ "cgroup.events", S_IFREG | 0444, &cgroupfs_events_kind, 6 },
	{ "cgroup.freeze", S_IFREG | 0644, &cgroupfs_file_kind, 7 },
	{ "cgroup.kill", S_IFREG | 0200, &cgroupfs_file_kind, 8 },
	{ "cgroup.max.depth", S_IFREG | 0644, &cgroupfs_file_kind, 9 },
	{ "cgroup.max.descendants", S_IFREG | 0644, &cgroupfs_file_kind, 10 },
	{ "cgroup.stat", S_IFREG | 0444, &cgroupfs_file_kind, 11 },
	{ "cpu.stat", S_IFREG | 0444, &cgroupfs_file_kind, 12 },
	{ "pids.current", S_IFREG | 0444, &cgroupfs_file_kind, 13 },
	{ "pids.peak", S_IFREG | 0444, &cgroupfs_file_kind, 14 },
	{ "pids.max", S_IFREG | 0644, &cgroupfs_file_kind, 15 },
	{ "pids.events", S_IFREG | 0444, &cgroupfs_events_kind, 16 },
	{ "memory.current", S_IFREG | 0444, &cgroupfs_file_kind, 17 },
	{ "memory.peak", S_IFREG | 0444, &cgroupfs_file_kind, 18 },
	{ "memory.max", S_IFREG | 0644, &cgroupfs_file_kind, 19 },
	{ "memory.high", S_IFREG | 0644, &cgroupfs_file_kind, 20 },
	{ "memory.events", S_IFREG | 0444, &cgroupfs_events_kind, 21 },
	{ "memory.events.local", S_IFREG | 0444, &cgroupfs_events_kind, 22 },
	{ "memory.stat", S_IFREG | 0444, &cgroupfs_file_kind, 23 },
	{ "memory.oom.group", S_IFREG | 0644, &cgroupfs_file_kind, 24 },
	{ "memory.reclaim", S_IFREG | 0200, &cgroupfs_file_kind, 25 },
	{ "cpu.max", S_IFREG | 0644, &cgroupfs_file_kind, 26 },
	{ "cpu.weight", S_IFREG | 0644, &cgroupfs_file_kind, 27 },
	{ "cpu.weight.nice", S_IFREG | 0644, &cgroupfs_file_kind, 28 },
	{ "cpu.idle", S_IFREG | 0644, &cgroupfs_file_kind, 29 },
	{ "cpu.max.burst", S_IFREG | 0644, &cgroupfs_file_kind, 30 },
	{ "memory.low", S_IFREG | 0644, &cgroupfs_file_kind, 31 },
	{ "memory.min", S_IFREG | 0644, &cgroupfs_file_kind, 32 },
	{ "memory.swap.max", S_IFREG | 0644, &cgroupfs_file_kind, 33 },
	{ "memory.swap.high", S_IFREG | 0644, &cgroupfs_file_kind, 34 },
	{ "memory.swap.current", S_IFREG | 0444, &cgroupfs_file_kind, 35 },
	{ "memory.swap.events", S_IFREG | 0444, &cgroupfs_file_kind, 36 },
	{ "io.max", S_IFREG | 0644, &cgroupfs_file_kind, 37 },
	{ "io.stat", S_IFREG | 0444, &cgroupfs_file_kind, 38 },
	{ "cpuset.cpus", S_IFREG | 0644, &cgroupfs_file_kind, 39 },
	{ "cpuset.cpus.effective", S_IFREG | 0444, &cgroupfs_file_kind, 40 },
	{ "cpuset.mems", S_IFREG | 0644, &cgroupfs_file_kind, 41 },
	{ "cpuset.mems.effective", S_IFREG | 0444, &cgroupfs_file_kind, 42 },
	{ "hugetlb.2MB.max", S_IFREG | 0644, &cgroupfs_file_kind, 43 },
	{ "hugetlb.2MB.rsvd.max", S_IFREG | 0644, &cgroupfs_file_kind, 44 },
	{ "hugetlb.2MB.current", S_IFREG | 0444, &cgroupfs_file_kind, 45 },
	{ "hugetlb.2MB.rsvd.current", S_IFREG | 0444, &cgroupfs_file_kind, 46 },
	{ "hugetlb.2MB.events", S_IFREG | 0444, &cgroupfs_file_kind, 47 },
	{ "hugetlb.2MB.events.local", S_IFREG | 0444, &cgroupfs_file_kind, 48 },
	{ "hugetlb.2MB.numa_stat", S_IFREG | 0444, &cgroupfs_file_kind, 49 },
	{ "hugetlb.1GB.max", S_IFREG | 0644, &cgroupfs_file_kind, 50 },
	{ "hugetlb.1GB.rsvd.max", S_IFREG | 0644, &cgroupfs_file_kind, 51 },
	{ "hugetlb.1GB.current", S_IFREG | 0444, &cgroupfs_file_kind, 52 },
	{ "hugetlb.1GB.rsvd.current", S_IFREG | 0444, &cgroupfs_file_kind, 53 },
	{ "hugetlb.1GB.events", S_IFREG | 0444, &cgroupfs_file_kind, 54 },
	{ "hugetlb.1GB.events.local", S_IFREG | 0444, &cgroupfs_file_kind, 55 },
	{ "hugetlb.1GB.numa_stat", S_IFREG | 0444, &cgroupfs_file_kind, 56 },
	{ "cpu.pressure", S_IFREG | 0644, &cgroupfs_pressure_kind, 57 },
	{ "memory.pressure", S_IFREG | 0644, &cgroupfs_pressure_kind, 58 },
	{ "io.pressure", S_IFREG | 0644, &cgroupfs_pressure_kind, 59 },
	{ "cgroup.pressure", S_IFREG | 0644, &cgroupfs_file_kind, 60 },
	{ "io.weight", S_IFREG | 0644, &cgroupfs_file_kind, 61 },
	{ "cpuset.cpus.partition", S_IFREG | 0644, &cgroupfs_events_kind, 62 },
};
_Static_assert(array_len(cgroup_files) == array_len(cgroup_entries), "one row each");
_Static_assert(array_len(cgroup_files) < CGROUP_OWNERS, "an owner for each");

const struct cgroup_file *cgroup_file_at(u64 number)
{
	return array_ptr(cgroup_files, number - 1);
}

const struct pseudo_entry *cgroup_file_entry(u32 index)
{
	return index < array_len(cgroup_entries) ? array_ptr(cgroup_entries, index) : NULL;
}

// --- numbers -------------------------------------------------------------------------------

err_t cgroup_parse_limit(bytes_t text, u64 *out borrowed)
{
	if (bytes_equal(text, STR("max"))) {
		*out = CGROUP_MAX;
		return OK;
	}
	return bytes_parse_u64(text, 10, out) && *out <= S64_MAX ? OK : -EINVAL;
}

err_t cgroup_parse_count(bytes_t text, u64 *out borrowed)
{
	bool is_negative = bytes_len(text) && byte_at(text, 0) == '-';

	if (bytes_equal(text, STR("max"))) {
		*out = CGROUP_MAX;
		return OK;
	}
	if (!bytes_parse_u64(is_negative ? bytes_from(text, 1) : text, 0, out))
		return -EINVAL;
	return (is_negative && *out) || *out > S32_MAX ? -ERANGE : OK;
}

err_t cgroup_parse_bytes(bytes_t text, u64 *pages borrowed)
{
	static const u8 suffixes[4] = { 'K', 'M', 'G', 'T' };
	u32 shift = 0;
	u64 value = 0;

	if (bytes_equal(text, STR("max"))) {
		*pages = CGROUP_MAX;
		return OK;
	}
	for (u32 i = 0; i < array_len(suffixes) && bytes_len(text); i++)
		if ((byte_at(text, bytes_len(text) - 1) & ~0x20u) == suffixes[i])
			shift = 10 * (i + 1);
	if (shift)
		text = bytes_first(text, bytes_len(text) - 1);
	if (!bytes_parse_u64(text, 0, &value) || value > (U64_MAX >> 1) >> shift)
		return -EINVAL;
	*pages = (value << shift) >> PAGE_SHIFT;
	return OK;
}

void cgroup_put_limit(struct text *out borrowed, u64 limit)
{
	if (limit == CGROUP_MAX)
		text_put(out, STR("max\n"));
	else
		text_printf(out, "%lu\n", limit);
}

void cgroup_put_bytes_limit(struct text *out borrowed, u64 pages)
{
	cgroup_put_limit(out, pages == CGROUP_MAX ? CGROUP_MAX : pages << PAGE_SHIFT);
}

// --- reading and writing -------------------------------------------------------------------

err_t cgroup_file_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct cgroup *g = cgroup_of_object(n->subject);
	const struct cgroup_file *row = cgroup_file_at(n->value[0]);

	if (atomic_u32_load(&g->is_removed))
		return -ENODEV;
	if (!row->show)
		return -EINVAL;
	if (row->flags & CGROUP_FILE_PROCESSES && cgroup_domain(g) != g)
		return -EOPNOTSUPP;
	row->show(g, out);
	return OK;
}

static err_t cgroup_file_store_text(struct cgroup *g, const struct cgroup_file *row borrowed, struct file *f, bytes_t text)
{
	if (row->flags & (CGROUP_FILE_PROCESSES | CGROUP_FILE_THREADS))
		return cgroup_move_member(
			g, text, f->cred, row->flags & CGROUP_FILE_THREADS ? CGROUP_MEMBER_THREADS : 0);
	if (row->flags & CGROUP_FILE_PRESSURE)
		return cgroup_pressure_add_trigger(g, f, text, row->which);
	return row->store ? row->store(g, text) : -EINVAL;
}

// Is g the root of the current cgroup namespace, and what limits it not for those inside to change?
static bool cgroup_is_boundary(struct cgroup *g)
{
	struct cgroup_namespace *ns = cgroup_namespace_from(thread_namespace(NAMESPACE_CGROUP));

	return cgroup_has_option(CGROUP_OPTION_NSDELEGATE) && ns != cgroup_namespace_initial() && ns->root == g;
}

ssize_r cgroup_file_store(struct pseudo_inode *n, struct file *f, bytes_t data)
{
	struct cgroup *g = cgroup_of_object(n->subject);
	const struct cgroup_file *row = cgroup_file_at(n->value[0]);
	bytes_t text = data;

	if (atomic_u32_load(&g->is_removed))
		return (ssize_r)-ENODEV;
	if (!(row->flags & CGROUP_FILE_DELEGATED) && cgroup_is_boundary(g))
		return (ssize_r)-EPERM;
	while (bytes_len(text) &&
		(byte_at(text, bytes_len(text) - 1) == '\n' || byte_at(text, bytes_len(text) - 1) == ' '))
		text = bytes_first(text, bytes_len(text) - 1);
	while (bytes_len(text) && byte_at(text, 0) == ' ')
		text = bytes_from(text, 1);
	err_t e = cgroup_file_store_text(g, row, f, text);

	return e ? (ssize_r)e : (ssize_r)bytes_len(data);
}

static u64 cgroup_events_version(const struct pseudo_inode *n)
{
	return atomic_u64_load(
		array_ptr(cgroup_of_object(n->subject)->event_version, cgroup_file_at(n->value[0])->which));
}

// A file of events has something new (POLLPRI) since it was last read through f.
static err_t cgroup_events_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	f->private_value = cgroup_events_version(n);
	return cgroup_file_show(n, f, out);
}

static u32 cgroup_events_poll(struct pseudo_inode *n, struct file *f, struct poll_request *r)
{
	struct cgroup *g = cgroup_of_object(n->subject);
	u32 ready = POLL_IN | POLL_READ_NORMAL;

	poll_add(r, &g->event);
	if (f->private_value != cgroup_events_version(n))
		ready |= POLL_PRIORITY | POLL_ERROR;
	return ready;
}

const struct pseudo_kind cgroupfs_file_kind = {
	.show = cgroup_file_show,
	.store = cgroup_file_store,
	.permission = cgroupfs_permission,
	.get_attributes = cgroupfs_get_attributes,
	.set_attributes = cgroupfs_set_attributes,
};
const struct pseudo_kind cgroupfs_events_kind = {
	.show = cgroup_events_show,
	.store = cgroup_file_store,
	.poll = cgroup_events_poll,
	.permission = cgroupfs_permission,
	.get_attributes = cgroupfs_get_attributes,
	.set_attributes = cgroupfs_set_attributes,
};
