// SPDX-License-Identifier: MPL-2.0
// A repeated timer sends its signal and rests; when the signal is taken it counts what has expired meanwhile and goes
// on. So one with a short interval, or many of them, interrupt nobody more often than their signals are taken.
#include <linux_abi/time/cpu_timers.h>

#define REST_NS (10 * NS_PER_MS)

// --- one timer ----------------------------------------------------------------------------------

static void signal_timer_release(struct signal_timer *t) exclusive_access
{
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
	timer_set(&t->base, now + rest_ns(t));
	if (is_queued)
		return false;
	if (rested)	// the last one was not taken: it was ignored, or is lost
		t->deadline_ns += (now - t->deadline_ns) / t->interval_ns * t->interval_ns;
	return true;
}

// False: nothing to send. A signal that still waits counts what expires meanwhile. *overrun: what a new one says.
static bool expire(struct signal_timer *t, bool is_queued, u32 *overrun borrowed)
{
	irq_guard(&t->lock);
	u64 now = clock_monotonic_ns();
	*overrun = 0;
	if (!t->deadline_ns || now < t->deadline_ns)
		return false;
	if (t->interval_ns)
		return expire_repeated(t, now, is_queued);
	t->deadline_ns = 0;
	if (is_queued)
		add_overrun(t, 1);
	else
		t->overrun = 0;
	return !is_queued;
}

// What expired since its signal was sent is the overrun; the next time is awaited.
static u32 go_on(struct signal_timer *t)
{
	irq_guard(&t->lock);
	if (t->is_resting) {
		t->is_resting = 0;
		t->overrun = 0;
		add_overrun(t, advance(t, clock_monotonic_ns()));
		timer_set(&t->base, t->deadline_ns);
	}
	return t->overrun;
}

static void signal_timer_fire(struct timer *base)
{
	struct signal_timer *t = signal_timer_from_timer(base);
	u32 overrun = 0;
	bool is_queued = t->signal && signal_is_queued(t->process, t->thread, t->signal);
	if (!expire(t, is_queued, &overrun) || !t->signal)
		return;
	struct signal_info info = { .signal = (s32)t->signal,
		.code = t->code,
		.kind = SIGNAL_INFO_TIMER,
		.timer_id = t->id,
		.overrun = overrun,
		.value = t->value };
	err_t err = t->thread ? signal_send_thread(t->thread, &info) : signal_send_process(t->process, &info);
	(void)err; // without memory for a record the bit is set
}

static struct signal_timer *signal_timer_create(struct process *p) owned;
static struct signal_timer *signal_timer_create(struct process *p)
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

static struct timer_setting setting_of(struct signal_timer *t) REQUIRES(t->lock)
{
	u64 now = clock_monotonic_ns();
	struct timer_setting s = { .interval_ns = t->interval_ns };
	u64 next_ns = t->deadline_ns;
	if (t->is_resting && now >= next_ns)
		next_ns += ((now - next_ns) / t->interval_ns + 1) * t->interval_ns;
	if (t->deadline_ns)
		s.value_ns = next_ns > now ? next_ns - now : 1;
	return s;
}

struct timer_setting signal_timer_read(struct signal_timer *t)
{
	irq_guard(&t->lock);
	return setting_of(t);
}

void signal_timer_set(struct signal_timer *t, u64 deadline_ns, u64 interval_ns, struct timer_setting *old borrowed)
{
	irq_guard(&t->lock);
	*old = setting_of(t);
	t->deadline_ns = deadline_ns;
	t->interval_ns = deadline_ns ? min(interval_ns, (u64)S64_MAX) : 0;
	t->overrun = 0;
	t->is_resting = 0;
	if (deadline_ns)
		timer_set(&t->base, deadline_ns);
	else
		(void)timer_cancel(&t->base);
}

u32 signal_timer_overrun(struct signal_timer *t)
{
	irq_guard(&t->lock);
	return t->overrun;
}

