// SPDX-License-Identifier: MPL-2.0
// A process (thread group): what its threads share. Threads are in thread.h, process groups, sessions
// and the tree in process_tree.h, pid namespaces in pid_namespace.h.
// Locks: the tree (parents, children, groups, zombies) is guarded by process_tree_lock; small state by
// `lock`; signals by `signal_lock`. A zombie keeps its pid until it is waited for.
#pragma once
#include <core/wait.h>
#include <core/time.h>
#include <services/cgroup/cgroup.h>
#include <services/cred/cred.h>
#include <services/process/pid.h>
#include <services/process/rlimit.h>
#include <services/signal/signal.h>
#include <services/vfs/file.h>
#include <services/vm/vm_space.h>

struct process;
struct thread;
struct session;
struct process_group;
struct tty;		// services/tty
struct process_timers;
struct thread_group;

DECLARE_LIST(process_list, process)
struct signal_action_table;	// 64 actions; shared by CLONE_SIGHAND
DECLARE_OBJECT(signal_action_table)

struct process {
	struct object object;
	struct pid *pid;			// reference; immutable
	struct list_link sibling;		// parent's children; guarded by process_tree_lock
	struct list_link group_link;		// likewise
	struct process_list children;		// likewise
	struct process *parent;			// likewise; borrowed (the tree keeps parents alive)
	struct process_group *group;		// likewise; reference
	struct session *session;		// likewise; reference
	struct wait_queue child_event;		// wait4 sleeps here
	struct spinlock lock;
	struct thread *leader GUARDED_BY(lock);	// borrowed: thread list keeps it
	struct thread_group *threads;		// owned; set once; its list is guarded by `lock` (thread.h)
	u32 thread_count GUARDED_BY(lock);
	u32 exit_status GUARDED_BY(lock);	// as wait4 reports it
	u32 state GUARDED_BY(lock);		// enum process_state
	u32 exit_signal;			// to the parent; immutable after clone
	u32 flags GUARDED_BY(lock);		// enum process_flag
	struct rlimits rlimits GUARDED_BY(lock);
	u64 start_time_ns;			// monotonic; immutable
	struct process_times dead_times GUARDED_BY(lock);	// of exited threads
	struct process_times children_times GUARDED_BY(lock);	// of waited-for children
	s32 oom_score_adjust GUARDED_BY(lock);
	struct spinlock signal_lock;
	struct signal_queue shared_pending GUARDED_BY(signal_lock);
	struct signal_action_table *actions GUARDED_BY(signal_lock); // reference
	u32 group_stop_signal GUARDED_BY(signal_lock);
	struct wait_queue signal_event;		// signalfd, sigtimedwait
	struct process_timers *timers;		// owned: itimers and POSIX timers; set once
	struct cgroup *cgroup GUARDED_BY(lock);	// reference
};
enum process_state { PROCESS_RUNNING, PROCESS_STOPPED, PROCESS_ZOMBIE, PROCESS_DEAD };
enum process_flag {
	PROCESS_GROUP_EXIT = 1, PROCESS_SUBREAPER = 2, PROCESS_WAIT_STOPPED = 4, PROCESS_WAIT_CONTINUED = 8,
	PROCESS_EXECED = 16, PROCESS_NOT_DUMPABLE = 32, PROCESS_NAMESPACE_INIT = 64, PROCESS_KERNEL = 128
};
DECLARE_OBJECT(process)
DEFINE_LIST_OPS(process_list, process, sibling)
DEFINE_LIST(group_member_list, process, group_link)

struct process *process_current(void);		// borrowed; NULL in kernel threads
u64 process_rlimit(struct process *p, enum rlimit_kind kind);	// soft limit
// The first process, from the boot: runs `path` as pid 1. Never fails quietly.
no_return void process_start_init(struct task *self);
