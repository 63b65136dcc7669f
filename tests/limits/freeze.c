// SPDX-License-Identifier: MPL-2.0
/* How long it takes until 200 tasks of all kinds are frozen, and that they go on afterwards. */
#include "limits.h"

#include <linux/futex.h>
#include <stdatomic.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/socket.h>

enum { TASKS = 200, KINDS = 10, FREEZE_MS = 100 };

static atomic_int *progress; /* of those that are always busy, in shared memory */

static void spin(void)
{
	for (;;)
		atomic_fetch_add(progress, 1);
}

static void sleep_long(void)
{
	for (;;)
		sleep_ms(60000);
}

static void read_pipe(void)
{
	char byte;
	int ends[2];
	CHECK_OK(pipe(ends));
	(void)!read(ends[0], &byte, 1);
	_exit(1);
}

static void ping_pong(void)
{
	struct turn there = turn_create(), back = turn_create();
	if (fork_checked() == 0) {
		for (;;) {
			turn_take(there);
			turn_give(back);
		}
	}
	for (;;) {
		turn_give(there);
		turn_take(back);
	}
}

static void wait_in_vfork(void)
{
	/* The child sleeps, and the parent with it until the child ends. */
	if (vfork() == 0) {
		for (;;)
			pause();
	}
	_exit(1);
}

static void wait_on_futex(void)
{
	static int word;
	for (;;)
		syscall(SYS_futex, &word, FUTEX_WAIT, 0, NULL, NULL, 0);
}

static void wait_for_child(void)
{
	if (fork_checked() == 0)
		for (;;)
			pause();
	for (;;)
		waitpid(-1, NULL, 0);
}

static void wait_in_epoll(void)
{
	struct epoll_event event;
	int fd = CHECK_OK(epoll_create1(0));
	for (;;)
		epoll_wait(fd, &event, 1, -1);
}

static void touch_memory(void)
{
	for (;;) {
		char *memory = map_pages(64);
		for (int i = 0; i < 64; i++)
			memory[(size_t)i * PAGE] = 1;
		munmap(memory, 64 * PAGE);
		atomic_fetch_add(progress, 1);
	}
}

static void be_stopped(void)
{
	for (;;)
		kill(getpid(), SIGSTOP);
}

static void (*const kinds[KINDS])(void) = {
	spin, sleep_long, read_pipe, ping_pong, wait_in_vfork, wait_on_futex, wait_for_child, wait_in_epoll, touch_memory,
	be_stopped,
};

static long count_tasks(void)
{
	long count = 0;
	for (const char *at = get("cgroup.procs"); (at = strchr(at, '\n')); at++)
		count++;
	return count;
}

/* Milliseconds from the write until cgroup.events says so. */
static double freeze(void)
{
	char text[100];
	struct pollfd entry = {CHECK_OK(open(path_in("cgroup.events"), O_RDONLY)), POLLPRI, 0};
	double from = seconds();
	put("cgroup.freeze", "1");
	for (;;) {
		ssize_t length = CHECK_OK(pread(entry.fd, text, sizeof(text) - 1, 0));
		text[length] = 0;
		if (strstr(text, "frozen 1"))
			break;
		if (poll(&entry, 1, 10000) != 1)
			test_fail(__FILE__, __LINE__, "not frozen after ten seconds: %s", text);
	}
	close(entry.fd);
	return (seconds() - from) * 1000;
}

TEST_LIMIT(two_hundred_tasks, 300)
{
	make_group("freeze", "+pids");
	progress = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(progress != MAP_FAILED);
	for (int i = 0; count_tasks() < TASKS; i++) {
		if (fork_checked() == 0) {
			put("cgroup.procs", "0");
			kinds[i % KINDS]();
		}
		if (i >= 130)
			sleep_ms(100);
	}
	sleep_ms(1000);
	long tasks = count_tasks();
	for (int round = 0; round < 3; round++) {
		double took = freeze();
		int before = atomic_load(progress);
		sleep_ms(300);
		CHECK_EQ(atomic_load(progress), before);
		put("cgroup.freeze", "0");
		WAIT_UNTIL(atomic_load(progress) != before);
		WAIT_UNTIL(number_in("cgroup.events", "frozen") == 0);
		MEASURED("freeze of %ld tasks: %.2f ms", tasks, took);
		CHECK_WITHIN(took, 0, FREEZE_MS);
		sleep_ms(200);
	}
	CHECK(count_tasks() >= TASKS);
	kill_all_and_remove(NULL, 0);
}
