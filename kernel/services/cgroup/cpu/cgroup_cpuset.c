// SPDX-License-Identifier: MPL-2.0
// The cpuset controller: the CPUs that members of a group may use. What a group asks for is kept as written; in effect
// is what its parent's effective set leaves of it, or the parent's when that is nothing. There is one memory node.
#include <core/cpu.h>
#include <services/cgroup/cgroup_hierarchy.h>

struct cpu_set cgroup_cpus_effective(const struct cgroup *g borrowed)
{
	u64 cpus = atomic_u64_load(&g->cpus_effective);

	return cpus ? (struct cpu_set){ { cpus } } : cpu_online_set();
}

static u64 cgroup_cpuset_of(const struct cgroup *g borrowed)
{
	u64 above = cgroup_cpus_effective(g->parent).bits[0], own = atomic_u64_load(&g->cpus) & above;

	return own ? own : above;
}

// The effective sets of g and below follow from what is above; their tasks are told.
static void cgroup_cpuset_update(struct cgroup *g) REQUIRES(cgroup_tree_lock)
{
	const struct cgroup_member_ops *ops = cgroup_member_ops();

	for (struct cgroup *c = cgroup_next_below(g, NULL); c; c = cgroup_next_below(g, c)) {
		u64 cpus = cgroup_cpuset_of(c);

		if (atomic_u64_exchange(&c->cpus_effective, cpus) != cpus && ops)
			cgroup_for_members(c, ops->cpus_changed);
	}
}

void cgroup_cpuset_init(struct cgroup *g)
{
	atomic_u64_store(&g->cpus_effective, atomic_u64_load(&g->parent->cpus_effective));
}

void cgroup_cpuset_set(struct cgroup *g, u64 cpus)
{
	atomic_u64_store(&g->cpus, cpus);
	cgroup_cpuset_update(g);
}
