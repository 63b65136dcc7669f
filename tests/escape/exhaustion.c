// SPDX-License-Identifier: MPL-2.0
/*
 * What a container can use up beside its processes and its memory, as an ordinary user where a limit spares root:
 * each ends in an error, and when the process is gone the host has it back.
 */
#include "container.h"

#include <mqueue.h>
#include <sys/epoll.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>

/* Sends `fd` through the socket. */
static int send_file(int socket, int fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
	struct iovec part = {"x", 1};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control)};
	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return (int)sendmsg(socket, &message, MSG_DONTWAIT);
}

/* CVE-2021-0920's ground: sockets that are on their way through each other and through nobody's hands. */
ESCAPE_LIMIT(sockets_in_a_circle, 60)
{
	for (int n = 0; n < 500; n++) {
		int a[2], b[2];
		CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, a));
		CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, b));
		if (send_file(a[0], a[1]) < 0 || send_file(a[0], b[1]) < 0 || send_file(b[0], a[1]) < 0)
			CHECK_EQ(errno, ETOOMANYREFS);
		close(a[0]);
		close(a[1]);
		close(b[0]);
		close(b[1]);
	}
	return 0;
}

/* A chain of sockets, each in the one before: as deep as the limit of open files, no deeper. */
ESCAPE_LIMIT(files_on_their_way, 60)
{
	int pair[2], sent = 0;
	struct rlimit limit = {64, 64};
	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
	CHECK_OK(fcntl(pair[0], F_SETFL, O_NONBLOCK));
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
	(void)setuid(1000);
	for (int n = 0; n < 1000; n++) {
		int s = CHECK_OK(socket(AF_UNIX, SOCK_DGRAM, 0));
		if (send_file(pair[0], s) < 0) {
			CHECK(errno == ETOOMANYREFS || errno == EAGAIN || errno == ENOBUFS);
			close(s);
			break;
		}
		close(s);
		sent++;
	}
	CHECK(sent < 1000);
	return 0;
}

