// SPDX-License-Identifier: MPL-2.0
/*
 * A user namespace gives its root every capability over what belongs to it, and none over what belongs to no namespace:
 * memory locks, process limits, the out-of-memory order, terminals, priorities. Each is asked for by an ordinary user
 * who has become root of a namespace of its own. Then: how deep such namespaces nest, and how many there can be.
 */
#include "container.h"

#include <linux/ioprio.h>
#include <linux/sched.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <termios.h>

/* An ordinary user, then root of a namespace: 0 where that is refused. */
static int become_root_of_nothing(int more)
{
	if (getuid() == 0 && (setgid(1000) || setuid(1000) || prctl(PR_SET_DUMPABLE, 1)))
		return 0;
	return become_root_of_own_namespace(more);
}

ESCAPE(memory_cannot_be_locked)
{
	struct rlimit limit = {PAGE, PAGE};
	CHECK_OK(setrlimit(RLIMIT_MEMLOCK, &limit));
	if (!become_root_of_nothing(0))
		return 0;
	CHECK_ERR(mlock(map_pages(16), 16 * PAGE), ENOMEM);
	limit.rlim_cur = limit.rlim_max = 1 << 20;
	CHECK_ERR(setrlimit(RLIMIT_MEMLOCK, &limit), EPERM);
	return 0;
}

ESCAPE(processes_stay_limited)
{
	struct rlimit limit = {8, 8};
	if (!become_root_of_nothing(0))
		return 0;
	CHECK_OK(setrlimit(RLIMIT_NPROC, &limit));
	int made = 0;
	for (pid_t child; (child = fork()) >= 0; made++) {
		if (child == 0)
			for (;;)
				pause();
		CHECK(made < 8);
	}
	CHECK_EQ(errno, EAGAIN);
	return 0;
}

ESCAPE(out_of_memory_order_stays)
{
	if (!become_root_of_nothing(0))
		return 0;
	CHECK_OK(put_text("/proc/self/oom_score_adj", "500"));
	REFUSED(put_text("/proc/self/oom_score_adj", "-1000"));
	REFUSED(put_text("/proc/self/oom_score_adj", "-1"));
	return 0;
}

ESCAPE(priorities_stay)
{
	if (!become_root_of_nothing(0))
		return 0;
	struct sched_param first = {.sched_priority = 50};
	REFUSED(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &first));
	REFUSED(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(IOPRIO_CLASS_RT, 0)));
	REFUSED(setpriority(PRIO_PROCESS, 0, -10));
	return 0;
}

/* A terminal that came from outside by a descriptor, opened by somebody with privileges: as a runtime leaves it. */
ESCAPE(nothing_is_typed_for_others)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), number = 0;
	char path[32];
	if (master < 0 || ioctl(master, TIOCGPTN, &number))
		return 0;
	(void)ioctl(master, TIOCSPTLCK, &(int){0});
	snprintf(path, sizeof(path), "/dev/pts/%d", number);
	pid_t shell = fork_checked();
	if (shell == 0) {
		setsid();
		int own = CHECK_OK(open(path, O_RDWR));
		CHECK_OK(ioctl(own, TIOCSCTTY, 0));
		pause();
	}
	int terminal = CHECK_OK(open(path, O_RDWR | O_NOCTTY));
	sleep_ms(200);
	pid_t child = fork_checked();
	if (child == 0) {
		setsid();
		/* Without privileges over the machine, whoever opened the terminal. */
		if (become_root_of_nothing(0) || setuid(1000) == 0) {
			for (const char *c = "rm -rf /\n"; *c; c++)
				REFUSED(ioctl(terminal, TIOCSTI, c));
			REFUSED(ioctl(terminal, TIOCSCTTY, 1));
		}
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	kill(shell, SIGKILL);
	return 0;
}