static void signal_timer_end(struct signal_timer *t consumes)
{
	struct signal_timer *last object_auto(signal_timer) = t;
	(void)timer_cancel_sync(&last->base);
}

// --- all of a process --------------------------------------------------------------------------------

DEFINE_INDEX(signal_timer_index, signal_timer)
struct process_timers {
	struct object object;
	struct spinlock lock;
	struct signal_timer *real GUARDED_BY(lock);		// reference or NULL
	struct signal_timer_index posix GUARDED_BY(lock);	// references
	u32 next_id GUARDED_BY(lock);
	struct cpu_watch *cpu GUARDED_BY(lock);			// reference or NULL
};
DECLARE_OBJECT(process_timers)

static struct signal_timer *take_any(struct process_timers *all) owned;
static struct signal_timer *take_any(struct process_timers *all)
{
	u64 id = 0;
	spin_guard(&all->lock);
	struct signal_timer *t object_auto(signal_timer) = signal_timer_index_next(&all->posix, &id);
	if (t)
		signal_timer_index_remove(&all->posix, id);
	return take(t);
}

static void end_posix(struct process_timers *all)
{
	for (;;) {
		struct signal_timer *t object_auto(signal_timer) = take_any(all);
		if (!t)
			return;
		signal_timer_end(take(t));
	}
}

static void process_timers_release(struct process_timers *all) exclusive_access
{
	end_posix(all);
	if (all->real)
		signal_timer_end(take(all->real));
	if (all->cpu)
		cpu_watch_end(take(all->cpu));
	signal_timer_index_clear(&all->posix);
}
DEFINE_OBJECT(process_timers, process_timers_release)

static struct process_timers *existing(struct process *p) owned;
static struct process_timers *existing(struct process *p)
{
	spin_guard(&p->lock);
	return p->timers ? process_timers_get(process_timers_from_object(p->timers)) : NULL;
}

static struct process_timers *timers_of(struct process *p) owned;
static struct process_timers *timers_of(struct process *p)
{
	struct process_timers *found object_auto(process_timers) = existing(p);
	if (found)
		return take(found);
	struct process_timers *made object_auto(process_timers) = process_timers_alloc();
	if (!made)
		return NULL;
	spin_init(&made->lock, RANK_SERVICE_LEAF);
	{
		spin_guard(&p->lock);
		if (!p->timers)
			p->timers = object_get(&made->object);
	}
	return existing(p);
}

static struct signal_timer *real_of(struct process_timers *all) owned;
static struct signal_timer *real_of(struct process_timers *all)
{
	spin_guard(&all->lock);
	return all->real ? signal_timer_get(all->real) : NULL;
}

struct signal_timer *process_real_timer(struct process *p)
{
	struct process_timers *all object_auto(process_timers) = timers_of(p);
	if (!all)
		return NULL;
	struct signal_timer *found object_auto(signal_timer) = real_of(all);
	if (found)
		return take(found);
	struct signal_timer *made object_auto(signal_timer) = signal_timer_create(p);
	if (!made)
		return NULL;
	{
		spin_guard(&all->lock);
		if (!all->real)
			all->real = take(made);
	}
	return real_of(all);
}

static struct cpu_watch *watch_of(struct process_timers *all) owned;
static struct cpu_watch *watch_of(struct process_timers *all)
{
	spin_guard(&all->lock);
	return all->cpu ? cpu_watch_get(all->cpu) : NULL;
}

struct cpu_watch *process_cpu_watch(struct process *p)
{
	struct process_timers *all object_auto(process_timers) = existing(p);
	return all ? watch_of(all) : NULL;
}

struct cpu_watch *process_cpu_watch_make(struct process *p)
{
	struct process_timers *all object_auto(process_timers) = timers_of(p);
	struct cpu_watch *made object_auto(cpu_watch) = cpu_watch_create(p);
	if (!all || !made)
		return NULL;
	{
		spin_guard(&all->lock);
		if (!all->cpu)
			all->cpu = take(made);
	}
	return watch_of(all);
}

