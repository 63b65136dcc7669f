// SPDX-License-Identifier: MPL-2.0
/* Clocks, sleeping, timers. */
#include "support.h"

#include <sys/timerfd.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/timex.h>

static int64_t raw_ns(clockid_t clock)
{
	struct timespec now;
	CHECK_OK(syscall(SYS_clock_gettime, clock, &now));
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

TEST(monotonic_never_goes_back)
{
	int64_t last = now_ns(CLOCK_MONOTONIC);
	for (int i = 0; i < 20000; i++) {
		int64_t now = now_ns(CLOCK_MONOTONIC);
		CHECK(now >= last);
		last = now;
	}
}

TEST(monotonic_agrees_between_processors)
{
	int64_t *shared = map_pages(1);
	(void)shared;
	int ends[2];
	CHECK_OK(pipe(ends));
	pid_t child = fork_checked();
	if (child == 0) {
		for (int i = 0; i < 200; i++) {
			int64_t now = now_ns(CLOCK_MONOTONIC);
			if (write(ends[1], &now, sizeof(now)) != sizeof(now))
				_exit(1);
		}
		_exit(0);
	}
	for (int i = 0; i < 200; i++) {
		int64_t theirs;
		CHECK_EQ(read(ends[0], &theirs, sizeof(theirs)), sizeof(theirs));
		CHECK(now_ns(CLOCK_MONOTONIC) >= theirs);
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(vdso_and_system_call_agree)
{
	static const clockid_t clocks[] = {CLOCK_REALTIME, CLOCK_MONOTONIC, CLOCK_BOOTTIME,
					   CLOCK_MONOTONIC_RAW};
	for (size_t i = 0; i < 4; i++) {
		int64_t before = raw_ns(clocks[i]), between = now_ns(clocks[i]);
		CHECK(before <= between && between <= raw_ns(clocks[i]));
	}
}

TEST(coarse_clocks_lag_little)
{
	int64_t fine = now_ns(CLOCK_MONOTONIC), coarse = now_ns(CLOCK_MONOTONIC_COARSE);
	CHECK(fine - coarse < 100000000 && coarse - fine < 100000000);
}

TEST(realtime_is_this_century)
{
	int64_t seconds = now_ns(CLOCK_REALTIME) / 1000000000;
	CHECK(seconds > 1700000000);
	struct timeval time_of_day;
	CHECK_OK(gettimeofday(&time_of_day, NULL));
	CHECK(time_of_day.tv_sec - seconds <= 1);
	CHECK(time(NULL) - seconds <= 1);
}

TEST(resolution)
{
	struct timespec resolution;
	CHECK_OK(clock_getres(CLOCK_MONOTONIC, &resolution));
	CHECK_EQ(resolution.tv_sec, 0);
	CHECK_EQ(resolution.tv_nsec, 1);
	CHECK_ERR(syscall(SYS_clock_getres, 99, &resolution), EINVAL);
	CHECK_ERR(syscall(SYS_clock_gettime, 99, &resolution), EINVAL);
}

TEST(realtime_can_be_set)
{
	struct timespec now, later;
	CHECK_OK(clock_gettime(CLOCK_REALTIME, &now));
	later = now;
	later.tv_sec += 10000;
	CHECK_OK(clock_settime(CLOCK_REALTIME, &later));
	CHECK(now_ns(CLOCK_REALTIME) / 1000000000 >= later.tv_sec);
	CHECK_OK(clock_settime(CLOCK_REALTIME, &now));
	CHECK_ERR(clock_settime(CLOCK_MONOTONIC, &now), EINVAL);
	become_nobody();
	CHECK_ERR(clock_settime(CLOCK_REALTIME, &now), EPERM);
}

TEST(cpu_clocks_count_work_not_sleep)
{
	int64_t start = now_ns(CLOCK_PROCESS_CPUTIME_ID);
	sleep_ms(100);
	CHECK(now_ns(CLOCK_PROCESS_CPUTIME_ID) - start < 80000000);
	start = now_ns(CLOCK_THREAD_CPUTIME_ID);
	int64_t wall = now_ns(CLOCK_MONOTONIC);
	while (now_ns(CLOCK_MONOTONIC) - wall < 100000000)
		continue;
	CHECK(now_ns(CLOCK_THREAD_CPUTIME_ID) - start > 10000000);
	struct tms times_now;
	CHECK(times(&times_now) != (clock_t)-1);
}

TEST(nanosleep_sleeps_long_enough)
{
	int64_t start = now_ns(CLOCK_MONOTONIC);
	CHECK_OK(nanosleep(&(struct timespec){0, 50000000}, NULL));
	CHECK(now_ns(CLOCK_MONOTONIC) - start >= 50000000);
	CHECK_ERR(nanosleep(&(struct timespec){0, 1000000000}, NULL), EINVAL);
	CHECK_ERR(nanosleep(&(struct timespec){-1, 0}, NULL), EINVAL);
}

TEST(absolute_sleep)
{
	struct timespec when;
	CHECK_OK(clock_gettime(CLOCK_MONOTONIC, &when));
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL), 0);
	when.tv_nsec += 50000000;
	if (when.tv_nsec >= 1000000000) {
		when.tv_nsec -= 1000000000;
		when.tv_sec++;
	}
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL), 0);
	CHECK(now_ns(CLOCK_MONOTONIC) >= (int64_t)when.tv_sec * 1000000000 + when.tv_nsec);
	CHECK_EQ(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &when, NULL) == -1 ? errno : 0,
		 EOPNOTSUPP);
}

