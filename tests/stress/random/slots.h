// SPDX-License-Identifier: MPL-2.0
/* Descriptors that each actor begins with, and which of them suit a call. */
#ifndef KEELSON_TESTS_STRESS_SLOTS_H
#define KEELSON_TESTS_STRESS_SLOTS_H
#include "dice.h"

#include <sys/syscall.h>

enum slot {
	SLOT_FILE = 3, SLOT_FOLDER, SLOT_PROC, SLOT_FIFO, SLOT_EVENT, SLOT_EPOLL, SLOT_TIMER, SLOT_INOTIFY, SLOT_MEMORY,
	SLOT_PROCESS, SLOT_TCP, SLOT_TCP_2, SLOT_UDP, SLOT_TCP_6, SLOT_NETLINK, SLOT_UNIX, SLOT_PACKET, SLOT_RAW,
	SLOT_TERMINAL, SLOT_NAMESPACE, SLOT_GROUP, SLOT_QUEUE, SLOT_RULES, SLOT_CONTEXT, SLOT_TREE, SLOT_PIPE,
	SLOT_PIPE_END, SLOT_PAIR, SLOT_PAIR_END, SLOT_PAIR_2, SLOT_PAIR_2_END, SLOT_FREE,
};

static inline uint64_t any_socket(struct dice *d)
{
	static const int fds[] = {SLOT_TCP, SLOT_TCP, SLOT_TCP_2, SLOT_UDP, SLOT_TCP_6, SLOT_NETLINK, SLOT_NETLINK,
		SLOT_UNIX, SLOT_PACKET, SLOT_RAW, SLOT_PAIR, SLOT_PAIR_END, SLOT_PAIR_2, SLOT_PAIR_2_END};
	return (uint64_t)PICK(d, fds);
}

/* The argument's name and the call tell what kind of file is wanted. 0: any. */
static inline uint64_t fitting_fd(struct dice *d, unsigned call, const char *name)
{
	switch (call) {
	case SYS_connect: case SYS_bind: case SYS_listen: case SYS_accept: case SYS_accept4: case SYS_getsockname:
	case SYS_getpeername: case SYS_setsockopt: case SYS_getsockopt: case SYS_sendto: case SYS_recvfrom:
		case SYS_sendmsg:
	case SYS_recvmsg: case SYS_sendmmsg: case SYS_recvmmsg: case SYS_shutdown:
		return any_socket(d);
	case SYS_timerfd_settime: case SYS_timerfd_gettime:
		return SLOT_TIMER;
	case SYS_inotify_add_watch: case SYS_inotify_rm_watch:
		return SLOT_INOTIFY;
	case SYS_fsconfig: case SYS_fsmount:
		return SLOT_CONTEXT;
	case SYS_setns:
		return one_in(d, 2) ? SLOT_NAMESPACE : SLOT_PROCESS;
	case SYS_getdents: case SYS_getdents64: case SYS_fchdir:
		return SLOT_FOLDER + below(d, 2);
	}
	if (!strcmp(name, "mqdes"))
		return SLOT_QUEUE;
	if (!strcmp(name, "ruleset_fd"))
		return SLOT_RULES;
	if (!strcmp(name, "epfd"))
		return SLOT_EPOLL;
	if (!strcmp(name, "pidfd"))
		return SLOT_PROCESS;
	if (!strcmp(name, "from_dirfd"))
		return one_in(d, 2) ? SLOT_TREE : (uint64_t)-100;
	return strstr(name, "dirfd") ? (below(d, 4) ? (uint64_t)-100 : SLOT_FOLDER) : 0;
}
#endif
