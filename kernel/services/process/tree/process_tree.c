// SPDX-License-Identifier: MPL-2.0
// Process groups, sessions, parents. Everything here is guarded by one spinlock: it is held for list work
// only; references are put after it is released.
#include <services/process/process_internal.h>

struct spinlock process_tree_lock = SPINLOCK_INIT(RANK_PROCESS_TREE);
// One setpgid or setsid at a time: a shell and its child both make the child's group, and a second group of the same
// number, given up at once, would take the number from the first.
static struct mutex group_change_lock = MUTEX_INIT(RANK_NAMESPACE);

static void session_release(struct session *s) exclusive_access
{
	if (s->terminal)
		object_put(take(s->terminal));
	if (s->pid) {
		pid_forget_session(s->pid, s);
		pid_put(take(s->pid));
	}
}
DEFINE_OBJECT(session, session_release)

static void process_group_release(struct process_group *g) exclusive_access
{
	if (g->pid) {
		pid_forget_group(g->pid, g);
		pid_put(take(g->pid));
	}
	if (g->session)
		session_put(take(g->session));
}
DEFINE_OBJECT(process_group, process_group_release)

struct session *session_create(struct pid *pid)
{
	struct session *s object_auto(session) = session_alloc();
	if (!s)
		return NULL;
	s->pid = pid_get(pid);
	pid_set_session(pid, s);
	return take(s);
}

struct process_group *process_group_create(struct pid *pid, struct session *s)
{
	struct process_group *g object_auto(process_group) = process_group_alloc();
	if (!g)
		return NULL;
	g->pid = pid_get(pid);
	g->session = session_get(s);
	pid_set_group(pid, g);
	return take(g);
}

void process_join_group_locked(struct process *p, struct process_group *g consumes)
{
	group_member_list_append(&g->members, p);
	p->group = g;
}

struct process_group *process_leave_group_locked(struct process *p)
{
	if (p->group && group_member_list_has(&p->group->members, p))
		group_member_list_remove(&p->group->members, p);
	return take(p->group);
}

struct process_group *process_group_of(struct process *p)
{
	spin_guard(&process_tree_lock);
	return process_group_try_get(p->group);
}

struct session *process_session(struct process *p)
{
	spin_guard(&process_tree_lock);
	return p->group ? session_get(p->group->session) : NULL;
}

u32 process_parent_number(struct process *p, const struct pid_namespace *ns borrowed)
{
	spin_guard(&process_tree_lock);
	return p->parent ? pid_number_in(p->parent->pid, ns) : 0;
}

u32 process_group_number(struct process *p, const struct pid_namespace *ns borrowed)
{
	spin_guard(&process_tree_lock);
	return p->group ? pid_number_in(p->group->pid, ns) : 0;
}

u32 process_session_number(struct process *p, const struct pid_namespace *ns borrowed)
{
	spin_guard(&process_tree_lock);
	return p->group ? pid_number_in(p->group->session->pid, ns) : 0;
}

bool process_is_session_leader(struct process *p)
{
	spin_guard(&process_tree_lock);
	return p->group && p->group->session->leader == p;
}

// --- orphaned groups (source: credentials(7), setpgid(2)) ---------------------------------------

bool process_group_is_orphaned_locked(struct process_group *g, const struct process *leaving borrowed)
{
	list_for_each(group_member_list, p, &g->members) {
		const struct process *member = p;
		if (member == leaving || p->state != PROCESS_RUNNING || !p->parent)
			continue;
		// The machine's process 1 adopts whom nobody controls; another namespace's may be a shell with jobs.
		if (pid_number_global(p->parent->pid) == 1)
			continue;
		struct process_group *above = p->parent->group;
		if (above && above != g && above->session == g->session)
			return false;
	}
	return true;
}

bool process_group_is_orphaned(struct process_group *g)
{
	spin_guard(&process_tree_lock);
	return process_group_is_orphaned_locked(g, NULL);
}

bool process_group_has_stopped_locked(struct process_group *g)
{
	list_for_each(group_member_list, p, &g->members)
		if (p->tree_flags & PROCESS_STOPPED)
			return true;
	return false;
}

// --- setsid and setpgid ---------------------------------------------------------------------------

err_t process_set_session(struct process *p, u32 *number borrowed)
{
	mutex_guard(&group_change_lock);
	struct process_group *existing object_auto(process_group) = pid_group(p->pid);
	if (existing)
		return -EPERM;
	struct session *s object_auto(session) = session_create(p->pid);
	if (!s)
		return -ENOMEM;
	struct process_group *g object_auto(process_group) = process_group_create(p->pid, s);
	if (!g)
		return -ENOMEM;
	struct process_group *old object_auto(process_group) = NULL;
	{
		spin_guard(&process_tree_lock);
		s->leader = p;
		struct process_group *left object_auto(process_group) = process_leave_group_locked(p);
		old = take(left);
		process_join_group_locked(p, take(g));
	}
	*number = pid_number_own(p->pid);
	return OK;
}

