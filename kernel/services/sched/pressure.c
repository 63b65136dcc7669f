// SPDX-License-Identifier: MPL-2.0
// What tasks wait for, counted on each CPU for each group above a task.
//
// Theory: a task is runnable, on a processor, asleep until the disk answers, or stalled for want of memory; the policy
// says so at each change. From the counts of such tasks follows for each resource whether somebody could not go on
// ("some") and whether nobody of the group could ("full"); the time for which that holds is summed. A sleeping task is
// counted where it fell asleep, so a wake-up elsewhere reaches over to another CPU's counts: these have a lock of
// their own, taken with interrupts off always. One that goes to sleep is counted out together with its successor's
// arrival: the groups above both see one change, and none at all when both stay runnable.
#include <core/cpu.h>
#include <core/time.h>
#include <services/sched/policy.h>
#include <services/sched/pressure_internal.h>

static void pressure_cpu_release(struct pressure_cpu *c)
{
}
DEFINE_OBJECT(pressure_cpu, pressure_cpu_release)

err_t pressure_init(struct pressure *p borrowed)
{
	for (u32 cpu = 0; cpu < cpu_count(); cpu++) {
		struct pressure_cpu *c object_auto(pressure_cpu) = pressure_cpu_alloc();

		if (!c)
			return -ENOMEM; // what was made is pressure_fini()'s
		spin_init(&c->lock, RANK_TASK);
		*array_ptr(p->cpu, cpu) = take(c);
	}
	return OK;
}

void pressure_fini(struct pressure *p borrowed)
{
	for (u32 cpu = 0; cpu < CPU_COUNT_MAX; cpu++) {
		struct pressure_cpu *c object_auto(pressure_cpu) = take(*array_ptr(p->cpu, cpu));
	}
}

// --- on one CPU ------------------------------------------------------------------------------

static u32 pressure_states_of(const struct pressure_cpu *c borrowed) REQUIRES(c->lock)
{
	u32 runnable = c->count[0], on_cpu = c->count[1], io = c->count[2], memory = c->count[3], states = 0;

	if (runnable > on_cpu)
		states |= 1u << (PRESSURE_CPU * PRESSURE_KINDS + PRESSURE_SOME);
	if (runnable && !on_cpu)
		states |= 1u << (PRESSURE_CPU * PRESSURE_KINDS + PRESSURE_FULL);
	if (!io && !memory)
		return states | (runnable ? 1u << PRESSURE_NONIDLE : 0);
	if (io)
		states |= 1u << (PRESSURE_IO * PRESSURE_KINDS + PRESSURE_SOME);
	if (io && !runnable)
		states |= 1u << (PRESSURE_IO * PRESSURE_KINDS + PRESSURE_FULL);
	if (memory)
		states |= 1u << (PRESSURE_MEMORY * PRESSURE_KINDS + PRESSURE_SOME);
	// Whoever is runnable stalls, or the one that has the processor uses it to look for memory.
	if (memory && (runnable == c->count[4] || c->count[5]))
		states |= 1u << (PRESSURE_MEMORY * PRESSURE_KINDS + PRESSURE_FULL);
	return states | 1u << PRESSURE_NONIDLE;
}

static void pressure_cpu_pass(struct pressure_cpu *c, u64 now) REQUIRES(c->lock)
{
	if (now <= c->since_ns)
		return;
	u64 passed = now - c->since_ns;

	for (u64 left = c->states; left; left &= left - 1)
		*array_ptr(c->time_ns, __builtin_ctzl(left)) += passed;
	c->since_ns = now;
}

// Interrupts are off.
static void pressure_cpu_change(struct pressure_cpu *c, u32 clear, u32 set, u32 is_off, u64 now)
{
	spin_guard(&c->lock);
	pressure_cpu_pass(c, now);
	for (u64 left = set; left; left &= left - 1)
		(*array_ptr(c->count, __builtin_ctzl(left)))++;
	for (u64 left = clear; left; left &= left - 1) {
		u32 *count = array_ptr(c->count, __builtin_ctzl(left));

		*count -= *count != 0;
	}
	c->states = is_off ? 0 : pressure_states_of(c);
}

struct pressure_times pressure_cpu_read(struct pressure_cpu *c)
{
	struct pressure_times t = {};

	irq_guard(&c->lock);
	pressure_cpu_pass(c, clock_monotonic_ns());
	for (u32 i = 0; i < PRESSURE_STATES; i++)
		*array_ptr(t.ns, i) = *array_ptr(c->time_ns, i);
	return t;
}

void pressure_cpu_settle(struct pressure_cpu *c, u32 is_off)
{
	irq_guard(&c->lock);
	pressure_cpu_pass(c, clock_monotonic_ns());
	c->states = is_off ? 0 : pressure_states_of(c);
}

// --- tasks -----------------------------------------------------------------------------------

// The lowest group that both are in.
static struct sched_group *group_above_both(struct sched_group *a, struct sched_group *b)
{
	while (a && b && a != b) {
		if (a->depth >= b->depth)
			a = a->parent;
		else
			b = b->parent;
	}
	return a;
}

