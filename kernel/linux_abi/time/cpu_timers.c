// SPDX-License-Identifier: MPL-2.0
// source: getitimer(2), getrlimit(2), timer_create(2)
#include <linux_abi/time/clocks.h>
#include <linux_abi/time/cpu_timers.h>

#define CHECK_MIN_NS NS_PER_MS
#define EXPIRING_AT_ONCE 64u	// alarms of a clock, in one look

enum cpu_alarm_clock { CPU_ALARM_ALL, CPU_ALARM_USER, CPU_ALARM_CLOCKS };

struct cpu_timer {
	u64 deadline_ns;	// of CPU time; 0: not armed
	u64 interval_ns;
};
struct cpu_watch {
	struct timer base;
	struct process *process;	// reference; immutable
	struct spinlock lock;
	struct cpu_timer timer[CPU_TIMER_COUNT] GUARDED_BY(lock);
	u64 limit_told_seconds GUARDED_BY(lock);	// SIGXCPU was sent up to here
	// No references: they leave at their end. Those on the clocks of the whole process may be of other processes:
	// they lie by their deadlines, so that this one pays for what expires, not for what is set.
	struct cpu_alarm_list thread_alarms GUARDED_BY(lock);
	struct cpu_alarm_tree alarms[CPU_ALARM_CLOCKS] GUARDED_BY(lock);
};
static void cpu_watch_release(struct cpu_watch *w) exclusive_access
{
	if (w->process)
		process_put(take(w->process));
}
DEFINE_DERIVED_SHARED(cpu_watch, timer, cpu_watch_release)

// Every thread looks: whichever comes to user mode first finds out.
static void cpu_watch_fire(struct timer *base)
{
	struct process *p = cpu_watch_from_timer(base)->process;
	irq_guard(&p->signal_lock);
	list_for_each(thread_list, t, &p->threads)
		task_post_work(&t->base, TASK_WORK_SERVICE);
}

struct cpu_watch *cpu_watch_create(struct process *p)
{
	struct cpu_watch *w object_auto(cpu_watch) = cpu_watch_alloc();
	if (!w)
		return NULL;
	spin_init(&w->lock, RANK_SERVICE_LEAF);
	w->base.fire = cpu_watch_fire;
	w->process = process_get(p);
	return take(w);
}

void cpu_watch_end(struct cpu_watch *w consumes)
{
	struct cpu_watch *last object_auto(cpu_watch) = w;
	(void)timer_cancel_sync(&last->base);
}

struct process *cpu_watch_process(struct cpu_watch *w)
{
	return w->process;
}

static enum cpu_alarm_clock clock_of(const struct cpu_alarm *a)
{
	return a->kind == CPU_CLOCK_VIRTUAL ? CPU_ALARM_USER : CPU_ALARM_ALL;
}

// To where its deadline belongs; one that is not armed lies nowhere.
static void place(struct cpu_watch *w, struct cpu_alarm *a) REQUIRES(w->lock)
{
	struct cpu_alarm_tree *tree = array_ptr(w->alarms, clock_of(a));
	const u64 deadline_ns = atomic_u64_load(&a->deadline_ns);
	if (cpu_alarm_tree_is_linked(a))
		cpu_alarm_tree_remove(tree, a);
	if (deadline_ns && a->is_joined)
		cpu_alarm_tree_insert(tree, a, deadline_ns);
}

void cpu_watch_join(struct cpu_watch *w, struct cpu_alarm *a)
{
	spin_guard(&w->lock);
	a->is_joined = 1;
	if (a->thread)
		cpu_alarm_list_append(&w->thread_alarms, a);
}

void cpu_watch_leave(struct cpu_watch *w, struct cpu_alarm *a)
{
	spin_guard(&w->lock);
	a->is_joined = 0;
	if (!a->thread)
		place(w, a);
	else if (cpu_alarm_list_has(&w->thread_alarms, a))
		cpu_alarm_list_remove(&w->thread_alarms, a);
}

void cpu_watch_place(struct cpu_watch *w, struct cpu_alarm *a)
{
	spin_guard(&w->lock);
	if (!a->thread)
		place(w, a);
}

static u64 counted(const struct process_times *times borrowed, u32 kind)
{
	return kind == CPU_TIMER_VIRTUAL ? times->user_ns : times->user_ns + times->system_ns;
}

// Has it expired? Moves it on, and reports what is left of it in *wait_ns.
static bool advance(struct cpu_timer *t borrowed, u64 used_ns, u64 *wait_ns borrowed)
{
	bool expired = t->deadline_ns && used_ns >= t->deadline_ns;
	if (expired)
		t->deadline_ns = t->interval_ns ? used_ns + t->interval_ns : 0;
	if (t->deadline_ns)
		*wait_ns = min(*wait_ns, t->deadline_ns - used_ns);
	return expired;
}

struct expired {
	bool timer[CPU_TIMER_COUNT], soft, hard;
	u64 wait_ns;
};

// How long it takes at least until one expires, by the clock that all `threads` advance together.
static void look_at_thread_alarms(struct cpu_watch *w, u32 threads, u64 *wait_ns borrowed) REQUIRES(w->lock)
{
	list_for_each(cpu_alarm_list, a, &w->thread_alarms) {
		u64 deadline_ns = atomic_u64_load(&a->deadline_ns);
		if (!deadline_ns)
			continue;
		const u64 used = cpu_clock_used(w->process, a->thread, a->kind);
		if (used >= deadline_ns) {
			a->expire(a, used);
			deadline_ns = atomic_u64_load(&a->deadline_ns);
		}
		const u64 left_ns = deadline_ns > used ? deadline_ns - used : 0;
		if (deadline_ns)
			*wait_ns = min(*wait_ns, min(left_ns, (u64)S64_MAX / threads) * threads);
	}
}

