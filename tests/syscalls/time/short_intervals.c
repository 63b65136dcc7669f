// SPDX-License-Identifier: MPL-2.0
/*
 * Timers with intervals shorter than the work of an interrupt. Nobody but those who ask for what they tell may be
 * interrupted by them, however many there are; and what they count is right.
 */
#include "support.h"

#include <signal.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>

static const struct itimerspec nanosecond = {.it_value = {0, 1}, .it_interval = {0, 1}};

static void block(int number)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, number);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
}

/* The same work as before in at most so many times its time: others have the processors, too. */
static int64_t work_ns(void)
{
	int64_t begin = now_ns(CLOCK_MONOTONIC);
	for (volatile int i = 0; i < 3000000; i++)
		;
	return now_ns(CLOCK_MONOTONIC) - begin;
}

static timer_t timer_of(int number, int notify)
{
	struct sigevent event = {.sigev_notify = notify, .sigev_signo = number};
	timer_t timer;
	CHECK_OK(timer_create(CLOCK_MONOTONIC, &event, &timer));
	return timer;
}

TEST(files)
{
	uint64_t count;
	int64_t before = work_ns();
	int fds[40];
	for (int i = 0; i < 40; i++) {
		fds[i] = CHECK_OK(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
		CHECK_OK(timerfd_settime(fds[i], 0, &nanosecond, NULL));
	}
	CHECK(work_ns() < 20 * before + 200000000);
	sleep_ms(10);
	CHECK_EQ(read(fds[0], &count, 8), 8);
	CHECK(count > 10000000);
}

TEST(blocked_signals)
{
	siginfo_t info;
	sigset_t set;
	int64_t before = work_ns();
	block(SIGRTMIN);
	timer_t first = timer_of(SIGRTMIN, SIGEV_SIGNAL);
	CHECK_OK(timer_settime(first, 0, &nanosecond, NULL));
	for (int i = 0; i < 60; i++)
		CHECK_OK(timer_settime(timer_of(SIGRTMIN, i % 2 ? SIGEV_SIGNAL : SIGEV_NONE), 0, &nanosecond, NULL));
	CHECK(work_ns() < 20 * before + 200000000);
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK_EQ(sigwaitinfo(&set, &info), SIGRTMIN);
	CHECK(info.si_overrun > 100000);
	CHECK_EQ(timer_getoverrun(first), info.si_overrun);
}

static void ignore_and_work(int64_t before)
{
	struct itimerval often = {{0, 1}, {0, 1}};
	signal(SIGALRM, SIG_IGN);
	CHECK_OK(setitimer(ITIMER_REAL, &often, NULL));
	CHECK(work_ns() < 20 * before + 200000000);
}

TEST(ignored_signals)
{
	ignore_and_work(work_ns());
}

static volatile int handled;
static void count_one(int number)
{
	(void)number;
	handled++;
}

/* A timer whose signal was blocked for a while goes on at its pace. */
TEST(pace_after_a_pause)
{
	struct itimerval each = {{0, 5000}, {0, 5000}};
	sigset_t none;
	sigemptyset(&none);
	block(SIGALRM);
	CHECK(signal(SIGALRM, count_one) != SIG_ERR);
	CHECK_OK(setitimer(ITIMER_REAL, &each, NULL));
	sleep_ms(200);
	CHECK_OK(sigprocmask(SIG_SETMASK, &none, NULL));
	int64_t end = now_ns(CLOCK_MONOTONIC) + 300000000;
	while (now_ns(CLOCK_MONOTONIC) < end)
		;
	CHECK(handled >= 10 && handled <= 70);
}