// The index takes over the reference.
static err_t add(struct process_timers *all, struct signal_timer *t, u32 *id borrowed)
{
	struct signal_timer *kept object_auto(signal_timer) = signal_timer_get(t);
	spin_guard(&all->lock);
	if (signal_timer_index_count(&all->posix) >= PROCESS_TIMERS_MAX)
		return -EAGAIN;
	while (signal_timer_index_at(&all->posix, all->next_id))
		all->next_id = (all->next_id + 1) & S32_MAX;
	if (signal_timer_index_set(&all->posix, all->next_id, t))
		return -ENOMEM;
	*id = t->id = all->next_id;
	(void)take(kept);
	all->next_id = (all->next_id + 1) & S32_MAX;
	return OK;
}

// A timer counts like the signal that it will send. source: getrlimit(2), RLIMIT_SIGPENDING
static err_t timer_charge(struct signal_timer *t, struct process *p)
{
	struct user_account *const account = thread_cred()->account;
	if (atomic_u64_add(&account->pending_signals, 1) >= process_rlimit(p, RLIMIT_SIGPENDING)) {
		atomic_u64_sub(&account->pending_signals, 1);
		return -EAGAIN;
	}
	t->account = user_account_get(account);
	return OK;
}

err_t process_timer_create(struct process *p, const struct signal_event *event borrowed, u32 *id borrowed)
{
	struct process_timers *all object_auto(process_timers) = timers_of(p);
	struct signal_timer *t object_auto(signal_timer) = signal_timer_create(p);
	if (!all || !t)
		return -ENOMEM;
	const err_t charged = timer_charge(t, p);
	if (charged)
		return charged;
	if (event->thread)
		t->thread = thread_get(event->thread);
	t->signal = event->signal;
	t->value = event->value;
	t->clock = event->clock;
	t->code = SI_TIMER;
	return add(all, t, id);
}

struct signal_timer *process_timer_find(struct process *p, u32 id)
{
	struct process_timers *all object_auto(process_timers) = existing(p);
	if (!all)
		return NULL;
	spin_guard(&all->lock);
	return signal_timer_try_get(signal_timer_index_at(&all->posix, id));
}

static struct signal_timer *timer_of(struct process *p, const struct signal_info *info borrowed) owned;
static struct signal_timer *timer_of(struct process *p, const struct signal_info *info borrowed)
{
	if (info->code == SI_TIMER)
		return process_timer_find(p, info->timer_id);
	struct process_timers *all object_auto(process_timers) = existing(p);
	return all ? real_of(all) : NULL;
}

void process_timer_signal_taken(struct process *p, struct signal_info *info borrowed)
{
	struct signal_timer *t object_auto(signal_timer) = timer_of(p, info);
	const u32 overrun = t ? go_on(t) : 0;
	if (t && info->code == SI_TIMER)
		info->overrun = overrun;
}

static struct signal_timer *take_one(struct process_timers *all, u32 id) owned;
static struct signal_timer *take_one(struct process_timers *all, u32 id)
{
	spin_guard(&all->lock);
	struct signal_timer *t object_auto(signal_timer) = signal_timer_index_at(&all->posix, id);
	if (t)
		signal_timer_index_remove(&all->posix, id);
	return take(t);
}

err_t process_timer_delete(struct process *p, u32 id)
{
	struct process_timers *all object_auto(process_timers) = existing(p);
	if (!all)
		return -EINVAL;
	struct signal_timer *t object_auto(signal_timer) = take_one(all, id);
	if (!t)
		return -EINVAL;
	signal_timer_end(take(t));
	return OK;
}

void process_timers_exec(struct process *p)
{
	struct process_timers *all object_auto(process_timers) = existing(p);
	if (all)
		end_posix(all);
}
