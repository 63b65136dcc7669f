// SPDX-License-Identifier: MPL-2.0
// What a thread does between the kernel and user mode when somebody wants something of it: it exits with
// its group, stops and continues, takes a signal and runs its handler or default action, and restarts an
// interrupted system call. This is the one place where the ERESTART* results are turned into what the
// user sees. source: signal(7), "Interruption of system calls and library functions by signal handlers"
#include <services/process/exit.h>
#include <services/process/file_async.h>
#include <services/process/members.h>
#include <services/process/process_internal.h>
#include <services/process/trace.h>

#define NOT_IN_SYSCALL (~0ul)
#define RESTART_SYSCALL_NUMBER 219u
#define SYSCALL_INSTRUCTION_LENGTH 2u

// --- restart ----------------------------------------------------------------------------------

static bool wants_restart(const struct thread *t)
{
	return t->user.orig_rax != NOT_IN_SYSCALL &&
		t->user.rax - (u64)-ERESTART_RESTARTBLOCK <= ERESTART_RESTARTBLOCK - ERESTARTSYS;
}

static void call_again(struct thread *t, u64 number)
{
	t->user.rax = number;
	t->user.rip -= SYSCALL_INSTRUCTION_LENGTH;
	t->user.must_iret = 1;
}

// `action`: the handler that is about to run, or NULL when none runs.
static void restart_after(struct thread *t, const struct signal_action *action borrowed)
{
	if (!wants_restart(t))
		return;
	u64 number = t->user.orig_rax;
	s64 why = -(s64)t->user.rax;
	t->user.orig_rax = NOT_IN_SYSCALL;
	bool again =
		why == ERESTARTNOINTR || !action || (why == ERESTARTSYS && (action->flags & SIGNAL_ACTION_RESTART));
	if (!again)
		t->user.rax = (u64)-EINTR;
	else if (why == ERESTART_RESTARTBLOCK)
		call_again(t, RESTART_SYSCALL_NUMBER);
	else
		call_again(t, number);
}

// --- stops --------------------------------------------------------------------------------------

static bool stop_is_over(struct thread *t)
{
	irq_guard(&t->process->signal_lock);
	return !t->is_stopped || thread_is_traced(t);
}

// Enters the stop that the group is in. True when this thread was the last one that still ran.
static u32 enter_stop(struct thread *t)
{
	struct process *p = t->process;
	irq_guard(&p->signal_lock);
	if (!p->stop_signal || t->is_stopped || (atomic_u32_load(&p->flags) & PROCESS_GROUP_EXIT))
		return 0;
	t->is_stopped = 1;
	p->stopped_count++;
	task_clear_work(&t->base, TASK_WORK_SIGNAL);
	return p->stopped_count >= p->thread_count ? p->stop_signal : 0;
}

static void stop_here(struct thread *t)
{
	u32 complete = enter_stop(t);
	if (complete)
		process_notify_parent(t->process, NOTIFY_STOPPED, complete);
	thread_stands(t);
	err_t err = wait_event(&t->process->thread_event, WAIT_KILLABLE, DEADLINE_NEVER, stop_is_over(t));
	thread_stands_no_more(t);
	(void)err; // killed: seen by the caller
	struct process *p = t->process;
	irq_guard(&p->signal_lock);
	if (t->is_stopped && p->stop_signal && p->stopped_count)
		p->stopped_count--;	// somebody traces it now: it stops anew, for that one
	t->is_stopped = 0;
	signal_recalculate_locked(p, t);
}

static bool group_may_stop(struct process *p, u32 signal)
{
	if (signal == SIGSTOP)
		return true;
	struct process_group *g object_auto(process_group) = process_group_of(p);
	return g && !process_group_is_orphaned(g);
}

static void begin_stop(struct thread *t, u32 signal)
{
	struct process *p = t->process;
	if (!group_may_stop(p, signal))
		return;
	irq_guard(&p->signal_lock);
	if (p->stop_signal)
		return;
	p->stop_signal = signal;
	p->stopped_count = 0;
	list_for_each(thread_list, other, &p->threads) {
		other->leaves_stop = 0;
		task_post_work(&other->base, TASK_WORK_SIGNAL);
	}
}

// --- taking signals -------------------------------------------------------------------------------

enum next_step { NEXT_NOTHING, NEXT_EXIT, NEXT_STOP, NEXT_CONTINUED, NEXT_SIGNAL, NEXT_TRAP };
struct next {
	enum next_step step;
	u32 status;
	struct signal_info info;
};

static void choose_next(struct thread *t, struct next *out borrowed)
{
	struct process *p = t->process;
	irq_guard(&p->signal_lock);
	out->step = NEXT_NOTHING;
	if (atomic_u32_load(&p->flags) & PROCESS_GROUP_EXIT) {
		out->step = NEXT_EXIT;
		out->status = p->group_exit_code;
	} else if (p->exec_thread && p->exec_thread != t) {
		out->step = NEXT_EXIT;
		out->status = 0;
	} else if (p->continue_pending) {
		p->continue_pending = 0;
		out->step = NEXT_CONTINUED;
	} else if (atomic_u32_load(&t->call_work) & THREAD_TRAP_WANTED) {
		out->step = NEXT_TRAP;
	} else if (p->stop_signal && !t->leaves_stop) {
		out->step = NEXT_STOP;
	} else if (signal_queue_take(&t->pending, t->blocked, &out->info) ||
		   signal_queue_take(&p->shared_pending, t->blocked, &out->info)) {
		out->step = NEXT_SIGNAL;
	} else {
		signal_recalculate_locked(p, t);
	}
}

