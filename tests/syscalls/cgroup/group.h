// SPDX-License-Identifier: MPL-2.0
/* The cgroup of a case and its files. */
#ifndef KEELSON_TESTS_CGROUP_GROUP_H
#define KEELSON_TESTS_CGROUP_GROUP_H

#include "support.h"

#define HELPER __attribute__((unused)) static

#define ROOT "/sys/fs/cgroup"

/* The cgroup of the case: removed with what it holds by the next case that uses the name. */
HELPER char group[64];

HELPER void make_group(const char *name, const char *controllers)
{
	snprintf(group, sizeof(group), ROOT "/%s-%d", name, getpid());
	if (controllers)
		CHECK_OK(put_text(ROOT "/cgroup.subtree_control", controllers));
	CHECK_OK(mkdir(group, 0755));
}

HELPER const char *path_in(const char *file)
{
	static char path[128];
	snprintf(path, sizeof(path), "%s/%s", group, file);
	return path;
}

HELPER void put(const char *file, const char *text)
{
	CHECK_OK(put_text(path_in(file), text));
}

HELPER const char *get(const char *file)
{
	return read_text(path_in(file));
}

HELPER void join(void)
{
	put("cgroup.procs", "0");
}

HELPER pid_t sleeper_in_group(void)
{
	pid_t child = fork_checked();
	if (child == 0) {
		join();
		for (;;)
			pause();
	}
	char number[16];
	snprintf(number, sizeof(number), "%d\n", child);
	WAIT_UNTIL(strstr(get("cgroup.procs"), number));
	return child;
}

HELPER void remove_group(void)
{
	WAIT_UNTIL(rmdir(group) == 0);
}

#endif
