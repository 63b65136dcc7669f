// SPDX-License-Identifier: MPL-2.0
/* What an actor finds: files by the names that texts.h knows, and descriptors at the numbers of slots.h. */
#ifndef KEELSON_TESTS_STRESS_STAGE_H
#define KEELSON_TESTS_STRESS_STAGE_H
#include "group.h"
#include "slots.h"

#include <sys/socket.h>

static void scene_files(void)
{
	static const char *const folders[] = {"d", "d/e", "m", "l", "u", "w"};
	static const char *const files[] = {"a", "b", "d/a", "l/a",
		"l/b", "d/e/f"};
	(void)chdir("/tmp");
	umask(0);
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		(void)mkdir(folders[i], 0777);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		close(open(files[i], O_CREAT | O_RDWR, 0666));
	(void)truncate("a", 20000);
	(void)symlink("d/a", "link");
	(void)symlink("loop", "loop");
	(void)mkfifo("fifo", 0666);
	(void)mkdir(CGROUP "/a", 0755);
	(void)mkdir(CGROUP "/a/b", 0755);
}

/* Descriptors of many kinds at numbers that any_fd_for() knows (values.h). */
static void put_slot(enum slot at, int fd)
{
	if (fd < 0 || fd == (int)at)
		return;
	(void)dup2(fd, (int)at);
	close(fd);
}

static void put_pair(enum slot at, int pair[2])
{
	put_slot(at, pair[0]);
	put_slot(at + 1, pair[1]);
}

static void scene_descriptors(void)
{
	int pair[2];
	(void)syscall(SYS_close_range, 3, ~0u, 0);
	put_slot(SLOT_FILE, open("a", O_RDWR));
	put_slot(SLOT_FOLDER, open("d", O_RDONLY | O_DIRECTORY));
	put_slot(SLOT_PROC, open("/proc/self", O_RDONLY | O_DIRECTORY));
	put_slot(SLOT_FIFO, open("fifo", O_RDWR | O_NONBLOCK));
	put_slot(SLOT_EVENT, (int)syscall(SYS_eventfd2, 3, 04000));
	put_slot(SLOT_EPOLL, (int)syscall(SYS_epoll_create1, 0));
	put_slot(SLOT_TIMER, (int)syscall(SYS_timerfd_create, 1, 04000));
	put_slot(SLOT_INOTIFY, (int)syscall(SYS_inotify_init1, 04000));
	put_slot(SLOT_MEMORY, (int)syscall(SYS_memfd_create, "m", 2));
	put_slot(SLOT_PROCESS, (int)syscall(SYS_pidfd_open, getpid(), 0));
	put_slot(SLOT_TCP, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	put_slot(SLOT_TCP_2, socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
	put_slot(SLOT_UDP, socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
	put_slot(SLOT_TCP_6, socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0));
	put_slot(SLOT_NETLINK, socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK, 0));
	put_slot(SLOT_UNIX, socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0));
	put_slot(SLOT_PACKET, socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0x300));
	put_slot(SLOT_RAW, socket(AF_INET, SOCK_RAW | SOCK_NONBLOCK, 1));
	put_slot(SLOT_TERMINAL, open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK));
	put_slot(SLOT_NAMESPACE, open("/proc/self/ns/net", O_RDONLY));
	put_slot(SLOT_GROUP, open(CGROUP "/a", O_RDONLY | O_DIRECTORY));
	put_slot(SLOT_QUEUE, (int)syscall(SYS_mq_open, "q", O_RDWR | O_CREAT | O_NONBLOCK, 0666, NULL));
	put_slot(SLOT_RULES, (int)syscall(SYS_landlock_create_ruleset, &(uint64_t){0xfff}, 8, 0));
	put_slot(SLOT_CONTEXT, (int)syscall(SYS_fsopen, "tmpfs", 0));
	put_slot(SLOT_TREE, (int)syscall(SYS_open_tree, AT_FDCWD, "d", 1));
	if (!pipe2(pair, O_NONBLOCK))
		put_pair(SLOT_PIPE, pair);
	if (!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair))
		put_pair(SLOT_PAIR, pair);
	if (!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair))
		put_pair(SLOT_PAIR_2, pair);
}
#endif
