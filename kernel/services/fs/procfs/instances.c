// SPDX-License-Identifier: MPL-2.0
// Theory: the dentry cache would keep the folder of a dead process, and with it the process's pid and pid
// namespace, until memory runs short; but namespaces are counted against their owner's limit. So a process
// that has been waited for is forgotten in the instance of each namespace that it has a number in. The
// first instance of a namespace is found by the namespace's number; names in further ones (a second mount
// for the same namespace) wait for the cache's own reclaim.
#include <core/text.h>
#include <services/fs/procfs/procfs_internal.h>
#include <services/vfs/dentry.h>

DEFINE_INDEX(proc_superblock_index, superblock)

static struct spinlock instances_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct proc_superblock_index instances GUARDED_BY(instances_lock);	// by number; no reference

static u64 instance_number(struct pid_namespace *pids)
{
	return pid_namespace_base(pids)->number;
}

void proc_instance_enter(struct proc_instance *i, struct superblock *sb)
{
	spin_guard(&instances_lock);
	if (!proc_superblock_index_at(&instances, instance_number(i->pids)) &&
		proc_superblock_index_set(&instances, instance_number(i->pids), sb) == OK)
		i->is_found = 1;
}

// The superblock that holds the instance is on its way out: its last reference is gone.
void proc_instance_leave(struct proc_instance *i)
{
	spin_guard(&instances_lock);
	if (i->is_found)
		proc_superblock_index_remove(&instances, instance_number(i->pids));
}

static struct superblock *instance_of(struct pid_namespace *pids) owned;
static struct superblock *instance_of(struct pid_namespace *pids)
{
	spin_guard(&instances_lock);
	return superblock_try_get(proc_superblock_index_at(&instances, instance_number(pids)));
}

static void forget_name(struct superblock *sb, u32 number)
{
	u8 name[12] = { };
	struct text t = text_to(array_span(name));
	struct dentry *root object_auto(dentry) = superblock_root(sb);

	text_printf(&t, "%u", number);
	struct dentry *d object_auto(dentry) = root ? dentry_find(root, text_bytes(&t)) : NULL;
	if (!d)
		return;
	dentry_drop_below(d);
	dentry_invalidate(d);
}

void proc_forget_pid(struct pid *pid)
{
	u32 level = pid_level(pid);

	for (struct pid_namespace *ns = pid_namespace_of(pid); ns; ns = pid_namespace_parent(ns), level--) {
		struct superblock *sb object_auto(superblock) = instance_of(ns);

		if (sb)
			forget_name(sb, pid_number_at(pid, level));
	}
}
