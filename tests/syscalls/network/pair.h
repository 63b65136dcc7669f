// SPDX-License-Identifier: MPL-2.0
/* Pairs of veth interfaces, and their ends as seen by who carries or writes frames by hand. */
#pragma once
#include "support.h"

#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/rtnetlink.h>
#include <linux/sockios.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static void attribute(struct nlmsghdr *h, unsigned short type, const void *data, size_t length)
{
	struct rtattr *a = (void *)((char *)h + NLMSG_ALIGN(h->nlmsg_len));
	a->rta_type = type;
	a->rta_len = (unsigned short)RTA_LENGTH(length);
	if (length)
		memcpy(RTA_DATA(a), data, length);
	h->nlmsg_len = (unsigned)(NLMSG_ALIGN(h->nlmsg_len) + RTA_ALIGN(a->rta_len));
}

static struct rtattr *nest_begin(struct nlmsghdr *h, unsigned short type)
{
	struct rtattr *a = (void *)((char *)h + NLMSG_ALIGN(h->nlmsg_len));
	attribute(h, type, NULL, 0);
	return a;
}

static void nest_end(struct nlmsghdr *h, struct rtattr *a)
{
	a->rta_len = (unsigned short)((char *)h + NLMSG_ALIGN(h->nlmsg_len) - (char *)a);
}

static void make_pair(const char *here, const char *there, int there_namespace)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
		char rest[256];
	} r = {.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)), .nlmsg_type = RTM_NEWLINK,
		       .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL | NLM_F_ACK}};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[512];
	} answer;
	int fd = CHECK_OK(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	attribute(&r.header, IFLA_IFNAME, here, strlen(here) + 1);
	struct rtattr *info = nest_begin(&r.header, IFLA_LINKINFO);
	attribute(&r.header, IFLA_INFO_KIND, "veth", 4);
	struct rtattr *data = nest_begin(&r.header, IFLA_INFO_DATA);
	struct rtattr *peer = nest_begin(&r.header, VETH_INFO_PEER);
	r.header.nlmsg_len += NLMSG_ALIGN(sizeof(struct ifinfomsg));
	attribute(&r.header, IFLA_IFNAME, there, strlen(there) + 1);
	attribute(&r.header, IFLA_NET_NS_FD, &there_namespace, sizeof(there_namespace));
	nest_end(&r.header, peer);
	nest_end(&r.header, data);
	nest_end(&r.header, info);
	CHECK_EQ(send(fd, &r, r.header.nlmsg_len, 0), (ssize_t)r.header.nlmsg_len);
	CHECK_OK((int)recv(fd, &answer, sizeof(answer), 0));
	CHECK_EQ(answer.header.nlmsg_type, NLMSG_ERROR);
	CHECK_EQ(answer.error.error, 0);
	close(fd);
}

static void set_up(const char *name, const char *address)
{
	struct ifreq r = {0};
	struct sockaddr_in *in = (void *)&r.ifr_addr;
	struct ethtool_value off = {.cmd = ETHTOOL_STXCSUM};
	int fd = CHECK_OK(socket(AF_INET, SOCK_DGRAM, 0));
	snprintf(r.ifr_name, sizeof(r.ifr_name), "%s", name);
	if (address) {
		in->sin_family = AF_INET;
		inet_pton(AF_INET, address, &in->sin_addr);
		CHECK_OK(ioctl(fd, SIOCSIFADDR, &r));
		inet_pton(AF_INET, "255.255.255.0", &in->sin_addr);
		CHECK_OK(ioctl(fd, SIOCSIFNETMASK, &r));
		/* Frames must be whole where the carrier sees them; who has nothing to turn off has them so. */
		r.ifr_data = (void *)&off;
		if (ioctl(fd, SIOCETHTOOL, &r) == -1)
			CHECK_EQ(errno, EOPNOTSUPP);
	}
	r.ifr_flags = IFF_UP;
	CHECK_OK(ioctl(fd, SIOCSIFFLAGS, &r));
	close(fd);
}

__attribute__((unused)) static int packet_port(const char *name)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	int fd = CHECK_OK(socket(AF_PACKET, SOCK_RAW, 0));
	at.sll_ifindex = (int)if_nametoindex(name);
	CHECK_OK(bind(fd, (void *)&at, sizeof(at)));
	return fd;
}
