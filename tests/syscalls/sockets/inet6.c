// SPDX-License-Identifier: MPL-2.0
/* IPv6 sockets, sockets of both families, and what comes beside a datagram. */
#include "support.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static void loopback_up(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	CHECK_OK(unshare(CLONE_NEWNET));
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_OK(ioctl(fd, SIOCSIFFLAGS, &request));
	close(fd);
}

static struct sockaddr_in6 at6(const char *text, int port)
{
	struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	CHECK_EQ(inet_pton(AF_INET6, text, &a.sin6_addr), 1);
	return a;
}

static struct sockaddr_in at4(uint32_t address, int port)
{
	return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(address)};
}

static int bound6(int type, const char *text, struct sockaddr_in6 *name)
{
	socklen_t length = sizeof(*name);
	int fd = CHECK_OK(socket(AF_INET6, type, 0));
	*name = at6(text, 0);
	CHECK_OK(bind(fd, (void *)name, sizeof(*name)));
	CHECK_OK(getsockname(fd, (void *)name, &length));
	CHECK_EQ(length, sizeof(*name));
	return fd;
}

static void set(int fd, int level, int name, int value)
{
	CHECK_OK(setsockopt(fd, level, name, &value, sizeof(value)));
}

TEST(datagrams_over_ipv6)
{
	struct sockaddr_in6 a, b, source;
	socklen_t length = sizeof(source);
	char text[16];
	loopback_up();
	int one = bound6(SOCK_DGRAM, "::1", &a), two = bound6(SOCK_DGRAM, "::", &b);
	b = at6("::1", ntohs(b.sin6_port));
	CHECK_EQ(sendto(one, "six", 3, 0, (void *)&b, sizeof(b)), 3);
	CHECK_EQ(recvfrom(two, text, sizeof(text), 0, (void *)&source, &length), 3);
	CHECK_EQ(length, sizeof(source));
	CHECK(source.sin6_port == a.sin6_port && IN6_IS_ADDR_LOOPBACK(&source.sin6_addr));
	CHECK_OK(connect(one, (void *)&b, sizeof(b)));
	close(two);
	CHECK_EQ(send(one, "x", 1, 0), 1);
	CHECK_ERR(recv(one, text, 1, 0), ECONNREFUSED);
}

TEST(streams_over_ipv6)
{
	struct sockaddr_in6 name, peer;
	socklen_t length = sizeof(peer);
	char text[16];
	loopback_up();
	int listener = bound6(SOCK_STREAM, "::1", &name);
	CHECK_OK(listen(listener, 4));
	int client = CHECK_OK(socket(AF_INET6, SOCK_STREAM, 0));
	CHECK_OK(connect(client, (void *)&name, sizeof(name)));
	int server = CHECK_OK(accept(listener, (void *)&peer, &length));
	CHECK(length == sizeof(peer) && IN6_IS_ADDR_LOOPBACK(&peer.sin6_addr));
	CHECK_EQ(send(client, "hello", 5, 0), 5);
	CHECK_EQ(recv(server, text, sizeof(text), 0), 5);
	struct sockaddr_in four = at4(INADDR_LOOPBACK, ntohs(name.sin6_port));
	int other = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_ERR(connect(other, (void *)&four, sizeof(four)), ECONNREFUSED);
	CHECK_ERR(connect(other, (void *)&name, sizeof(name)), EAFNOSUPPORT);
}

TEST(one_socket_for_both_families)
{
	struct sockaddr_in6 name, peer;
	socklen_t length = sizeof(peer);
	char text[64];
	loopback_up();
	int listener = bound6(SOCK_STREAM, "::", &name);
	CHECK_OK(listen(listener, 4));
	struct sockaddr_in four = at4(INADDR_LOOPBACK, ntohs(name.sin6_port));
	int client = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(connect(client, (void *)&four, sizeof(four)));
	CHECK_OK(accept(listener, (void *)&peer, &length));
	CHECK_EQ(peer.sin6_family, AF_INET6);
	CHECK(inet_ntop(AF_INET6, &peer.sin6_addr, text, sizeof(text)) && strcmp(text, "::ffff:127.0.0.1") == 0);
	/* The port is taken for both. */
	int other = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_ERR(bind(other, (void *)&four, sizeof(four)), EADDRINUSE);
	/* An IPv6 socket reaches IPv4 by a mapped address. */
	struct sockaddr_in6 mapped = at6("::ffff:127.0.0.1", ntohs(name.sin6_port));
	int third = CHECK_OK(socket(AF_INET6, SOCK_STREAM, 0));
	CHECK_OK(connect(third, (void *)&mapped, sizeof(mapped)));
}

