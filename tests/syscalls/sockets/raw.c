// SPDX-License-Identifier: MPL-2.0
/* Raw and ping sockets: ICMP echo over the loopback interface. */
#include "support.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
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

static const struct sockaddr_in local = {.sin_family = AF_INET, .sin_addr = {0x0100007f}};

static uint16_t sum_of(const void *data, int length)
{
	const uint8_t *p = data;
	uint32_t sum = 0;
	for (int i = 0; i < length; i += 2)
		sum += p[i] << 8 | (i + 1 < length ? p[i + 1] : 0);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons(~sum);
}

TEST(raw_echo_is_answered)
{
	loopback_up();
	int fd = CHECK_OK(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP));
	struct {
		struct icmphdr head;
		char data[8];
	} echo = {{.type = ICMP_ECHO, .un.echo = {htons(77), htons(3)}}, "payload"};
	echo.head.checksum = sum_of(&echo, sizeof(echo));
	CHECK_EQ(sendto(fd, &echo, sizeof(echo), 0, (void *)&local, sizeof(local)), sizeof(echo));
	for (;;) {
		char packet[256];
		CHECK_EQ(recv(fd, packet, sizeof(packet), 0), 20 + sizeof(echo));
		struct iphdr *ip = (void *)packet;
		struct icmphdr *icmp = (void *)(packet + 20);
		CHECK(ip->version == 4 && ip->ihl == 5 && ip->protocol == IPPROTO_ICMP && ip->ttl == 64);
		CHECK_EQ(sum_of(packet, 20), 0);
		if (icmp->type == ICMP_ECHO)
			continue;	/* our own question, seen on its way */
		CHECK_EQ(icmp->type, ICMP_ECHOREPLY);
		CHECK_EQ(icmp->un.echo.id, htons(77));
		CHECK(memcmp(packet + 28, "payload", 8) == 0);
		CHECK_EQ(sum_of(icmp, sizeof(echo)), 0);
		break;
	}
}

TEST(ping_sockets_need_their_group)
{
	loopback_up();
	CHECK_ERR(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP), EACCES);
	int setting = CHECK_OK(open("/proc/sys/net/ipv4/ping_group_range", O_WRONLY));
	CHECK_EQ(write(setting, "0 2000", 6), 6);
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP));
	struct icmphdr echo = {.type = ICMP_ECHO, .un.echo = {0, htons(5)}}, answer;
	struct sockaddr_in name;
	socklen_t length = sizeof(name);
	CHECK_EQ(sendto(fd, &echo, sizeof(echo), 0, (void *)&local, sizeof(local)), sizeof(echo));
	CHECK_OK(getsockname(fd, (void *)&name, &length));
	CHECK_EQ(recv(fd, &answer, sizeof(answer), 0), sizeof(answer));
	CHECK_EQ(answer.type, ICMP_ECHOREPLY);
	CHECK_EQ(answer.un.echo.id, name.sin_port);
	CHECK_EQ(answer.un.echo.sequence, htons(5));
	echo.type = ICMP_ECHOREPLY;
	CHECK_ERR(sendto(fd, &echo, sizeof(echo), 0, (void *)&local, sizeof(local)), EINVAL);
}

TEST(raw_sockets_need_a_privilege)
{
	loopback_up();
	CHECK_OK(setuid(1000));
	CHECK_ERR(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), EPERM);
	CHECK_ERR(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), EPERM);
}

TEST(packets_of_a_protocol_without_a_transport)
{
	loopback_up();
	int fd = CHECK_OK(socket(AF_INET, SOCK_RAW, 253)), sender = CHECK_OK(socket(AF_INET, SOCK_RAW, 253));
	char packet[64];
	close(sender);
	sender = CHECK_OK(socket(AF_INET, SOCK_RAW, IPPROTO_RAW));
	struct iphdr head = {.version = 4, .ihl = 5, .ttl = 9, .protocol = 253, .daddr = 0x0100007f};
	memcpy(packet, &head, 20);
	memcpy(packet + 20, "abc", 3);
	int one = 1;
	CHECK_OK(setsockopt(sender, IPPROTO_IP, IP_HDRINCL, &one, sizeof(one)));
	CHECK_EQ(sendto(sender, packet, 23, 0, (void *)&local, sizeof(local)), 23);
	CHECK_EQ(recv(fd, packet, sizeof(packet), 0), 23);
	CHECK_EQ(((struct iphdr *)packet)->ttl, 9);
	CHECK_EQ(sum_of(packet, 20), 0);
	CHECK(memcmp(packet + 20, "abc", 3) == 0);
}