ESCAPE(queues_stay_limited)
{
	struct mq_attr huge = {.mq_maxmsg = 65537, .mq_msgsize = 1};
	struct mq_attr wraps = {.mq_maxmsg = 1l << 62, .mq_msgsize = 4};
	REFUSED(mq_open("/wraps", O_CREAT | O_RDWR, 0600, &wraps));
	if (!become_root_of_nothing(0))
		return 0;
	REFUSED(mq_open("/huge", O_CREAT | O_RDWR, 0600, &huge));
	huge.mq_maxmsg = 100;	/* more than fs.mqueue.msg_max */
	REFUSED(mq_open("/large", O_CREAT | O_RDWR, 0600, &huge));
	return 0;
}

/* A process number of one's choice, in a pid namespace that is not one's own. */
ESCAPE(numbers_cannot_be_chosen)
{
	pid_t wanted = 3000;
	struct clone_args call = {.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&wanted, .set_tid_size = 1};
	if (!become_root_of_nothing(0))
		return 0;
	REFUSED(syscall(SYS_clone3, &call, sizeof(call)));
	return 0;
}

/* The sender of a message is who it says: also towards those who only see numbers. */
ESCAPE(senders_cannot_be_forged)
{
	int pair[2];
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(struct ucred))];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(struct ucred)), .cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_CREDENTIALS}};
	struct iovec part = {"x", 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control)};
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	if (!become_root_of_nothing(0))
		return 0;
	struct ucred other = {.pid = getppid() ? getppid() : 1, .uid = 0, .gid = 0};
	if (other.pid == getpid())
		return 0;
	memcpy(CMSG_DATA(&control.header), &other, sizeof(other));
	REFUSED(sendmsg(pair[0], &message, 0));
	return 0;
}

ESCAPE(files_are_not_linked_by_descriptor)
{
	int file = CHECK_OK(open("/proc/self/exe", O_PATH));
	if (!become_root_of_nothing(0))
		return 0;
	REFUSED(linkat(file, "", AT_FDCWD, "linked", AT_EMPTY_PATH));
	return 0;
}

ESCAPE(machine_is_not_of_the_namespace)
{
	if (!become_root_of_nothing(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS))
		return 0;
	REFUSED(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x01234567, NULL));
	REFUSED(syscall(SYS_settimeofday, &(struct timeval){1, 0}, NULL));
	REFUSED(syscall(SYS_clock_settime, CLOCK_REALTIME, &(struct timespec){1, 0}));
	REFUSED(syscall(SYS_init_module, "", 0, ""));
	REFUSED(syscall(SYS_kexec_load, 0, 0, NULL, 0));
	REFUSED(syscall(SYS_swapon, "/tmp", 0));
	REFUSED(syscall(SYS_iopl, 3));
	REFUSED(syscall(SYS_ioperm, 0x80, 1, 1));
	REFUSED(syscall(SYS_syslog, 5, NULL, 0));
	REFUSED(syscall(SYS_vhangup));
	REFUSED(syscall(SYS_acct, "/tmp/x"));
	REFUSED(mknod("node", S_IFCHR | 0666, makedev(1, 1)));
	REFUSED(syscall(SYS_open_by_handle_at, AT_FDCWD, &(int[4]){8, 1, 2, 0}, O_RDONLY));
	REFUSED(put_text("/proc/sys/kernel/core_pattern", "|/x"));
	REFUSED(put_text("/proc/sys/kernel/pid_max", "301"));
	REFUSED(put_text("/proc/sys/vm/overcommit_memory", "1"));
	return 0;
}

ESCAPE_LIMIT(namespaces_nest_so_deep, 60)
{
	pid_t child = fork_checked();
	if (child == 0) {
		int depth = 0;
		while (depth < 100 && become_root_of_own_namespace(0))
			depth++;
		_exit(depth);
	}
	int depth = wait_exit(child);
	CHECK(depth <= 33);
	child = fork_checked();
	if (child == 0) {
		int made = 0;
		while (unshare(CLONE_NEWPID) == 0) {
			pid_t inner = fork();
			if (inner < 0 || ++made > 100)
				break;
			if (inner)
				_exit(wait_exit(inner));
		}
		_exit(made);
	}
	CHECK(wait_exit(child) <= 33);
	return 0;
}
