// SPDX-License-Identifier: MPL-2.0
/* Signal-driven I/O: O_ASYNC, who owns a file, and what the owner is told. */
#include "async.h"

#include <limits.h>
#include <pthread.h>
#include <pty.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <asm/ioctls.h>
#include <asm/sockios.h>
#undef F_GETOWNER_UIDS
#define F_GETOWNER_UIDS 17

/* --- pipes ---------------------------------------------------------------------------------------- */

TEST(reader_of_a_pipe_is_told_of_each_write)
{
	int fds[2];
	CHECK_OK(pipe(fds));
	listen_to(SIGIO);
	CHECK_OK(fcntl(fds[0], F_SETOWN, getpid()));
	CHECK_EQ(write(fds[1], "a", 1), 1);
	CHECK_EQ(told_count, 0);
	set_async(fds[0], 1);
	CHECK(fcntl(fds[0], F_GETFL) & O_ASYNC);
	CHECK_EQ(told_count, 0);
	CHECK_EQ(write(fds[1], "b", 1), 1);
	CHECK_EQ(told_count, 1);
	CHECK_EQ(told[0].si_signo, SIGIO);
	CHECK_EQ(told[0].si_code, SI_KERNEL);
	CHECK_EQ(write(fds[1], "c", 1), 1);
	CHECK_EQ(told_count, 2);
	set_async(fds[0], 0);
	CHECK_EQ(write(fds[1], "d", 1), 1);
	CHECK_EQ(told_count, 2);
}

TEST(set_signal_carries_band_and_descriptor)
{
	int fds[2];
	CHECK_OK(pipe(fds));
	own(fds[0], MARK_SIGNAL);
	CHECK_EQ(fcntl(fds[0], F_GETSIG), MARK_SIGNAL);
	CHECK_EQ(write(fds[1], "a", 1), 1);
	CHECK_EQ(told_count, 1);
	CHECK_EQ(told[0].si_signo, MARK_SIGNAL);
	check_told(0, POLL_IN, BAND_IN, fds[0]);
}

TEST(sigio_that_was_asked_for_carries_them_too)
{
	int fds[2];
	CHECK_OK(pipe(fds));
	own(fds[0], SIGIO);
	CHECK_EQ(write(fds[1], "a", 1), 1);
	check_told(0, POLL_IN, BAND_IN, fds[0]);
}

TEST(signals_with_codes_of_their_own_say_sigio)
{
	int fds[2];
	CHECK_OK(pipe(fds));
	own(fds[0], SIGCHLD);
	CHECK_EQ(write(fds[1], "a", 1), 1);
	CHECK_EQ(told_count, 1);
	CHECK_EQ(told[0].si_code, SI_SIGIO);
	CHECK_ERR(fcntl(fds[0], F_SETSIG, 65), EINVAL);
	CHECK_ERR(fcntl(fds[0], F_SETSIG, -1), EINVAL);
	CHECK_EQ(fcntl(fds[0], F_GETSIG), SIGCHLD);
}

TEST(writer_of_a_pipe_is_told_of_each_read)
{
	int fds[2];
	char c;
	CHECK_OK(pipe(fds));
	own(fds[1], MARK_SIGNAL);
	CHECK_EQ(write(fds[1], "ab", 2), 2);
	CHECK_EQ(told_count, 0);
	CHECK_EQ(read(fds[0], &c, 1), 1);
	CHECK_EQ(read(fds[0], &c, 1), 1);
	CHECK_EQ(told_count, 2);
	check_told(1, POLL_OUT, BAND_OUT, fds[1]);
}

TEST(end_of_a_pipe_is_told_to_the_other_end)
{
	int fds[2], others[2];
	CHECK_OK(pipe(fds));
	own(fds[0], MARK_SIGNAL);
	CHECK_OK(close(fds[1]));
	CHECK_EQ(told_count, 1);
	check_told(0, POLL_IN, BAND_IN, fds[0]);
	CHECK_OK(pipe(others));
	own(others[1], MARK_SIGNAL);
	CHECK_OK(close(others[0]));
	CHECK_EQ(told_count, 2);
	check_told(1, POLL_OUT, BAND_OUT, others[1]);
}

TEST(descriptor_told_is_the_one_that_asked)
{
	int fds[2];
	CHECK_OK(pipe(fds));
	own(fds[0], MARK_SIGNAL);
	int copy = CHECK_OK(dup(fds[0]));
	CHECK_OK(close(fds[0]));
	CHECK_EQ(write(fds[1], "a", 1), 1);
	check_told(0, POLL_IN, BAND_IN, fds[0]);
	set_async(copy, 0);
	set_async(copy, 1);
	CHECK_EQ(write(fds[1], "a", 1), 1);
	check_told(1, POLL_IN, BAND_IN, copy);
}

