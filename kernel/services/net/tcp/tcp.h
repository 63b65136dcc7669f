// SPDX-License-Identifier: MPL-2.0
// TCP (RFC 9293) over IPv4 and IPv6. source: tcp(7)
#pragma once
#include <core/error.h>
#include <core/span.h>
#include <services/net/buffer/ip_address.h>
#include <services/net/device/net_namespace.h>

// Registers the protocol; before the first network namespace, after inet_init() and ip_init(). -ENOMEM
err_t tcp_init(void);

// What /proc/net/tcp shows of one connection or listener.
struct tcp_description {
	struct ip_address local, remote;
	u32 local_port, remote_port, family, state, send_queue, receive_queue, uid, retransmits, timer, mss, cwnd;
	u32 backlog;	// of a listener: how many may wait; receive_queue: how many do
	u32 expires_ms;	// until the timer
	u32 shutdown;	// enum socket_shutdown
	u32 is_v6_only, is_automatic, tos, traffic_class, interface;	// is_automatic: its port was chosen for it
	u64 inode;	// 0: no file any more
};
#define TCP_INFO_BYTES 232u	// struct tcp_info
struct tcp_cursor {	// zero at the beginning
	u32 bucket, index;
};
bool tcp_describe_next(struct net_namespace *net, struct tcp_cursor *at borrowed, struct tcp_description *out borrowed);
// The same with struct tcp_info, as much as `info` has room for.
bool tcp_describe_next_info(struct net_namespace *net, struct tcp_cursor *at borrowed,
	struct tcp_description *out borrowed, span_t info);
