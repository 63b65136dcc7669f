// SPDX-License-Identifier: MPL-2.0
// Dirty pages of a group: how many there are, and how many there may be. A part of what the group can have as file
// pages may be dirty, as a part of the machine's memory may: so write-back begins, and writers wait, before reclaim
// meets nothing but dirty pages.
#include <services/cgroup/cgroup_hierarchy.h>

enum { DIRTY_PAGES_MIN = 32 };	// no less is asked for: one round of a writer

void cgroup_count_dirty(struct cgroup *g, s64 dirty, s64 writing)
{
	for (; g; g = g->parent) {
		atomic_u64_add(&g->dirty_pages, (u64)dirty);
		atomic_u64_add(&g->writing_pages, (u64)writing);
	}
}

// What g may have as file pages, now that it uses the rest for something else. CGROUP_MAX: no limit of its own.
static u64 cgroup_file_room(const struct cgroup *g borrowed)
{
	u64 limit = min(atomic_u64_load_relaxed(&g->memory_max), atomic_u64_load_relaxed(&g->memory_high));
	u64 all = atomic_u64_load_relaxed(&g->memory);
	u64 file = atomic_u64_load_relaxed(array_ptr(g->memory_kind, CGROUP_MEMORY_FILE));

	return limit == CGROUP_MAX ? CGROUP_MAX : limit - min(limit, all - min(all, file));
}

bool cgroup_is_over_dirty(const struct cgroup *g borrowed, u32 percent)
{
	for (; g && g->parent; g = g->parent) {
		u64 room = cgroup_file_room(g);

		if (room == CGROUP_MAX)
			continue;
		if (atomic_u64_load_relaxed(&g->dirty_pages) > max(room / 100 * percent, (u64)DIRTY_PAGES_MIN))
			return true;
	}
	return false;
}
