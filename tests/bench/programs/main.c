// SPDX-License-Identifier: MPL-2.0
/*
 * The first and only program of a benchmark machine: it is /init. It prints lines
 *
 *	bench NAME VALUE UNIT
 *	bench NAME failed ERRNO
 *
 * and powers off. The processor's time stamp counter counts instructions since power-on, so its
 * value at the first line of main is the cost of booting.
 */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

enum { REPEATS = 3 };

static const struct bench *const lists[] = {calls,    processes,  memory,   files,
					    messages, namespaces, networks, NULL};
static const struct bench *const runtime_lists[] = {runtimes, NULL};

int64_t bench_now_ns(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void print(const char *name, long long value, const char *unit)
{
	char line[128];
	int length = snprintf(line, sizeof(line), "bench %s %lld %s\n", name, value, unit);
	(void)!write(STDOUT_FILENO, line, (size_t)length);
}

static void print_failure(const char *name, long long error)
{
	char line[128];
	int length = snprintf(line, sizeof(line), "bench %s failed %lld\n", name, -error);
	(void)!write(STDOUT_FILENO, line, (size_t)length);
}

/* The best of some repeats: what is left is the cost without a stray interrupt. */
static void measure(const struct bench *bench)
{
	int64_t best = bench->run(bench->rounds / 10 + 1);
	if (best < 0) {
		print_failure(bench->name, best);
		return;
	}
	best = INT64_MAX;
	for (int i = 0; i < REPEATS; i++) {
		int64_t time = bench->run(bench->rounds);
		if (time >= 0 && time < best)
			best = time;
	}
	print(bench->name, best / bench->rounds, "instructions");
}

/* In a child, so that one that dies costs only its own figure. */
static void measure_apart(const struct bench *bench)
{
	int status;
	pid_t child = fork();
	if (child == 0) {
		alarm(60);
		measure(bench);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		print_failure(bench->name, -errno);
	else if (!WIFEXITED(status))
		print_failure(bench->name, -1000 - WTERMSIG(status));
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
}

static long long meminfo_kib(const char *name)
{
	static char text[8192];
	int fd = open("/proc/meminfo", O_RDONLY);
	ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		(void)close(fd);
	text[length > 0 ? length : 0] = 0;
	const char *found = strstr(text, name);
	return found ? atoll(found + strlen(name)) : -1;
}

static void prepare(void)
{
	(void)mkdir("/dev", 0755);
	(void)mkdir("/proc", 0755);
	(void)mkdir("/tmp", 0777);
	(void)mount("devtmpfs", "/dev", "devtmpfs", 0, "");
	int console = open("/dev/console", O_RDWR);
	for (int fd = 0; console >= 0 && fd <= 2; fd++)
		(void)dup2(console, fd);
	(void)mount("proc", "/proc", "proc", 0, "");
}

/* What "bench=" says on the kernel's command line, or NULL. */
static const char *wanted_alone(void)
{
	static char text[1024];
	int fd = open("/proc/cmdline", O_RDONLY);
	ssize_t length = fd < 0 ? 0 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		(void)close(fd);
	text[length > 0 ? length : 0] = 0;
	char *found = strstr(text, "bench=");
	return found ? strtok(found + strlen("bench="), " \n") : NULL;
}

static void print_memory(void)
{
	long long total = meminfo_kib("MemTotal:"), available = meminfo_kib("MemAvailable:");
	print("memory_used_at_init", total - available, "KiB");
	print("memory_not_available", 512 * 1024 - available, "KiB");
}

/* One benchmark, for tests/bench/profile: begins and ends when the console says so. */
static void measure_alone(const char *name)
{
	char line[16];
	for (const struct bench *const *list = lists; *list; list++) {
		for (const struct bench *bench = *list; bench->name; bench++) {
			if (strcmp(bench->name, name))
				continue;
			(void)bench->run(bench->rounds / 10 + 1);
			(void)!write(STDOUT_FILENO, "bench: begin\n", 13);
			(void)!read(STDIN_FILENO, line, sizeof(line));
			print(name, bench->run(bench->rounds / 10 + 1) / (bench->rounds / 10 + 1), "instructions");
			(void)!write(STDOUT_FILENO, "bench: end\n", 11);
			(void)!read(STDIN_FILENO, line, sizeof(line));
		}
	}
}

int main(int argc, char **argv)
{
	uint64_t boot = __rdtsc();
	if (argc > 1 && !strcmp(argv[1], "exit"))
		return 0;
	prepare();
	const struct bench *const *wanted = runtime_lists;
	if (access("/runtime", F_OK) < 0) {
		wanted = lists;
		print("boot_to_init", (long long)boot, "instructions");
		print_memory();
	}
	(void)mount("tmpfs", "/tmp", "tmpfs", 0, "");
	(void)chdir("/tmp");
	const char *alone = wanted_alone();
	if (alone)
		measure_alone(alone);
	for (; *wanted && !alone; wanted++)
		for (const struct bench *bench = *wanted; bench->name; bench++)
			measure_apart(bench);
	(void)!write(STDOUT_FILENO, "bench: done\n", 12);
	(void)reboot(RB_POWER_OFF);
	(void)reboot(RB_AUTOBOOT);
	for (;;)
		pause();
}
