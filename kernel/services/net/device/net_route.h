// SPDX-License-Identifier: MPL-2.0
// Routes: where packets for a destination go. source: rtnetlink(7), ip-route(8)
// Tables local (255), main (254) and default (253) are looked up in this order; others only hold what is put there.
#pragma once
#include <services/net/device/net_device.h>

enum net_route_table { ROUTE_TABLE_DEFAULT = 253, ROUTE_TABLE_MAIN = 254, ROUTE_TABLE_LOCAL = 255 };
enum net_route_type {	// RTN_*
	ROUTE_UNICAST = 1, ROUTE_LOCAL, ROUTE_BROADCAST, ROUTE_ANYCAST, ROUTE_MULTICAST, ROUTE_BLACKHOLE,
	ROUTE_UNREACHABLE, ROUTE_PROHIBIT, ROUTE_THROW
};
enum net_scope { SCOPE_UNIVERSE = 0, SCOPE_SITE = 200, SCOPE_LINK = 253, SCOPE_HOST = 254, SCOPE_NOWHERE = 255 };
enum net_route_protocol { ROUTE_BY_KERNEL = 2, ROUTE_BY_BOOT = 3, ROUTE_BY_ADMINISTRATOR = 4 };
#define ROUTE_FLAG_ON_LINK 4u		// RTNH_F_ONLINK
#define NET_ROUTES_MAX 16384u		// of a namespace
// Immutable once it is in a table.
struct net_route {
	struct object object;
	struct list_link link;			// the namespace's lock
	u32 is6;
	u32 table, type, protocol, scope, tos, priority, flags;
	u32 prefix_bits;			// 0..32 or 0..128
	u32 mtu;				// 0: the device's
	struct ip_address destination, gateway, preferred;	// any: none
	struct net_device *device;		// reference; NULL: none (blackhole ...)
};
DECLARE_OBJECT(net_route)
DEFINE_LIST_OPS(net_route_list, net_route, link)

// --- for IP
// -------------------------------------------------------------------------------------------------------------
struct net_route_query {
	struct ip_address destination;
	struct ip_address source;		// any: not chosen yet
	u32 interface;				// bound to it; 0: any
	u32 tos;
};
// Kept on the stack: `struct net_route_answer a net_route_answer_auto = {};`
struct net_route_answer {
	struct net_device *device;		// reference; the loopback interface for local destinations
	struct ip_address next_hop;		// the gateway, or the destination itself
	struct ip_address source;		// preferred by the route, or chosen from the device's addresses
	u32 type;				// ROUTE_UNICAST, ROUTE_LOCAL, ROUTE_BROADCAST, ROUTE_MULTICAST
	u32 scope, mtu;
	u32 has_gateway;
};
void net_route_answer_put(struct net_route_answer *a borrowed);
#define net_route_answer_auto auto_release(net_route_answer_put)
// -ENETUNREACH: no route; -EHOSTUNREACH, -EACCES, -EINVAL: what an unreachable, prohibit or blackhole route says.
err_t net_route_find(
	struct net_namespace *net, const struct net_route_query *q borrowed, struct net_route_answer *out borrowed);
// Is it an address of this namespace (also a broadcast address, if so said)? ROUTE_LOCAL, ROUTE_BROADCAST, or 0.
u32 net_address_type(struct net_namespace *net, struct ip_address a);

// --- changing (under net_change_lock)
// -------------------------------------------------------------------------------------
enum net_route_mode { ROUTE_CREATE = 1, ROUTE_EXCLUSIVE = 2, ROUTE_REPLACE = 4, ROUTE_APPEND = 8 };
struct net_route *net_route_create(void) owned;		// to be filled before it is added
// -EEXIST, -ENOENT (no ROUTE_CREATE), -ENETDOWN, -ENETUNREACH (gateway), -ENOBUFS (too many)
err_t net_route_add(struct net_namespace *net, struct net_route *r, u32 mode);
// The first that has what `pattern` says; unset fields match anything. -ESRCH
err_t net_route_delete(struct net_namespace *net, const struct net_route *pattern borrowed);
// The index-th route; NULL at the end.
struct net_route *net_route_at(struct net_namespace *net, u64 index) owned;
// The same counted from the other end: the least precise first.
struct net_route *net_route_at_reverse(struct net_namespace *net, u64 index) owned;
void net_routes_flush(struct net_device *d, u32 local_too);
