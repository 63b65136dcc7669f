// SPDX-License-Identifier: MPL-2.0
// Inside the netlink room.
#pragma once
#include <core/buf.h>
#include <services/net/netlink/netlink.h>
#include <services/net/socket/socket_filter.h>

#define NETLINK_ADDRESS_BYTES 12u		// struct sockaddr_nl
#define NETLINK_CHUNK_BYTES 3776u		// of a dump: fits the small buffers that old programs receive into
#define NETLINK_CHUNK_LARGE 16384u		// for those that offer more
#define NETLINK_PACKET_COST 256u
#define LEVEL_NETLINK 270u			// SOL_NETLINK
#define CONTROL_PKTINFO 3u			// NETLINK_PKTINFO as a control message: u32 group
enum netlink_option_flag {
	NETLINK_HAS_PKTINFO = 1, NETLINK_HAS_BROADCAST_ERROR = 2, NETLINK_HAS_NO_ENOBUFS = 4, NETLINK_HAS_CAP_ACK = 8,
	NETLINK_HAS_EXT_ACK = 16, NETLINK_HAS_STRICT = 32, NETLINK_HAS_ALL_NSID = 64
};

struct netlink_packet {
	struct object object;
	struct list_link link;		// receiver's lock
	struct buf *data;		// owned; immutable
	u32 length;			// immutable once it is queued: a filter may want less
	u32 source_port, group;		// immutable
	u32 uid, gid;			// of a user-made message
	struct pid *pid;		// reference or NULL
};
DECLARE_OBJECT(netlink_packet)
DEFINE_LIST(netlink_packet_list, netlink_packet, link)

struct netlink_socket {
	struct object object;
	struct list_link link;			// the table's lock
	u32 protocol;				// immutable
	struct netlink_table *table;		// reference; immutable
	struct net_namespace *net;		// borrowed: the socket file keeps it; immutable
	struct atomic_u32 options;		// enum netlink_option_flag
	struct mutex receiving;			// RANK_SOCKET: one receiver, one dump step at a time
	struct netlink_dump *dump GUARDED_BY(receiving);	// reference or NULL
	struct atomic_u32 receive_limit;	// SO_RCVBUF when it last sent or received
	struct wait_queue readable;
	struct spinlock lock;			// RANK_SERVICE_LEAF
	struct netlink_packet_list packets GUARDED_BY(lock);
	u32 queued_bytes GUARDED_BY(lock);
	u32 is_overrun GUARDED_BY(lock);	// something was lost: the next receive says so
	u32 port GUARDED_BY(lock);		// 0: not bound
	u32 peer_port GUARDED_BY(lock), peer_groups GUARDED_BY(lock);
	u64 groups GUARDED_BY(lock);		// bit group - 1
	struct socket_filter *filter GUARDED_BY(lock);	// reference or NULL
};
DEFINE_LIST(netlink_socket_list, netlink_socket, link)
// A namespace's netlink sockets; they are removed when they close.
struct netlink_table {
	struct object object;
	struct spinlock lock;			// RANK_NET_PORTS
	struct netlink_socket_list sockets GUARDED_BY(lock);
};
DECLARE_OBJECT(netlink_table)

struct object *netlink_table_create(void) owned;
struct netlink_table *netlink_table_of(struct net_namespace *net);	// borrowed
// Port 0: any free one. -EADDRINUSE; -EINVAL when it has another already.
err_t netlink_bind_port(struct netlink_socket *n, u32 port);
void netlink_unbind(struct netlink_socket *n);
struct netlink_socket *netlink_find_port(struct net_namespace *net, u32 protocol, u32 port) owned;
u32 netlink_port_of(struct netlink_socket *n);
const struct netlink_protocol_ops *netlink_protocol_find(u32 protocol);	// NULL: none

struct netlink_packet *netlink_packet_create(bytes_t message, u32 source_port, u32 group) owned;
// Into the queue: -ENOBUFS when it is full, which the receiver will be told.
err_t netlink_deliver(struct netlink_socket *n, struct netlink_packet *p consumes);
err_t netlink_set_filter(struct socket *s, struct socket_filter *f);
// Something was lost: the next receive says so.
void netlink_set_overrun(struct netlink_socket *n);
// Answers all requests of a send(2).
void netlink_handle_all(struct socket *s, struct netlink_socket *n, bytes_t requests);
// The next piece of a dump into the queue, when there is one and the queue is empty.
void netlink_dump_continue(struct socket *s, struct netlink_socket *n, usize room) REQUIRES(n->receiving);
ssize_r netlink_receive(struct socket *s, struct socket_message *m borrowed);
ssize_r netlink_send(struct socket *s, struct socket_message *m borrowed);
err_t netlink_set_option(struct socket *s, u32 level, u32 name, bytes_t value);
ssize_r netlink_get_option(struct socket *s, u32 level, u32 name, span_t out);
struct netlink_socket *netlink_of(struct socket *s);	// borrowed
err_t netlink_join(struct socket *s, u32 group);
