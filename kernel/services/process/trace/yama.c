// SPDX-License-Identifier: MPL-2.0
// Who may attach to whom beyond what credentials say: kernel.yama.ptrace_scope.
// source: Linux's administration guide, "Yama"; prctl(2), PR_SET_PTRACER
#include <services/process/trace.h>

struct atomic_u32 trace_scope;

static bool is_descendant(struct process *p, struct process *ancestor)
{
	spin_guard(&process_tree_lock);
	while (p && p != ancestor)
		p = p->parent;
	return p;
}

// Has the process permitted `who`, or one above it?
static bool is_permitted(struct process *p, struct process *who)
{
	struct pid *permitted object_auto(pid) = NULL;
	{
		spin_guard(&p->lock);
		if (p->permits_all_tracers)
			return true;
		permitted = p->permitted_tracer ? pid_get(p->permitted_tracer) : NULL;
	}
	struct process *ancestor object_auto(process) = permitted ? pid_process(permitted) : NULL;
	return ancestor && is_descendant(who, ancestor);
}

err_t trace_scope_allows(struct thread *t)
{
	const u32 scope = atomic_u32_load(&trace_scope);
	if (scope == TRACE_SCOPE_ALL)
		return OK;
	if (scope == TRACE_SCOPE_NONE)
		return -EPERM;
	struct process *self = process_current();
	if (scope == TRACE_SCOPE_DESCENDANTS && (is_descendant(t->process, self) || is_permitted(t->process, self)))
		return OK;
	struct cred *c object_auto(cred) = thread_cred_of(t);
	return c && cred_has_capability(thread_cred(), c->user_ns, CAP_SYS_PTRACE) ? OK : -EPERM;
}

err_t trace_set_permitted(s64 number)
{
	struct process *p = process_current();
	struct pid *found object_auto(pid) = number > 0 ? pid_find(thread_pid_namespace(), (u32)number) : NULL;
	struct process *who object_auto(process) = found ? pid_process(found) : NULL;
	struct pid *old object_auto(pid) = NULL;
	if (number < -1 || (number > 0 && !who))
		return -EINVAL;
	spin_guard(&p->lock);
	old = take(p->permitted_tracer);
	p->permitted_tracer = take(found);
	p->permits_all_tracers = number == -1;
	return OK;
}
