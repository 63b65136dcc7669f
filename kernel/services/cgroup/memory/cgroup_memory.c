// SPDX-License-Identifier: MPL-2.0
// The memory controller: counters from the charged group up to the root, and what happens at memory.max:
// reclaim of the group's page cache, then a kill within the group, then the charge is refused. A task that is
// dying is charged beyond the limit, so that it can end.
#include <core/cpu.h>
#include <core/task.h>
#include <core/time.h>
#include <services/cgroup/cgroup_hierarchy.h>
#include <services/cgroup/memory_stall.h>

enum { CHARGE_ATTEMPTS_MAX = 200, RECLAIM_PAGES_MIN = 32 };
#define KILL_WAIT_NS (5 * NS_PER_MS)
// times the square of the excess in thousandths: a tenth costs 20 ms a page
#define HIGH_DELAY_UNIT_NS 2000ul
#define HIGH_DELAY_MAX_NS (100 * NS_PER_MS)

DEFINE_ONCE(cgroup_memory_ops_cell, const struct cgroup_memory_ops);
static struct cgroup_memory_ops_cell memory_ops_cell;

void cgroup_set_memory_ops(const struct cgroup_memory_ops *ops)
{
	cgroup_memory_ops_cell_set(&memory_ops_cell, ops);
}

void cgroup_memory_take_back(struct cgroup *g, struct cgroup *end, u64 pages)
{
	for (; g != end; g = g->parent)
		atomic_u64_sub(&g->memory, pages);
}

struct cgroup *cgroup_memory_try(struct cgroup *g, u64 pages)
{
	for (struct cgroup *a = g; a; a = a->parent) {
		u64 now = atomic_u64_add(&a->memory, pages) + pages;

		if (now > atomic_u64_load_relaxed(&a->memory_max)) {
			cgroup_memory_take_back(g, a->parent, pages);
			return a;
		}
		if (now > atomic_u64_load_relaxed(&a->memory_peak))
			atomic_u64_store_relaxed(&a->memory_peak, now);
	}
	return NULL;
}

static void cgroup_memory_note_peak(struct cgroup *g, u64 now)
{
	if (now > atomic_u64_load_relaxed(&g->memory_peak))
		atomic_u64_store_relaxed(&g->memory_peak, now);
}

void cgroup_memory_force(struct cgroup *g, u64 pages)
{
	for (struct cgroup *a = g; a; a = a->parent)
		cgroup_memory_note_peak(a, atomic_u64_add(&a->memory, pages) + pages);
}

bool cgroup_task_is_dying(void)
{
	struct task *t = task_current();

	return t && task_pending_work(t) & TASK_WORK_KILL;
}

// Kills in g. True when somebody is dying now.
static bool cgroup_memory_kill(struct cgroup *g, const struct cgroup_memory_ops *ops)
{
	cgroup_count_event(g, CGROUP_EVENT_OOM);
	return ops->kill(g);
}

struct cgroup *cgroup_out_of_memory_scope(struct cgroup *victims, struct cgroup *within)
{
	struct cgroup *scope = NULL;

	for (struct cgroup *a = victims; a && a->parent; a = a->parent) {
		if (atomic_u32_load(&a->memory_oom_group))
			scope = a;
		if (a == within)
			break;
	}
	return scope;
}

void cgroup_out_of_memory_kill(struct cgroup *scope)
{
	cgroup_count_event(scope, CGROUP_EVENT_OOM_GROUP_KILL);
	mutex_guard(&cgroup_tree_lock);
	cgroup_kill(scope);
}

static bool cgroup_memory_relieve_stalled(struct cgroup *g, u64 pages)
{
	const struct cgroup_memory_ops *ops = cgroup_memory_ops_cell_get(&memory_ops_cell);

	if (!ops)
		return false;
	if (ops->reclaim(g, max(pages, (u64)RECLAIM_PAGES_MIN), CGROUP_RECLAIM_WRITE))
		return true;
	if (!cgroup_memory_kill(g, ops))
		return false;
	if (cgroup_task_is_dying())
		return true;
	// The one that was killed needs time to give its memory back.
	return task_sleep_until(clock_monotonic_ns() + KILL_WAIT_NS, WAIT_KILLABLE) != -ERESTARTSYS ||
		cgroup_task_is_dying();
}

// g is at its maximum. True: try again.
static bool cgroup_memory_relieve(struct cgroup *g, u64 pages)
{
	if (cpu_is_atomic())
		return false;
	memstall_enter();
	bool again = cgroup_memory_relieve_stalled(g, pages);

	memstall_leave();
	return again;
}

// How long a page beyond memory.high costs its owner: more the further beyond, so that a group that goes on growing
// comes to a crawl and its owner can act.
static u64 cgroup_memory_high_delay_ns(u64 now, u64 high)
{
	u64 permille = (now - high) * 1000 / max(high, 1ul);

	permille = min(permille, 2000ul);
	return min(permille * permille * HIGH_DELAY_UNIT_NS, HIGH_DELAY_MAX_NS);
}

