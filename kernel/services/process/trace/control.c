// SPDX-License-Identifier: MPL-2.0
// What a tracer does with a tracee that stands.
#include <services/process/trace/trace_internal.h>

#define FLAG_TRAP 0x100ul	// RFLAGS.TF

static void wake(struct thread *t)
{
	irq_guard(&t->process->signal_lock);
	wait_queue_wake_all(&t->process->thread_event, ~0u);
}

err_t trace_resume(struct trace *x, enum trace_resume how, u64 signal)
{
	if (signal > SIGNAL_MAX)
		return -EIO;
	spin_guard(&process_tree_lock);
	struct thread *t = x->tracee;
	if (!t || x->state != TRACE_STANDING)
		return -ESRCH;
	atomic_u32_and(&t->call_work, ~(u32)(THREAD_CALL_TRACED | THREAD_CALL_EMULATED));
	if (how == TRACE_CONTINUE_TO_CALL)
		atomic_u32_or(&t->call_work, THREAD_CALL_TRACED);
	else if (how == TRACE_EMULATE || how == TRACE_EMULATE_STEP)
		atomic_u32_or(&t->call_work, THREAD_CALL_EMULATED);
	if (how == TRACE_STEP || how == TRACE_EMULATE_STEP) {
		x->is_stepping = !(t->user.rflags & FLAG_TRAP);
		t->user.rflags |= FLAG_TRAP;
		t->user.must_iret = 1;
	}
	x->stop.signal = (u32)signal;
	x->state = TRACE_RUNNING;
	wake(t);
	return OK;
}

err_t trace_interrupt(struct trace *x)
{
	spin_guard(&process_tree_lock);
	struct thread *t = x->tracee;
	if (!t)
		return -ESRCH;
	if (!x->is_seized)
		return -EIO;
	atomic_u32_or(&t->call_work, THREAD_TRAP_WANTED);
	irq_guard(&t->process->signal_lock);
	task_post_work(&t->base, TASK_WORK_SIGNAL);
	wait_queue_wake_all(&t->process->thread_event, ~0u);
	return OK;
}

err_t trace_listen(struct trace *x)
{
	spin_guard(&process_tree_lock);
	if (!x->is_seized || x->stop.code >> 8 != TRACE_EVENT_STOP)
		return -EIO;
	if (!x->tracee || x->state != TRACE_STANDING)
		return -ESRCH;
	x->state = TRACE_LISTENING;
	wake(x->tracee);
	return OK;
}

err_t trace_set_options(struct trace *x, u64 options)
{
	if (options & ~(u64)TRACE_OPTIONS_KNOWN)
		return -EINVAL;
	spin_guard(&process_tree_lock);
	x->options = (u32)options;
	return OK;
}

void trace_read_stop(struct trace *x, struct trace_stop *out borrowed)
{
	spin_guard(&process_tree_lock);
	*out = x->stop;
}

err_t trace_set_info(struct trace *x, const struct signal_info *info borrowed)
{
	spin_guard(&process_tree_lock);
	if (!x->stop.has_info)
		return -EINVAL;
	x->stop.info = *info;
	return OK;
}
