// SPDX-License-Identifier: MPL-2.0
/* The control group that holds a scene: with limits, and given to its inhabitants. */
#ifndef KEELSON_TESTS_STRESS_GROUP_H
#define KEELSON_TESTS_STRESS_GROUP_H
#include "support.h"

#include <dirent.h>
#include <sys/stat.h>

#define CGROUP "/sys/fs/cgroup"
#define SCENE_GROUP CGROUP "/scene"
enum { MEMORY_MAX = 96 << 20, PIDS_MAX = 150 };

static void put_limit(const char *name, const char *value)
{
	char path[100];
	snprintf(path, sizeof(path), SCENE_GROUP "/%s", name);
	CHECK_OK(put_text(path, value));
}

static void group_make(void)
{
	static const char *const given[] = {"", "/cgroup.procs", "/cgroup.subtree_control", "/cgroup.threads"};
	char text[100];
	(void)put_text(CGROUP "/cgroup.subtree_control", "+memory +pids +cpu");
	CHECK(mkdir(SCENE_GROUP, 0755) == 0 || errno == EEXIST);
	snprintf(text, sizeof(text), "%d", MEMORY_MAX);
	put_limit("memory.max", text);
	snprintf(text, sizeof(text), "%d", PIDS_MAX);
	put_limit("pids.max", text);
	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++) {
		snprintf(text, sizeof(text), SCENE_GROUP "%s", given[i]);
		CHECK_OK(chown(text, NOBODY, NOBODY));
	}
}

static void group_end(const char *path)
{
	char below_it[400];
	DIR *folder = opendir(path);
	for (struct dirent *e; folder && (e = readdir(folder));)
		if (e->d_type == DT_DIR && e->d_name[0] != '.') {
			snprintf(below_it, sizeof(below_it), "%s/%s", path, e->d_name);
			group_end(below_it);
		}
	if (folder)
		closedir(folder);
	for (int i = 0; i < 500 && rmdir(path) && errno != ENOENT; i++)
		sleep_ms(10);
}
#endif
