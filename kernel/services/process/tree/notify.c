// SPDX-License-Identifier: MPL-2.0
// What a parent is told: SIGCHLD (or the child's exit signal) and a wake of its wait queue.
#include <services/cred/user_namespace.h>
#include <services/process/process_internal.h>
#include <services/process/trace/trace_internal.h>

#define NS_PER_TICK (NS_PER_SECOND / 100)

static u32 uid_of(struct process *p)
{
	struct cred *c object_auto(cred) = process_cred(p);
	return c ? c->uid : 0;
}

// `uid` is p's real uid (a kernel id; the frame shows it as the parent sees it).
static struct signal_info child_info(struct process *p, u32 signal, s32 code, s32 status, u32 uid)
	REQUIRES(process_tree_lock)
{
	struct process_times times = process_times_read(p);
	return (struct signal_info){
		.signal = (s32)signal,
		.code = code,
		.kind = SIGNAL_INFO_CHILD,
		.sender_pid = pid_number_in(p->pid, pid_namespace_of(p->parent->pid)),
		.sender_uid = uid,
		.status = status,
		.user_time = times.user_ns / NS_PER_TICK,
		.system_time = times.system_ns / NS_PER_TICK,
	};
}

static void send_to_parent(struct process *parent, const struct signal_info *info borrowed)
{
	err_t err = signal_send_process(parent, info);
	(void)err; // a standard signal is always kept
}

void process_notify_parent(struct process *p, enum notify_reason reason, u32 signal)
{
	u32 uid = uid_of(p);
	spin_guard(&process_tree_lock);
	if (reason == NOTIFY_STOPPED) {
		p->tree_flags |= PROCESS_STOPPED | PROCESS_WAIT_STOPPED;
		p->tree_flags &= ~(u32)PROCESS_WAIT_CONTINUED;
		p->stop_status = signal;
	} else {
		p->tree_flags &= ~(u32)(PROCESS_STOPPED | PROCESS_WAIT_STOPPED);
		p->tree_flags |= PROCESS_WAIT_CONTINUED;
	}
	if (!p->parent)
		return;
	struct signal_action action = signal_action_get(p->parent->actions, SIGCHLD);
	if (action.handler != SIGNAL_HANDLER_IGNORE && !(action.flags & SIGNAL_ACTION_NOCLDSTOP)) {
		struct signal_info info = child_info(p, SIGCHLD, reason == NOTIFY_STOPPED ? CLD_STOPPED : CLD_CONTINUED,
						     reason == NOTIFY_STOPPED ? (s32)signal : SIGCONT, uid);
		send_to_parent(p->parent, &info);
	}
	wait_queue_wake_all(&p->parent->child_event, ~0u);
}

bool process_notify_exit_locked(struct process *p)
{
	struct process *parent = p->parent;
	if (!parent)
		return true;
	// Its tracer waits for it first; that one is told even if the parent would not be.
	if (p->trace && p->trace->tracer && p->trace->tracer != parent) {
		trace_notify(p->trace, SIGCHLD, CLD_EXITED, (s32)(p->exit_status >> 8 & 0xff));
		return false;
	}
	u32 signal = p->exit_signal;
	bool nobody_waits = false;
	if (signal == SIGCHLD && parent->actions) {
		struct signal_action action = signal_action_get(parent->actions, SIGCHLD);
		nobody_waits = action.handler == SIGNAL_HANDLER_IGNORE || (action.flags & SIGNAL_ACTION_NOCLDWAIT);
		if (action.handler == SIGNAL_HANDLER_IGNORE)
			signal = 0;
	}
	if (signal) {
		u32 killed_by = p->exit_status & 0x7f;
		struct signal_info info = child_info(p, signal,
			killed_by ? (p->exit_status & 0x80 ? CLD_DUMPED : CLD_KILLED) : CLD_EXITED,
			killed_by ? (s32)killed_by : (s32)(p->exit_status >> 8 & 0xff), p->exit_uid);
		send_to_parent(parent, &info);
	}
	wait_queue_wake_all(&parent->child_event, ~0u);
	return nobody_waits && !(p->trace && p->trace->tracer);
}