static void look_at_alarms(struct cpu_watch *w, enum cpu_alarm_clock clock, u64 used, u64 *wait_ns borrowed)
	REQUIRES(w->lock)
{
	struct cpu_alarm_tree *tree = array_ptr(w->alarms, clock);
	for (u32 n = 0; n < EXPIRING_AT_ONCE; n++) {
		struct cpu_alarm *a = cpu_alarm_tree_first(tree);
		if (!a || cpu_alarm_tree_key(a) > used)
			break;
		// One that was set again a moment ago is placed by who did that; here it comes to its place, too.
		if (used >= atomic_u64_load(&a->deadline_ns) && atomic_u64_load(&a->deadline_ns))
			a->expire(a, used);
		place(w, a);
	}
	const struct cpu_alarm *next = cpu_alarm_tree_first(tree);
	const u64 at_ns = next ? cpu_alarm_tree_key(next) : U64_MAX;
	if (next)
		*wait_ns = min(*wait_ns, at_ns > used ? at_ns - used : 0);
}

static void look_at_limit(struct cpu_watch *w, u64 used, struct rlimit limit, struct expired *out borrowed)
	REQUIRES(w->lock)
{
	const u64 seconds = used / NS_PER_SECOND;
	if (limit.soft == RLIMIT_INFINITY)
		return;
	out->hard = seconds >= limit.hard;
	u64 next = max(limit.soft, w->limit_told_seconds);
	if (seconds >= next) {
		out->soft = true;
		w->limit_told_seconds = next = seconds + 1;
	}
	if (next < S64_MAX / NS_PER_SECOND)
		out->wait_ns = min(out->wait_ns, next * NS_PER_SECOND - used);
}

// All threads together use at most their number of seconds a second.
static void look(struct cpu_watch *w, const struct process_times *times borrowed, struct rlimit limit, u32 threads,
	struct expired *out borrowed)
{
	spin_guard(&w->lock);
	for (u32 i = 0; i < CPU_TIMER_COUNT; i++)
		out->timer[i] = advance(array_ptr(w->timer, i), counted(times, i), &out->wait_ns);
	look_at_thread_alarms(w, threads, &out->wait_ns);
	look_at_alarms(w, CPU_ALARM_ALL, times->user_ns + times->system_ns, &out->wait_ns);
	look_at_alarms(w, CPU_ALARM_USER, times->user_ns, &out->wait_ns);
	look_at_limit(w, times->user_ns + times->system_ns, limit, out);
	if (out->wait_ns != U64_MAX)
		timer_set(&w->base, clock_deadline_after(max(out->wait_ns / threads, CHECK_MIN_NS)));
}

static void send(struct process *p, u32 signal)
{
	struct signal_info info = signal_info_kernel(signal);
	err_t err = signal_send_process(p, &info);
	(void)err; // a standard signal is always kept
}

static struct cpu_watch *watch_if_needed(struct process *p) owned;
static struct cpu_watch *watch_if_needed(struct process *p)
{
	if (process_rlimit(p, RLIMIT_CPU) != RLIMIT_INFINITY)
		return process_cpu_watch_make(p);
	return process_cpu_watch(p);
}

void cpu_watch_check(struct process *p)
{
	struct cpu_watch *w object_auto(cpu_watch) = watch_if_needed(p);
	if (!w)
		return;
	struct process_times times = process_times_read(p);
	struct expired e = { .wait_ns = U64_MAX };
	look(w, &times, process_rlimit_both(p, RLIMIT_CPU), max(process_thread_count(p), 1u), &e);
	if (e.timer[CPU_TIMER_VIRTUAL])
		send(p, SIGVTALRM);
	if (e.timer[CPU_TIMER_PROFILE])
		send(p, SIGPROF);
	if (e.hard)
		send(p, SIGKILL);
	else if (e.soft)
		send(p, SIGXCPU);
}

static struct timer_setting setting_of(struct cpu_watch *w, enum cpu_timer_kind kind, u64 used_ns) REQUIRES(w->lock)
{
	struct cpu_timer *t = array_ptr(w->timer, kind);
	struct timer_setting s = { .interval_ns = t->interval_ns };
	if (t->deadline_ns)
		s.value_ns = t->deadline_ns > used_ns ? t->deadline_ns - used_ns : 1;
	return s;
}

static void install(struct cpu_watch *w, enum cpu_timer_kind kind, u64 used_ns, struct timer_setting setting,
	struct timer_setting *old borrowed)
{
	spin_guard(&w->lock);
	*old = setting_of(w, kind, used_ns);
	struct cpu_timer *t = array_ptr(w->timer, kind);
	t->deadline_ns = setting.value_ns ? used_ns + min(setting.value_ns, (u64)S64_MAX) : 0;
	t->interval_ns = setting.value_ns ? min(setting.interval_ns, (u64)S64_MAX) : 0;
}

err_t cpu_timer_set(
	struct process *p, enum cpu_timer_kind kind, struct timer_setting setting, struct timer_setting *old borrowed)
{
	struct cpu_watch *w object_auto(cpu_watch) = process_cpu_watch_make(p);
	if (!w)
		return -ENOMEM;
	struct process_times times = process_times_read(p);
	install(w, kind, counted(&times, kind), setting, old);
	cpu_watch_check(p);
	return OK;
}

err_t cpu_timer_read(struct process *p, enum cpu_timer_kind kind, struct timer_setting *out borrowed)
{
	struct cpu_watch *w object_auto(cpu_watch) = process_cpu_watch_make(p);
	if (!w)
		return -ENOMEM;
	struct process_times times = process_times_read(p);
	spin_guard(&w->lock);
	*out = setting_of(w, kind, counted(&times, kind));
	return OK;
}
