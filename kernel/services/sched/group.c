// SPDX-License-Identifier: MPL-2.0
// Shares of groups.
//
// Theory: there is one order of tasks on a CPU, not one a group. A task of weight w in a group of weight W whose
// runnable tasks weigh L together counts as a task of weight w * W / L of the parent, and so on up to the root. L is
// summed over all CPUs, so a group gets its weight wherever its tasks run. A group counts in its parent while
// something is runnable in it: the count is settled under the group's lock at each change from or to nothing.
#include <core/once.h>
#include <services/sched/group.h>
#include <services/sched/pressure_internal.h>

DEFINE_ONCE(sched_group_cell, struct sched_group);
static struct sched_group_cell root_cell;

err_t sched_group_init(struct sched_group *g, struct sched_group *parent)
{
	spin_init(&g->lock, RANK_TASK);
	g->parent = parent;
	g->depth = parent ? parent->depth + 1 : 0;
	sched_group_set_weight(g, SCHED_WEIGHT_NORMAL);
	err_t e = pressure_init(&g->pressure);

	if (e)
		return e;
	pressure_list(g);
	if (!parent)
		sched_group_cell_set(&root_cell, g);
	return OK;
}

void sched_group_fini(struct sched_group *g)
{
	pressure_unlist(g);
	pressure_fini(&g->pressure);
}

struct sched_group *sched_group_root(void)
{
	return sched_group_cell_get(&root_cell);
}

// Makes the parent's count of g right; what that adds to the parent's load.
static s64 sched_group_settle(struct sched_group *g)
{
	irq_guard(&g->lock);
	u32 wanted = atomic_u64_load(&g->load) ? g->weight : 0;
	s64 change = (s64)wanted - (s64)g->counted;

	g->counted = wanted;
	return change;
}

void sched_group_add_load(struct sched_group *g, s64 weight)
{
	while (g && g->parent && weight) {
		u64 before = atomic_u64_add(&g->load, (u64)weight);

		if ((before != 0) == (before + (u64)weight != 0))
			return;
		weight = sched_group_settle(g);
		g = g->parent;
	}
}

static void sched_group_store_weight(struct sched_group *g, u32 weight)
{
	irq_guard(&g->lock);
	g->weight = weight;
	atomic_u32_store(&g->weight_now, weight);
}

void sched_group_set_weight(struct sched_group *g, u32 weight)
{
	sched_group_store_weight(g, weight);
	sched_group_add_load(g->parent, sched_group_settle(g));
}

u64 sched_group_factor(const struct sched_group *g borrowed)
{
	u64 factor = 1ul << SCHED_FACTOR_SHIFT;

	for (; g && g->parent; g = g->parent) {
		// A change on its way up may arrive after its opposite: for a moment less than nothing is there.
		s64 load = (s64)atomic_u64_load_relaxed(&g->load);
		u64 weight = atomic_u32_load_relaxed(&g->weight_now);

		if (load > 0 && (u64)load != weight)
			factor = factor * weight / (u64)load;
	}
	return max(factor, 1ul);
}
