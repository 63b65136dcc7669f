// SPDX-License-Identifier: MPL-2.0
// The files of a group's folder: one row each. Inside cgroupfs.
#pragma once
#include <services/cgroup/cgroup_hierarchy.h>
#include <services/vfs/pseudo/pseudo.h>

enum cgroup_file_flag {
	CGROUP_FILE_NOT_ON_ROOT = 1,
	CGROUP_FILE_DELEGATED = 2,	// written at the root of a cgroup namespace by those inside
	CGROUP_FILE_EVENTS = 4,		// can be polled
	CGROUP_FILE_PROCESSES = 8,	// takes processes; not to be read in a threaded group
	CGROUP_FILE_THREADS = 16,	// takes threads
	CGROUP_FILE_PRESSURE = 32	// takes triggers; not there while cgroup.pressure is 0
};
struct cgroup_file {
	void (*show)(struct cgroup *g, struct text *out borrowed);	// NULL: write only
	// All of `text`, without the newline at its end.
	err_t (*store)(struct cgroup *g, bytes_t text);			// NULL: read only
	u32 controller;		// enum cgroup_controller; 0: always there
	u32 flags;
	u32 which;		// of a file of events: enum cgroup_event_file; of pressure: enum pressure_resource
};
// Number of a file: 1 ..., the row of cgroup_file_at() and of cgroup->owners.
const struct cgroup_file *cgroup_file_at(u64 number);
const struct pseudo_entry *cgroup_file_entry(u32 index);
extern const struct pseudo_kind cgroupfs_file_kind;
extern const struct pseudo_kind cgroupfs_events_kind;
extern const struct pseudo_kind cgroupfs_pressure_kind;
err_t cgroup_file_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed);
ssize_r cgroup_file_store(struct pseudo_inode *n, struct file *f, bytes_t data);

// cgroup_files_pressure.c
void cgroup_pressure_show_cpu(struct cgroup *g, struct text *out borrowed);
void cgroup_pressure_show_memory(struct cgroup *g, struct text *out borrowed);
void cgroup_pressure_show_io(struct cgroup *g, struct text *out borrowed);
void cgroup_pressure_show_switch(struct cgroup *g, struct text *out borrowed);
err_t cgroup_pressure_store_switch(struct cgroup *g, bytes_t text);
// A trigger for f, at most one. resource: enum pressure_resource.
err_t cgroup_pressure_add_trigger(struct cgroup *g, struct file *f, bytes_t text, u32 resource);

// cgroup_files_memory.c
void cgroup_memory_show_current(struct cgroup *g, struct text *out borrowed);
void cgroup_memory_show_peak(struct cgroup *g, struct text *out borrowed);
void cgroup_memory_show_max(struct cgroup *g, struct text *out borrowed);
err_t cgroup_memory_store_max(struct cgroup *g, bytes_t text);
void cgroup_memory_show_high(struct cgroup *g, struct text *out borrowed);
err_t cgroup_memory_store_high(struct cgroup *g, bytes_t text);
void cgroup_memory_show_low(struct cgroup *g, struct text *out borrowed);
err_t cgroup_memory_store_low(struct cgroup *g, bytes_t text);
void cgroup_memory_show_min(struct cgroup *g, struct text *out borrowed);
err_t cgroup_memory_store_min(struct cgroup *g, bytes_t text);
void cgroup_memory_show_swap_max(struct cgroup *g, struct text *out borrowed);
err_t cgroup_memory_store_swap_max(struct cgroup *g, bytes_t text);
void cgroup_memory_show_swap_high(struct cgroup *g, struct text *out borrowed);
err_t cgroup_memory_store_swap_high(struct cgroup *g, bytes_t text);
void cgroup_memory_show_swap_current(struct cgroup *g, struct text *out borrowed);
void cgroup_memory_show_swap_events(struct cgroup *g, struct text *out borrowed);
void cgroup_memory_show_events(struct cgroup *g, struct text *out borrowed);
void cgroup_memory_show_events_local(struct cgroup *g, struct text *out borrowed);
void cgroup_memory_show_stat(struct cgroup *g, struct text *out borrowed);
void cgroup_memory_show_oom_group(struct cgroup *g, struct text *out borrowed);
err_t cgroup_memory_store_oom_group(struct cgroup *g, bytes_t text);
err_t cgroup_memory_store_reclaim(struct cgroup *g, bytes_t text);

// cgroup_files_pids.c
void cgroup_hugetlb_show_none(struct cgroup *g, struct text *out borrowed);
void cgroup_hugetlb_show_events(struct cgroup *g, struct text *out borrowed);
void cgroup_hugetlb_show_nodes(struct cgroup *g, struct text *out borrowed);
void cgroup_hugetlb_show_max_2mb(struct cgroup *g, struct text *out borrowed);
void cgroup_hugetlb_show_max_1gb(struct cgroup *g, struct text *out borrowed);
void cgroup_hugetlb_show_reserved_max_2mb(struct cgroup *g, struct text *out borrowed);
void cgroup_hugetlb_show_reserved_max_1gb(struct cgroup *g, struct text *out borrowed);
err_t cgroup_hugetlb_store_max_2mb(struct cgroup *g, bytes_t text);
err_t cgroup_hugetlb_store_max_1gb(struct cgroup *g, bytes_t text);
err_t cgroup_hugetlb_store_reserved_max_2mb(struct cgroup *g, bytes_t text);
err_t cgroup_hugetlb_store_reserved_max_1gb(struct cgroup *g, bytes_t text);
void cgroup_pids_show_current(struct cgroup *g, struct text *out borrowed);
void cgroup_pids_show_peak(struct cgroup *g, struct text *out borrowed);
void cgroup_pids_show_max(struct cgroup *g, struct text *out borrowed);
err_t cgroup_pids_store_max(struct cgroup *g, bytes_t text);
void cgroup_pids_show_events(struct cgroup *g, struct text *out borrowed);

