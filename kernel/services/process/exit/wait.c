// SPDX-License-Identifier: MPL-2.0
// wait4(2), waitid(2): looks at the children under the tree's lock, sleeps on the process's child_event.
#include <services/process/exit.h>
#include <services/process/process_internal.h>
#include <services/process/trace/trace_internal.h>

enum look_result { LOOK_FOUND, LOOK_NOTHING_YET, LOOK_NO_CHILD };

static bool is_selected(struct process *child, const struct wait_request *r borrowed) REQUIRES(process_tree_lock)
{
	bool is_clone = child->exit_signal != SIGCHLD;
	if (!(r->options & WAIT_ALL_KINDS) && is_clone != !!(r->options & WAIT_CLONE))
		return false;
	switch (r->select) {
	case WAIT_SELECT_ANY:
		return true;
	case WAIT_SELECT_PROCESS:
		return child->pid == r->pid;
	case WAIT_SELECT_GROUP:
		return child->group && child->group->pid == r->pid;
	}
	return false;
}

static void fill(struct process *child, u32 status, s32 code, struct wait_result *out borrowed)
{
	out->number = pid_number_in(child->pid, pid_namespace_of(thread_current()->pid));
	out->status = status;
	out->code = code;
	out->times = process_times_read(child);
	struct process_times below = process_times_children(child);
	process_add_times(&out->times, &below);
}

static void reap(struct process *self, struct process *child, const struct wait_result *result borrowed,
	struct process_list *dead borrowed) REQUIRES(process_tree_lock)
{
	process_unlink_locked(child, dead);
	spin_guard(&self->lock);
	process_add_times(&self->children_times, &result->times);
}

// Its tracer is somebody else, who waits for its end first.
static bool belongs_to_tracer(struct process *self, struct process *child) REQUIRES(process_tree_lock)
{
	return child->trace && child->trace->tracer && child->trace->tracer != self;
}

// Has this child something to report?
static bool look_at(struct process *child, const struct wait_request *r borrowed, struct wait_result *out borrowed)
	REQUIRES(process_tree_lock)
{
	if (child->state == PROCESS_ZOMBIE) {
		if (!(r->options & WAIT_EXITED) || belongs_to_tracer(process_current(), child))
			return false;
		u32 status = child->exit_status;
		out->uid = child->exit_uid;
		fill(child, status, status & 0x7f ? (status & 0x80 ? CLD_DUMPED : CLD_KILLED) : CLD_EXITED, out);
		return true;
	}
	if ((child->tree_flags & PROCESS_WAIT_STOPPED) && (r->options & WAIT_STOPPED)) {
		fill(child, child->stop_status << 8 | 0x7f, CLD_STOPPED, out);
		if (!(r->options & WAIT_KEEP))
			child->tree_flags &= ~(u32)PROCESS_WAIT_STOPPED;
		return true;
	}
	if ((child->tree_flags & PROCESS_WAIT_CONTINUED) && (r->options & WAIT_CONTINUED)) {
		fill(child, 0xffff, CLD_CONTINUED, out);
		if (!(r->options & WAIT_KEEP))
			child->tree_flags &= ~(u32)PROCESS_WAIT_CONTINUED;
		return true;
	}
	return false;
}

// --- what one traces ---------------------------------------------------------------------------------------

static struct pid *pid_of_trace(const struct trace *x) REQUIRES(process_tree_lock)
{
	return x->tracee ? x->tracee->pid : x->pid;
}

static bool trace_is_selected(const struct trace *x, const struct wait_request *r borrowed) REQUIRES(process_tree_lock)
{
	const struct process *p = x->tracee ? x->tracee->process : x->leader_of;
	switch (r->select) {
	case WAIT_SELECT_ANY:
		return true;
	case WAIT_SELECT_PROCESS:
		return pid_of_trace(x) == r->pid;
	case WAIT_SELECT_GROUP:
		return p && p->group && p->group->pid == r->pid;
	}
	return false;
}

