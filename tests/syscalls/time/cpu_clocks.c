// SPDX-License-Identifier: MPL-2.0
/* Timers and sleeps by CPU time; timers that share a signal; deadlines of the real-time clock when it is set. */
#include "support.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

enum { MS = 1000000, SHARED_SIGNAL = 40 };

static clockid_t process_clock(pid_t pid, int kind)
{
	return (clockid_t)((~(unsigned)pid << 3) | (unsigned)kind);
}

static clockid_t thread_clock(pid_t tid, int kind)
{
	return process_clock(tid, kind | 4);
}

static long long now_of(clockid_t clock)
{
	struct timespec t;
	CHECK_OK(clock_gettime(clock, &t));
	return t.tv_sec * 1000000000ll + t.tv_nsec;
}

static void burn(long ns)
{
	long long end = now_of(CLOCK_THREAD_CPUTIME_ID) + ns;
	while (now_of(CLOCK_THREAD_CPUTIME_ID) < end)
		;
}

static int new_timer(clockid_t clock, int signal, int value)
{
	int id = -1;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = signal, .sigev_value.sival_int = value};
	CHECK_OK(syscall(SYS_timer_create, clock, &event, &id));
	return id;
}

static struct timespec spec(long long ns)
{
	return (struct timespec){ns / 1000000000, ns % 1000000000};
}

static void set_timer(int id, int flags, long long value, long long interval)
{
	struct itimerspec wanted = {.it_value = spec(value), .it_interval = spec(interval)};
	CHECK_OK(syscall(SYS_timer_settime, id, flags, &wanted, NULL));
}

static long long left_of(int id)
{
	struct itimerspec s;
	CHECK_OK(syscall(SYS_timer_gettime, id, &s));
	return s.it_value.tv_sec * 1000000000ll + s.it_value.tv_nsec;
}

static siginfo_t last;
static volatile sig_atomic_t taken;
static int values[16];

static void note(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	last = *info;
	if (taken < 16)
		values[taken] = info->si_value.sival_int;
	taken++;
}

static void listen_to(int number)
{
	struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO};
	CHECK_OK(sigaction(number, &action, NULL));
}

/* --- CPU time ------------------------------------------------------------------------------------- */

TEST(timer_counts_the_time_of_its_process)
{
	listen_to(SIGUSR1);
	int id = new_timer(CLOCK_PROCESS_CPUTIME_ID, SIGUSR1, 7);
	set_timer(id, 0, 30 * MS, 0);
	long long left = left_of(id);
	CHECK(left > 0 && left <= 30 * MS);
	usleep(60000);
	CHECK_EQ(taken, 0);
	burn(10 * MS);
	CHECK_EQ(taken, 0);
	burn(60 * MS);
	CHECK_EQ(taken, 1);
	CHECK_EQ(last.si_code, SI_TIMER);
	CHECK_EQ(last.si_value.sival_int, 7);
	CHECK_EQ(last.si_timerid, id);
	CHECK_EQ(left_of(id), 0);
	CHECK_OK(syscall(SYS_timer_delete, id));
}

TEST(repeated_timer_of_a_thread)
{
	listen_to(SIGUSR1);
	int id = new_timer(CLOCK_THREAD_CPUTIME_ID, SIGUSR1, 0);
	set_timer(id, 0, 20 * MS, 20 * MS);
	burn(210 * MS);
	int seen = taken + (int)syscall(SYS_timer_getoverrun, id);
	CHECK(taken >= 3);
	CHECK(seen <= 11);
	set_timer(id, 0, 0, 0);
	CHECK_EQ(left_of(id), 0);
	int before = taken;
	burn(50 * MS);
	CHECK_EQ(taken, before);
}

TEST(time_that_has_come_already)
{
	listen_to(SIGUSR1);
	int id = new_timer(CLOCK_PROCESS_CPUTIME_ID, SIGUSR1, 0);
	burn(5 * MS);
	set_timer(id, TIMER_ABSTIME, 1, 0);
	burn(20 * MS);
	CHECK_EQ(taken, 1);
	set_timer(id, TIMER_ABSTIME, now_of(CLOCK_PROCESS_CPUTIME_ID) + 20 * MS, 0);
	CHECK_EQ(taken, 1);
	burn(60 * MS);
	CHECK_EQ(taken, 2);
}

