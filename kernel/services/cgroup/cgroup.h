// SPDX-License-Identifier: MPL-2.0
// A control group (cgroup v2): a node of the hierarchy with its controllers' state. Membership is per
// process. Files are services/fs/cgroupfs; here are charges and limits. source: cgroups(7)
// Charging is hierarchical: every ancestor is checked and charged.
#pragma once
#include <core/atomic.h>
#include <core/lock.h>
#include <core/object.h>
#include <core/wait.h>

struct cgroup;
DECLARE_OBJECT(cgroup)
struct cgroup *cgroup_root(void);	// borrowed, lives for ever
struct cgroup *cgroup_of_object(struct object *o);	// borrowed; traps for another type
// Is g the group `ancestor` or below it? g may be NULL (no).
bool cgroup_is_within(const struct cgroup *g, const struct cgroup *ancestor);

// pids: one more / less process or thread. -EAGAIN at a limit (counted in pids.events).
err_t cgroup_charge_pid(struct cgroup *g);
void cgroup_uncharge_pid(struct cgroup *g);

// memory, in pages. -ENOMEM at a limit after reclaim and out-of-memory handling in the group; a task that is
// being killed is charged beyond it. => may sleep
enum cgroup_memory_kind {
	CGROUP_MEMORY_ANONYMOUS,
	CGROUP_MEMORY_FILE,
	CGROUP_MEMORY_SHARED,
	CGROUP_MEMORY_KIND_COUNT
};
// Kernel memory is charged by its allocation (core/memory_account.h) and takes effect here.
err_t cgroup_charge_memory(struct cgroup *g, u64 pages, enum cgroup_memory_kind kind);
void cgroup_uncharge_memory(struct cgroup *g, u64 pages, enum cgroup_memory_kind kind);
// The same, but beyond the limit rather than fail, kill, or wait for write-back. => may sleep
void cgroup_charge_memory_at_once(struct cgroup *g, u64 pages, enum cgroup_memory_kind kind);
enum cgroup_reclaim_mode { CGROUP_RECLAIM_WRITE, CGROUP_RECLAIM_CLEAN };
// How a group at its limit gets memory back; registered by services/vm.
struct cgroup_memory_ops {
	// Page cache of g and below; pages freed. => may sleep
	u64 (*reclaim)(struct cgroup *g, u64 pages, enum cgroup_reclaim_mode mode);
	bool (*kill)(struct cgroup *g);			// a process in g or below; true when one was killed or is dying
};
void cgroup_set_memory_ops(const struct cgroup_memory_ops *ops);

// The current task's group for charging: set by services/process for user threads; root otherwise.
struct cgroup *cgroup_current(void) owned;
bool cgroup_current_is_user(void);	// is the current task a process's
struct cgroup_current_ops {
	struct cgroup *(*current)(void) owned;	// NULL: the root
};
void cgroup_set_current_ops(const struct cgroup_current_ops *ops);
void cgroup_init(void);
