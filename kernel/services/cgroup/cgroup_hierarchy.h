// SPDX-License-Identifier: MPL-2.0
// The group itself, for services/cgroup and its files (services/fs/cgroupfs).
#pragma once
#include <core/buf.h>
#include <core/list.h>
#include <core/memory_account.h>
#include <core/once.h>
#include <services/cgroup/cgroup_io.h>
#include <services/cgroup/cgroup_namespace.h>
#include <services/cgroup/cgroup_options.h>
#include <services/cgroup/cgroup_pages.h>
#include <services/cgroup/cgroup_partition.h>
#include <services/cgroup/member_ops.h>

#define CGROUP_MAX U64_MAX	// "max" in a limit's file
#define CGROUP_LEVELS_MAX 64u	// nesting; keeps walks and names bounded

enum cgroup_controller {
	CGROUP_CONTROLLER_MEMORY = 1,
	CGROUP_CONTROLLER_PIDS = 2,
	CGROUP_CONTROLLER_CPU = 4,
	CGROUP_CONTROLLER_IO = 8,
	CGROUP_CONTROLLER_CPUSET = 16,
	CGROUP_CONTROLLER_HUGETLB = 32,
	CGROUP_CONTROLLER_ALL = 63
};
// Controllers that can be used inside a domain with processes ("threaded" ones).
#define CGROUP_CONTROLLERS_THREADED (CGROUP_CONTROLLER_PIDS | CGROUP_CONTROLLER_CPU | CGROUP_CONTROLLER_CPUSET)
#define CGROUP_CPU_WEIGHT_NORMAL 100u
#define CGROUP_CPU_PERIOD_NORMAL_NS 100000000ul

enum cgroup_huge_size { CGROUP_HUGE_2MB, CGROUP_HUGE_1GB, CGROUP_HUGE_SIZES };
enum cgroup_event { CGROUP_EVENT_LOW, CGROUP_EVENT_HIGH, CGROUP_EVENT_MAX, CGROUP_EVENT_OOM, CGROUP_EVENT_OOM_KILL,
	CGROUP_EVENT_OOM_GROUP_KILL, CGROUP_EVENT_PIDS_MAX, CGROUP_EVENT_COUNT };

enum cgroup_kept { CGROUP_KEPT_MIN, CGROUP_KEPT_LOW, CGROUP_KEPT_COUNT };
enum cgroup_event_file { CGROUP_EVENT_FILE_CORE, CGROUP_EVENT_FILE_MEMORY, CGROUP_EVENT_FILE_MEMORY_LOCAL,
	CGROUP_EVENT_FILE_PIDS, CGROUP_EVENT_FILE_PARTITION, CGROUP_EVENT_FILE_COUNT };