static s32 code_of_end(u32 status)
{
	return status & 0x7f ? (status & 0x80 ? CLD_DUMPED : CLD_KILLED) : CLD_EXITED;
}

// The end of a traced thread. Of the first one it is that of its process; the process's own parent tells it by itself.
static bool look_at_end(struct process *self, const struct trace *x, const struct wait_request *r borrowed,
	struct wait_result *out borrowed) REQUIRES(process_tree_lock)
{
	struct process *p = x->leader_of;
	if (!(r->options & WAIT_EXITED))
		return false;
	if (!p) {
		out->status = x->exit_status;
		out->code = code_of_end(x->exit_status);
		return true;
	}
	if (p->state != PROCESS_ZOMBIE || p->parent == self)
		return false;
	out->uid = p->exit_uid;
	fill(p, p->exit_status, code_of_end(p->exit_status), out);
	return true;
}

static bool look_at_trace(struct process *self, struct trace *x, const struct wait_request *r borrowed,
	struct wait_result *out borrowed) REQUIRES(process_tree_lock)
{
	out->number = pid_number_in(pid_of_trace(x), pid_namespace_of(self->pid));
	if (x->state == TRACE_GONE)
		return look_at_end(self, x, r, out);
	if (x->state != TRACE_STANDING || x->is_reported)
		return false;
	out->status = x->stop.code << 8 | 0x7f;
	out->code = CLD_TRAPPED;
	if (!(r->options & WAIT_KEEP))
		x->is_reported = 1;
	return true;
}

// The end of a tracee has been told: the relation is over, its process goes to its parent.
static void end_trace(struct trace *x, struct trace **old borrowed, struct process_list *dead borrowed)
	REQUIRES(process_tree_lock)
{
	struct process *p = x->leader_of;
	trace_unlink(x, old);
	if (p && process_notify_exit_locked(p))
		process_unlink_locked(p, dead);
}

static enum look_result look_at_traced(struct process *self, const struct wait_request *r borrowed,
	struct wait_result *out borrowed, struct process_list *dead borrowed)
{
	struct trace *old object_auto(trace) = NULL;
	enum look_result result = LOOK_NO_CHILD;
	spin_guard(&process_tree_lock);
	list_for_each(trace_list, x, &self->traced) {
		if (!trace_is_selected(x, r))
			continue;
		result = LOOK_NOTHING_YET;
		if (!look_at_trace(self, x, r, out))
			continue;
		if (x->state == TRACE_GONE && !(r->options & WAIT_KEEP))
			end_trace(x, &old, dead);
		return LOOK_FOUND;
	}
	out->number = 0;
	return result;
}

static enum look_result look(
	struct process *self, const struct wait_request *r borrowed, struct wait_result *out borrowed)
{
	struct process_list dead = { 0 };
	enum look_result result = look_at_traced(self, r, out, &dead);
	if (result != LOOK_FOUND) {
		spin_guard(&process_tree_lock);
		list_for_each(process_list, child, &self->children) {
			if (!is_selected(child, r))
				continue;
			result = LOOK_NOTHING_YET;
			if (!look_at(child, r, out))
				continue;
			result = LOOK_FOUND;
			if (child->state == PROCESS_ZOMBIE && !(r->options & WAIT_KEEP))
				reap(self, child, out, &dead);
			break;
		}
	}
	process_bury(&dead);
	return result;
}

err_t process_wait(const struct wait_request *r borrowed, struct wait_result *out borrowed)
{
	struct process *self = process_current();
	enum look_result result = look(self, r, out);
	if (result == LOOK_NO_CHILD)
		return -ECHILD;
	if (result == LOOK_FOUND || (r->options & WAIT_NO_HANG))
		return OK;
	err_t err = wait_event(&self->child_event, WAIT_INTERRUPTIBLE, DEADLINE_NEVER,
		(result = look(self, r, out)) != LOOK_NOTHING_YET);
	if (err)
		return err;
	return result == LOOK_NO_CHILD ? -ECHILD : OK;
}
