// SPDX-License-Identifier: MPL-2.0
/* Short words of the cases about namespaces: their files, processes in new ones, a body in a child. */
#ifndef KEELSON_TESTS_NAMESPACES_NAMESPACE_H
#define KEELSON_TESTS_NAMESPACES_NAMESPACE_H

#include "support.h"

#include <sched.h>
#include <sys/syscall.h>

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#define HELPER __attribute__((unused)) static

/* Runs the body in a child, which must not fail. */
#define APART(...)                                                                                 \
	do {                                                                                       \
		pid_t child_ = fork_checked();                                                     \
		if (child_ == 0) {                                                                 \
			__VA_ARGS__;                                                               \
			_exit(0);                                                                  \
		}                                                                                  \
		CHECK_EQ(wait_exit(child_), 0);                                                    \
	} while (0)

/* fork in new namespaces; the child is process 1 of a new pid namespace if asked for. */
HELPER pid_t clone_into(unsigned long new)
{
	return (pid_t)CHECK_OK(syscall(SYS_clone, new | SIGCHLD, 0, 0, 0, 0));
}

/* The namespace of that kind that a process is in. */
HELPER int ns_open_of(pid_t pid, const char *kind)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, kind);
	return CHECK_OK(open(path, O_RDONLY | O_CLOEXEC));
}

HELPER int ns_open(const char *kind)
{
	char path[64];
	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	return CHECK_OK(open(path, O_RDONLY | O_CLOEXEC));
}

HELPER ino_t ns_number(int fd)
{
	struct stat info;
	CHECK_OK(fstat(fd, &info));
	return info.st_ino;
}

#endif
