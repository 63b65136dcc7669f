// SPDX-License-Identifier: MPL-2.0
// Job control: which session a terminal belongs to, which of its groups may use it now, and what
// happens to the others (source: credentials(7), tcsetpgrp(3), TIOCSCTTY(2const)).
#include <services/process/process_signal.h>
#include <services/tty/tty.h>

static struct process_group *foreground_of(struct tty *t) owned;
static struct process_group *foreground_of(struct tty *t)
{
	mutex_guard(&t->lock);
	return t->foreground ? process_group_get(t->foreground) : NULL;
}

// The caller's session, when t is its controlling terminal; else NULL.
static struct session *own_session(struct tty *t) owned;
static struct session *own_session(struct tty *t)
{
	struct process *p = process_current();
	struct session *s object_auto(session) = p ? process_session(p) : NULL;

	if (!s)
		return NULL;
	mutex_guard(&t->lock);
	return t->session == s ? take(s) : NULL;
}

struct pid *tty_foreground_pid(struct tty *t)
{
	struct process_group *g object_auto(process_group) = foreground_of(t);
	return g ? pid_get(g->pid) : NULL;
}

void tty_signal_foreground(struct tty *t, u32 signal)
{
	struct process_group *g object_auto(process_group) = foreground_of(t);
	struct signal_info info = signal_info_kernel(signal);

	if (g)
		signal_send_group(g, &info);
}

err_t tty_check_access(struct tty *t, enum tty_access access)
{
	struct process *p = process_current();
	struct session *s object_auto(session) = own_session(t);
	u32 signal = access == TTY_ACCESS_READ ? SIGTTIN : SIGTTOU;

	if (!p || !s)
		return OK;
	struct process_group *own object_auto(process_group) = process_group_of(p);
	struct process_group *foreground object_auto(process_group) = foreground_of(t);
	if (!foreground || own == foreground)
		return OK;
	if (access == TTY_ACCESS_WRITE) {
		mutex_guard(&t->lock);
		if (!(t->line.termios.local & TOSTOP))
			return OK;
	}
	if (signal_is_ignored_or_blocked(signal))
		return access == TTY_ACCESS_READ ? (err_t)-EIO : OK;
	if (process_group_is_orphaned(own))
		return -EIO;
	struct signal_info info = signal_info_kernel(signal);
	signal_send_group(own, &info);
	return -ERESTARTSYS;
}

// Gives t to session s with `group` in the foreground.
static void associate(struct tty *t, struct session *s, struct process_group *group)
{
	struct session *old object_auto(session) = NULL;
	struct process_group *old_group object_auto(process_group) = NULL;

	mutex_guard(&t->lock);
	old = take(t->session);
	old_group = take(t->foreground);
	t->session = session_get(s);
	t->foreground = process_group_get(group);
}

static err_t take_for_session(struct tty *t, struct session *s, struct process *p)
{
	struct tty_handle *h object_auto(tty_handle) = tty_handle_create(t);
	struct process_group *g object_auto(process_group) = process_group_of(p);
	err_t err;

	if (!h)
		return -ENOMEM;
	if (!g)
		return -EIO;
	err = session_set_terminal(s, &h->object);
	if (err)
		return err;
	associate(t, s, g);
	return OK;
}

static bool has_session(struct tty *t)
{
	mutex_guard(&t->lock);
	return t->session;
}

void tty_take_if_leader(struct tty *t, struct file *f)
{
	struct process *p = process_current();

	// Who may only write to a terminal does not get it as its own.
	if (!p || (atomic_u32_load(&f->flags) & OPEN_NO_CTTY) || !(f->mode & FILE_MODE_READ) ||
		!process_is_session_leader(p) || has_session(t))
		return;
	struct session *s object_auto(session) = process_session(p);
	struct object *terminal object_ref_auto = s ? session_terminal(s) : NULL;
	if (!s || terminal)
		return;
	if (take_for_session(t, s, p))
		return;	// without memory the terminal is simply not taken, as TIOCSCTTY will tell
}

