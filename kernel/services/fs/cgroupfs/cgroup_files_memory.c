// SPDX-License-Identifier: MPL-2.0
// memory.*
#include <services/fs/cgroupfs/cgroup_files.h>

static void cgroup_put_pages(struct text *out borrowed, u64 pages)
{
	text_printf(out, "%lu\n", pages << PAGE_SHIFT);
}

void cgroup_memory_show_current(struct cgroup *g, struct text *out borrowed)
{
	cgroup_put_pages(out, atomic_u64_load(&g->memory));
}

void cgroup_memory_show_peak(struct cgroup *g, struct text *out borrowed)
{
	cgroup_put_pages(out, atomic_u64_load(&g->memory_peak));
}

void cgroup_memory_show_max(struct cgroup *g, struct text *out borrowed)
{
	cgroup_put_bytes_limit(out, atomic_u64_load(&g->memory_max));
}

// A limit below what is in use takes effect at once: reclaim, then kills.
err_t cgroup_memory_store_max(struct cgroup *g, bytes_t text)
{
	u64 pages = 0;
	err_t e = cgroup_parse_bytes(text, &pages);

	if (e)
		return e;
	atomic_u64_store(&g->memory_max, pages);
	cgroup_shrink_to(g, pages);
	return OK;
}

void cgroup_memory_show_high(struct cgroup *g, struct text *out borrowed)
{
	cgroup_put_bytes_limit(out, atomic_u64_load(&g->memory_high));
}

err_t cgroup_memory_store_high(struct cgroup *g, bytes_t text)
{
	u64 pages = 0;
	err_t e = cgroup_parse_bytes(text, &pages);

	if (e)
		return e;
	atomic_u64_store(&g->memory_high, pages);
	u64 now = atomic_u64_load(&g->memory);

	if (now > pages)
		(void)cgroup_reclaim(g, now - pages); // what is left slows its owners down
	return OK;
}

static void cgroup_put_event(struct text *out borrowed, bytes_t name, u64 count)
{
	text_put(out, name);
	text_printf(out, " %lu\n", count);
}

void cgroup_memory_show_events(struct cgroup *g, struct text *out borrowed)
{
	cgroup_put_event(out, STR("low"), atomic_u64_load(array_ptr(g->events, CGROUP_EVENT_LOW)));
	cgroup_put_event(out, STR("high"), atomic_u64_load(array_ptr(g->events, CGROUP_EVENT_HIGH)));
	cgroup_put_event(out, STR("max"), atomic_u64_load(array_ptr(g->events, CGROUP_EVENT_MAX)));
	cgroup_put_event(out, STR("oom"), atomic_u64_load(array_ptr(g->events, CGROUP_EVENT_OOM)));
	cgroup_put_event(out, STR("oom_kill"), atomic_u64_load(array_ptr(g->events, CGROUP_EVENT_OOM_KILL)));
	cgroup_put_event(
		out, STR("oom_group_kill"), atomic_u64_load(array_ptr(g->events, CGROUP_EVENT_OOM_GROUP_KILL)));
}

void cgroup_memory_show_events_local(struct cgroup *g, struct text *out borrowed)
{
	cgroup_put_event(out, STR("low"), atomic_u64_load(array_ptr(g->events_local, CGROUP_EVENT_LOW)));
	cgroup_put_event(out, STR("high"), atomic_u64_load(array_ptr(g->events_local, CGROUP_EVENT_HIGH)));
	cgroup_put_event(out, STR("max"), atomic_u64_load(array_ptr(g->events_local, CGROUP_EVENT_MAX)));
	cgroup_put_event(out, STR("oom"), atomic_u64_load(array_ptr(g->events_local, CGROUP_EVENT_OOM)));
	cgroup_put_event(out, STR("oom_kill"), atomic_u64_load(array_ptr(g->events_local, CGROUP_EVENT_OOM_KILL)));
	cgroup_put_event(
		out, STR("oom_group_kill"), atomic_u64_load(array_ptr(g->events_local, CGROUP_EVENT_OOM_GROUP_KILL)));
}

// Only what is counted; "file" has shared memory in it, as Linux's.
void cgroup_memory_show_stat(struct cgroup *g, struct text *out borrowed)
{
	u64 shared = atomic_u64_load(array_ptr(g->memory_kind, CGROUP_MEMORY_SHARED));
	u64 file = atomic_u64_load(array_ptr(g->memory_kind, CGROUP_MEMORY_FILE)) + shared;

	text_printf(
		out, "anon %lu\n", atomic_u64_load(array_ptr(g->memory_kind, CGROUP_MEMORY_ANONYMOUS)) << PAGE_SHIFT);
	text_printf(out, "file %lu\n", file << PAGE_SHIFT);
	text_printf(out, "shmem %lu\n", shared << PAGE_SHIFT);
}

void cgroup_memory_show_oom_group(struct cgroup *g, struct text *out borrowed)
{
	text_printf(out, "%u\n", atomic_u32_load(&g->memory_oom_group));
}

err_t cgroup_memory_store_oom_group(struct cgroup *g, bytes_t text)
{
	u64 value = 0;

	if (!bytes_parse_u64(text, 0, &value) || value > 1)
		return -EINVAL;
	atomic_u32_store(&g->memory_oom_group, (u32)value);
	return OK;
}

err_t cgroup_memory_store_reclaim(struct cgroup *g, bytes_t text)
{
	u64 pages = 0;

	if (cgroup_parse_bytes(text, &pages) || pages == CGROUP_MAX)
		return -EINVAL;
	return cgroup_reclaim(g, pages) >= pages ? OK : -EAGAIN;
}
