// SPDX-License-Identifier: MPL-2.0
// Reading and setting clocks, sleeping. source: clock_gettime(2), clock_nanosleep(2), nanosleep(2), gettimeofday(2)
#include <generated/syscall_prototypes.h>
#include <linux_abi/time/clocks.h>
#include <linux_abi/time/cpu_timers.h>
#include <services/process/thread.h>

s64 sys_clock_gettime(s32 clockid, user_addr_t tp)
{
	u64 now = 0;
	err_t err = clock_read(clockid, &now);
	return err ? err : time_spec_write(tp, now);
}

#define COARSE_RESOLUTION_NS 1000000ul

s64 sys_clock_getres(s32 clockid, user_addr_t res)
{
	u64 now = 0;
	err_t err = clock_read(clockid, &now);
	if (err || user_is_null(res))
		return err;
	const bool is_coarse = clockid == CLOCK_REALTIME_COARSE || clockid == CLOCK_MONOTONIC_COARSE;
	return time_spec_write(res, is_coarse ? COARSE_RESOLUTION_NS : 1);
}

s64 clock_set_checked(u64 ns)
{
	if (!thread_capable_over_machine(CAP_SYS_TIME))
		return -EPERM;
	// Not before the time since boot: the boot would have been before 1970.
	if (ns == DEADLINE_NEVER || ns < clock_monotonic_ns())
		return -EINVAL;
	clock_set_realtime_ns(ns);
	clock_was_set();
	return 0;
}

s64 sys_clock_settime(s32 clockid, user_addr_t tp)
{
	u64 ns = 0;
	err_t err = OK;
	if (clockid < 0) {
		err = clock_read(clockid, &ns);
		return err ? err : -EPERM;	// CPU time is not for setting
	}
	if (clockid != CLOCK_REALTIME)
		return -EINVAL;
	err = time_spec_read(tp, &ns);
	return err ? err : clock_set_checked(ns);
}

s64 sys_gettimeofday(user_addr_t tv, user_addr_t tz)
{
	u64 zone = 0;	// minutes west of Greenwich, kind of summer time
	err_t err = OK;
	if (!user_is_null(tv))
		err = time_value_write(tv, clock_realtime_ns());
	if (!err && !user_is_null(tz))
		err = user_write_u64(tz, zone);
	return err;
}

s64 sys_settimeofday(user_addr_t tv, user_addr_t tz)
{
	u64 ns = 0, zone = 0;
	if (!user_is_null(tz)) {
		// Time zones are the C library's business; only "none" is accepted.
		err_t err = user_read_u64(tz, &zone);
		if (err)
			return err;
		if (zone)
			return -EINVAL;
	}
	if (user_is_null(tv))
		return 0;
	err_t err = time_value_read(tv, &ns);
	return err ? err : clock_set_checked(ns);
}

s64 sys_time(user_addr_t tloc)
{
	s64 now = (s64)(clock_realtime_ns() / NS_PER_SECOND);
	if (!user_is_null(tloc)) {
		err_t err = user_write_u64(tloc, (u64)now);
		if (err)
			return err;
	}
	return now;
}

// --- sleeping -----------------------------------------------------------------------------------

static err_t sleep_until(u64 deadline_ns)
{
	err_t err = task_sleep_until(deadline_ns, WAIT_INTERRUPTIBLE);
	return err == (err_t)-ETIMEDOUT ? OK : err;
}

static err_t write_remaining(user_addr_t rem, u64 deadline_ns)
{
	u64 now = clock_monotonic_ns();
	return user_is_null(rem) ? OK : time_spec_write(rem, deadline_ns > now ? deadline_ns - now : 0);
}

static ssize_r resume_sleep(struct restart_block *r borrowed)
{
	err_t err = sleep_until(r->deadline_ns);
	if (!err)
		return (ssize_r)0;
	err = write_remaining(r->address, r->deadline_ns);
	return (ssize_r)(err ? err : (err_t)-ERESTART_RESTARTBLOCK);
}

static s64 sleep_for(u64 ns, user_addr_t rem)
{
	u64 deadline = clock_deadline_after(ns);
	if (!sleep_until(deadline))
		return 0;
	err_t err = write_remaining(rem, deadline);
	if (err)
		return err;
	thread_current()->restart =
		(struct restart_block){ .resume = resume_sleep, .deadline_ns = deadline, .address = rem };
	return -ERESTART_RESTARTBLOCK;
}

s64 sys_nanosleep(user_addr_t req, user_addr_t rem)
{
	u64 ns = 0;
	err_t err = time_spec_read(req, &ns);
	return err ? err : sleep_for(ns, rem);
}

#define TIMER_ABSTIME 1

// --- by CPU time ------------------------------------------------------------------------------------

static ssize_r resume_cpu_sleep(struct restart_block *r borrowed)
{
	u64 left = 0;
	err_t err = cpu_clock_sleep((s32)r->argument[0], r->deadline_ns, &left);
	if (err != (err_t)-ERESTARTSYS)
		return (ssize_r)err;
	err = user_is_null(r->address) ? OK : time_spec_write(r->address, left);
	return (ssize_r)(err ? err : (err_t)-ERESTART_RESTARTBLOCK);
}

// A thread does not sleep by its own time.
static bool is_own_thread_clock(s32 clock)
{
	struct process *p object_auto(process) = NULL;
	struct thread *t object_auto(thread) = NULL;
	return !cpu_clock_find(clock, &p, &t) && t == thread_current();
}

static s64 sleep_by_cpu(s32 clock, s32 flags, u64 ns, u64 now, user_addr_t rem)
{
	if (clock == CLOCK_THREAD_CPUTIME)
		return -EOPNOTSUPP;
	if (is_own_thread_clock(clock))
		return -EINVAL;
	u64 left = 0;
	const u64 at = flags & TIMER_ABSTIME ? ns : now + min(ns, (u64)S64_MAX);
	err_t err = cpu_clock_sleep(clock, at, &left);
	if (err != (err_t)-ERESTARTSYS)
		return err;
	if (flags & TIMER_ABSTIME)
		return -ERESTARTNOHAND;
	err = user_is_null(rem) ? OK : time_spec_write(rem, left);
	if (err)
		return err;
	thread_current()->restart = (struct restart_block){
		.resume = resume_cpu_sleep, .deadline_ns = at, .address = rem, .argument = { (u64)clock, 0, 0, 0 } };
	return -ERESTART_RESTARTBLOCK;
}

s64 sys_clock_nanosleep(s32 clockid, s32 flags, user_addr_t request, user_addr_t remain)
{
	u64 ns = 0, now = 0;
	err_t err = clock_read(clockid, &now);
	if (err)
		return err;
	if (!clock_is_timer(clockid) && !clock_is_cpu(clockid))
		return -EOPNOTSUPP;
	err = time_spec_read(request, &ns);
	if (err)
		return err;
	if (clock_is_cpu(clockid))
		return sleep_by_cpu(clockid, flags, ns, now, remain);
	if (!(flags & TIMER_ABSTIME))
		return sleep_for(ns, remain);
	err = clock_sleep_until(clockid, ns);
	return err ? -ERESTARTNOHAND : 0;
}
