// SPDX-License-Identifier: MPL-2.0
/* Every system call that takes a pointer answers a bad one with EFAULT, and the machine goes on. */
#include "support.h"

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>

/* Three kinds of bad: a page without permissions, the kernel's half, not canonical. */
#define CHECK_EFAULT(...)                                                                          \
	do {                                                                                       \
		void *kinds_[] = {bad_address(), kernel_address(), (void *)0x8000000000000000};    \
		for (int kind_ = 0; kind_ < 3; kind_++) {                                          \
			void *BAD = kinds_[kind_];                                                 \
			CHECK_ERR(syscall(__VA_ARGS__), EFAULT);                                   \
		}                                                                                  \
	} while (0)

TEST(paths)
{
	CHECK_EFAULT(SYS_open, BAD, 0);
	CHECK_EFAULT(SYS_openat, AT_FDCWD, BAD, 0);
	CHECK_EFAULT(SYS_stat, BAD, BAD);
	CHECK_EFAULT(SYS_access, BAD, 0);
	CHECK_EFAULT(SYS_chdir, BAD);
	CHECK_EFAULT(SYS_mkdir, BAD, 0755);
	CHECK_EFAULT(SYS_rmdir, BAD);
	CHECK_EFAULT(SYS_unlink, BAD);
	CHECK_EFAULT(SYS_rename, BAD, "x");
	CHECK_EFAULT(SYS_rename, "/tmp", BAD);
	CHECK_EFAULT(SYS_link, "/tmp", BAD);
	CHECK_EFAULT(SYS_symlink, BAD, "x");
	CHECK_EFAULT(SYS_readlink, BAD, BAD, 10);
	CHECK_EFAULT(SYS_chmod, BAD, 0);
	CHECK_EFAULT(SYS_chown, BAD, 0, 0);
	CHECK_EFAULT(SYS_truncate, BAD, 0);
	CHECK_EFAULT(SYS_chroot, BAD);
	CHECK_EFAULT(SYS_mknod, BAD, 0100644, 0);
	CHECK_EFAULT(SYS_statfs, BAD, BAD);
}

TEST(read_and_write)
{
	int fd = make_file("f");
	CHECK_EQ(write(fd, "0123456789", 10), 10);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EFAULT(SYS_read, fd, BAD, 10);
	CHECK_EFAULT(SYS_write, fd, BAD, 10);
	CHECK_EFAULT(SYS_pread64, fd, BAD, 10, 0);
	CHECK_EFAULT(SYS_pwrite64, fd, BAD, 10, 0);
	CHECK_EFAULT(SYS_readv, fd, BAD, 1);
	CHECK_EFAULT(SYS_writev, fd, BAD, 1);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
}

TEST(read_stops_at_the_bad_page)
{
	int fd = make_file("f");
	char block[PAGE] = {0};
	CHECK_EQ(write(fd, block, sizeof(block)), PAGE);
	char *memory = map_pages(2);
	CHECK_OK(mprotect(memory + PAGE, PAGE, PROT_NONE));
	ssize_t count = pread(fd, memory + PAGE - 100, 200, 0);
	CHECK(count == 100 || (count == -1 && errno == EFAULT));
	count = pwrite(fd, memory + PAGE - 100, 200, 0);
	CHECK(count == 100 || (count == -1 && errno == EFAULT));
}

TEST(read_into_read_only_memory)
{
	int fd = CHECK_OK(open("/dev/zero", O_RDONLY));
	void *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK_ERR(read(fd, page, 10), EFAULT);
}

TEST(read_into_copy_on_write_memory)
{
	int fd = CHECK_OK(open("/dev/zero", O_RDONLY));
	char *page = map_pages(1);
	memset(page, 1, PAGE);
	pid_t child = fork_checked();
	if (child == 0)
		_exit(read(fd, page, 100) == 100 && page[0] == 0 ? 0 : 1);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_EQ(page[0], 1);
}

