// SPDX-License-Identifier: MPL-2.0
/*
 * Where random calls are made. A process without privileges becomes root of a user namespace, with all capabilities
 * in it (or stays somebody without any) and all other namespaces of its own, in a control group with limits that it
 * may divide. Its first process, the director, starts actors, pokes their threads out of sleeps, ends them after a
 * while and starts others. The case, outside, looks whether the director is alive, and makes the scene anew when the
 * actors brought it down, as they may.
 */
#ifndef KEELSON_TESTS_STRESS_SCENE_H
#define KEELSON_TESTS_STRESS_SCENE_H
#include "group.h"
#include "stage.h"

#include <sched.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum { ACTORS = 3, ACT_MS = 2500, POKE_MS = 15, STALL_MS = 20000, TELL_MS = 20000 };
/* Who the actors are: root of a user namespace of their own, or somebody without any privilege. */
enum standing { STANDING_NAMESPACE_ROOT, STANDING_NOBODY };

struct scene {
	_Atomic uint64_t calls;		/* made so far */
	_Atomic uint64_t beat;		/* of the director */
	_Atomic uint64_t seed;		/* of the next actor */
	_Atomic int tids[ACTORS][THREADS_MAX];
	_Atomic int want_end;
	_Atomic uint32_t tried[512], done[512];	/* by number */
	enum standing standing;
	int is_traced;			/* each call is named on the console before it is made */
};
static struct scene *scene;

typedef void (*act)(uint64_t seed, int actor);

static void become_root_of_namespace(void)
{
	become_nobody();
	CHECK_OK(prctl(PR_SET_DUMPABLE, 1));
	CHECK_OK(unshare(CLONE_NEWUSER));
	CHECK_OK(put_text("/proc/self/setgroups", "deny"));
	CHECK_OK(put_text("/proc/self/uid_map", "0 65534 1"));
	CHECK_OK(put_text("/proc/self/gid_map", "0 65534 1"));
}

static void limit(int which, rlim_t most)
{
	(void)setrlimit(which, &(struct rlimit){most, most});
}

static pid_t actor_start(act play, int actor)
{
	pid_t child = fork();
	if (child)
		return child;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	limit(RLIMIT_NOFILE, 200);
	limit(RLIMIT_FSIZE, 4 << 20);
	limit(RLIMIT_CORE, 0);
	(void)unshare(CLONE_NEWNS);
	if (scene->standing == STANDING_NOBODY)
		become_nobody();
	scene_files();
	if (!scene->is_traced) {
		int null = open("/dev/null", O_RDWR);
		for (int i = 0; i < 3; i++)
			dup2(null, i);
		close(null);
	}
	scene_descriptors();
	play(atomic_fetch_add(&scene->seed, 1), actor);
	_exit(0);
}

static int64_t now_ms(void)
{
	return now_ns(CLOCK_MONOTONIC) / 1000000;
}

/* The first process of the namespaces: only a signal from outside ends it. */
static void direct(act play)
{
	pid_t actors[ACTORS] = {0};
	int64_t since[ACTORS];
	CHECK_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	CHECK_OK(mount("tmpfs", "/tmp", "tmpfs", 0, "size=16m,mode=1777"));
	CHECK_OK(mount("proc", "/proc", "proc", 0, NULL));
	(void)mount("sysfs", "/sys", "sysfs", 0, NULL);
	(void)mount("cgroup2", CGROUP, "cgroup2", 0, NULL);
	while (!atomic_load(&scene->want_end)) {
		pid_t ended;
		while ((ended = waitpid(-1, NULL, WNOHANG)) > 0)
			for (int i = 0; i < ACTORS; i++)
				if (actors[i] == ended)
					actors[i] = 0;
		for (int i = 0; i < ACTORS; i++) {
			if (actors[i] > 0 && now_ms() - since[i] > ACT_MS)
				kill(actors[i], SIGKILL);
			if (actors[i] <= 0) {
				for (int j = 0; j < THREADS_MAX; j++)
					atomic_store(&scene->tids[i][j], 0);
				actors[i] = actor_start(play, i);
				since[i] = now_ms();
			}
			for (int j = 0; j < THREADS_MAX; j++)
				if (atomic_load(&scene->tids[i][j]))
					(void)syscall(SYS_tkill, atomic_load(&scene->tids[i][j]), SIGUSR1);
		}
		atomic_fetch_add(&scene->beat, 1);
		sleep_ms(POKE_MS);
	}
	_exit(0);
}

