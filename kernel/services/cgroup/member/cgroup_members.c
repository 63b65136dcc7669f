// SPDX-License-Identifier: MPL-2.0
// Members of a group: the list of them, how many live in it and below, freezing, killing, pids.max.
#include <services/cgroup/cgroup_hierarchy.h>

static struct cgroup_member_ops_cell member_ops_cell;
static u64 last_number GUARDED_BY(cgroup_member_lock);

void cgroup_set_member_ops(const struct cgroup_member_ops *ops)
{
	cgroup_member_ops_cell_set(&member_ops_cell, ops);
}

const struct cgroup_member_ops *cgroup_member_ops(void)
{
	return cgroup_member_ops_cell_get(&member_ops_cell);
}

// --- the list ------------------------------------------------------------------------------

// Does the answer to "are all frozen" change with what was done?
static void cgroup_settle_frozen(struct cgroup *g) REQUIRES(cgroup_member_lock)
{
	u32 is_frozen = atomic_u32_load(&g->freeze_depth) && g->frozen_threads >= g->populated;

	if (g->is_frozen == is_frozen)
		return;
	g->is_frozen = is_frozen;
	cgroup_event_changed(g, CGROUP_EVENT_FILE_CORE);
}

static void cgroup_count_members(struct cgroup *g, s64 delta, s64 frozen) REQUIRES(cgroup_member_lock)
{
	for (struct cgroup *a = g; a; a = a->parent) {
		bool was = a->populated;

		a->populated += (u64)delta;
		a->frozen_threads += (u64)frozen;
		if (was != (a->populated != 0))
			cgroup_event_changed(a, CGROUP_EVENT_FILE_CORE);
		cgroup_settle_frozen(a);
	}
}

static void cgroup_list_member(struct cgroup *g, struct task *t) REQUIRES(cgroup_member_lock)
{
	t->member_number = ++last_number;
	cgroup_member_list_append(&g->members, t);
}

void cgroup_members_init(struct cgroup *g)
{
	spin_guard(&cgroup_member_lock);
	g->is_frozen = atomic_u32_load(&g->freeze_depth) != 0;
}

bool cgroup_is_populated(struct cgroup *g)
{
	spin_guard(&cgroup_member_lock);
	return g->populated;
}

err_t cgroup_member_enter(struct cgroup *g, struct task *t, struct cgroup **domain borrowed)
{
	spin_guard(&cgroup_member_lock);
	if (atomic_u32_load(&g->is_removed))
		return -ENODEV;
	cgroup_list_member(g, t);
	cgroup_count_members(g, 1, 0);
	*domain = cgroup_get(cgroup_domain(g));
	return OK;
}

void cgroup_member_leave(struct cgroup *g, struct task *t)
{
	spin_guard(&cgroup_member_lock);
	cgroup_member_list_remove(&g->members, t);
	cgroup_count_members(g, -1, 0);
}

void cgroup_member_move(struct cgroup *from, struct cgroup *to, struct task *t, enum cgroup_member_state state)
{
	s64 frozen = state == CGROUP_MEMBER_IS_FROZEN;
	{
		spin_guard(&cgroup_member_lock);
		cgroup_member_list_remove(&from->members, t);
		cgroup_list_member(to, t);
		cgroup_count_members(to, 1, frozen);
		cgroup_count_members(from, -1, -frozen);
	}
	cgroup_move_pid(from, to);
}

struct task *cgroup_next_member(struct cgroup *g, struct task *after, u64 *number borrowed)
{
	spin_guard(&cgroup_member_lock);
	bool is_there = after && cgroup_member_list_has(&g->members, after) && after->member_number == *number;
	struct task *t = is_there ? cgroup_member_list_next(after) : cgroup_member_list_first(&g->members);

	// It has left meanwhile: all with lower numbers have had their turn.
	while (t && t->member_number <= *number)
		t = cgroup_member_list_next(t);
	if (!t)
		return NULL;
	*number = t->member_number;
	return task_get(t);
}

void cgroup_for_members(struct cgroup *g, void (*act)(struct task *member))
{
	u64 number = 0;
	struct task *t object_auto(task) = cgroup_next_member(g, NULL, &number);

	while (t) {
		act(t);
		struct task *next object_auto(task) = cgroup_next_member(g, t, &number);

		task_put(take(t));
		t = take(next);
	}
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

// A move may pass pids.max: the limit stops only forks.
void cgroup_move_pid(struct cgroup *from, struct cgroup *to)
{
	for (struct cgroup *a = to; a; a = a->parent)
		atomic_u64_add(&a->pids, 1);
	for (struct cgroup *a = from; a; a = a->parent)
		atomic_u64_sub(&a->pids, 1);
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
	cgroup_count_members(g, 0, delta);
}

static void cgroup_set_freeze_depth(struct cgroup *g, u32 is_frozen)
{
	spin_guard(&cgroup_member_lock);
	if (is_frozen)
		atomic_u32_add(&g->freeze_depth, 1);
	else
		atomic_u32_sub(&g->freeze_depth, 1);
	cgroup_settle_frozen(g);
}

void cgroup_freeze(struct cgroup *g, u32 is_frozen)
{
	const struct cgroup_member_ops *ops = cgroup_member_ops();

	if (atomic_u32_exchange(&g->freeze_wanted, is_frozen) == is_frozen)
		return;
	for (struct cgroup *c = cgroup_next_below(g, NULL); c; c = cgroup_next_below(g, c)) {
		cgroup_set_freeze_depth(c, is_frozen);
		wait_queue_wake_all(&c->freeze_event, ~0u);
		if (ops)
			cgroup_for_members(c, ops->freeze_changed);
	}
}

void cgroup_kill(struct cgroup *g)
{
	const struct cgroup_member_ops *ops = cgroup_member_ops();

	for (struct cgroup *c = cgroup_next_below(g, NULL); c && ops; c = cgroup_next_below(g, c))
		cgroup_for_members(c, ops->kill);
}
