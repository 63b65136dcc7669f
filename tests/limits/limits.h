// SPDX-License-Identifier: MPL-2.0
/* The groups of a case that measures, and how it tells what it measured. */
#ifndef KEELSON_TESTS_LIMITS_H
#define KEELSON_TESTS_LIMITS_H

#include "support.h"

#define HELPER __attribute__((unused)) static
#define ROOT "/sys/fs/cgroup"

/* The group of the case; its file or group `name`. */
HELPER char group[64];

HELPER const char *path_in(const char *name)
{
	static char path[160];
	snprintf(path, sizeof(path), "%s/%s", group, name);
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

HELPER void make_group(const char *name, const char *controllers)
{
	CHECK_OK(put_text(ROOT "/cgroup.subtree_control", controllers));
	snprintf(group, sizeof(group), ROOT "/%s-%d", name, getpid());
	CHECK_OK(mkdir(group, 0755));
}

/* The number after "KEY " or "KEY=" in the text of a file. */
HELPER long number_in(const char *file, const char *key)
{
	size_t length = strlen(key);
	for (const char *at = get(file); (at = strstr(at, key)); at += length)
		if (at[length] == ' ' || at[length] == '=')
			return strtol(at + length + 1, NULL, 10);
	return 0;
}

/* The line that the runner shows. */
#define MEASURED(...) (printf("= " __VA_ARGS__), printf("\n"), fflush(stdout))

/* Fails with what was measured unless low <= value <= high. */
#define CHECK_WITHIN(value, low, high)                                                                    \
	do {                                                                                               \
		double value_ = (value);                                                                   \
		if (!(value_ >= (low) && value_ <= (high)))                                                \
			test_fail(__FILE__, __LINE__, "%s is %.3f, not within %.3f and %.3f", #value,      \
				  value_, (double)(low), (double)(high));                                  \
	} while (0)

HELPER double seconds(void)
{
	return (double)now_ns(CLOCK_MONOTONIC) / 1e9;
}

HELPER void kill_all_and_remove(const char *const children[], int count)
{
	put("cgroup.kill", "1");
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	for (int i = 0; i < count; i++)
		WAIT_UNTIL(rmdir(path_in(children[i])) == 0);
	WAIT_UNTIL(rmdir(group) == 0);
}

#endif