static pid_t scene_start(act play)
{
	pid_t child = fork_checked();
	if (child)
		return child;
	CHECK_OK(put_text(SCENE_GROUP "/cgroup.procs", "0"));
	setsid();
	if (scene->standing == STANDING_NAMESPACE_ROOT)
		become_root_of_namespace();
	CHECK_OK(unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP));
	pid_t first = fork_checked();
	if (first == 0)
		direct(play);
	int status;
	while (waitpid(first, &status, 0) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 3);
}

static void scene_stop(pid_t child)
{
	(void)put_text(SCENE_GROUP "/cgroup.kill", "1");
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

static long meminfo_kib(const char *name)
{
	const char *found = strstr(read_text("/proc/meminfo"), name);
	return found ? atol(found + strlen(name)) : 0;
}

/* For so long; what the actors do must cost nobody but them. */
static void scene_run(act play, int64_t for_ms)
{
	int64_t end = now_ms() + for_ms, moved = now_ms(), told = now_ms();
	uint64_t beat = 0;
	int stalls = 0;
	group_make();
	pid_t child = scene_start(play);
	while (now_ms() < end) {
		sleep_ms(50);
		if (now_ms() - told > TELL_MS) {
			told = now_ms();
			printf("= %llu calls\n", (unsigned long long)atomic_load(&scene->calls));
			fflush(stdout);
		}
		int is_gone = waitpid(child, NULL, WNOHANG) == child;
		if (atomic_load(&scene->beat) != beat) {
			beat = atomic_load(&scene->beat);
			moved = now_ms();
		} else if (now_ms() - moved > STALL_MS) {
			stalls++;	/* frozen, perhaps: it has a right to */
			scene_stop(child);
			is_gone = 1;
		}
		if (is_gone) {
			(void)put_text(SCENE_GROUP "/cgroup.kill", "1");
			(void)put_text(SCENE_GROUP "/cgroup.freeze", "0");
			child = scene_start(play);
			moved = now_ms();
		}
	}
	scene_stop(child);
	WAIT_UNTIL(strstr(read_text(SCENE_GROUP "/cgroup.events"), "populated 0"));
	group_end(SCENE_GROUP);
	CHECK_ERR(access(SCENE_GROUP, F_OK), ENOENT);
	CHECK(stalls < 3);
}

static int64_t word_of_command_line(const char *name, int64_t otherwise)
{
	const char *found = strstr(read_text("/proc/cmdline"), name);
	return found ? atoll(found + strlen(name)) : otherwise;
}

/* Words of the kernel's command line: random_seconds= random_seed= random_trace= */
static void scene_case(act play, enum standing standing, int64_t seconds)
{
	scene = mmap(NULL, sizeof(*scene), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(scene != MAP_FAILED);
	seconds = word_of_command_line("random_seconds=", seconds);
	scene->seed = (uint64_t)word_of_command_line("random_seed=", 1);
	scene->standing = standing;
	scene->is_traced = (int)word_of_command_line("random_trace=", 0);
	scene_run(play, 1000);	/* what is allocated once, is now */
	sleep_ms(1200);
	atomic_store(&scene->calls, 0);
	long before = meminfo_kib("MemFree:") + meminfo_kib("\nCached:");
	scene_run(play, seconds * 1000);
	long after = 0;
	for (int i = 0; i < 60 && after + 6 * 1024 < before; i++) {
		sleep_ms(100);
		after = meminfo_kib("MemFree:") + meminfo_kib("\nCached:");
	}
	printf("= %llu calls, %ld KiB less free than before\n", (unsigned long long)atomic_load(&scene->calls),
		before - after);
	fflush(stdout);
	CHECK(after + 6 * 1024 >= before);
	CHECK_EQ(wait_exit(fork_checked() ?: (_exit(0), 0)), 0);
}
#endif
