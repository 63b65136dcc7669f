// SPDX-License-Identifier: MPL-2.0
// UDP over IPv4 between sockets of one network namespace, by its loopback interface; and the interface
// ioctls of AF_INET sockets. source: udp(7), ip(7), netdevice(7)
#pragma once

// Registers AF_INET (datagram sockets only) and the namespace's part; before net_namespace_init().
void udp_init(void);
