// SPDX-License-Identifier: MPL-2.0
// A pid: one number per level of nested pid namespaces, naming a thread, its process, group or session.
// Numbers are allocated per namespace, cyclically. source: pid_namespaces(7)
#pragma once
#include <core/lock.h>
#include <core/wait.h>
#include <services/cred/namespace.h>

struct pid_namespace;
struct thread;
struct process;
struct process_group;
struct session;
#define PID_LEVELS_MAX 32

struct pid;
DECLARE_OBJECT(pid)
DECLARE_OBJECT(pid_namespace)
// Allocates numbers in ns and all its ancestors. -EAGAIN at the limit, -ENOMEM when its init is dead.
err_t pid_create(struct pid_namespace *ns, struct pid **out borrowed);
// 0 when it has no number there.
u32 pid_number_in(const struct pid *p borrowed, const struct pid_namespace *ns borrowed);
u32 pid_number_global(const struct pid *p borrowed);	// in the initial namespace
struct pid_namespace *pid_namespace_of(const struct pid *p borrowed);	// borrowed; the deepest one
// References or NULL.
struct pid *pid_find(struct pid_namespace *ns, u32 number) owned;
struct thread *pid_thread(struct pid *p) owned;
struct process *pid_process(struct pid *p) owned;
struct process_group *pid_group(struct pid *p) owned;
struct session *pid_session(struct pid *p) owned;
// Walks numbers upward (readdir of /proc): the first pid with a number >= *number.
struct pid *pid_next(struct pid_namespace *ns, u32 *number borrowed) owned;
struct pid_namespace *pid_namespace_initial(void);
struct pid_namespace *pid_namespace_from(struct namespace *n);
struct pid_namespace *pid_namespace_parent(const struct pid_namespace *ns borrowed);	// NULL at the root
struct process *pid_namespace_init_process(struct pid_namespace *ns) owned;
// Polled by pidfd: woken when the process exits.
struct wait_queue *pid_exit_event(struct pid *p);
