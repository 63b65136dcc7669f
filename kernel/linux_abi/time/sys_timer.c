// SPDX-License-Identifier: MPL-2.0
// Interval timers, alarm, POSIX timers. source: getitimer(2), alarm(2), timer_create(2), timer_settime(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/time/clocks.h>
#include <linux_abi/time/cpu_timers.h>

enum { ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF };

// --- setitimer, alarm -----------------------------------------------------------------------------

static s64 write_interval(user_addr_t to, const struct timer_setting *s borrowed)
{
	err_t err = time_value_write(to, s->interval_ns);
	return err ? err : time_value_write(user_offset(to, 16), s->value_ns);
}

static s64 set_real(u64 value_ns, u64 interval_ns, struct timer_setting *old borrowed)
{
	struct signal_timer *t object_auto(signal_timer) = process_real_timer(process_current());
	if (!t)
		return -ENOMEM;
	u64 deadline = value_ns ? clock_deadline_after(value_ns) : 0;
	const struct timer_wish wish = { .deadline_ns = min(deadline, DEADLINE_NEVER - 1), .interval_ns = interval_ns };
	signal_timer_set(t, &wish, old);
	return 0;
}

static err_t read_real(struct timer_setting *out borrowed)
{
	struct signal_timer *t object_auto(signal_timer) = process_real_timer(process_current());
	if (!t)
		return -ENOMEM;
	*out = signal_timer_read(t);
	return OK;
}

static enum cpu_timer_kind cpu_kind(s32 which)
{
	return which == ITIMER_VIRTUAL ? CPU_TIMER_VIRTUAL : CPU_TIMER_PROFILE;
}

s64 sys_getitimer(s32 which, user_addr_t curr_value)
{
	struct timer_setting s = { 0 };
	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	err_t err = which == ITIMER_REAL ? read_real(&s) : cpu_timer_read(process_current(), cpu_kind(which), &s);
	return err ? err : write_interval(curr_value, &s);
}

s64 sys_setitimer(s32 which, user_addr_t new_value, user_addr_t old_value)
{
	struct timer_setting wanted = { 0 }, old = { 0 };
	if (which < ITIMER_REAL || which > ITIMER_PROF)
		return -EINVAL;
	if (!user_is_null(new_value)) {
		err_t err = time_value_read(new_value, &wanted.interval_ns);
		if (!err)
			err = time_value_read(user_offset(new_value, 16), &wanted.value_ns);
		if (err)
			return err;
	}
	s64 result;
	if (which == ITIMER_REAL)
		result = set_real(wanted.value_ns, wanted.interval_ns, &old);
	else
		result = cpu_timer_set(process_current(), cpu_kind(which), wanted, &old);
	return result || user_is_null(old_value) ? result : write_interval(old_value, &old);
}

s64 sys_alarm(u32 seconds)
{
	struct timer_setting old = { 0 };
	s64 result = set_real(seconds * NS_PER_SECOND, 0, &old);
	if (result || !old.value_ns)
		return result;
	// Whole seconds, rounded, but never 0 for an armed one.
	return max((s64)((old.value_ns + NS_PER_SECOND / 2) / NS_PER_SECOND), 1l);
}

// --- POSIX timers --------------------------------------------------------------------------------------

enum { SIGEV_SIGNAL, SIGEV_NONE, SIGEV_THREAD, SIGEV_THREAD_ID = 4 };
struct event_layout {
	u64 value;
	s32 signal, notify, thread, pad[11];
};
_Static_assert(sizeof(struct event_layout) == 64, "struct sigevent");

static struct thread *own_thread(s32 number) owned;
static struct thread *own_thread(s32 number)
{
	struct pid *pid object_auto(pid) = pid_find(thread_pid_namespace(), (u32)number);
	if (!pid)
		return NULL;
	struct thread *t object_auto(thread) = pid_thread(pid);
	return t && t->process == process_current() ? take(t) : NULL;
}

static s64 create(const struct signal_event *event borrowed, user_addr_t timerid)
{
	u32 id = 0;
	struct process *p = process_current();
	err_t err = process_timer_create(p, event, &id);
	if (err)
		return err;
	err = user_write_u32(timerid, id);
	if (!err)
		return 0;
	err_t gone = process_timer_delete(p, id);
	(void)gone; // it was just made
	return err;
}

