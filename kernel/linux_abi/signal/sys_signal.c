// SPDX-License-Identifier: MPL-2.0
// System calls about the caller's own signals: actions, masks, waiting, the alternate stack.
#include <generated/syscall_prototypes.h>
#include <core/time.h>
#include <linux_abi/signal/frame.h>
#include <linux_abi/signal/siginfo.h>
#include <services/process/process_signal.h>

#define SIGSET_SIZE 8u
#define UNBLOCKABLE (signal_bit(SIGKILL) | signal_bit(SIGSTOP))

static err_t read_set(user_addr_t from, u64 size, struct signal_set *out borrowed)
{
	return size == SIGSET_SIZE ? user_read_u64(from, &out->bits) : -EINVAL;
}

struct action_layout {
	u64 handler, flags, restorer, mask;
};

static s64 write_action(user_addr_t to, const struct signal_action *a borrowed)
{
	struct action_layout raw = { a->handler, a->flags, a->restorer, a->mask.bits };
	return user_copy_out_object(to, &raw);
}

#define FLAGS_KNOWN                                                                                        \
	(SIGNAL_ACTION_NOCLDSTOP | SIGNAL_ACTION_NOCLDWAIT | SIGNAL_ACTION_SIGINFO | SIGNAL_ACTION_RESTORER | \
	 SIGNAL_ACTION_ONSTACK | SIGNAL_ACTION_RESTART | SIGNAL_ACTION_NODEFER | SIGNAL_ACTION_RESETHAND)

s64 sys_rt_sigaction(s32 signum, user_addr_t act, user_addr_t oldact, u64 sigsetsize)
{
	struct process *p = process_current();
	struct action_layout raw = { 0 };
	if (sigsetsize != SIGSET_SIZE)
		return -EINVAL;
	if (!user_is_null(act)) {
		err_t err = user_copy_in_object(&raw, act);
		if (err)
			return err;
	}
	if (signum < 1 || signum > (s32)SIGNAL_MAX)
		return -EINVAL;
	u32 signal = (u32)signum;
	if (!user_is_null(act) && (signal_bit(signal) & UNBLOCKABLE))
		return -EINVAL;
	if (user_is_null(act)) {
		struct signal_action now = signal_action_get(p->actions, signal);
		return user_is_null(oldact) ? 0 : write_action(oldact, &now);
	}
	struct signal_action action = { .handler = raw.handler,
		.flags = raw.flags & FLAGS_KNOWN,
		.restorer = raw.restorer,
		.mask = { raw.mask & ~UNBLOCKABLE } };
	struct signal_action old = signal_action_exchange(p->actions, signal, &action);
	if (action.handler <= SIGNAL_HANDLER_IGNORE && signal_action_ignores(p->actions, signal))
		signal_discard(p, signal);
	return user_is_null(oldact) ? 0 : write_action(oldact, &old);
}

enum { SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK };

s64 sys_rt_sigprocmask(s32 how, user_addr_t set, user_addr_t oldset, u64 sigsetsize)
{
	struct signal_set old = signal_blocked(), wanted = { 0 };
	if (sigsetsize != SIGSET_SIZE)
		return -EINVAL;
	if (!user_is_null(set)) {
		err_t err = read_set(set, sigsetsize, &wanted);
		if (err)
			return err;
		if (how == SIG_BLOCK)
			wanted.bits |= old.bits;
		else if (how == SIG_UNBLOCK)
			wanted.bits = old.bits & ~wanted.bits;
		else if (how != SIG_SETMASK)
			return -EINVAL;
		signal_set_blocked(wanted);
	}
	return user_is_null(oldset) ? 0 : user_write_u64(oldset, old.bits);
}

s64 sys_rt_sigpending(user_addr_t set, u64 sigsetsize)
{
	u8 raw[SIGSET_SIZE];
	if (sigsetsize > SIGSET_SIZE)
		return -EINVAL;
	u64 pending = signal_pending_set(thread_current()).bits & signal_blocked().bits;
	span_put_u64le(array_span(raw), 0, pending);
	return user_copy_out(set, bytes_first(array_bytes(raw), sigsetsize));
}

