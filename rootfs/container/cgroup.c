// SPDX-License-Identifier: MPL-2.0
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/file.h"

enum {
	PROCS_SIZE_MAX = 1 << 20,
	FREEZE_WAIT_MS = 200, // init waits: no longer than a person does not feel
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

// Tasks stop on their way out of the kernel, which takes each its time: cgroup.events says when the last has.
static void wait_frozen(const char *name)
{
	char path[PATH_MAX], text[256];
	struct pollfd events = {.events = POLLPRI};
	ssize_t length;

	group_path(path, sizeof(path), name, "cgroup.events");
	events.fd = open(path, O_RDONLY | O_CLOEXEC);
	if (events.fd < 0)
		return;
	do {
		length = pread(events.fd, text, sizeof(text) - 1, 0);
		text[length < 0 ? 0 : length] = '\0';
	} while (strstr(text, "frozen 0") != NULL && poll(&events, 1, FREEZE_WAIT_MS) > 0);
	close(events.fd);
}

int cgroup_freeze(const char *name, enum cgroup_motion motion)
{
	char path[PATH_MAX];
	int error;

	group_path(path, sizeof(path), name, "cgroup.freeze");
	error = file_write_text(path, motion == CGROUP_FROZEN ? "1" : "0");
	if (error == 0 && motion == CGROUP_FROZEN)
		wait_frozen(name);
	return error;
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