TEST(pipes_and_polls)
{
	CHECK_EFAULT(SYS_pipe2, BAD, 0);
	CHECK_EFAULT(SYS_poll, BAD, 1, 0);
	CHECK_EFAULT(SYS_select, 1, BAD, 0, 0, 0);
	CHECK_EFAULT(SYS_select, 0, 0, 0, 0, BAD);
	CHECK_EFAULT(SYS_ppoll, 0, 0, BAD, 0, 8);
	int fd = (int)CHECK_OK(syscall(SYS_epoll_create1, 0));
	int ends[2];
	CHECK_OK(pipe(ends));
	CHECK_EFAULT(SYS_epoll_ctl, fd, 1, ends[0], BAD);
}

TEST(pipe_read_and_write)
{
	int ends[2];
	CHECK_OK(pipe(ends));
	CHECK_EFAULT(SYS_write, ends[1], BAD, 5);
	CHECK_EQ(write(ends[1], "hello", 5), 5);
	CHECK_EFAULT(SYS_read, ends[0], BAD, 5);
	char text[5];
	CHECK_EQ(read(ends[0], text, 5), 5);
}

TEST(status_structures)
{
	int fd = make_file("f");
	CHECK_EFAULT(SYS_stat, "/", BAD);
	CHECK_EFAULT(SYS_fstat, fd, BAD);
	CHECK_EFAULT(SYS_lstat, "/", BAD);
	CHECK_EFAULT(SYS_newfstatat, AT_FDCWD, "/", BAD, 0);
	CHECK_EFAULT(SYS_statx, AT_FDCWD, "/", 0, 0xfff, BAD);
	CHECK_EFAULT(SYS_statfs, "/", BAD);
	CHECK_EFAULT(SYS_fstatfs, fd, BAD);
	CHECK_EFAULT(SYS_uname, BAD);
	CHECK_EFAULT(SYS_sysinfo, BAD);
	CHECK_EFAULT(SYS_getrusage, 0, BAD);
	CHECK_EFAULT(SYS_times, BAD);
	CHECK_EFAULT(SYS_getrlimit, 7, BAD);
	CHECK_EFAULT(SYS_setrlimit, 7, BAD);
	CHECK_EFAULT(SYS_prlimit64, 0, 7, 0, BAD);
}

TEST(directories_and_links)
{
	int fd = CHECK_OK(open("/", O_RDONLY | O_DIRECTORY));
	CHECK_EFAULT(SYS_getdents64, fd, BAD, 4096);
	CHECK_EFAULT(SYS_getcwd, BAD, 100);
	CHECK_OK(symlink("target", "s"));
	CHECK_EFAULT(SYS_readlink, "s", BAD, 10);
}

TEST(clocks)
{
	CHECK_EFAULT(SYS_clock_gettime, 0, BAD);
	CHECK_EFAULT(SYS_clock_getres, 0, BAD);
	CHECK_EFAULT(SYS_gettimeofday, BAD, 0);
	CHECK_EFAULT(SYS_time, BAD);
	CHECK_EFAULT(SYS_nanosleep, BAD, 0);
	CHECK_EFAULT(SYS_clock_nanosleep, 1, 0, BAD, 0);
	CHECK_EFAULT(SYS_setitimer, 0, BAD, 0);
	CHECK_EFAULT(SYS_getitimer, 0, BAD);
	CHECK_EFAULT(SYS_timer_create, 1, 0, BAD);
	CHECK_EFAULT(SYS_utimensat, AT_FDCWD, "/tmp", BAD, 0);
	int fd = (int)CHECK_OK(syscall(SYS_timerfd_create, 1, 0));
	CHECK_EFAULT(SYS_timerfd_settime, fd, 0, BAD, 0);
	CHECK_EFAULT(SYS_timerfd_gettime, fd, BAD);
}