// TIOCSCTTY: argument 1 with CAP_SYS_ADMIN takes it from another session.
static ssize_r set_controlling(struct tty *t, struct file *f, u64 argument)
{
	struct process *p = process_current();
	struct session *s object_auto(session) = own_session(t);

	if (!p)
		return -EPERM;
	if (s)
		return process_is_session_leader(p) ? 0 : (ssize_r)-EPERM;
	struct session *mine object_auto(session) = process_session(p);
	struct object *terminal object_ref_auto = mine ? session_terminal(mine) : NULL;
	if (!mine || !process_is_session_leader(p) || terminal)
		return -EPERM;
	if (has_session(t)) {
		if (argument != 1 || !thread_capable_over_machine(CAP_SYS_ADMIN))
			return -EPERM;
		tty_disassociate(t);
	}
	return (ssize_r)take_for_session(t, mine, p);
}

void tty_disassociate(struct tty *t)
{
	struct session *s object_auto(session) = NULL;
	struct process_group *g object_auto(process_group) = NULL;
	struct signal_info hang_up = signal_info_kernel(SIGHUP), go_on = signal_info_kernel(SIGCONT);

	{
		mutex_guard(&t->lock);
		s = take(t->session);
		g = take(t->foreground);
	}
	if (!s)
		return;
	session_clear_terminal(s);
	if (g) {
		signal_send_group(g, &hang_up);
		signal_send_group(g, &go_on);
	}
	struct process *leader object_auto(process) = pid_process(s->pid);
	if (leader) {
		(void)signal_send_process(leader, &hang_up);
		(void)signal_send_process(leader, &go_on);
	}
}

// TIOCNOTTY: a leader gives it up for its whole session; for others it is forgotten by the session's rules.
static ssize_r give_up(struct tty *t)
{
	struct process *p = process_current();
	struct session *s object_auto(session) = own_session(t);

	if (!s)
		return -ENOTTY;
	if (p && process_is_session_leader(p))
		tty_disassociate(t);
	return 0;
}

static ssize_r get_group(struct tty *t, struct session *any, u64 *number borrowed)
{
	struct process_group *g object_auto(process_group) = foreground_of(t);
	struct process *p = process_current();

	if (!p || !any)
		return -ENOTTY;
	*number = g ? pid_number_in(g->pid, pid_namespace_of(p->pid)) : 0;
	return 0;
}

static ssize_r get_session(struct session *any, u64 *number borrowed)
{
	struct process *p = process_current();

	if (!p || !any)
		return -ENOTTY;
	*number = pid_number_in(any->pid, pid_namespace_of(p->pid));
	return 0;
}

static ssize_r set_group(struct tty *t, u64 number)
{
	struct process *p = process_current();
	struct session *s object_auto(session) = own_session(t);
	err_t err = tty_check_access(t, TTY_ACCESS_CHANGE);

	if (err)
		return (ssize_r)err;
	if (!p || !s)
		return -ENOTTY;
	if (number > S32_MAX)
		return -EINVAL;
	struct pid *pid object_auto(pid) = pid_find(pid_namespace_of(p->pid), (u32)number);
	struct process_group *g object_auto(process_group) = pid ? pid_group(pid) : NULL;
	if (!g)
		return -ESRCH;
	if (g->session != s)
		return -EPERM;
	associate(t, s, g);
	return 0;
}

// The pty master may ask about the slave's session; others only about their own.
ssize_r tty_job_control(struct tty *t, struct file *f, struct file_control *c borrowed)
{
	struct session *s object_auto(session) = NULL;

	switch (c->command) {
	case TIOCSCTTY: return set_controlling(t, f, c->value);
	case TIOCNOTTY: return give_up(t);
	case TIOCSPGRP: return set_group(t, c->value);
	case TIOCGPGRP: s = own_session(t); return get_group(t, s, &c->value);
	case TIOCGSID: s = own_session(t); return get_session(s, &c->value);
	default: return -ENOTTY;
	}
}

struct tty *tty_controlling(void)
{
	struct process *p = process_current();
	struct session *s object_auto(session) = p ? process_session(p) : NULL;
	struct object *terminal object_ref_auto = s ? session_terminal(s) : NULL;

	return terminal ? tty_get(tty_of_object(terminal)) : NULL;
}