TEST(interval_timer_repeats)
{
	struct itimerval time = {{0, 20000}, {0, 20000}}, left;
	handle_signal(SIGALRM, count_signal, SA_RESTART);
	CHECK_OK(setitimer(ITIMER_REAL, &time, NULL));
	WAIT_UNTIL(caught_count >= 3);
	CHECK_OK(getitimer(ITIMER_REAL, &left));
	CHECK_EQ(left.it_interval.tv_usec, 20000);
	time = (struct itimerval){0};
	CHECK_OK(setitimer(ITIMER_REAL, &time, &left));
	CHECK_EQ(left.it_interval.tv_usec, 20000);
	CHECK_ERR(syscall(SYS_setitimer, 9, &time, NULL), EINVAL);
}

TEST(virtual_timer_counts_cpu)
{
	struct itimerval time = {{0, 0}, {0, 30000}};
	handle_signal(SIGVTALRM, count_signal, 0);
	CHECK_OK(setitimer(ITIMER_VIRTUAL, &time, NULL));
	while (caught_count == 0)
		continue;
	CHECK_EQ(caught_number, SIGVTALRM);
}

TEST(alarm_replaces_alarm)
{
	CHECK_EQ(alarm(100), 0);
	unsigned left = alarm(0);
	CHECK(left == 100 || left == 99);
}

static timer_t timer_of(clockid_t clock, int number)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = number,
				 .sigev_value.sival_int = 77};
	timer_t timer;
	CHECK_OK(timer_create(clock, &event, &timer));
	return timer;
}

TEST(posix_timer_signals)
{
	sigset_t set;
	siginfo_t info;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	timer_t timer = timer_of(CLOCK_MONOTONIC, SIGRTMIN);
	struct itimerspec time = {.it_value = {0, 20000000}};
	CHECK_OK(timer_settime(timer, 0, &time, NULL));
	CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN);
	CHECK_EQ(info.si_code, SI_TIMER);
	CHECK_EQ(info.si_value.sival_int, 77);
	CHECK_OK(timer_delete(timer));
	CHECK_ERR(syscall(SYS_timer_delete, 12345), EINVAL);
}

TEST(posix_timer_overrun)
{
	sigset_t set;
	siginfo_t info;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	timer_t timer = timer_of(CLOCK_MONOTONIC, SIGRTMIN);
	struct itimerspec time = {.it_value = {0, 10000000}, .it_interval = {0, 10000000}};
	CHECK_OK(timer_settime(timer, 0, &time, NULL));
	sleep_ms(100);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN);
	CHECK(timer_getoverrun(timer) >= 5);
	CHECK_OK(timer_gettime(timer, &time));
	CHECK_EQ(time.it_interval.tv_nsec, 10000000);
	CHECK_OK(timer_delete(timer));
}

TEST(timers_are_not_inherited)
{
	timer_t timer = timer_of(CLOCK_MONOTONIC, SIGRTMIN);
	pid_t child = fork_checked();
	if (child == 0) {
		struct itimerspec time;
		_exit(timer_gettime(timer, &time) == -1 && errno == EINVAL ? 0 : 1);
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(sysinfo_and_uptime)
{
	char *end;
	double uptime = strtod(read_text("/proc/uptime"), &end);
	CHECK(*end == ' ');
	double boot_time = (double)now_ns(CLOCK_BOOTTIME) / 1e9;
	CHECK(boot_time - uptime < 2 && uptime - boot_time < 2);
}

TEST(adjtimex_reads)
{
	struct timex words = {0};
	CHECK(adjtimex(&words) >= 0);
	become_nobody();
	words.modes = ADJ_FREQUENCY;
	CHECK_ERR(adjtimex(&words), EPERM);
}

TEST(a_timer_file_tells_that_the_clock_was_set)
{
	struct itimerspec far = {.it_value.tv_sec = 0x7fffffff};
	struct timespec now;
	uint64_t count;
	int fd = CHECK_OK(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK));
	struct pollfd entry = {fd, POLLIN, 0};
	CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &far, NULL));
	CHECK_EQ(poll(&entry, 1, 0), 0);
	pid_t child = fork_checked();
	if (child == 0) {
		usleep(50000);
		clock_gettime(CLOCK_REALTIME, &now);
		_exit(clock_settime(CLOCK_REALTIME, &now) ? 1 : 0);
	}
	CHECK_EQ(poll(&entry, 1, 5000), 1);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_ERR(read(fd, &count, sizeof(count)), ECANCELED);
	CHECK_ERR(read(fd, &count, sizeof(count)), EAGAIN);
	CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &far, NULL));
	clock_gettime(CLOCK_REALTIME, &now);
	CHECK_OK(clock_settime(CLOCK_REALTIME, &now));
	CHECK_EQ(poll(&entry, 1, 0), 0);
	CHECK_ERR(timerfd_settime(fd, 4, &far, NULL), EINVAL);
}

