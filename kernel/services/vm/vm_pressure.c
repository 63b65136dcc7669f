// SPDX-License-Identifier: MPL-2.0
// What the core does when memory runs short: reclaim from the page cache, then the out-of-memory policy that
// services/process registers. The same two for a cgroup at its memory.max.
#include <core/memory.h>
#include <services/cgroup/cgroup.h>
#include <services/vm/vm_space_internal.h>

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

static u64 vm_reclaim(u64 pages, u32 flags)
{
	return pagecache_reclaim(pages, flags, NULL);
}

static bool vm_out_of_memory(void)
{
	return vm_out_of_memory_within(NULL);
}

static const struct memory_pressure_ops vm_pressure_ops = {
	.reclaim = vm_reclaim,
	.out_of_memory = vm_out_of_memory,
};

static u64 vm_cgroup_reclaim(struct cgroup *g, u64 pages)
{
	return pagecache_reclaim(pages, 0, g);
}

static const struct cgroup_memory_ops vm_cgroup_memory_ops = {
	.reclaim = vm_cgroup_reclaim,
	.kill = vm_out_of_memory_within,
};

void vm_pressure_init(void)
{
	memory_pressure_register(&vm_pressure_ops);
	cgroup_set_memory_ops(&vm_cgroup_memory_ops);
}