TEST(sockets)
{
	int fds[2];
	CHECK_EFAULT(SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, BAD);
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	CHECK_EFAULT(SYS_sendto, fds[0], BAD, 5, 0, 0, 0);
	CHECK_EFAULT(SYS_sendmsg, fds[0], BAD, 0);
	CHECK_EFAULT(SYS_recvmsg, fds[0], BAD, 0);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EFAULT(SYS_recvfrom, fds[0], BAD, 1, 0, 0, 0);
	CHECK_EFAULT(SYS_getsockopt, fds[0], SOL_SOCKET, SO_TYPE, BAD, BAD);
	CHECK_EFAULT(SYS_setsockopt, fds[0], SOL_SOCKET, SO_SNDBUF, BAD, 4);
	CHECK_EFAULT(SYS_getsockname, fds[0], BAD, BAD);
	int fd = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_EFAULT(SYS_bind, fd, BAD, 10);
	CHECK_EFAULT(SYS_connect, fd, BAD, 10);
}

TEST(process_words)
{
	CHECK_EFAULT(SYS_getresuid, BAD, BAD, BAD);
	CHECK_EFAULT(SYS_getresgid, BAD, BAD, BAD);
	CHECK_EFAULT(SYS_setgroups, 1, BAD);
	CHECK_EFAULT(SYS_sched_getaffinity, 0, 128, BAD);
	CHECK_EFAULT(SYS_sched_setaffinity, 0, 128, BAD);
	CHECK_EFAULT(SYS_sched_getparam, 0, BAD);
	CHECK_EFAULT(SYS_getrandom, BAD, 16, 0);
	CHECK_EFAULT(SYS_futex, BAD, 0, 0, 0);
	CHECK_EFAULT(SYS_sethostname, BAD, 5);
	CHECK_EFAULT(SYS_prctl, 15, BAD);
	CHECK_EFAULT(SYS_capget, BAD, 0);
	CHECK_EFAULT(SYS_getcpu, BAD, 0, 0);
	CHECK_EFAULT(SYS_get_robust_list, 0, BAD, BAD);
	CHECK_EFAULT(SYS_memfd_create, BAD, 0);
}

TEST(ioctls)
{
	int ends[2];
	CHECK_OK(pipe(ends));
	CHECK_EFAULT(SYS_ioctl, ends[0], 0x541b /* FIONREAD */, BAD);
	int fd = CHECK_OK(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	CHECK_EFAULT(SYS_ioctl, fd, 0x80045430 /* TIOCGPTN */, BAD);
	CHECK_EFAULT(SYS_ioctl, fd, 0x5413 /* TIOCGWINSZ */, BAD);
	CHECK_EFAULT(SYS_ioctl, fd, 0x5401 /* TCGETS */, BAD);
}

TEST(mounts)
{
	CHECK_EFAULT(SYS_mount, "none", BAD, "tmpfs", 0, 0);
	CHECK_EFAULT(SYS_mount, "none", "/tmp", BAD, 0, 0);
	CHECK_EFAULT(SYS_umount2, BAD, 0);
	CHECK_EFAULT(SYS_pivot_root, BAD, "/");
}

TEST(lengths_that_wrap)
{
	int fd = CHECK_OK(open("/dev/null", O_RDWR));
	char byte = 0;
	ssize_t count = syscall(SYS_write, fd, &byte, ~0ul >> 1);
	CHECK(count == 0x7ffff000 || (count == -1 && errno == EFAULT));
	CHECK_ERR(syscall(SYS_write, fd, &byte, ~0ul), EFAULT);
	CHECK_ERR(syscall(SYS_read, fd, kernel_address(), 1ul << 40), EFAULT);
}

TEST(path_that_runs_into_a_hole)
{
	char *memory = map_pages(2);
	CHECK_OK(mprotect(memory + PAGE, PAGE, PROT_NONE));
	memset(memory + PAGE - 4, '/', 4);
	CHECK_ERR(open(memory + PAGE - 4, O_RDONLY), EFAULT);
	memcpy(memory + PAGE - 2, "/", 2);
	CHECK_OK(open(memory + PAGE - 2, O_RDONLY));
}

TEST(unknown_system_calls_are_enosys)
{
	CHECK_ERR(syscall(100000), ENOSYS);
	CHECK_ERR(syscall(-1), ENOSYS);
	CHECK_ERR(syscall(0x7fffffff), ENOSYS);
	CHECK_ERR(syscall(400), ENOSYS);
}
