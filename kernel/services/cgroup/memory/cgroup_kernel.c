// SPDX-License-Identifier: MPL-2.0
// Kernel memory of a group: the other side of core/memory_account.h.
//
// An allocation may happen under any lock, so at memory.max it neither waits nor kills. It gives back clean page cache
// if it can; then it passes the limit by a little, and the task pays on its way back to user mode, where nothing is held:
// cgroup_memory_settle() reclaims and kills until the group fits again. What would pass the limit by more than that
// little fails. The little: a thirty-second of the limit, and room for a task to end. What is charged to a group by a
// task that is none of its own (memory_account_borrow) stays within the limit: that task would not pay for it.
#include <core/cpu.h>
#include <services/cgroup/cgroup_hierarchy.h>
#include <services/cgroup/member_ops.h>

enum { EXCESS_DIVISOR = 32, EXCESS_PAGES_MIN = 16 };

u32 cgroup_memory_account(struct cgroup *g)
{
	return cgroup_domain(g)->account;
}

err_t cgroup_kernel_create(struct cgroup *g)
{
	g->account = memory_account_open(&g->object);
	return g->account ? OK : -ENOMEM;
}

void cgroup_kernel_retire(struct cgroup *g)
{
	memory_account_retire(g->account);
}

void cgroup_kernel_fini(struct cgroup *g)
{
	memory_account_close(g->account);
}

void cgroup_kernel_flush(struct cgroup *g)
{
	for (struct cgroup *c = cgroup_next_below(g, NULL); c; c = cgroup_next_below(g, c))
		memory_account_flush(c->account);
}

u64 cgroup_kernel_bytes(const struct cgroup *g borrowed, enum memory_account_kind kind)
{
	s64 bytes = atomic_s64_load(array_ptr(g->kernel_bytes, kind));

	return bytes > 0 ? (u64)bytes : 0;
}

// --- what the core asks for --------------------------------------------------------------------------

// The task looks at its group's limits before it returns to user mode.
static void cgroup_kernel_settle_later(void)
{
	struct task *t = task_current();

	if (t && !memory_account_is_borrowed())
		task_post_work(t, TASK_WORK_SERVICE);
}

static bool cgroup_kernel_may_exceed(const struct cgroup *g borrowed, u64 pages)
{
	u64 most = atomic_u64_load_relaxed(&g->memory_max), now = atomic_u64_load_relaxed(&g->memory);

	return cgroup_task_is_dying() || now + pages <= most + most / EXCESS_DIVISOR + EXCESS_PAGES_MIN;
}

static u64 cgroup_kernel_charge_full(struct cgroup *g, struct cgroup *full, u64 pages)
{
	if (!cpu_is_atomic()) {
		memory_account_suspend();
		u64 freed = cgroup_memory_reclaim_clean(full, pages);

		memory_account_resume();
		full = freed ? cgroup_memory_try(g, pages) : full;
		if (!full)
			return pages;
	}
	// For others only what cannot wait: a group that is full of clean cache would lose every segment to itself.
	if (memory_account_is_borrowed() && !cpu_is_atomic())
		return 0;
	if (!memory_account_is_borrowed()) {
		atomic_u32_store_relaxed(&full->kernel_refused, 1);
		cgroup_kernel_settle_later();
	}
	for (struct cgroup *a = g; a; a = a->parent)
		if (!cgroup_kernel_may_exceed(a, pages))
			return 0;
	cgroup_memory_force(g, pages);
	return pages;
}

static u64 cgroup_kernel_charge(struct object *group, u64 need, u64 want)
{
	struct cgroup *g = cgroup_of_object(group), *full = cgroup_memory_try(g, want);

	for (struct cgroup *a = g; a; a = a->parent)
		if (atomic_u64_load_relaxed(&a->memory) > atomic_u64_load_relaxed(&a->memory_high))
			cgroup_kernel_settle_later();
	if (!full)
		return want;
	if (need < want) {
		full = cgroup_memory_try(g, need);
		if (!full)
			return need;
	}
	return cgroup_kernel_charge_full(g, full, need);
}

static void cgroup_kernel_uncharge(struct object *group, u64 pages)
{
	cgroup_memory_take_back(cgroup_of_object(group), NULL, pages);
}

static void cgroup_kernel_count(struct object *group, enum memory_account_kind kind, s64 bytes)
{
	for (struct cgroup *a = cgroup_of_object(group); a; a = a->parent)
		atomic_s64_add(array_ptr(a->kernel_bytes, kind), bytes);
}

static const struct memory_account_ops cgroup_account_ops = {
	.charge = cgroup_kernel_charge,
	.uncharge = cgroup_kernel_uncharge,
	.count = cgroup_kernel_count,
};

void cgroup_kernel_init(void)
{
	memory_account_register(&cgroup_account_ops);
}
