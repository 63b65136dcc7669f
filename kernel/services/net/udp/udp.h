// SPDX-License-Identifier: MPL-2.0
// UDP over IPv4 and IPv6. source: udp(7), RFC 768
#pragma once
#include <services/net/buffer/ip_address.h>
#include <services/net/device/net_namespace.h>

// Registers the protocol; before the first network namespace, after inet_init() and ip_init().
void udp_init(void);

// What /proc/net/udp shows of one socket.
struct udp_description {
	struct ip_address local, remote;
	u32 local_port, remote_port, family, uid, receive_queue, pad;
	u64 inode;
};
struct udp_cursor {	// zero at the beginning
	u32 bucket, index;
};
bool udp_describe_next(struct net_namespace *net, struct udp_cursor *at borrowed, struct udp_description *out borrowed);