TEST(both_ends_of_a_fifo)
{
	CHECK_OK(mkfifo("fifo", 0600));
	int fd = CHECK_OK(open("fifo", O_RDWR));
	char c;
	own(fd, MARK_SIGNAL);
	CHECK_EQ(write(fd, "a", 1), 1);
	CHECK_EQ(told_count, 1);
	check_told(0, POLL_IN, BAND_IN, fd);
	CHECK_EQ(read(fd, &c, 1), 1);
	CHECK_EQ(told_count, 2);
	check_told(1, POLL_OUT, BAND_OUT, fd);
}

TEST(flag_of_open_is_shown_and_does_nothing)
{
	CHECK_OK(mkfifo("fifo", 0600));
	int fd = CHECK_OK(open("fifo", O_RDWR | O_ASYNC));
	listen_to(SIGIO);
	CHECK(fcntl(fd, F_GETFL) & O_ASYNC);
	CHECK_OK(fcntl(fd, F_SETOWN, getpid()));
	CHECK_EQ(write(fd, "a", 1), 1);
	CHECK_EQ(told_count, 0);
}

TEST(nobody_is_told_without_an_owner)
{
	int fds[2];
	CHECK_OK(pipe(fds));
	listen_to(SIGIO);
	set_async(fds[0], 1);
	CHECK_EQ(write(fds[1], "a", 1), 1);
	CHECK_EQ(told_count, 0);
	CHECK_EQ(fcntl(fds[0], F_GETOWN), 0);
}

TEST(queue_that_is_full_leaves_sigio)
{
	int fds[2];
	CHECK_OK(pipe(fds));
	struct rlimit none = {0, 0};
	listen_to(SIGIO);
	own(fds[0], MARK_SIGNAL);
	CHECK_OK(setrlimit(RLIMIT_SIGPENDING, &none));
	CHECK_EQ(write(fds[1], "a", 1), 1);
	CHECK_EQ(told_count, 1);
	CHECK_EQ(told[0].si_signo, SIGIO);
}

/* --- owners --------------------------------------------------------------------------------------- */

TEST(owner_is_a_process_or_a_group)
{
	int fds[2];
	CHECK_OK(pipe(fds));
	CHECK_EQ(fcntl(fds[0], F_GETOWN), 0);
	CHECK_OK(fcntl(fds[0], F_SETOWN, getpid()));
	CHECK_EQ(fcntl(fds[0], F_GETOWN), getpid());
	CHECK_EQ(fcntl(fds[1], F_GETOWN), 0);
	CHECK_OK(fcntl(fds[0], F_SETOWN, -getpgrp()));
	struct f_owner_ex owner = {0};
	CHECK_OK(fcntl(fds[0], F_GETOWN_EX, &owner));
	CHECK_EQ(owner.type, F_OWNER_PGRP);
	CHECK_EQ(owner.pid, getpgrp());
	CHECK_OK(fcntl(fds[0], F_SETOWN, 0));
	CHECK_EQ(fcntl(fds[0], F_GETOWN), 0);
	CHECK_ERR(fcntl(fds[0], F_SETOWN, 4000000), ESRCH);
	CHECK_ERR(fcntl(fds[0], F_SETOWN, -4000000), ESRCH);
	CHECK_ERR(fcntl(fds[0], F_SETOWN, INT_MIN), EINVAL);
}

TEST(owner_ex)
{
	int fds[2];
	CHECK_OK(pipe(fds));
	struct f_owner_ex owner = {F_OWNER_TID, getpid()};
	CHECK_OK(fcntl(fds[0], F_SETOWN_EX, &owner));
	memset(&owner, 0, sizeof(owner));
	CHECK_OK(fcntl(fds[0], F_GETOWN_EX, &owner));
	CHECK_EQ(owner.type, F_OWNER_TID);
	CHECK_EQ(owner.pid, getpid());
	owner = (struct f_owner_ex){3, getpid()};
	CHECK_ERR(fcntl(fds[0], F_SETOWN_EX, &owner), EINVAL);
	owner = (struct f_owner_ex){F_OWNER_PID, 4000000};
	CHECK_ERR(fcntl(fds[0], F_SETOWN_EX, &owner), ESRCH);
	CHECK_ERR(fcntl(fds[0], F_SETOWN_EX, NULL), EFAULT);
	CHECK_ERR(fcntl(fds[0], F_GETOWN_EX, NULL), EFAULT);
	owner = (struct f_owner_ex){F_OWNER_PID, 0};
	CHECK_OK(fcntl(fds[0], F_SETOWN_EX, &owner));
	CHECK_EQ(fcntl(fds[0], F_GETOWN), 0);
	CHECK_OK(fcntl(fds[0], F_GETOWN_EX, &owner));
	CHECK_EQ(owner.type, F_OWNER_PID);
	CHECK_EQ(owner.pid, 0);
}

