// SPDX-License-Identifier: MPL-2.0
// A thread: a task that runs user code. Everything here belongs to the thread itself unless marked:
// "owner writes" = only the thread itself changes it, under `lock`, and reads it without; others read
// under `lock` through the thread_*_of() functions.
#pragma once
#include <core/task.h>
#include <core/user.h>
#include <services/process/process.h>

struct namespace_set;
struct fs_context;
struct file_table;
struct vm_space;
struct trace;
struct vfork_completion;	// wakes the vfork parent at exec or exit

// How restart_syscall(2) goes on with what a signal interrupted (nanosleep, poll, futex).
struct restart_block {
	ssize_r (*resume)(struct restart_block *r borrowed);
	u64 deadline_ns;
	user_addr_t address;
	u64 argument[4];
};

struct thread {
	struct task base;
	struct user_context user;		// owner task only
	struct cgroup *cgroup;			// reference; written under process->lock; NULL before it is linked
	u32 counts_frozen;			// guarded by process->lock: its group counts it as one that stands
	struct cgroup *cpu_cgroup;		// `cgroup` for the scheduler; changed under the run queue's lock
	struct atomic_u64 cpus_wanted;		// of sched_setaffinity, within what the cgroup allows; 0: all
	struct process *process;		// reference; immutable
	struct pid *pid;			// reference; owner writes (execve by a non-leader), under `lock`
	struct list_link process_link;		// guarded by process->signal_lock
	struct spinlock lock;
	struct cred *cred;			// reference; owner writes
	struct namespace_set *namespaces;	// reference; owner writes; NULL after exit
	struct fs_context *fs;			// reference; owner writes; NULL after exit
	struct file_table *files;		// reference; owner writes; NULL after exit
	struct vm_space *space;			// reference; owner writes; NULL after exit
	struct signal_queue pending;		// guarded by process->signal_lock
	struct signal_set blocked;		// owner writes, under process->signal_lock
	struct signal_set saved_blocked;	// owner task only
	u32 restore_saved_blocked;		// owner task only
	u32 is_stopped;				// guarded by process->signal_lock
	u32 is_exiting;				// guarded by process->signal_lock
	u32 leaves_stop;			// likewise: its tracer lets it run while its group stands
	struct trace *trace;			// reference; guarded by process_tree_lock; NULL: not traced
	u32 is_past_tracing;			// likewise: it has ended, and nobody may trace it any more
	u64 alternate_stack, alternate_stack_size;	// owner task only
	u32 alternate_stack_flags;		// owner task only
	u32 parent_death_signal;		// atomic enough: one word, owner writes, parent reads
	user_addr_t clear_child_tid;		// owner task only
	user_addr_t set_child_tid;		// owner task only
	user_addr_t robust_list;		// owner task only
	user_addr_t rseq;			// owner task only: struct rseq of rseq(2), or 0
	u32 rseq_signature;			// owner task only
	// Locks of services/futex: somebody has waited for this thread (1); it has begun to give them up (2).
	struct atomic_u32 futex_owner;
	u32 resets_scheduling;			// its children begin with the ordinary policy; one word
	u32 io_priority;			// ioprio_set(2); one word
	u32 exit_code;				// wait status of the thread
	u32 personality;			// owner task only
	struct restart_block restart;		// owner task only
	struct vfork_completion *vfork;		// reference; owner task only
	struct atomic_u32 call_work;		// enum thread_call_work: what system calls go through; others set bits
	struct object *seccomp;			// reference: its filters, or NULL; written under signal_lock by any
						// thread of the process; grows only, so that it itself reads without
	u32 seccomp_mode;			// likewise
	struct atomic_u32 no_new_privileges;	// another thread has set it; beside that of cred
	u32 is_traced_to_log;			// owner task only: strace= on the command line
	struct atomic_u32 has_async;		// it, or an interrupt over it, caused what file_async_settle() tells
	u64 timer_slack_ns;
	u64 start_time_ns;			// immutable
};
enum thread_call_work {
	THREAD_CALL_SECCOMP = 1,
	THREAD_CALL_TRACED = 2,		// stops at the beginning and end of calls
	THREAD_TRACED = 4,		// has a tracer
	THREAD_TRAP_WANTED = 8,		// is to stop before user mode
	THREAD_CALL_EMULATED = 16	// stops at the beginning of calls, which its tracer does instead
};
DEFINE_LIST_OPS(thread_list, thread, process_link)
DECLARE_OBJECT(thread)
struct thread *thread_current(void);	// borrowed; traps in a kernel thread
struct thread *thread_current_or_null(void);
u32 thread_number(const struct thread *t);	// as its own pid namespace sees it
// Owner's quick accessors: borrowed, stable while the thread itself does not change them.
struct cred *thread_cred(void);
struct fs_context *thread_fs(void);
struct file_table *thread_files(void);
struct vm_space *thread_space(void);
struct namespace_set *thread_namespaces(void);
struct namespace *thread_namespace(enum namespace_kind kind);	// borrowed
struct pid_namespace *thread_pid_namespace(void);		// borrowed: where its pid is
bool thread_capable(u32 capability);	// towards its own user namespace
// Towards the initial one: over what no namespace has for its own. The root of a user namespace has none of these.
bool thread_capable_over_machine(u32 capability);
bool thread_has_no_new_privileges(const struct thread *t);	// of itself
// Of another thread: references, or NULL when it has exited.
struct cred *thread_cred_of(struct thread *t) owned;
struct fs_context *thread_fs_of(struct thread *t) owned;
struct file_table *thread_files_of(struct thread *t) owned;
struct vm_space *thread_space_of(struct thread *t) owned;
struct namespace_set *thread_namespaces_of(struct thread *t) owned;
// Replace the current thread's own.
void thread_set_cred(struct cred *c consumes);
void thread_set_namespaces(struct namespace_set *s consumes);
void thread_set_fs(struct fs_context *fs consumes);
void thread_set_files(struct file_table *files consumes);
// May the current thread look into t (ptrace_may_access of Linux)? -EPERM. For /proc/PID, pidfd_getfd,
// process_vm_readv, kcmp.
enum thread_access { THREAD_ACCESS_READ, THREAD_ACCESS_ATTACH };
err_t thread_may_access(struct thread *t, enum thread_access access);

