// SPDX-License-Identifier: MPL-2.0
/* What a storm made the kernel allocate comes back when the storm is over: objects, stacks, tables. */
#include "support.h"

#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum { FILES = 20000, SOCKETS = 4000, PROCESSES = 150, NAMES = 10000 };

static long kib(const char *key)
{
	const char *at = strstr(read_text("/proc/meminfo"), key);
	CHECK(at);
	return strtol(at + strlen(key), NULL, 10);
}

/* Free memory once everything that nobody uses has been given back. */
static long settled(void)
{
	CHECK_OK(put_text("/proc/sys/vm/drop_caches", "3"));
	return kib("MemFree:");
}

static void raise_files(void)
{
	struct rlimit many = {FILES + 100, FILES + 100};
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &many));
}

static void open_files(void)
{
	raise_files();
	for (int i = 0; i < FILES; i++)
		CHECK_OK(open("/dev/null", O_RDONLY));
}

static void open_sockets(void)
{
	int ends[2];
	raise_files();
	for (int i = 0; i < SOCKETS; i++)
		CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
}

static void fork_many(void)
{
	pid_t children[PROCESSES];
	for (int i = 0; i < PROCESSES; i++) {
		children[i] = fork_checked();
		if (children[i] == 0)
			for (;;)
				pause();
	}
	for (int i = 0; i < PROCESSES; i++)
		CHECK_OK(kill(children[i], SIGKILL));
	for (int i = 0; i < PROCESSES; i++)
		CHECK_EQ(waitpid(children[i], NULL, 0), children[i]);
}

static void make_names(void)
{
	char name[32];
	for (int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "name-%d", i);
		close(make_file(name));
	}
	for (int i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "name-%d", i);
		CHECK_OK(unlink(name));
	}
}

/* Runs the body in a process, twice to warm up; then what the third time leaves behind must be little. */
static void leaves_little(const char *what, void (*body)(void), long at_most_kib)
{
	long before = 0;
	for (int round = 0; round < 3; round++) {
		pid_t child;
		if (round == 2)
			before = settled();
		child = fork_checked();
		if (child == 0) {
			body();
			_exit(0);
		}
		CHECK_EQ(wait_exit(child), 0);
	}
	long after = 0;
	for (int tries = 0; tries < 50; tries++) {
		after = settled();
		if (before - after <= at_most_kib)
			break;
		sleep_ms(100);
	}
	printf("= %s: %ld KiB free before, %ld KiB after\n", what, before, after);
	fflush(stdout);
	CHECK(before - after <= at_most_kib);
}

/* The first storm, too, must give back nearly all that it took. */
static void gives_back(const char *what, void (*body)(void), long takes_kib, long keeps_kib)
{
	long before = settled(), during = 0, after = 0;
	struct turn done = turn_create(), end = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		body();
		turn_give(done);
		turn_take(end);
		_exit(0);
	}
	turn_take(done);
	during = kib("MemFree:");
	turn_give(end);
	CHECK_EQ(wait_exit(child), 0);
	for (int tries = 0; tries < 50; tries++) {
		after = settled();
		if (before - after <= keeps_kib)
			break;
		sleep_ms(100);
	}
	printf("= %s: %ld KiB free before, %ld during, %ld after\n", what, before, during, after);
	fflush(stdout);
	CHECK(before - during >= takes_kib);
	CHECK(before - after <= keeps_kib);
}

TEST_LIMIT(files_give_back_what_they_took, 60)
{
	gives_back("20000 open files", open_files, 3000, 512);
}

TEST_LIMIT(sockets_give_back_what_they_took, 60)
{
	gives_back("8000 sockets", open_sockets, 3000, 768);
}

TEST_LIMIT(processes_leave_little, 60)
{
	leaves_little("150 processes", fork_many, 256);
}

TEST_LIMIT(names_leave_little, 60)
{
	leaves_little("10000 names", make_names, 1024);
}

TEST_LIMIT(files_leave_little, 60)
{
	leaves_little("20000 open files, again", open_files, 128);
}
