// SPDX-License-Identifier: MPL-2.0
// Between cpusets and partitions.
#pragma once
#include <services/cgroup/cgroup_hierarchy.h>

// A valid partition; the root is one.
static inline bool cgroup_is_partition(const struct cgroup *g borrowed) REQUIRES(cgroup_tree_lock)
{
	return cgroup_is_root(g) || (g->partition && !g->partition_error);
}
// The CPUs of a valid partition, given away or not.
u64 cgroup_cpus_total(const struct cgroup *g borrowed) REQUIRES(cgroup_tree_lock);
// g, which is to be a partition, takes its CPUs from its parent, or is invalid from now on: as `none` says when its
// parent has none of them. What follows for effective sets is the caller's.
void cgroup_partition_claim(struct cgroup *g, enum cgroup_partition_error none) REQUIRES(cgroup_tree_lock);
// Another list of CPUs was written to g: what it and its siblings that are partitions lose or gain.
void cgroup_partition_follow(struct cgroup *g) REQUIRES(cgroup_tree_lock);
// The effective sets of g and below follow from what is above and what partitions took; tasks are told.
void cgroup_cpuset_settle(struct cgroup *g) REQUIRES(cgroup_tree_lock);
// The scheduler is told which CPUs partitions have.
void cgroup_partition_set_apart(void) REQUIRES(cgroup_tree_lock);
