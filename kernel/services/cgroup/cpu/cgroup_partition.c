// SPDX-License-Identifier: MPL-2.0
// Partitions of the CPUs (cpuset.cpus.partition): a group that is one, valid, has its CPUs for itself and those below.
//
// It takes them from its parent, which is a partition too: what a group gave to its children's partitions (cpus_given)
// is the union of what they took (cpus_taken), and these do not overlap, because the lists of siblings of a partition
// may not contain its CPUs. A group that wants to be a partition and cannot is kept as an invalid one with the reason,
// and is like any other meanwhile. It tries again when its own list is written or something above it changes, not when
// a sibling does.
// source: the kernel's Documentation/admin-guide/cgroup-v2.rst, "cpuset.cpus.partition"
#include <core/cpu.h>
#include <services/cgroup/cgroup_hierarchy.h>
#include <services/cgroup/cpu/cgroup_cpuset_internal.h>

static u32 partition_count GUARDED_BY(cgroup_tree_lock);	// groups that are or want to be one
static u64 cpus_isolated GUARDED_BY(cgroup_tree_lock);		// as the scheduler knows them

static bool cgroup_overlaps_sibling(struct cgroup *g) REQUIRES(cgroup_tree_lock)
{
	u64 cpus = atomic_u64_load(&g->cpus);

	list_for_each(cgroup_list, c, &g->parent->children)
		if (c != g && atomic_u64_load(&c->cpus) & cpus)
			return true;
	return false;
}

// Do tasks use the CPUs that `parent` keeps for itself, those in g aside?
static bool cgroup_partition_has_tasks(struct cgroup *parent, struct cgroup *g) REQUIRES(cgroup_tree_lock)
{
	if (cgroup_has_members(parent))
		return true;
	list_for_each(cgroup_list, c, &parent->children)
		if (c != g && !cgroup_is_partition(c) && cgroup_is_populated(c))
			return true;
	return false;
}

// others: CPUs of the parent that its other partitions have.
static enum cgroup_partition_error cgroup_partition_check(
	struct cgroup *g, u64 others, enum cgroup_partition_error none) REQUIRES(cgroup_tree_lock)
{
	struct cgroup *parent = g->parent;
	u64 cpus = atomic_u64_load(&g->cpus), total = cgroup_cpus_total(parent);

	if (!cpus)
		return CGROUP_PARTITION_EMPTY;
	if (!cgroup_is_partition(parent))
		return parent->partition ? CGROUP_PARTITION_PARENT_INVALID : CGROUP_PARTITION_NO_PARENT;
	if (cgroup_overlaps_sibling(g))
		return CGROUP_PARTITION_NOT_EXCLUSIVE;
	if (!(cpus & total))
		return none;
	if (!(total & ~others & ~cpus) && cgroup_partition_has_tasks(parent, g))
		return CGROUP_PARTITION_NO_CPUS;
	return CGROUP_PARTITION_VALID;
}

void cgroup_partition_claim(struct cgroup *g, enum cgroup_partition_error none)
{
	u64 others = atomic_u64_load(&g->parent->cpus_given) & ~g->cpus_taken;
	enum cgroup_partition_error error = cgroup_partition_check(g, others, none), before = g->partition_error;
	u64 taken = error ? 0 : atomic_u64_load(&g->cpus) & cgroup_cpus_total(g->parent);

	if (taken != g->cpus_taken)
		g->cpuset_changed = 1;
	g->cpus_taken = taken;
	g->partition_error = error;
	atomic_u64_store(&g->parent->cpus_given, others | taken);
	if (!before != !error) {
		g->cpuset_changed = 1;
		cgroup_event_changed(g, CGROUP_EVENT_FILE_PARTITION);
	}
}

void cgroup_partition_follow(struct cgroup *g)
{
	u64 cpus = atomic_u64_load(&g->cpus);

	if (!partition_count)
		return;
	list_for_each(cgroup_list, c, &g->parent->children)
		if (c != g && c->partition && cgroup_is_partition(c) && atomic_u64_load(&c->cpus) & cpus)
			cgroup_partition_claim(c, CGROUP_PARTITION_NO_CPUS);
	if (g->partition)
		cgroup_partition_claim(g, CGROUP_PARTITION_NO_CPUS);
}

static void cgroup_partition_end(struct cgroup *g) REQUIRES(cgroup_tree_lock)
{
	atomic_u64_store(&g->parent->cpus_given, atomic_u64_load(&g->parent->cpus_given) & ~g->cpus_taken);
	g->cpus_taken = 0;
	g->partition_error = CGROUP_PARTITION_VALID;
	partition_count--;
}

void cgroup_partition_set(struct cgroup *g, enum cgroup_partition partition)
{
	enum cgroup_partition before = g->partition;

	if (before == partition)
		return;
	g->partition = partition;
	g->cpuset_changed = 1;
	if (!partition) {
		cgroup_partition_end(g);
	} else if (!before) {
		partition_count++;
		cgroup_partition_claim(g, CGROUP_PARTITION_FOREIGN);
	}
	cgroup_event_changed(g, CGROUP_EVENT_FILE_PARTITION);
	cgroup_cpuset_settle(g->parent);
}

static u64 cgroup_find_isolated(struct cgroup *root) REQUIRES(cgroup_tree_lock)
{
	u64 cpus = 0;

	for (struct cgroup *c = cgroup_next_below(root, NULL); c; c = cgroup_next_below(root, c))
		if (c->partition == CGROUP_PARTITION_ISOLATED && cgroup_is_partition(c))
			cpus |= atomic_u64_load(&c->cpus_effective);
	return cpus;
}

void cgroup_partition_set_apart(void)
{
	struct cgroup *root = cgroup_root();
	struct cpu_set apart = { { atomic_u64_load(&root->cpus_given) } };

	if (!partition_count && !cpus_isolated && !apart.bits[0])
		return;
	cpus_isolated = apart.bits[0] ? cgroup_find_isolated(root) : 0;
	struct cpu_set isolated = { { cpus_isolated } };

	cpu_set_apart(&apart, &isolated);
}