TEST(overruns_while_the_signal_waits)
{
	sigset_t set;
	listen_to(SIGUSR1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	int id = new_timer(CLOCK_THREAD_CPUTIME_ID, SIGUSR1, 0);
	set_timer(id, 0, 10 * MS, 10 * MS);
	burn(150 * MS);
	CHECK_EQ(taken, 0);
	CHECK_OK(sigprocmask(SIG_UNBLOCK, &set, NULL));
	CHECK_EQ(taken, 1);
	CHECK(last.si_overrun >= 5);
	CHECK(last.si_overrun <= now_of(CLOCK_THREAD_CPUTIME_ID) / (10 * MS));
}

static volatile int stop_burning;
static volatile pid_t burner;

static void *burn_on(void *unused)
{
	(void)unused;
	burner = (pid_t)syscall(SYS_gettid);
	while (!stop_burning)
		burn(MS);
	return NULL;
}

TEST(timer_on_the_clock_of_another_thread)
{
	pthread_t thread;
	listen_to(SIGUSR1);
	CHECK_EQ(pthread_create(&thread, NULL, burn_on, NULL), 0);
	while (!burner)
		usleep(1000);
	int id = new_timer(thread_clock(burner, 2), SIGUSR1, 0);
	set_timer(id, 0, 30 * MS, 0);
	for (int i = 0; i < 5000 && !taken; i++)
		usleep(1000);
	CHECK_EQ(taken, 1);
	stop_burning = 1;
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

TEST(timer_on_the_clock_of_another_process)
{
	listen_to(SIGUSR1);
	pid_t child = fork_checked();
	if (child == 0)
		for (;;)
			burn(MS);
	int id = new_timer(process_clock(child, 2), SIGUSR1, 0);
	set_timer(id, 0, 30 * MS, 0);
	for (int i = 0; i < 5000 && !taken; i++)
		usleep(1000);
	CHECK_EQ(taken, 1);
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
	CHECK_ERR(syscall(SYS_timer_create, process_clock(child, 2), NULL, &id), EINVAL);
}

TEST(sleep_by_the_time_of_another_process)
{
	pid_t child = fork_checked();
	if (child == 0)
		for (;;)
			burn(MS);
	struct timespec wanted = spec(40 * MS);
	long long before = now_of(process_clock(child, 2));
	CHECK_EQ(syscall(SYS_clock_nanosleep, process_clock(child, 2), 0, &wanted, NULL), 0);
	CHECK(now_of(process_clock(child, 2)) - before >= 40 * MS);
	wanted = spec(now_of(process_clock(child, 2)) + 20 * MS);
	CHECK_EQ(syscall(SYS_clock_nanosleep, process_clock(child, 2), TIMER_ABSTIME, &wanted, NULL), 0);
	CHECK(now_of(process_clock(child, 2)) >= wanted.tv_sec * 1000000000ll + wanted.tv_nsec);
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
}

TEST(sleep_by_the_own_process_ends_with_a_signal)
{
	struct timespec wanted = spec(5000000000ll), left = {0};
	struct itimerval soon = {.it_value = {0, 50000}};
	listen_to(SIGALRM);
	CHECK_OK(setitimer(ITIMER_REAL, &soon, NULL));
	CHECK_ERR(syscall(SYS_clock_nanosleep, CLOCK_PROCESS_CPUTIME_ID, 0, &wanted, &left), EINTR);
	CHECK_EQ(taken, 1);
	CHECK(left.tv_sec >= 4);
}

TEST(numbers_of_cpu_clocks)
{
	struct timespec t = {0, 1};
	int id;
	CHECK_ERR(syscall(SYS_clock_nanosleep, CLOCK_THREAD_CPUTIME_ID, 0, &t, NULL), EOPNOTSUPP);
	CHECK_ERR(syscall(SYS_clock_nanosleep, thread_clock(0, 2), 0, &t, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_clock_nanosleep, thread_clock(getpid(), 2), 0, &t, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_clock_nanosleep, process_clock(4000000, 2), 0, &t, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_timer_create, process_clock(getpid(), 3), NULL, &id), EOPNOTSUPP);
	CHECK_ERR(syscall(SYS_timer_create, thread_clock(getppid(), 2), NULL, &id), EINVAL);
	CHECK_ERR(clock_gettime(thread_clock(getppid(), 2), &t), EINVAL);
	CHECK_OK(clock_gettime(process_clock(getppid(), 2), &t));
	CHECK_OK(clock_gettime(process_clock(getpid(), 0), &t));
	CHECK_OK(clock_gettime(process_clock(getpid(), 1), &t));
	CHECK_ERR(clock_gettime(process_clock(getpid(), 3), &t), EINVAL);
	CHECK_ERR(clock_settime(process_clock(getpid(), 2), &t), EPERM);
	CHECK_ERR(clock_settime(process_clock(4000000, 2), &t), EINVAL);
	CHECK_ERR(clock_settime(CLOCK_PROCESS_CPUTIME_ID, &t), EINVAL);
	CHECK_ERR(syscall(SYS_timer_create, CLOCK_MONOTONIC_RAW, NULL, &id), EOPNOTSUPP);
	CHECK_ERR(syscall(SYS_timer_create, CLOCK_MONOTONIC_COARSE, NULL, &id), EOPNOTSUPP);
}

TEST(limit_of_cpu_time_warns_and_kills)
{
	pid_t child = fork_checked();
	if (child == 0) {
		struct rlimit limit = {1, 2};
		listen_to(SIGXCPU);
		if (setrlimit(RLIMIT_CPU, &limit))
			_exit(1);
		while (!taken)
			burn(MS);
		struct rusage used;
		getrusage(RUSAGE_SELF, &used);
		long us = used.ru_utime.tv_usec + used.ru_stime.tv_usec;
		if ((used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000 + us < 990000)
			_exit(2);
		for (;;)
			burn(MS);
	}
	CHECK_EQ(wait_signal(child), SIGKILL);
}

/* --- one signal, several timers ------------------------------------------------------------------- */

static void share(int number)
{
	sigset_t set;
	listen_to(number);
	sigemptyset(&set);
	sigaddset(&set, number);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	int first = new_timer(CLOCK_MONOTONIC, number, 1), second = new_timer(CLOCK_MONOTONIC, number, 2);
	set_timer(first, 0, MS, 0);
	usleep(30000);
	set_timer(second, 0, MS, 0);
	usleep(30000);
	CHECK_OK(sigprocmask(SIG_UNBLOCK, &set, NULL));
	CHECK_EQ(taken, 2);
	CHECK_EQ(values[0], 1);
	CHECK_EQ(values[1], 2);
}

/* Who wakes up beside a program and takes its processor does not make the program's time the kernel's. */
TEST(time_of_a_program_among_sleepers)
{
	cpu_set_t all, one;
	int cpu = 0, status;
	struct rusage used;
	CHECK_OK(sched_getaffinity(0, sizeof(all), &all));
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	CHECK_OK(sched_setaffinity(0, sizeof(one), &one));
	pid_t child = fork_checked();
	if (child == 0) {
		long long end = now_of(CLOCK_MONOTONIC) + 400 * MS;
		while (now_of(CLOCK_MONOTONIC) < end)
			;
		_exit(0);
	}
	while (wait4(child, &status, WNOHANG, &used) == 0)
		usleep(1000);
	long long user = used.ru_utime.tv_sec * 1000000ll + used.ru_utime.tv_usec;
	long long system = used.ru_stime.tv_sec * 1000000ll + used.ru_stime.tv_usec;
	CHECK(user > 100000);
	CHECK(user > 3 * system);
}

TEST(timers_with_one_real_time_signal)
{
	share(SHARED_SIGNAL);
}

TEST(timers_with_one_standard_signal)
{
	share(SIGUSR1);
}

TEST(timer_beside_a_signal_that_waits)
{
	sigset_t set;
	listen_to(SIGUSR1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	int id = new_timer(CLOCK_MONOTONIC, SIGUSR1, 5);
	CHECK_OK(kill(getpid(), SIGUSR1));
	set_timer(id, 0, MS, 0);
	usleep(30000);
	CHECK_OK(sigprocmask(SIG_UNBLOCK, &set, NULL));
	CHECK_EQ(taken, 2);
	CHECK_EQ(last.si_code, SI_TIMER);
	CHECK_EQ(last.si_value.sival_int, 5);
}

TEST(one_shot_that_is_set_again_while_its_signal_waits)
{
	sigset_t set;
	listen_to(SIGUSR1);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	int id = new_timer(CLOCK_MONOTONIC, SIGUSR1, 5);
	set_timer(id, 0, MS, 0);
	usleep(30000);
	set_timer(id, 0, MS, 0);
	usleep(30000);
	CHECK_OK(sigprocmask(SIG_UNBLOCK, &set, NULL));
	CHECK_EQ(taken, 1);
	set_timer(id, 0, MS, 0);
	usleep(30000);
	CHECK_EQ(taken, 2);
	/* What is forgotten while it waits does not keep the timer from sending. */
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	set_timer(id, 0, MS, 0);
	usleep(30000);
	CHECK(signal(SIGUSR1, SIG_IGN) != SIG_ERR);
	listen_to(SIGUSR1);
	set_timer(id, 0, MS, 0);
	usleep(30000);
	CHECK_OK(sigprocmask(SIG_UNBLOCK, &set, NULL));
	CHECK_EQ(taken, 3);
}

/* --- the clock is set ----------------------------------------------------------------------------- */

static void move_clock(long long by)
{
	struct timespec t = spec(now_of(CLOCK_REALTIME) + by);
	CHECK_OK(clock_settime(CLOCK_REALTIME, &t));
}

#define HOUR (3600ll * 1000000000)

TEST(timer_of_the_real_time_clock_follows_it)
{
	listen_to(SIGUSR1);
	int id = new_timer(CLOCK_REALTIME, SIGUSR1, 0), relative = new_timer(CLOCK_REALTIME, SIGUSR2, 0);
	listen_to(SIGUSR2);
	set_timer(id, TIMER_ABSTIME, now_of(CLOCK_REALTIME) + HOUR, 0);
	set_timer(relative, 0, HOUR, 0);
	move_clock(2 * HOUR);
	usleep(30000);
	int got = taken;
	set_timer(id, TIMER_ABSTIME, now_of(CLOCK_REALTIME) + 50 * MS, 0);
	move_clock(-2 * HOUR);
	usleep(150000);
	CHECK_EQ(got, 1);
	CHECK_EQ(last.si_signo, SIGUSR1);
	CHECK_EQ(taken, 1);
	CHECK(left_of(id) > HOUR);
	CHECK(left_of(relative) <= HOUR);
	CHECK(left_of(relative) > HOUR / 2);
}

TEST(timer_file_of_the_real_time_clock_follows_it)
{
	int fd = CHECK_OK(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK));
	struct itimerspec wanted = {.it_value = spec(now_of(CLOCK_REALTIME) + HOUR)}, left;
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint64_t count = 0;
	CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &wanted, NULL));
	move_clock(2 * HOUR);
	int ready = poll(&p, 1, 1000);
	ssize_t n = read(fd, &count, sizeof(count));
	wanted.it_value = spec(now_of(CLOCK_REALTIME) + 50 * MS);
	CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &wanted, NULL));
	move_clock(-2 * HOUR);
	int early = poll(&p, 1, 150);
	CHECK_EQ(ready, 1);
	CHECK_EQ(n, 8);
	CHECK_EQ(count, 1);
	CHECK_EQ(early, 0);
	CHECK_OK(timerfd_gettime(fd, &left));
	CHECK(left.it_value.tv_sec > 3600);
}

TEST(sleep_by_the_real_time_clock_follows_it)
{
	struct timespec until = spec(now_of(CLOCK_REALTIME) + HOUR);
	pid_t child = fork_checked();
	if (child == 0)
		_exit((int)syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL));
	usleep(50000);
	move_clock(2 * HOUR);
	int status = wait_exit(child);
	move_clock(-2 * HOUR);
	CHECK_EQ(status, 0);
}
