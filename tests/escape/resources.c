// SPDX-License-Identifier: MPL-2.0
/* Attacks on what all share, and on other processes, from inside a container: bounded, and the host goes on. */
#include "container.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/klog.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <stddef.h>

ESCAPE_LIMIT(fork_bomb, 120)
{
	long made = 0, most = own_limit("pids.max");
	if (most <= 0)
		test_skip("no limit");
	for (;; made++) {
		pid_t child = fork();
		if (child < 0)
			break;
		if (child == 0)
			for (;;)
				pause();
		CHECK(made < most);
	}
	CHECK_EQ(errno, EAGAIN);
	CHECK(made < most);
	return 0;
}

static int eat_memory(long most)
{
	for (long n = 0; n < most; n += 1 << 20) {
		char *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED)
			return 3;
		memset(memory, 1, 1 << 20);
	}
	return 0;
}

ESCAPE_LIMIT(memory_bomb, 120)
{
	long most = own_limit("memory.max");
	if (most <= 0)
		test_skip("no limit");
	pid_t child = fork_checked();
	if (child == 0)
		_exit(eat_memory(4 * most));
	CHECK_EQ(wait_signal(child), SIGKILL);
	return 0;
}

/* Files in memory are charged like memory, and limited by their mount. */
ESCAPE_LIMIT(files_in_memory, 120)
{
	static char block[1 << 16];
	memset(block, 1, sizeof(block));
#ifdef INSIDE
	if (own_limit("memory.max") <= 64 << 20)
		test_skip("the shared folder is larger than the memory");
#endif
	int fd = CHECK_OK(open("/dev/shm/big", O_CREAT | O_WRONLY, 0600));
	long written = 0;
	while (write(fd, block, sizeof(block)) > 0)
		written += sizeof(block);
	CHECK_EQ(errno, ENOSPC);
	CHECK(written <= 64 << 20);
	CHECK_OK(unlink("/dev/shm/big"));
	return 0;
}

ESCAPE(descriptors)
{
	struct rlimit limit = {256, 256};
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
	int made = 0;
	while (open("/dev/null", O_RDONLY) >= 0)
		made++;
	CHECK_EQ(errno, EMFILE);
	CHECK(made < 256);
	limit.rlim_max = limit.rlim_cur = 1 << 20;
	CHECK_ERR(setrlimit(RLIMIT_NOFILE, &limit), EPERM);
	return 0;
}

ESCAPE_LIMIT(inotify_instances, 60)
{
	int made = 0;
	while (inotify_init() >= 0 && made < 5000)
		made++;
	CHECK(made < 5000);
	CHECK(errno == EMFILE || errno == ENOMEM);
	return 0;
}

/* Keys are bounded by a quota for each user, or not to be had at all. */
ESCAPE_LIMIT(keyrings, 60)
{
	char name[32];
	/* root's quota is the machine's: sysctl kernel.keys.root_maxkeys */
	int most = setuid(1000) ? 2000 : 100000;
	for (int n = 0; n < most; n++) {
		snprintf(name, sizeof(name), "key %d", n);
		if (syscall(SYS_add_key, "user", name, "payload", 7, -3) < 0) {
			CHECK(errno == EDQUOT || errno == ENOSYS || errno == EPERM);
			return 0;
		}
	}
	return most == 100000;
}

ESCAPE_LIMIT(sockets_and_pipes, 60)
{
	struct rlimit limit = {1024, 1024};
	int pair[2], made = 0;
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
	while (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0)
		made++;
	CHECK(errno == EMFILE || errno == ENOBUFS || errno == ENOMEM);
	return 0;
}

/* --- other processes, and the machine ------------------------------------------------------------------------ */

/* Nobody is seen who has another root. */
ESCAPE(processes_of_the_host_are_unseen)
{
	struct stat own, other;
	char path[32];
	CHECK_OK(stat("/", &own));
	for (int pid = 2; pid < 1000; pid++) {
		if (kill(pid, 0) == 0) {
			snprintf(path, sizeof(path), "/proc/%d/root/", pid);
			CHECK(stat(path, &other) || (other.st_ino == own.st_ino && other.st_dev == own.st_dev));
		} else {
			CHECK_ERR(ptrace(PTRACE_ATTACH, pid, NULL, NULL), ESRCH);
		}
	}
#ifndef INSIDE
	CHECK_EQ(getpid(), 1);
	CHECK_ERR(kill(-1, SIGKILL), ESRCH);
	CHECK_EQ(getppid(), 0);
#endif
	return 0;
}

