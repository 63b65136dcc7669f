// SPDX-License-Identifier: MPL-2.0
// The current thread's view of its signals: what is blocked, what is pending.
#include <services/process/execve.h>
#include <services/process/process_internal.h>

#define UNBLOCKABLE (signal_bit(SIGKILL) | signal_bit(SIGSTOP))

bool signal_is_ignored_or_blocked(u32 signal)
{
	struct thread *t = thread_current();
	return (t->blocked.bits & signal_bit(signal)) ||
		signal_action_get(t->process->actions, signal).handler == SIGNAL_HANDLER_IGNORE;
}

bool signal_is_pending(void)
{
	return task_pending_work(task_current()) & (TASK_WORK_SIGNAL | TASK_WORK_KILL);
}

struct signal_set signal_blocked(void)
{
	return thread_current()->blocked;
}

// What this thread blocks from now on and others do not: somebody else has to look.
static void hand_over_shared(struct process *p, struct thread *t, u64 newly_blocked) REQUIRES(p->signal_lock)
{
	if (!(p->shared_pending.pending.bits & newly_blocked))
		return;
	list_for_each(thread_list, other, &p->threads)
		if (other != t && (p->shared_pending.pending.bits & newly_blocked & ~other->blocked.bits))
			task_post_work(&other->base, TASK_WORK_SIGNAL);
}

void signal_set_blocked(struct signal_set set)
{
	struct thread *t = thread_current();
	struct process *p = t->process;
	set.bits &= ~UNBLOCKABLE;
	irq_guard(&p->signal_lock);
	u64 newly_blocked = set.bits & ~t->blocked.bits;
	t->blocked = set;
	hand_over_shared(p, t, newly_blocked);
	signal_recalculate_locked(p, t);
}

void signal_set_blocked_temporarily(struct signal_set set)
{
	struct thread *t = thread_current();
	t->saved_blocked = t->blocked;
	t->restore_saved_blocked = 1;
	signal_set_blocked(set);
}

static bool take_pending(struct thread *t, struct signal_set set, struct signal_info *out borrowed)
{
	struct process *p = t->process;
	struct signal_set others = { ~set.bits };
	irq_guard(&p->signal_lock);
	bool taken = signal_queue_take(&t->pending, others, out) || signal_queue_take(&p->shared_pending, others, out);
	if (taken)
		signal_recalculate_locked(p, t);
	return taken;
}

bool signal_take_pending(struct signal_set set, struct signal_info *out borrowed)
{
	struct thread *t = thread_current();
	if (!take_pending(t, set, out))
		return false;
	if (out->kind == SIGNAL_INFO_TIMER)
		thread_user_mode_ops()->timer_signal_taken(t, out);
	return true;
}

struct signal_set signal_pending_set(struct thread *t)
{
	struct process *p = t->process;
	irq_guard(&p->signal_lock);
	return (struct signal_set){ t->pending.pending.bits | p->shared_pending.pending.bits };
}

struct signal_set signal_shared_pending_set(struct process *p)
{
	irq_guard(&p->signal_lock);
	return p->shared_pending.pending;
}

bool signal_is_queued(struct process *p, struct thread *t, u32 signal)
{
	irq_guard(&p->signal_lock);
	u64 bits = t ? t->pending.pending.bits : p->shared_pending.pending.bits;
	return bits & signal_bit(signal);
}
