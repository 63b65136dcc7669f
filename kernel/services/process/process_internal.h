// SPDX-License-Identifier: MPL-2.0
// What the files of services/process share and nobody else calls.
#pragma once
#include <services/process/execve.h>
#include <services/process/process_signal.h>
#include <services/process/process_tree.h>
#include <services/process/thread.h>

// --- making: objects with locks and queues ready, nothing linked (process.c, thread.c, process_tree.c)
struct process *process_create(struct pid *pid) owned;
// `p` gets one more thread object; it is linked by process_add_thread.
struct thread *thread_create(struct process *p, struct pid *pid, bytes_t name, void (*entry)(struct task *self)) owned;
struct thread *thread_of_task(struct task *t);	// borrowed; NULL for a kernel thread
// Body of every thread.
void thread_main(struct task *self);
struct session *session_create(struct pid *pid) owned;
struct process_group *process_group_create(struct pid *pid, struct session *s) owned;

// --- tree (process_tree.c); all with process_tree_lock held
void process_join_group_locked(struct process *p, struct process_group *g consumes) REQUIRES(process_tree_lock);
// Takes p out of its group; the reference is handed out to be put without the lock.
struct process_group *process_leave_group_locked(struct process *p) REQUIRES(process_tree_lock) owned;
bool process_group_is_orphaned_locked(struct process_group *g, const struct process *leaving borrowed)
	REQUIRES(process_tree_lock);
bool process_group_has_stopped_locked(struct process_group *g) REQUIRES(process_tree_lock);
void signal_send_group_locked(struct process_group *g, const struct signal_info *info borrowed)
	REQUIRES(process_tree_lock);
// The hook of services/tty; no lock.
void session_leader_exited(struct session *s);

// --- telling the parent (notify.c)
enum notify_reason { NOTIFY_STOPPED, NOTIFY_CONTINUED };
void process_notify_parent(struct process *p, enum notify_reason reason, u32 signal);
// A zombie: SIGCHLD or its exit signal. True: nobody will wait for it.
bool process_notify_exit_locked(struct process *p) REQUIRES(process_tree_lock);

// --- signals (process_signal.c, attend.c)
void process_begin_group_exit_locked(struct process *p, u32 status) REQUIRES(p->signal_lock);
// Sets or clears t's work bit after a change of what is pending, blocked or wanted.
void signal_recalculate_locked(struct process *p, struct thread *t) REQUIRES(p->signal_lock);
// Everything between two stays in user mode: exit, stop, signals, restart.
void thread_attend(struct thread *t, const struct user_mode_ops *ops);

// --- tracing (trace/)
void process_end_tracing(struct process *p);		// p ends: its tracees are free
void process_end_traced(struct thread *t, u32 status);	// t has left its process: its tracer waits for that
void trace_vfork_done(u32 number);

// --- ends (exit.c, wait.c, execve)
// Takes a zombie out of the tree and puts it on `dead`, whose members process_bury() then releases.
void process_unlink_locked(struct process *p, struct process_list *dead borrowed) REQUIRES(process_tree_lock);
// Registers with services/futex; once, before the first process.
void process_exit_init(void);
void process_bury(struct process_list *dead borrowed);
void process_add_times(struct process_times *to borrowed, const struct process_times *more borrowed);