// Who owns the folder or a file in it, as kernel ids: kept here because inodes come and go (delegation).
enum { CGROUP_OWNERS = 80 };
struct cgroup_owner {
	u32 uid, gid, mode;	// mode 0: as made
};
DECLARE_LIST(cgroup_list, cgroup)
DEFINE_LIST(cgroup_member_list, task, member_link)
DECLARE_LIST(cgroup_io_list, cgroup_io_device)
struct cgroup {
	struct object object;
	struct cgroup *parent;			// reference; NULL: the root; immutable
	u64 id;					// immutable; inode number of its folder
	u32 level;				// immutable; the root's is 0
	struct buf *name;			// owned; immutable
	struct list_link sibling;		// guarded by cgroup_tree_lock
	struct list_link named;			// likewise: among groups whose parent and name have the same hash
	struct cgroup_list children;		// likewise; each with one reference
	u32 subtree_control;			// likewise; enum cgroup_controller enabled for the children
	u32 descendant_count;			// likewise; living ones
	struct atomic_u32 dying_count;		// removed descendants that somebody still refers to
	u64 max_depth, max_descendants;		// likewise
	struct cgroup_owner owners[CGROUP_OWNERS];	// likewise; of the folder (0) and its files (by number)
	struct atomic_u32 is_removed;		// set under cgroup_member_lock
	// Guarded by cgroup_member_lock: threads alive in it and below, those of them that stand, and whether all do
	// that are to.
	u64 populated;
	u64 frozen_threads;
	u32 is_frozen;
	struct cgroup_member_list members;	// likewise: in it alone, in the order of their numbers; no references
	// The root of its threaded subtree; NULL: it is a domain itself. Borrowed: an ancestor. Written under
	// cgroup_tree_lock and cgroup_member_lock, while it is empty.
	struct cgroup *thread_root;
	u32 threaded_children;			// guarded by cgroup_tree_lock
	struct atomic_u32 freeze_wanted;	// what was written to cgroup.freeze here
	struct atomic_u32 freeze_depth;		// groups from here to the root that want it
	struct wait_queue freeze_event;
	struct wait_queue event;		// cgroup.events, memory.events, pids.events: poll
	struct atomic_u64 event_version[CGROUP_EVENT_FILE_COUNT];	// counts changes of the files of events
	struct atomic_u32 changed_files;	// bits by enum cgroup_event_file: to be told to watchers
	struct list_link changed_link;		// guarded by the list of changed groups (cgroup_events.c)
	struct atomic_u64 cpus;			// cpuset.cpus as written; 0: empty
	struct atomic_u64 cpus_effective;	// not of the root, whose set follows from cpus_given
	struct atomic_u64 cpus_given;		// to partitions among its children; written under cgroup_tree_lock
	u64 cpus_taken;				// guarded by cgroup_tree_lock; what it has as a valid partition, else 0
	enum cgroup_partition partition;	// likewise
	enum cgroup_partition_error partition_error;	// likewise
	u32 cpuset_changed;			// likewise; those below must follow
	struct atomic_u32 mems;			// cpuset.mems as written
	struct atomic_u64 pids, pids_max, pids_peak;
	struct atomic_u64 memory, memory_max, memory_high, memory_low, memory_min, memory_peak;
	// Pages of memory.min and memory.low that it claims of its parent, and that its children claim (cgroup_pages.c).
	struct atomic_u64 claimed[CGROUP_KEPT_COUNT], children_claimed[CGROUP_KEPT_COUNT];
	struct atomic_u64 swap_max, swap_high;	// kept, in pages; there is no swap to limit
	struct atomic_u64 huge_max[CGROUP_HUGE_SIZES], huge_reserved_max[CGROUP_HUGE_SIZES];	// bytes
	struct atomic_u64 memory_kind[CGROUP_MEMORY_KIND_COUNT];	// of it and below
	struct atomic_u64 dirty_pages;		// likewise; those too that are being written
	struct atomic_u64 writing_pages;	// likewise
	struct atomic_s64 kernel_bytes[MEMORY_ACCOUNT_KIND_COUNT];	// likewise
	u32 account;				// of kernel memory; immutable; 0: the root, which is not charged
	struct atomic_u32 kernel_refused;	// an allocation was refused or passed the limit since the last settling
	struct atomic_u32 memory_oom_group;
	struct atomic_u64 events[CGROUP_EVENT_COUNT];		// of it and below
	struct atomic_u64 events_local[CGROUP_EVENT_COUNT];
	struct cgroup_pages pages;		// its reclaimable pages
	struct list_link ring;			// guarded by the ring's lock (cgroup_pages.c)
	struct spinlock io_lock;
	struct cgroup_io_list io_devices GUARDED_BY(io_lock);	// disks used; each with one reference
	struct atomic_u32 io_limited;		// some disk may have a limit
	struct atomic_u32 io_enabled;		// its parent gives it the io controller
	struct atomic_u32 io_weight;		// io.weight: default
	struct sched_group sched;
	struct atomic_u32 cpu_weight;			// 1 ... 10000
	struct atomic_u32 cpu_idle;			// cpu.idle
	struct atomic_u32 cpu_limited;			// groups from here to the root that have a quota
	struct atomic_u64 cpu_quota_ns;			// 0: none
	struct atomic_u64 cpu_burst_ns;
	struct atomic_u64 cpu_period_ns;
	struct atomic_u64 cpu_period_end_ns;
	struct atomic_u64 cpu_noted_end_ns;		// of the period that is counted as throttled
	struct atomic_s64 cpu_left_ns;			// of this period; negative: a debt
	struct atomic_u64 cpu_given_ns;			// to this period
	struct atomic_u64 cpu_periods, cpu_throttled, cpu_throttled_ns, cpu_bursts, cpu_burst_used_ns;
	// Of threads of it alone, and of its removed children.
	struct atomic_u64 cpu_user_ns, cpu_system_ns;
	struct object *device_rules;		// reference or NULL; services/bpf's, under its lock
};
DEFINE_LIST_OPS(cgroup_list, cgroup, sibling)
DEFINE_ONCE(cgroup_member_ops_cell, const struct cgroup_member_ops);

