// SPDX-License-Identifier: MPL-2.0
// Sending. Under the receiver's signal_lock: effects that happen at the moment of sending (stop and
// continue cancel each other, a fatal signal condemns every thread), the signal is queued unless it is
// ignored, and one thread that can take it is woken. source: signal(7), kill(2), pid_namespaces(7)
#include <services/cred/user_namespace.h>
#include <services/process/process_internal.h>
#include <services/process/trace.h>

#define STOP_SIGNALS (signal_bit(SIGSTOP) | signal_bit(SIGTSTP) | signal_bit(SIGTTIN) | signal_bit(SIGTTOU))
#define UNBLOCKABLE (signal_bit(SIGKILL) | signal_bit(SIGSTOP))

struct signal_info signal_info_kernel(u32 signal)
{
	return (struct signal_info){ .signal = (s32)signal, .code = SI_KERNEL, .kind = SIGNAL_INFO_KILL };
}

struct signal_info signal_info_user(u32 signal, s32 code)
{
	struct thread *t = thread_current();
	return (struct signal_info){
		.signal = (s32)signal,
		.code = code,
		.kind = SIGNAL_INFO_KILL,
		.sender_pid = pid_number_own(t->process->pid),
		.sender_uid = t->cred->uid,
	};
}

// Does it come from outside the receiver's pid namespace, or from the kernel? Such signals reach even the
// first process of a namespace.
static bool is_forced(const struct process *p, const struct signal_info *info borrowed)
{
	if (info->code == SI_KERNEL)
		return true;
	// Timers fire in whatever thread happens to run.
	if (info->kind == SIGNAL_INFO_TIMER || info->kind == SIGNAL_INFO_POLL || info->code > 0)
		return false;
	struct thread *sender = thread_current_or_null();
	if (!sender)
		return false;
	return !pid_number_in(sender->process->pid, pid_namespace_of(p->pid));
}

// The sender's numbers as the receiver sees them.
static struct signal_info info_for(const struct process *p, const struct signal_info *info borrowed)
{
	struct signal_info out = *info;
	struct thread *sender = thread_current_or_null();
	if (sender && info->code <= 0 && info->kind == SIGNAL_INFO_KILL)
		out.sender_pid = pid_number_in(sender->process->pid, pid_namespace_of(p->pid));
	return out;
}

static bool is_ignored(struct process *p, const struct thread *t, u32 signal, u64 handler, bool forced)
	REQUIRES(p->signal_lock)
{
	const struct thread *witness = t;
	if (!witness)
		witness = p->leader;
	if (witness && witness->blocked.bits & signal_bit(signal))
		return false;
	// A tracer is told of what would be ignored.
	if (witness && thread_is_traced(witness) && signal != SIGKILL)
		return false;
	if (handler == SIGNAL_HANDLER_IGNORE)
		return true;
	if (handler != SIGNAL_HANDLER_DEFAULT)
		return false;
	// The first process of a pid namespace is safe from what it has no handler for, but not from above.
	if ((atomic_u32_load(&p->flags) & PROCESS_NAMESPACE_INIT) && !(forced && (signal_bit(signal) & UNBLOCKABLE)))
		return true;
	return signal_default_action(signal) == SIGNAL_DEFAULT_IGNORE;
}

void signal_recalculate_locked(struct process *p, struct thread *t)
{
	u64 ready = (t->pending.pending.bits | p->shared_pending.pending.bits) & ~t->blocked.bits;
	bool wanted = (p->stop_signal && !t->is_stopped && !t->leaves_stop) ||
		      (atomic_u32_load(&t->call_work) & THREAD_TRAP_WANTED) ||
		      (atomic_u32_load(&p->flags) & PROCESS_GROUP_EXIT) ||
		      (p->exec_thread && p->exec_thread != t) || p->continue_pending;
	if (ready || wanted)
		task_post_work(&t->base, TASK_WORK_SIGNAL);
	else
		task_clear_work(&t->base, TASK_WORK_SIGNAL);
}

// --- stop and continue ------------------------------------------------------------------------

