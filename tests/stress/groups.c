// SPDX-License-Identifier: MPL-2.0
/* Many control groups at once, each with limits and a process: what one costs must not grow with their number. */
#include "support.h"

#include <linux/sched.h>
#include <sys/syscall.h>

#define ROOT "/sys/fs/cgroup"
enum { GROUPS = 300, SAMPLE = 30 };

static const char *path_of(int number, const char *file)
{
	static char path[96];
	snprintf(path, sizeof(path), ROOT "/groups/g%d/%s", number, file);
	return path;
}

/* Makes a group as a container engine does, with one sleeping process; how long it takes. */
static int64_t start(int number)
{
	int64_t from = now_ns(CLOCK_MONOTONIC);
	CHECK_OK(mkdir(path_of(number, ""), 0755));
	CHECK_OK(put_text(path_of(number, "pids.max"), "10"));
	CHECK_OK(put_text(path_of(number, "memory.max"), "16M"));
	CHECK_OK(put_text(path_of(number, "cpu.weight"), "200"));
	int fd = CHECK_OK(open(path_of(number, ""), O_RDONLY | O_DIRECTORY));
	struct clone_args args = {.flags = CLONE_INTO_CGROUP, .cgroup = (uint64_t)fd, .exit_signal = SIGCHLD};
	pid_t child = (pid_t)CHECK_OK(syscall(SYS_clone3, &args, sizeof(args)));
	if (child == 0)
		for (;;)
			pause();
	close(fd);
	CHECK(strstr(read_text(path_of(number, "cgroup.events")), "populated 1\n"));
	CHECK(strtol(read_text(path_of(number, "pids.current")), NULL, 10) == 1);
	return now_ns(CLOCK_MONOTONIC) - from;
}

static void start_all(int64_t *first, int64_t *last)
{
	for (int i = 0; i < GROUPS; i++) {
		int64_t took = start(i);
		*first += i < SAMPLE ? took : 0;
		*last += i >= GROUPS - SAMPLE ? took : 0;
	}
}

static void stop_all(void)
{
	CHECK_OK(put_text(ROOT "/groups/cgroup.kill", "1"));
	for (int i = 0; i < GROUPS; i++)
		CHECK(waitpid(-1, NULL, 0) > 0);
	for (int i = 0; i < GROUPS; i++)
		WAIT_UNTIL(rmdir(path_of(i, "")) == 0);
}

static long slab_kib(void)
{
	const char *at = strstr(read_text("/proc/meminfo"), "Slab:");
	CHECK(at);
	return strtol(at + 5, NULL, 10);
}

TEST_LIMIT(many_groups_cost_no_more_each, 120)
{
	int64_t first = 0, last = 0;
	(void)put_text(ROOT "/cgroup.subtree_control", "+cpu +memory +pids");
	CHECK_OK(mkdir(ROOT "/groups", 0755));
	CHECK_OK(put_text(ROOT "/groups/cgroup.subtree_control", "+cpu +memory +pids"));
	start_all(&first, &last);
	CHECK(strstr(read_text(ROOT "/groups/cgroup.stat"), "nr_descendants 300\n"));
	stop_all();
	long before = slab_kib();
	for (int round = 0; round < 3; round++) {
		int64_t ignored = 0;
		start_all(&ignored, &ignored);
		stop_all();
	}
	CHECK(strstr(read_text(ROOT "/groups/cgroup.stat"), "nr_descendants 0\n"));
	CHECK(slab_kib() < before + 2048);
	CHECK_OK(rmdir(ROOT "/groups"));
	fprintf(stderr, "first %ld us each, last %ld us each\n", (long)(first / SAMPLE / 1000),
		(long)(last / SAMPLE / 1000));
	CHECK(last < 3 * first);
}