// cgroup_files_core.c
void cgroup_core_show_type(struct cgroup *g, struct text *out borrowed);
err_t cgroup_core_store_type(struct cgroup *g, bytes_t text);
void cgroup_core_show_procs(struct cgroup *g, struct text *out borrowed);
void cgroup_core_show_threads(struct cgroup *g, struct text *out borrowed);
void cgroup_core_show_controllers(struct cgroup *g, struct text *out borrowed);
void cgroup_core_show_subtree(struct cgroup *g, struct text *out borrowed);
err_t cgroup_core_store_subtree(struct cgroup *g, bytes_t text);
void cgroup_core_show_events(struct cgroup *g, struct text *out borrowed);
void cgroup_core_show_freeze(struct cgroup *g, struct text *out borrowed);
err_t cgroup_core_store_freeze(struct cgroup *g, bytes_t text);
err_t cgroup_core_store_kill(struct cgroup *g, bytes_t text);
void cgroup_core_show_max_depth(struct cgroup *g, struct text *out borrowed);
err_t cgroup_core_store_max_depth(struct cgroup *g, bytes_t text);
void cgroup_core_show_max_descendants(struct cgroup *g, struct text *out borrowed);
err_t cgroup_core_store_max_descendants(struct cgroup *g, bytes_t text);
void cgroup_core_show_stat(struct cgroup *g, struct text *out borrowed);

// cgroup_files_cpuset.c
void cgroup_cpuset_show_cpus(struct cgroup *g, struct text *out borrowed);
err_t cgroup_cpuset_store_cpus(struct cgroup *g, bytes_t text);
void cgroup_cpuset_show_cpus_effective(struct cgroup *g, struct text *out borrowed);
void cgroup_cpuset_show_mems(struct cgroup *g, struct text *out borrowed);
err_t cgroup_cpuset_store_mems(struct cgroup *g, bytes_t text);
void cgroup_cpuset_show_mems_effective(struct cgroup *g, struct text *out borrowed);
void cgroup_cpuset_show_partition(struct cgroup *g, struct text *out borrowed);
err_t cgroup_cpuset_store_partition(struct cgroup *g, bytes_t text);

// cgroup_files_io.c
void cgroup_io_show_max(struct cgroup *g, struct text *out borrowed);
err_t cgroup_io_store_max(struct cgroup *g, bytes_t text);
void cgroup_io_show_weight(struct cgroup *g, struct text *out borrowed);
err_t cgroup_io_store_weight(struct cgroup *g, bytes_t text);
void cgroup_io_show_stat(struct cgroup *g, struct text *out borrowed);

// cgroup_files_cpu.c
void cgroup_cpu_show_stat(struct cgroup *g, struct text *out borrowed);
void cgroup_cpu_show_max(struct cgroup *g, struct text *out borrowed);
err_t cgroup_cpu_store_max(struct cgroup *g, bytes_t text);
void cgroup_cpu_show_weight(struct cgroup *g, struct text *out borrowed);
err_t cgroup_cpu_store_weight(struct cgroup *g, bytes_t text);
void cgroup_cpu_show_weight_nice(struct cgroup *g, struct text *out borrowed);
err_t cgroup_cpu_store_weight_nice(struct cgroup *g, bytes_t text);
void cgroup_cpu_show_idle(struct cgroup *g, struct text *out borrowed);
err_t cgroup_cpu_store_idle(struct cgroup *g, bytes_t text);
void cgroup_cpu_show_burst(struct cgroup *g, struct text *out borrowed);
err_t cgroup_cpu_store_burst(struct cgroup *g, bytes_t text);

// May who asks (m->cred, in the current cgroup namespace) do that to a member of `from`? By the kernel's rules: who may
// write cgroup.procs of the nearest group that contains both places. -EACCES, -ENOENT, and what the target says.
bool cgroup_may_write_procs(const struct cgroup *g, const struct cred *cred borrowed) REQUIRES(cgroup_tree_lock);
err_t cgroup_may_move(struct cgroup *from, const struct cgroup_move *m borrowed) REQUIRES(cgroup_tree_lock);
// A number was written to cgroup.procs, or with CGROUP_MEMBER_THREADS to cgroup.threads, through a file that `cred`
// opened.
err_t cgroup_move_member(struct cgroup *g, bytes_t text, struct cred *cred, u32 flags);

// Numbers in files: "max" or a number. -EINVAL
err_t cgroup_parse_limit(bytes_t text, u64 *out borrowed);
// The same, of groups: -ERANGE when it is negative or no 31 bits.
err_t cgroup_parse_count(bytes_t text, u64 *out borrowed);
// "max" or bytes with K, M, G, T; in pages.
err_t cgroup_parse_bytes(bytes_t text, u64 *pages borrowed);
void cgroup_put_limit(struct text *out borrowed, u64 limit);
void cgroup_put_bytes_limit(struct text *out borrowed, u64 pages);

// cgroup_watch.c: tells those who watch files of events with inotify.
err_t cgroup_watch_init(void);
extern const struct file_system_type cgroupfs_type;
// cgroupfs.c: owners and modes are kept in the group.
err_t cgroupfs_permission(struct pseudo_inode *n, u32 mask, const struct cred *cred borrowed);
err_t cgroupfs_get_attributes(struct pseudo_inode *n, struct file_stat *out borrowed);
err_t cgroupfs_set_attributes(struct pseudo_inode *n, const struct attribute_change *change borrowed);
