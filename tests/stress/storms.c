// SPDX-License-Identifier: MPL-2.0
/* Much at once: what holds alone must hold under load, and exhaustion must end one task, not all. */
#include "support.h"

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

enum { WORKERS = 6 };

/* Runs the body in several processes at once; each must end with 0. */
static void in_parallel(int (*body)(int worker))
{
	pid_t children[WORKERS];
	for (int i = 0; i < WORKERS; i++) {
		children[i] = fork_checked();
		if (children[i] == 0)
			_exit(body(i));
	}
	for (int i = 0; i < WORKERS; i++)
		CHECK_EQ(wait_exit(children[i]), 0);
}

static int fork_often(int worker)
{
	(void)worker;
	for (int i = 0; i < 200; i++) {
		pid_t child = fork();
		if (child == 0)
			_exit(i & 0x7f);
		int status;
		if (child < 0 || waitpid(child, &status, 0) != child || WEXITSTATUS(status) != (i & 0x7f))
			return 1;
	}
	return 0;
}

TEST_LIMIT(forks, 120)
{
	in_parallel(fork_often);
}

static int exec_often(int worker)
{
	(void)worker;
	for (int i = 0; i < 60; i++) {
		pid_t child = fork();
		if (child == 0) {
			execl("/tests/helper", "helper", "exit", "3", NULL);
			_exit(1);
		}
		int status;
		if (child < 0 || waitpid(child, &status, 0) != child || WEXITSTATUS(status) != 3)
			return 1;
	}
	return 0;
}

TEST_LIMIT(execs, 120)
{
	in_parallel(exec_often);
}

static int fault_often(int worker)
{
	for (int i = 0; i < 60; i++) {
		unsigned char *memory = mmap(NULL, 128 * PAGE, PROT_READ | PROT_WRITE,
					     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (memory == MAP_FAILED)
			return 1;
		for (int j = 0; j < 128; j++)
			memory[j * PAGE] = (unsigned char)(worker + j);
		for (int j = 0; j < 128; j++)
			if (memory[j * PAGE] != (unsigned char)(worker + j))
				return 2;
		munmap(memory, 128 * PAGE);
	}
	return 0;
}

TEST_LIMIT(page_faults, 120)
{
	in_parallel(fault_often);
}

static int files_often(int worker)
{
	char one[32], two[32];
	for (int i = 0; i < 200; i++) {
		snprintf(one, sizeof(one), "f-%d", (worker + i) % 7);
		snprintf(two, sizeof(two), "f-%d", (worker * 3 + i) % 7);
		int fd = open(one, O_CREAT | O_RDWR, 0644);
		if (fd < 0)
			return 1;
		(void)!write(fd, one, sizeof(one));
		close(fd);
		(void)rename(one, two);
		(void)!link(two, one);
		(void)unlink(two);
	}
	return 0;
}

/* Each walk crosses into a mount: many processors meet at what all walks share. */
static int open_often(int worker)
{
	(void)worker;
	for (int i = 0; i < 3000; i++) {
		int fd = open("/dev/null", O_RDONLY);
		if (fd < 0)
			return 1;
		close(fd);
	}
	return 0;
}

TEST(walks_across_mounts)
{
	in_parallel(open_often);
}

TEST_LIMIT(names, 120)
{
	in_parallel(files_often);
}

static int sockets_often(int worker)
{
	char text[100];
	(void)worker;
	for (int i = 0; i < 200; i++) {
		int fds[2];
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
			return 1;
		if (write(fds[0], text, sizeof(text)) != sizeof(text) ||
		    read(fds[1], text, sizeof(text)) != sizeof(text))
			return 2;
		close(fds[0]);
		close(fds[1]);
	}
	return 0;
}

TEST_LIMIT(socket_pairs, 120)
{
	in_parallel(sockets_often);
}

static int namespaces_often(int worker)
{
	(void)worker;
	for (int i = 0; i < 30; i++) {
		pid_t child = fork();
		if (child == 0) {
			if (unshare(CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID) != 0)
				_exit(1);
			if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
			    mount("tmpfs", "/tmp", "tmpfs", 0, NULL) != 0)
				_exit(2);
			_exit(0);
		}
		int status;
		if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
			return 1;
	}
	return 0;
}

TEST_LIMIT(namespaces, 120)
{
	in_parallel(namespaces_often);
}

