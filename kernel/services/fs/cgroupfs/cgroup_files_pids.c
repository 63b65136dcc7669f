// SPDX-License-Identifier: MPL-2.0
// pids.*
#include <services/fs/cgroupfs/cgroup_files.h>

void cgroup_pids_show_current(struct cgroup *g, struct text *out borrowed)
{
	text_printf(out, "%lu\n", atomic_u64_load(&g->pids));
}

void cgroup_pids_show_peak(struct cgroup *g, struct text *out borrowed)
{
	text_printf(out, "%lu\n", atomic_u64_load(&g->pids_peak));
}

void cgroup_pids_show_max(struct cgroup *g, struct text *out borrowed)
{
	cgroup_put_limit(out, atomic_u64_load(&g->pids_max));
}

err_t cgroup_pids_store_max(struct cgroup *g, bytes_t text)
{
	u64 limit = 0;
	err_t e = cgroup_parse_limit(text, &limit);

	if (!e)
		atomic_u64_store(&g->pids_max, limit);
	return e;
}

void cgroup_pids_show_events(struct cgroup *g, struct text *out borrowed)
{
	text_printf(out, "max %lu\n", atomic_u64_load(array_ptr(g->events, CGROUP_EVENT_PIDS_MAX)));
}
