// SPDX-License-Identifier: MPL-2.0
// Sums and averages of pressure.
//
// Theory: the times of a CPU are weighed by how long it had anything to do at all, so that an idle processor does not
// make another one's troubles look small. Every two seconds a kernel thread brings each group's sums up to date and
// puts the share of these two seconds into three averages that forget by e in 10, 60 and 300 seconds. While somebody
// has a trigger the thread looks at it ten times a window.
#include <core/cpu.h>
#include <core/list.h>
#include <core/print.h>
#include <core/time.h>
#include <services/sched/pressure_internal.h>

#define PERIOD_NS (2 * NS_PER_SECOND)
// What is left of an average after a period: e to the minus 2/10, 2/60, 2/300, times PRESSURE_ONE.
static const u64 remains[PRESSURE_AVERAGES] = { 1677, 1981, 2034 };

DEFINE_LIST(pressure_group_list, sched_group, pressure_link)
struct spinlock pressure_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct pressure_group_list groups GUARDED_BY(pressure_lock);	// no references: a group leaves before it ends
static struct atomic_u32 is_hurried;
static struct wait_queue hurry_event = WAIT_QUEUE_INIT;

void pressure_list(struct sched_group *g)
{
	spin_guard(&pressure_lock);
	g->pressure.updated_ns = clock_monotonic_ns();
	g->pressure.next_ns = g->pressure.updated_ns + PERIOD_NS;
	pressure_group_list_append(&groups, g);
}

void pressure_unlist(struct sched_group *g)
{
	spin_guard(&pressure_lock);
	if (pressure_group_list_is_linked(g))
		pressure_group_list_remove(&groups, g);
}

// --- sums ------------------------------------------------------------------------------------

static u64 pressure_grown(struct pressure_cpu *c, u32 value, u64 now_ns) REQUIRES(pressure_lock)
{
	u64 *seen = array_ptr(c->seen_ns, value);
	u64 grown = now_ns - *seen;

	*seen = now_ns;
	return grown;
}

void pressure_collect(struct pressure *p borrowed)
{
	u64 sums[PRESSURE_VALUES] = {}, busy_all = 0;

	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		struct pressure_cpu *c = *array_ptr(p->cpu, cpu);

		if (!c)
			continue;
		struct pressure_times t = pressure_cpu_read(c);
		// At least one: what is less than a microsecond counts too.
		u64 busy_us = pressure_grown(c, PRESSURE_NONIDLE, t.ns[PRESSURE_NONIDLE]) / NS_PER_US + 1;

		busy_all += busy_us;
		for (u32 i = 0; i < PRESSURE_VALUES; i++)
			*array_ptr(sums, i) += pressure_grown(c, i, *array_ptr(t.ns, i)) * busy_us;
	}
	for (u32 i = 0; busy_all && i < PRESSURE_VALUES; i++)
		*array_ptr(p->total_ns, i) += *array_ptr(sums, i) / busy_all;
}

// --- averages --------------------------------------------------------------------------------

static void pressure_put_sample(u64 *average borrowed, u32 span, u64 sample)
{
	u64 f = *array_ptr(remains, span), before = *average;

	*average = (before * f + sample * (PRESSURE_ONE - f)) / PRESSURE_ONE;
	// So that a steady value is reached and not just approached.
	if (sample > before && (before * f + sample * (PRESSURE_ONE - f)) % PRESSURE_ONE)
		(*average)++;
}

static void pressure_average_value(struct pressure *p borrowed, u32 value, u64 missed, u64 period_ns)
{
	u64 total = *array_ptr(p->total_ns, value), *seen = array_ptr(p->averaged_ns, value);
	u64 grown = min(total - *seen, period_ns);

	*seen = total;
	for (u32 span = 0; span < PRESSURE_AVERAGES; span++) {
		u64 *average = array_ptr(p->average, value * PRESSURE_AVERAGES + span);

		for (u64 i = 0; i < min(missed, 1000ul) && *average; i++)
			pressure_put_sample(average, span, 0);
		pressure_put_sample(average, span, grown * 100 * PRESSURE_ONE / period_ns);
	}
}

static void pressure_update(struct pressure *p borrowed, u64 now) REQUIRES(pressure_lock)
{
	pressure_collect(p);
	if (now < p->next_ns)
		return;
	u64 missed = (now - p->next_ns) / PERIOD_NS, period = now - p->updated_ns - missed * PERIOD_NS;

	p->next_ns += (missed + 1) * PERIOD_NS;
	p->updated_ns = now;
	for (u32 i = 0; i < PRESSURE_VALUES; i++)
		pressure_average_value(p, i, missed, period);
}

struct pressure_report pressure_read(struct sched_group *g, enum pressure_resource resource, enum pressure_kind kind)
{
	u32 value = (u32)resource * PRESSURE_KINDS + (u32)kind;
	struct pressure_report r = {};

	spin_guard(&pressure_lock);
	pressure_update(&g->pressure, clock_monotonic_ns());
	for (u32 i = 0; i < PRESSURE_AVERAGES; i++)
		*array_ptr(r.average, i) = *array_ptr(g->pressure.average, value * PRESSURE_AVERAGES + i);
	r.total_ns = *array_ptr(g->pressure.total_ns, value);
	return r;
}

// --- the thread ------------------------------------------------------------------------------

// The group that has waited longest for its turn; false: there is none. *next: when somebody's trigger wants a look.
static bool pressure_turn(u64 *left borrowed, u64 *next borrowed)
{
	u64 now = clock_monotonic_ns();

	spin_guard(&pressure_lock);
	struct sched_group *g = pressure_group_list_pop(&groups);

	if (!g)
		return false;
	*left = min(*left, (u64)pressure_group_list_count(&groups) + 1);
	pressure_group_list_append(&groups, g);
	if (now < g->pressure.next_ns && pressure_trigger_list_is_empty(&g->pressure.triggers))
		return true;
	pressure_update(&g->pressure, now);
	list_for_each(pressure_trigger_list, t, &g->pressure.triggers) {
		u64 total = *array_ptr(g->pressure.total_ns, t->value), due = pressure_trigger_look(t, total, now);

		*next = min(*next, due);
	}
	return true;
}

static void pressure_thread(struct task *self)
{
	u64 period_end = clock_monotonic_ns() + PERIOD_NS;

	for (;;) {
		u64 left = U64_MAX, next = U64_MAX;

		atomic_u32_store(&is_hurried, 0);
		for (u64 turns = 0; turns < left && pressure_turn(&left, &next); turns++)
			continue;
		while (period_end <= clock_monotonic_ns())
			period_end += PERIOD_NS;
		err_t e = wait_event(
			&hurry_event, WAIT_UNINTERRUPTIBLE, min(next, period_end), atomic_u32_load(&is_hurried));

		(void)e; // it is time, or somebody has a new trigger
	}
}

void pressure_average_hurry(void)
{
	atomic_u32_store(&is_hurried, 1);
	wait_queue_wake_all(&hurry_event, ~0u);
}

err_t pressure_start(void)
{
	return kernel_thread_start(STR("pressure"), pressure_thread);
}

void pressure_switch(struct sched_group *g, u32 is_off)
{
	if (atomic_u32_exchange(&g->pressure.is_off, is_off) == is_off)
		return;
	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		struct pressure_cpu *c = *array_ptr(g->pressure.cpu, cpu);

		if (c)
			pressure_cpu_settle(c, is_off);
	}
}