extern struct mutex cgroup_tree_lock;		// shape of the hierarchy, migration
extern struct spinlock cgroup_member_lock;	// populated, members, is_removed

const struct cgroup_member_ops *cgroup_member_ops(void);	// NULL before services/process is up
static inline bool cgroup_is_root(const struct cgroup *g borrowed) { return !g->parent; }
// Controllers whose files g has: those that its parent gives to its children.
u32 cgroup_controllers(const struct cgroup *g borrowed);
void cgroup_count_event(struct cgroup *g, enum cgroup_event e);

bool cgroup_is_populated(struct cgroup *g);	// has it or a group below it living processes

// --- the hierarchy: with cgroup_tree_lock held ---------------------------------------------
// -EEXIST, -EINVAL (name), -EAGAIN (max.depth, max.descendants), -ENOMEM.
err_t cgroup_create(struct cgroup *parent, bytes_t name, u32 uid, u32 gid, struct cgroup **out borrowed)
	REQUIRES(cgroup_tree_lock);
// -EBUSY with children or processes.
err_t cgroup_remove(struct cgroup *g) REQUIRES(cgroup_tree_lock);
struct cgroup *cgroup_find_child(struct cgroup *g, bytes_t name) REQUIRES(cgroup_tree_lock);	// borrowed
// "+pids -memory": -EINVAL (no such controller), -ENOENT (the parent does not give it), -EBUSY.
err_t cgroup_write_subtree_control(struct cgroup *g, bytes_t text) REQUIRES(cgroup_tree_lock);
// May g take members? -EBUSY, -EOPNOTSUPP, -ENODEV, -ENOSPC.
err_t cgroup_check_members_allowed(struct cgroup *g) REQUIRES(cgroup_tree_lock);

// What these controllers limited in g is limited no more.
void cgroup_reset_limits(struct cgroup *g, u32 controllers) REQUIRES(cgroup_tree_lock);

// member/cgroup_threaded.c: whose processes the threads of g are of; g itself unless it is threaded.
struct cgroup *cgroup_domain(struct cgroup *g);
enum cgroup_type { CGROUP_DOMAIN, CGROUP_DOMAIN_INVALID, CGROUP_DOMAIN_THREADED, CGROUP_THREADED };
enum cgroup_type cgroup_type(struct cgroup *g) REQUIRES(cgroup_tree_lock);
// -EOPNOTSUPP: populated, gives domain controllers, or the parent cannot be part of a threaded subtree.
err_t cgroup_make_threaded(struct cgroup *g) REQUIRES(cgroup_tree_lock);
// May g give these controllers to its children? -EOPNOTSUPP, -EBUSY.
err_t cgroup_check_enable(struct cgroup *g, u32 controllers) REQUIRES(cgroup_tree_lock);
bool cgroup_has_members(struct cgroup *g);
void cgroup_members_init(struct cgroup *g);	// new, empty
// Does something to each member of g itself, those too that come meanwhile. => may sleep
void cgroup_for_members(struct cgroup *g, void (*act)(struct task *member));
// The member of g after the one with this number (0: before the first), which `after`, if not NULL, was.
struct task *cgroup_next_member(struct cgroup *g, struct task *after, u64 *number borrowed) owned;

// Walks g and every group below it, parents first: the one after `at` (NULL: g itself); NULL at the end. Borrowed.
struct cgroup *cgroup_next_below(struct cgroup *g, struct cgroup *at) REQUIRES(cgroup_tree_lock);
// SIGKILL to all processes in g and below.
void cgroup_kill(struct cgroup *g) REQUIRES(cgroup_tree_lock);
void cgroup_freeze(struct cgroup *g, u32 is_frozen) REQUIRES(cgroup_tree_lock);
// memory.reclaim: pages given back. => may sleep
u64 cgroup_reclaim(struct cgroup *g, u64 pages);
// Time used by its processes, living and dead, and all below.
void cgroup_read_cpu_time(struct cgroup *g, u64 *user_ns borrowed, u64 *system_ns borrowed) REQUIRES(cgroup_tree_lock);
// In memory.max: reclaims and kills until the group fits, or nothing helps. => may sleep
void cgroup_shrink_to(struct cgroup *g, u64 pages);

