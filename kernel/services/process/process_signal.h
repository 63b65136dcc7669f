// SPDX-License-Identifier: MPL-2.0
// Sending signals: who receives, what happens at once (stop, continue, kill), who is woken.
// Callable from any context unless said; permission is the caller's business (signal_may_send).
#pragma once
#include <services/process/process_tree.h>
#include <services/process/thread.h>

// Information of a signal that the kernel itself sends (code SI_KERNEL).
struct signal_info signal_info_kernel(u32 signal);
// ... that the current thread sends by kill(2) (code SI_USER) or tgkill(2) (SI_TKILL).
struct signal_info signal_info_user(u32 signal, s32 code);
// -EAGAIN: a real-time signal could not be queued. Ignored signals are dropped: OK.
err_t signal_send_process(struct process *p, const struct signal_info *info borrowed);
err_t signal_send_thread(struct thread *t, const struct signal_info *info borrowed);
// To every member. => takes process_tree_lock; not from interrupts
void signal_send_group(struct process_group *g, const struct signal_info *info borrowed);
// A fault of the current thread: cannot be ignored or blocked (then it kills).
void signal_force_current(const struct signal_info *info borrowed);
// kill(2)'s rule. -EPERM. signal 0 checks only.
err_t signal_may_send(struct process *to, u32 signal);
// Kills for good (OOM, end of a pid namespace, cgroup.kill).
void signal_kill_process(struct process *p);

// Would this signal do nothing at all to the current process's group if it came from the terminal
// (ignored or blocked)? tty: SIGTTIN/SIGTTOU decisions.
bool signal_is_ignored_or_blocked(u32 signal);
// Is something waiting to be handled by the current thread?
bool signal_is_pending(void);
// Blocked set of the current thread. `set` replaces it (SIGKILL and SIGSTOP are left out).
struct signal_set signal_blocked(void);
void signal_set_blocked(struct signal_set set);
// For ppoll, pselect, epoll_pwait, sigsuspend: `set` until the return to user mode, where the old
// one comes back after handlers have been chosen.
void signal_set_blocked_temporarily(struct signal_set set);
// Pending and not blocked for the current thread or its process, within `set`; takes one.
bool signal_take_pending(struct signal_set set, struct signal_info *out borrowed);
// Union of what is pending for the thread and its process.
struct signal_set signal_pending_set(struct thread *t);
struct signal_set signal_shared_pending_set(struct process *p);
// rt_sigaction to "ignore": what is pending of it is forgotten everywhere.
void signal_discard(struct process *p, u32 signal);
// Ends a process as if killed by `signal`, whatever it does about that signal (reboot in a pid namespace).
void signal_exit_process(struct process *p, u32 signal);
// Is it pending for t (or, with t NULL, for p as a whole)? => any context
bool signal_is_queued(struct process *p, struct thread *t, u32 signal);