TEST(owner_that_has_gone_is_nobody)
{
	int fds[2];
	CHECK_OK(pipe(fds));
	pid_t child = fork_checked();
	if (child == 0) {
		pause();
		_exit(0);
	}
	CHECK_OK(fcntl(fds[0], F_SETOWN, child));
	set_async(fds[0], 1);
	CHECK_EQ(fcntl(fds[0], F_GETOWN), child);
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
	CHECK_EQ(fcntl(fds[0], F_GETOWN), 0);
	CHECK_EQ(write(fds[1], "a", 1), 1);
}

TEST(owner_outlives_the_descriptor_of_its_process)
{
	int fds[2];
	CHECK_OK(pipe(fds));
	pid_t child = fork_checked();
	if (child == 0) {
		close(fds[0]);
		pause();
		_exit(0);
	}
	CHECK_OK(fcntl(fds[0], F_SETOWN, child));
	set_async(fds[0], 1);
	usleep(20000);
	CHECK_EQ(write(fds[1], "a", 1), 1);
	CHECK_EQ(wait_signal(child), SIGIO);
}

TEST(who_set_the_owner_is_told)
{
	int fds[2];
	uid_t ids[2] = {1, 1};
	CHECK_OK(pipe(fds));
	CHECK_OK(fcntl(fds[0], F_GETOWNER_UIDS, ids));
	CHECK_EQ(ids[0], 0);
	CHECK_OK(seteuid(NOBODY));
	CHECK_OK(fcntl(fds[0], F_SETOWN, getpid()));
	CHECK_OK(seteuid(0));
	CHECK_OK(fcntl(fds[0], F_GETOWNER_UIDS, ids));
	CHECK_EQ(ids[0], 0);
	CHECK_EQ(ids[1], NOBODY);
}

