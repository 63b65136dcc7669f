// SPDX-License-Identifier: MPL-2.0
// Inside the raw room.
#pragma once
#include <services/net/inet/inet_datagram.h>
#include <services/net/raw/raw.h>

// The private object of a socket of either kind. Locks: the table's, then `lock`, then the queue's.
struct raw_socket {
	struct object object;
	struct net_namespace *net;		// borrowed: the socket keeps it, and leaves the table first; immutable
	struct inet_options *options;		// reference; immutable
	u32 family, protocol, is_ping;		// immutable
	struct list_link link;			// the table's lock
	struct inet_queue queue;
	struct atomic_u32 filter;		// ICMP_FILTER: bit = type that is not wanted
	struct atomic_u32 checksum_at;		// IPV6_CHECKSUM: place + 1; 0: none
	struct spinlock lock;
	struct inet_endpoint local GUARDED_BY(lock);	// port: a ping socket's identifier
	struct inet_endpoint peer GUARDED_BY(lock);
	u32 is_connected GUARDED_BY(lock);
};
DECLARE_OBJECT(raw_socket)
struct raw_socket *raw_of(struct socket *s);	// borrowed
struct inet_endpoint raw_local(struct raw_socket *r);
struct inet_endpoint raw_peer(struct raw_socket *r);

void raw_table_init(void);
void raw_table_add(struct raw_socket *r);
void raw_table_remove(struct raw_socket *r);
// A ping socket's identifier, 0: a free one. -EADDRINUSE
err_t raw_take_identifier(struct raw_socket *r, u32 identifier);
// Every packet that is delivered passes here first: copies to those who asked. True when somebody did.
bool raw_see(struct net_namespace *net, const struct ip_flow *flow borrowed, const struct packet *p borrowed);
ssize_r raw_send(struct socket *s, struct socket_message *m borrowed);
ssize_r ping_send(struct socket *s, struct socket_message *m borrowed);
