// SPDX-License-Identifier: MPL-2.0
#include <services/signal/signal.h>

static void signal_action_table_release(struct signal_action_table *t) exclusive_access
{
	(void)t;
}
DEFINE_OBJECT(signal_action_table, signal_action_table_release)

struct signal_action_table *signal_action_table_create(void)
{
	struct signal_action_table *t object_auto(signal_action_table) = signal_action_table_alloc();
	if (t)
		spin_init(&t->lock, RANK_SIGNAL_ACTION);
	return take(t);
}

// One at a time: each is copied whole, which is all that a concurrent sigaction(2) may expect.
static void copy_actions(struct signal_action_table *to, struct signal_action_table *from)
{
	for (u32 signal = 1; signal <= SIGNAL_MAX; signal++) {
		struct signal_action action = signal_action_get(from, signal);
		if (action.handler || action.flags)
			signal_action_set(to, signal, &action);
	}
}

struct signal_action_table *signal_action_table_copy(struct signal_action_table *from)
{
	struct signal_action_table *t object_auto(signal_action_table) = signal_action_table_create();
	if (t)
		copy_actions(t, from);
	return take(t);
}

struct signal_action signal_action_get(struct signal_action_table *t, u32 signal)
{
	irq_guard(&t->lock);
	return t->action[signal - 1];
}

void signal_action_set(struct signal_action_table *t, u32 signal, const struct signal_action *action borrowed)
{
	irq_guard(&t->lock);
	t->action[signal - 1] = *action;
}

struct signal_action signal_action_exchange(
	struct signal_action_table *t, u32 signal, const struct signal_action *action borrowed)
{
	irq_guard(&t->lock);
	struct signal_action old = t->action[signal - 1];
	t->action[signal - 1] = *action;
	return old;
}

void signal_action_reset_handlers(struct signal_action_table *t)
{
	irq_guard(&t->lock);
	for (u32 i = 0; i < SIGNAL_MAX; i++) {
		u64 handler =
			t->action[i].handler == SIGNAL_HANDLER_IGNORE ? SIGNAL_HANDLER_IGNORE : SIGNAL_HANDLER_DEFAULT;
		t->action[i] = (struct signal_action){ .handler = handler };
	}
}

// source: signal(7), table "Standard signals"
enum signal_default signal_default_action(u32 signal)
{
	switch (signal) {
	case SIGCHLD:
	case SIGURG:
	case SIGWINCH:
		return SIGNAL_DEFAULT_IGNORE;
	case SIGCONT:
		return SIGNAL_DEFAULT_CONTINUE;
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		return SIGNAL_DEFAULT_STOP;
	case SIGQUIT:
	case SIGILL:
	case SIGTRAP:
	case SIGABRT:
	case SIGBUS:
	case SIGFPE:
	case SIGSEGV:
	case SIGXCPU:
	case SIGXFSZ:
	case SIGSYS:
		return SIGNAL_DEFAULT_CORE;
	default:
		return SIGNAL_DEFAULT_TERMINATE;
	}
}

bool signal_action_ignores(struct signal_action_table *t, u32 signal)
{
	u64 handler = signal_action_get(t, signal).handler;
	if (handler == SIGNAL_HANDLER_IGNORE)
		return true;
	return handler == SIGNAL_HANDLER_DEFAULT && signal_default_action(signal) == SIGNAL_DEFAULT_IGNORE;
}
