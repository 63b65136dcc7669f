// SPDX-License-Identifier: MPL-2.0
/*
 * cgroup v2: kernel memory is the group's too. From inside a group of 16 MiB each case takes what the kernel gives until it gives
 * no more or the group is full: the limit must be met, nothing may pass it by more than 5 %, and all of it must come back.
 */
#include "group.h"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sched.h>

enum { MIB = 1 << 20, LIMIT = 16 * MIB, PROCESSES_MAX = 128 };

static long number_in(const char *file, const char *key)
{
	char line[64];
	snprintf(line, sizeof(line), "%s ", key);
	for (const char *at = get(file); at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (!strncmp(at, line, strlen(line)))
			return strtol(at + strlen(line), NULL, 10);
	test_fail(__FILE__, __LINE__, "no %s in %s", key, file);
}

static long current(void)
{
	return strtol(get("memory.current"), NULL, 10);
}

static void raise_files(void)
{
	struct rlimit many = {1 << 17, 1 << 17};
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &many));
}

/* One process takes what it can and keeps it; returns when it is done or was killed. */
static void take_once(void (*body)(void))
{
	char byte;
	int done[2];
	CHECK_OK(pipe2(done, O_CLOEXEC));
	if (fork_checked() == 0) {
		close(done[0]);
		join();
		raise_files();
		body();
		(void)!write(done[1], "", 1);
		for (;;)
			pause();
	}
	close(done[1]);
	(void)!read(done[0], &byte, 1);
	close(done[0]);
}

/* Each process may be bounded by something else, so several take one after the other until the limit was met. */
static void attack(const char *name, void (*body)(void))
{
	int processes = 0;
	make_group(name, "+memory");
	put("memory.max", "16M");
	put("memory.swap.max", "0");
	while (processes < PROCESSES_MAX && !number_in("memory.events", "max")) {
		take_once(body);
		processes++;
	}
	double peak = (double)strtol(get("memory.peak"), NULL, 10) / LIMIT * 100;
	double kernel = (double)(number_in("memory.stat", "kernel") + number_in("memory.stat", "sock")) / LIMIT * 100;
	printf("= %s: peak %.2f %%, kernel memory %.2f %%, %d processes, events max %ld oom_kill %ld\n", name, peak, kernel,
	       processes, number_in("memory.events", "max"), number_in("memory.events", "oom_kill"));
	fflush(stdout);
	CHECK(number_in("memory.events", "max") >= 1);
	CHECK(peak >= 95);
	CHECK(peak <= 105);
	put("cgroup.kill", "1");
	while (waitpid(-1, NULL, 0) > 0)
		continue;
}

/* What was taken comes back. */
static void finish(void)
{
	(void)put_text(path_in("memory.reclaim"), "16M");
	WAIT_UNTIL(current() <= LIMIT / 8);
	remove_group();
}

#define ATTACK(name, body)                                                                         \
	TEST_LIMIT(name, 120)                                                                      \
	{                                                                                          \
		attack(#name, body);                                                               \
		finish();                                                                          \
	}

static void open_files(void)
{
	while (open("/dev/null", O_RDONLY) >= 0)
		continue;
}
ATTACK(files, open_files)

static void watch_with_epoll(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	int ends[2];
	CHECK_OK(pipe(ends));
	for (;;) {
		int fd = epoll_create1(0);
		if (fd < 0 || epoll_ctl(fd, EPOLL_CTL_ADD, ends[0], &event) != 0)
			return;
	}
}
ATTACK(epoll, watch_with_epoll)

static void make_sockets(void)
{
	int ends[2];
	while (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0)
		continue;
}
ATTACK(sockets, make_sockets)

enum { FILES_A_MESSAGE = 16 };

/* One message with as many new files, which nobody but the message keeps; returns its length or -1. */
static ssize_t send_new_files(int socket)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int) * FILES_A_MESSAGE)];
	} control = {.header = {.cmsg_len = CMSG_LEN(sizeof(int) * FILES_A_MESSAGE), .cmsg_level = SOL_SOCKET,
		.cmsg_type = SCM_RIGHTS}};
	struct iovec io = {"x", 1};
	struct msghdr message = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control)};
	int files[FILES_A_MESSAGE], opened = 0;
	while (opened < FILES_A_MESSAGE && (files[opened] = open("/dev/null", O_RDONLY)) >= 0)
		opened++;
	memcpy(CMSG_DATA(&control.header), files, sizeof(files));
	ssize_t n = opened == FILES_A_MESSAGE ? sendmsg(socket, &message, 0) : -1;
	int error = errno;
	for (int i = 0; i < opened; i++)
		close(files[i]);
	errno = error;
	return n;
}

/* Files that only messages refer to. */
static void send_files(void)
{
	int ends[2], size = 8 * MIB;
	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends));
	CHECK_OK(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size)));
	for (;;) {
		ssize_t n = send_new_files(ends[0]);
		if (n < 0 && errno == EAGAIN)
			CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends));
		else if (n < 0)
			return;
	}
}
ATTACK(files_in_flight, send_files)

