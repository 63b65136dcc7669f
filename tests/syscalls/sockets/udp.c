// SPDX-License-Identifier: MPL-2.0
/* UDP over the loopback interface, and the interface ioctls, in a network namespace of its own. */
#include "support.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static struct sockaddr_in at(uint32_t address, int port)
{
	return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
}

static void loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_OK(unshare(CLONE_NEWNET));
	close(fd);
	fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_OK(ioctl(fd, SIOCGIFFLAGS, &request));
	CHECK((request.ifr_flags & IFF_LOOPBACK) && !(request.ifr_flags & IFF_UP));
	request.ifr_flags |= IFF_UP;
	CHECK_OK(ioctl(fd, SIOCSIFFLAGS, &request));
	close(fd);
}

static int bound(uint32_t address, int port, struct sockaddr_in *name)
{
	socklen_t length = sizeof(*name);
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	*name = at(address, port);
	CHECK_OK(bind(fd, (void *)name, sizeof(*name)));
	CHECK_OK(getsockname(fd, (void *)name, &length));
	CHECK_EQ(length, sizeof(*name));
	return fd;
}

TEST(interface_is_down_then_up)
{
	struct ifreq request = {.ifr_name = "lo"};
	CHECK_OK(unshare(CLONE_NEWNET));
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_ERR(ioctl(fd, SIOCGIFADDR, &request), EADDRNOTAVAIL);
	struct sockaddr_in to = at(INADDR_LOOPBACK, 9);
	CHECK_ERR(sendto(fd, "x", 1, 0, (void *)&to, sizeof(to)), ENETUNREACH);
	loopback_up();
	fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_OK(ioctl(fd, SIOCGIFADDR, &request));
	CHECK_EQ(ntohl(((struct sockaddr_in *)&request.ifr_addr)->sin_addr.s_addr), INADDR_LOOPBACK);
	CHECK_OK(ioctl(fd, SIOCGIFINDEX, &request));
	CHECK_EQ(request.ifr_ifindex, 1);
	CHECK_OK(ioctl(fd, SIOCGIFNAME, &request));
	CHECK(strcmp(request.ifr_name, "lo") == 0);
	strcpy(request.ifr_name, "eth9");
	CHECK_ERR(ioctl(fd, SIOCGIFINDEX, &request), ENODEV);
}

