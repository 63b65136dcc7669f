// SPDX-License-Identifier: MPL-2.0
// Inside the ip room.
#pragma once
#include <core/once.h>
#include <services/net/device/net_device.h>
#include <services/net/device/net_route.h>
#include <services/net/ip/ip.h>
#include <services/net/ip/ip_part.h>

#define IP4_HEADER 20u
#define IP6_HEADER 40u
#define IP6_FRAGMENT_HEADER 8u

DEFINE_ONCE(ip_transport_cell, const struct ip_transport);
const struct ip_transport *ip_transport_find(u32 protocol);	// NULL: none

// The route of a flow, which for a local one needs the loopback interface up. Errors as ip_output().
err_t ip_route_find(
	struct net_namespace *net, const struct ip_flow *flow borrowed, struct net_route_answer *out borrowed);
// Local delivery: `p` begins with its IP header.
void ip_loopback_send(struct net_namespace *net, struct packet *p consumes);
// To whoever is registered for the protocol; content from the transport header on.
void ip_deliver(struct net_namespace *net, const struct ip_flow *flow borrowed, struct packet *p consumes);
// Does this namespace send on what is for others? (net.ipv4.ip_forward)
bool ip_forwards(struct net_namespace *net);
// What a received packet's header says of it.
struct ip_piece {
	u32 id, offset, is_more;
};
// An IPv4 packet for somebody else, content from the transport header on, `network` naming its header.
void ip_forward(struct net_namespace *net, const struct ip_flow *flow borrowed, const struct ip_piece *piece borrowed,
	struct packet *p consumes);

// What is known of the way to a destination; mtu U32_MAX: nothing. is_locked: less than is believed, so routers may
// cut.
struct ip_path_answer {
	u32 mtu, is_locked;
};
struct ip_path_answer ip_path_find(struct net_namespace *net, struct ip_address destination);
void ip_path_forget_all(struct ip_part *const part);

// --- pieces of packets ---
// How pieces are made of a packet: its header without options, and what it is a piece of itself.
struct stack_only ip_cut {
	u8 header[IP6_HEADER];
	u32 id;				// IPv6
	u32 offset, is_more;		// of the packet, when it is a piece already
};
// Sends `p` (content from the transport header on, its checksum finished) in pieces of at most `mtu` bytes.
err_t ip_fragment(struct net_namespace *net, const struct net_route_answer *route borrowed,
	const struct ip_cut *cut borrowed, u32 mtu, struct packet *p consumes);
// One piece; content from the transport header on, `network` names its IP header. The whole packet in the same form
// when this was what it lacked, with the flow of its first piece; else NULL.
struct packet *ip_reassemble(struct net_namespace *net, struct ip_flow *flow borrowed,
	const struct ip_piece *piece borrowed, struct packet *p consumes) owned;
void ip_reassembly_forget(struct ip_part *part);	// all pieces of a namespace that ends
err_t ip_reassembly_init(void);
void icmp_init(void);