// In the groups from `from` up to, not including, `end` (NULL: all).
static void pressure_change(
	struct sched_group *from, struct sched_group *end, u32 cpu, u32 clear, u32 set, u64 now)
{
	for (struct sched_group *g = from; g && g != end; g = g->parent) {
		struct pressure_cpu *c = *array_ptr(g->pressure.cpu, cpu);

		if (c)
			pressure_cpu_change(c, clear, set, atomic_u32_load_relaxed(&g->pressure.is_off), now);
	}
}

static struct sched_group *group_of(struct task *t)
{
	return t->sched.group ? t->sched.group : sched_group_root();
}

static u32 with_memory(u32 flags, u32 stalls)
{
	if (!stalls)
		return flags;
	if (flags & PRESSURE_TASK_RUNNABLE)
		flags |= PRESSURE_TASK_MEMORY_RUNNABLE;
	if (flags & PRESSURE_TASK_ON_CPU)
		flags |= PRESSURE_TASK_MEMORY_ON_CPU;
	return flags | PRESSURE_TASK_MEMORY;
}

u32 pressure_flags_of(const struct task *t borrowed, u32 is_runnable)
{
	u32 flags = is_runnable || t->sched.cpu_waits ? PRESSURE_TASK_RUNNABLE : t->sched.io_waits ? PRESSURE_TASK_IO : 0;

	return with_memory(flags, t->sched.memory_stalls);
}

void pressure_count(struct task *t, u32 cpu, u32 flags, u64 now)
{
	u32 old = t->sched.pressure;

	if (old && cpu != t->sched.pressure_cpu) {
		pressure_change(group_of(t), NULL, t->sched.pressure_cpu, old, 0, now);
		old = 0;
	}
	if (old != flags)
		pressure_change(group_of(t), NULL, cpu, old & ~flags, flags & ~old, now);
	t->sched.pressure = flags;
	t->sched.pressure_cpu = cpu;
}

// Both are counted on this CPU and nowhere else, and neither change has a flag that the other has too.
static void pressure_follow(struct task *from, u32 from_flags, struct task *to, u32 to_flags, u32 cpu, u64 now)
{
	u32 from_old = from->sched.pressure, to_old = to->sched.pressure;
	u32 from_clear = from_old & ~from_flags, from_set = from_flags & ~from_old;
	u32 to_clear = to_old & ~to_flags, to_set = to_flags & ~to_old;
	u32 clear = from_clear | to_clear, set = from_set | to_set;
	struct sched_group *both = group_of(from), *to_group = group_of(to);

	if (both != to_group) {
		struct sched_group *from_group = both;

		both = group_above_both(both, to_group);
		pressure_change(from_group, both, cpu, from_clear, from_set, now);
		pressure_change(to_group, both, cpu, to_clear, to_set, now);
	}
	if (clear != set)
		pressure_change(both, NULL, cpu, clear & ~set, set & ~clear, now);
}

void pressure_switch_tasks(struct task *from, u32 is_leaving, struct task *to, u32 cpu, u64 now)
{
	const u32 on_cpu = PRESSURE_TASK_ON_CPU | PRESSURE_TASK_MEMORY_ON_CPU;
	u32 to_flags = to ? with_memory(PRESSURE_TASK_RUNNABLE | PRESSURE_TASK_ON_CPU, to->sched.memory_stalls) : 0;
	u32 from_flags = !from ? 0 : is_leaving ? pressure_flags_of(from, 0) : from->sched.pressure & ~on_cpu;

	if (from == to) {
		if (to)
			pressure_count(to, cpu, to_flags, now);
		return;
	}
	if (from && to && from->sched.pressure_cpu == cpu && to->sched.pressure_cpu == cpu &&
	    to->sched.pressure == PRESSURE_TASK_RUNNABLE && !to->sched.memory_stalls && !from->sched.memory_stalls) {
		pressure_follow(from, from_flags, to, to_flags, cpu, now);
		from->sched.pressure = from_flags;
		to->sched.pressure = to_flags;
		return;
	}
	if (from)
		pressure_count(from, cpu, from_flags, now);
	if (to)
		pressure_count(to, cpu, to_flags, now);
}

void pressure_change_group(struct task *t, struct sched_group *g)
{
	u32 flags = t->sched.pressure;
	u64 now = clock_monotonic_ns();

	pressure_count(t, t->sched.pressure_cpu, 0, now);
	t->sched.group = g;
	pressure_count(t, t->sched.pressure_cpu, flags, now);
}

static void change_stall(struct task *t, u64 delta, u64 unused)
{
	t->sched.memory_stalls += (u32)delta;
	u32 flags = t->sched.pressure & (PRESSURE_TASK_RUNNABLE | PRESSURE_TASK_ON_CPU);

	pressure_count(t, t->sched.pressure_cpu, with_memory(flags, t->sched.memory_stalls), clock_monotonic_ns());
}

void pressure_memory_stall(s32 delta)
{
	sched_task_change(task_current(), change_stall, (u64)(s64)delta, 0);
}