TEST(datagrams_keep_their_bounds_and_source)
{
	struct sockaddr_in a, b, source;
	char text[16];
	loopback_up();
	int one = bound(INADDR_LOOPBACK, 0, &a), two = bound(INADDR_ANY, 4000, &b);
	b = at(INADDR_LOOPBACK, 4000);
	CHECK_EQ(sendto(one, "first", 5, 0, (void *)&b, sizeof(b)), 5);
	CHECK_EQ(sendto(one, "second", 6, 0, (void *)&b, sizeof(b)), 6);
	socklen_t length = sizeof(source);
	CHECK_EQ(recvfrom(two, text, sizeof(text), 0, (void *)&source, &length), 5);
	CHECK(source.sin_port == a.sin_port && source.sin_addr.s_addr == htonl(INADDR_LOOPBACK));
	CHECK_EQ(recv(two, text, 3, MSG_TRUNC), 6);
	CHECK_ERR(recv(two, text, sizeof(text), MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(sendto(two, "", 0, 0, (void *)&a, sizeof(a)), 0);
	CHECK_EQ(recv(one, text, sizeof(text), 0), 0);
}

TEST(connected_sockets_hear_their_peer_only)
{
	struct sockaddr_in a, b, c;
	char text[16];
	loopback_up();
	int one = bound(INADDR_LOOPBACK, 0, &a), two = bound(INADDR_LOOPBACK, 0, &b),
	    third = bound(INADDR_LOOPBACK, 0, &c);
	CHECK_OK(connect(one, (void *)&b, sizeof(b)));
	CHECK_EQ(send(one, "hi", 2, 0), 2);
	CHECK_EQ(recv(two, text, sizeof(text), 0), 2);
	CHECK_EQ(sendto(third, "no", 2, 0, (void *)&a, sizeof(a)), 2);
	CHECK_ERR(recv(one, text, sizeof(text), MSG_DONTWAIT), EAGAIN);
	socklen_t length = sizeof(c);
	CHECK_OK(getpeername(one, (void *)&c, &length));
	CHECK_EQ(c.sin_port, b.sin_port);
	close(two);
	CHECK_EQ(send(one, "gone", 4, 0), 4);
	CHECK_ERR(recv(one, text, sizeof(text), 0), ECONNREFUSED);
}

TEST(a_port_belongs_to_one_socket)
{
	struct sockaddr_in a;
	loopback_up();
	bound(INADDR_LOOPBACK, 5000, &a);
	int second = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_ERR(bind(second, (void *)&a, sizeof(a)), EADDRINUSE);
	a = at(0x08080808, 5001);
	CHECK_ERR(bind(second, (void *)&a, sizeof(a)), EADDRNOTAVAIL);
	CHECK_ERR(bind(second, (void *)&a, 8), EINVAL);
	CHECK_ERR(send(second, "x", 1, 0), EDESTADDRREQ);
	a = at(INADDR_LOOPBACK, 5002);
	static char large[65508];
	CHECK_ERR(sendto(second, large, sizeof(large), 0, (void *)&a, sizeof(a)), EMSGSIZE);
}

TEST(waiting_reader_is_woken_and_polled)
{
	struct sockaddr_in a, b;
	char byte;
	loopback_up();
	int one = bound(INADDR_LOOPBACK, 0, &a), two = bound(INADDR_LOOPBACK, 0, &b);
	struct pollfd poll_one = {.fd = one, .events = POLLIN | POLLOUT};
	CHECK_EQ(poll(&poll_one, 1, 0), 1);
	CHECK_EQ(poll_one.revents, POLLOUT);
	pid_t child = CHECK_OK(fork());
	if (child == 0) {
		usleep(20000);
		_exit(sendto(two, "!", 1, 0, (void *)&a, sizeof(a)) == 1 ? 0 : 1);
	}
	CHECK_EQ(recv(one, &byte, 1, 0), 1);
	CHECK_EQ(byte, '!');
	int status;
	CHECK_OK(waitpid(child, &status, 0));
	CHECK_EQ(status, 0);
}

/* It goes where the first piece says. */
TEST(pieces_make_one_datagram)
{
	struct sockaddr_in to, other;
	static char large[40000], in[100];
	int on = 1, off = 0, value = 5;
	socklen_t length = sizeof(value);
	loopback_up();
	int receiver = bound(INADDR_LOOPBACK, 0, &to), elsewhere = bound(INADDR_LOOPBACK, 0, &other);
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_EQ(sendto(fd, "first ", 6, MSG_MORE, (void *)&to, sizeof(to)), 6);
	CHECK_ERR(recv(receiver, in, sizeof(in), MSG_DONTWAIT), EAGAIN);
	CHECK_EQ(sendto(fd, "second ", 7, MSG_MORE, (void *)&other, sizeof(other)), 7);
	CHECK_EQ(sendto(fd, "last", 4, 0, (void *)&other, sizeof(other)), 4);
	CHECK_EQ(recv(receiver, in, sizeof(in), 0), 17);
	CHECK(memcmp(in, "first second last", 17) == 0);
	CHECK_ERR(recv(elsewhere, in, sizeof(in), MSG_DONTWAIT), EAGAIN);

	CHECK_OK(connect(fd, (void *)&to, sizeof(to)));
	CHECK_OK(setsockopt(fd, IPPROTO_UDP, 1 /* UDP_CORK */, &on, sizeof(on)));
	CHECK_EQ(send(fd, "a", 1, 0), 1);
	CHECK_EQ(send(fd, "b", 1, 0), 1);
	CHECK_OK(getsockopt(fd, IPPROTO_UDP, 1, &value, &length));
	CHECK_EQ(value, 1);
	CHECK_ERR(recv(receiver, in, sizeof(in), MSG_DONTWAIT), EAGAIN);
	CHECK_OK(setsockopt(fd, IPPROTO_UDP, 1, &off, sizeof(off)));
	CHECK_EQ(recv(receiver, in, sizeof(in), 0), 2);
	CHECK(memcmp(in, "ab", 2) == 0);

	CHECK_EQ(send(fd, large, sizeof(large), MSG_MORE), (ssize_t)sizeof(large));
	CHECK_ERR(send(fd, large, sizeof(large), 0), EMSGSIZE);	/* and what was there is gone */
	CHECK_EQ(send(fd, "c", 1, 0), 1);
	CHECK_EQ(recv(receiver, in, sizeof(in), 0), 1);
	CHECK_EQ(send(fd, "never", 5, MSG_MORE), 5);
	close(fd);
	CHECK_ERR(recv(receiver, in, sizeof(in), MSG_DONTWAIT), EAGAIN);
}
