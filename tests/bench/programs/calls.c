// SPDX-License-Identifier: MPL-2.0
/* The shortest system calls: what entering and leaving the kernel costs. */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int64_t bench_getppid(long rounds)
{
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++)
		syscall(SYS_getppid);
	return bench_now_ns() - start;
}

static int64_t bench_clock_vdso(long rounds)
{
	struct timespec now;
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++)
		clock_gettime(CLOCK_MONOTONIC, &now);
	return bench_now_ns() - start;
}

static int64_t bench_clock_call(long rounds)
{
	struct timespec now;
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++)
		syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
	return bench_now_ns() - start;
}

static int64_t bench_read(long rounds)
{
	char byte;
	int fd = TRY(open("/dev/zero", O_RDONLY));
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++)
		TRY(read(fd, &byte, 1));
	int64_t time = bench_now_ns() - start;
	close(fd);
	return time;
}

static int64_t bench_write(long rounds)
{
	int fd = TRY(open("/dev/null", O_WRONLY));
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++)
		TRY(write(fd, "x", 1));
	int64_t time = bench_now_ns() - start;
	close(fd);
	return time;
}

static int64_t bench_yield(long rounds)
{
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++)
		sched_yield();
	return bench_now_ns() - start;
}

static int64_t make_pipes(int *fds, int count)
{
	for (int i = 0; i < count; i++) {
		int ends[2];
		TRY(pipe(ends));
		fds[i] = ends[0];
	}
	return 0;
}

static int64_t bench_poll_100(long rounds)
{
	struct pollfd entries[100];
	int fds[100];
	TRY(make_pipes(fds, 100));
	for (int i = 0; i < 100; i++)
		entries[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++)
		TRY(poll(entries, 100, 0));
	int64_t time = bench_now_ns() - start;
	for (int i = 0; i < 100; i++) {
		close(fds[i]);
		close(fds[i] + 1);
	}
	return time;
}

static int64_t bench_epoll_100(long rounds)
{
	struct epoll_event event = {.events = EPOLLIN};
	int fds[100], epoll = TRY(epoll_create1(0));
	TRY(make_pipes(fds, 100));
	for (int i = 0; i < 100; i++)
		TRY(epoll_ctl(epoll, EPOLL_CTL_ADD, fds[i], &event));
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++)
		TRY(epoll_wait(epoll, &event, 1, 0));
	int64_t time = bench_now_ns() - start;
	for (int i = 0; i < 100; i++) {
		close(fds[i]);
		close(fds[i] + 1);
	}
	close(epoll);
	return time;
}

static void do_nothing(int number)
{
	(void)number;
}

static int64_t bench_signal_install(long rounds)
{
	struct sigaction action = {.sa_handler = do_nothing};
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++)
		TRY(sigaction(SIGUSR1, &action, NULL));
	return bench_now_ns() - start;
}

static int64_t bench_signal_deliver(long rounds)
{
	struct sigaction action = {.sa_handler = do_nothing};
	pid_t self = getpid();
	TRY(sigaction(SIGUSR1, &action, NULL));
	int64_t start = bench_now_ns();
	for (long i = 0; i < rounds; i++)
		TRY(kill(self, SIGUSR1));
	return bench_now_ns() - start;
}

const struct bench calls[] = {
	{"getppid", bench_getppid, 5000},
	{"clock_gettime_vdso", bench_clock_vdso, 5000},
	{"clock_gettime_call", bench_clock_call, 5000},
	{"read_1_byte", bench_read, 5000},
	{"write_1_byte", bench_write, 5000},
	{"sched_yield", bench_yield, 5000},
	{"poll_100", bench_poll_100, 300},
	{"epoll_wait_100", bench_epoll_100, 1000},
	{"signal_install", bench_signal_install, 2000},
	{"signal_deliver", bench_signal_deliver, 1000},
	{0},
};
