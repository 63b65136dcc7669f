// SPDX-License-Identifier: MPL-2.0
// Addresses of interfaces, IPv4 and IPv6. source: rtnetlink(7), ip-address(8)
#pragma once
#include <services/net/device/net_device.h>

#define ADDRESS_SECONDARY 1u		// IFA_F_*
#define ADDRESS_NO_DAD 2u
#define ADDRESS_PERMANENT 0x80u
#define ADDRESS_NO_PREFIX_ROUTE 0x200u
#define NET_ADDRESSES_MAX 4096u		// of a namespace
#define NET_LIFETIME_FOREVER U32_MAX
// Immutable once it is in a namespace.
struct net_address {
	struct object object;
	struct list_link link;			// the namespace's lock
	struct net_device *device;		// reference
	u32 is6;
	u32 prefix_bits;			// 0..32 or 0..128
	u32 scope, flags;			// enum net_scope, ADDRESS_*
	u32 protocol;				// IFA_PROTO
	u32 has_broadcast;
	u32 metric;				// IFA_RT_PRIORITY
	struct ip_address local, peer, broadcast;	// peer: local where the link has many
	u64 created_ns;				// monotonic
	u8 label[NET_NAME_BYTES];		// IPv4
};
DECLARE_OBJECT(net_address)
DEFINE_LIST_OPS(net_address_list, net_address, link)

struct net_address *net_address_create(struct net_device *d) owned;
// With its routes. -EEXIST, -ENOBUFS. Under net_change_lock, as all that changes.
err_t net_address_add(struct net_address *a);
// The first of d that has the local address (any: whichever), and the prefix where bits is not U32_MAX. -EADDRNOTAVAIL
err_t net_address_delete(struct net_device *d, struct ip_address local, u32 bits);
void net_addresses_flush(struct net_device *d);
void net_addresses_device_up(struct net_device *d);	// routes of its addresses; loopback: 127.0.0.1 and ::1
// The index-th address of the namespace; NULL at the end.
struct net_address *net_address_at(struct net_namespace *net, u64 index) owned;
// The first IPv4 address of a device, with `label` when that is not empty; NULL.
struct net_address *net_address_first4(struct net_device *d, bytes_t label) owned;
// The source for `destination` among d's addresses and then others' (of its family); any: none.
struct ip_address net_address_source(struct net_device *d, struct ip_address destination, u32 scope);
