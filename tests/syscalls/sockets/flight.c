// SPDX-License-Identifier: MPL-2.0
/* Descriptors in flight: their limits, rings of sockets that hold each other, peeking; and room for datagrams. */
#include "support.h"

#include <grp.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>

#ifndef SO_PEERGROUPS
#define SO_PEERGROUPS 59
#endif

struct pair {
	int a, b;
};

static struct pair make_pair(int type)
{
	int fds[2];
	CHECK_OK(socketpair(AF_UNIX, type, 0, fds));
	return (struct pair){fds[0], fds[1]};
}

static ssize_t try_send_fd(int socket, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec vector = {"x", 1};
	struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	return sendmsg(socket, &message, MSG_DONTWAIT);
}

static void send_fd(int socket, int fd)
{
	CHECK_EQ(try_send_fd(socket, fd), 1);
}

static int receive_fd(int socket, int flags)
{
	char control[CMSG_SPACE(sizeof(int))] = {0}, byte;
	struct iovec vector = {&byte, 1};
	struct msghdr message = {
		.msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	int fd;
	CHECK_EQ(recvmsg(socket, &message, flags), 1);
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	CHECK(header && header->cmsg_type == SCM_RIGHTS);
	memcpy(&fd, CMSG_DATA(header), sizeof(int));
	return fd;
}

/* The reading end of a pipe whose writing end goes into `socket`'s peer: it ends when that message is dropped. */
static int plant_pipe(int socket)
{
	int ends[2];
	CHECK_OK(pipe2(ends, O_NONBLOCK));
	send_fd(socket, ends[1]);
	CHECK_OK(close(ends[1]));
	return ends[0];
}

static ssize_t read_byte(int fd)
{
	char byte;
	return read(fd, &byte, 1);
}

static void start_collection(void)
{
	struct pair other = make_pair(SOCK_STREAM);
	send_fd(other.a, other.a);
	close(other.a);
	close(other.b);
}

TEST(two_sockets_that_hold_each_other_are_collected)
{
	struct pair one = make_pair(SOCK_STREAM), two = make_pair(SOCK_DGRAM);
	int first = plant_pipe(one.a), second = plant_pipe(two.a);
	send_fd(one.a, two.b);
	send_fd(two.a, one.b);
	close(one.a);
	close(one.b);
	close(two.a);
	CHECK_ERR(read_byte(first), EAGAIN);
	close(two.b);
	start_collection();
	WAIT_UNTIL(read_byte(first) == 0);
	WAIT_UNTIL(read_byte(second) == 0);
}

TEST(what_can_be_reached_is_kept)
{
	struct pair held = make_pair(SOCK_STREAM), ring = make_pair(SOCK_STREAM);
	int pipe_end = plant_pipe(ring.a);
	send_fd(ring.a, ring.b); /* ring.b lies in its own queue */
	send_fd(held.a, ring.b); /* and in one that can be read */
	close(ring.b);
	for (int n = 0; n < 5; n++) {
		start_collection();
		sleep_ms(5);
	}
	CHECK_ERR(read_byte(pipe_end), EAGAIN);
	int got = receive_fd(held.b, 0);
	close(receive_fd(got, 0));
	int again = receive_fd(got, 0);
	CHECK_EQ(write(ring.a, "y", 1), 1);
	char byte;
	CHECK_EQ(read(again, &byte, 1), 1);
	CHECK_EQ(read_byte(pipe_end), 0);
}

TEST(sockets_in_a_backlog_are_collected)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "s"};
	int listener = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	int client = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_OK(bind(listener, (void *)&address, sizeof(address)));
	CHECK_OK(listen(listener, 4));
	CHECK_OK(connect(client, (void *)&address, sizeof(address)));
	int pipe_end = plant_pipe(client);
	send_fd(client, listener); /* it waits in the backlog of what it carries */
	close(listener);
	close(client);
	start_collection();
	WAIT_UNTIL(read_byte(pipe_end) == 0);
}

TEST(a_chain_of_sockets_ends)
{
	enum { LINKS = 600 };
	struct rlimit many = {4096, 4096};
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &many));
	struct pair last = make_pair(SOCK_STREAM);
	int pipe_end = plant_pipe(last.a);
	for (int n = 0; n < LINKS; n++) { /* each pair carries the one before */
		struct pair next = make_pair(SOCK_STREAM);
		send_fd(next.a, last.a);
		send_fd(next.a, last.b);
		close(last.a);
		close(last.b);
		last = next;
	}
	CHECK_ERR(read_byte(pipe_end), EAGAIN);
	close(last.a);
	close(last.b);
	WAIT_UNTIL(read_byte(pipe_end) == 0);
}

