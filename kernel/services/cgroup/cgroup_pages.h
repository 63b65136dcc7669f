// SPDX-License-Identifier: MPL-2.0
// The reclaimable pages of a group: its own two lists, kept by services/pagecache. A page is on the lists of the group
// that it is charged to, so that a group at its limit looks at its own pages only.
#pragma once
#include <core/list.h>
#include <core/page.h>
#include <services/cgroup/cgroup.h>

DEFINE_LIST(page_list, page, lru)

struct cgroup_pages {
	struct spinlock lock;
	struct page_list active GUARDED_BY(lock);
	struct page_list inactive GUARDED_BY(lock);
};
struct cgroup_pages *cgroup_pages_of(struct cgroup *g);
// How many calls of the next make a round over `within` and all below it (NULL: over all).
u64 cgroup_pages_turns(const struct cgroup *within);
// Takes turns over `within` and all groups below it, removed ones too (NULL: over all groups); NULL: none.
struct cgroup *cgroup_pages_next(struct cgroup *within) owned;

// Pages of files of g became dirty (positive) or clean; of these, so many are being written. => any context
void cgroup_count_dirty(struct cgroup *g, s64 dirty, s64 writing);
// Is more than this part of what g, or a group above it, may have as file pages dirty? Without a limit: no.
bool cgroup_is_over_dirty(const struct cgroup *g borrowed, u32 percent);

// May reclaim for `for_whom` (NULL: for the machine) take pages of g? memory.min is never broken, memory.low only
// when there is nothing else (counted as an event by cgroup_pages_break_low).
enum cgroup_protection { CGROUP_UNPROTECTED, CGROUP_PROTECTED_LOW, CGROUP_PROTECTED_MIN };
// *spare: pages that it may take before that changes.
enum cgroup_protection cgroup_pages_protection(struct cgroup *g, const struct cgroup *for_whom, u64 *spare borrowed);
void cgroup_pages_break_low(struct cgroup *g);
