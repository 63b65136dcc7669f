// SPDX-License-Identifier: MPL-2.0
/*
 * ESCAPE(name) { ... } is an attempt: what runs inside a container, and must fail.
 *
 * A suite's program makes a container for it (container.h) and looks at the host afterwards. With -DINSIDE the same
 * attempts become a program that runs inside a container which somebody else has made (crun, keel, podman: real.py).
 * What is refused there may be refused by a filter, a capability or a mount, so the number of the error does not count:
 * only that it is one.
 */
#ifndef KEELSON_TESTS_ESCAPE_ATTEMPT_H
#define KEELSON_TESTS_ESCAPE_ATTEMPT_H
#include "support.h"

#include <sched.h>

#define CGROUP "/sys/fs/cgroup"
#define PIDS_MAX 48
#define MEMORY_MAX (48 << 20)

/* The call must fail, whatever keeps it from success. */
#define REFUSED(call)                                                                                               \
	do {                                                                                                        \
		errno = 0;                                                                                          \
		long long got_ = (long long)(call);                                                                 \
		if (got_ >= 0 || got_ < -4095)                                                                      \
			test_fail(__FILE__, __LINE__, "%s gave %lld", #call, got_);                                 \
	} while (0)

/* In a user namespace of its own a process has all capabilities, over what belongs to that namespace. 0: refused. */
__attribute__((unused)) static int become_root_of_own_namespace(int more)
{
	char map[32];
	unsigned uid = geteuid(), gid = getegid();
	if (unshare(CLONE_NEWUSER | more))
		return 0;
	(void)put_text("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (put_text("/proc/self/uid_map", map)) {
		CHECK_EQ(errno, EPERM);	/* without CAP_SETFCAP root does not become root there */
		return 0;
	}
	snprintf(map, sizeof(map), "0 %u 1", gid);
	CHECK_OK(put_text("/proc/self/gid_map", map));
	return 1;
}

#ifdef INSIDE
#undef CHECK_ERR
#define CHECK_ERR(call, wanted) REFUSED(call)

static inline void host_goes_on(void)
{
}

#define ESCAPE_LIMIT(name, seconds)                                                                                 \
	static int attempt_##name(void);                                                                            \
	TEST_LIMIT(name, seconds)                                                                                   \
	{                                                                                                           \
		CHECK_EQ(attempt_##name(), 0);                                                                      \
	}                                                                                                           \
	static int attempt_##name(void)
/* The host runs the case bait_NAME meanwhile: it ends well if the bait was not touched. */
#define ESCAPE_WITH_HOST(name, before, after)                                                                       \
	TEST_LIMIT(bait_##name, 3600)                                                                               \
	{                                                                                                           \
		before();                                                                                           \
		while (access("/run/escape-ends", F_OK))                                                            \
			sleep_ms(200);                                                                              \
		after();                                                                                            \
	}                                                                                                           \
	ESCAPE_LIMIT(name, TEST_SECONDS)

/* The limit of this container, 0: none. */
static inline long own_limit(const char *file)
{
	char path[64];
	snprintf(path, sizeof(path), CGROUP "/%s", file);
	return access(path, R_OK) ? 0 : atol(read_text(path));
}

#else

static inline long own_limit(const char *file)
{
	return strcmp(file, "pids.max") ? MEMORY_MAX : PIDS_MAX;
}

static int container_run(int (*attempt)(void));

/* The host lives: it starts processes, has memory, opens files. */
static void host_goes_on(void)
{
	pid_t child = fork_checked();
	if (child == 0) {
		char *memory = map_pages(256);
		memset(memory, 1, 256 * PAGE);
		_exit(access("/proc/1", F_OK) ? 1 : 0);
	}
	CHECK_EQ(wait_exit(child), 0);
}

#define ESCAPE_LIMIT(name, seconds)                                                                                 \
	static int attempt_##name(void);                                                                            \
	TEST_LIMIT(name, seconds)                                                                                   \
	{                                                                                                           \
		CHECK_EQ(container_run(attempt_##name), 0);                                                         \
		host_goes_on();                                                                                     \
	}                                                                                                           \
	static int attempt_##name(void)
/* The host does something before and after. */
#define ESCAPE_WITH_HOST(name, before, after)                                                                       \
	static int attempt_##name(void);                                                                            \
	TEST(name)                                                                                                  \
	{                                                                                                           \
		before();                                                                                           \
		CHECK_EQ(container_run(attempt_##name), 0);                                                         \
		after();                                                                                            \
		host_goes_on();                                                                                     \
	}                                                                                                           \
	static int attempt_##name(void)
#endif
#define ESCAPE(name) ESCAPE_LIMIT(name, TEST_SECONDS)

#endif