TEST(cpu_time_of_a_process_is_at_least_that_of_its_thread)
{
	for (int round = 0; round < 100; round++) {
		int64_t until = now_ns(CLOCK_MONOTONIC) + 300000;
		while (now_ns(CLOCK_MONOTONIC) < until)
			(void)syscall(SYS_getppid);
		int64_t thread = now_ns(CLOCK_THREAD_CPUTIME_ID);
		CHECK(now_ns(CLOCK_PROCESS_CPUTIME_ID) >= thread);
	}
}

static long long realtime(void)
{
	struct timespec now;
	CHECK_OK(clock_gettime(CLOCK_REALTIME, &now));
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

TEST(adjtimex_steps)
{
	struct timex words = {.modes = ADJ_SETOFFSET, .time = {.tv_sec = 3600, .tv_usec = 500000}};
	long long before = realtime();
	int forward = adjtimex(&words);
	long long moved = realtime() - before;
	words = (struct timex){.modes = ADJ_SETOFFSET | ADJ_NANO, .time = {.tv_sec = -3601, .tv_usec = 500000000}};
	int back = adjtimex(&words);
	long long left = realtime() - before;
	CHECK(forward >= 0);
	CHECK(moved >= 3600500000000ll && moved < 3610000000000ll);
	CHECK(back >= 0);
	CHECK(left >= 0 && left < 10000000000ll);
	CHECK(words.status & STA_NANO);
	words = (struct timex){.modes = ADJ_MICRO};
	CHECK(adjtimex(&words) >= 0);
	CHECK_EQ(words.status & STA_NANO, 0);
	words = (struct timex){.modes = ADJ_SETOFFSET, .time = {.tv_usec = 1000000}};
	CHECK_ERR(adjtimex(&words), EINVAL);
	words = (struct timex){.modes = ADJ_SETOFFSET, .time = {.tv_usec = -1}};
	CHECK_ERR(adjtimex(&words), EINVAL);
}

TEST(adjtimex_keeps_what_is_said_of_the_clock)
{
	struct timex words = {.modes = ADJ_STATUS | ADJ_MAXERROR | ADJ_ESTERROR, .maxerror = 1000, .esterror = 300};
	CHECK_EQ(adjtimex(&words), TIME_OK);
	words = (struct timex){0};
	CHECK_EQ(adjtimex(&words), TIME_OK);
	CHECK_EQ(words.esterror, 300);
	CHECK(words.maxerror >= 1000 && words.maxerror < 10000);
	CHECK_EQ(words.status & STA_UNSYNC, 0);
	words = (struct timex){.modes = ADJ_STATUS, .status = STA_UNSYNC};
	CHECK_EQ(adjtimex(&words), TIME_ERROR);
	words = (struct timex){.modes = ADJ_OFFSET_SS_READ};
	CHECK_EQ(adjtimex(&words), TIME_ERROR);
	CHECK_EQ(words.offset, 0);
	CHECK_ERR(clock_adjtime(CLOCK_MONOTONIC, &words), EOPNOTSUPP);
	CHECK_ERR(clock_adjtime(77, &words), EINVAL);
}

TEST(adjtimex_is_for_who_may_set_the_clock)
{
	struct timex words = {.modes = ADJ_SETOFFSET};
	CHECK_OK(setresuid(NOBODY, NOBODY, NOBODY));
	CHECK_ERR(adjtimex(&words), EPERM);
	words = (struct timex){.modes = ADJ_STATUS};
	CHECK_ERR(adjtimex(&words), EPERM);
	words = (struct timex){.modes = ADJ_FREQUENCY};
	CHECK_ERR(adjtimex(&words), EPERM);
	words = (struct timex){.modes = ADJ_OFFSET_SS_READ};
	CHECK(adjtimex(&words) >= 0);
	words = (struct timex){0};
	CHECK(adjtimex(&words) >= 0);
}
