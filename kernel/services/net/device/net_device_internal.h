// SPDX-License-Identifier: MPL-2.0
// Between the files of this folder.
#pragma once
#include <services/net/device/net_route.h>

// The loopback interface of a fresh namespace, registered; NULL without memory.
struct net_device *loopback_create(struct net_namespace *n) owned;
void net_device_forget_namespace(struct net_device *d);
// Of a namespace that is gone: removed, or moved to `home` when it is physical. Under net_change_lock.
void net_device_settle_orphan(struct net_device *d, struct net_namespace *home);
err_t net_carrier_init(void);
struct work *net_receiver_create(struct net_device *d) owned;
// The device is going: the worker must not look at it any more.
void net_receiver_forget(struct work *receiver);
void net_settings_copy(struct net_settings *to borrowed, const struct net_settings *from borrowed);
static inline void net_changed(struct net_namespace *n) { atomic_u32_add(&n->generation, 1); }
// Its flags or carrier changed: a bridge wants to know.
void net_master_tell(struct net_device *d);
void net_event_link(struct net_device *d, enum net_event_kind kind, u32 flags_changed);
// ARP and neighbour discovery: an IP packet to `next_hop` by an Ethernet-like device. Consumes.
void neighbour_send(struct net_device *d, struct ip_address next_hop, struct packet *p consumes);
void ether_send(struct net_device *d, struct net_link_address to, u32 ethertype, struct packet *p consumes);
// Routes that come and go with an address.
err_t net_route_add_made(struct net_namespace *net, struct net_route *r);
void net_route_delete_made(struct net_namespace *net, struct net_device *d, u32 is6, u32 table, u32 type,
	struct ip_address destination, u32 bits, struct ip_address preferred);
// By a directly connected network only. -ENETUNREACH
err_t net_route_find_connected(
	struct net_namespace *net, const struct net_route_query *q borrowed, struct net_route_answer *out borrowed);
