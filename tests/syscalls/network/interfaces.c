// SPDX-License-Identifier: MPL-2.0
/* Interface ioctls, netlink sockets and packet sockets, in network namespaces of their own. */
#include "support.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

static int route_socket(void)
{
	struct sockaddr_nl own = {.nl_family = AF_NETLINK};
	int fd = CHECK_OK(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	CHECK_OK(bind(fd, (void *)&own, sizeof(own)));
	return fd;
}

TEST(any_socket_answers_for_interfaces)
{
	struct ifreq request = {.ifr_name = "lo"};
	CHECK_OK(unshare(CLONE_NEWNET));
	int fd = CHECK_OK(socket(AF_UNIX, SOCK_DGRAM, 0));
	CHECK_OK(ioctl(fd, SIOCGIFINDEX, &request));
	CHECK_EQ(request.ifr_ifindex, 1);
	CHECK_OK(ioctl(fd, SIOCGIFMTU, &request));
	CHECK_EQ(request.ifr_mtu, 65536);
	strcpy(request.ifr_name, "eth9");
	CHECK_ERR(ioctl(fd, SIOCGIFFLAGS, &request), ENODEV);
	CHECK_ERR(ioctl(fd, SIOCGIFINDEX, bad_address()), EFAULT);
	become_nobody();
	strcpy(request.ifr_name, "lo");
	request.ifr_flags = IFF_UP;
	CHECK_ERR(ioctl(fd, SIOCSIFFLAGS, &request), EPERM);
}

TEST(a_dump_ends_with_done)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
	} request = {{sizeof(request), RTM_GETLINK, NLM_F_REQUEST | NLM_F_DUMP, 7, 0}, {0}};
	char room[8192];
	CHECK_OK(unshare(CLONE_NEWNET));
	int fd = route_socket();
	CHECK_EQ(send(fd, &request, sizeof(request), 0), (ssize_t)sizeof(request));
	int links = 0, done = 0;
	while (!done) {
		int n = CHECK_OK(recv(fd, room, sizeof(room), 0));
		for (struct nlmsghdr *h = (void *)room; NLMSG_OK(h, (unsigned)n); h = NLMSG_NEXT(h, n)) {
			CHECK_EQ(h->nlmsg_seq, 7);
			links += h->nlmsg_type == RTM_NEWLINK;
			done |= h->nlmsg_type == NLMSG_DONE;
		}
	}
	CHECK_EQ(links, 1);
	CHECK_ERR(recv(fd, room, sizeof(room), MSG_DONTWAIT), EAGAIN);
}

TEST(packets_tell_their_group_when_asked)
{
	struct sockaddr_nl own = {.nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK};
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int one = 1;
	CHECK_OK(unshare(CLONE_NEWNET));
	int fd = CHECK_OK(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
	CHECK_OK(bind(fd, (void *)&own, sizeof(own)));
	CHECK_OK(setsockopt(fd, SOL_NETLINK, NETLINK_PKTINFO, &one, sizeof(one)));
	socklen_t length = 0;
	CHECK_OK(getsockopt(fd, SOL_NETLINK, NETLINK_LIST_MEMBERSHIPS, NULL, &length));
	CHECK(length >= 4);
	CHECK_OK(ioctl(CHECK_OK(socket(AF_UNIX, SOCK_DGRAM, 0)), SIOCSIFFLAGS, &request));
	char data[4096], control[64];
	struct iovec part = {data, sizeof(data)};
	struct msghdr message = {
		.msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	CHECK_OK(recvmsg(fd, &message, 0));
	struct cmsghdr *beside = CMSG_FIRSTHDR(&message);
	CHECK(beside && beside->cmsg_level == SOL_NETLINK && beside->cmsg_type == NETLINK_PKTINFO);
	CHECK_EQ(((struct nl_pktinfo *)CMSG_DATA(beside))->group, RTNLGRP_LINK);
}

TEST(errors_carry_the_request)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
	} request = {{sizeof(request), RTM_GETLINK, NLM_F_REQUEST, 9, 0}, {.ifi_index = 999}};
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
		char rest[64];
	} answer;
	CHECK_OK(unshare(CLONE_NEWNET));
	int fd = route_socket();
	CHECK_EQ(send(fd, &request, sizeof(request), 0), (ssize_t)sizeof(request));
	CHECK_EQ(recv(fd, &answer, sizeof(answer), 0), 52);
	CHECK_EQ(answer.header.nlmsg_type, NLMSG_ERROR);
	CHECK_EQ(answer.error.error, -ENODEV);
	CHECK_EQ(answer.error.msg.nlmsg_seq, 9);
	CHECK_ERR(socket(AF_NETLINK, SOCK_STREAM, NETLINK_ROUTE), ESOCKTNOSUPPORT);
	CHECK_ERR(socket(AF_NETLINK, SOCK_RAW, 31), EPROTONOSUPPORT);
}

TEST(packet_sockets_need_a_capability_and_an_interface)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = 1};
	char byte;
	CHECK_OK(unshare(CLONE_NEWNET));
	int fd = CHECK_OK(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)));
	at.sll_ifindex = 99;
	CHECK_ERR(bind(fd, (void *)&at, sizeof(at)), ENODEV);
	CHECK_ERR(recv(fd, &byte, 1, MSG_DONTWAIT), EAGAIN);
	/* A frame's way is its interface: nobody asks for the family. */
	char frame[64] = {[12] = 0x12, [13] = 0x34};
	struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	CHECK_OK(ioctl(fd, SIOCSIFFLAGS, &lo));
	at = (struct sockaddr_ll){.sll_ifindex = 1};
	CHECK_EQ(sendto(fd, frame, sizeof(frame), 0, (void *)&at, sizeof(at)), (int)sizeof(frame));
	CHECK_ERR(sendto(fd, frame, sizeof(frame), 0, (void *)&at, sizeof(at) - 1), EINVAL);
	become_nobody();
	CHECK_ERR(socket(AF_PACKET, SOCK_RAW, htons(ETH_P_ALL)), EPERM);
}
