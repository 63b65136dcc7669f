// SPDX-License-Identifier: MPL-2.0
// The cpuset controller: the CPUs that members of a group may use. What a group asks for is kept as written; in effect
// is what its parent's effective set leaves of it, or the parent's when that is nothing. There is one memory node.
//
// A partition (cgroup_partition.c) takes CPUs from its parent instead: what it took is in effect in it, less what its
// own partitions took from it, and in no other group. It may give away all, then its effective set is empty.
#include <core/cpu.h>
#include <services/cgroup/cgroup_hierarchy.h>
#include <services/cgroup/cpu/cgroup_cpuset_internal.h>

u64 cgroup_cpus_total(const struct cgroup *g borrowed)
{
	return cgroup_is_root(g) ? cpu_online_set().bits[0] : g->cpus_taken;
}

static u64 cgroup_cpuset_of(const struct cgroup *g borrowed) REQUIRES(cgroup_tree_lock)
{
	if (cgroup_is_partition(g))
		return cgroup_cpus_total(g) & ~atomic_u64_load(&g->cpus_given);
	u64 above = cgroup_cpus_effective(g->parent).bits[0], own = atomic_u64_load(&g->cpus) & above;

	return own ? own : above;
}

struct cpu_set cgroup_cpus_effective(const struct cgroup *g borrowed)
{
	if (cgroup_is_root(g))
		return (struct cpu_set){ { cpu_online_set().bits[0] & ~atomic_u64_load(&g->cpus_given) } };
	return (struct cpu_set){ { atomic_u64_load(&g->cpus_effective) } };
}

// True: it is another set now; its tasks were told.
static bool cgroup_cpuset_apply(struct cgroup *g) REQUIRES(cgroup_tree_lock)
{
	const struct cgroup_member_ops *ops = cgroup_member_ops();
	u64 cpus = cgroup_cpuset_of(g);

	if (atomic_u64_exchange(&g->cpus_effective, cpus) == cpus)
		return false;
	if (ops && cpus)
		cgroup_for_members(g, ops->cpus_changed);
	return true;
}

// Brings g up to date; true when those below must follow. Its partitions claim again what there is now.
static bool cgroup_cpuset_visit(struct cgroup *g) REQUIRES(cgroup_tree_lock)
{
	bool has_changed = g->cpuset_changed || cgroup_cpuset_of(g) != atomic_u64_load(&g->cpus_effective);

	g->cpuset_changed = 0;
	if (!has_changed)
		return false;
	list_for_each(cgroup_list, c, &g->children)
		if (c->partition)
			cgroup_partition_claim(c, CGROUP_PARTITION_NO_CPUS);
	(void)cgroup_cpuset_apply(g);
	return true;
}

// The one after `at` below g, leaving out what is below `at`.
static struct cgroup *cgroup_next_beside(struct cgroup *g, struct cgroup *at) REQUIRES(cgroup_tree_lock)
{
	for (; at != g; at = at->parent)
		if (cgroup_list_next(at))
			return cgroup_list_next(at);
	return NULL;
}

void cgroup_cpuset_settle(struct cgroup *g)
{
	(void)cgroup_cpuset_apply(g);
	for (struct cgroup *c = cgroup_next_below(g, g); c;)
		c = cgroup_cpuset_visit(c) ? cgroup_next_below(g, c) : cgroup_next_beside(g, c);
	cgroup_partition_set_apart();
}

void cgroup_cpuset_init(struct cgroup *g)
{
	atomic_u64_store(&g->cpus_effective, cgroup_cpus_effective(g->parent).bits[0]);
}

void cgroup_cpuset_set(struct cgroup *g, u64 cpus)
{
	if (atomic_u64_exchange(&g->cpus, cpus) == cpus)
		return;
	g->cpuset_changed = 1;
	cgroup_partition_follow(g);
	cgroup_cpuset_settle(g->parent);
}

err_t cgroup_cpuset_check_members_allowed(struct cgroup *g)
{
	return cgroup_cpus_effective(g).bits[0] ? OK : -ENOSPC;
}
