// SPDX-License-Identifier: MPL-2.0
// Kinds of virtual devices that users make by name: veth, bridge, dummy (`ip link add type KIND`).
#pragma once
#include <services/net/device/net_device.h>

// What a new device is to be.
struct stack_only net_kind_traits {
	struct net_namespace *net;
	u8 name[NET_NAME_BYTES];	// may hold one %d
	u32 index, mtu;			// 0: chosen
	u32 has_address;
	struct net_link_address address;
};
struct stack_only net_kind_request {
	struct net_kind_traits own;
	struct net_kind_traits peer;	// kinds with NET_KIND_HAS_PEER
};
enum net_kind_flag { NET_KIND_HAS_PEER = 1 };
struct net_kind_ops {
	u8 kind[16];
	u32 flags;			// enum net_kind_flag
	// Made and registered; a reference in *out. Under net_change_lock.
	err_t (*create)(const struct net_kind_request *r borrowed, struct net_device **out borrowed);
	// A port for a master device of this kind, and out of it again. NULL: it has no ports.
	err_t (*port_add)(struct net_device *master, struct net_device *port);
	void (*port_remove)(struct net_device *master, struct net_device *port);
};
#define NET_KINDS_MAX 8u
void net_kind_register(const struct net_kind_ops *ops);		// at start-up
const struct net_kind_ops *net_kind_find(bytes_t kind);		// NULL: unknown
// Puts a fresh device into the namespace, by the name, number and address that are asked for.
err_t net_kind_register_device(struct net_device *d, const struct net_kind_traits *t borrowed);
bytes_t net_kind_name(const struct net_device *d borrowed);	// empty: none