// The body of every thread: runs user mode and what it asks for, until it exits. The system call
// table and the shape of a signal frame are linux_abi's and registered by it.
struct user_mode_ops {
	void (*system_call)(struct thread *t);			// reads t->user, sets rax
	// Pushes the frame of a handler; the signal was taken. -EFAULT: no room (kills with SIGSEGV).
	err_t (*deliver_signal)(
		struct thread *t, const struct signal_info *info borrowed, const struct signal_action *action borrowed);
	// The thread took the signal of a timer, which goes on then; what expired meanwhile is put into *info.
	void (*timer_signal_taken)(struct thread *t, struct signal_info *info borrowed);
	// The thread ends: robust futexes, the cleared child tid. Its address space is still there.
	void (*thread_exits)(struct thread *t);
	// TASK_WORK_SERVICE was posted (CPU time limits).
	void (*service_work)(struct thread *t);
	// TASK_WORK_SWITCHED was posted: the thread was preempted, or is on another CPU (rseq).
	void (*switched)(struct thread *t);
	// execve, after the other threads have ended and before the address space changes.
	void (*program_changes)(struct thread *t);
};
struct cgroup *thread_cgroup(struct thread *t) owned;	// that it is a member of
void thread_set_user_mode_ops(const struct user_mode_ops *ops);
// sched_setaffinity(2): to what the thread's cgroup allows of the set. -EINVAL when that is nothing.
err_t thread_set_affinity(struct thread *t, const struct cpu_set *set borrowed);
