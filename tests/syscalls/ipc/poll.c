// SPDX-License-Identifier: MPL-2.0
/* Waiting for many things: poll, select, epoll; and the descriptors made for it. */
#include "support.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/select.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>

struct ends {
	int read, write;
};

static struct ends make_pipe(void)
{
	int fds[2];
	CHECK_OK(pipe(fds));
	return (struct ends){fds[0], fds[1]};
}

static void give(int fd)
{
	CHECK_EQ(write(fd, "x", 1), 1);
}

static void take(int fd)
{
	char byte;
	CHECK_EQ(read(fd, &byte, 1), 1);
}

TEST(poll_counts_and_ignores_negative)
{
	struct ends one = make_pipe(), two = make_pipe();
	give(two.write);
	struct pollfd entries[4] = {{one.read, POLLIN, 9}, {-1, POLLIN, 9}, {two.read, POLLIN, 0},
				    {999, POLLIN, 0}};
	CHECK_EQ(poll(entries, 4, 0), 2);
	CHECK_EQ(entries[0].revents, 0);
	CHECK_EQ(entries[1].revents, 0);
	CHECK_EQ(entries[2].revents, POLLIN);
	CHECK_EQ(entries[3].revents, POLLNVAL);
}

TEST(poll_times_out)
{
	struct ends ends = make_pipe();
	struct pollfd entry = {ends.read, POLLIN, 0};
	int64_t start = now_ns(CLOCK_MONOTONIC);
	CHECK_EQ(poll(&entry, 1, 50), 0);
	CHECK(now_ns(CLOCK_MONOTONIC) - start >= 50000000);
}

TEST(poll_wakes)
{
	struct ends ends = make_pipe();
	pid_t child = fork_checked();
	if (child == 0) {
		sleep_ms(30);
		give(ends.write);
		_exit(0);
	}
	struct pollfd entry = {ends.read, POLLIN, 0};
	CHECK_EQ(poll(&entry, 1, -1), 1);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(poll_is_interrupted_even_with_restart)
{
	handle_signal(SIGALRM, count_signal, SA_RESTART);
	alarm_each_second();
	CHECK_ERR(poll(NULL, 0, -1), EINTR);
}

TEST(ppoll_swaps_the_mask)
{
	sigset_t set, none;
	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	handle_signal(SIGUSR1, count_signal, 0);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	CHECK_OK(raise(SIGUSR1));
	CHECK_ERR(ppoll(NULL, 0, NULL, &none), EINTR);
	CHECK_EQ(caught_count, 1);
}

TEST(regular_file_is_always_ready)
{
	struct pollfd entry = {make_file("f"), POLLIN | POLLOUT, 0};
	CHECK_EQ(poll(&entry, 1, 0), 1);
	CHECK_EQ(entry.revents, POLLIN | POLLOUT);
}

TEST(select_sets)
{
	struct ends ends = make_pipe();
	fd_set readers, writers;
	struct timeval zero = {0, 0};
	FD_ZERO(&readers);
	FD_ZERO(&writers);
	FD_SET(ends.read, &readers);
	FD_SET(ends.write, &writers);
	CHECK_EQ(select(ends.write + 1, &readers, &writers, NULL, &zero), 1);
	CHECK(!FD_ISSET(ends.read, &readers) && FD_ISSET(ends.write, &writers));
	give(ends.write);
	FD_SET(ends.read, &readers);
	CHECK_EQ(select(ends.write + 1, &readers, &writers, NULL, &zero), 2);
	FD_SET(30, &readers);
	CHECK_ERR(select(31, &readers, NULL, NULL, &zero), EBADF);
	CHECK_ERR(select(-1, NULL, NULL, NULL, &zero), EINVAL);
}

TEST(select_updates_the_time_left)
{
	struct timeval time = {10, 0};
	struct ends ends = make_pipe();
	fd_set readers;
	FD_ZERO(&readers);
	FD_SET(ends.read, &readers);
	pid_t child = fork_checked();
	if (child == 0) {
		sleep_ms(50);
		give(ends.write);
		_exit(0);
	}
	CHECK_EQ(syscall(SYS_select, ends.read + 1, &readers, NULL, NULL, &time), 1);
	CHECK(time.tv_sec < 10);
	CHECK_EQ(wait_exit(child), 0);
}

static int epoll_add(int epoll, int fd, unsigned events, uint64_t data)
{
	struct epoll_event event = {.events = events, .data.u64 = data};
	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

TEST(epoll_level_triggered)
{
	struct ends ends = make_pipe();
	struct epoll_event event;
	int epoll = CHECK_OK(epoll_create1(0));
	CHECK_OK(epoll_add(epoll, ends.read, EPOLLIN, 0x123456789abcull));
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	give(ends.write);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 1);
		CHECK_EQ(event.data.u64, 0x123456789abcull);
		CHECK_EQ(event.events, EPOLLIN);
	}
	take(ends.read);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
}

