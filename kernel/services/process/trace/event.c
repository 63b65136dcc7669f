// SPDX-License-Identifier: MPL-2.0
// Events that a tracer asked for by options.
#include <services/process/clone.h>
#include <services/process/trace/trace_internal.h>
#include <services/process/trace/trace_report.h>

static bool is_wanted(struct thread *t, u32 event)
{
	spin_guard(&process_tree_lock);
	return t->trace && (t->trace->options & TRACE_OPTION_OF(event));
}

static void report_event(struct thread *t, u32 event, u64 message, enum trace_operation operation)
{
	u32 signal = 0;
	trace_report(t, SIGTRAP | event << 8, message, operation, &signal);
	if (!signal)
		return;
	struct signal_info info = signal_info_user(signal, SI_USER);
	const err_t e = signal_send_thread(t, &info);
	(void)e; // best effort
}

bool trace_call_filtered(struct thread *t, u32 data)
{
	if (!is_wanted(t, TRACE_EVENT_SECCOMP))
		return false;
	report_event(t, TRACE_EVENT_SECCOMP, data, TRACE_OPERATION_SECCOMP);
	return true;
}

static bool is_seized(struct thread *t)
{
	spin_guard(&process_tree_lock);
	return t->trace && t->trace->is_seized;
}

void trace_exec(u32 old_number)
{
	struct thread *t = thread_current();
	if (!thread_is_traced(t))
		return;
	if (is_wanted(t, TRACE_EVENT_EXEC)) {
		report_event(t, TRACE_EVENT_EXEC, old_number, TRACE_OPERATION_NONE);
		return;
	}
	if (is_seized(t))
		return;
	struct signal_info info = signal_info_user(SIGTRAP, SI_USER);
	const err_t e = signal_send_thread(t, &info);
	(void)e; // a standard signal is always kept
}

void trace_exit(struct thread *t, u32 status)
{
	if (!thread_is_traced(t) || !is_wanted(t, TRACE_EVENT_EXIT))
		return;
	// What it exits for does not end this stop; being killed once more does.
	const u32 killed = task_pending_work(&t->base) & TASK_WORK_KILL;
	task_clear_work(&t->base, TASK_WORK_KILL);
	report_event(t, TRACE_EVENT_EXIT, status, TRACE_OPERATION_NONE);
	if (killed)
		task_post_work(&t->base, killed);
}

// --- children ----------------------------------------------------------------------------------------------

static u32 event_of(u64 flags, u32 exit_signal)
{
	if (flags & CLONE_UNTRACED)
		return 0;
	if (flags & CLONE_VFORK)
		return TRACE_EVENT_VFORK;
	return exit_signal == SIGCHLD && !(flags & CLONE_THREAD) ? TRACE_EVENT_FORK : TRACE_EVENT_CLONE;
}

err_t trace_clone_prepare(struct thread *child, u64 flags, u32 exit_signal, u32 *event borrowed)
{
	struct thread *self = thread_current();
	*event = 0;
	if (!thread_is_traced(self))
		return OK;
	const u32 kind = event_of(flags, exit_signal);
	if (kind && is_wanted(self, kind))
		*event = kind;
	if (!*event && !(flags & CLONE_PTRACE))
		return OK;
	return trace_prepare(child);
}

void trace_clone_report(u32 event, struct pid *child)
{
	struct thread *self = thread_current();
	const struct pid_namespace *ns = NULL;
	if (!event)
		return;
	{
		spin_guard(&process_tree_lock);
		if (self->trace && self->trace->tracer)
			ns = pid_namespace_of(self->trace->tracer->pid);
	}
	if (ns)
		report_event(self, event, pid_number_in(child, ns), TRACE_OPERATION_NONE);
}

void trace_vfork_done(u32 number)
{
	struct thread *self = thread_current();
	if (thread_is_traced(self) && is_wanted(self, TRACE_EVENT_VFORK_DONE))
		report_event(self, TRACE_EVENT_VFORK_DONE, number, TRACE_OPERATION_NONE);
}
