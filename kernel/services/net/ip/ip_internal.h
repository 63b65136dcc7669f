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
// An IPv4 packet for somebody else, content from the transport header on, `network` naming its header.
void ip_forward(struct net_namespace *net, const struct ip_flow *flow borrowed, struct packet *p consumes);
void icmp_init(void);