// memory/cgroup_kernel.c: kernel memory. A new group has its account before it has processes.
err_t cgroup_kernel_create(struct cgroup *g);	// -ENOMEM
void cgroup_kernel_retire(struct cgroup *g);
void cgroup_kernel_fini(struct cgroup *g);
void cgroup_kernel_init(void);
// Bytes in use in g and below, exact after a flush.
u64 cgroup_kernel_bytes(const struct cgroup *g borrowed, enum memory_account_kind kind);
void cgroup_kernel_flush(struct cgroup *g) REQUIRES(cgroup_tree_lock);

// memory/cgroup_memory.c, for cgroup_kernel.c: the first group that would pass its maximum, nothing charged; NULL: all
// are charged.
struct cgroup *cgroup_memory_try(struct cgroup *g, u64 pages);
void cgroup_memory_force(struct cgroup *g, u64 pages);
void cgroup_memory_take_back(struct cgroup *g, struct cgroup *end, u64 pages);	// up to, not including, `end`
u64 cgroup_memory_reclaim_clean(struct cgroup *g, u64 pages);
bool cgroup_task_is_dying(void);

// cgroup_namespace.c; after services/cred is up
void cgroup_namespace_init(void);

// cgroup_events.c: the file of g has something new. => any context
void cgroup_event_changed(struct cgroup *g, enum cgroup_event_file file);
struct cgroup_watch_ops {
	bool (*is_watched)(void);	// does anybody watch files at all
	void (*changed)(void);		// the list below has something. => any context
};
DEFINE_ONCE(cgroup_watch_ops_cell, const struct cgroup_watch_ops);
void cgroup_set_watch_ops(const struct cgroup_watch_ops *ops);
// A group with changed files (bits by enum cgroup_event_file); NULL: none.
struct cgroup *cgroup_take_changed(u32 *files borrowed) owned;

// cpu/cgroup_cpuset.c, cpu/cgroup_partition.c; with cgroup_tree_lock held. cpus 0: those of the parent.
void cgroup_cpuset_init(struct cgroup *g);
void cgroup_cpuset_set(struct cgroup *g, u64 cpus) REQUIRES(cgroup_tree_lock);
void cgroup_partition_set(struct cgroup *g, enum cgroup_partition partition) REQUIRES(cgroup_tree_lock);
// -ENOSPC: it has no CPUs left
err_t cgroup_cpuset_check_members_allowed(struct cgroup *g);

// memory/cgroup_pages.c. claim: memory.min or memory.low was written.
void cgroup_pages_claim(struct cgroup *g);
void cgroup_pages_init(struct cgroup *g);
void cgroup_pages_fini(struct cgroup *g);

// io/cgroup_io.c. The number of the disk at place `index` that g has a record of; CGROUP_MAX at the end.
u64 cgroup_io_device_at(struct cgroup *g, u32 index);
void cgroup_io_read_limits(struct cgroup *g, u64 device, struct cgroup_io_limits *out borrowed);
err_t cgroup_io_set_limits(struct cgroup *g, u64 device, const struct cgroup_io_limits *l borrowed);	// -ENOMEM
void cgroup_io_reset(struct cgroup *g);
// 1 ... CGROUP_IO_WEIGHT_MAX. A disk's own, 0: none: -ENOMEM.
void cgroup_io_set_weight(struct cgroup *g, u32 weight);
err_t cgroup_io_set_device_weight(struct cgroup *g, u64 device, u32 weight);
u32 cgroup_io_device_weight(struct cgroup *g, u64 device);
// Its parent gives it the controller, or no more.
void cgroup_io_switch(struct cgroup *g, u32 is_enabled);
// Adds what g and all below it moved.
void cgroup_io_read_counts(struct cgroup *g, u64 device, struct cgroup_io_counts *out borrowed)
	REQUIRES(cgroup_tree_lock);
void cgroup_io_fini(struct cgroup *g);

// cpu/cgroup_cpu.c; with cgroup_tree_lock held where a quota or a time is. quota 0: none.
err_t cgroup_cpu_init(struct cgroup *g, struct cgroup *parent);	// -ENOMEM
void cgroup_cpu_set_quota(struct cgroup *g, u64 quota_ns, u64 period_ns) REQUIRES(cgroup_tree_lock);
void cgroup_cpu_set_weight(struct cgroup *g, u32 weight) REQUIRES(cgroup_tree_lock);
void cgroup_cpu_set_idle(struct cgroup *g, u32 is_idle) REQUIRES(cgroup_tree_lock);
// The time that g used goes over to its parent.
void cgroup_cpu_hand_up(struct cgroup *g);
