// SPDX-License-Identifier: MPL-2.0
// What tasks wait for, counted on each CPU for each group above a task.
//
// Theory: a task is runnable, on a processor, asleep until the disk answers, or stalled for want of memory; the policy
// says so at each change. From the counts of such tasks follows for each resource whether somebody could not go on
// ("some") and whether nobody of the group could ("full"); the time for which that holds is summed. A sleeping task is
// counted where it fell asleep, so a wake-up elsewhere reaches over to another CPU's counts: these have a lock of
// their own. The groups above both of two tasks that follow each other on a processor see no change.
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

	if (io)
		states |= 1u << (PRESSURE_IO * PRESSURE_KINDS + PRESSURE_SOME);
	if (io && !runnable)
		states |= 1u << (PRESSURE_IO * PRESSURE_KINDS + PRESSURE_FULL);
	if (memory)
		states |= 1u << (PRESSURE_MEMORY * PRESSURE_KINDS + PRESSURE_SOME);
	// Whoever is runnable stalls, or the one that has the processor uses it to look for memory.
	if (memory && (runnable == c->count[4] || c->count[5]))
		states |= 1u << (PRESSURE_MEMORY * PRESSURE_KINDS + PRESSURE_FULL);
	if (runnable > on_cpu)
		states |= 1u << (PRESSURE_CPU * PRESSURE_KINDS + PRESSURE_SOME);
	if (runnable && !on_cpu)
		states |= 1u << (PRESSURE_CPU * PRESSURE_KINDS + PRESSURE_FULL);
	return states | (runnable || io || memory ? 1u << PRESSURE_NONIDLE : 0);
}

static void pressure_cpu_pass(struct pressure_cpu *c, u64 now) REQUIRES(c->lock)
{
	u64 passed = now > c->since_ns ? now - c->since_ns : 0;

	for (u32 i = 0; passed && c->states >> i; i++)
		if (c->states >> i & 1)
			*array_ptr(c->time_ns, i) += passed;
	c->since_ns += passed;
}

static void pressure_cpu_change(struct pressure_cpu *c, u32 clear, u32 set, u32 is_off, u64 now)
{
	irq_guard(&c->lock);
	pressure_cpu_pass(c, now);
	for (u32 i = 0; (clear | set) >> i; i++) {
		u32 *count = array_ptr(c->count, i);

		*count += set >> i & 1;
		*count -= clear >> i & 1 && *count;
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
	pressure_cpu_change(c, 0, 0, is_off, clock_monotonic_ns());
}

// --- tasks -----------------------------------------------------------------------------------

static bool group_is_within(const struct sched_group *g borrowed, const struct sched_group *above borrowed)
{
	while (g && g != above)
		g = g->parent;
	return g != NULL;
}

// In the groups from `from` up to, not including, those that `end` is in (NULL: all).
static void pressure_change(struct sched_group *from, const struct sched_group *end, u32 cpu, u32 clear, u32 set)
{
	u64 now = clock_monotonic_ns();

	for (struct sched_group *g = from; g && !(end && group_is_within(end, g)); g = g->parent) {
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

void pressure_count(struct task *t, u32 cpu, u32 flags)
{
	u32 old = t->sched.pressure;

	if (old && cpu != t->sched.pressure_cpu) {
		pressure_change(group_of(t), NULL, t->sched.pressure_cpu, old, 0);
		old = 0;
	}
	if (old != flags)
		pressure_change(group_of(t), NULL, cpu, old & ~flags, flags & ~old);
	t->sched.pressure = flags;
	t->sched.pressure_cpu = cpu;
}

void pressure_switch_tasks(struct task *from, struct task *to, u32 cpu)
{
	u32 stalls = to->sched.memory_stalls, flags = with_memory(PRESSURE_TASK_RUNNABLE | PRESSURE_TASK_ON_CPU, stalls);

	if (from == to || !from || !(from->sched.pressure & PRESSURE_TASK_ON_CPU) || from->sched.memory_stalls || stalls) {
		if (from && from != to && from->sched.pressure & PRESSURE_TASK_ON_CPU)
			pressure_count(from, cpu, from->sched.pressure &
				~(u32)(PRESSURE_TASK_ON_CPU | PRESSURE_TASK_MEMORY_ON_CPU));
		pressure_count(to, cpu, flags);
		return;
	}
	pressure_change(group_of(from), group_of(to), cpu, PRESSURE_TASK_ON_CPU, 0);
	pressure_change(group_of(to), group_of(from), cpu, 0, PRESSURE_TASK_ON_CPU);
	from->sched.pressure &= ~(u32)PRESSURE_TASK_ON_CPU;
	to->sched.pressure |= PRESSURE_TASK_ON_CPU;
}

void pressure_change_group(struct task *t, struct sched_group *g)
{
	u32 flags = t->sched.pressure;

	pressure_count(t, t->sched.pressure_cpu, 0);
	t->sched.group = g;
	pressure_count(t, t->sched.pressure_cpu, flags);
}

static void change_stall(struct task *t, u64 delta, u64 unused)
{
	t->sched.memory_stalls += (u32)delta;
	u32 flags = t->sched.pressure & (PRESSURE_TASK_RUNNABLE | PRESSURE_TASK_ON_CPU);

	pressure_count(t, t->sched.pressure_cpu, with_memory(flags, t->sched.memory_stalls));
}

void pressure_memory_stall(s32 delta)
{
	sched_task_change(task_current(), change_stall, (u64)(s64)delta, 0);
}
