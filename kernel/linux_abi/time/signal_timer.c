// SPDX-License-Identifier: MPL-2.0
// A repeated timer sends its signal and rests; when the signal is taken it counts what has expired meanwhile and goes
// on. So one with a short interval, or many of them, interrupt nobody more often than their signals are taken.
// One by a CPU clock is an alarm of the watch over whose clock it is (cpu_timers.h), else the same.
#include <linux_abi/time/clocks.h>
#include <linux_abi/time/cpu_timers.h>
#include <linux_abi/time/signal_timer.h>

#define REST_NS (10 * NS_PER_MS)

struct timer_alarm {
	struct cpu_alarm base;
	struct signal_timer *timer;	// borrowed: it ends the alarm first; immutable
};
static void timer_alarm_release(struct timer_alarm *a) exclusive_access
{
	cpu_alarm_drop(&a->base);
}
DEFINE_DERIVED(timer_alarm, cpu_alarm, timer_alarm_release)

struct timer_follower {
	struct clock_follower base;
	struct signal_timer *timer;	// likewise
};
static void timer_follower_release(struct timer_follower *f) exclusive_access { }
DEFINE_DERIVED(timer_follower, clock_follower, timer_follower_release)

static void signal_timer_release(struct signal_timer *t) exclusive_access
{
	if (t->alarm)
		timer_alarm_auto_put(&t->alarm);
	if (t->follower)
		timer_follower_auto_put(&t->follower);
	if (t->source)
		signal_source_put(take(t->source));
	if (t->process)
		process_put(take(t->process));
	if (t->thread)
		thread_put(take(t->thread));
	if (t->account) {
		atomic_u64_sub(&t->account->pending_signals, 1);
		user_account_put(take(t->account));
	}
}
DEFINE_DERIVED_SHARED(signal_timer, timer, signal_timer_release)

// How long a timer rests whose signal nobody takes, so that it goes on even if that gets lost or is ignored. A user
// with many of them is interrupted no more often than one with few.
static u64 rest_ns(const struct signal_timer *t)
{
	const u64 others = t->account ? atomic_u64_load(&t->account->pending_signals) : 0;
	return REST_NS * (1 + others / 64);
}

u64 signal_timer_now(struct signal_timer *t)
{
	return t->alarm ? cpu_alarm_now(&t->alarm->base) : clock_monotonic_ns();
}

// 0: no more. A CPU clock's watch is told by arm_check(), without the lock.
static void arm(struct signal_timer *t, u64 at_ns) REQUIRES(t->lock)
{
	if (t->is_ended)
		at_ns = 0;
	if (t->alarm)
		atomic_u64_store(&t->alarm->base.deadline_ns, at_ns);
	else if (at_ns)
		timer_set(&t->base, at_ns);
	else
		(void)timer_cancel(&t->base);
}

static void arm_check(struct signal_timer *t)
{
	if (t->alarm)
		cpu_alarm_check(&t->alarm->base);
}

// Moves the deadline beyond `now`; how many expirations that skips.
static u64 advance(struct signal_timer *t, u64 now) REQUIRES(t->lock)
{
	u64 skipped = now > t->deadline_ns ? (now - t->deadline_ns) / t->interval_ns : 0;
	t->deadline_ns += (skipped + 1) * t->interval_ns;
	return skipped;
}

static void add_overrun(struct signal_timer *t, u64 more) REQUIRES(t->lock)
{
	t->overrun = (u32)min(t->overrun + more, (u64)S32_MAX);
}

// A repeated timer rests at the time when it expired, until its signal is taken. True: one is to be sent.
static bool expire_repeated(struct signal_timer *t, u64 now, bool is_queued) REQUIRES(t->lock)
{
	const bool rested = t->is_resting;
	t->is_resting = 1;
	arm(t, now + rest_ns(t));
	if (is_queued)
		return false;
	if (rested)	// the last one was not taken: it was ignored, or is lost
		t->deadline_ns += (now - t->deadline_ns) / t->interval_ns * t->interval_ns;
	return true;
}

// False: nothing to send. A signal that still waits counts what expires meanwhile. *overrun: what a new one says.
static bool expire(struct signal_timer *t, u64 now, bool is_queued, u32 *overrun borrowed)
{
	irq_guard(&t->lock);
	*overrun = 0;
	if (!t->deadline_ns || now < t->deadline_ns)
		return false;
	if (t->interval_ns)
		return expire_repeated(t, now, is_queued);
	t->deadline_ns = 0;
	arm(t, 0);
	if (is_queued)
		add_overrun(t, 1);
	else
		t->overrun = 0;
	return !is_queued;
}

static u32 go_on(struct signal_timer *t, u64 now)
{
	irq_guard(&t->lock);
	if (t->is_resting) {
		t->is_resting = 0;
		t->overrun = 0;
		add_overrun(t, advance(t, now));
		arm(t, t->deadline_ns);
	}
	return t->overrun;
}

u32 signal_timer_go_on(struct signal_timer *t)
{
	const u32 overrun = go_on(t, signal_timer_now(t));
	arm_check(t);
	return overrun;
}

