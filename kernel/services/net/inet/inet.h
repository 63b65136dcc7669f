// SPDX-License-Identifier: MPL-2.0
// What sockets of AF_INET and AF_INET6 share: the choice of the protocol, addresses, options of the IP levels.
// An AF_INET6 socket speaks IPv4 too, by IPv4-mapped addresses, unless IPV6_V6ONLY is set.
// source: ip(7), ipv6(7), RFC 3493
#pragma once
#include <services/net/buffer/ip_address.h>
#include <services/net/ip/ip.h>
#include <services/net/ip/ip_part.h>
#include <services/net/socket/socket.h>

struct inet_endpoint {
	struct ip_address address;	// any of its family: none given
	u32 port;			// host order; 0: none
	u32 interface;			// of a link-local address: its scope; 0: none
};
enum inet_flag {
	INET_V6_ONLY = 1, INET_RECEIVE_ERRORS = 2, INET_PACKET_INFO = 4, INET_RECEIVE_TTL = 8, INET_RECEIVE_TOS = 16,
	INET_FREE_BIND = 32, INET_TRANSPARENT = 64, INET_HEADER_INCLUDED = 128, INET_NO_PORT_AT_BIND = 256,
	INET_MULTICAST_LOOP_OFF = 512, INET_MULTICAST_ALL_OFF = 1024, INET6_RECEIVE_ERRORS = 2048,
	INET6_PACKET_INFO = 4096, INET6_RECEIVE_HOP_LIMIT = 8192, INET6_RECEIVE_CLASS = 16384,
	INET_RECEIVE_OPTIONS = 32768, INET_ROUTER_ALERT = 65536
};
// The socket's family_object; the protocol's own object holds a reference too.
struct inet_options {
	struct object object;
	u32 family;			// immutable
	struct atomic_u32 flags;	// enum inet_flag
	struct atomic_u32 tos, ttl;	// ttl 0: the namespace's default
	struct atomic_u32 traffic_class, hop_limit;
	struct atomic_u32 multicast_ttl, multicast_hops, multicast_interface;
	struct atomic_u32 mtu_discover, mtu_discover6, minimum_ttl;
	struct atomic_u32 interface;	// SO_BINDTODEVICE; 0: any
};
DECLARE_OBJECT(inet_options)
struct inet_options *inet_options_of(struct socket *s);	// borrowed
struct inet_options *inet_options_copy(const struct inet_options *from borrowed) owned;
static inline bool inet_has(const struct inet_options *o borrowed, u32 flag)
{
	return atomic_u32_load_relaxed(&o->flags) & flag;
}
// Does a socket that says so (IP_MTU_DISCOVER) learn from what routers tell? Not with INTERFACE and OMIT.
static inline bool inet_heeds_path(u32 discover) { return discover < 4; }
// The part of a flow that options decide.
void inet_flow_options(const struct inet_options *o borrowed, struct ip_flow *flow borrowed);

struct inet_protocol {
	u32 type, protocol;		// protocol 0: any (raw)
	err_t (*create)(struct socket *s);
};
// One for each type and protocol; the first of a type is its default. At most 8.
void inet_protocol_register(const struct inet_protocol *p);

// sockaddr_in or sockaddr_in6 as s's family has it. -EINVAL short; -EAFNOSUPPORT another family (an AF_INET6 socket
// refuses sockaddr_in); -ENETUNREACH an IPv4 address on a V6ONLY socket.
err_t inet_address_parse(struct socket *s, bytes_t a, struct inet_endpoint *out borrowed);
ssize_r inet_address_put(u32 family, span_t out, const struct inet_endpoint *e borrowed);
static inline struct ip_address inet_any(u32 family) { return family == FAMILY_INET ? ip_any4() : ip_any6(); }
// May s be bound there? -EADDRNOTAVAIL no such address here; -EACCES a privileged port.
err_t inet_bind_check(struct socket *s, const struct inet_endpoint *e borrowed);
// Does a socket bound to `bound` hear what is sent to `to`?
static inline bool inet_address_matches(struct ip_address bound, bool is_v6_only, struct ip_address to)
{
	if (!ip_is_any(bound))
		return ip_equal(bound, to);
	if (ip_is4(bound))
		return ip_is4(to);
	return !(is_v6_only && ip_is4(to));
}
// Could both be bound to one port without sharing it?
bool inet_addresses_conflict(struct ip_address a, bool a_only6, struct ip_address b, bool b_only6);

// Levels IPPROTO_IP and IPPROTO_IPV6; -ENOPROTOOPT for what is unknown, also for other levels.
err_t inet_set_option(struct socket *s, u32 level, u32 name, bytes_t value);
ssize_r inet_get_option(struct socket *s, u32 level, u32 name, span_t out);
ssize_r inet_put_number(span_t out, u32 value);

// Interface ioctls (netdevice(7)) on any socket of the families.
// Registers AF_INET and AF_INET6.
void inet_init(void);
