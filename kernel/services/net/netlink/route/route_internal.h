// SPDX-License-Identifier: MPL-2.0
// Inside the route room: numbers of rtnetlink(7) and who handles what.
#pragma once
#include <core/buf.h>
#include <services/cred/cred.h>
#include <services/net/device/net_address.h>
#include <services/net/device/net_kind.h>
#include <services/net/device/net_neighbour.h>
#include <services/net/device/net_route.h>
#include <services/net/netlink/route/route.h>

enum route_message {
	RTM_NEWLINK = 16, RTM_DELLINK, RTM_GETLINK, RTM_SETLINK, RTM_NEWADDR = 20, RTM_DELADDR, RTM_GETADDR,
	RTM_NEWROUTE = 24, RTM_DELROUTE, RTM_GETROUTE, RTM_NEWNEIGH = 28, RTM_DELNEIGH, RTM_GETNEIGH, RTM_NEWRULE = 32,
	RTM_DELRULE, RTM_GETRULE, RTM_MAX = 123
};
enum route_group {	// RTNLGRP_*
	GROUP_LINK = 1, GROUP_NOTIFY, GROUP_NEIGH, GROUP_TC, GROUP_IPV4_IFADDR, GROUP_IPV4_MROUTE, GROUP_IPV4_ROUTE,
	GROUP_IPV4_RULE, GROUP_IPV6_IFADDR, GROUP_IPV6_MROUTE, GROUP_IPV6_ROUTE, GROUP_MAX = 36
};
enum address_family { FAMILY_ANY = 0, FAMILY_IP4 = 2, FAMILY_BRIDGE = 7, FAMILY_IP6 = 10 };
#define ROUTE_MESSAGE_ROOM 2048u

// An address attribute's value: 4 or 16 bytes by family. False: another length.
bool route_address_get(bytes_t value, u32 family, struct ip_address *out borrowed);
void route_address_put(struct netlink_writer *w borrowed, u32 type, struct ip_address a, u32 is6);
static inline u32 route_family(u32 is6) { return is6 ? FAMILY_IP6 : FAMILY_IP4; }
// False when the family is neither; *is6 otherwise.
static inline bool route_family_is(u32 family) { return family == FAMILY_IP4 || family == FAMILY_IP6; }

// --- messages about one thing: false when it did not fit
// -----------------------------------------------------------------
bool link_put(struct netlink_writer *w borrowed, struct net_namespace *net, struct net_device *d, u32 type, u32 change);
bool address_message_put(struct netlink_writer *w borrowed, const struct net_address *a borrowed, u32 type);
bool route_message_put(struct netlink_writer *w borrowed, const struct net_route *r borrowed, u32 type);
bool neighbour_message_put(struct netlink_writer *w borrowed, struct neighbour *n, u32 type);

// --- requests: err_t (*)(struct netlink_request *)
// -------------------------------------------------------------------------
err_t link_get(struct netlink_request *r borrowed);
err_t link_new(struct netlink_request *r borrowed);
err_t link_delete(struct netlink_request *r borrowed);
err_t link_dump(struct netlink_request *r borrowed);
err_t address_new(struct netlink_request *r borrowed);
err_t address_delete(struct netlink_request *r borrowed);
err_t address_dump(struct netlink_request *r borrowed);
err_t route_new(struct netlink_request *r borrowed);
err_t route_delete(struct netlink_request *r borrowed);
err_t route_get(struct netlink_request *r borrowed);
err_t route_dump(struct netlink_request *r borrowed);
err_t neighbour_new(struct netlink_request *r borrowed);
err_t neighbour_remove(struct netlink_request *r borrowed);
err_t neighbour_get_one(struct netlink_request *r borrowed);
err_t neighbour_dump(struct netlink_request *r borrowed);
err_t rule_dump(struct netlink_request *r borrowed);

// Which namespace the attributes name (IFLA_NET_NS_FD, IFLA_NET_NS_PID): OK with *out NULL when none does.
err_t link_target_namespace(struct netlink_request *r borrowed, bytes_t attributes,
	struct net_namespace **out borrowed);
// What is changed of an existing device, by IFLA_* and the flags of struct ifinfomsg.
err_t link_change(struct netlink_request *r borrowed, struct net_device *d, bytes_t header, bytes_t attributes);
// The device that struct ifinfomsg and IFLA_IFNAME name; NULL: none.
struct net_device *link_named(struct net_namespace *net, bytes_t header, bytes_t attributes) owned;
err_t link_check(bytes_t attributes, enum netlink_strictness strict);
enum link_attribute {	// IFLA_*
	LINK_ADDRESS = 1, LINK_BROADCAST, LINK_IFNAME, LINK_MTU, LINK_LINK, LINK_QDISC, LINK_STATS, LINK_MASTER = 10,
	LINK_TXQLEN = 13, LINK_MAP = 14, LINK_OPERSTATE = 16, LINK_LINKMODE, LINK_LINKINFO, LINK_NET_NS_PID,
		LINK_IFALIAS,
	LINK_STATS64 = 23, LINK_AF_SPEC = 26, LINK_GROUP, LINK_NET_NS_FD, LINK_EXT_MASK, LINK_PROMISCUITY,
	LINK_NUM_TX_QUEUES, LINK_NUM_RX_QUEUES, LINK_CARRIER, LINK_CARRIER_CHANGES = 35, LINK_NETNSID = 37,
	LINK_PROTO_DOWN = 39, LINK_NEW_IFINDEX = 49, LINK_MIN_MTU = 50, LINK_MAX_MTU, LINK_ALT_IFNAME = 53,
	LINK_ALLMULTI = 61
};
enum link_info_attribute { INFO_KIND = 1, INFO_DATA = 2, INFO_SLAVE_KIND = 4 };
#define LINK_HEADER 16u		// struct ifinfomsg
