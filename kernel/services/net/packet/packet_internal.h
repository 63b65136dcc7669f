// SPDX-License-Identifier: MPL-2.0
// Inside the packet room.
#pragma once
#include <services/net/device/net_device.h>
#include <services/net/packet/packet_socket.h>
#include <services/net/socket/socket.h>

#define LINK_ADDRESS_BYTES 20u		// struct sockaddr_ll
#define PACKET_MEMBERSHIPS_MAX 16u
enum packet_kind { KIND_HOST, KIND_BROADCAST, KIND_MULTICAST, KIND_OTHER_HOST, KIND_OUTGOING };	// sll_pkttype

struct membership {
	u32 interface;			// 0: free
	u32 count;
};
struct packet_socket {
	struct object object;
	struct list_link link;			// the table's lock
	struct packet_table *table;		// reference; immutable
	u32 type;				// immutable: SOCKET_RAW or SOCKET_DATAGRAM
	struct atomic_u32 receive_limit;	// SO_RCVBUF when it last received
	struct wait_queue readable;
	struct spinlock lock;
	u32 ethertype GUARDED_BY(lock);		// 0: nothing is received
	u32 interface GUARDED_BY(lock);		// 0: all
	struct packet_list waiting GUARDED_BY(lock);	// with references
	u32 queued_bytes GUARDED_BY(lock);
	u32 seen GUARDED_BY(lock), dropped GUARDED_BY(lock);	// since they were last asked for
	struct membership promiscuous[PACKET_MEMBERSHIPS_MAX] GUARDED_BY(lock);
};
DECLARE_OBJECT(packet_socket)
DEFINE_LIST(packet_socket_list, packet_socket, link)
struct packet_table {
	struct object object;
	struct spinlock lock;
	struct packet_socket_list sockets GUARDED_BY(lock);	// not counted: removed at close
};
DECLARE_OBJECT(packet_table)

struct packet_socket *packet_socket_of(struct socket *s);	// borrowed
void packet_tap(struct net_namespace *net, struct net_device *d, enum net_direction direction,
	const struct packet *p borrowed);
ssize_r packet_socket_receive(struct socket *s, struct socket_message *m borrowed);
ssize_r packet_socket_send(struct socket *s, struct socket_message *m borrowed);
struct packet_table *packet_table_of(struct net_namespace *net);	// borrowed
// The index-th socket of the table; NULL at the end.
struct packet_socket *packet_socket_at(struct packet_table *t, u32 index) owned;
