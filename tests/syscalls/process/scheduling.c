// SPDX-License-Identifier: MPL-2.0
/* sched_setattr, priorities of groups, I/O priorities, kcmp, prctl's small ones, process_madvise, protection keys. */
#include "support.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

struct attributes {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
	uint32_t clamp_min, clamp_max;
};

static long setattr(const struct attributes *a)
{
	return syscall(SYS_sched_setattr, 0, a, 0);
}

TEST(attributes)
{
	struct attributes a = { .size = sizeof(a), .policy = SCHED_BATCH, .nice = 5 }, got = { 0 };
	CHECK_OK(setattr(&a));
	CHECK_OK(syscall(SYS_sched_getattr, 0, &got, sizeof(got), 0));
	CHECK_EQ(got.policy, SCHED_BATCH);
	CHECK_EQ(got.nice, 5);
	CHECK_EQ(got.size, sizeof(got));
	CHECK_EQ(getpriority(PRIO_PROCESS, 0), 5);
	CHECK_OK(syscall(SYS_sched_getattr, 0, &got, 48, 0));
	CHECK_EQ(got.size, 48);
	a = (struct attributes){ .size = sizeof(a), .policy = SCHED_FIFO, .priority = 7 };
	CHECK_OK(setattr(&a));
	CHECK_OK(syscall(SYS_sched_getattr, 0, &got, sizeof(got), 0));
	CHECK_EQ(got.policy, SCHED_FIFO);
	CHECK_EQ(got.priority, 7);
	CHECK_ERR(syscall(SYS_sched_getattr, 0, &got, 47, 0), EINVAL);
	CHECK_ERR(syscall(SYS_sched_getattr, 999999, &got, 48, 0), ESRCH);
	CHECK_ERR(syscall(SYS_sched_getattr, 0, NULL, 48, 0), EINVAL);
	a.priority = 0;
	CHECK_ERR(setattr(&a), EINVAL);
	a.priority = 1;
	a.size = 20;
	CHECK_ERR(setattr(&a), E2BIG);
	CHECK_EQ(a.size, sizeof(a));
	a.flags = 1ul << 40;
	CHECK_ERR(setattr(&a), EINVAL);
	struct {
		struct attributes known;
		uint64_t more;
	} longer = { .known = { .size = sizeof(longer), .policy = SCHED_OTHER }, .more = 1 };
	CHECK_ERR(setattr(&longer.known), E2BIG);
	longer.known.size = sizeof(longer);
	longer.more = 0;
	CHECK_OK(setattr(&longer.known));
}

TEST(reset_on_fork)
{
	struct sched_param p = { .sched_priority = 3 };
	CHECK_OK(syscall(SYS_sched_setscheduler, 0, SCHED_RR | SCHED_RESET_ON_FORK, &p));
	CHECK_EQ(syscall(SYS_sched_getscheduler, 0), SCHED_RR | SCHED_RESET_ON_FORK);
	pid_t child = fork_checked();
	if (child == 0)
		_exit(syscall(SYS_sched_getscheduler, 0) == SCHED_OTHER ? 0 : 1);
	CHECK_EQ(wait_exit(child), 0);
}

enum { WHO_PROCESS = 1, WHO_GROUP, CLASS_SHIFT = 13 };

TEST(io_priorities)
{
	CHECK_OK(syscall(SYS_ioprio_set, WHO_PROCESS, 0, 2 << CLASS_SHIFT | 6));
	CHECK_EQ(syscall(SYS_ioprio_get, WHO_PROCESS, 0), 2 << CLASS_SHIFT | 6);
	CHECK_ERR(syscall(SYS_ioprio_set, WHO_PROCESS, 0, 5 << CLASS_SHIFT), EINVAL);
	CHECK_ERR(syscall(SYS_ioprio_set, WHO_PROCESS, 0, 4), EINVAL);
	CHECK_ERR(syscall(SYS_ioprio_set, 7, 0, 3 << CLASS_SHIFT), EINVAL);
	CHECK_ERR(syscall(SYS_ioprio_get, WHO_PROCESS, 999999), ESRCH);
	pid_t child = fork_checked();
	if (child == 0) {
		if (syscall(SYS_ioprio_get, WHO_PROCESS, 0) != (2 << CLASS_SHIFT | 6))
			_exit(1);
		syscall(SYS_ioprio_set, WHO_PROCESS, 0, 3 << CLASS_SHIFT);
		_exit(syscall(SYS_ioprio_get, WHO_GROUP, 0) == (2 << CLASS_SHIFT | 6) ? 0 : 2);
	}
	CHECK_EQ(wait_exit(child), 0);
}

static int kcmp(pid_t a, pid_t b, int type, unsigned long first, unsigned long second)
{
	return (int)syscall(SYS_kcmp, a, b, type, first, second);
}