ESCAPE(namespaces_cannot_be_changed)
{
	CHECK_ERR(unshare(CLONE_NEWNS), EPERM);
	CHECK_ERR(unshare(CLONE_NEWNET), EPERM);
	CHECK_ERR(unshare(CLONE_NEWCGROUP), EPERM);
	int own = CHECK_OK(open("/proc/self/ns/net", O_RDONLY));
	CHECK_ERR(setns(own, 0), EPERM);
	CHECK_ERR(sethostname("mine", 4), EPERM);
	return 0;
}

ESCAPE(machine_cannot_be_stopped)
{
	CHECK_ERR(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x01234567, NULL), EPERM);
	struct timeval now = {1, 0};
	CHECK_ERR(settimeofday(&now, NULL), EPERM);
	CHECK(syscall(SYS_init_module, "", 0, "") < 0);
	CHECK(errno == EPERM || errno == ENOSYS);
	CHECK(syscall(SYS_kexec_load, 0, 0, NULL, 0) < 0);
	CHECK(errno == EPERM || errno == ENOSYS);
	CHECK(syscall(SYS_swapon, "/tmp", 0) < 0);
	CHECK(errno == EPERM || errno == ENOSYS);
	CHECK(syscall(SYS_iopl, 3) < 0);
	CHECK(errno == EPERM || errno == ENOSYS);
	CHECK(syscall(SYS_ioperm, 0x80, 1, 1) < 0);
	CHECK(errno == EPERM || errno == ENOSYS);
	CHECK_ERR(klogctl(5, NULL, 0), EPERM);	/* clear the log */
	CHECK_ERR(klogctl(6, NULL, 0), EPERM);	/* the console's level */
	return 0;
}

ESCAPE(priorities_cannot_be_raised)
{
	struct sched_param first = {.sched_priority = 50};
	CHECK_ERR(syscall(SYS_sched_setscheduler, 0, SCHED_FIFO, &first), EPERM);
	CHECK(setpriority(PRIO_PROCESS, 0, -10) < 0);
	CHECK(put_text("/proc/self/oom_score_adj", "-1000") < 0);
	struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
	CHECK_ERR(setrlimit(RLIMIT_MEMLOCK, &limit), EPERM);
	return 0;
}

/* --- what the host has of the same names --------------------------------------------------------------------- */

enum { HOST_KEY = 0x4b65656c, HOST_PORT = 4711 };
static struct sockaddr_un host_name = {.sun_family = AF_UNIX, .sun_path = "\0containerd-shim"};
#define HOST_NAME_SIZE (offsetof(struct sockaddr_un, sun_path) + 16)

static void listen_on_host(void)
{
	int s = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_OK(bind(s, (struct sockaddr *)&host_name, HOST_NAME_SIZE));
	CHECK_OK(listen(s, 5));
}

static void connect_on_host(void)
{
	int own = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_OK(connect(own, (struct sockaddr *)&host_name, HOST_NAME_SIZE));
}

/* CVE-2020-15257: the abstract socket of a shim. */
ESCAPE_WITH_HOST(abstract_sockets_of_the_host, listen_on_host, connect_on_host)
{
	int s = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_ERR(connect(s, (struct sockaddr *)&host_name, HOST_NAME_SIZE), ECONNREFUSED);
	return 0;
}

static int host_memory = -1;
static void share_memory_on_host(void)
{
	host_memory = CHECK_OK(shmget(HOST_KEY, PAGE, IPC_CREAT | 0666));
}
static void remove_memory_on_host(void)
{
	CHECK_OK(shmctl(host_memory, IPC_RMID, NULL));
}

ESCAPE_WITH_HOST(shared_memory_of_the_host, share_memory_on_host, remove_memory_on_host)
{
	CHECK_ERR(shmget(HOST_KEY, PAGE, 0600), ENOENT);
	for (int id = 0; id < 64; id++)
		CHECK((long)shmat(id, NULL, SHM_RDONLY) == -1);
	return 0;
}

static int host_receiver = -1;
static void receive_on_host(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(HOST_PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	host_receiver = CHECK_OK(socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0));
	CHECK_OK(ioctl(host_receiver, SIOCSIFFLAGS, &request));
	CHECK_OK(bind(host_receiver, (struct sockaddr *)&at, sizeof(at)));
}
static void nothing_came_to_host(void)
{
	char byte;
	CHECK_ERR(recv(host_receiver, &byte, 1, 0), EAGAIN);
}

ESCAPE_WITH_HOST(loopback_of_the_host, receive_on_host, nothing_came_to_host)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(HOST_PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int s = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	(void)sendto(s, "x", 1, 0, (struct sockaddr *)&at, sizeof(at));
	return 0;
}