static s64 create_for_thread(struct signal_event *event borrowed, struct thread *t, user_addr_t timerid)
{
	event->thread = t;
	return create(event, timerid);
}

s64 sys_timer_create(s32 clockid, user_addr_t sevp, user_addr_t timerid)
{
	struct event_layout raw = { .signal = SIGALRM };
	u64 now = 0;
	if (clockid < 0 && !clock_is_cpu(clockid))
		return -EOPNOTSUPP;
	err_t err = clock_read(clockid, &now);
	if (!err && !user_is_null(sevp))
		err = user_copy_in_object(&raw, sevp);
	if (err)
		return err;
	if (!clock_is_timer(clockid) && !clock_is_cpu(clockid))
		return -EOPNOTSUPP;
	struct signal_event event = { .clock = clockid, .value = raw.value, .signal = (u32)raw.signal };
	if (raw.notify == SIGEV_NONE)
		event.signal = 0;
	else if (raw.notify != SIGEV_SIGNAL && raw.notify != SIGEV_THREAD && raw.notify != SIGEV_THREAD_ID)
		return -EINVAL;
	else if (raw.signal < 1 || raw.signal > (s32)SIGNAL_MAX)
		return -EINVAL;
	if (raw.notify != SIGEV_THREAD_ID)
		return create(&event, timerid);
	struct thread *t object_auto(thread) = own_thread(raw.thread);
	return t ? create_for_thread(&event, t, timerid) : -EINVAL;
}

static s64 write_setting(user_addr_t to, const struct timer_setting *s borrowed)
{
	err_t err = time_spec_write(to, s->interval_ns);
	return err ? err : time_spec_write(user_offset(to, 16), s->value_ns);
}

#define TIMER_ABSTIME 1

// The deadline on the clock by which the timer goes; of one that follows the real-time clock, on that.
static u64 deadline_of(struct signal_timer *t, s32 flags, u64 value)
{
	if (!value)
		return 0;
	if (t->alarm)
		return flags & TIMER_ABSTIME ? value : signal_timer_now(t) + min(value, (u64)S64_MAX);
	if (t->follower && (flags & TIMER_ABSTIME))
		return min(value, DEADLINE_NEVER - 1);
	const u64 at = flags & TIMER_ABSTIME ? clock_deadline(t->clock, value) : clock_deadline_after(value);
	return min(at, DEADLINE_NEVER - 1);
}

s64 sys_timer_settime(s32 timerid, s32 flags, user_addr_t new_value, user_addr_t old_value)
{
	u64 interval = 0, value = 0;
	struct timer_setting old = { 0 };
	if (user_is_null(new_value))
		return -EINVAL;
	err_t err = time_spec_read(new_value, &interval);
	if (!err)
		err = time_spec_read(user_offset(new_value, 16), &value);
	if (err)
		return err;
	struct signal_timer *t object_auto(signal_timer) = process_timer_find(process_current(), (u32)timerid);
	if (!t)
		return -EINVAL;
	const struct timer_wish wish = { .deadline_ns = deadline_of(t, flags, value), .interval_ns = interval,
		.follows = t->follower && (flags & TIMER_ABSTIME) };
	signal_timer_set(t, &wish, &old);
	return user_is_null(old_value) ? 0 : write_setting(old_value, &old);
}

s64 sys_timer_gettime(s32 timerid, user_addr_t curr_value)
{
	struct signal_timer *t object_auto(signal_timer) = process_timer_find(process_current(), (u32)timerid);
	if (!t)
		return -EINVAL;
	struct timer_setting s = signal_timer_read(t);
	return write_setting(curr_value, &s);
}

s64 sys_timer_getoverrun(s32 timerid)
{
	struct signal_timer *t object_auto(signal_timer) = process_timer_find(process_current(), (u32)timerid);
	return t ? (s64)signal_timer_overrun(t) : -EINVAL;
}

s64 sys_timer_delete(s32 timerid)
{
	return process_timer_delete(process_current(), (u32)timerid);
}