TEST(same_or_not)
{
	enum { FILE_ = 0, VM = 1, FILES = 2, FS = 3, IO = 5, SYSVSEM = 6 };
	pid_t self = getpid();
	int a = CHECK_OK(open("/dev/null", O_RDONLY)), b = CHECK_OK(dup(a)), c = CHECK_OK(open("/dev/null", O_RDONLY));
	CHECK_EQ(kcmp(self, self, FILE_, (unsigned long)a, (unsigned long)b), 0);
	CHECK(kcmp(self, self, FILE_, (unsigned long)a, (unsigned long)c) > 0);
	CHECK_ERR(kcmp(self, self, FILE_, 900, 901), EBADF);
	CHECK_ERR(kcmp(self, 999999, VM, 0, 0), ESRCH);
	CHECK_ERR(kcmp(self, self, 99, 0, 0), EINVAL);
	CHECK_EQ(kcmp(self, self, VM, 0, 0), 0);
	pid_t child = fork_checked();
	if (child == 0) {
		pause();
		_exit(0);
	}
	CHECK(kcmp(self, child, VM, 0, 0) > 0);
	CHECK(kcmp(self, child, FILES, 0, 0) > 0);
	CHECK(kcmp(self, child, FS, 0, 0) > 0);
	CHECK_EQ(kcmp(self, child, FILE_, (unsigned long)a, (unsigned long)a), 0);
	CHECK_EQ(kcmp(self, child, IO, 0, 0), 0);
	CHECK_EQ(kcmp(self, child, SYSVSEM, 0, 0), 0);		/* neither has a list of what to undo */
	int set = CHECK_OK(semget(IPC_PRIVATE, 1, 0600));
	struct sembuf up = { 0, 1, SEM_UNDO };
	CHECK_OK(semop(set, &up, 1));
	CHECK(kcmp(self, child, SYSVSEM, 0, 0) > 0);
	CHECK_OK(semctl(set, 0, IPC_RMID));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

TEST(small_prctls)
{
	int tsc = 0;
	CHECK_EQ(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), 0);
	CHECK_OK(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
	pid_t child = fork_checked();
	if (child == 0)
		_exit(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) == 1 ? 0 : 1);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_ERR(prctl(PR_SET_THP_DISABLE, 1, 1, 0, 0), EINVAL);
	CHECK_OK(prctl(PR_GET_TSC, &tsc));
	CHECK_EQ(tsc, PR_TSC_ENABLE);
	CHECK_EQ(prctl(PR_GET_TIMING), 0);
	CHECK_OK(prctl(PR_TASK_PERF_EVENTS_DISABLE));
	CHECK_ERR(prctl(12345), EINVAL);
}

TEST(advice_for_another)
{
	char *memory = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	memory[0] = memory[4096] = 'x';
	int fd = CHECK_OK((int)syscall(SYS_pidfd_open, getpid(), 0));
	struct iovec v = { memory, 8192 };
	CHECK_EQ(syscall(440, fd, &v, 1, MADV_COLD, 0), 8192);
	CHECK_ERR(syscall(440, fd, &v, 1, MADV_DONTNEED, 0), EINVAL);
	CHECK_ERR(syscall(440, fd, &v, 1, MADV_COLD, 1), EINVAL);
	CHECK_ERR(syscall(440, 999, &v, 1, MADV_COLD, 0), EBADF);
	CHECK_EQ(memory[4096], 'x');
}

TEST(keys_that_are_not_there)
{
	char *memory = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	CHECK_ERR(syscall(SYS_pkey_alloc, 1, 0), EINVAL);
	CHECK_ERR(syscall(SYS_pkey_alloc, 0, 99), EINVAL);
	CHECK_ERR(syscall(SYS_pkey_free, 5), EINVAL);
	CHECK_ERR(syscall(SYS_pkey_mprotect, memory, 4096, PROT_READ, 5), EINVAL);
	CHECK_OK(syscall(SYS_pkey_mprotect, memory, 4096, PROT_READ | PROT_WRITE, -1));
	memory[0] = 1;
}

TEST(other_part_of_the_file)
{
	int fd = CHECK_OK(memfd_create("pages", 0));
	CHECK_OK(ftruncate(fd, 4 * 4096));
	for (int i = 0; i < 4; i++)
		CHECK_EQ(pwrite(fd, &i, sizeof(i), i * 4096), (int)sizeof(i));
	int *view = mmap(NULL, 2 * 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK((void *)view != MAP_FAILED);
	CHECK_OK(remap_file_pages(view, 4096, 0, 3, 0));
	CHECK_EQ(view[0], 3);
	CHECK_EQ(view[1024], 1);
	CHECK_ERR(remap_file_pages(view, 4096, PROT_READ, 3, 0), EINVAL);
	CHECK_ERR(remap_file_pages((char *)view + (1 << 30), 4096, 0, 3, 0), EINVAL);
}

TEST(range_of_a_file_is_written)
{
	int fd = CHECK_OK(open("file", O_RDWR | O_CREAT, 0600)), ends[2];
	CHECK_EQ(write(fd, "text", 4), 4);
	CHECK_OK(sync_file_range(fd, 0, 4, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER));
	CHECK_ERR(sync_file_range(fd, -1, 4, 0), EINVAL);
	CHECK_ERR(sync_file_range(fd, 0, 4, 64), EINVAL);
	CHECK_ERR(sync_file_range(99, 0, 4, 0), EBADF);
	CHECK_OK(pipe(ends));
	CHECK_ERR(sync_file_range(ends[0], 0, 4, 0), ESPIPE);
}
