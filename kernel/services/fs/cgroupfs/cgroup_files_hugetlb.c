// SPDX-License-Identifier: MPL-2.0
// hugetlb.*: limits of huge pages. The pools of huge pages are empty and cannot grow (/sys/kernel/mm/hugepages), so no
// group ever holds one, and no limit is ever reached. source: Linux Documentation/admin-guide/cgroup-v2
#include <services/fs/cgroupfs/cgroup_files.h>

static void put_limit(struct text *out borrowed, const struct atomic_u64 *limit borrowed)
{
	const u64 bytes = atomic_u64_load(limit);

	if (bytes == CGROUP_MAX)
		text_put(out, STR("max\n"));
	else
		text_printf(out, "%lu\n", bytes);
}

// A limit is a number of whole huge pages.
static err_t store_limit(struct atomic_u64 *limit borrowed, bytes_t text, u32 size_shift)
{
	u64 pages = 0;
	const err_t err = cgroup_parse_bytes(text, &pages);

	if (err)
		return err;
	const u64 whole = pages >> (size_shift - PAGE_SHIFT) << size_shift;
	atomic_u64_store(limit, pages == CGROUP_MAX ? CGROUP_MAX : whole);
	return OK;
}

#define SIZE(name_, index_, shift_)                                                                    \
	void cgroup_hugetlb_show_max_##name_(struct cgroup *g, struct text *out borrowed)              \
	{                                                                                              \
		put_limit(out, array_ptr(g->huge_max, index_));                                        \
	}                                                                                              \
	err_t cgroup_hugetlb_store_max_##name_(struct cgroup *g, bytes_t text)                         \
	{                                                                                              \
		return store_limit(array_ptr(g->huge_max, index_), text, shift_);                      \
	}                                                                                              \
	void cgroup_hugetlb_show_reserved_max_##name_(struct cgroup *g, struct text *out borrowed)     \
	{                                                                                              \
		put_limit(out, array_ptr(g->huge_reserved_max, index_));                               \
	}                                                                                              \
	err_t cgroup_hugetlb_store_reserved_max_##name_(struct cgroup *g, bytes_t text)                \
	{                                                                                              \
		return store_limit(array_ptr(g->huge_reserved_max, index_), text, shift_);             \
	}
SIZE(2mb, CGROUP_HUGE_2MB, 21)
SIZE(1gb, CGROUP_HUGE_1GB, 30)

void cgroup_hugetlb_show_none(struct cgroup *g, struct text *out borrowed)
{
	text_put(out, STR("0\n"));
}

void cgroup_hugetlb_show_events(struct cgroup *g, struct text *out borrowed)
{
	text_put(out, STR("max 0\n"));
}

void cgroup_hugetlb_show_nodes(struct cgroup *g, struct text *out borrowed)
{
	text_put(out, STR("total=0 N0=0\n"));
}
