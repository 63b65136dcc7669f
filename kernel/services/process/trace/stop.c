// SPDX-License-Identifier: MPL-2.0
// A tracee stands and waits to be told to go on.
#include <services/process/members.h>
#include <services/process/trace/trace_internal.h>
#include <services/process/trace/trace_report.h>

#define FLAG_TRAP 0x100ul	// RFLAGS.TF

void trace_notify(struct trace *x, u32 signal, s32 code, s32 status)
{
	struct process *tracer = x->tracer;
	if (!tracer)
		return;
	struct signal_action action = signal_action_get(tracer->actions, SIGCHLD);
	if (signal && action.handler != SIGNAL_HANDLER_IGNORE &&
		!(code == CLD_TRAPPED && (action.flags & SIGNAL_ACTION_NOCLDSTOP))) {
		const struct pid *pid = x->tracee ? x->tracee->pid : x->pid;
		struct signal_info info = { .signal = (s32)signal, .code = code, .kind = SIGNAL_INFO_CHILD,
			.sender_pid = pid_number_in(pid, pid_namespace_of(tracer->pid)), .status = status };
		const err_t e = signal_send_process(tracer, &info);
		(void)e; // a standard signal is always kept
	}
	wait_queue_wake_all(&tracer->child_event, ~0u);
}

static struct trace *trace_of(struct thread *t) owned;
static struct trace *trace_of(struct thread *t)
{
	spin_guard(&process_tree_lock);
	return t->trace ? trace_get(t->trace) : NULL;
}

static bool stand(struct trace *x, struct thread *t, const struct trace_stop *s borrowed)
{
	spin_guard(&process_tree_lock);
	if (!x->tracer)
		return false;
	if (x->is_stepping)
		t->user.rflags &= ~FLAG_TRAP;
	x->is_stepping = 0;
	x->stop = *s;
	x->stop.signal = 0;
	x->state = TRACE_STANDING;
	x->is_reported = 0;
	trace_notify(x, SIGCHLD, CLD_TRAPPED, (s32)(s->code & 0x7f));
	return true;
}

static bool group_stop_is_over(struct thread *t)
{
	irq_guard(&t->process->signal_lock);
	return !t->is_stopped;
}

static bool may_go_on(struct trace *x, struct thread *t)
{
	const bool is_over = group_stop_is_over(t) || (atomic_u32_load(&t->call_work) & THREAD_TRAP_WANTED);
	spin_guard(&process_tree_lock);
	return !x->tracer || x->state == TRACE_RUNNING || (x->state == TRACE_LISTENING && is_over);
}

static void go_on(struct trace *x, struct thread *t, struct trace_stop *s borrowed)
{
	spin_guard(&process_tree_lock);
	s->signal = x->stop.signal;
	s->info = x->stop.info;
	// It listened, and what it was to listen for has come: it tells so.
	if (x->tracer && x->state == TRACE_LISTENING)
		atomic_u32_or(&t->call_work, THREAD_TRAP_WANTED);
	x->state = TRACE_RUNNING;
}

// Stands until the tracer lets it go on, or it is killed.
static void trace_stand(struct trace *x, struct thread *t, struct trace_stop *s borrowed)
{
	user_state_settle(&t->user);
	if (!stand(x, t, s))
		return;
	thread_stands(t);
	const err_t e = wait_event(&t->process->thread_event, WAIT_KILLABLE, DEADLINE_NEVER, may_go_on(x, t));
	thread_stands_no_more(t);
	(void)e; // killed: the caller's way to user mode ends in attend.c
	go_on(x, t, s);
}

static struct signal_info trap_info(u32 code)
{
	return (struct signal_info){ .signal = SIGTRAP, .code = (s32)code, .kind = SIGNAL_INFO_KILL,
		.sender_pid = pid_number_own(thread_current()->process->pid), .sender_uid = thread_cred()->uid };
}

// --- the kinds of stops ------------------------------------------------------------------------------------

void trace_report(struct thread *t, u32 code, u64 message, enum trace_operation operation, u32 *signal borrowed)
{
	struct trace *x object_auto(trace) = trace_of(t);
	struct trace_stop s = { .code = code, .operation = operation, .message = message, .has_info = 1,
		.info = trap_info(code) };
	*signal = 0;
	if (!x)
		return;
	trace_stand(x, t, &s);
	*signal = s.signal;
}

// A signal that the tracer puts in at a stop that is not one of a signal: as if the thread had got it.
static void send_to_self(struct thread *t, u32 signal)
{
	struct signal_info info = signal_info_user(signal, SI_USER);
	if (!signal)
		return;
	const err_t e = signal_send_thread(t, &info);
	(void)e; // best effort
}

