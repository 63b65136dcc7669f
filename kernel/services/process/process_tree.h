// SPDX-License-Identifier: MPL-2.0
// Parents and children, process groups, sessions, and the session's controlling terminal.
// source: credentials(7), setpgid(2), setsid(2)
#pragma once
#include <services/process/process.h>

extern struct spinlock process_tree_lock;

struct session {
	struct object object;
	struct pid *pid;		// reference; immutable
	// The rest: guarded by process_tree_lock.
	struct process *leader;		// NULL once it has exited; borrowed
	struct object *terminal;	// reference to services/tty's object, or NULL
};
DECLARE_OBJECT(session)
struct process_group {
	struct object object;
	struct pid *pid;			// reference; immutable
	struct session *session;		// reference; immutable
	struct group_member_list members;	// guarded by process_tree_lock; no reference
};
DECLARE_OBJECT(process_group)

// References; never NULL for a process in the tree, NULL for a dead one.
struct process_group *process_group_of(struct process *p) owned;
struct session *process_session(struct process *p) owned;
// 0 when there is none. In the given namespace.
u32 process_parent_number(struct process *p, const struct pid_namespace *ns borrowed);
u32 process_group_number(struct process *p, const struct pid_namespace *ns borrowed);
u32 process_session_number(struct process *p, const struct pid_namespace *ns borrowed);
bool process_is_session_leader(struct process *p);
// No member has a parent in another group of the same session: job control cannot reach it.
bool process_group_is_orphaned(struct process_group *g);

// setsid(2): -EPERM for a group leader. setpgid(2): `target` and `pgid` as numbers of the caller, 0 = own.
err_t process_set_session(struct process *p, u32 *number borrowed);
err_t process_set_group(struct process *caller, u32 target, u32 pgid);

// --- the controlling terminal -------------------------------------------------------------
// NULL if there is none.
struct object *session_terminal(struct session *s) owned;
// TIOCSCTTY: the session takes `terminal` (a reference of its own). -EPERM when it has one already.
err_t session_set_terminal(struct session *s, struct object *terminal);
// TIOCNOTTY, hang-up: the session has none any more.
void session_clear_terminal(struct session *s);
// Registered by services/tty: the leader of `s` has exited while it had a terminal. Runs in the exiting
// thread, no lock held, may sleep: SIGHUP and SIGCONT to the foreground group, and the terminal forgets s.
void session_set_leader_exit_hook(void (*hook)(struct session *s, struct object *terminal));
