// SPDX-License-Identifier: MPL-2.0
/*
 * What waits for a time of the real-time clock while that is set. source: clock_settime(2), futex(2), mq_receive(3),
 * timerfd_create(2)
 */
#include "support.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

#ifndef SYS_futex_waitv
#define SYS_futex_waitv 449
#endif

#define SECOND 1000000000ll
#define HOUR (3600 * SECOND)

static struct timespec spec(long long ns)
{
	return (struct timespec){ns / SECOND, ns % SECOND};
}

static void move_clock(long long by)
{
	struct timespec t = spec(now_ns(CLOCK_REALTIME) + by);
	CHECK_OK(clock_settime(CLOCK_REALTIME, &t));
}

/* Runs `sleeper` in a child, which sleeps until an hour from now; the clock goes two hours on and back again. */
static int sleep_through_change(int (*sleeper)(const struct timespec *until))
{
	struct timespec until = spec(now_ns(CLOCK_REALTIME) + HOUR);
	pid_t child = fork_checked();
	if (child == 0)
		_exit(sleeper(&until));
	WAIT_UNTIL(process_state(child) == 'S');
	move_clock(2 * HOUR);
	int code = wait_exit(child);
	move_clock(-2 * HOUR);
	return code;
}

static int timed_out(long result)
{
	return result == -1 && errno == ETIMEDOUT ? 0 : 1;
}

static uint32_t word;

static int sleep_on_word(const struct timespec *until)
{
	int op = FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME;
	return timed_out(syscall(SYS_futex, &word, op, 0, until, NULL, FUTEX_BITSET_MATCH_ANY));
}

TEST(futex_by_the_real_time_clock_follows_it)
{
	CHECK_EQ(sleep_through_change(sleep_on_word), 0);
}

static int sleep_on_words(const struct timespec *until)
{
	struct futex_waitv one = {.uaddr = (uintptr_t)&word, .flags = FUTEX_32};
	return timed_out(syscall(SYS_futex_waitv, &one, 1, 0, until, CLOCK_REALTIME));
}

TEST(futex_waitv_by_the_real_time_clock_follows_it)
{
	CHECK_EQ(sleep_through_change(sleep_on_words), 0);
}

static uint32_t *lock_of_parent;

static int sleep_on_lock(const struct timespec *until)
{
	return timed_out(syscall(SYS_futex, lock_of_parent, FUTEX_LOCK_PI, 0, until, NULL, 0));
}

TEST(futex_lock_by_the_real_time_clock_follows_it)
{
	lock_of_parent = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(lock_of_parent != MAP_FAILED);
	*lock_of_parent = (uint32_t)syscall(SYS_gettid);
	CHECK_EQ(sleep_through_change(sleep_on_lock), 0);
}

static int queue;

static int sleep_for_message(const struct timespec *until)
{
	char text[8];
	return timed_out(syscall(SYS_mq_timedreceive, queue, text, sizeof(text), NULL, until));
}

static int sleep_for_room(const struct timespec *until)
{
	return timed_out(syscall(SYS_mq_timedsend, queue, "b", 1, 0, until));
}

TEST(message_queue_by_the_real_time_clock_follows_it)
{
	struct mq_attr limits = {.mq_maxmsg = 1, .mq_msgsize = 8};
	queue = (int)CHECK_OK(syscall(SYS_mq_open, "clock_set", O_RDWR | O_CREAT, 0600, &limits));
	CHECK_OK(syscall(SYS_mq_unlink, "clock_set"));
	CHECK_EQ(sleep_through_change(sleep_for_message), 0);
	CHECK_OK(syscall(SYS_mq_timedsend, queue, "a", 1, 0, NULL));
	CHECK_EQ(sleep_through_change(sleep_for_room), 0);
}

/* What would expire soon does not when the clock goes back. */
TEST(futex_waits_longer_when_the_clock_goes_back)
{
	struct timespec until = spec(now_ns(CLOCK_REALTIME) + 2 * SECOND);
	pid_t child = fork_checked();
	if (child == 0)
		_exit(sleep_on_word(&until));
	WAIT_UNTIL(process_state(child) == 'S');
	move_clock(-HOUR);
	sleep_ms(3000);
	char state = process_state(child);
	move_clock(HOUR);
	CHECK_EQ(state, 'S');
	CHECK_EQ(wait_exit(child), 0);
}

/* --- timers as files ------------------------------------------------------------------------------ */

static long switches_of(pid_t child)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/status", child);
	const char *at = strstr(read_text(path), "\nvoluntary_ctxt_switches:");
	CHECK(at);
	return atol(strchr(at, ':') + 1);
}

TEST(timer_that_the_clock_cancels_wakes_no_strangers)
{
	struct timespec until = spec(now_ns(CLOCK_REALTIME) + HOUR);
	struct itimerspec often = {{0, 100000}, spec(now_ns(CLOCK_REALTIME) + SECOND / 100)};
	uint64_t count;
	int fd = CHECK_OK(timerfd_create(CLOCK_REALTIME, 0));
	pid_t child = fork_checked();
	if (child == 0)
		_exit((int)syscall(SYS_clock_nanosleep, CLOCK_REALTIME, TIMER_ABSTIME, &until, NULL));
	WAIT_UNTIL(process_state(child) == 'S');
	long before = switches_of(child);
	CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &often, NULL));
	for (int round = 0; round < 50; round++)
		CHECK_EQ(read(fd, &count, sizeof(count)), 8);
	long after = switches_of(child);
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
	CHECK(after - before < 10);
}

/* Whichever comes first, the timer or the new time: the timer expires when the clock shows its hour. */
TEST(timer_set_while_the_clock_is_set)
{
	long long start = now_ns(CLOCK_REALTIME), at = start + 100 * HOUR, worst = 0;
	struct itimerspec far = {.it_value = spec(at)}, left;
	int fd = CHECK_OK(timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK));
	struct turn set = turn_create(), done = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		for (int n = 0; n < 200; n++) {
			turn_take(set);
			move_clock(n % 2 ? -HOUR : HOUR);
			turn_give(done);
		}
		_exit(0);
	}
	for (int n = 0; n < 200; n++) {
		turn_give(set);
		for (int again = 0; again < n % 20; again++)
			CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &far, NULL));
		turn_take(done);
		CHECK_OK(timerfd_gettime(fd, &left));
		long long off = left.it_value.tv_sec - (at - now_ns(CLOCK_REALTIME)) / SECOND;
		if (n % 20 && llabs(off) > llabs(worst))
			worst = off;
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK(llabs(worst) < 60);
}
