// SPDX-License-Identifier: MPL-2.0
// Between the files about neighbours.
#pragma once
#include <services/net/device/net_neighbour.h>

#define NEIGHBOUR_REACHABLE_NS (30 * NS_PER_SECOND)
#define NEIGHBOUR_DELAY_NS (5 * NS_PER_SECOND)
#define NEIGHBOUR_PROBE_NS (1 * NS_PER_SECOND)
#define NEIGHBOUR_PROBES_MAX 3u

// The entry of an address, made when there is none; NULL without memory or room.
struct neighbour *neighbour_make(struct net_device *d, struct ip_address a) owned;
// A link address became known or was set; what waited for it is sent.
void neighbour_update(struct neighbour *n, u32 state, struct net_link_address link_address);
// No answer: what waits is dropped.
void neighbour_fail(struct neighbour *n);
// Its state is to be looked at again at due_ns.
void neighbour_activate(struct neighbour *n);
err_t neighbour_timer_init(void);
// Asks for n's link address: everybody, or by its old address.
void arp_request(struct net_device *d, struct ip_address target, struct net_link_address to);
