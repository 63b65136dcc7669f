// SPDX-License-Identifier: MPL-2.0
/* Datagrams larger than a link takes: cut and put together between two network namespaces, refused where the socket
 * says so, and paths with a narrow place. */
#include "pair.h"

#include <net/route.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>

enum { PORT = 900, LARGE = 9000 };

struct ends {
	int here, there;	/* network namespaces: 10.9.0.1 and 10.9.0.2 */
};

static int new_namespace(void)
{
	CHECK_OK(unshare(CLONE_NEWNET));
	return CHECK_OK(open("/proc/self/ns/net", O_RDONLY));
}

static void enter(int namespace)
{
	CHECK_OK(setns(namespace, CLONE_NEWNET));
}

static struct ends ends_make(void)
{
	struct ends e;
	e.there = new_namespace();
	e.here = new_namespace();
	make_pair("eth0", "eth0", e.there);
	set_up("eth0", "10.9.0.1");
	enter(e.there);
	set_up("eth0", "10.9.0.2");
	enter(e.here);
	return e;
}

static int udp_socket(const char *address)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	struct timeval limit = {.tv_sec = 10};
	const int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	inet_pton(AF_INET, address, &a.sin_addr);
	CHECK_OK(bind(fd, (void *)&a, sizeof(a)));
	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	return fd;
}

static void connect_to(int fd, const char *address)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	inet_pton(AF_INET, address, &a.sin_addr);
	CHECK_OK(connect(fd, (void *)&a, sizeof(a)));
}

static int option(int fd, int name)
{
	int value = -1;
	socklen_t length = sizeof(value);
	CHECK_OK(getsockopt(fd, IPPROTO_IP, name, &value, &length));
	return value;
}

static void discover(int fd, int value)
{
	CHECK_OK(setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &value, sizeof(value)));
}

/* A counter of the Ip lines of /proc/net/snmp. */
static long ip_counter(const char *wanted)
{
	static char names[2048], numbers[2048];
	char *rest_names, *rest_numbers;
	FILE *f = fopen("/proc/net/snmp", "r");
	CHECK(f != NULL);
	CHECK(fgets(names, sizeof(names), f) && fgets(numbers, sizeof(numbers), f));
	fclose(f);
	char *name = strtok_r(names, " \n", &rest_names), *number = strtok_r(numbers, " \n", &rest_numbers);
	while (name && number && strcmp(name, wanted) != 0) {
		name = strtok_r(NULL, " \n", &rest_names);
		number = strtok_r(NULL, " \n", &rest_numbers);
	}
	CHECK(name && number);
	return atol(number);
}

static void fill(unsigned char *data, size_t length)
{
	for (size_t i = 0; i < length; i++)
		data[i] = (unsigned char)(i * 7 + i / 256);
}

TEST(a_large_datagram_arrives_whole)
{
	static unsigned char out[LARGE], in[LARGE + 1];
	const struct ends e = ends_make();
	const int from = udp_socket("10.9.0.1");
	enter(e.there);
	const int to = udp_socket("10.9.0.2");
	enter(e.here);
	fill(out, sizeof(out));
	connect_to(from, "10.9.0.2");
	const long cut = ip_counter("FragOKs"), pieces = ip_counter("FragCreates");
	CHECK_EQ(send(from, out, sizeof(out), 0), LARGE);
	CHECK_EQ(recv(to, in, sizeof(in), 0), LARGE);
	CHECK(memcmp(in, out, sizeof(out)) == 0);
	CHECK_EQ(ip_counter("FragOKs"), cut + 1);
	CHECK_EQ(ip_counter("FragCreates"), pieces + 7);
	enter(e.there);
	CHECK_EQ(ip_counter("ReasmReqds"), 7);
	CHECK_EQ(ip_counter("ReasmOKs"), 1);
	CHECK_EQ(ip_counter("ReasmFails"), 0);
}

TEST(a_socket_says_whether_it_is_cut)
{
	static unsigned char out[LARGE];
	static const struct { int value, is_refused; } kinds[] = {
		{IP_PMTUDISC_DONT, 0}, {IP_PMTUDISC_WANT, 0}, {IP_PMTUDISC_DO, 1}, {IP_PMTUDISC_PROBE, 1},
		{IP_PMTUDISC_INTERFACE, 1}, {IP_PMTUDISC_OMIT, 0}};
	const struct ends e = ends_make();
	const int from = udp_socket("10.9.0.1");
	int value;
	socklen_t length = sizeof(value);
	enter(e.there);
	const int to = udp_socket("10.9.0.2");
	CHECK_ERR(getsockopt(from, IPPROTO_IP, IP_MTU, &value, &length), ENOTCONN);
	connect_to(from, "10.9.0.2");
	CHECK_EQ(option(from, IP_MTU), 1500);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		discover(from, kinds[i].value);
		if (kinds[i].is_refused) {
			CHECK_ERR(send(from, out, 1473, 0), EMSGSIZE);
			CHECK_EQ(send(from, out, 1472, 0), 1472);
			CHECK_EQ(recv(to, out, sizeof(out), 0), 1472);
		} else {
			CHECK_EQ(send(from, out, LARGE, 0), LARGE);
			CHECK_EQ(recv(to, out, sizeof(out), 0), LARGE);
		}
	}
}

