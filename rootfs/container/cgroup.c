// SPDX-License-Identifier: MPL-2.0
#include "cgroup.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../lib/file.h"

enum {
	CPU_PERIOD_US = 100000,
	REMOVE_TRIES = 100,
	REMOVE_PAUSE_MS = 10,
	PROCS_SIZE_MAX = 1 << 20,
};

static void group_path(char *path, size_t size, const char *name, const char *file)
{
	snprintf(path, size, CGROUP_CONTAINERS "/%s%s%s", name, file[0] != '\0' ? "/" : "", file);
}

// Enables each controller that the group has, one at a time, so that one refusal costs only itself.
static int hand_down(const char *group, struct fault *fault)
{
	char path[PATH_MAX], controllers[256], command[64];
	char *rest = NULL;
	int error;

	snprintf(path, sizeof(path), "%s/cgroup.controllers", group);
	error = file_read_line(path, controllers, sizeof(controllers));
	if (error != 0)
		return fault_set(fault, error, "cannot read %s: %s", path, strerror(-error));
	snprintf(path, sizeof(path), "%s/cgroup.subtree_control", group);
	for (char *name = strtok_r(controllers, " ", &rest); name != NULL;
	     name = strtok_r(NULL, " ", &rest)) {
		snprintf(command, sizeof(command), "+%s", name);
		error = file_write_text(path, command);
		if (error != 0)
			fault_set(fault, error, "cannot enable %s in %s: %s", name, path,
				  strerror(-error));
	}
	return 0;
}

int cgroup_prepare(struct fault *fault)
{
	int error = hand_down(CGROUP_ROOT, fault);

	if (error != 0)
		return error;
	if (mkdir(CGROUP_CONTAINERS, 0755) < 0 && errno != EEXIST)
		return fault_errno(fault, "cannot make " CGROUP_CONTAINERS);
	return hand_down(CGROUP_CONTAINERS, fault);
}

static int set_limit(const char *name, const char *file, const char *value, struct fault *fault)
{
	char path[PATH_MAX];
	int error;

	group_path(path, sizeof(path), name, file);
	error = file_write_text(path, value);
	if (error == -ENOENT)
		return fault_set(fault, -EOPNOTSUPP, "the limit %s=%s was asked for, but this "
				 "kernel has no %s", file, value, file);
	if (error != 0)
		return fault_set(fault, error, "cannot set %s to %s: %s", file, value,
				 strerror(-error));
	return 0;
}

static int set_number(const char *name, const char *file, uint64_t number, struct fault *fault)
{
	char value[32];

	snprintf(value, sizeof(value), "%" PRIu64, number);
	return set_limit(name, file, value, fault);
}

static int set_limits(const char *name, const struct unit_resources *resources,
		      struct fault *fault)
{
	char path[PATH_MAX], value[64];
	int error = 0;

	if (resources->memory_bytes != 0)
		error = set_number(name, "memory.max", resources->memory_bytes, fault);
	if (error == 0 && resources->swap_bytes != 0)
		error = set_number(name, "memory.swap.max", resources->swap_bytes, fault);
	if (error == 0 && resources->cpu_milli != 0) {
		snprintf(value, sizeof(value), "%" PRIu64 " %d",
			 resources->cpu_milli * (CPU_PERIOD_US / 1000), CPU_PERIOD_US);
		error = set_limit(name, "cpu.max", value, fault);
	}
	if (error == 0 && resources->cpu_weight != 0)
		error = set_number(name, "cpu.weight", resources->cpu_weight, fault);
	if (error != 0)
		return error;
	if (resources->pids != 0)
		return set_number(name, "pids.max", resources->pids, fault);
	// Nobody asked, so this one is a kindness: no container gets every process of the machine.
	group_path(path, sizeof(path), name, "pids.max");
	return access(path, F_OK) == 0 ? set_number(name, "pids.max", UNIT_PIDS_DEFAULT, fault) : 0;
}

int cgroup_create(const char *name, const struct unit_resources *resources, struct fault *fault)
{
	char path[PATH_MAX];
	int error;

	group_path(path, sizeof(path), name, "");
	if (mkdir(path, 0755) < 0) {
		// A group left over from an earlier life is empty, or else still in use.
		if (errno != EEXIST || rmdir(path) < 0 || mkdir(path, 0755) < 0)
			return fault_errno(fault, "cannot make the control group %s", path);
	}
	error = set_limits(name, resources, fault);
	if (error != 0)
		rmdir(path);
	return error;
}

int cgroup_add(const char *name, pid_t pid, struct fault *fault)
{
	char path[PATH_MAX], text[32];
	int error;

	group_path(path, sizeof(path), name, "cgroup.procs");
	snprintf(text, sizeof(text), "%d", (int)pid);
	error = file_write_text(path, text);
	if (error != 0)
		return fault_set(fault, error, "cannot put process %d into its control group: %s",
				 (int)pid, strerror(-error));
	return 0;
}

// Without cgroup.kill: every process that is listed, once. The caller repeats while any is left.
static void kill_listed(const char *name)
{
	char path[PATH_MAX];
	char *list, *rest = NULL;
	size_t length;

	group_path(path, sizeof(path), name, "cgroup.procs");
	if (file_read_all(path, PROCS_SIZE_MAX, &list, &length) != 0)
		return;
	for (char *line = strtok_r(list, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest)) {
		pid_t pid = (pid_t)strtol(line, NULL, 10);

		if (pid > 1)
			kill(pid, SIGKILL);
	}
	free(list);
}

void cgroup_kill(const char *name)
{
	char path[PATH_MAX];

	group_path(path, sizeof(path), name, "cgroup.kill");
	if (file_write_text(path, "1") != 0)
		kill_listed(name);
}

int cgroup_remove(const char *name)
{
	static const struct timespec pause = {0, REMOVE_PAUSE_MS * 1000000L};
	char path[PATH_MAX];

	group_path(path, sizeof(path), name, "");
	for (int try = 0; try < REMOVE_TRIES; try++) {
		if (rmdir(path) == 0 || errno == ENOENT)
			return 0;
		if (errno != EBUSY)
			return -errno;
		cgroup_kill(name);
		nanosleep(&pause, NULL);
	}
	return -EBUSY;
}

unsigned long cgroup_oom_kills(const char *name)
{
	char path[PATH_MAX];
	char *text, *found;
	size_t length;
	unsigned long count = 0;

	group_path(path, sizeof(path), name, "memory.events");
	if (file_read_all(path, 4096, &text, &length) != 0)
		return 0;
	found = strstr(text, "oom_kill ");
	if (found != NULL)
		count = strtoul(found + strlen("oom_kill "), NULL, 10);
	free(text);
	return count;
}