static void clear_everywhere(struct process *p, u64 bits) REQUIRES(p->signal_lock)
{
	signal_queue_clear(&p->shared_pending, (struct signal_set){ bits });
	list_for_each(thread_list, t, &p->threads)
		signal_queue_clear(&t->pending, (struct signal_set){ bits });
}

static void cancel_stop(struct process *p) REQUIRES(p->signal_lock)
{
	if (!p->stop_signal)
		return;
	if (p->stopped_count)
		p->continue_pending = 1;
	p->stop_signal = 0;
	p->stopped_count = 0;
	list_for_each(thread_list, t, &p->threads) {
		t->is_stopped = 0;
		t->leaves_stop = 0;
		task_post_work(&t->base, TASK_WORK_SIGNAL);
	}
	wait_queue_wake_all(&p->thread_event, ~0u);
}

void process_begin_group_exit_locked(struct process *p, u32 status)
{
	if (!(atomic_u32_load(&p->flags) & PROCESS_GROUP_EXIT)) {
		p->group_exit_code = status;
		atomic_u32_or(&p->flags, PROCESS_GROUP_EXIT);
	}
	p->stop_signal = 0;
	list_for_each(thread_list, t, &p->threads) {
		t->is_stopped = 0;
		task_post_work(&t->base, TASK_WORK_SIGNAL | TASK_WORK_KILL);
	}
	wait_queue_wake_all(&p->thread_event, ~0u);
}

// --- choosing who is woken ------------------------------------------------------------------------

// A stopped thread takes nothing but the last signal until it goes on.
static bool can_take(const struct thread *t, u32 signal)
{
	return !(t->blocked.bits & signal_bit(signal)) && !t->is_exiting && (!t->is_stopped || signal == SIGKILL);
}

static struct thread *choose(struct process *p, struct thread *target, u32 signal) REQUIRES(p->signal_lock)
{
	if (target)
		return can_take(target, signal) ? target : NULL;
	if (p->leader && can_take(p->leader, signal))
		return p->leader;
	list_for_each(thread_list, t, &p->threads)
		if (can_take(t, signal))
			return t;
	return NULL;
}

static void announce(struct process *p, struct thread *target, u32 signal, u64 handler) REQUIRES(p->signal_lock)
{
	// A sleeper that comes later looks at the pending signals under the lock that is held here.
	if (!wait_queue_is_empty(&p->signal_event))
		wait_queue_wake_all(&p->signal_event, ~0u);
	struct thread *t = choose(p, target, signal);
	if (!t)
		return;
	if (handler == SIGNAL_HANDLER_DEFAULT && signal_default_action(signal) == SIGNAL_DEFAULT_TERMINATE &&
		(signal == SIGKILL || !thread_is_traced(t)))
		process_begin_group_exit_locked(p, signal);
	else
		task_post_work(&t->base, TASK_WORK_SIGNAL);
}

static err_t send(struct process *p, struct thread *target, const struct signal_info *info borrowed,
		  struct user_account *account, u64 limit)
{
	u32 signal = (u32)info->signal;
	if (signal < 1 || signal > SIGNAL_MAX)
		return OK;
	bool forced = is_forced(p, info);
	struct signal_info translated = info_for(p, info);
	irq_guard(&p->signal_lock);
	if (!p->actions || !p->thread_count || (atomic_u32_load(&p->flags) & PROCESS_GROUP_EXIT))
		return OK;
	if (signal_bit(signal) & STOP_SIGNALS) {
		clear_everywhere(p, signal_bit(SIGCONT));
	} else if (signal == SIGCONT) {
		clear_everywhere(p, STOP_SIGNALS);
		cancel_stop(p);
	}
	u64 handler = signal_action_get(p->actions, signal).handler;
	if (is_ignored(p, target, signal, handler, forced))
		return OK;
	err_t err = target ? signal_queue_add(&target->pending, &translated, account, limit)
			   : signal_queue_add(&p->shared_pending, &translated, account, limit);
	if (err)
		return err;
	announce(p, target, signal, handler);
	return OK;
}

