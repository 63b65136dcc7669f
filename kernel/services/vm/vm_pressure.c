// SPDX-License-Identifier: MPL-2.0
// What the core does when memory runs short: reclaim from the page cache, then the out-of-memory policy that
// services/process registers. The same two for a cgroup at its memory.max.
#include <core/cpu.h>
#include <core/memory.h>
#include <core/once.h>
#include <core/wait.h>
#include <core/work.h>
#include <services/cgroup/cgroup.h>
#include <services/cgroup/memory_stall.h>
#include <services/vfs/dentry.h>
#include <services/vm/vm_space_internal.h>

enum { NAMES_AT_ONCE = 4096 };
#define NAMES_WAIT_NS (50 * NS_PER_MS)
#define NAMES_WAIT_GROUP_NS (1000 * NS_PER_MS)	// before somebody in the group has to die

static struct spinlock oom_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static bool (*oom_kill)(struct cgroup *within) GUARDED_BY(oom_lock);

void vm_set_out_of_memory_hook(bool (*kill)(struct cgroup *within))
{
	spin_guard(&oom_lock);
	oom_kill = kill;
}

static bool vm_out_of_memory_within(struct cgroup *within)
{
	bool (*kill)(struct cgroup *);
	{
		spin_guard(&oom_lock);
		kill = oom_kill;
	}
	return kill && kill(within);
}

// --- unused names ----------------------------------------------------------------------------
// Forgetting a name may end an inode, which takes locks of its file system: so it is done by a kernel thread, and
// who needs memory waits for it a little.

struct vm_name_reclaimer {
	struct work base;
	struct wait_queue done;
	struct atomic_u64 rounds, forgotten;	// names of the last round
	struct spinlock lock;
	struct cgroup *only GUARDED_BY(lock);	// reference: whose names the next round is for; NULL: the machine's
};
static exclusive_access void vm_name_reclaimer_release(struct vm_name_reclaimer *r)
{
	if (r->only)
		cgroup_put(take(r->only));
}
DEFINE_DERIVED(vm_name_reclaimer, work, vm_name_reclaimer_release)
DEFINE_ONCE(vm_name_reclaimer_cell, struct vm_name_reclaimer);
static struct vm_name_reclaimer_cell name_reclaimer;

static void vm_name_reclaimer_run(struct work *w)
{
	struct vm_name_reclaimer *r = vm_name_reclaimer_from_work(w);
	struct cgroup *only object_auto(cgroup) = NULL;
	{
		spin_guard(&r->lock);
		only = take(r->only);
	}
	u64 count = dentry_reclaim(NAMES_AT_ONCE, only);

	// The first pass may only take away the marks of having been used.
	if (!count)
		count = dentry_reclaim(NAMES_AT_ONCE, only);
	atomic_u64_store(&r->forgotten, count);
	atomic_u64_add(&r->rounds, 1);
	wait_queue_wake_all(&r->done, ~0u);
}

// Pages freed meanwhile, by whatever.
static u64 vm_reclaim_names(void)
{
	struct vm_name_reclaimer *r = vm_name_reclaimer_cell_get(&name_reclaimer);
	u64 free_before = memory_read_totals().free_pages;

	if (!r || cpu_is_atomic() || !dentry_count_unused())
		return 0;
	u64 rounds = atomic_u64_load(&r->rounds);

	work_schedule(&r->base);
	// A time-out counts as no success.
	(void)wait_event(
		&r->done, WAIT_KILLABLE, clock_monotonic_ns() + NAMES_WAIT_NS, atomic_u64_load(&r->rounds) != rounds);
	u64 free_after = memory_read_totals().free_pages;

	return free_after > free_before ? free_after - free_before : 0;
}

// A round for g; when one for another group is asked for already, that one. Names forgotten.
static u64 vm_reclaim_names_of(struct cgroup *g)
{
	struct vm_name_reclaimer *r = vm_name_reclaimer_cell_get(&name_reclaimer);

	if (!r || cpu_is_atomic())
		return 0;
	u64 rounds = atomic_u64_load(&r->rounds);
	struct cgroup *own object_auto(cgroup) = cgroup_get(g);
	{
		spin_guard(&r->lock);
		if (!r->only)
			r->only = take(own);
	}
	work_schedule(&r->base);
	err_t e = wait_event(&r->done, WAIT_KILLABLE, clock_monotonic_ns() + NAMES_WAIT_GROUP_NS,
		atomic_u64_load(&r->rounds) != rounds);

	return e ? 0 : atomic_u64_load(&r->forgotten);
}

static u64 vm_reclaim(u64 pages, u32 flags)
{
	if (flags & (PAGE_ALLOC_ATOMIC | PAGE_ALLOC_RECLAIM_OFF) || cpu_is_atomic())
		return pagecache_reclaim(pages, flags, NULL);
	memstall_enter();
	u64 freed = pagecache_reclaim(pages, flags, NULL);

	if (!freed)
		freed = vm_reclaim_names();
	memstall_leave();
	return freed;
}

void vm_drop_caches(u32 what)
{
	u32 idle = 0;

	// Twice nothing: the first time may only take away the marks of having been used.
	while (what & VM_DROP_PAGES && idle < 2)
		idle = pagecache_reclaim(1ul << 20, 0, NULL) ? 0 : idle + 1;
	idle = 0;
	while (what & VM_DROP_NAMES && idle < 2)
		idle = dentry_reclaim(NAMES_AT_ONCE, NULL) ? 0 : idle + 1;
	if (what & VM_DROP_NAMES)
		(void)memory_give_back();
}

static bool vm_out_of_memory(void)
{
	return vm_out_of_memory_within(NULL);
}

static const struct memory_pressure_ops vm_pressure_ops = {
	.reclaim = vm_reclaim,
	.out_of_memory = vm_out_of_memory,
};

static u64 vm_cgroup_reclaim(struct cgroup *g, u64 pages, enum cgroup_reclaim_mode mode)
{
	if (mode == CGROUP_RECLAIM_CLEAN)
		return pagecache_reclaim(pages, PAGE_ALLOC_RECLAIM_OFF, g);
	u64 freed = pagecache_reclaim(pages, 0, g);

	return freed ? freed : vm_reclaim_names_of(g);
}

static const struct cgroup_memory_ops vm_cgroup_memory_ops = {
	.reclaim = vm_cgroup_reclaim,
	.kill = vm_out_of_memory_within,
};

void vm_pressure_init(void)
{
	struct vm_name_reclaimer *r object_auto(vm_name_reclaimer) = vm_name_reclaimer_alloc();

	if (r) {
		r->base.run = vm_name_reclaimer_run;
		wait_queue_init(&r->done);
		spin_init(&r->lock, RANK_SERVICE_LEAF);
		vm_name_reclaimer_cell_set(&name_reclaimer, take(r));
	}
	memory_pressure_register(&vm_pressure_ops);
	cgroup_set_memory_ops(&vm_cgroup_memory_ops);
}
