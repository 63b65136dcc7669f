// SPDX-License-Identifier: MPL-2.0
// Who traces whom.
#include <services/process/trace/trace_internal.h>
#include <services/process/trace/trace_report.h>

static exclusive_access void trace_release(struct trace *x)
{
	if (x->pid)
		pid_put(take(x->pid));
	cred_put(take(x->began_with));
}
DEFINE_OBJECT(trace, trace_release)

static err_t trace_create(u32 is_seized, u32 options, struct cred *by, struct trace **out borrowed)
{
	struct trace *x object_auto(trace) = trace_alloc();
	if (!x)
		return -ENOMEM;
	x->began_with = cred_get(by);
	x->is_seized = is_seized;
	x->options = options;
	*out = take(x);
	return OK;
}

// The thread and the tracer's list each hold a reference from now on.
static err_t trace_link(struct trace *x, struct thread *t, struct process *tracer) REQUIRES(process_tree_lock)
{
	if (t->trace || t->is_past_tracing)
		return -EPERM;
	if (!tracer || tracer->state != PROCESS_RUNNING)
		return -ESRCH;
	if (t->process->tree_flags & PROCESS_CHANGES_IDENTITY)
		return -ERESTARTNOINTR;
	struct trace *own object_auto(trace) = trace_get(x);
	struct trace *listed object_auto(trace) = trace_get(x);
	x->tracer = tracer;
	x->tracee = t;
	trace_list_append(&tracer->traced, take(listed));
	t->trace = take(own);
	atomic_u32_or(&t->call_work, THREAD_TRACED);
	return OK;
}

void trace_unlink(struct trace *x, struct trace **old borrowed)
{
	if (!x->tracer)
		return;
	trace_list_remove(&x->tracer->traced, x);
	*old = x;
	x->tracer = NULL;
}

void trace_forget_process(struct process *p)
{
	struct trace *listed object_auto(trace) = NULL;
	trace_unlink(p->trace, &listed);
	p->trace->leader_of = NULL;
}

// The thread is free again; its own reference comes back in *own.
static void free_tracee(struct trace *x, struct trace **own borrowed) REQUIRES(process_tree_lock)
{
	struct thread *t = x->tracee;
	if (!t)
		return;
	x->tracee = NULL;
	*own = take(t->trace);
	atomic_u32_and(&t->call_work, THREAD_CALL_SECCOMP);
	irq_guard(&t->process->signal_lock);
	t->leaves_stop = 0;
	task_post_work(&t->base, TASK_WORK_SIGNAL);
	wait_queue_wake_all(&t->process->thread_event, ~0u);
}

static err_t link_traced(struct trace *x, struct thread *t)
{
	spin_guard(&process_tree_lock);
	return trace_link(x, t, process_current());
}

// The right to trace was asked for before the link; an execve between the two may have made it another's.
static err_t confirm(struct trace *x, struct thread *t)
{
	struct trace *own object_auto(trace) = NULL;
	struct trace *listed object_auto(trace) = NULL;
	const err_t e = thread_may_access(t, THREAD_ACCESS_ATTACH);
	if (e) {
		spin_guard(&process_tree_lock);
		trace_unlink(x, &listed);
		x->state = TRACE_RUNNING;
		free_tracee(x, &own);
	}
	return e;
}

static void trap_soon(struct thread *t)
{
	atomic_u32_or(&t->call_work, THREAD_TRAP_WANTED);
	irq_guard(&t->process->signal_lock);
	task_post_work(&t->base, TASK_WORK_SIGNAL);
	wait_queue_wake_all(&t->process->thread_event, ~0u);
}

static void stop_soon(struct thread *t)
{
	struct signal_info info = signal_info_kernel(SIGSTOP);
	const err_t e = signal_send_thread(t, &info);
	(void)e; // a standard signal is always kept
	irq_guard(&t->process->signal_lock);
	task_post_work(&t->base, TASK_WORK_SIGNAL);
	wait_queue_wake_all(&t->process->thread_event, ~0u);
}

err_t trace_attach(struct thread *t, enum trace_how how, u32 options)
{
	if (t->process == process_current())
		return -EPERM;
	err_t e = thread_may_access(t, THREAD_ACCESS_ATTACH);
	if (e)
		return e;
	struct trace *x object_auto(trace) = NULL;
	e = trace_create(how == TRACE_SEIZE, options, thread_cred(), &x);
	if (!e)
		e = link_traced(x, t);
	if (!e)
		e = confirm(x, t);
	if (!e && how == TRACE_ATTACH)
		stop_soon(t);
	return e;
}

static struct process *parent_of(struct process *p) owned;
static struct process *parent_of(struct process *p)
{
	spin_guard(&process_tree_lock);
	return p->parent ? process_get(p->parent) : NULL;
}

