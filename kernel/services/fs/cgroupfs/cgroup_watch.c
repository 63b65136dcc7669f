// SPDX-License-Identifier: MPL-2.0
// inotify on files of events: a kernel thread's work, because a change may come under spinlocks.
#include <core/once.h>
#include <core/work.h>
#include <services/fs/cgroupfs/cgroup_files.h>
#include <services/vfs/notify.h>

struct cgroup_watch_work {
	struct work base;
};
static void cgroup_watch_work_release(struct cgroup_watch_work *w)
{
}
DEFINE_DERIVED(cgroup_watch_work, work, cgroup_watch_work_release)
DEFINE_ONCE(cgroup_watch_cell, struct cgroup_watch_work);
static struct cgroup_watch_cell watch_cell;

// value: bits by enum cgroup_event_file.
static enum notify_match cgroup_watch_match(struct inode *i, const struct object *subject, u64 value)
{
	struct pseudo_inode *n = pseudo_inode_of(i);
	const struct object *shown = n->subject;

	if (shown != subject || i->type != S_IFREG)
		return NOTIFY_NO_MATCH;
	const struct cgroup_file *f = cgroup_file_at(n->value[0]);

	return f->flags & CGROUP_FILE_EVENTS && value >> f->which & 1 ? NOTIFY_IS_FILE : NOTIFY_NO_MATCH;
}

static void cgroup_watch_run(struct work *w)
{
	for (;;) {
		u32 files = 0;
		struct cgroup *g object_auto(cgroup) = cgroup_take_changed(&files);

		if (!g)
			return;
		notify_modified_by_kernel(&cgroupfs_type, bytes_empty(), cgroup_watch_match, &g->object, files);
	}
}

static void cgroup_watch_changed(void)
{
	work_schedule(&cgroup_watch_cell_get(&watch_cell)->base);
}

static bool cgroup_is_watched(void)
{
	return notify_is_active();
}

static const struct cgroup_watch_ops cgroup_watch_ops = { cgroup_is_watched, cgroup_watch_changed };

err_t cgroup_watch_init(void)
{
	struct cgroup_watch_work *w object_auto(cgroup_watch_work) = cgroup_watch_work_alloc();

	if (!w)
		return -ENOMEM;
	w->base.run = cgroup_watch_run;
	cgroup_watch_cell_set(&watch_cell, take(w));
	cgroup_set_watch_ops(&cgroup_watch_ops);
	return OK;
}
