// SPDX-License-Identifier: MPL-2.0
/* Signal-driven I/O: a handler that keeps what it is told, and files whose owner is this process. */
#pragma once
#include "support.h"

#include <poll.h>
#include <sys/syscall.h>

enum { MARK_SIGNAL = 40, TOLD_MOST = 64 };

static siginfo_t told[TOLD_MOST];
static volatile sig_atomic_t told_count;
static volatile pid_t told_thread;

static inline void note(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	if (told_count < TOLD_MOST)
		told[told_count] = *info;
	told_count++;
	told_thread = (pid_t)syscall(SYS_gettid);
}

static inline void listen_to(int number)
{
	struct sigaction action = {.sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_RESTART};
	CHECK_OK(sigaction(number, &action, NULL));
}

static inline void set_async(int fd, int on)
{
	int flags = CHECK_OK(fcntl(fd, F_GETFL));
	CHECK_OK(fcntl(fd, F_SETFL, on ? flags | O_ASYNC : flags & ~O_ASYNC));
}

/* The file's owner is this process, told by `number` (0: SIGIO without details). */
static inline void own(int fd, int number)
{
	listen_to(number ? number : SIGIO);
	CHECK_OK(fcntl(fd, F_SETOWN, getpid()));
	CHECK_OK(fcntl(fd, F_SETSIG, number));
	set_async(fd, 1);
}

/* What comes over a network comes soon; an end may be told twice. */
static inline void wait_told_least(int count)
{
	for (int i = 0; i < 5000 && told_count < count; i++)
		usleep(1000);
	CHECK(told_count >= count);
}

static inline void wait_told(int count)
{
	wait_told_least(count);
	CHECK_EQ(told_count, count);
}

static inline void check_told(int index, int code, long band, int fd)
{
	CHECK(index < told_count);
	CHECK_EQ(told[index].si_code, code);
	CHECK_EQ(told[index].si_band, band);
	CHECK_EQ(told[index].si_fd, fd);
}

#define BAND_IN (POLLIN | POLLRDNORM)
#define BAND_OUT (POLLOUT | POLLWRNORM | POLLWRBAND)
#define BAND_HUP (POLLHUP | POLLERR)