TEST(epoll_edge_triggered)
{
	struct ends ends = make_pipe();
	struct epoll_event event;
	int epoll = CHECK_OK(epoll_create1(0));
	CHECK_OK(epoll_add(epoll, ends.read, EPOLLIN | EPOLLET, 1));
	give(ends.write);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 1);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	give(ends.write);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 1);
}

TEST(epoll_one_shot)
{
	struct ends ends = make_pipe();
	struct epoll_event event;
	int epoll = CHECK_OK(epoll_create1(0));
	CHECK_OK(epoll_add(epoll, ends.read, EPOLLIN | EPOLLONESHOT, 1));
	give(ends.write);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 1);
	give(ends.write);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
	event = (struct epoll_event){.events = EPOLLIN | EPOLLONESHOT};
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_MOD, ends.read, &event));
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 1);
}

TEST(epoll_control_errors)
{
	struct ends ends = make_pipe();
	int epoll = CHECK_OK(epoll_create1(EPOLL_CLOEXEC));
	struct epoll_event event = {.events = EPOLLIN};
	CHECK_OK(epoll_add(epoll, ends.read, EPOLLIN, 1));
	CHECK_ERR(epoll_add(epoll, ends.read, EPOLLIN, 1), EEXIST);
	CHECK_ERR(epoll_ctl(epoll, EPOLL_CTL_MOD, ends.write, &event), ENOENT);
	CHECK_ERR(epoll_ctl(epoll, EPOLL_CTL_DEL, ends.write, NULL), ENOENT);
	CHECK_ERR(epoll_add(epoll, 999, EPOLLIN, 1), EBADF);
	CHECK_ERR(epoll_add(epoll, epoll, EPOLLIN, 1), EINVAL);
	CHECK_ERR(epoll_add(epoll, make_file("f"), EPOLLIN, 1), EPERM);
	CHECK_ERR(epoll_add(ends.read, ends.write, EPOLLIN, 1), EINVAL);
	CHECK_ERR(epoll_ctl(epoll, 9, ends.read, &event), EINVAL);
	CHECK_ERR(epoll_wait(epoll, &event, 0, 0), EINVAL);
	CHECK_ERR(epoll_create1(1), EINVAL);
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_DEL, ends.read, NULL));
}

TEST(epoll_forgets_closed_files)
{
	struct ends ends = make_pipe();
	struct epoll_event event;
	int epoll = CHECK_OK(epoll_create1(0));
	CHECK_OK(epoll_add(epoll, ends.read, EPOLLIN, 1));
	int copy = CHECK_OK(dup(ends.read));
	give(ends.write);
	close(ends.read);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 1); /* the open file lives through its copy */
	close(copy);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 0);
}

TEST(epoll_of_epoll)
{
	struct ends ends = make_pipe();
	struct epoll_event event;
	int inner = CHECK_OK(epoll_create1(0)), outer = CHECK_OK(epoll_create1(0));
	CHECK_OK(epoll_add(inner, ends.read, EPOLLIN, 1));
	CHECK_OK(epoll_add(outer, inner, EPOLLIN, 2));
	CHECK_ERR(epoll_add(inner, outer, EPOLLIN, 3), ELOOP);
	CHECK_EQ(epoll_wait(outer, &event, 1, 0), 0);
	give(ends.write);
	CHECK_EQ(epoll_wait(outer, &event, 1, 1000), 1);
	CHECK_EQ(event.data.u64, 2);
}

TEST(epoll_hang_up_needs_no_asking)
{
	struct ends ends = make_pipe();
	struct epoll_event event;
	int epoll = CHECK_OK(epoll_create1(0));
	CHECK_OK(epoll_add(epoll, ends.read, 0, 1));
	close(ends.write);
	CHECK_EQ(epoll_wait(epoll, &event, 1, 0), 1);
	CHECK_EQ(event.events, EPOLLHUP);
}