// Above memory.high: give back and slow down, never refuse.
static void cgroup_memory_check_high(struct cgroup *g)
{
	const struct cgroup_memory_ops *ops = cgroup_memory_ops_cell_get(&memory_ops_cell);

	for (struct cgroup *a = g; a; a = a->parent) {
		u64 high = atomic_u64_load_relaxed(&a->memory_high), now = atomic_u64_load_relaxed(&a->memory);

		if (now <= high || !ops || cpu_is_atomic())
			continue;
		cgroup_count_event(a, CGROUP_EVENT_HIGH);
		memstall_enter();
		// What it leaves costs time.
		(void)ops->reclaim(a, max(now - high, (u64)RECLAIM_PAGES_MIN), CGROUP_RECLAIM_WRITE);
		now = atomic_u64_load_relaxed(&a->memory);
		if (now > high && !cgroup_task_is_dying())
			(void)task_sleep_until(clock_monotonic_ns() + cgroup_memory_high_delay_ns(now, high),
				WAIT_KILLABLE);
		memstall_leave();
	}
}

err_t cgroup_charge_memory(struct cgroup *g, u64 pages, enum cgroup_memory_kind kind)
{
	for (u32 attempt = 0;; attempt++) {
		struct cgroup *full = cgroup_memory_try(g, pages);

		if (!full)
			break;
		if (cgroup_task_is_dying()) {
			cgroup_memory_force(g, pages);
			break;
		}
		if (!attempt)
			cgroup_count_event(full, CGROUP_EVENT_MAX);
		if (attempt >= CHARGE_ATTEMPTS_MAX || !cgroup_memory_relieve(full, pages))
			return -ENOMEM;
	}
	for (struct cgroup *a = g; a; a = a->parent)
		atomic_u64_add(array_ptr(a->memory_kind, kind), pages);
	cgroup_memory_check_high(g);
	return OK;
}

void cgroup_charge_memory_at_once(struct cgroup *g, u64 pages, enum cgroup_memory_kind kind)
{
	const struct cgroup_memory_ops *ops = cgroup_memory_ops_cell_get(&memory_ops_cell);
	struct cgroup *full = cgroup_memory_try(g, pages);

	if (full) {
		if (ops && !cpu_is_atomic())
			(void)ops->reclaim(full, max(pages, (u64)RECLAIM_PAGES_MIN), CGROUP_RECLAIM_CLEAN);
		cgroup_memory_force(g, pages);
	}
	for (struct cgroup *a = g; a; a = a->parent)
		atomic_u64_add(array_ptr(a->memory_kind, kind), pages);
}

void cgroup_uncharge_memory(struct cgroup *g, u64 pages, enum cgroup_memory_kind kind)
{
	for (struct cgroup *a = g; a; a = a->parent) {
		atomic_u64_sub(&a->memory, pages);
		atomic_u64_sub(array_ptr(a->memory_kind, kind), pages);
	}
}

u64 cgroup_memory_reclaim_clean(struct cgroup *g, u64 pages)
{
	const struct cgroup_memory_ops *ops = cgroup_memory_ops_cell_get(&memory_ops_cell);

	return ops ? ops->reclaim(g, max(pages, (u64)RECLAIM_PAGES_MIN), CGROUP_RECLAIM_CLEAN) : 0;
}

static void cgroup_memory_settle_one(struct cgroup *g)
{
	if (atomic_u32_load_relaxed(&g->kernel_refused) && atomic_u32_exchange(&g->kernel_refused, 0))
		cgroup_count_event(g, CGROUP_EVENT_MAX);
	for (u32 attempt = 0; attempt < CHARGE_ATTEMPTS_MAX && !cgroup_task_is_dying(); attempt++) {
		u64 now = atomic_u64_load_relaxed(&g->memory), most = atomic_u64_load_relaxed(&g->memory_max);

		if (now <= most || !cgroup_memory_relieve(g, now - most))
			return;
	}
}

void cgroup_memory_settle(struct cgroup *g)
{
	for (struct cgroup *a = g; a; a = a->parent)
		cgroup_memory_settle_one(a);
	cgroup_memory_check_high(g);
}

void cgroup_note_out_of_memory_kill(struct cgroup *g)
{
	cgroup_count_event(g, CGROUP_EVENT_OOM_KILL);
}

void cgroup_shrink_to(struct cgroup *g, u64 pages)
{
	for (u32 attempt = 0; attempt < CHARGE_ATTEMPTS_MAX; attempt++) {
		u64 now = atomic_u64_load(&g->memory);

		if (now <= pages || !cgroup_memory_relieve(g, now - pages))
			return;
	}
}

u64 cgroup_reclaim(struct cgroup *g, u64 pages)
{
	const struct cgroup_memory_ops *ops = cgroup_memory_ops_cell_get(&memory_ops_cell);

	return ops ? ops->reclaim(g, pages, CGROUP_RECLAIM_WRITE) : 0;
}
