// SPDX-License-Identifier: MPL-2.0
// IPv4 and IPv6: from devices to transports and back. source: RFC 791, RFC 8200, RFC 1122
//
// Devices below (services/net/device) look like this to IP:
// - a device hands a received packet (content from the IP header on, `interface` set) to the handler that is
//   registered for its ethertype; ip_init() registers ip_input() for 0x0800 and 0x86dd;
// - the route table answers where a packet for a destination leaves: device, next hop, source address, type, MTU;
// - a device is given an IP packet and its next hop, finds the link address (neighbours) and transmits.
// The packet path runs in tasks and kernel threads, never in an interrupt and never under another lock than its own:
// a driver's interrupt schedules work, which delivers.
#pragma once
#include <services/net/buffer/ip_address.h>
#include <services/net/buffer/packet.h>
#include <services/net/device/net_namespace.h>

#define PROTOCOL_ICMP 1u
#define PROTOCOL_TCP 6u
#define PROTOCOL_UDP 17u
#define PROTOCOL_ICMP6 58u
#define PROTOCOL_FRAGMENT 44u		// of IPv6: the header of a piece
#define IP_TTL_DEFAULT 64u
#define IP_PACKET_MAX 65535u		// what a header's length can say

struct ip_flow {			// one packet's addressing; both addresses of one family
	struct ip_address source, destination;
	u32 protocol;
	u32 interface;			// input: where it came in; output: bound to it, 0: any
	u32 ttl, tos;			// output: ttl 0 means the default
	u32 flags;			// enum ip_flow_flag
	u32 mark;
};
enum ip_flow_flag {
	IP_DONT_FRAGMENT = 1,		// nobody cuts it, neither here nor on the way
	IP_SOURCE_ANY = 2,		// output: the source need not be an address of ours (IP_FREEBIND, raw)
	IP_HEADER_INCLUDED = 4,		// output: raw sockets with IP_HDRINCL
	IP_DONT_ROUTE = 8,		// output: only to directly connected destinations
	IP_KEEP_WHOLE = 16,		// not cut here (nor on the way, if it fits and IP_DONT_FRAGMENT says so)
	IP_WHOLE_ON_THE_WAY = 32,	// what fits is not to be cut on the way; what does not is cut here
	IP_IGNORE_PATH = 64		// what is known of the path does not count, only the link
};

// Sends `p` (content from the transport header on; PACKET_CHECKSUM_PARTIAL as the transport left it). An unset source
// is filled in from the route. What is larger than the path takes is cut, unless the flow says otherwise.
// -ENETUNREACH -EHOSTUNREACH -EACCES -EMSGSIZE -ENOBUFS -EINVAL; the packet is gone in every case. Local destinations
// are delivered through the loopback queue: input runs before this returns or soon after, never nested in another
// input. => takes no lock of a transport; the caller holds none.
err_t ip_output(struct net_namespace *net, const struct ip_flow *flow borrowed, struct packet *p consumes);
// A packet from a device, IP header first. Malformed ones are counted and dropped.
void ip_input(struct net_namespace *net, u32 interface, struct packet *p consumes);

// Sum of the pseudo-header that checksums of transports cover.
u32 ip_pseudo_sum(struct ip_address source, struct ip_address destination, u32 protocol, u32 length);

struct ip_route_answer {
	struct ip_address source;	// what the packet would carry
	u32 interface, mtu;
	u32 is_local;			// it stays on this machine
	u32 is_broadcast;
};
// Where a packet of this flow would go; errors as ip_output().
err_t ip_route_query(struct net_namespace *net, const struct ip_flow *flow borrowed,
	struct ip_route_answer *out borrowed);

// A router on the way said that at most `mtu` bytes get through to there; whoever calls has seen that it is about a
// packet of ours.
void ip_path_note(struct net_namespace *net, struct ip_address destination, u32 mtu);

// Can a socket of this namespace be bound to it?
bool ip_address_is_ours(struct net_namespace *net, struct ip_address a);

// A transport. input: content from the transport header on (`network` still names the IP header). The transport drops
// what it does not want, and calls ip_unreachable() when nobody listens.
struct ip_transport {
	void (*input)(struct net_namespace *net, const struct ip_flow *flow borrowed, struct packet *p consumes);
	// An ICMP error came for a packet of ours: `flow` is that packet's (as it was sent), `transport` the first
	// bytes behind its IP header (at least 8). error: positive; info: the path MTU for EMSGSIZE.
	void (*error)(struct net_namespace *net, const struct ip_flow *flow borrowed, bytes_t transport, u32 error,
		u32 info);
};
// Tells the sender of `p` (content from the transport header on, `network` names the IP header) that it cannot be
// delivered. Bounded in number; never about multicasts or about other errors.
enum ip_unreachable_kind { IP_UNREACHABLE_PORT, IP_UNREACHABLE_PROTOCOL, IP_UNREACHABLE_HOST, IP_UNREACHABLE_NET,
	IP_TIME_EXCEEDED, IP_TOO_BIG, IP_REASSEMBLY_TIME_EXCEEDED };
void ip_unreachable(struct net_namespace *net, const struct ip_flow *flow borrowed, enum ip_unreachable_kind kind,
	struct packet *p consumes);
void ip_transport_register(u32 protocol, const struct ip_transport *t);	// once for each
// Who sees every packet that is delivered here, content from the transport header on; true: somebody took a copy. Once.
void ip_raw_register(bool (*see)(struct net_namespace *net, const struct ip_flow *flow borrowed,
	const struct packet *p borrowed));
// Before the first network namespace.
void ip_init(void);
