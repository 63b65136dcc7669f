// SPDX-License-Identifier: MPL-2.0
#include <linux_abi/time/clocks.h>
#include <services/namespace/time_namespace.h>
#include <services/process/thread.h>

static struct time_namespace *own_namespace(void)
{
	return time_namespace_from(thread_namespaces()->slot[NAMESPACE_TIME]);
}

static u64 offset_of(s32 clock)
{
	struct time_namespace *n = own_namespace();
	if (clock == CLOCK_BOOTTIME || clock == CLOCK_BOOTTIME_ALARM)
		return (u64)atomic_s64_load(&n->boot_offset_ns);
	return (u64)atomic_s64_load(&n->monotonic_offset_ns);
}

// A CPU clock of a process or thread by number: ~number << 3 | kind, as clock_getcpuclockid(3) makes it.
#define CPU_CLOCK_PER_THREAD 4
#define CPU_CLOCK_SCHED 2

static err_t read_cpu_clock(s32 clock, u64 *ns borrowed)
{
	s32 number = ~(clock >> 3);
	if ((clock & 3) != CPU_CLOCK_SCHED || number < 0)
		return -EINVAL;
	if (!number)
		return clock_read(clock & CPU_CLOCK_PER_THREAD ? CLOCK_THREAD_CPUTIME : CLOCK_PROCESS_CPUTIME, ns);
	struct pid *pid object_auto(pid) = pid_find(thread_pid_namespace(), (u32)number);
	if (!pid)
		return -EINVAL;
	struct thread *t object_auto(thread) = pid_thread(pid);
	if (!t)
		return -EINVAL;
	if (clock & CPU_CLOCK_PER_THREAD) {
		struct task_times one = task_read_times(&t->base);
		*ns = one.user_ns + one.system_ns;
	} else {
		struct process_times all = process_times_read(t->process);
		*ns = all.user_ns + all.system_ns;
	}
	return OK;
}

static u64 own_accounted_ns(void)
{
	const struct task_times own = task_read_times(task_current());

	return own.user_ns + own.system_ns;
}

// The times of tasks are accounted now and then; the caller's own is known up to this moment.
static u64 process_cpu_ns(void)
{
	for (;;) {
		const u64 accounted = own_accounted_ns(), own = clock_thread_cpu_ns();
		const struct process_times all = process_times_read(process_current());

		if (own_accounted_ns() == accounted)
			return all.user_ns + all.system_ns - accounted + max(own, accounted);
	}
}

err_t clock_read(s32 clock, u64 *ns borrowed)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		*ns = clock_realtime_ns();
		return OK;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		*ns = clock_monotonic_ns() + offset_of(clock);
		return OK;
	case CLOCK_PROCESS_CPUTIME:
		*ns = process_cpu_ns();
		return OK;
	case CLOCK_THREAD_CPUTIME:
		*ns = clock_thread_cpu_ns();
		return OK;
	default:
		return clock < 0 ? read_cpu_clock(clock, ns) : -EINVAL;
	}
}

bool clock_is_timer(s32 clock)
{
	return clock == CLOCK_REALTIME || clock == CLOCK_MONOTONIC || clock == CLOCK_BOOTTIME || clock == CLOCK_TAI;
}

u64 clock_deadline(s32 clock, u64 at_ns)
{
	u64 clock_now = 0, now = clock_monotonic_ns();
	if (at_ns == DEADLINE_NEVER || clock_read(clock, &clock_now))
		return at_ns;
	return at_ns <= clock_now ? now : now + (at_ns - clock_now);
}

u64 clock_deadline_after(u64 ns)
{
	u64 now = clock_monotonic_ns();
	return ns >= S64_MAX - now ? DEADLINE_NEVER : now + ns;
}

static u64 combine(u64 seconds, u64 ns)
{
	return seconds >= S64_MAX / NS_PER_SECOND ? DEADLINE_NEVER : seconds * NS_PER_SECOND + ns;
}

err_t time_spec_read(user_addr_t from, u64 *ns borrowed)
{
	struct time_spec raw;
	err_t err = user_copy_in_object(&raw, from);
	if (err)
		return err;
	if (raw.seconds > S64_MAX || raw.nanoseconds >= NS_PER_SECOND)
		return -EINVAL;
	*ns = combine(raw.seconds, raw.nanoseconds);
	return OK;
}

struct time_spec time_spec_of(u64 ns)
{
	return (struct time_spec){ ns / NS_PER_SECOND, ns % NS_PER_SECOND };
}

err_t time_spec_write(user_addr_t to, u64 ns)
{
	struct time_spec raw = time_spec_of(ns);
	return user_copy_out_object(to, &raw);
}

err_t time_value_read(user_addr_t from, u64 *ns borrowed)
{
	struct time_value raw;
	err_t err = user_copy_in_object(&raw, from);
	if (err)
		return err;
	if (raw.seconds > S64_MAX || raw.microseconds >= 1000000)
		return -EINVAL;
	*ns = combine(raw.seconds, raw.microseconds * NS_PER_US);
	return OK;
}

err_t time_value_write(user_addr_t to, u64 ns)
{
	struct time_value raw = { ns / NS_PER_SECOND, ns % NS_PER_SECOND / NS_PER_US };
	return user_copy_out_object(to, &raw);
}
