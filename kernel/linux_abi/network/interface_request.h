// SPDX-License-Identifier: MPL-2.0
// Interface ioctls of all sockets. source: netdevice(7)
#pragma once
#include <core/user.h>
#include <services/net/device/net_namespace.h>

static inline bool interface_request_is(u32 command) { return command >= 0x890b && command <= 0x89ff; }
// -ENOTTY for those it does not know.
s64 interface_request(struct net_namespace *net, u32 command, user_addr_t at);
enum route_request_kind { ROUTE_REQUEST_ADD, ROUTE_REQUEST_DELETE };
s64 route_request(struct net_namespace *net, enum route_request_kind kind, user_addr_t at);
