// SPDX-License-Identifier: MPL-2.0
// A network namespace: the owner of interfaces, addresses, routes and of everything else that networking
// keeps. Each has a loopback interface, down at first. source: network_namespaces(7), netdevice(7)
#pragma once
#include <core/lock.h>
#include <services/cred/namespace.h>

#define NET_INTERFACE_UP 1u
#define NET_INTERFACE_LOOPBACK 8u
#define NET_INTERFACE_RUNNING 64u
#define NET_LOOPBACK_INDEX 1u
#define NET_LOOPBACK_MTU 65536u
struct net_namespace {
	struct namespace base;
	struct spinlock lock;
	u32 loopback_flags GUARDED_BY(lock);	// NET_INTERFACE_*
};
DECLARE_OBJECT(net_namespace)
struct net_namespace *net_namespace_initial(void);	// borrowed
struct net_namespace *net_namespace_from(struct namespace *n);
u32 net_namespace_loopback_flags(struct net_namespace *n);
// Up and down are all that can be changed. The caller has checked CAP_NET_ADMIN towards n's owner.
void net_namespace_set_loopback(struct net_namespace *n, u32 is_up);
// The initial one, and how others are made. After user namespaces.
err_t net_namespace_init(void);
