// SPDX-License-Identifier: MPL-2.0
// memory.*
#include <services/fs/cgroupfs/cgroup_files.h>

static void cgroup_put_pages(struct text *out borrowed, u64 pages)
{
	text_printf(out, "%lu\n", pages << PAGE_SHIFT);
}

// Takes a limit of bytes, or "max".
static err_t cgroup_store_pages(bytes_t text, struct atomic_u64 *limit borrowed)
{
	u64 pages = 0;
	err_t e = cgroup_parse_bytes(text, &pages);

	if (!e)
		atomic_u64_store(limit, pages);
	return e;
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
	err_t e = cgroup_store_pages(text, &g->memory_max);

	if (!e)
		cgroup_shrink_to(g, atomic_u64_load(&g->memory_max));
	return e;
}

// low and min: what reclaim for others leaves alone.
#define PROTECTION_FILE(kind) \
	void cgroup_memory_show_##kind(struct cgroup *g, struct text *out borrowed) \
	{ \
		cgroup_put_bytes_limit(out, atomic_u64_load(&g->memory_##kind)); \
	} \
	err_t cgroup_memory_store_##kind(struct cgroup *g, bytes_t text) \
	{ \
		err_t e = cgroup_store_pages(text, &g->memory_##kind); \
		if (!e) \
			cgroup_pages_claim(g); \
		return e; \
	} \
	_Static_assert(true, "")
PROTECTION_FILE(low);
PROTECTION_FILE(min);

// There is no swap: nothing is ever in it, whatever its limit.
void cgroup_memory_show_swap_current(struct cgroup *g, struct text *out borrowed)
{
	text_put(out, STR("0\n"));
}

void cgroup_memory_show_swap_events(struct cgroup *g, struct text *out borrowed)
{
	text_put(out, STR("high 0\nmax 0\nfail 0\n"));
}

void cgroup_memory_show_swap_max(struct cgroup *g, struct text *out borrowed)
{
	cgroup_put_bytes_limit(out, atomic_u64_load(&g->swap_max));
}

err_t cgroup_memory_store_swap_max(struct cgroup *g, bytes_t text)
{
	return cgroup_store_pages(text, &g->swap_max);
}

void cgroup_memory_show_swap_high(struct cgroup *g, struct text *out borrowed)
{
	cgroup_put_bytes_limit(out, atomic_u64_load(&g->swap_high));
}

err_t cgroup_memory_store_swap_high(struct cgroup *g, bytes_t text)
{
	return cgroup_store_pages(text, &g->swap_high);
}

void cgroup_memory_show_high(struct cgroup *g, struct text *out borrowed)
{
	cgroup_put_bytes_limit(out, atomic_u64_load(&g->memory_high));
}

err_t cgroup_memory_store_high(struct cgroup *g, bytes_t text)
{
	err_t e = cgroup_store_pages(text, &g->memory_high);
	const u64 now = atomic_u64_load(&g->memory), most = atomic_u64_load(&g->memory_high);

	if (!e && now > most)
		(void)cgroup_reclaim(g, now - most); // what is left slows its owners down
	return e;
}

struct cgroup_event_name {
	u32 event;
	u8 text[16];
};
static const struct cgroup_event_name cgroup_event_names[] = {
	{ CGROUP_EVENT_LOW, "low" }, { CGROUP_EVENT_HIGH, "high" }, { CGROUP_EVENT_MAX, "max" },
	{ CGROUP_EVENT_OOM, "oom" }, { CGROUP_EVENT_OOM_KILL, "oom_kill" },
	{ CGROUP_EVENT_OOM_GROUP_KILL, "oom_group_kill" },
};

#define EVENT_FILE(function, counters) \
	void function(struct cgroup *g, struct text *out borrowed) \
	{ \
		for (u32 i = 0; i < array_len(cgroup_event_names); i++) { \
			const bytes_t name = array_bytes(cgroup_event_names[i].text); \
			text_put(out, bytes_first(name, bytes_string_len(name))); \
			text_printf(out, " %lu\n", \
				atomic_u64_load(array_ptr(g->counters, cgroup_event_names[i].event))); \
		} \
	} \
	_Static_assert(true, "")
EVENT_FILE(cgroup_memory_show_events, events);
EVENT_FILE(cgroup_memory_show_events_local, events_local);

static u64 cgroup_memory_of_kind(const struct cgroup *g, enum cgroup_memory_kind kind)
{
	return atomic_u64_load(array_ptr(g->memory_kind, kind)) << PAGE_SHIFT;
}

// Pages on the lists of g and all below it.
static void cgroup_memory_count_pages(struct cgroup *g, u64 *active borrowed, u64 *inactive borrowed)
{
	mutex_guard(&cgroup_tree_lock);
	for (struct cgroup *c = cgroup_next_below(g, NULL); c; c = cgroup_next_below(g, c)) {
		struct cgroup_pages *l = cgroup_pages_of(c);

		spin_guard(&l->lock);
		*active += page_list_count(&l->active);
		*inactive += page_list_count(&l->inactive);
	}
}

struct stack_only kernel_memory {
	u64 stack, tables, slab, sock, kernel;	// bytes
};

static void cgroup_memory_count_kernel(struct cgroup *g, struct kernel_memory *m borrowed)
{
	mutex_guard(&cgroup_tree_lock);
	cgroup_kernel_flush(g);
	m->stack = cgroup_kernel_bytes(g, MEMORY_ACCOUNT_STACK);
	m->tables = cgroup_kernel_bytes(g, MEMORY_ACCOUNT_PAGE_TABLE);
	m->slab = cgroup_kernel_bytes(g, MEMORY_ACCOUNT_SLAB);
	m->sock = cgroup_kernel_bytes(g, MEMORY_ACCOUNT_SOCKET);
	m->kernel = m->stack + m->tables + m->slab + cgroup_kernel_bytes(g, MEMORY_ACCOUNT_PAGES);
}

// Only what is counted; "file" has shared memory in it, as Linux's, and "kernel" all kinds but sockets.
void cgroup_memory_show_stat(struct cgroup *g, struct text *out borrowed)
{
	u64 active = 0, inactive = 0, anonymous = cgroup_memory_of_kind(g, CGROUP_MEMORY_ANONYMOUS);
	u64 shared = cgroup_memory_of_kind(g, CGROUP_MEMORY_SHARED);
	struct kernel_memory m = {};

	cgroup_memory_count_pages(g, &active, &inactive);
	cgroup_memory_count_kernel(g, &m);
	text_printf(out, "anon %lu\nfile %lu\nkernel %lu\nkernel_stack %lu\n", anonymous,
		    cgroup_memory_of_kind(g, CGROUP_MEMORY_FILE) + shared, m.kernel, m.stack);
	text_printf(out, "pagetables %lu\nsock %lu\nshmem %lu\n", m.tables, m.sock, shared);
	u64 dirty = atomic_u64_load(&g->dirty_pages), writing = min(dirty, atomic_u64_load(&g->writing_pages));

	text_printf(out, "file_dirty %lu\nfile_writeback %lu\n", (dirty - writing) << PAGE_SHIFT,
		    writing << PAGE_SHIFT);
	text_printf(out, "inactive_file %lu\nactive_file %lu\nslab %lu\n", inactive << PAGE_SHIFT,
		    active << PAGE_SHIFT, m.slab);
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
