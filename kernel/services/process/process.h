// SPDX-License-Identifier: MPL-2.0
// A process (thread group): what its threads share. Threads are in thread.h, process groups, sessions
// and the tree in process_tree.h, pid namespaces in pid.h.
// Locks: the tree (parents, children, groups, zombies) is guarded by process_tree_lock (process_tree.h);
// small state by `lock`; signals and the list of threads by `signal_lock` (interrupts off: timers send
// signals). Order: process_tree_lock, lock, signal_lock. A zombie keeps its pid until it is waited for.
#pragma once
#include <core/wait.h>
#include <core/time.h>
#include <services/cgroup/cgroup.h>
#include <services/cred/cred.h>
#include <services/process/pid.h>
#include <services/process/rlimit.h>
#include <services/signal/signal.h>

struct process;
struct thread;
struct session;
struct process_group;
struct trace;

DECLARE_LIST(process_list, process)
DECLARE_LIST(thread_list, thread)
DECLARE_LIST(trace_list, trace)

struct process {
	struct object object;
	struct pid *pid;			// reference; immutable
	struct list_link sibling;		// parent's children; guarded by process_tree_lock
	struct list_link group_link;		// likewise
	struct process_list children;		// likewise; the list holds a reference on each
	struct process *parent;			// likewise; borrowed (parents outlive children in the tree)
	struct trace_list traced;		// likewise: threads that it traces; with references
	struct trace *trace;			// likewise; reference: of its first thread, which has exited
	struct process_group *group;		// likewise; reference
	struct wait_queue child_event;		// wait4 sleeps here
	u32 exit_signal;			// to the parent; guarded by process_tree_lock
	u32 state;				// enum process_state; written under process_tree_lock
	u32 exit_status;			// as wait4 reports it; likewise
	u32 exit_uid;				// real uid of the last thread; likewise
	u32 parent_death_signal;		// PR_SET_PDEATHSIG of its main thread; likewise
	u32 stop_status;			// signal of the last stop; likewise
	u32 tree_flags;				// enum process_tree_flag; likewise
	struct atomic_u32 flags;		// enum process_flag
	u64 start_time_ns;			// monotonic; immutable

	struct spinlock lock;
	struct rlimits rlimits GUARDED_BY(lock);
	struct process_times dead_times GUARDED_BY(lock);	// of exited threads
	struct process_times children_times GUARDED_BY(lock);	// of waited-for children
	s32 oom_score_adjust GUARDED_BY(lock);
	struct cgroup *cgroup GUARDED_BY(lock);	// reference: the domain of its threads' groups
	struct cgroup *pid_charge GUARDED_BY(lock);	// reference: of a zombie, which still counts there

	struct spinlock signal_lock;
	struct thread_list threads GUARDED_BY(signal_lock);	// from clone to exit; no reference
	struct thread *leader GUARDED_BY(signal_lock);		// NULL once it has exited; borrowed
	u32 thread_count GUARDED_BY(signal_lock);		// living ones
	struct signal_queue shared_pending GUARDED_BY(signal_lock);
	struct signal_action_table *actions;	// reference; replaced by execve only; its content has a lock
	u32 stop_signal GUARDED_BY(signal_lock);	// a group stop is wanted or reached; 0: none
	u32 stopped_count GUARDED_BY(signal_lock);	// threads that have stopped
	u32 continue_pending GUARDED_BY(signal_lock);	// the parent is to be told of a SIGCONT
	u32 group_exit_code GUARDED_BY(signal_lock);	// wait status, when PROCESS_GROUP_EXIT
	struct thread *exec_thread GUARDED_BY(signal_lock);	// the one that survives; borrowed
	struct wait_queue signal_event;		// signalfd, sigtimedwait
	struct wait_queue thread_event;		// stopped threads; execve that waits for the others to exit
	struct object *timers GUARDED_BY(lock);	// reference: itimers and POSIX timers (linux_abi), or NULL
	struct pid *permitted_tracer GUARDED_BY(lock);	// reference or NULL: PR_SET_PTRACER
	u32 permits_all_tracers GUARDED_BY(lock);
	struct object *semaphore_undo GUARDED_BY(lock);	// reference: of services/ipc, or NULL; its release undoes
};
enum process_state { PROCESS_RUNNING, PROCESS_ZOMBIE, PROCESS_DEAD };
// Under process_tree_lock: what a parent may still wait for, and the like.
enum process_tree_flag {
	PROCESS_WAIT_STOPPED = 1,	// has stopped and nobody has been told by wait yet
	PROCESS_WAIT_CONTINUED = 2,
	PROCESS_STOPPED = 4,		// is stopped (state letter T)
	PROCESS_EXECED = 8,		// setpgid by the parent is over
	PROCESS_SUBREAPER = 16,
	PROCESS_HAS_SUBREAPER = 32,	// an ancestor may be one
	PROCESS_CHANGES_IDENTITY = 64	// execve has chosen credentials that are not in use yet
};
enum process_flag {
	PROCESS_GROUP_EXIT = 1,		// every thread is to exit; set under signal_lock
	PROCESS_NOT_DUMPABLE = 2,
	PROCESS_NAMESPACE_INIT = 4,	// pid 1 of its pid namespace
	PROCESS_NO_HUGE_PAGES = 8,	// PR_SET_THP_DISABLE: kept over fork and execve
	PROCESS_TIMERS_ENDED = 16	// `timers` is not to be made any more; set under `lock`
};
DECLARE_OBJECT(process)
DEFINE_LIST_OPS(process_list, process, sibling)
DEFINE_LIST(group_member_list, process, group_link)

struct process *process_current(void);		// borrowed; NULL in kernel threads
u64 process_rlimit(struct process *p, enum rlimit_kind kind);	// soft limit
struct rlimit process_rlimit_both(struct process *p, enum rlimit_kind kind);
// -EINVAL for soft > hard; -EPERM to raise the hard limit without CAP_SYS_RESOURCE (caller's cred).
err_t process_rlimit_set(
	struct process *p, enum rlimit_kind kind, struct rlimit limit, const struct cred *caller borrowed);
// Times of all its threads, living and dead.
struct process_times process_times_read(struct process *p);
struct process_times process_times_children(struct process *p);
// /proc/PID/stat and friends.
u8 process_state_letter(struct process *p);
u32 process_thread_count(struct process *p);
struct cgroup *process_cgroup(struct process *p) owned;
// Its first thread, or any living one; NULL when all are gone.
struct thread *process_main_thread(struct process *p) owned;
// The thread after `after` in creation order (NULL: the first); for /proc/PID/task.
struct thread *process_next_thread(struct process *p, struct thread *after) owned;
// Credentials of the main thread, for permission checks; NULL when it has exited.
struct cred *process_cred(struct process *p) owned;
