// SPDX-License-Identifier: MPL-2.0
// Alarms on CPU clocks: joining the watch of whose clock it is, and sleeping by one. source: clock_nanosleep(2)
#include <linux_abi/time/clocks.h>
#include <linux_abi/time/cpu_timers.h>

DEFINE_BASE(cpu_alarm)

u64 cpu_alarm_now(const struct cpu_alarm *a)
{
	return cpu_clock_used(cpu_watch_process(a->watch), a->thread, a->kind);
}

void cpu_alarm_check(struct cpu_alarm *a)
{
	cpu_watch_place(a->watch, a);
	cpu_watch_check(cpu_watch_process(a->watch));
}

err_t cpu_alarm_begin(struct cpu_alarm *a, s32 clock)
{
	struct process *p object_auto(process) = NULL;
	const err_t err = cpu_clock_find(clock, &p, &a->thread);
	if (err)
		return err;
	a->kind = cpu_clock_kind_of(clock);
	a->watch = process_cpu_watch_make(p);
	if (!a->watch)
		return -ENOMEM;
	cpu_watch_join(a->watch, a);
	return OK;
}

void cpu_alarm_end(struct cpu_alarm *a)
{
	if (a->watch)
		cpu_watch_leave(a->watch, a);
}

void cpu_alarm_drop(struct cpu_alarm *a borrowed)
{
	if (a->watch)
		cpu_watch_put(take(a->watch));
	if (a->thread)
		thread_put(take(a->thread));
}

// --- sleeping -----------------------------------------------------------------------------------------

struct sleep_alarm {
	struct cpu_alarm base;
	struct wait_queue event;
	struct atomic_u32 has_expired;
};
static void sleep_alarm_release(struct sleep_alarm *s) exclusive_access
{
	cpu_alarm_drop(&s->base);
}
DEFINE_DERIVED(sleep_alarm, cpu_alarm, sleep_alarm_release)

static void sleep_expires(struct cpu_alarm *a, u64 used_ns)
{
	struct sleep_alarm *s = sleep_alarm_from_cpu_alarm(a);
	atomic_u64_store(&a->deadline_ns, 0);
	atomic_u32_store(&s->has_expired, 1);
	wait_queue_wake_all(&s->event, ~0u);
}

err_t cpu_clock_sleep(s32 clock, u64 at_ns, u64 *left_ns borrowed)
{
	struct sleep_alarm *s object_auto(sleep_alarm) = sleep_alarm_alloc();
	if (!s)
		return -ENOMEM;
	wait_queue_init(&s->event);
	s->base.expire = sleep_expires;
	err_t err = cpu_alarm_begin(&s->base, clock);
	if (err)
		return err;
	atomic_u64_store(&s->base.deadline_ns, max(at_ns, 1ul));
	cpu_alarm_check(&s->base);
	err = wait_event(&s->event, WAIT_INTERRUPTIBLE, DEADLINE_NEVER, atomic_u32_load(&s->has_expired));
	cpu_alarm_end(&s->base);
	const u64 now = err ? cpu_alarm_now(&s->base) : at_ns;
	*left_ns = at_ns > now ? at_ns - now : 0;
	return err;
}
