// SPDX-License-Identifier: MPL-2.0
/* Time namespaces: offsets of the monotonic and the boot clock, by system call and by vDSO, timers, /proc. */
#include "namespace.h"

#include <sys/sysinfo.h>
#include <sys/timerfd.h>

enum { AHEAD = 100000, BOOT_AHEAD = 200000 };

static int64_t call_seconds(clockid_t clock)
{
	struct timespec now;
	CHECK_OK((int)syscall(SYS_clock_gettime, clock, &now));
	return now.tv_sec;
}

static int64_t library_seconds(clockid_t clock)
{
	struct timespec now;
	CHECK_OK(clock_gettime(clock, &now));
	return now.tv_sec;
}

static void make_namespace(void)
{
	CHECK_OK(unshare(CLONE_NEWTIME));
	CHECK_OK(put_text("/proc/self/timens_offsets", "monotonic 100000 0\nboottime 200000 500000000"));
}

/* Runs `body` in a child, which lives in the new namespace. */
static void in_child(void (*body)(void))
{
	pid_t child = fork_checked();
	if (child == 0) {
		body();
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
}

static void check_clocks(void)
{
	CHECK(call_seconds(CLOCK_MONOTONIC) >= AHEAD);
	CHECK(call_seconds(CLOCK_MONOTONIC) < AHEAD + 50000);
	CHECK(library_seconds(CLOCK_MONOTONIC) >= AHEAD);
	CHECK(library_seconds(CLOCK_MONOTONIC_COARSE) >= AHEAD);
	CHECK(library_seconds(CLOCK_MONOTONIC_RAW) >= AHEAD);
	CHECK(library_seconds(CLOCK_BOOTTIME) >= BOOT_AHEAD);
	CHECK(library_seconds(CLOCK_BOOTTIME) - call_seconds(CLOCK_BOOTTIME) <= 1);
	CHECK(library_seconds(CLOCK_REALTIME) - call_seconds(CLOCK_REALTIME) <= 1);
}

TEST(children_see_other_clocks)
{
	make_namespace();
	CHECK(library_seconds(CLOCK_MONOTONIC) < AHEAD);
	in_child(check_clocks);
	CHECK(library_seconds(CLOCK_MONOTONIC) < AHEAD);
	CHECK(call_seconds(CLOCK_BOOTTIME) < AHEAD);
}

TEST(new_programs_see_them_too)
{
	make_namespace();
	char *const words[] = {"/proc/self/exe", "-1", "program_in_a_namespace", NULL};
	char *const environment[] = {"IN_A_TIME_NAMESPACE=1", NULL};
	pid_t child = fork_checked();
	if (child == 0) {
		execve(words[0], words, environment);
		_exit(9);
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(program_in_a_namespace)
{
	if (getenv("IN_A_TIME_NAMESPACE"))
		check_clocks();
}

static void check_proc(void)
{
	double up;
	CHECK_EQ(sscanf(read_text("/proc/uptime"), "%lf", &up), 1);
	CHECK(up >= BOOT_AHEAD);
	struct sysinfo info;
	CHECK_OK(sysinfo(&info));
	CHECK(info.uptime >= BOOT_AHEAD);
	const char *stat = strrchr(read_text("/proc/self/stat"), ')') + 2;
	for (int field = 3; field < 22; field++)
		stat = strchr(stat, ' ') + 1;
	CHECK(strtoll(stat, NULL, 10) / 100 >= BOOT_AHEAD);
}

TEST(proc_shows_the_boot_clock)
{
	make_namespace();
	in_child(check_proc);
}

static void check_timers(void)
{
	struct timespec until;
	CHECK_OK(clock_gettime(CLOCK_MONOTONIC, &until));
	const int64_t start = now_ns(CLOCK_REALTIME);
	until.tv_nsec += 50000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL), 0);
	CHECK(now_ns(CLOCK_REALTIME) - start >= 40000000);
	int timer = CHECK_OK(timerfd_create(CLOCK_MONOTONIC, 0));
	struct itimerspec setting = {.it_value = until};
	uint64_t count;
	CHECK_OK(timerfd_settime(timer, TFD_TIMER_ABSTIME, &setting, NULL));
	CHECK_EQ(read(timer, &count, sizeof(count)), sizeof(count));
	CHECK(now_ns(CLOCK_REALTIME) - start < 20000000000);
}

TEST(absolute_timers_follow)
{
	make_namespace();
	in_child(check_timers);
}

TEST(offsets_are_checked)
{
	CHECK_OK(unshare(CLONE_NEWTIME));
	CHECK_STR(read_text("/proc/self/timens_offsets"),
		"monotonic           0         0\nboottime            0         0\n");
	CHECK_ERR(put_text("/proc/self/timens_offsets", "realtime 1 0"), EINVAL);
	CHECK_ERR(put_text("/proc/self/timens_offsets", "monotonic 1"), EINVAL);
	CHECK_ERR(put_text("/proc/self/timens_offsets", "monotonic 1 1000000000"), EINVAL);
	CHECK_ERR(put_text("/proc/self/timens_offsets", "monotonic -100000 0"), ERANGE);
	CHECK_ERR(put_text("/proc/self/timens_offsets", "monotonic 9000000000 0"), ERANGE);
	CHECK_OK(put_text("/proc/self/timens_offsets", "1 10 5\n"));
	CHECK_OK(put_text("/proc/self/timens_offsets", "7 20 6\n"));
	CHECK_STR(read_text("/proc/self/timens_offsets"),
		"monotonic          10         5\nboottime           20         6\n");
	pid_t child = fork_checked();
	if (child == 0)
		_exit(0);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_ERR(put_text("/proc/self/timens_offsets", "monotonic 1 0"), EACCES);
}

TEST(strangers_may_not_set_offsets)
{
	CHECK_OK(unshare(CLONE_NEWTIME));
	int fd = CHECK_OK(open("/proc/self/timens_offsets", O_RDONLY));
	CHECK_OK(close(fd));
	pid_t child = fork_checked();
	if (child == 0) {
		become_nobody();
		CHECK_ERR(put_text("/proc/self/timens_offsets", "monotonic 1 0"), EACCES);
		CHECK_ERR(unshare(CLONE_NEWTIME), EPERM);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(setns_enters)
{
	make_namespace();
	int fd = CHECK_OK(open("/proc/self/ns/time_for_children", O_RDONLY));
	CHECK_OK(setns(fd, CLONE_NEWTIME));
	check_clocks();
	in_child(check_clocks);
	char own[64] = {0}, children[64] = {0};
	CHECK(readlink("/proc/self/ns/time", own, sizeof(own) - 1) > 0);
	CHECK(readlink("/proc/self/ns/time_for_children", children, sizeof(children) - 1) > 0);
	CHECK_STR(own, children);
}
