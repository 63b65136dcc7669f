// SPDX-License-Identifier: MPL-2.0
// A thread: a task that runs user code. Everything here belongs to the thread itself unless marked.
#pragma once
#include <core/task.h>
#include <core/user.h>
#include <services/process/process.h>

struct namespace_set;
struct fs_context;
struct file_table;
struct seccomp_filter;
struct vfork_completion;	// wakes the vfork parent at exec or exit

// How restart_syscall(2) goes on with what a signal interrupted (nanosleep, poll, futex).
struct restart_block {
	ssize_r (*resume)(struct restart_block *r);
	u64 deadline_ns;
	user_addr_t address;
	u64 argument[3];
};

struct thread {
	struct task base;
	struct user_context user;		// owner task only
	struct process *process;		// reference; immutable (execve by a non-leader swaps pids)
	struct pid *pid;			// reference; changed only by de_thread in execve
	struct list_link process_link;		// guarded by process->lock
	struct spinlock lock;
	struct cred *cred GUARDED_BY(lock);	// reference; others read under lock, the owner without
	struct namespace_set *namespaces GUARDED_BY(lock); // likewise
	struct fs_context *fs GUARDED_BY(lock);		// likewise: root, cwd, umask
	struct file_table *files GUARDED_BY(lock);	// likewise
	struct vm_space *space GUARDED_BY(lock);	// likewise
	struct signal_queue pending;		// guarded by process->signal_lock
	struct signal_set blocked;		// written by the owner under process->signal_lock
	struct signal_set saved_blocked;	// owner task only: sigsuspend, ppoll
	u32 restore_saved_blocked;		// owner task only
	u64 alternate_stack, alternate_stack_size;	// owner task only
	u32 alternate_stack_flags;		// owner task only
	user_addr_t clear_child_tid;		// owner task only
	user_addr_t robust_list;		// owner task only
	user_addr_t rseq_area;			// owner task only
	u32 rseq_length, rseq_signature;
	u32 exit_code;				// wait status of the thread
	u32 parent_death_signal;		// owner task only
	u32 personality;			// owner task only
	struct restart_block restart;		// owner task only
	struct vfork_completion *vfork;		// reference; likewise
	struct seccomp_filter *seccomp;		// reference, grows only
	u32 seccomp_mode;
	u32 timer_slack_ns;
};
DEFINE_LIST(thread_list, thread, process_link)
// The threads of one process, in order of creation; linked from clone to exit, no reference.
struct thread_group {
	struct object object;
	struct thread_list list;	// guarded by process->lock
};
DECLARE_OBJECT(thread_group)
struct thread *thread_current(void);	// borrowed; traps in a kernel thread
struct thread *thread_current_or_null(void);
struct thread *thread_get(struct thread *t) owned;
void thread_put(struct thread *t consumes);
void thread_auto_put(struct thread **t borrowed);
// Owner's quick accessors: borrowed, stable while the thread itself does not change them.
struct cred *thread_cred(void);
struct fs_context *thread_fs(void);
struct file_table *thread_files(void);
struct vm_space *thread_space(void);
struct namespace_set *thread_namespaces(void);
// Of another thread: references, or NULL when it has exited.
struct cred *thread_cred_of(struct thread *t) owned;
struct fs_context *thread_fs_of(struct thread *t) owned;
struct file_table *thread_files_of(struct thread *t) owned;
struct vm_space *thread_space_of(struct thread *t) owned;
struct namespace_set *thread_namespaces_of(struct thread *t) owned;
// The body of every thread: runs user mode and what it asks for, until it exits. The system call
// table is linux_abi's and registered by it.
struct user_mode_ops {
	void (*system_call)(struct thread *t);			// reads t->user, sets rax
	// Builds the signal frame / applies restart; called with a signal taken, not blocked.
	err_t (*deliver_signal)(struct thread *t, const struct signal_info *info borrowed, const struct signal_action *action borrowed);
	void (*restart_system_call)(struct thread *t, const struct signal_action *action);	// NULL action: no handler ran
};
void thread_set_user_mode_ops(const struct user_mode_ops *ops);
