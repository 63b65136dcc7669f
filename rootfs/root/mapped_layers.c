// SPDX-License-Identifier: MPL-2.0
// Theory: a namespace lives as long as somebody holds it. A child is born into a fresh one and waits; the parent writes
// its maps, opens it, and lets the child go.
#include "mapped_layers.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../lib/file.h"
#include "id_range.h"

// Of the system calls that the C library does not know. The numbers are those of linux/mount.h.
enum {
	CALL_OPEN_TREE = 428,
	CALL_MOVE_MOUNT = 429,
	CALL_MOUNT_SETATTR = 442,
	TREE_CLONE = 1,
	MOVE_FROM_DESCRIPTOR = 0x04,
	ATTRIBUTE_IDMAP = 0x100000,
};

struct mount_attributes {
	uint64_t set, clear, propagation, namespace;
};

int mapped_layer_mount(int from, const char *name, int namespace, const char *to, struct fault *fault)
{
	struct mount_attributes attributes = {.set = ATTRIBUTE_IDMAP, .namespace = (uint64_t)namespace};
	int tree = (int)syscall(CALL_OPEN_TREE, from, name, TREE_CLONE | O_CLOEXEC);
	int error = 0;

	if (tree < 0)
		return fault_errno(fault, "cannot open the layer %s", name);
	if (syscall(CALL_MOUNT_SETATTR, tree, "", AT_EMPTY_PATH, &attributes, sizeof(attributes)) < 0)
		error = fault_errno(fault, "cannot map the ids of the layer %s", name);
	else if (mkdir(to, 0755) < 0 && errno != EEXIST)
		error = fault_errno(fault, "cannot make %s", to);
	else if (syscall(CALL_MOVE_MOUNT, tree, "", AT_FDCWD, to, MOVE_FROM_DESCRIPTOR) < 0)
		error = fault_errno(fault, "cannot mount the layer %s", name);
	close(tree);
	return error;
}

static int write_map(pid_t pid, const char *file, uint32_t base)
{
	char path[64], map[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	snprintf(map, sizeof(map), "0 %u %d", base, ID_RANGE_SIZE);
	return file_write_text(path, map);
}

static _Noreturn void live_in_namespace(int ready)
{
	if (unshare(CLONE_NEWUSER) == 0 && write(ready, "r", 1) == 1) {
		for (;;)
			pause();
	}
	_exit(1);
}

static int open_namespace(pid_t pid, uint32_t base, struct fault *fault)
{
	char path[64];
	int error = write_map(pid, "uid_map", base), fd;

	if (error == 0)
		error = write_map(pid, "gid_map", base);
	if (error != 0)
		return fault_set(fault, error, "cannot write a map of ids: %s", strerror(-error));
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? fd : fault_errno(fault, "cannot open %s", path);
}

int mapped_namespace_open(uint32_t base, struct fault *fault)
{
	int ready[2], fd;
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) < 0)
		return fault_errno(fault, "cannot make a pipe");
	pid = fork();
	if (pid == 0)
		live_in_namespace(ready[1]);
	close(ready[1]);
	if (pid < 0) {
		close(ready[0]);
		return fault_errno(fault, "cannot make a process");
	}
	fd = read(ready[0], &byte, 1) == 1 ? open_namespace(pid, base, fault)
					    : fault_set(fault, -EPERM, "cannot make a user namespace");
	close(ready[0]);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return fd;
}