static struct wait_queue *never(void)
{
	return &process_current()->signal_event;
}

// Sleeps until a signal is to be delivered.
static s64 sleep_for_signal(void)
{
	err_t err = wait_event(never(), WAIT_INTERRUPTIBLE, DEADLINE_NEVER, false);
	return err == (err_t)-ERESTARTSYS ? -ERESTARTNOHAND : err;
}

s64 sys_rt_sigsuspend(user_addr_t mask, u64 sigsetsize)
{
	struct signal_set set = { 0 };
	err_t err = read_set(mask, sigsetsize, &set);
	if (err)
		return err;
	signal_set_blocked_temporarily(set);
	return sleep_for_signal();
}

s64 sys_pause(void)
{
	return sleep_for_signal();
}

static s64 write_info(user_addr_t to, const struct signal_info *info borrowed)
{
	u8 raw[SIGINFO_SIZE] = { 0 };
	siginfo_encode(array_span(raw), info, thread_cred()->user_ns);
	return user_copy_out(to, array_bytes(raw));
}

// The deadline of a relative timeout; NULL: never.
static err_t read_deadline(user_addr_t timeout, u64 *out borrowed)
{
	u64 raw[2];
	*out = DEADLINE_NEVER;
	if (user_is_null(timeout))
		return OK;
	err_t err = user_copy_in_object(&raw, timeout);
	if (err)
		return err;
	if (raw[0] > S64_MAX || raw[1] >= NS_PER_SECOND)
		return -EINVAL;
	u64 now = clock_monotonic_ns();
	if (raw[0] < (S64_MAX - now) / NS_PER_SECOND - 1)
		*out = now + raw[0] * NS_PER_SECOND + raw[1];
	return OK;
}

s64 sys_rt_sigtimedwait(user_addr_t uset, user_addr_t uinfo, user_addr_t timeout, u64 sigsetsize)
{
	struct signal_set set = { 0 };
	struct signal_info info;
	u64 deadline = 0;
	err_t err = read_set(uset, sigsetsize, &set);
	if (!err)
		err = read_deadline(timeout, &deadline);
	if (err)
		return err;
	set.bits &= ~UNBLOCKABLE;
	if (!signal_take_pending(set, &info)) {
		// The signals waited for must wake this sleep, though they are blocked and stay so afterwards.
		err = wait_event(&process_current()->signal_event, WAIT_INTERRUPTIBLE, deadline,
			signal_take_pending(set, &info));
		if (err == (err_t)-ETIMEDOUT)
			return -EAGAIN;
		if (err)
			return -EINTR;
	}
	if (!user_is_null(uinfo)) {
		s64 result = write_info(uinfo, &info);
		if (result)
			return result;
	}
	return info.signal;
}

struct stack_layout {
	u64 base;
	u32 flags, pad;
	u64 size;
};

s64 sys_sigaltstack(user_addr_t ss, user_addr_t old_ss)
{
	struct thread *t = thread_current();
	struct stack_layout old = { t->alternate_stack, signal_stack_flags(t), 0, t->alternate_stack_size };
	if (!user_is_null(ss)) {
		struct stack_layout wanted;
		err_t err = user_copy_in_object(&wanted, ss);
		if (!err)
			err = signal_stack_set(t, wanted.base, wanted.flags, wanted.size);
		if (err)
			return err;
	}
	return user_is_null(old_ss) ? 0 : user_copy_out_object(old_ss, &old);
}

s64 sys_rt_sigreturn(void)
{
	struct thread *t = thread_current();
	if (signal_frame_pop(t)) {
		struct signal_info info = { .signal = SIGSEGV, .code = SI_KERNEL, .kind = SIGNAL_INFO_FAULT };
		signal_force_current(&info);
	}
	return (s64)t->user.rax;
}

s64 sys_restart_syscall(void)
{
	struct thread *t = thread_current();
	struct restart_block block = t->restart;
	return block.resume ? block.resume(&block) : -EINTR;
}