err_t trace_me(void)
{
	struct thread *t = thread_current();
	struct trace *x object_auto(trace) = NULL;
	if (atomic_u32_load(&trace_scope) == TRACE_SCOPE_NONE)
		return -EPERM;
	const err_t e = trace_create(0, 0, thread_cred(), &x);
	if (e)
		return e;
	struct process *parent object_auto(process) = parent_of(t->process);
	struct thread *above object_auto(thread) = parent ? process_main_thread(parent) : NULL;
	struct cred *theirs object_auto(cred) = above ? thread_cred_of(above) : NULL;
	if (!theirs || !cred_domain_covers(theirs, thread_cred()))
		return -EPERM;
	spin_guard(&process_tree_lock);
	return trace_link(x, t, t->process->parent);
}

err_t trace_find(struct thread *t, enum trace_need need, struct trace **out borrowed)
{
	spin_guard(&process_tree_lock);
	struct trace *x = t->trace;
	if (!x || x->tracer != process_current() || (need == TRACE_NEED_STANDING && x->state != TRACE_STANDING))
		return -ESRCH;
	*out = trace_get(x);
	return OK;
}

err_t trace_detach(struct trace *x, u64 signal)
{
	struct trace *own object_auto(trace) = NULL;
	struct trace *listed object_auto(trace) = NULL;
	if (signal > SIGNAL_MAX)
		return -EIO;
	spin_guard(&process_tree_lock);
	if (x->state != TRACE_STANDING)
		return -ESRCH;
	x->stop.signal = (u32)signal;
	x->state = TRACE_RUNNING;
	trace_unlink(x, &listed);
	free_tracee(x, &own);
	return OK;
}

// --- the end of one of them ------------------------------------------------------------------------------

// One trace of a tracer that ends; false: there is none left. A process that was only waiting for its tracer becomes
// its parent's to wait for.
static bool end_one(struct process *tracer, struct process_list *dead borrowed)
{
	struct trace *own object_auto(trace) = NULL;
	struct trace *listed object_auto(trace) = NULL;
	struct process *victim object_auto(process) = NULL;
	{
		spin_guard(&process_tree_lock);
		struct trace *x = trace_list_first(&tracer->traced);
		if (!x)
			return false;
		if (x->tracee && (x->options & TRACE_OPTION_EXIT_KILL))
			victim = process_get(x->tracee->process);
		trace_unlink(x, &listed);
		x->state = TRACE_RUNNING;
		free_tracee(x, &own);
		struct process *p = x->leader_of;
		if (p && p->state == PROCESS_ZOMBIE && process_notify_exit_locked(p))
			process_unlink_locked(p, dead);
	}
	if (victim)
		signal_kill_process(victim);
	return true;
}

void process_end_tracing(struct process *p)
{
	struct process_list dead = { 0 };
	while (end_one(p, &dead))
		;
	process_bury(&dead);
}

void process_end_traced(struct thread *t, u32 status)
{
	struct trace *own object_auto(trace) = NULL;
	spin_guard(&process_tree_lock);
	t->is_past_tracing = 1;
	own = take(t->trace);
	if (!own)
		return;
	own->tracee = NULL;
	own->state = TRACE_GONE;
	own->exit_status = status;
	own->pid = pid_get(t->pid);
	if (t->pid == t->process->pid) {
		// Its end is that of the process: told when that is a zombie.
		own->leader_of = t->process;
		t->process->trace = take(own);
	} else {
		trace_notify(own, SIGCHLD, CLD_EXITED, (s32)(status >> 8 & 0xff));
	}
}

// --- children of a tracee --------------------------------------------------------------------------------

static bool own_kind(u32 *is_seized borrowed, u32 *options borrowed, struct cred **by borrowed)
{
	spin_guard(&process_tree_lock);
	const struct trace *x = thread_current()->trace;
	if (!x)
		return false;
	*is_seized = x->is_seized;
	*options = x->options;
	*by = cred_get(x->began_with);
	return true;
}

err_t trace_prepare(struct thread *child)
{
	u32 is_seized = 0, options = 0;
	struct cred *by object_auto(cred) = NULL;
	if (!own_kind(&is_seized, &options, &by))
		return OK;
	struct trace *x object_auto(trace) = NULL;
	const err_t e = trace_create(is_seized, options, by, &x);
	child->trace = take(x);
	return e;
}

static bool link_child(struct trace *x, struct thread *child)
{
	spin_guard(&process_tree_lock);
	const struct trace *own = thread_current()->trace;
	const err_t e = own ? trace_link(x, child, own->tracer) : -ESRCH;
	return e == OK;
}

void trace_clone_link(struct thread *child)
{
	struct trace *x object_auto(trace) = take(child->trace);
	if (!x || !link_child(x, child))
		return;
	if (x->is_seized)
		trap_soon(child);
	else
		stop_soon(child);
}

bool trace_exec_may_gain(const struct user_namespace *ns)
{
	struct thread *t = thread_current();
	spin_guard(&process_tree_lock);
	t->process->tree_flags |= PROCESS_CHANGES_IDENTITY;
	const struct trace *x = t->trace;
	return !x || cred_has_capability(x->began_with, ns, CAP_SYS_PTRACE);
}