/* An echo request of several pieces, and its answer. */
TEST(a_large_echo_comes_back)
{
	static unsigned char out[5000], in[6000];
	struct icmphdr *h = (void *)out;
	struct sockaddr_in a = {.sin_family = AF_INET};
	struct timeval limit = {.tv_sec = 10};
	ends_make();
	const int fd = CHECK_OK(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	inet_pton(AF_INET, "10.9.0.2", &a.sin_addr);
	CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)));
	fill(out, sizeof(out));
	*h = (struct icmphdr){.type = ICMP_ECHO, .un.echo.id = 7};
	unsigned sum = 0;
	for (size_t i = 0; i < sizeof(out); i += 2)
		sum += (unsigned)out[i] << 8 | out[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	h->checksum = htons((unsigned short)~sum);
	CHECK_EQ(sendto(fd, out, sizeof(out), 0, (void *)&a, sizeof(a)), (ssize_t)sizeof(out));
	CHECK_EQ(recv(fd, in, sizeof(in), 0), (ssize_t)sizeof(out) + 20);
	CHECK_EQ(in[20], ICMP_ECHOREPLY);
	CHECK(memcmp(in + 28, out + 8, sizeof(out) - 8) == 0);
}

/* --- a router with a narrow link on its other side ------------------------------------------------------------ */

static void route_by(const char *destination, const char *gateway)
{
	struct rtentry r = {.rt_flags = RTF_UP | RTF_GATEWAY};
	struct sockaddr_in *to = (void *)&r.rt_dst, *by = (void *)&r.rt_gateway, *mask = (void *)&r.rt_genmask;
	const int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	to->sin_family = by->sin_family = mask->sin_family = AF_INET;
	inet_pton(AF_INET, destination, &to->sin_addr);
	inet_pton(AF_INET, gateway, &by->sin_addr);
	inet_pton(AF_INET, "255.255.255.0", &mask->sin_addr);
	CHECK_OK(ioctl(fd, SIOCADDRT, &r));
	close(fd);
}

static void set_mtu(const char *name, int mtu)
{
	struct ifreq r = {.ifr_mtu = mtu};
	const int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	CHECK_OK(ioctl(fd, SIOCSIFMTU, &r));
	close(fd);
}

/* 10.9.0.1 here, 10.9.1.1 there, and between them a router whose second link takes 1000 bytes. */
static struct ends routed(void)
{
	struct ends e;
	e.there = new_namespace();
	e.here = new_namespace();
	CHECK_OK(new_namespace());
	make_pair("near", "eth0", e.here);
	make_pair("far", "eth0", e.there);
	set_up("near", "10.9.0.2");
	set_up("far", "10.9.1.2");
	set_mtu("far", 1000);
	const int fd = CHECK_OK(open("/proc/sys/net/ipv4/ip_forward", O_WRONLY));
	CHECK_EQ(write(fd, "1", 1), 1);
	close(fd);
	enter(e.there);
	set_up("eth0", "10.9.1.1");
	route_by("10.9.0.0", "10.9.1.2");
	enter(e.here);
	set_up("eth0", "10.9.0.1");
	route_by("10.9.1.0", "10.9.0.2");
	return e;		/* the router's descriptor stays open: nothing else keeps its namespace */
}

/* Waits until the path is known. */
static void wait_for_mtu(int fd, int mtu)
{
	for (int i = 0; i < 1000 && option(fd, IP_MTU) != mtu; i++)
		usleep(10000);
	CHECK_EQ(option(fd, IP_MTU), mtu);
}

TEST(a_router_cuts_or_tells_the_sender)
{
	static unsigned char out[1200], in[LARGE];
	const struct ends e = routed();
	const int from = udp_socket("10.9.0.1");
	enter(e.there);
	const int to = udp_socket("10.9.1.1");
	connect_to(from, "10.9.1.1");
	fill(out, sizeof(out));
	discover(from, IP_PMTUDISC_DONT);
	CHECK_EQ(send(from, out, sizeof(out), 0), (ssize_t)sizeof(out));
	CHECK_EQ(recv(to, in, sizeof(in), 0), (ssize_t)sizeof(out));
	CHECK(memcmp(in, out, sizeof(out)) == 0);
	CHECK_EQ(ip_counter("ReasmOKs"), 1);
	CHECK_EQ(option(from, IP_MTU), 1500);

	discover(from, IP_PMTUDISC_WANT);
	CHECK_EQ(send(from, out, sizeof(out), 0), (ssize_t)sizeof(out));
	struct pollfd told = {.fd = from};
	CHECK_EQ(poll(&told, 1, 10000), 1);		/* the error comes last */
	wait_for_mtu(from, 1000);
	int error = 0;
	socklen_t length = sizeof(error);
	CHECK_OK(getsockopt(from, SOL_SOCKET, SO_ERROR, &error, &length));
	CHECK_EQ(error, EMSGSIZE);
	CHECK_EQ(send(from, out, sizeof(out), 0), (ssize_t)sizeof(out));
	CHECK_EQ(recv(to, in, sizeof(in), 0), (ssize_t)sizeof(out));
	CHECK(memcmp(in, out, sizeof(out)) == 0);
	discover(from, IP_PMTUDISC_DO);
	CHECK_ERR(send(from, out, sizeof(out), 0), EMSGSIZE);
	CHECK_EQ(send(from, out, 972, 0), 972);
	CHECK_EQ(recv(to, in, sizeof(in), 0), 972);
}