// Its own signal still waits; an interval timer has none of its own.
static bool is_queued(const struct signal_timer *t)
{
	return t->source ? atomic_u32_load(&t->source->is_queued) : signal_is_queued(t->process, t->thread, t->signal);
}

static void expired(struct signal_timer *t, u64 now)
{
	u32 overrun = 0;
	if (!expire(t, now, t->signal && is_queued(t), &overrun) || !t->signal)
		return;
	struct signal_info info = { .signal = (s32)t->signal,
		.code = t->code,
		.kind = SIGNAL_INFO_TIMER,
		.timer_id = t->id,
		.overrun = overrun,
		.value = t->value,
		.source = t->source };
	err_t err = t->thread ? signal_send_thread(t->thread, &info) : signal_send_process(t->process, &info);
	(void)err; // without memory for a record the bit is set
}

static void signal_timer_fire(struct timer *base)
{
	expired(signal_timer_from_timer(base), clock_monotonic_ns());
}

static void alarm_expires(struct cpu_alarm *a, u64 used_ns)
{
	expired(timer_alarm_from_cpu_alarm(a)->timer, used_ns);
}

static void clock_set(struct clock_follower *f)
{
	struct signal_timer *const t = timer_follower_from_clock_follower(f)->timer;
	irq_guard(&t->lock);
	u64 offset_ns = t->offset_ns;
	if (!t->follows || !t->deadline_ns)
		return;
	t->deadline_ns = clock_deadline_moved(t->deadline_ns, &offset_ns);
	t->offset_ns = offset_ns;
	if (!t->is_resting)
		arm(t, t->deadline_ns);
}

struct signal_timer *signal_timer_create(struct process *p)
{
	struct signal_timer *t object_auto(signal_timer) = signal_timer_alloc();
	if (!t)
		return NULL;
	spin_init(&t->lock, RANK_EVENT_SOURCE);
	t->process = process_get(p);
	t->base.fire = signal_timer_fire;
	t->signal = SIGALRM;
	t->code = SI_KERNEL;
	return take(t);
}

static err_t begin_alarm(struct signal_timer *t)
{
	t->alarm = timer_alarm_alloc();
	if (!t->alarm)
		return -ENOMEM;
	t->alarm->timer = t;
	t->alarm->base.expire = alarm_expires;
	return cpu_alarm_begin(&t->alarm->base, t->clock);
}

static err_t begin_following(struct signal_timer *t)
{
	t->follower = timer_follower_alloc();
	if (!t->follower)
		return -ENOMEM;
	t->follower->timer = t;
	t->follower->base.clock_set = clock_set;
	clock_follow(&t->follower->base);
	return OK;
}

err_t signal_timer_begin(struct signal_timer *t)
{
	t->source = signal_source_create();
	if (!t->source)
		return -ENOMEM;
	if (clock_is_cpu(t->clock))
		return begin_alarm(t);
	return t->clock == CLOCK_REALTIME || t->clock == CLOCK_TAI ? begin_following(t) : OK;
}

static struct timer_setting setting_of(struct signal_timer *t, u64 now) REQUIRES(t->lock)
{
	struct timer_setting s = { .interval_ns = t->interval_ns };
	u64 next_ns = t->deadline_ns;
	if (t->is_resting && now >= next_ns)
		next_ns += ((now - next_ns) / t->interval_ns + 1) * t->interval_ns;
	if (t->deadline_ns)
		s.value_ns = next_ns > now ? next_ns - now : 1;
	return s;
}

static struct timer_setting read_at(struct signal_timer *t, u64 now)
{
	irq_guard(&t->lock);
	return setting_of(t, now);
}

struct timer_setting signal_timer_read(struct signal_timer *t)
{
	return read_at(t, signal_timer_now(t));
}

static void set_at(struct signal_timer *t, u64 now, const struct timer_wish *wish borrowed,
	struct timer_setting *old borrowed)
{
	irq_guard(&t->lock);
	*old = setting_of(t, now);
	t->offset_ns = clock_realtime_offset_ns();
	t->deadline_ns = wish->follows && wish->deadline_ns ? clock_deadline_by(wish->deadline_ns, t->offset_ns) :
		wish->deadline_ns;
	t->interval_ns = wish->deadline_ns ? min(wish->interval_ns, (u64)S64_MAX) : 0;
	t->overrun = 0;
	t->is_resting = 0;
	t->follows = wish->follows;
	arm(t, t->deadline_ns);
}

void signal_timer_set(struct signal_timer *t, const struct timer_wish *wish borrowed,
	struct timer_setting *old borrowed)
{
	set_at(t, signal_timer_now(t), wish, old);
	arm_check(t);
}

u32 signal_timer_overrun(struct signal_timer *t)
{
	irq_guard(&t->lock);
	return t->overrun;
}

void signal_timer_end(struct signal_timer *t consumes)
{
	struct signal_timer *last object_auto(signal_timer) = t;
	{
		irq_guard(&last->lock);
		last->is_ended = 1;
	}
	if (last->alarm)
		cpu_alarm_end(&last->alarm->base);
	if (last->follower)
		clock_follow_no_more(&last->follower->base);
	(void)timer_cancel_sync(&last->base);
}