TEST(a_user_may_have_so_many_in_flight)
{
	struct rlimit few = {32, 32};
	struct pair pair = make_pair(SOCK_STREAM);
	int file = make_file("f");
	become_nobody();
	CHECK_OK(setrlimit(RLIMIT_NOFILE, &few));
	int sent = 0;
	while (sent < 100 && try_send_fd(pair.a, file) == 1)
		sent++;
	CHECK_EQ(errno, ETOOMANYREFS);
	CHECK_EQ(sent, 33);
	close(receive_fd(pair.b, 0));
	CHECK_EQ(try_send_fd(pair.a, file), 1);
	CHECK_ERR(try_send_fd(pair.a, file), ETOOMANYREFS);
}

TEST(peeking_gives_descriptors_too)
{
	struct pair pair = make_pair(SOCK_STREAM);
	int file = make_file("f");
	CHECK_EQ(write(file, "text", 4), 4);
	send_fd(pair.a, file);
	int peeked = receive_fd(pair.b, MSG_PEEK), got = receive_fd(pair.b, 0);
	CHECK(peeked != got);
	CHECK_EQ(lseek(peeked, 0, SEEK_CUR), 4);
	CHECK_EQ(lseek(got, 0, SEEK_CUR), 4);
}

static int bound_datagram(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = CHECK_OK(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	CHECK_OK(bind(fd, (void *)&address, sizeof(address)));
	return fd;
}

static int datagram_to(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = CHECK_OK(socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0));
	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	CHECK_OK(connect(fd, (void *)&address, sizeof(address)));
	return fd;
}

TEST(a_full_receiver_is_not_writable)
{
	int receiver = bound_datagram("r"), sender = datagram_to("r"), sent = 0;
	struct pollfd p = {.fd = sender, .events = POLLOUT};
	char byte;
	CHECK_EQ(poll(&p, 1, 0), 1);
	while (send(sender, "x", 1, 0) == 1)
		sent++;
	CHECK_EQ(errno, EAGAIN);
	CHECK_EQ(sent, 11);
	CHECK_EQ(poll(&p, 1, 0), 0);
	pid_t child = fork_checked();
	if (child == 0) {
		sleep_ms(100);
		_exit(recv(receiver, &byte, 1, 0) == 1 ? 0 : 1);
	}
	CHECK_EQ(poll(&p, 1, 5000), 1);
	CHECK_EQ(p.revents, POLLOUT);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_EQ(send(sender, "x", 1, 0), 1);
}

TEST(two_full_receivers_make_no_ring)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = "a"};
	int a = bound_datagram("a"), b = bound_datagram("b"), to_a = datagram_to("a"), to_b = datagram_to("b");
	struct pollfd p[4] = {{.fd = a, .events = POLLOUT}, {.fd = b, .events = POLLOUT}};
	char byte;
	(void)address;
	for (int n = 0; n < 11; n++) {
		CHECK_EQ(send(to_a, "x", 1, 0), 1);
		CHECK_EQ(send(to_b, "x", 1, 0), 1);
	}
	p[0].fd = to_a;
	p[1].fd = to_b;
	CHECK_EQ(poll(p, 2, 0), 0);
	CHECK_EQ(recv(a, &byte, 1, 0), 1);
	CHECK_EQ(poll(p, 2, 0), 1);
	CHECK_EQ(p[0].revents, POLLOUT);
}

TEST(connected_pairs_take_more_than_ten)
{
	struct pair pair = make_pair(SOCK_DGRAM);
	struct pollfd p = {.fd = pair.a, .events = POLLOUT};
	for (int n = 0; n < 50; n++)
		CHECK_EQ(send(pair.a, "x", 1, MSG_DONTWAIT), 1);
	CHECK_EQ(poll(&p, 1, 0), 1);
}

TEST(groups_of_the_peer)
{
	const gid_t mine[3] = {5, 7, 1000};
	gid_t got[8] = {0};
	socklen_t size = sizeof(got);
	CHECK_OK(setgroups(3, mine));
	struct pair pair = make_pair(SOCK_STREAM);
	CHECK_OK(setgroups(0, NULL));
	CHECK_OK(getsockopt(pair.a, SOL_SOCKET, SO_PEERGROUPS, got, &size));
	CHECK_EQ(size, 12);
	CHECK_EQ(memcmp(got, mine, 12), 0);
	size = 4;
	CHECK_ERR(getsockopt(pair.a, SOL_SOCKET, SO_PEERGROUPS, got, &size), ERANGE);
	size = sizeof(got);
	int alone = CHECK_OK(socket(AF_UNIX, SOCK_STREAM, 0));
	CHECK_ERR(getsockopt(alone, SOL_SOCKET, SO_PEERGROUPS, got, &size), ENODATA);
}

TEST(any_socket_knows_interfaces)
{
	struct ifreq request = {.ifr_name = "lo"};
	int fd = CHECK_OK(socket(AF_UNIX, SOCK_DGRAM, 0));
	CHECK_OK(ioctl(fd, SIOCGIFINDEX, &request));
	CHECK_EQ(request.ifr_ifindex, 1);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "none");
	CHECK_ERR(ioctl(fd, SIOCGIFINDEX, &request), ENODEV);
	CHECK_ERR(ioctl(fd, 0x1234, &request), ENOTTY);
}
