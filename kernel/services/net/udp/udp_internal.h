// SPDX-License-Identifier: MPL-2.0
// Between the files of this folder. Addresses and ports are in host order here.
#pragma once
#include <core/buf.h>
#include <services/net/inet/inet.h>

#define UDP_PAYLOAD_MAX 65507u
#define UDP_PORT_FIRST_EPHEMERAL 32768u
#define UDP_PORT_LAST_EPHEMERAL 60999u
#define ADDRESS_LOOPBACK 0x7f000001u

struct endpoint {
	u32 address;	// 0: any
	u32 port;	// 0: none
};
struct udp_packet {
	struct object object;
	struct list_link link;
	struct buf *data;		// owned; NULL: empty
	u32 length;
	struct endpoint source;
};
DECLARE_OBJECT(udp_packet)
DEFINE_LIST(udp_packet_list, udp_packet, link)

DECLARE_LIST(udp_socket_list, udp_socket)
// The private object of a socket. Locks: the namespace's port lock, then `lock`.
struct udp_socket {
	struct object object;
	struct list_link port_link;		// ports' lock
	struct udp_ports *ports;		// reference; immutable
	struct net_namespace *net;		// borrowed: the socket keeps it; immutable
	struct spinlock lock;
	struct endpoint local GUARDED_BY(lock);
	struct endpoint peer GUARDED_BY(lock);	// port 0: not connected
	struct udp_packet_list packets GUARDED_BY(lock);
	u32 queued_bytes GUARDED_BY(lock);
	u32 limit GUARDED_BY(lock);		// SO_RCVBUF at the last receive
	u32 shutdown GUARDED_BY(lock);
	u32 error GUARDED_BY(lock);		// positive: what came back for an earlier datagram
	u32 may_share GUARDED_BY(lock);		// SO_REUSEADDR or SO_REUSEPORT when it was bound
	struct wait_queue readable;
};
DECLARE_OBJECT(udp_socket)
DEFINE_LIST_OPS(udp_socket_list, udp_socket, port_link)
// A namespace's bound sockets; no reference: closing a socket removes it.
struct udp_ports {
	struct object object;
	struct spinlock lock;
	struct udp_socket_list bound GUARDED_BY(lock);
	u32 next_ephemeral GUARDED_BY(lock);
};
DECLARE_OBJECT(udp_ports)

// Binds; port 0 takes a free ephemeral one. -EADDRINUSE, -EAGAIN (none free)
err_t udp_bind_port(struct udp_socket *u, struct endpoint wanted, u32 may_share);
void udp_unbind(struct udp_socket *u);
// Who receives what is sent from `source` to `destination`: a reference or NULL.
struct udp_socket *udp_find(struct udp_ports *p, struct endpoint destination, struct endpoint source) owned;
struct object *udp_ports_create(void);
struct udp_ports *udp_ports_of(struct net_namespace *net);	// borrowed
