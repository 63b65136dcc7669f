// SPDX-License-Identifier: MPL-2.0
/* Pipes and FIFOs. */
#include "support.h"

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/uio.h>

struct ends {
	int read, write;
};

static struct ends make_pipe(int flags)
{
	int fds[2];
	CHECK_OK(pipe2(fds, flags));
	return (struct ends){fds[0], fds[1]};
}

static int readiness(int fd, short events)
{
	struct pollfd entry = {.fd = fd, .events = events};
	CHECK_OK(poll(&entry, 1, 0));
	return entry.revents;
}

TEST(bytes_come_in_order)
{
	char text[8] = {0};
	struct ends ends = make_pipe(0);
	CHECK_EQ(write(ends.write, "abc", 3), 3);
	CHECK_EQ(write(ends.write, "def", 3), 3);
	CHECK_EQ(read(ends.read, text, 2), 2);
	CHECK_EQ(read(ends.read, text + 2, 6), 4);
	CHECK_STR(text, "abcdef");
}

TEST(end_of_file_when_writers_are_gone)
{
	char byte;
	struct ends ends = make_pipe(0);
	CHECK_EQ(write(ends.write, "x", 1), 1);
	close(ends.write);
	CHECK_EQ(read(ends.read, &byte, 1), 1);
	CHECK_EQ(read(ends.read, &byte, 1), 0);
}

TEST(write_without_reader_is_epipe)
{
	struct ends ends = make_pipe(0);
	close(ends.read);
	pid_t child = fork_checked();
	if (child == 0) {
		(void)!write(ends.write, "x", 1);
		_exit(0);
	}
	CHECK_EQ(wait_signal(child), SIGPIPE);
	CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	CHECK_ERR(write(ends.write, "x", 1), EPIPE);
}

TEST(nonblocking_ends)
{
	char block[PAGE] = {0}, byte;
	struct ends ends = make_pipe(O_NONBLOCK);
	CHECK_ERR(read(ends.read, &byte, 1), EAGAIN);
	size_t total = 0;
	ssize_t count;
	while ((count = write(ends.write, block, sizeof(block))) > 0)
		total += (size_t)count;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(total, 65536);
}

TEST(small_nonblocking_write_is_all_or_nothing)
{
	char block[PAGE] = {0};
	struct ends ends = make_pipe(O_NONBLOCK);
	for (int i = 0; i < 16; i++)
		CHECK_EQ(write(ends.write, block, PAGE), PAGE);
	CHECK_EQ(read(ends.read, block, 100), 100);
	CHECK_ERR(write(ends.write, block, 200), EAGAIN);
}

TEST(large_nonblocking_write_is_partial)
{
	static char block[100000];
	struct ends ends = make_pipe(O_NONBLOCK);
	CHECK_EQ(write(ends.write, block, sizeof(block)), 65536);
}