static void block_for_handler(struct thread *t, u32 signal, const struct signal_action *action borrowed)
{
	struct signal_set set = { t->blocked.bits | action->mask.bits };
	if (!(action->flags & SIGNAL_ACTION_NODEFER))
		set.bits |= signal_bit(signal);
	signal_set_blocked(set);
	t->restore_saved_blocked = 0;
}

static void run_handler(struct thread *t, const struct user_mode_ops *ops, const struct signal_info *info borrowed,
			const struct signal_action *action borrowed)
{
	u32 signal = (u32)info->signal;
	restart_after(t, action);
	t->user.orig_rax = NOT_IN_SYSCALL;
	if (action->flags & SIGNAL_ACTION_RESETHAND) {
		struct signal_action reset = *action;
		reset.handler = SIGNAL_HANDLER_DEFAULT;
		signal_action_set(t->process->actions, signal, &reset);
	}
	if (ops->deliver_signal(t, info, action)) {
		// No room for the frame: the program cannot be told in any other way.
		process_exit_group(SIGSEGV);
		return;
	}
	block_for_handler(t, signal, action);
}

static void default_action(struct thread *t, u32 signal)
{
	bool is_init = atomic_u32_load(&t->process->flags) & PROCESS_NAMESPACE_INIT;
	switch (signal_default_action(signal)) {
	case SIGNAL_DEFAULT_IGNORE:
	case SIGNAL_DEFAULT_CONTINUE:
		return;
	case SIGNAL_DEFAULT_STOP:
		if (!is_init || signal == SIGSTOP)
			begin_stop(t, signal);
		return;
	case SIGNAL_DEFAULT_TERMINATE:
	case SIGNAL_DEFAULT_CORE:
		if (!is_init || signal == SIGKILL)
			process_exit_group(signal);
		return;
	}
}

static void take_signal(struct thread *t, const struct user_mode_ops *ops, const struct signal_info *info borrowed)
{
	u32 signal = (u32)info->signal;
	struct signal_action action = signal_action_get(t->process->actions, signal);
	if (action.handler == SIGNAL_HANDLER_IGNORE)
		return;
	if (action.handler == SIGNAL_HANDLER_DEFAULT)
		default_action(t, signal);
	else
		run_handler(t, ops, info, &action);
}

// A tracer sees it first.
static void meet_signal(struct thread *t, const struct user_mode_ops *ops, struct signal_info *info borrowed)
{
	if (thread_is_traced(t) && info->signal != SIGKILL && !trace_signal(t, info))
		return;
	take_signal(t, ops, info);
}

static void restore_mask(struct thread *t)
{
	if (!t->restore_saved_blocked)
		return;
	t->restore_saved_blocked = 0;
	signal_set_blocked(t->saved_blocked);
}

// What others than senders of signals want: CPU time limits, a frozen cgroup, one that has used its CPU time.
static void serve(struct thread *t, const struct user_mode_ops *ops)
{
	task_clear_work(&t->base, TASK_WORK_SERVICE);	// first: what is wanted from now on is seen the next time round
	file_async_settle();
	ops->service_work(t);
	thread_freeze(t);
	thread_throttle(t);
	thread_settle_memory(t);
}

static void take_next(struct thread *t, const struct user_mode_ops *ops, struct signal_info *info borrowed)
{
	if (info->kind == SIGNAL_INFO_TIMER)
		ops->timer_signal_taken(t, info);
	meet_signal(t, ops, info);
}

void thread_attend(struct thread *t, const struct user_mode_ops *ops)
{
	for (;;) {
		struct next next;
		if (task_pending_work(&t->base) & TASK_WORK_SWITCHED) {
			task_clear_work(&t->base, TASK_WORK_SWITCHED);
			ops->switched(t);
		}
		if (task_pending_work(&t->base) & TASK_WORK_SERVICE)
			serve(t, ops);
		choose_next(t, &next);
		if (next.step == NEXT_EXIT)
			thread_exit(next.status);
		if (next.step == NEXT_TRAP || (next.step == NEXT_STOP && thread_is_traced(t)))
			trace_group_stop(t);
		else if (next.step == NEXT_STOP)
			stop_here(t);
		else if (next.step == NEXT_CONTINUED)
			process_notify_parent(t->process, NOTIFY_CONTINUED, SIGCONT);
		else if (next.step == NEXT_SIGNAL)
			take_next(t, ops, &next.info);
		else if (!t->restore_saved_blocked)
			break;
		else
			restore_mask(t);
	}
	restart_after(t, NULL);
}
