// SPDX-License-Identifier: MPL-2.0
// NETLINK_ROUTE: links, addresses, routes, neighbours. source: rtnetlink(7)
#pragma once
#include <services/net/netlink/netlink.h>

void netlink_route_init(void);

// Descriptors and process numbers of the asker that name network namespaces (IFLA_NET_NS_FD, IFLA_NET_NS_PID): resolved
// by who knows them. A reference in *out; -EINVAL, -ESRCH.
struct netlink_namespace_ops {
	err_t (*by_descriptor)(u32 fd, struct net_namespace **out borrowed);
	err_t (*by_process)(u32 number, struct net_namespace **out borrowed);
};
void netlink_set_namespace_ops(const struct netlink_namespace_ops *ops);
