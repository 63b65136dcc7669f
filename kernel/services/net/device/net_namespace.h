// SPDX-License-Identifier: MPL-2.0
// Network namespace: interfaces, addresses, routes, neighbours, and one part of each network service (ports, names).
// source: network_namespaces(7)
#pragma once
#include <core/atomic.h>
#include <core/list.h>
#include <core/lock.h>
#include <services/cred/namespace.h>

// A service's share of a namespace; made with the namespace, gone with it.
enum net_part {
	NET_PART_UNIX, NET_PART_IP, NET_PART_NETLINK, NET_PART_PACKET, NET_PART_COUNT
};
#define NET_LOOPBACK_INDEX 1u
#define NET_LOOPBACK_MTU 65536u
#define NET_BACKLOG_DEFAULT 4096u

struct net_device;
struct net_address;
struct net_route;
struct neighbour;
DECLARE_LIST(net_device_list, net_device)
DECLARE_LIST(net_address_list, net_address)
DECLARE_LIST(net_route_list, net_route)
DECLARE_LIST(neighbour_list, neighbour)

// net.ipv4.conf.*, net.ipv6.conf.*: the settings that act, of one interface or of "all" and "default".
struct net_settings {
	struct atomic_u32 forwarding, rp_filter, accept_local, route_localnet, arp_ignore, arp_announce, disable_ipv6;
};
struct net_namespace {
	struct namespace base;
	struct spinlock lock;	// RANK_NET_TABLE; a device's own lock may be taken inside
	struct net_device_list devices GUARDED_BY(lock);	// by index; a reference each
	struct net_address_list addresses GUARDED_BY(lock);	// by device and age; a reference each
	struct net_route_list routes GUARDED_BY(lock);		// longest prefix first; a reference each
	struct neighbour_list neighbours GUARDED_BY(lock);	// latest used first; a reference each
	u32 last_index GUARDED_BY(lock);	// of interfaces
	struct atomic_u32 generation;		// counts changes of the four lists
	struct net_settings all_settings, default_settings;
	struct atomic_u32 socket_count;		// open sockets of all families
	struct atomic_u32 backlog_max;		// net.core.somaxconn: connections that wait to be accepted
	struct net_device *loopback;	// reference; immutable after creation
	struct object *parts[NET_PART_COUNT];	// references or NULL; immutable after creation
};
DECLARE_OBJECT(net_namespace)
struct net_namespace *net_namespace_initial(void);	// borrowed, lives for ever
struct net_namespace *net_namespace_from(struct namespace *n);
// Of a reference kept without its type; traps for another.
struct net_namespace *net_namespace_from_subject(struct object *o);
struct net_namespace *net_namespace_create(struct user_namespace *owner) owned;
// Whose capabilities count; borrowed.
struct user_namespace *net_namespace_owner(struct net_namespace *n);
// Does the current thread have `capability` (CAP_NET_ADMIN, CAP_NET_RAW) towards n's owner?
bool net_namespace_capable(struct net_namespace *n, u32 capability);
// How a service's part is made; before net_namespace_init(). NULL without memory.
void net_part_register(enum net_part part, struct object *(*create)(void));
// The initial namespace, and the kind for clone, unshare and setns.
err_t net_namespace_init(void);
