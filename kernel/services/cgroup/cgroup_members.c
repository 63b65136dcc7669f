// SPDX-License-Identifier: MPL-2.0
// Processes of a group: how many live in it and below, freezing, killing, pids.max.
#include <services/cgroup/cgroup_hierarchy.h>

static struct cgroup_member_ops_cell member_ops_cell;

void cgroup_set_member_ops(const struct cgroup_member_ops *ops)
{
	cgroup_member_ops_cell_set(&member_ops_cell, ops);
}

const struct cgroup_member_ops *cgroup_member_ops(void)
{
	return cgroup_member_ops_cell_get(&member_ops_cell);
}

// --- populated -----------------------------------------------------------------------------

static void cgroup_count_member(struct cgroup *g, s64 delta) REQUIRES(cgroup_member_lock)
{
	g->members += (u64)delta;
	for (struct cgroup *a = g; a; a = a->parent) {
		bool was = a->populated;

		a->populated += (u64)delta;
		if (was != (a->populated != 0))
			cgroup_event_changed(a, CGROUP_EVENT_FILE_CORE);
	}
}

bool cgroup_is_populated(struct cgroup *g)
{
	spin_guard(&cgroup_member_lock);
	return g->populated;
}

err_t cgroup_member_enter(struct cgroup *g)
{
	spin_guard(&cgroup_member_lock);
	if (atomic_u32_load(&g->is_removed))
		return -ENODEV;
	cgroup_count_member(g, 1);
	return OK;
}

void cgroup_member_leave(struct cgroup *g)
{
	spin_guard(&cgroup_member_lock);
	cgroup_count_member(g, -1);
}

err_t cgroup_member_move(struct cgroup *from, struct cgroup *to, u32 threads)
{
	{
		spin_guard(&cgroup_member_lock);
		if (atomic_u32_load(&to->is_removed))
			return -ENODEV;
		cgroup_count_member(to, 1);
		cgroup_count_member(from, -1);
	}
	// A move may pass pids.max: the limit stops only forks.
	for (struct cgroup *a = to; a; a = a->parent)
		atomic_u64_add(&a->pids, threads);
	for (struct cgroup *a = from; a; a = a->parent)
		atomic_u64_sub(&a->pids, threads);
	return OK;
}

// --- pids ----------------------------------------------------------------------------------

// Takes back the charges from g up to, not including, `end`.
static void cgroup_cancel_pid(struct cgroup *g, struct cgroup *end)
{
	for (; g != end; g = g->parent)
		atomic_u64_sub(&g->pids, 1);
}

err_t cgroup_charge_pid(struct cgroup *g)
{
	for (struct cgroup *a = g; a; a = a->parent) {
		u64 now = atomic_u64_add(&a->pids, 1) + 1;

		if (now > atomic_u64_load_relaxed(&a->pids_max)) {
			cgroup_cancel_pid(g, a->parent);
			cgroup_count_event(a, CGROUP_EVENT_PIDS_MAX);
			return -EAGAIN;
		}
		if (now > atomic_u64_load_relaxed(&a->pids_peak))
			atomic_u64_store_relaxed(&a->pids_peak, now);
	}
	return OK;
}

void cgroup_uncharge_pid(struct cgroup *g)
{
	cgroup_cancel_pid(g, NULL);
}

// --- freezing ------------------------------------------------------------------------------

bool cgroup_is_frozen(const struct cgroup *g borrowed)
{
	return atomic_u32_load(&g->freeze_depth) != 0;
}

struct wait_queue *cgroup_freeze_event(struct cgroup *g)
{
	return &g->freeze_event;
}

void cgroup_note_frozen(struct cgroup *g, s32 delta)
{
	spin_guard(&cgroup_member_lock);
	for (struct cgroup *a = g; a; a = a->parent) {
		a->frozen_threads += (u64)(s64)delta;
		cgroup_event_changed(a, CGROUP_EVENT_FILE_CORE);
	}
}

void cgroup_freeze(struct cgroup *g, u32 is_frozen)
{
	const struct cgroup_member_ops *ops = cgroup_member_ops();

	if (atomic_u32_exchange(&g->freeze_wanted, is_frozen) == is_frozen)
		return;
	for (struct cgroup *c = cgroup_next_below(g, NULL); c; c = cgroup_next_below(g, c)) {
		if (is_frozen)
			atomic_u32_add(&c->freeze_depth, 1);
		else
			atomic_u32_sub(&c->freeze_depth, 1);
		wait_queue_wake_all(&c->freeze_event, ~0u);
		if (ops)
			ops->freeze_changed(c);
		cgroup_event_changed(c, CGROUP_EVENT_FILE_CORE);
	}
}

void cgroup_kill(struct cgroup *g)
{
	const struct cgroup_member_ops *ops = cgroup_member_ops();

	for (struct cgroup *c = cgroup_next_below(g, NULL); c && ops; c = cgroup_next_below(g, c))
		ops->kill(c);
}