/* A page of zeros at every gibibyte needs two page tables each. */
static void map_sparsely(void)
{
	volatile char sum = 0;
	for (int i = 0; i < 8192; i++) {
		char *at = (char *)(0x100000000000ul + ((unsigned long)i << 30));
		char *page = mmap(at, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
		if (page == MAP_FAILED)
			return;
		sum += *page;
	}
}
ATTACK(page_tables, map_sparsely)

static void fork_sleepers(void)
{
	put("memory.oom.group", "1"); /* one kill, not hundreds */
	for (int i = 0; i < 1000; i++) {
		pid_t child = fork();
		if (child < 0)
			return;
		if (child == 0)
			for (;;)
				pause();
	}
}
ATTACK(processes, fork_sleepers)

static void make_queues(void)
{
	char message[8192 + sizeof(long)] = {1};
	for (int i = 0; i < 64; i++) {
		int queue = msgget(IPC_PRIVATE, 0600);
		struct msqid_ds state;
		if (queue < 0)
			return;
		CHECK_OK(msgctl(queue, IPC_STAT, &state));
		while (msgsnd(queue, message, 8192, IPC_NOWAIT) == 0)
			continue;
	}
}

static void in_ipc_namespace(void (*body)(void))
{
	CHECK_OK(unshare(CLONE_NEWIPC));
	body();
}

static void take_queues(void)
{
	in_ipc_namespace(make_queues);
}
ATTACK(message_queues, take_queues)

static void make_semaphores(void)
{
	for (int i = 0; i < 64; i++)
		if (semget(IPC_PRIVATE, 500, 0600) < 0)
			return;
}

static void take_semaphores(void)
{
	in_ipc_namespace(make_semaphores);
}
ATTACK(semaphores, take_semaphores)

static void make_timers(void)
{
	struct sigevent none = {.sigev_notify = SIGEV_NONE};
	timer_t timer;
	struct rlimit many = {RLIM_INFINITY, RLIM_INFINITY};
	CHECK_OK(setrlimit(RLIMIT_SIGPENDING, &many));
	while (timer_create(CLOCK_MONOTONIC, &none, &timer) == 0)
		continue;
}
ATTACK(timers, make_timers)

static void open_tmpfs(void)
{
	private_mounts();
	CHECK_OK(mkdir("memory", 0755));
	CHECK_OK(mount("none", "memory", "tmpfs", 0, "nr_inodes=0"));
}

static void close_tmpfs(void)
{
	CHECK_OK(chdir("/"));
	finish();
}

static void make_folders(void)
{
	char name[32];
	CHECK_OK(chdir("memory"));
	for (int i = 0; i < 200000; i++) {
		snprintf(name, sizeof(name), "%d-%d", getpid(), i);
		if (mkdir(name, 0755) != 0)
			return;
		if (i % 100 == 99 && chdir(name) != 0)
			return;
	}
}

TEST_LIMIT(folders_in_memory, 120)
{
	open_tmpfs();
	attack("folders", make_folders);
	CHECK_OK(umount2("memory", MNT_DETACH));
	close_tmpfs();
}

static void make_and_watch_folders(void)
{
	char name[32];
	int queue = CHECK_OK(inotify_init1(0));
	CHECK_OK(chdir("memory"));
	for (int i = 0; i < 200000; i++) {
		snprintf(name, sizeof(name), "%d-%d", getpid(), i);
		if (mkdir(name, 0755) != 0)
			return;
		(void)inotify_add_watch(queue, name, IN_CREATE); /* their number is limited, too */
	}
}

TEST_LIMIT(watched_folders, 120)
{
	open_tmpfs();
	attack("watches", make_and_watch_folders);
	CHECK_OK(umount2("memory", MNT_DETACH));
	close_tmpfs();
}

/* Names that are only remembered are forgotten before anybody dies. */
static void look_up_many_names(void)
{
	char name[64];
	struct stat info;
	for (int i = 0; i < 40000; i++) {
		snprintf(name, sizeof(name), "disk/no-file-has-this-name-and-none-ever-will-%d", i);
		CHECK_ERR(stat(name, &info), ENOENT);
	}
}

TEST_LIMIT(names_are_forgotten_before_anybody_dies, 120)
{
	private_mounts();
	CHECK_OK(mkdir("disk", 0755));
	if (mount("/dev/vda", "disk", "ext2", 0, NULL) != 0)
		test_skip("no disk");
	make_group("names", "+memory");
	put("memory.max", "4M");
	put("memory.swap.max", "0");
	take_once(look_up_many_names);
	printf("= names: %ld bytes at the peak, events max %ld oom_kill %ld\n", strtol(get("memory.peak"), NULL, 10),
	       number_in("memory.events", "max"), number_in("memory.events", "oom_kill"));
	fflush(stdout);
	CHECK(strtol(get("memory.peak"), NULL, 10) <= 4 * MIB * 21 / 20);
	CHECK_EQ(number_in("memory.events", "oom_kill"), 0);
	put("cgroup.kill", "1");
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	CHECK_OK(umount("disk"));
	remove_group();
}

/* memory.stat tells what kind it is. */
static void keep_some(void)
{
	int ends[2];
	for (int i = 0; i < 100; i++)
		CHECK_OK(pipe(ends));
	for (int i = 0; i < 20; i++)
		if (fork_checked() == 0)
			for (;;)
				pause();
}

TEST(memory_stat_has_kinds)
{
	make_group("kinds", "+memory");
	CHECK_EQ(number_in("memory.stat", "kernel_stack"), 0);
	take_once(keep_some);
	WAIT_UNTIL(number_in("memory.stat", "kernel_stack") >= 20 * 16384);
	CHECK(number_in("memory.stat", "pagetables") >= 20 * 4 * PAGE);
	CHECK(number_in("memory.stat", "slab") >= 100 * 64);
	CHECK(number_in("memory.stat", "kernel") >= number_in("memory.stat", "kernel_stack") +
		number_in("memory.stat", "pagetables") + number_in("memory.stat", "slab"));
	CHECK(number_in("memory.stat", "kernel") <= current());
	put("cgroup.kill", "1");
	while (waitpid(-1, NULL, 0) > 0)
		continue;
	WAIT_UNTIL(number_in("memory.stat", "kernel_stack") == 0);
	WAIT_UNTIL(number_in("memory.stat", "pagetables") == 0);
	remove_group();
}