TEST(owner_must_be_one_that_the_setter_may_signal)
{
	int fds[2];
	CHECK_OK(pipe(fds));
	listen_to(SIGIO);
	pid_t child = fork_checked();
	if (child == 0) {
		if (setresuid(NOBODY, NOBODY, NOBODY))
			_exit(1);
		_exit(fcntl(fds[0], F_SETOWN, getppid()) || fcntl(fds[0], F_SETFL, O_ASYNC));
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK_EQ(fcntl(fds[0], F_GETOWN), getpid());
	CHECK_EQ(write(fds[1], "a", 1), 1);
	CHECK_EQ(told_count, 0);
	CHECK_OK(fcntl(fds[0], F_SETOWN, getpid()));
	CHECK_EQ(write(fds[1], "a", 1), 1);
	CHECK_EQ(told_count, 1);
}

TEST(whole_group_is_told)
{
	int fds[2];
	CHECK_OK(pipe(fds));
	listen_to(SIGIO);
	pid_t child = fork_checked();
	if (child == 0) {
		for (int i = 0; i < 5000 && !told_count; i++)
			usleep(1000);
		_exit(told_count);
	}
	CHECK_OK(fcntl(fds[0], F_SETOWN, -getpgrp()));
	set_async(fds[0], 1);
	CHECK_EQ(write(fds[1], "a", 1), 1);
	CHECK_EQ(told_count, 1);
	CHECK_EQ(wait_exit(child), 1);
}

static int thread_fds[2];
static volatile pid_t thread_number;
static volatile int thread_may_end;

static void *wait_in_thread(void *unused)
{
	(void)unused;
	thread_number = (pid_t)syscall(SYS_gettid);
	while (!thread_may_end)
		usleep(1000);
	return NULL;
}

TEST(one_thread_is_told)
{
	pthread_t thread;
	CHECK_OK(pipe(thread_fds));
	CHECK_EQ(pthread_create(&thread, NULL, wait_in_thread, NULL), 0);
	while (!thread_number)
		usleep(1000);
	own(thread_fds[0], MARK_SIGNAL);
	struct f_owner_ex owner = {F_OWNER_TID, thread_number};
	CHECK_OK(fcntl(thread_fds[0], F_SETOWN_EX, &owner));
	CHECK_EQ(write(thread_fds[1], "a", 1), 1);
	wait_told(1);
	CHECK_EQ(told_thread, thread_number);
	/* As a process this number names nobody. */
	CHECK_OK(fcntl(thread_fds[0], F_SETOWN, thread_number));
	CHECK_EQ(fcntl(thread_fds[0], F_GETOWN), 0);
	CHECK_EQ(write(thread_fds[1], "a", 1), 1);
	CHECK_EQ(told_count, 1);
	thread_may_end = 1;
	CHECK_EQ(pthread_join(thread, NULL), 0);
}

TEST(ioctls_of_owners_are_for_sockets)
{
	int fds[2], pipes[2], me = getpid(), got = 0;
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	CHECK_OK(pipe(pipes));
	CHECK_OK(ioctl(fds[0], FIOSETOWN, &me));
	CHECK_EQ(fcntl(fds[0], F_GETOWN), me);
	CHECK_OK(ioctl(fds[0], FIOGETOWN, &got));
	CHECK_EQ(got, me);
	me = -getpgrp();
	CHECK_OK(ioctl(fds[0], SIOCSPGRP, &me));
	CHECK_OK(ioctl(fds[0], SIOCGPGRP, &got));
	CHECK_EQ(got, me);
	CHECK_ERR(ioctl(pipes[0], FIOSETOWN, &me), ENOTTY);
	CHECK_ERR(ioctl(pipes[0], SIOCGPGRP, &got), ENOTTY);
	me = 4000000;
	CHECK_ERR(ioctl(fds[0], FIOSETOWN, &me), ESRCH);
	CHECK_ERR(ioctl(fds[0], FIOSETOWN, NULL), EFAULT);
}

/* --- which files ---------------------------------------------------------------------------------- */

TEST(files_that_tell_nobody)
{
	int on = 1, off = 0;
	int fds[] = {CHECK_OK(eventfd(0, 0)), CHECK_OK(timerfd_create(CLOCK_MONOTONIC, 0)), CHECK_OK(epoll_create1(0)),
		     make_file("file"), CHECK_OK(open("/dev/null", O_RDWR))};
	listen_to(SIGIO);
	for (unsigned i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		CHECK_OK(fcntl(fds[i], F_SETOWN, getpid()));
		CHECK_ERR(ioctl(fds[i], FIOASYNC, &on), ENOTTY);
		CHECK_OK(ioctl(fds[i], FIOASYNC, &off));
		set_async(fds[i], 1);
		CHECK_EQ(fcntl(fds[i], F_GETFL) & O_ASYNC, 0);
	}
	uint64_t one = 1;
	CHECK_EQ(write(fds[0], &one, 8), 8);
	CHECK_EQ(told_count, 0);
}

TEST(ioctl_switches_it_too)
{
	int fds[2], on = 1, off = 0;
	CHECK_OK(pipe(fds));
	listen_to(SIGIO);
	CHECK_OK(fcntl(fds[0], F_SETOWN, getpid()));
	CHECK_OK(ioctl(fds[0], FIOASYNC, &on));
	CHECK(fcntl(fds[0], F_GETFL) & O_ASYNC);
	CHECK_EQ(write(fds[1], "a", 1), 1);
	CHECK_EQ(told_count, 1);
	CHECK_OK(ioctl(fds[0], FIOASYNC, &off));
	CHECK_EQ(fcntl(fds[0], F_GETFL) & O_ASYNC, 0);
	CHECK_EQ(write(fds[1], "a", 1), 1);
	CHECK_EQ(told_count, 1);
	CHECK_ERR(ioctl(fds[0], FIOASYNC, NULL), EFAULT);
}

TEST(watch_of_a_folder)
{
	int fd = CHECK_OK(inotify_init());
	CHECK_OK(inotify_add_watch(fd, ".", IN_CREATE));
	own(fd, MARK_SIGNAL);
	close(make_file("new"));
	CHECK_EQ(told_count, 1);
	check_told(0, POLL_IN, BAND_IN, fd);
}

TEST(terminal_has_an_owner_at_once)
{
	int master, slave;
	CHECK_OK(openpty(&master, &slave, NULL, NULL, NULL));
	listen_to(SIGIO);
	listen_to(MARK_SIGNAL);
	CHECK_EQ(fcntl(slave, F_GETOWN), 0);
	set_async(slave, 1);
	CHECK_EQ(fcntl(slave, F_GETOWN), getpid());
	CHECK_OK(fcntl(slave, F_SETSIG, MARK_SIGNAL));
	CHECK_EQ(write(master, "a", 1), 1);
	usleep(50000);
	CHECK_EQ(told_count, 0); /* a line is not yet complete */
	CHECK_EQ(write(master, "\n", 1), 1);
	wait_told(1);
	check_told(0, POLL_IN, BAND_IN, slave);
}

TEST(master_of_a_terminal)
{
	int master, slave;
	CHECK_OK(openpty(&master, &slave, NULL, NULL, NULL));
	own(master, MARK_SIGNAL);
	CHECK_EQ(write(slave, "a", 1), 1);
	wait_told(1);
	check_told(0, POLL_IN, BAND_IN, master);
}