TEST(only_ipv6)
{
	struct sockaddr_in6 name = at6("::", 5000), mapped = at6("::ffff:127.0.0.1", 5000);
	struct sockaddr_in four = at4(INADDR_ANY, 5000);
	loopback_up();
	int fd = CHECK_OK(socket(AF_INET6, SOCK_STREAM, 0));
	set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	CHECK_OK(bind(fd, (void *)&name, sizeof(name)));
	int zero = 0;
	CHECK_ERR(setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero)), EINVAL);
	int other = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	CHECK_OK(bind(other, (void *)&four, sizeof(four)));
	int third = CHECK_OK(socket(AF_INET6, SOCK_STREAM, 0));
	set(third, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	CHECK_ERR(connect(third, (void *)&mapped, sizeof(mapped)), ENETUNREACH);
}

TEST(addresses_that_are_not_here)
{
	struct sockaddr_in6 name = at6("2001:db8::1", 5000);
	struct sockaddr_in four = at4(INADDR_ANY, 5000);
	loopback_up();
	int fd = CHECK_OK(socket(AF_INET6, SOCK_DGRAM, 0));
	CHECK_ERR(bind(fd, (void *)&name, sizeof(name)), EADDRNOTAVAIL);
	CHECK_ERR(bind(fd, (void *)&name, 20), EINVAL);
	CHECK_ERR(connect(fd, (void *)&name, sizeof(name)), ENETUNREACH);
	CHECK_ERR(bind(fd, (void *)&four, sizeof(four)), EINVAL);
}

TEST(packet_information_is_received_and_obeyed)
{
	struct sockaddr_in here = at4(INADDR_ANY, 6000), to = at4(0x7f000005, 6000);
	char text[8], control[256];
	loopback_up();
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0)), sender = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	CHECK_OK(bind(fd, (void *)&here, sizeof(here)));
	set(fd, IPPROTO_IP, IP_PKTINFO, 1);
	set(fd, IPPROTO_IP, IP_RECVTTL, 1);
	set(sender, IPPROTO_IP, IP_TTL, 33);
	CHECK_EQ(sendto(sender, "x", 1, 0, (void *)&to, sizeof(to)), 1);
	struct iovec part = {text, sizeof(text)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control,
		.msg_controllen = sizeof(control)};
	CHECK_EQ(recvmsg(fd, &message, 0), 1);
	int seen = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
		CHECK_EQ(c->cmsg_level, IPPROTO_IP);
		if (c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			CHECK_EQ(info.ipi_ifindex, 1);
			CHECK_EQ(ntohl(info.ipi_addr.s_addr), 0x7f000005);
			seen |= 1;
		} else if (c->cmsg_type == IP_TTL) {
			int ttl;
			memcpy(&ttl, CMSG_DATA(c), sizeof(ttl));
			CHECK_EQ(ttl, 33);
			seen |= 2;
		}
	}
	CHECK_EQ(seen, 3);
}

TEST(options_of_the_ip_levels)
{
	int value, fd = CHECK_OK(socket(AF_INET6, SOCK_DGRAM, 0)), four = CHECK_OK(socket(AF_INET, SOCK_STREAM, 0));
	socklen_t length = sizeof(value);
	set(four, IPPROTO_IP, IP_TOS, 0x10);
	CHECK_OK(getsockopt(four, IPPROTO_IP, IP_TOS, &value, &length));
	CHECK_EQ(value, 0x10);
	CHECK_OK(getsockopt(four, IPPROTO_IP, IP_TTL, &value, &length));
	CHECK_EQ(value, 64);
	value = 256;
	CHECK_ERR(setsockopt(four, IPPROTO_IP, IP_TTL, &value, sizeof(value)), EINVAL);
	value = 0;
	CHECK_ERR(setsockopt(four, IPPROTO_IP, IP_TTL, &value, sizeof(value)), EINVAL);
	set(four, IPPROTO_IP, IP_TTL, -1);
	CHECK_OK(getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &value, &length));
	CHECK_EQ(value, 0);
	CHECK_OK(getsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &value, &length));
	CHECK_EQ(value, 64);
	set(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, 7);
	CHECK_OK(getsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &value, &length));
	CHECK_EQ(value, 7);
	CHECK_ERR(getsockopt(four, IPPROTO_IPV6, IPV6_V6ONLY, &value, &length), EOPNOTSUPP);
	CHECK_ERR(setsockopt(four, IPPROTO_IP, 999, &value, sizeof(value)), ENOPROTOOPT);
}