TEST(blocking_write_waits_for_room)
{
	static char block[100000];
	struct ends ends = make_pipe(0);
	pid_t child = fork_checked();
	if (child == 0)
		_exit(write(ends.write, block, sizeof(block)) == (ssize_t)sizeof(block) ? 0 : 1);
	close(ends.write);
	size_t total = 0;
	ssize_t count;
	while ((count = read(ends.read, block, 3000)) > 0)
		total += (size_t)count;
	CHECK_EQ(total, 100000);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(small_writes_are_atomic)
{
	enum { WRITERS = 4, ROUNDS = 50, SIZE = 1000 };
	char block[SIZE];
	struct ends ends = make_pipe(0);
	for (int i = 0; i < WRITERS; i++) {
		if (fork_checked() == 0) {
			memset(block, 'a' + i, SIZE);
			for (int j = 0; j < ROUNDS; j++)
				if (write(ends.write, block, SIZE) != SIZE)
					_exit(1);
			_exit(0);
		}
	}
	close(ends.write);
	size_t have = 0, total = 0;
	for (;;) {
		ssize_t count = read(ends.read, block + have, SIZE - have);
		if (count == 0)
			break;
		have += (size_t)count;
		if (have < SIZE)
			continue;
		for (int i = 1; i < SIZE; i++)
			CHECK_EQ(block[i], block[0]);
		total++;
		have = 0;
	}
	CHECK_EQ(total, WRITERS * ROUNDS);
	for (int i = 0; i < WRITERS; i++)
		CHECK_OK(wait(NULL));
}

TEST(interrupted_write_tells_its_part)
{
	static char block[200000];
	struct ends ends = make_pipe(0);
	handle_signal(SIGALRM, count_signal, 0);
	alarm_each_second();
	CHECK_EQ(write(ends.write, block, sizeof(block)), 65536);
	alarm_each_second();
	CHECK_ERR(write(ends.write, block, 1), EINTR);
}

TEST(poll_states)
{
	struct ends ends = make_pipe(O_NONBLOCK);
	static char block[65536];
	CHECK_EQ(readiness(ends.read, POLLIN), 0);
	CHECK_EQ(readiness(ends.write, POLLOUT), POLLOUT);
	CHECK_EQ(write(ends.write, block, sizeof(block)), 65536);
	CHECK_EQ(readiness(ends.read, POLLIN), POLLIN);
	CHECK_EQ(readiness(ends.write, POLLOUT), 0);
	close(ends.write);
	CHECK_EQ(readiness(ends.read, POLLIN), POLLIN | POLLHUP);
	struct ends other = make_pipe(0);
	close(other.read);
	CHECK_EQ(readiness(other.write, POLLOUT), POLLOUT | POLLERR);
}

TEST(bytes_waiting)
{
	int count = -1;
	struct ends ends = make_pipe(0);
	CHECK_EQ(write(ends.write, "12345", 5), 5);
	CHECK_OK(ioctl(ends.read, FIONREAD, &count));
	CHECK_EQ(count, 5);
	CHECK_ERR(ioctl(ends.read, TIOCGWINSZ, &count), ENOTTY);
}

TEST(size_can_change)
{
	struct ends ends = make_pipe(O_NONBLOCK);
	static char block[200000];
	CHECK_EQ(fcntl(ends.write, F_GETPIPE_SZ), 65536);
	CHECK_EQ(fcntl(ends.write, F_SETPIPE_SZ, 100000), 131072);
	CHECK_EQ(write(ends.write, block, sizeof(block)), 131072);
	CHECK_ERR(fcntl(ends.write, F_SETPIPE_SZ, 4096), EBUSY);
}

TEST(packet_mode)
{
	char text[10] = {0};
	struct ends ends = make_pipe(O_DIRECT);
	CHECK_EQ(write(ends.write, "one", 3), 3);
	CHECK_EQ(write(ends.write, "second", 6), 6);
	CHECK_EQ(read(ends.read, text, 10), 3);
	CHECK_EQ(read(ends.read, text, 2), 2);
}

// Room for one packet only: whoever waits for it must see it when the packet before, shorter than a page, is read.
TEST(packets_through_one_page)
{
	char text[200] = {0};
	struct ends ends = make_pipe(O_DIRECT);
	CHECK_EQ(fcntl(ends.write, F_SETPIPE_SZ, 4096), 4096);
	pid_t child = fork_checked();
	if (child == 0) {
		for (int n = 1; n <= 100; n++)
			CHECK_EQ(write(ends.write, text, (size_t)n), n);
		_exit(0);
	}
	sleep_ms(20);
	for (int n = 1; n <= 100; n++)
		CHECK_EQ(read(ends.read, text, sizeof(text)), n);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(pipe2_flags)
{
	int fds[2];
	struct ends ends = make_pipe(O_CLOEXEC);
	CHECK_EQ(fcntl(ends.read, F_GETFD), FD_CLOEXEC);
	CHECK_EQ(fcntl(ends.write, F_GETFL) & O_ACCMODE, O_WRONLY);
	CHECK_ERR(pipe2(fds, O_APPEND), EINVAL);
	struct stat info;
	CHECK_OK(fstat(ends.read, &info));
	CHECK(S_ISFIFO(info.st_mode));
}

TEST(splice_and_tee)
{
	char text[8] = {0};
	struct ends one = make_pipe(0), two = make_pipe(0);
	CHECK_EQ(write(one.write, "hello", 5), 5);
	CHECK_EQ(tee(one.read, two.write, 0, 0), 0);
	CHECK_EQ(tee(-1, -1, 0, 0), 0);
	CHECK_EQ(tee(one.read, two.write, 100, 0), 5);
	CHECK_EQ(read(two.read, text, 8), 5);
	CHECK_EQ(read(one.read, text, 8), 5);
	struct iovec vector = {"vm", 2};
	CHECK_EQ(vmsplice(one.write, &vector, 1, 0), 2);
	CHECK_EQ(read(one.read, text, 8), 2);
}

TEST(fifo_connects_two)
{
	char text[6] = {0};
	CHECK_OK(mkfifo("p", 0644));
	pid_t child = fork_checked();
	if (child == 0) {
		int fd = open("p", O_WRONLY);
		_exit(write(fd, "hello", 5) == 5 ? 0 : 1);
	}
	int fd = CHECK_OK(open("p", O_RDONLY));
	CHECK_EQ(read(fd, text, 5), 5);
	CHECK_STR(text, "hello");
	CHECK_EQ(wait_exit(child), 0);
	CHECK_EQ(read(fd, text, 5), 0);
}

TEST(fifo_nonblocking_open)
{
	CHECK_OK(mkfifo("p", 0644));
	CHECK_ERR(open("p", O_WRONLY | O_NONBLOCK), ENXIO);
	int reader = CHECK_OK(open("p", O_RDONLY | O_NONBLOCK));
	char byte;
	CHECK_EQ(read(reader, &byte, 1), 0);
	int writer = CHECK_OK(open("p", O_WRONLY | O_NONBLOCK));
	CHECK_ERR(read(reader, &byte, 1), EAGAIN);
	CHECK_EQ(write(writer, "x", 1), 1);
	CHECK_EQ(read(reader, &byte, 1), 1);
}

TEST(fifo_open_is_interruptible)
{
	CHECK_OK(mkfifo("p", 0644));
	handle_signal(SIGALRM, count_signal, 0);
	alarm_each_second();
	CHECK_ERR(open("p", O_RDONLY), EINTR);
}

TEST(fifo_through_proc_of_a_path_descriptor)
{
	char path[40];
	CHECK_OK(mkfifo("p", 0644));
	int place = CHECK_OK(open("p", O_PATH));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", place);
	pid_t child = fork_checked();
	if (child == 0)
		_exit(write(open(path, O_WRONLY), "x", 1) == 1 ? 0 : 1);
	int reader = CHECK_OK(open("p", O_RDONLY));
	char byte;
	CHECK_EQ(read(reader, &byte, 1), 1);
	CHECK_EQ(wait_exit(child), 0);
}