TEST(epoll_wakes_another_process)
{
	struct ends ends = make_pipe();
	struct epoll_event event;
	int epoll = CHECK_OK(epoll_create1(0));
	CHECK_OK(epoll_add(epoll, ends.read, EPOLLIN, 5));
	pid_t child = fork_checked();
	if (child == 0) {
		sleep_ms(30);
		give(ends.write);
		_exit(0);
	}
	CHECK_EQ(epoll_wait(epoll, &event, 1, 10000), 1);
	CHECK_EQ(event.data.u64, 5);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(eventfd_counts)
{
	uint64_t value = 3;
	int fd = CHECK_OK(eventfd(2, EFD_NONBLOCK));
	CHECK_EQ(write(fd, &value, 8), 8);
	CHECK_EQ(read(fd, &value, 8), 8);
	CHECK_EQ(value, 5);
	CHECK_ERR(read(fd, &value, 8), EAGAIN);
	CHECK_ERR(read(fd, &value, 4), EINVAL);
	value = ~0ull;
	CHECK_ERR(write(fd, &value, 8), EINVAL);
	value = ~0ull - 1;
	CHECK_EQ(write(fd, &value, 8), 8);
	value = 1;
	CHECK_ERR(write(fd, &value, 8), EAGAIN);
	CHECK_ERR(eventfd(0, 64), EINVAL);
}

TEST(eventfd_semaphore)
{
	uint64_t value;
	int fd = CHECK_OK(eventfd(2, EFD_SEMAPHORE | EFD_NONBLOCK));
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(read(fd, &value, 8), 8);
		CHECK_EQ(value, 1);
	}
	CHECK_ERR(read(fd, &value, 8), EAGAIN);
}

TEST(timerfd_once_and_interval)
{
	uint64_t count;
	int fd = CHECK_OK(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK));
	struct itimerspec time = {.it_value = {0, 30000000}, .it_interval = {0, 10000000}}, left;
	CHECK_ERR(read(fd, &count, 8), EAGAIN);
	CHECK_OK(timerfd_settime(fd, 0, &time, NULL));
	CHECK_OK(timerfd_gettime(fd, &left));
	CHECK_EQ(left.it_interval.tv_nsec, 10000000);
	sleep_ms(80);
	CHECK_EQ(read(fd, &count, 8), 8);
	CHECK(count >= 3);
	time = (struct itimerspec){0};
	CHECK_OK(timerfd_settime(fd, 0, &time, &left));
	CHECK_EQ(left.it_interval.tv_nsec, 10000000);
	CHECK_ERR(read(fd, &count, 8), EAGAIN);
}

TEST(timerfd_absolute_in_the_past)
{
	uint64_t count;
	int fd = CHECK_OK(timerfd_create(CLOCK_REALTIME, 0));
	struct itimerspec time = {.it_value = {1, 0}};
	CHECK_OK(timerfd_settime(fd, TFD_TIMER_ABSTIME, &time, NULL));
	CHECK_EQ(read(fd, &count, 8), 8);
	CHECK_EQ(count, 1);
	CHECK_ERR(timerfd_create(99, 0), EINVAL);
	CHECK_ERR(timerfd_settime(fd, 8, &time, NULL), EINVAL);
	time.it_value.tv_nsec = 1000000000;
	CHECK_ERR(timerfd_settime(fd, 0, &time, NULL), EINVAL);
}

TEST(signalfd_reads_signals)
{
	sigset_t set;
	struct signalfd_siginfo info;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigaddset(&set, SIGRTMIN);
	CHECK_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	int fd = CHECK_OK(signalfd(-1, &set, SFD_NONBLOCK));
	CHECK_ERR(read(fd, &info, sizeof(info)), EAGAIN);
	CHECK_OK(kill(getpid(), SIGUSR1));
	struct pollfd entry = {fd, POLLIN, 0};
	CHECK_EQ(poll(&entry, 1, 0), 1);
	CHECK_EQ(read(fd, &info, sizeof(info)), sizeof(info));
	CHECK_EQ(info.ssi_signo, SIGUSR1);
	CHECK_EQ(info.ssi_pid, getpid());
	CHECK_OK(sigqueue(getpid(), SIGRTMIN, (union sigval){.sival_int = 42}));
	CHECK_EQ(read(fd, &info, sizeof(info)), sizeof(info));
	CHECK_EQ(info.ssi_int, 42);
	CHECK_ERR(read(fd, &info, 10), EINVAL);
}

/* The mask and name of the next inotify event. */
static unsigned next_event(int fd, char *name, size_t size)
{
	static char buffer[4096];
	static ssize_t have, at;
	if (at >= have) {
		have = CHECK_OK(read(fd, buffer, sizeof(buffer)));
		at = 0;
	}
	const struct inotify_event *event = (const void *)(buffer + at);
	at += (ssize_t)(sizeof(*event) + event->len);
	snprintf(name, size, "%s", event->len ? event->name : "");
	return event->mask;
}

