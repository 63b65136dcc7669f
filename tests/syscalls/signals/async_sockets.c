// SPDX-License-Identifier: MPL-2.0
/* Signal-driven I/O of sockets, and files and owners that come and go meanwhile. */
#include "async.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <asm/ioctls.h>

TEST(stream_pair)
{
	int fds[2];
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	own(fds[0], MARK_SIGNAL);
	CHECK_EQ(write(fds[1], "a", 1), 1);
	CHECK_EQ(write(fds[1], "a", 1), 1);
	CHECK_EQ(told_count, 2);
	check_told(0, POLL_IN, BAND_IN, fds[0]);
	CHECK_OK(shutdown(fds[1], SHUT_WR));
	CHECK_EQ(told_count, 3);
	check_told(2, POLL_IN, BAND_IN, fds[0]);
	CHECK_OK(close(fds[1]));
	CHECK_EQ(told_count, 4);
	check_told(3, POLL_HUP, BAND_HUP, fds[0]);
}

TEST(room_is_told_to_who_found_none)
{
	int fds[2];
	static char bytes[65536];
	CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
	own(fds[0], MARK_SIGNAL);
	CHECK_OK(fcntl(fds[0], F_SETFL, O_ASYNC | O_NONBLOCK));
	CHECK_OK(fcntl(fds[1], F_SETFL, O_NONBLOCK));
	CHECK_EQ(write(fds[0], "a", 1), 1);
	CHECK_EQ(read(fds[1], bytes, 1), 1);
	CHECK_EQ(told_count, 0);
	while (write(fds[0], bytes, sizeof(bytes)) > 0)
		;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(told_count, 0);
	while (read(fds[1], bytes, sizeof(bytes)) > 0)
		;
	CHECK_EQ(told_count, 1);
	check_told(0, POLL_OUT, BAND_OUT, fds[0]);
}

TEST(datagrams_of_unix)
{
	int fds[2];
	CHECK_OK(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
	own(fds[0], MARK_SIGNAL);
	CHECK_EQ(write(fds[1], "a", 1), 1);
	CHECK_EQ(told_count, 1);
	check_told(0, POLL_IN, BAND_IN, fds[0]);
}

static struct sockaddr_in loopback(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_OK(ioctl(fd, SIOCSIFFLAGS, &request));
	close(fd);
	return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static struct sockaddr_in bound(int fd)
{
	struct sockaddr_in at = loopback();
	socklen_t length = sizeof(at);
	CHECK_OK(bind(fd, (struct sockaddr *)&at, sizeof(at)));
	CHECK_OK(getsockname(fd, (struct sockaddr *)&at, &length));
	return at;
}

TEST(datagrams_of_the_network)
{
	CHECK_OK(unshare(CLONE_NEWNET));
	int to = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0)), from = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	struct sockaddr_in at = bound(to);
	own(to, MARK_SIGNAL);
	CHECK_EQ(sendto(from, "a", 1, 0, (struct sockaddr *)&at, sizeof(at)), 1);
	wait_told(1);
	check_told(0, POLL_IN, BAND_IN, to);
}

TEST(connections)
{
	CHECK_OK(unshare(CLONE_NEWNET));
	int listener = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), client = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	struct sockaddr_in at = bound(listener);
	CHECK_OK(listen(listener, 4));
	own(listener, MARK_SIGNAL);
	CHECK_OK(connect(client, (struct sockaddr *)&at, sizeof(at)));
	wait_told(1);
	check_told(0, POLL_IN, BAND_IN, listener);
	int server = CHECK_OK(accept(listener, NULL, NULL));
	CHECK_EQ(fcntl(server, F_GETOWN), 0);
	own(client, MARK_SIGNAL);
	CHECK_EQ(write(server, "a", 1), 1);
	wait_told(2);
	check_told(1, POLL_IN, BAND_IN, client);
	CHECK_OK(shutdown(server, SHUT_WR));
	wait_told_least(3);
	check_told(2, POLL_IN, BAND_IN, client);
	CHECK_OK(close(server));
}

TEST(end_of_both_directions)
{
	CHECK_OK(unshare(CLONE_NEWNET));
	int listener = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), client = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	struct sockaddr_in at = bound(listener);
	CHECK_OK(listen(listener, 4));
	CHECK_OK(connect(client, (struct sockaddr *)&at, sizeof(at)));
	int server = CHECK_OK(accept(listener, NULL, NULL));
	CHECK_OK(shutdown(client, SHUT_WR));
	usleep(20000);
	own(client, MARK_SIGNAL);
	CHECK_OK(close(server));
	wait_told_least(1);
	check_told(0, POLL_HUP, BAND_HUP, client);
}

