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

// A CPU clock of a process or thread by number: ~number << 3 | kind, as clock_getcpuclockid(3) makes it. The fourth
// kind are clocks of descriptors, which there are none of.
#define CPU_CLOCK_PER_THREAD 4
#define CPU_CLOCK_KIND 3

bool clock_is_cpu(s32 clock)
{
	return clock == CLOCK_PROCESS_CPUTIME || clock == CLOCK_THREAD_CPUTIME ||
		(clock < 0 && (clock & CPU_CLOCK_KIND) <= CPU_CLOCK_SCHED);
}

u32 cpu_clock_kind_of(s32 clock)
{
	return clock < 0 ? clock & CPU_CLOCK_KIND : CPU_CLOCK_SCHED;
}

static err_t find_own(bool is_thread, struct process **process borrowed, struct thread **thread borrowed)
{
	*process = process_get(process_current());
	*thread = is_thread ? thread_get(thread_current()) : NULL;
	return OK;
}

err_t cpu_clock_find(s32 clock, struct process **process borrowed, struct thread **thread borrowed)
{
	const s32 number = ~(clock >> 3);
	if (!clock_is_cpu(clock))
		return -EINVAL;
	if (clock >= 0)
		return find_own(clock == CLOCK_THREAD_CPUTIME, process, thread);
	if (!number)
		return find_own(clock & CPU_CLOCK_PER_THREAD, process, thread);
	struct pid *pid object_auto(pid) = pid_find(thread_pid_namespace(), (u32)number);
	struct thread *t object_auto(thread) = pid ? pid_thread(pid) : NULL;
	if (clock & CPU_CLOCK_PER_THREAD) {
		if (!t || t->process != process_current())
			return -EINVAL;
		*process = process_get(t->process);
		*thread = take(t);
		return OK;
	}
	// A thread may call its process's clock by its own number.
	if (t && t == thread_current())
		return find_own(false, process, thread);
	*process = pid ? pid_process(pid) : NULL;
	return *process ? OK : -EINVAL;
}

static u64 count(u64 user_ns, u64 system_ns, u32 kind)
{
	return kind == CPU_CLOCK_VIRTUAL ? user_ns : user_ns + system_ns;
}

u64 cpu_clock_used(struct process *p, struct thread *t, u32 kind)
{
	if (t && t == thread_current_or_null() && kind != CPU_CLOCK_VIRTUAL)
		return clock_thread_cpu_ns();
	if (t) {
		const struct task_times one = task_read_times(&t->base);
		return count(one.user_ns, one.system_ns, kind);
	}
	const struct process_times all = process_times_read(p);
	return count(all.user_ns, all.system_ns, kind);
}

static err_t read_cpu_clock(s32 clock, u64 *ns borrowed)
{
	struct process *p object_auto(process) = NULL;
	struct thread *t object_auto(thread) = NULL;
	const err_t err = cpu_clock_find(clock, &p, &t);
	if (!err)
		*ns = cpu_clock_used(p, t, cpu_clock_kind_of(clock));
	return err;
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