/* One open file for each process and number: the machine's own limit is far, and the host has room left. */
ESCAPE_LIMIT(open_files_of_many, 60)
{
	long total = 0;
	struct rlimit limit;
	CHECK_OK(getrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_cur = limit.rlim_max < 4096 ? limit.rlim_max : 4096;
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
	for (int n = 0; n < 16; n++) {
		pid_t child = fork_checked();
		if (child == 0) {
			int made = 0;
			while (open("/dev/null", O_RDONLY) >= 0)
				made++;
			CHECK(errno == EMFILE || errno == ENFILE || errno == ENOMEM);
			_exit(made > 0 ? 0 : 1);
		}
		total += wait_exit(child) == 0;
	}
	CHECK(total > 0);
	return 0;
}

ESCAPE_LIMIT(pipes_full, 60)
{
	static char block[1 << 16];
	struct rlimit limit = {1024, 1024};
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
	long held = 0;
	pid_t child = fork_checked();
	if (child > 0) {
		int status;
		CHECK_EQ(waitpid(child, &status, 0), child);
		CHECK(WIFSIGNALED(status) ? WTERMSIG(status) == SIGKILL : WEXITSTATUS(status) == 0);
		return 0;
	}
	CHECK_OK(put_text("/proc/self/oom_score_adj", "1000"));	/* pipes are nobody's: let it be this one */
	(void)setuid(1000);
	for (int ends[2]; pipe2(ends, O_NONBLOCK) == 0;) {
		(void)fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
		for (ssize_t n; (n = write(ends[1], block, sizeof(block))) > 0;)
			held += n;
	}
	CHECK(errno == EMFILE || errno == ENFILE || errno == ENOMEM);
	long most = own_limit("memory.max");
	_exit(held < (most > 0 && most < 64 << 20 ? most : 256l << 20) ? 0 : 1);
}

ESCAPE_LIMIT(watches_of_epoll, 60)
{
	struct epoll_event event = {.events = EPOLLIN};
	(void)setuid(1000);
	int made = 0;
	for (int n = 0; n < 200; n++) {
		int epoll = epoll_create1(0);
		if (epoll < 0)
			break;
		for (int fd = 0; fd < epoll; fd++)
			made += epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == 0;
	}
	CHECK(made < 200 * 200);
	return 0;
}

/* Circles of epoll files, and chains that would make one event a thousand. */
ESCAPE(epoll_in_epoll)
{
	struct epoll_event event = {.events = EPOLLIN};
	int first = CHECK_OK(epoll_create1(0)), last = first, depth = 0;
	REFUSED(epoll_ctl(first, EPOLL_CTL_ADD, first, &event));
	for (; depth < 20; depth++) {
		int next = CHECK_OK(epoll_create1(0));
		if (epoll_ctl(next, EPOLL_CTL_ADD, last, &event))
			break;
		last = next;
	}
	CHECK(depth < 20);
	REFUSED(epoll_ctl(first, EPOLL_CTL_ADD, last, &event));
	return 0;
}

ESCAPE_LIMIT(signals_and_timers, 60)
{
	struct rlimit limit = {128, 128};
	struct sigevent none = {.sigev_notify = SIGEV_NONE};
	timer_t timer;
	CHECK_OK(setrlimit(RLIMIT_SIGPENDING, &limit));
	(void)setuid(1000);
	int made = 0;
	while (made < 1000 && timer_create(CLOCK_MONOTONIC, &none, &timer) == 0)
		made++;
	CHECK(made <= 128);
	CHECK_EQ(errno, EAGAIN);
	sigset_t all;
	sigfillset(&all);
	CHECK_OK(sigprocmask(SIG_BLOCK, &all, NULL));
	for (made = 0; made < 1000 && sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == 0; made++)
		continue;
	CHECK(made <= 128);
	return 0;
}

ESCAPE_LIMIT(message_queues, 60)
{
	static char text[8192];
	struct mq_attr attr = {.mq_maxmsg = 10, .mq_msgsize = 8192};
	char name[16];
	int made = 0;
	(void)setuid(1000);
	for (; made < 1000; made++) {
		snprintf(name, sizeof(name), "/q%d", made);
		mqd_t q = mq_open(name, O_CREAT | O_RDWR | O_NONBLOCK, 0600, &attr);
		if (q < 0)
			break;
		while (mq_send(q, text, sizeof(text), 0) == 0)
			continue;
		mq_close(q);
	}
	CHECK(made < 1000);
	while (made-- > 0) {
		snprintf(name, sizeof(name), "/q%d", made);
		mq_unlink(name);
	}
	return 0;
}

/* Of System V, in an IPC namespace that dies with the container: bounded in number and by the memory. */
ESCAPE_LIMIT(system_v_objects, 60)
{
	int made = 0, ids[5000];
	while (made < 5000 && (ids[made] = shmget(IPC_PRIVATE, PAGE, 0600)) >= 0)
		made++;
	CHECK(made < 5000);
	while (made > 0)
		CHECK_OK(shmctl(ids[--made], IPC_RMID, NULL));
	return 0;
}

ESCAPE_LIMIT(areas_of_memory, 60)
{
	long made = 0;
	for (; made < 100000; made++) {
		int protection = made & 1 ? PROT_READ : PROT_READ | PROT_WRITE;
		if (mmap(NULL, PAGE, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
			break;
	}
	CHECK(made < 100000);
	return 0;
}

/* Many crashes: each is a line in the host's log, so there must be few. */
ESCAPE_LIMIT(crashes_without_end, 60)
{
	struct rlimit none = {0, 0};
	CHECK_OK(setrlimit(RLIMIT_CORE, &none));
	for (int n = 0; n < 200; n++) {
		pid_t child = fork_checked();
		if (child == 0) {
			*(volatile int *)8 = 1;
			_exit(0);
		}
		CHECK_EQ(wait_signal(child), SIGSEGV);
	}
	return 0;
}

/* Names that do not exist are remembered: as many as memory has room for. */
ESCAPE_LIMIT(names_that_are_not_there, 60)
{
	char name[32];
	for (int n = 0; n < 30000; n++) {
		snprintf(name, sizeof(name), "/tmp/no-%d", n);
		CHECK(access(name, F_OK) < 0);
	}
	return 0;
}

ESCAPE_LIMIT(locks_of_files, 60)
{
	int file = CHECK_OK(open("locked", O_RDWR | O_CREAT, 0600)), made = 0;
	for (; made < 20000; made++) {
		struct flock lock = {.l_type = made & 1 ? F_RDLCK : F_WRLCK, .l_whence = SEEK_SET, .l_start = made * 2l,
			.l_len = 1};
		if (fcntl(file, F_SETLK, &lock))
			break;
	}
	CHECK(made > 0);
	return 0;
}

/* A folder in a folder in a folder: names longer than any buffer, walked and removed. */
ESCAPE_LIMIT(deep_folders, 60)
{
	static char path[PAGE];
	int depth = 0;
	for (; depth < 400; depth++) {
		if (mkdir("d", 0755) || chdir("d"))
			break;
	}
	REFUSED(syscall(SYS_getcwd, path, 64));
	for (; depth > 0; depth--) {
		CHECK_OK(chdir(".."));
		CHECK_OK(rmdir("d"));
	}
	return 0;
}
