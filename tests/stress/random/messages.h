// SPDX-License-Identifier: MPL-2.0
/* What goes through sockets: addresses, messages with control data, requests of route netlink. */
#ifndef KEELSON_TESTS_STRESS_MESSAGES_H
#define KEELSON_TESTS_STRESS_MESSAGES_H
#include "shapes.h"

#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

/* sockaddr of the families that there are; *size gets its length. */
static inline void *any_name(struct dice *d, uint64_t *size)
{
	union {
		struct sockaddr_storage all;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_un un;
		struct sockaddr_nl nl;
		struct sockaddr_ll ll;
	} *a = room(d, sizeof(*a));
	memset(a, 0, sizeof(*a));
	a->all.ss_family = (sa_family_t)any_domain(d);
	*size = sizeof(*a);
	switch (a->all.ss_family) {
	case AF_UNIX:
		snprintf(a->un.sun_path, sizeof(a->un.sun_path), "%s", below(d, 2) ? "socket" : PICK(d, path_words));
		if (one_in(d, 3))
			a->un.sun_path[0] = 0;
		*size = 2 + below(d, 20);
		break;
	case AF_INET:
		a->in.sin_port = htons((uint16_t)(below(d, 3) ? 4000 + below(d, 8) : any_number(d)));
		a->in.sin_addr.s_addr = below(d, 4) ? htonl(0x7f000001) : (uint32_t)any_number(d);
		*size = sizeof(a->in);
		break;
	case AF_INET6:
		a->in6.sin6_port = htons((uint16_t)(4000 + below(d, 8)));
		a->in6.sin6_addr.s6_addr[15] = (uint8_t)below(d, 2);
		if (one_in(d, 4))
			a->in6.sin6_addr.s6_addr[10] = a->in6.sin6_addr.s6_addr[11] = 0xff;
		a->in6.sin6_scope_id = (uint32_t)below(d, 3);
		*size = sizeof(a->in6);
		break;
	case AF_NETLINK:
		a->nl.nl_pid = (uint32_t)(below(d, 2) ? 0 : any_pid(d));
		a->nl.nl_groups = (uint32_t)any_bits(d);
		*size = sizeof(a->nl);
		break;
	case AF_PACKET:
		a->ll.sll_protocol = htons((uint16_t)(below(d, 2) ? 3 : any_number(d)));
		a->ll.sll_ifindex = (int)below(d, 4);
		a->ll.sll_halen = (uint8_t)below(d, 10);
		*size = sizeof(a->ll);
		break;
	}
	if (one_in(d, 15))
		*size = any_size(d);
	return a;
}

/* A request of route netlink with attributes, some nested, some of a wrong length. */
static inline size_t put_netlink(struct dice *d, uint8_t *to, size_t most)
{
	static const uint16_t types[] = {RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK, RTM_NEWADDR, RTM_DELADDR,
		RTM_GETADDR, RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE, RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH,
		RTM_GETRULE,
		RTM_NEWNSID, RTM_GETNSID, 2, 3};
	struct nlmsghdr head = {.nlmsg_type = one_in(d, 10) ? (uint16_t)any_number(d) : PICK(d, types),
		.nlmsg_flags = (uint16_t)(1 | below(d, 0x1000)), .nlmsg_seq = (uint32_t)roll(d)};
	static const char *const names[] = {"lo", "veth", "dummy", "bridge", "v0\0", "br0"};
	static const size_t bodies[] = {16, 8, 12, 20, 24, 4, 16, 16};
	size_t at = sizeof(head) + PICK(d, bodies);
	memset(to, 0, most);
	for (size_t i = sizeof(head); i < at; i++)
		to[i] = one_in(d, 2) ? 0 : (uint8_t)below(d, 5);
	while (at + 40 < most && below(d, 4)) {
		size_t payload = below(d, 32);
		struct rtattr attribute = {(uint16_t)(4 + (one_in(d, 12) ? any_size(d) : payload)),
			(uint16_t)(below(d, 40) | (one_in(d, 4) ? NLA_F_NESTED : 0))};
		memcpy(to + at, &attribute, 4);
		for (size_t i = 0; i < payload; i++)
			to[at + 4 + i] = (uint8_t)(one_in(d, 3) ? roll(d) : below(d, 4));
		if (one_in(d, 3))
			memcpy(to + at + 4, PICK(d, names), 3);
		at += (4 + payload + 3) & ~3ul;
	}
	head.nlmsg_len = (uint32_t)(one_in(d, 10) ? any_size(d) : at);
	memcpy(to, &head, sizeof(head));
	return at;
}

static inline size_t put_control(struct dice *d, uint8_t *to, size_t most)
{
	size_t at = 0;
	while (at + 48 <= most && below(d, 3)) {
		uint64_t payload = below(d, 3) ? 4 * (1 + below(d, 3)) : below(d, 24);
		struct cmsghdr head = {.cmsg_len = one_in(d, 12) ? (uint32_t)any_size(d) : (uint32_t)(16 + payload),
			.cmsg_level = (int)any_level(d), .cmsg_type = (int)(below(d, 3) ? 1 + below(d, 3) :
			any_choice(d))};
		memcpy(to + at, &head, sizeof(head));
		for (uint64_t i = 0; i + 4 <= payload; i += 4) {
			int value = (int)(below(d, 2) ? any_fd(d) : any_pid(d));
			memcpy(to + at + 16 + i, &value, 4);
		}
		at += (16 + payload + 7) & ~7ul;
	}
	return at;
}

static inline void put_message(struct dice *d, struct msghdr *m)
{
	uint64_t size = 0;
	memset(m, 0, sizeof(*m));
	if (one_in(d, 2)) {
		m->msg_name = any_name(d, &size);
		m->msg_namelen = (socklen_t)size;
	}
	m->msg_iov = any_iovec(d);
	m->msg_iovlen = (int)below(d, 5);
	if (one_in(d, 3) && m->msg_iovlen) {
		uint8_t *bytes = room(d, 400);
		m->msg_iov[0] = (struct iovec){bytes, put_netlink(d, bytes, 400)};
	}
	if (one_in(d, 2)) {
		m->msg_control = room(d, 256);
		m->msg_controllen = (socklen_t)put_control(d, m->msg_control, 256);
	}
	m->msg_flags = (int)any_bits(d);
}

static inline void *any_message(struct dice *d)
{
	struct msghdr *m = room(d, sizeof(*m));
	put_message(d, m);
	return m;
}

static inline void *any_messages(struct dice *d)
{
	struct { struct msghdr m; unsigned length; } *v = room(d, 3 * sizeof(*v));
	for (int i = 0; i < 3; i++)
		put_message(d, &v[i].m);
	return v;
}
#endif
