// SPDX-License-Identifier: MPL-2.0
// Network namespace: interfaces, and one part of each network service (ports, names). source: network_namespaces(7)
#pragma once
#include <core/atomic.h>
#include <core/lock.h>
#include <services/cred/namespace.h>

// A service's share of a namespace; made with the namespace, gone with it.
enum net_part { NET_PART_INTERFACES, NET_PART_UNIX, NET_PART_IP, NET_PART_UDP, NET_PART_TCP, NET_PART_COUNT };
#define NET_INTERFACE_UP 1u
#define NET_INTERFACE_LOOPBACK 8u
#define NET_INTERFACE_RUNNING 64u
#define NET_LOOPBACK_INDEX 1u
#define NET_LOOPBACK_MTU 65536u
struct net_namespace {
	struct namespace base;
	struct spinlock lock;
	u32 loopback_flags GUARDED_BY(lock);	// NET_INTERFACE_*
	struct atomic_u64 loopback_packets, loopback_bytes;	// sent, which is received too
	struct object *parts[NET_PART_COUNT];	// references or NULL; immutable after creation
};
DECLARE_OBJECT(net_namespace)
struct net_namespace *net_namespace_initial(void);	// borrowed, lives for ever
struct net_namespace *net_namespace_from(struct namespace *n);
struct net_namespace *net_namespace_create(struct user_namespace *owner) owned;
// Whose capabilities count; borrowed.
struct user_namespace *net_namespace_owner(struct net_namespace *n);
u32 net_namespace_loopback_flags(struct net_namespace *n);
// Up and down are all that can be changed. The caller has checked CAP_NET_ADMIN towards n's owner.
void net_namespace_set_loopback(struct net_namespace *n, u32 is_up);
// How a service's part is made; before net_namespace_init(). NULL without memory.
void net_part_register(enum net_part part, struct object *(*create)(void));
// The initial namespace, and the kind for clone, unshare and setns.
err_t net_namespace_init(void);