TEST(connection_that_is_made)
{
	CHECK_OK(unshare(CLONE_NEWNET));
	int listener = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), client = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	struct sockaddr_in at = bound(listener);
	CHECK_OK(listen(listener, 4));
	own(client, MARK_SIGNAL);
	CHECK_OK(connect(client, (struct sockaddr *)&at, sizeof(at)));
	wait_told(1);
	check_told(0, POLL_OUT, BAND_OUT, client);
}

TEST(urgent_data_needs_an_owner_only)
{
	CHECK_OK(unshare(CLONE_NEWNET));
	int listener = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0)), client = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	struct sockaddr_in at = bound(listener);
	CHECK_OK(listen(listener, 4));
	CHECK_OK(connect(client, (struct sockaddr *)&at, sizeof(at)));
	int server = CHECK_OK(accept(listener, NULL, NULL));
	listen_to(SIGURG);
	CHECK_OK(fcntl(server, F_SETOWN, getpid()));
	CHECK_EQ(send(client, "a", 1, 0), 1);
	CHECK_EQ(send(client, "!", 1, MSG_OOB), 1);
	wait_told(1);
	CHECK_EQ(told[0].si_signo, SIGURG);
	CHECK_EQ(told[0].si_code, SI_KERNEL);
}

TEST(messages_of_the_kernel)
{
	struct {
		struct nlmsghdr header;
		char family[4];
	} ask = {.header = {.nlmsg_len = sizeof(ask), .nlmsg_type = 18, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP}};
	int fd = CHECK_OK(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	own(fd, MARK_SIGNAL);
	CHECK_OK(send(fd, &ask, sizeof(ask), 0));
	CHECK(told_count >= 1);
	check_told(0, POLL_IN, BAND_IN, fd);
}

/* --- all at once ---------------------------------------------------------------------------------- */

static int storm_fds[2];
static volatile int storm_is_over;

static void *storm_owner(void *unused)
{
	(void)unused;
	while (!storm_is_over) {
		set_async(storm_fds[0], 1);
		fcntl(storm_fds[0], F_SETSIG, told_count % 2 ? MARK_SIGNAL : 0);
		fcntl(storm_fds[0], F_SETOWN, told_count % 3 ? getpid() : 0);
		set_async(storm_fds[0], 0);
	}
	return NULL;
}

static void *storm_files(void *unused)
{
	(void)unused;
	while (!storm_is_over) {
		int fds[2];
		char c;
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds))
			continue;
		fcntl(fds[0], F_SETOWN, getpid());
		fcntl(fds[0], F_SETFL, O_ASYNC | O_NONBLOCK);
		(void)!write(fds[1], "a", 1);
		(void)!read(fds[0], &c, 1);
		close(fds[1]);
		close(fds[0]);
	}
	return NULL;
}

TEST(files_and_owners_come_and_go)
{
	pthread_t threads[3];
	char c;
	listen_to(SIGIO);
	listen_to(MARK_SIGNAL);
	CHECK_OK(pipe(storm_fds));
	CHECK_OK(fcntl(storm_fds[0], F_SETFL, O_NONBLOCK));
	CHECK_EQ(pthread_create(&threads[0], NULL, storm_owner, NULL), 0);
	CHECK_EQ(pthread_create(&threads[1], NULL, storm_files, NULL), 0);
	CHECK_EQ(pthread_create(&threads[2], NULL, storm_files, NULL), 0);
	struct timespec now, end;
	CHECK_OK(clock_gettime(CLOCK_MONOTONIC, &end));
	end.tv_sec += 2;
	do {
		CHECK_EQ(write(storm_fds[1], "a", 1), 1);
		while (read(storm_fds[0], &c, 1) == 1)
			;
		CHECK_OK(clock_gettime(CLOCK_MONOTONIC, &now));
	} while (now.tv_sec < end.tv_sec || told_count < 10);
	storm_is_over = 1;
	for (int i = 0; i < 3; i++)
		CHECK_EQ(pthread_join(threads[i], NULL), 0);
	/* And in quiet all is as before. */
	own(storm_fds[0], MARK_SIGNAL);
	told_count = 0;
	CHECK_EQ(write(storm_fds[1], "a", 1), 1);
	wait_told_least(1);
}