static u32 sysgood(struct thread *t)
{
	spin_guard(&process_tree_lock);
	return t->trace && (t->trace->options & TRACE_OPTION_SYSGOOD) ? SIGTRAP | 0x80 : SIGTRAP;
}

bool trace_call_begins(struct thread *t)
{
	u32 signal = 0;
	const u32 wanted = atomic_u32_load(&t->call_work);
	if (!(wanted & (THREAD_CALL_TRACED | THREAD_CALL_EMULATED)))
		return true;
	trace_report(t, sysgood(t), 1, TRACE_OPERATION_ENTRY, &signal);
	send_to_self(t, signal);
	return !(wanted & THREAD_CALL_EMULATED);
}

static bool is_stepping(struct thread *t)
{
	spin_guard(&process_tree_lock);
	return t->trace && t->trace->is_stepping;
}

void trace_call_ends(struct thread *t)
{
	u32 signal = 0;
	if (atomic_u32_load(&t->call_work) & THREAD_CALL_TRACED) {
		trace_report(t, sysgood(t), 2, TRACE_OPERATION_EXIT, &signal);
		send_to_self(t, signal);
	} else if (!(atomic_u32_load(&t->call_work) & THREAD_CALL_EMULATED) && is_stepping(t)) {
		struct signal_info info = { .signal = SIGTRAP, .code = TRAP_BRKPT, .kind = SIGNAL_INFO_FAULT,
			.address = t->user.rip };
		signal_force_current(&info);
	}
}

bool trace_signal(struct thread *t, struct signal_info *info borrowed)
{
	struct trace *x object_auto(trace) = trace_of(t);
	if (!x)
		return true;
	struct trace_stop s = { .code = (u32)info->signal, .has_info = 1, .info = *info };
	trace_stand(x, t, &s);
	if (!s.signal)
		return false;
	if (s.signal == (u32)info->signal)
		*info = s.info;
	else
		*info = signal_info_user(s.signal, SI_USER);
	if (!(signal_blocked().bits & signal_bit(s.signal)))
		return true;
	const err_t e = signal_send_thread(t, info);
	(void)e; // it waits until it is unblocked
	return false;
}

// --- group stops and traps ----------------------------------------------------------------------------------

static bool tracer_is_parent(struct trace *x, struct process *p)
{
	spin_guard(&process_tree_lock);
	return x->tracer == p->parent;
}

// Counts as stopped, if its group is: the signal of the stop, *complete when all have stopped now.
static u32 join_stop(struct thread *t, bool *complete borrowed)
{
	struct process *p = t->process;
	irq_guard(&p->signal_lock);
	*complete = false;
	if (!p->stop_signal || t->leaves_stop)
		return 0;
	if (!t->is_stopped) {
		t->is_stopped = 1;
		p->stopped_count++;
		*complete = p->stopped_count >= p->thread_count;
	}
	task_clear_work(&t->base, TASK_WORK_SIGNAL);
	return p->stop_signal;
}

// Goes on although its group has stopped, if the tracer says so.
static void leave_stop(struct thread *t)
{
	struct process *p = t->process;
	irq_guard(&p->signal_lock);
	if (t->is_stopped && p->stop_signal && p->stopped_count)
		p->stopped_count--;
	if (p->stop_signal)
		t->leaves_stop = !!(atomic_u32_load(&t->call_work) & THREAD_TRACED) &&
			!(atomic_u32_load(&t->call_work) & THREAD_TRAP_WANTED);
	t->is_stopped = 0;
	signal_recalculate_locked(p, t);
}

void trace_group_stop(struct thread *t)
{
	struct trace *x object_auto(trace) = trace_of(t);
	bool complete = false;
	atomic_u32_and(&t->call_work, ~(u32)THREAD_TRAP_WANTED);
	const u32 signal = join_stop(t, &complete);
	if (x && complete && !tracer_is_parent(x, t->process))
		process_notify_parent(t->process, NOTIFY_STOPPED, signal);
	if (x && (signal || x->is_seized)) {
		const u32 shown = signal ? signal : SIGTRAP;
		struct trace_stop s = { .code = shown | (x->is_seized ? TRACE_EVENT_STOP << 8 : 0),
			.has_info = x->is_seized };
		s.info = trap_info(s.code);
		s.info.signal = (s32)shown;
		trace_stand(x, t, &s);
	}
	leave_stop(t);
}
