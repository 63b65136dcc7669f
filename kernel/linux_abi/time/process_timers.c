// SPDX-License-Identifier: MPL-2.0
// The table of a process's timers, and their beginning and end.
#include <linux_abi/time/clocks.h>
#include <linux_abi/time/cpu_timers.h>
#include <linux_abi/time/signal_timer.h>

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
		if (!p->timers && !(atomic_u32_load(&p->flags) & PROCESS_TIMERS_ENDED))
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

static err_t add_or_end(struct process_timers *all, struct signal_timer *t, u32 *id borrowed)
{
	const err_t err = add(all, t, id);
	if (err)
		signal_timer_end(signal_timer_get(t));
	return err;
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
	const err_t err = signal_timer_begin(t);
	return err ? err : add_or_end(all, t, id);
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
	const u32 overrun = t ? signal_timer_go_on(t) : 0;
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