/* What a container's first process does: a root of its own, the old one gone, its own /proc. */
static int container_world_enter(void)
{
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 || mount("tmpfs", "/tmp", "tmpfs", 0, NULL) != 0 ||
	    chdir("/tmp") != 0 || chroot(".") != 0)
		return 2; /* the initramfs cannot be left by pivot_root */
	if (mkdir("new", 0755) != 0 || mount("tmpfs", "new", "tmpfs", 0, NULL) != 0 || mkdir("new/proc", 0755) != 0 ||
	    chdir("new") != 0)
		return 3;
	if (syscall(SYS_pivot_root, ".", ".") != 0)
		return 4;
	if (umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
		return 5;
	if (mount("proc", "/proc", "proc", 0, NULL) != 0)
		return 6;
	return access("/proc/1/stat", F_OK) == 0 && access("/new", F_OK) != 0 ? 0 : 7;
}

static int container_starts_often(int worker)
{
	(void)worker;
	for (int i = 0; i < 40; i++) {
		pid_t child = fork();
		if (child == 0) {
			if (unshare(CLONE_NEWNS | CLONE_NEWPID) != 0)
				_exit(1);
			pid_t first = fork();
			if (first == 0)
				_exit(container_world_enter());
			_exit(first < 0 ? 1 : wait_exit(first));
		}
		int status;
		if (child < 0 || waitpid(child, &status, 0) != child)
			return 1;
		if (status != 0)
			return WEXITSTATUS(status);
	}
	return 0;
}

/* pivot_root changes the root of its caller even while others do the same. */
TEST_LIMIT(container_starts, 120)
{
	pid_t crowd[200]; /* each with a root that every pivot_root looks at */
	for (int i = 0; i < 200; i++) {
		crowd[i] = fork_checked();
		if (crowd[i] == 0)
			pause();
	}
	in_parallel(container_starts_often);
	for (int i = 0; i < 200; i++) {
		CHECK_OK(kill(crowd[i], SIGKILL));
		CHECK_EQ(wait_signal(crowd[i]), SIGKILL);
	}
}

static volatile int turns;

static void count_turn(int number)
{
	(void)number;
	turns++;
}

static int signals_often(int worker)
{
	(void)worker;
	handle_signal(SIGUSR1, count_turn, 0);
	pid_t parent = getpid(), child = fork();
	if (child == 0) {
		for (int i = 0; i < 300; i++)
			kill(parent, SIGUSR1);
		_exit(0);
	}
	int status;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 1;
	return turns > 0 && status == 0 ? 0 : 2;
}

TEST_LIMIT(signals, 120)
{
	in_parallel(signals_often);
}

static void *allocate_often(void *seed)
{
	for (int i = 0; i < 300; i++) {
		size_t size = (size_t)((long)seed * 7919 + i * 613) % 300000 + 1;
		char *block = malloc(size);
		memset(block, i, size);
		free(block);
	}
	return NULL;
}

static int threads_often(int worker)
{
	pthread_t threads[8];
	for (int round = 0; round < 5; round++) {
		for (long i = 0; i < 8; i++)
			if (pthread_create(&threads[i], NULL, allocate_often, (void *)(worker + i)) != 0)
				return 1;
		for (int i = 0; i < 8; i++)
			pthread_join(threads[i], NULL);
	}
	return 0;
}

TEST_LIMIT(threads, 120)
{
	in_parallel(threads_often);
}

TEST_LIMIT(fork_bomb_meets_its_limit, 120)
{
	struct rlimit limit = {200, 200};
	pid_t child = fork_checked();
	if (child == 0) {
		setpgid(0, 0);
		CHECK_OK(setrlimit(RLIMIT_NPROC, &limit));
		become_nobody();
		for (;;)
			if (fork() < 0)
				sleep_ms(1);
	}
	sleep_ms(2000);
	CHECK_EQ(setpgid(child, child) == 0 || errno == EACCES || errno == ESRCH || errno == EPERM, 1);
	CHECK_OK(kill(-child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
	WAIT_UNTIL(kill(-child, SIGKILL) == -1 && errno == ESRCH);
}

TEST_LIMIT(memory_exhaustion_kills_the_hog, 180)
{
	pid_t child = fork_checked();
	if (child == 0) {
		(void)put_text("/proc/self/oom_score_adj", "1000");
		for (;;) {
			char *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
					    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
			if (memory == MAP_FAILED)
				_exit(99); /* refused is as good as killed */
			memset(memory, 1, 1 << 20);
		}
	}
	int status;
	CHECK_EQ(waitpid(child, &status, 0), child);
	CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) ||
	      (WIFEXITED(status) && WEXITSTATUS(status) == 99));
	in_parallel(fork_often); /* and the machine goes on */
}

TEST_LIMIT(descriptor_exhaustion_is_an_error, 120)
{
	struct rlimit limit = {20000, 20000};
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	int ends[2], count = 0;
	while (pipe(ends) == 0)
		count++;
	CHECK(errno == EMFILE || errno == ENFILE || errno == ENOMEM);
	CHECK(count >= 100);
}
