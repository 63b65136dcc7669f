// SPDX-License-Identifier: MPL-2.0
// Neighbours: the link addresses of IP addresses on the same link. source: arp(7), rtnetlink(7), RFC 826, RFC 4861
#pragma once
#include <services/net/device/net_device.h>

enum neighbour_state {	// NUD_*
	NEIGHBOUR_INCOMPLETE = 1, NEIGHBOUR_REACHABLE = 2, NEIGHBOUR_STALE = 4, NEIGHBOUR_DELAY = 8,
	NEIGHBOUR_PROBE = 16, NEIGHBOUR_FAILED = 32, NEIGHBOUR_NO_ARP = 64, NEIGHBOUR_PERMANENT = 128
};
#define NEIGHBOURS_MAX 1024u		// of a namespace: net.ipv4.neigh.default.gc_thresh3
#define NEIGHBOUR_QUEUE_MAX 101u		// packets that wait for an answer
struct neighbour {
	struct object object;
	struct list_link link;		// the namespace's lock
	struct list_link active_link;	// lock of the active ones
	struct net_device *device;	// reference; immutable
	struct ip_address address;	// immutable
	struct spinlock lock;		// RANK_NET_DEVICE
	u32 state GUARDED_BY(lock);
	u32 probes GUARDED_BY(lock);
	u64 due_ns GUARDED_BY(lock);	// when the state must be looked at again; 0: never
	u64 used_ns GUARDED_BY(lock), confirmed_ns GUARDED_BY(lock), updated_ns GUARDED_BY(lock);
	struct net_link_address link_address GUARDED_BY(lock);
	struct packet_list waiting GUARDED_BY(lock);
};
DECLARE_OBJECT(neighbour)
DEFINE_LIST_OPS(neighbour_list, neighbour, link)
DEFINE_LIST(active_neighbours, neighbour, active_link)

err_t neighbours_init(void);		// registers ARP; before packets come. -ENOMEM
// The index-th; NULL at the end.
struct neighbour *neighbour_at(struct net_namespace *net, u64 index) owned;
struct neighbour *neighbour_find(struct net_device *d, struct ip_address a) owned;
struct neighbour_view {			// one moment's state
	u32 state, probes;
	u64 used_ns, confirmed_ns, updated_ns;
	struct net_link_address link_address;
};
struct neighbour_view neighbour_read(struct neighbour *n);
// By an administrator: NEIGHBOUR_PERMANENT and others; link_address is ignored without state bits that have one.
err_t neighbour_set(struct net_device *d, struct ip_address a, u32 state, struct net_link_address link_address);
err_t neighbour_delete(struct net_device *d, struct ip_address a);	// -ENOENT
void neighbours_flush(struct net_device *d);
