// SPDX-License-Identifier: MPL-2.0
// Changes of the files of events: who polls one is woken at once; who watches it with inotify is told by a kernel
// thread of services/fs/cgroupfs, which takes the changed groups from the list here. A change may come under spinlocks.
#include <services/cgroup/cgroup_hierarchy.h>

DEFINE_LIST(cgroup_changed_list, cgroup, changed_link)

static struct spinlock changed_lock = SPINLOCK_INIT(RANK_EVENT_SOURCE);
static struct cgroup_changed_list changed GUARDED_BY(changed_lock);	// each with one reference
static struct cgroup_watch_ops_cell watch_ops_cell;

void cgroup_set_watch_ops(const struct cgroup_watch_ops *ops)
{
	cgroup_watch_ops_cell_set(&watch_ops_cell, ops);
}

static void cgroup_queue_change(struct cgroup *g, enum cgroup_event_file file)
{
	struct cgroup *r object_auto(cgroup) = cgroup_get(g);

	atomic_u32_or(&g->changed_files, 1u << file);
	irq_guard(&changed_lock);
	if (!cgroup_changed_list_is_linked(g)) {
		cgroup_changed_list_append(&changed, g);
		(void)take(r); // the list's
	}
}

void cgroup_event_changed(struct cgroup *g, enum cgroup_event_file file)
{
	const struct cgroup_watch_ops *ops = cgroup_watch_ops_cell_get(&watch_ops_cell);

	atomic_u64_add(array_ptr(g->event_version, file), 1);
	wait_queue_wake_all(&g->event, ~0u);
	if (!ops || !ops->is_watched())
		return;
	cgroup_queue_change(g, file);
	ops->changed();
}

struct cgroup *cgroup_take_changed(u32 *files borrowed)
{
	irq_guard(&changed_lock);
	struct cgroup *g object_auto(cgroup) = cgroup_changed_list_pop(&changed); // the list's reference

	if (g)
		*files = atomic_u32_exchange(&g->changed_files, 0);
	return take(g);
}
