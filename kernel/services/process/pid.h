// SPDX-License-Identifier: MPL-2.0
// A pid: one number per level of nested pid namespaces, naming a thread, its process, group or session.
// Numbers are allocated per namespace, cyclically. A pid namespace whose first process (pid 1) has
// exited gives out no more numbers. source: pid_namespaces(7)
#pragma once
#include <core/lock.h>
#include <core/wait.h>
#include <services/cred/namespace.h>

struct pid_namespace;
struct thread;
struct process;
struct process_group;
struct session;
#define PID_DEPTH_MAX 32	// namespaces within each other below the initial one
#define PID_LEVELS_MAX (PID_DEPTH_MAX + 1)
#define PID_MAX 4194304u	// numbers are below it

struct pid;
DECLARE_OBJECT(pid)
DECLARE_OBJECT(pid_namespace)
// Allocates numbers in ns and all its ancestors. `wanted` numbers (innermost first) are taken where
// given: -EEXIST, -EINVAL. -EAGAIN at the limit, -ENOMEM when its init is dead.
struct pid_wanted {
	u32 count;
	u32 number[PID_LEVELS_MAX];
};
err_t pid_create(struct pid_namespace *ns, const struct pid_wanted *wanted borrowed, struct pid **out borrowed);
// 0 when it has no number there.
u32 pid_number_in(const struct pid *p borrowed, const struct pid_namespace *ns borrowed);
u32 pid_number_global(const struct pid *p borrowed);	// in the initial namespace
u32 pid_number_own(const struct pid *p borrowed);	// in its deepest namespace
// In ns, of the one with this number in the initial namespace; 0 when it is gone or has none there.
u32 pid_number_seen(u32 global, const struct pid_namespace *ns borrowed);
u32 pid_level(const struct pid *p borrowed);		// of its deepest namespace; 0 = initial
u32 pid_number_at(const struct pid *p borrowed, u32 level);	// NSpid; 0 beyond its level
struct pid_namespace *pid_namespace_of(const struct pid *p borrowed);	// borrowed; the deepest one
// References or NULL.
struct pid *pid_find(struct pid_namespace *ns, u32 number) owned;
struct thread *pid_thread(struct pid *p) owned;
struct process *pid_process(struct pid *p) owned;	// of a thread group leader's pid only
struct process_group *pid_group(struct pid *p) owned;
struct session *pid_session(struct pid *p) owned;
// What a pid names; set and cleared (NULL) by services/process as they come and go. No reference.
void pid_set_thread(struct pid *p, struct thread *t);
void pid_set_process(struct pid *p, struct process *q);
void pid_set_group(struct pid *p, struct process_group *g);
void pid_set_session(struct pid *p, struct session *s);
// Clears it if it still is that one (release callbacks).
void pid_forget_group(struct pid *p, const struct process_group *g borrowed);
void pid_forget_session(struct pid *p, const struct session *s borrowed);
void pid_forget_thread(struct pid *p, const struct thread *t borrowed);
// Walks numbers upward (readdir of /proc): the first pid with a number >= *number.
struct pid *pid_next(struct pid_namespace *ns, u32 *number borrowed) owned;
// Somebody has cached names for the process of this pid: `forget` is called once it has been waited for. A
// sleeping context, no locks held. One user: procfs.
void pid_mark_cached(struct pid *p);
void pid_set_forget(void (*forget)(struct pid *p));
void pid_forget_cached(struct pid *p);	// for process_bury()
// Woken when the process exits (pidfd).
struct wait_queue *pid_exit_event(struct pid *p);

struct pid_namespace *pid_namespace_initial(void);
struct pid_namespace *pid_namespace_from(struct namespace *n);
struct namespace *pid_namespace_base(struct pid_namespace *ns);	// borrowed
// -ENOSPC above 32 levels.
err_t pid_namespace_create(
	struct pid_namespace *parent, struct user_namespace *owner, struct pid_namespace **out borrowed);
struct pid_namespace *pid_namespace_parent(const struct pid_namespace *ns borrowed);	// NULL at the root
u32 pid_namespace_level(const struct pid_namespace *ns borrowed);
bool pid_namespace_is_ancestor(const struct pid_namespace *ancestor borrowed, const struct pid_namespace *ns borrowed);
struct process *pid_namespace_init_process(struct pid_namespace *ns) owned;
void pid_namespace_set_init(struct pid_namespace *ns, struct process *init);	// no reference
void pid_namespace_close(struct pid_namespace *ns);	// its init is exiting: no more numbers
// Processes in it and below, zombies and its init included.
u32 pid_namespace_count(struct pid_namespace *ns);
struct wait_queue *pid_namespace_event(struct pid_namespace *ns);	// woken when the count falls
// Last number given out (/proc/loadavg, ns_last_pid).
u32 pid_namespace_last(struct pid_namespace *ns);
void pid_namespace_set_last(struct pid_namespace *ns, u32 number);
// Somebody has been born in it.
bool pid_namespace_is_begun(struct pid_namespace *ns);
err_t pid_init(void);