// The process that setpgid(2) names: the caller or a child of it that has not called execve.
static err_t set_group_check(struct process *caller, struct process *target) REQUIRES(process_tree_lock)
{
	if (target != caller) {
		if (target->parent != caller || !target->group || !caller->group)
			return -ESRCH;
		if (target->group->session != caller->group->session)
			return -EPERM;
		if (target->tree_flags & PROCESS_EXECED)
			return -EACCES;
	}
	if (!target->group)	// one that has ended still has one, until it is waited for
		return -ESRCH;
	return target->group->session->leader == target ? -EPERM : OK;
}

static err_t set_group(struct process *caller, struct process *target, struct process_group *g)
{
	struct process_group *old object_auto(process_group) = NULL;
	spin_guard(&process_tree_lock);
	err_t err = set_group_check(caller, target);
	if (err)
		return err;
	if (g->session != target->group->session)
		return -EPERM;
	if (target->group == g)
		return OK;
	struct process_group *left object_auto(process_group) = process_leave_group_locked(target);
	old = take(left);
	struct process_group *reference object_auto(process_group) = process_group_get(g);
	process_join_group_locked(target, take(reference));
	return OK;
}

// The group `pid` names, or a new one when it is the target's own number.
static err_t find_group(struct process *target, struct pid *pid, struct process_group **out borrowed)
{
	struct process_group *found object_auto(process_group) = pid_group(pid);
	if (!found) {
		if (pid != target->pid)
			return -EPERM;
		struct session *s object_auto(session) = process_session(target);
		if (!s)
			return -ESRCH;
		struct process_group *made object_auto(process_group) = process_group_create(pid, s);
		if (!made)
			return -ENOMEM;
		found = take(made);
	}
	*out = take(found);
	return OK;
}

// 0 names `self`.
static struct pid *find_or_self(struct pid_namespace *ns, u32 number, struct pid *self) owned;
static struct pid *find_or_self(struct pid_namespace *ns, u32 number, struct pid *self)
{
	return number ? pid_find(ns, number) : pid_get(self);
}

err_t process_set_group(struct process *caller, u32 target_number, u32 group_number)
{
	struct pid_namespace *ns = pid_namespace_of(caller->pid);
	struct pid *target_pid object_auto(pid) = find_or_self(ns, target_number, caller->pid);
	if (!target_pid)
		return -ESRCH;
	struct process *target object_auto(process) = pid_process(target_pid);
	if (!target)
		return -ESRCH;
	{
		spin_guard(&process_tree_lock);
		err_t err = set_group_check(caller, target);
		if (err)
			return err;
	}
	struct pid *group_pid object_auto(pid) = find_or_self(ns, group_number, target->pid);
	if (!group_pid)
		return -EPERM;
	mutex_guard(&group_change_lock);
	struct process_group *g object_auto(process_group) = NULL;
	err_t err = find_group(target, group_pid, &g);
	return err ? err : set_group(caller, target, g);
}

// --- the controlling terminal -----------------------------------------------------------------------

static void (*leader_exit_hook)(struct session *s, struct object *terminal) GUARDED_BY(process_tree_lock);

void session_set_leader_exit_hook(void (*hook)(struct session *s, struct object *terminal))
{
	spin_guard(&process_tree_lock);
	leader_exit_hook = hook;
}

struct object *session_terminal(struct session *s)
{
	spin_guard(&process_tree_lock);
	return s->terminal ? object_get(s->terminal) : NULL;
}

err_t session_set_terminal(struct session *s, struct object *terminal)
{
	spin_guard(&process_tree_lock);
	if (s->terminal)
		return -EPERM;
	s->terminal = object_get(terminal);
	return OK;
}

static struct object *take_terminal(struct session *s) owned;
static struct object *take_terminal(struct session *s)
{
	spin_guard(&process_tree_lock);
	return take(s->terminal);
}

void session_clear_terminal(struct session *s)
{
	struct object *old object_auto(object) = take_terminal(s);
}

void session_leader_exited(struct session *s)
{
	void (*hook)(struct session *s, struct object *terminal) = NULL;
	struct object *terminal object_auto(object) = session_terminal(s);
	{
		spin_guard(&process_tree_lock);
		s->leader = NULL;
		hook = leader_exit_hook;
	}
	if (terminal && hook)
		hook(s, terminal);
}