static struct cred *receiver_cred(struct process *p, struct thread *target) owned;
static struct cred *receiver_cred(struct process *p, struct thread *target)
{
	return target ? thread_cred_of(target) : process_cred(p);
}

// The account that a queued signal is charged to is the receiver's user.
static err_t send_charged(struct process *p, struct thread *target, const struct signal_info *info borrowed)
{
	// A timer's signal is queued once and not charged; it is sent from an interrupt, where other locks than
	// signal_lock may not be taken.
	if (info->signal < (s32)SIGNAL_REALTIME_MIN || info->kind == SIGNAL_INFO_TIMER)
		return send(p, target, info, NULL, U64_MAX);
	struct cred *c object_auto(cred) = receiver_cred(p, target);
	return send(p, target, info, c ? c->account : NULL, process_rlimit(p, RLIMIT_SIGPENDING));
}

err_t signal_send_process(struct process *p, const struct signal_info *info borrowed)
{
	return send_charged(p, NULL, info);
}

err_t signal_send_thread(struct thread *t, const struct signal_info *info borrowed)
{
	return send_charged(t->process, t, info);
}

void signal_send_group_locked(struct process_group *g, const struct signal_info *info borrowed)
{
	list_for_each(group_member_list, p, &g->members) {
		err_t err = send(p, NULL, info, NULL, 0);
		(void)err; // real-time signals to a whole group are best effort
	}
}

void signal_send_group(struct process_group *g, const struct signal_info *info borrowed)
{
	spin_guard(&process_tree_lock);
	signal_send_group_locked(g, info);
}

void signal_force_current(const struct signal_info *info borrowed)
{
	struct thread *t = thread_current();
	struct process *p = t->process;
	u32 signal = (u32)info->signal;
	irq_guard(&p->signal_lock);
	bool is_blocked = t->blocked.bits & signal_bit(signal);
	if (is_blocked || signal_action_get(p->actions, signal).handler == SIGNAL_HANDLER_IGNORE) {
		struct signal_action none = { 0 };
		signal_action_set(p->actions, signal, &none);
		t->blocked.bits &= ~signal_bit(signal);
	}
	// A fault kills even the first process of a namespace, unless it has a handler.
	if (signal_action_get(p->actions, signal).handler == SIGNAL_HANDLER_DEFAULT && !thread_is_traced(t)) {
		process_begin_group_exit_locked(p, signal);
		return;
	}
	err_t err = signal_queue_add(&t->pending, info, NULL, 0);
	(void)err; // without memory for a record the bit is set
	task_post_work(&t->base, TASK_WORK_SIGNAL);
}

void signal_kill_process(struct process *p)
{
	irq_guard(&p->signal_lock);
	if (p->thread_count)
		process_begin_group_exit_locked(p, SIGKILL);
}

err_t signal_may_send(struct process *to, u32 signal)
{
	struct thread *self = thread_current();
	if (to == self->process)
		return OK;
	struct cred *target object_auto(cred) = process_cred(to);
	if (!target)
		return OK;	// a zombie: nothing happens
	struct cred *mine = self->cred;
	if (mine->euid == target->suid || mine->euid == target->uid || mine->uid == target->suid ||
		mine->uid == target->uid)
		return OK;
	if (cred_has_capability(mine, target->user_ns, CAP_KILL))
		return OK;
	if (signal == SIGCONT) {
		struct session *own object_auto(session) = process_session(self->process);
		struct session *theirs object_auto(session) = process_session(to);
		if (own && own == theirs)
			return OK;
	}
	return -EPERM;
}

void signal_discard(struct process *p, u32 signal)
{
	irq_guard(&p->signal_lock);
	clear_everywhere(p, signal_bit(signal));
	list_for_each(thread_list, t, &p->threads)
		signal_recalculate_locked(p, t);
}

void signal_exit_process(struct process *p, u32 signal)
{
	irq_guard(&p->signal_lock);
	if (p->thread_count)
		process_begin_group_exit_locked(p, signal);
}