TEST(inotify_tells_what_happens)
{
	char name[64];
	int fd = CHECK_OK(inotify_init1(IN_NONBLOCK));
	CHECK_OK(mkdir("d", 0755));
	int watch = CHECK_OK(inotify_add_watch(fd, "d", IN_CREATE | IN_DELETE | IN_MODIFY | IN_MOVE |
						 IN_CLOSE_WRITE | IN_ATTRIB));
	write_text("d/f", "x");
	CHECK_EQ(next_event(fd, name, sizeof(name)), IN_CREATE);
	CHECK_STR(name, "f");
	CHECK_EQ(next_event(fd, name, sizeof(name)), IN_MODIFY);
	CHECK_EQ(next_event(fd, name, sizeof(name)), IN_CLOSE_WRITE);
	CHECK_OK(chmod("d/f", 0600));
	CHECK_EQ(next_event(fd, name, sizeof(name)), IN_ATTRIB);
	CHECK_OK(rename("d/f", "d/g"));
	CHECK_EQ(next_event(fd, name, sizeof(name)), IN_MOVED_FROM);
	CHECK_EQ(next_event(fd, name, sizeof(name)), IN_MOVED_TO);
	CHECK_STR(name, "g");
	CHECK_OK(unlink("d/g"));
	CHECK_EQ(next_event(fd, name, sizeof(name)), IN_DELETE);
	CHECK_OK(inotify_rm_watch(fd, watch));
	CHECK_EQ(next_event(fd, name, sizeof(name)), IN_IGNORED);
	CHECK_ERR(inotify_rm_watch(fd, watch), EINVAL);
	CHECK_ERR(read(fd, name, sizeof(name)), EAGAIN);
}

TEST(inotify_of_removed_file)
{
	char name[64];
	int fd = CHECK_OK(inotify_init1(IN_NONBLOCK));
	write_text("f", "");
	CHECK_OK(inotify_add_watch(fd, "f", IN_DELETE_SELF));
	CHECK_OK(unlink("f"));
	CHECK_EQ(next_event(fd, name, sizeof(name)), IN_DELETE_SELF);
	CHECK_EQ(next_event(fd, name, sizeof(name)), IN_IGNORED);
	CHECK_ERR(inotify_add_watch(fd, "missing", IN_CREATE), ENOENT);
	CHECK_ERR(inotify_add_watch(fd, ".", 0), EINVAL);
}

TEST(exclusive_watches_wake_one)
{
	enum { WAITERS = 4 };
	pid_t child[WAITERS];
	struct ends ends = make_pipe();
	struct turn ready = turn_create(), done = turn_create();
	for (int n = 0; n < WAITERS; n++) {
		child[n] = fork_checked();
		if (child[n])
			continue;
		struct epoll_event event = {.events = EPOLLIN | EPOLLEXCLUSIVE};
		int epoll = CHECK_OK(epoll_create1(0));
		CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, ends.read, &event));
		turn_give(ready);
		CHECK_EQ(epoll_wait(epoll, &event, 1, -1), 1);
		turn_give(done);
		pause();
	}
	for (int n = 0; n < WAITERS; n++)
		turn_take(ready);
	for (int n = 0; n < WAITERS; n++)
		WAIT_UNTIL(process_state(child[n]) == 'S');
	give(ends.write);
	turn_take(done);
	sleep_ms(200);
	struct pollfd more = {.fd = done.read_end, .events = POLLIN};
	CHECK_EQ(poll(&more, 1, 0), 0);
	give(ends.write); /* the first sleeps elsewhere: now another one */
	turn_take(done);
	for (int n = 0; n < WAITERS; n++)
		CHECK_OK(kill(child[n], SIGKILL));
}

/* What a file is waited for by may belong to something that the file alone keeps: it goes after the watch. */
TEST(epoll_watch_ends_with_the_last_file)
{
	sigset_t set;
	struct epoll_event event = {.events = EPOLLIN}, seen;
	int epoll = CHECK_OK(epoll_create1(0));
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	pid_t middle = fork_checked();
	if (middle == 0) {	/* makes a signalfd, which only its child keeps */
		int fd = signalfd(-1, &set, 0);
		if (fork() == 0) {
			sleep_ms(100);
			_exit(epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event));
		}
		_exit(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event));
	}
	CHECK_EQ(wait_exit(middle), 0);
	pid_t child = fork_checked();
	if (child == 0)
		_exit(0);
	int process = CHECK_OK((int)syscall(SYS_pidfd_open, child, 0));
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, process, &event));
	CHECK_EQ(wait_exit(child), 0);
	CHECK_OK(close(process));
	int timer = CHECK_OK(timerfd_create(CLOCK_MONOTONIC, 0));
	CHECK_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, timer, &event));
	CHECK_OK(close(timer));
	sleep_ms(200);
	CHECK_EQ(epoll_wait(epoll, &seen, 1, 0), 0);
}
