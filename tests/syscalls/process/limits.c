// SPDX-License-Identifier: MPL-2.0
/* Resource limits act. */
#include "support.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

static void set_limit(int resource, rlim_t soft, rlim_t hard)
{
	struct rlimit limit = {soft, hard};
	CHECK_OK(setrlimit(resource, &limit));
}

TEST(soft_cannot_exceed_hard)
{
	struct rlimit limit = {10, 5};
	CHECK_ERR(setrlimit(RLIMIT_NOFILE, &limit), EINVAL);
	CHECK_ERR(getrlimit(16, &limit), EINVAL);
}

TEST(user_cannot_raise_hard)
{
	struct rlimit limit = {100, 200};
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
	become_nobody();
	limit.rlim_max = 100;
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &limit));
	limit.rlim_max = 200;
	CHECK_ERR(setrlimit(RLIMIT_NOFILE, &limit), EPERM);
}

TEST(prlimit_of_another_process)
{
	struct turn turn = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		struct rlimit limit;
		turn_take(turn);
		getrlimit(RLIMIT_NOFILE, &limit);
		_exit((int)limit.rlim_cur);
	}
	struct rlimit limit = {77, 88}, old = {0};
	CHECK_OK(prlimit(child, RLIMIT_NOFILE, &limit, &old));
	CHECK(old.rlim_cur >= 256);
	turn_give(turn);
	CHECK_EQ(wait_exit(child), 77);
	CHECK_ERR(prlimit(999999, RLIMIT_NOFILE, NULL, &old), ESRCH);
}

TEST(limits_are_inherited_and_survive_exec)
{
	set_limit(RLIMIT_CORE, 4096, 8192);
	char *words[] = {"/bin/busybox", "sh", "-c", "ulimit -c", NULL}, *environment[] = {NULL};
	CHECK_STR(output_of(words, environment), "8\n");
}

TEST(nofile_stops_at_the_limit)
{
	set_limit(RLIMIT_NOFILE, 20, 20);
	int fd, last = -1;
	while ((fd = open("/", O_RDONLY)) >= 0)
		last = fd;
	CHECK_EQ(errno, EMFILE);
	CHECK_EQ(last, 19);
	CHECK_ERR(dup(0), EMFILE);
	CHECK_ERR(dup2(0, 20), EBADF);
	CHECK_ERR(fcntl(0, F_DUPFD, 20), EINVAL);
	int ends[2];
	CHECK_ERR(pipe(ends), EMFILE);
}

TEST(fsize_gives_sigxfsz_then_efbig)
{
	char block[100] = {0};
	handle_signal(SIGXFSZ, count_signal, 0);
	set_limit(RLIMIT_FSIZE, 150, 150);
	int fd = make_file("f");
	CHECK_EQ(write(fd, block, 100), 100);
	CHECK_EQ(write(fd, block, 100), 50);
	CHECK_EQ(caught_count, 0);
	CHECK_ERR(write(fd, block, 100), EFBIG);
	CHECK_EQ(caught_count, 1);
	CHECK_ERR(ftruncate(fd, 200), EFBIG);
	CHECK_EQ(caught_count, 2);
	CHECK_OK(ftruncate(fd, 10));
}

// A file may shrink to a length above the limit; fallocate(2) may not pass it, not even beyond the end of the file.
TEST(fsize_limits_what_is_not_written)
{
	handle_signal(SIGXFSZ, count_signal, 0);
	int fd = (int)CHECK_OK(memfd_create("f", 0));
	CHECK_OK(ftruncate(fd, 30000));
	set_limit(RLIMIT_FSIZE, 10000, 10000);
	CHECK_OK(ftruncate(fd, 20000));
	CHECK_ERR(ftruncate(fd, 20001), EFBIG);
	CHECK_EQ(caught_count, 1);
	CHECK_OK(fallocate(fd, 0, 10000, 10000));
	CHECK_ERR(fallocate(fd, 0, 10000, 10001), EFBIG);
	CHECK_ERR(fallocate(fd, FALLOC_FL_KEEP_SIZE, 20000, 1), EFBIG);
	CHECK_EQ(caught_count, 3);
	CHECK_OK(fallocate(fd, FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE, 0, 30000));
	struct stat info;
	CHECK_OK(fstat(fd, &info));
	CHECK_EQ(info.st_size, 20000);
}

TEST(address_space_limit)
{
	set_limit(RLIMIT_AS, 64 << 20, 64 << 20);
	CHECK_ERR((long)mmap(NULL, 128 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), ENOMEM);
	CHECK(mmap(NULL, 8 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

TEST(data_limit_stops_brk)
{
	char *end = sbrk(0);
	(void)end;
	uintptr_t now = (uintptr_t)syscall(SYS_brk, 0);
	set_limit(RLIMIT_DATA, 8 << 20, 8 << 20);
	CHECK_EQ(syscall(SYS_brk, now + (64 << 20)), now);
	CHECK_EQ(syscall(SYS_brk, now + (1 << 20)), now + (1 << 20));
}

TEST(nproc_stops_a_fork_bomb)
{
	set_limit(RLIMIT_NPROC, 5, 5);
	become_nobody();
	int count = 0;
	pid_t child;
	while ((child = fork()) > 0)
		count++;
	if (child == 0)
		for (;;)
			pause();
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(count, 4);
}

static int recurse(int depth)
{
	volatile char frame[16 * 1024];
	frame[0] = (char)depth;
	frame[sizeof(frame) - 1] = 1;
	return depth == 0 ? frame[0] : recurse(depth - 1) + frame[sizeof(frame) - 1];
}

TEST(stack_grows_to_its_limit)
{
	CHECK_EQ(recurse(400), 400);
}

TEST(stack_overflow_is_sigsegv)
{
	pid_t child = fork_checked();
	if (child == 0)
		_exit(recurse(100000) & 1);
	CHECK_EQ(wait_signal(child), SIGSEGV);
}

TEST(stack_limit_acts_after_exec)
{
	set_limit(RLIMIT_STACK, 256 * 1024, 256 * 1024);
	pid_t child = fork_checked();
	if (child == 0)
		_exit(recurse(100) & 1);
	CHECK_EQ(wait_signal(child), SIGSEGV);
}

TEST_LIMIT(cpu_limit_gives_sigxcpu, 60)
{
	pid_t child = fork_checked();
	if (child == 0) {
		set_limit(RLIMIT_CPU, 1, 3);
		for (;;)
			continue;
	}
	CHECK_EQ(wait_signal(child), SIGXCPU);
}

TEST(sigpending_limits_the_queue)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	set_limit(RLIMIT_SIGPENDING, 10, 10);
	become_nobody();
	int sent = 0;
	while (sent < 100 && sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = sent}) == 0)
		sent++;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(sent, 10);
}

TEST(nice_value)
{
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 0);
	CHECK_OK(setpriority(PRIO_PROCESS, 0, 5));
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 5);
	CHECK_EQ(syscall(SYS_getpriority, PRIO_PROCESS, 0), 15);
	CHECK_OK(setpriority(PRIO_PROCESS, 0, 100));
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 19);
	CHECK_ERR(setpriority(9, 0, 0), EINVAL);
}
