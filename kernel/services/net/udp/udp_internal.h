// SPDX-License-Identifier: MPL-2.0
// Inside the udp room.
#pragma once
#include <services/net/inet/inet_datagram.h>
#include <services/net/udp/udp.h>

#define UDP_HEADER_BYTES 8u
#define UDP_PAYLOAD_MAX4 65507u
#define UDP_PAYLOAD_MAX6 65527u

// The private object of a socket. Locks: the port bucket's, then `lock`, then the queue's.
struct udp_socket {
	struct object object;
	struct net_namespace *net;		// borrowed: the socket keeps it, and leaves the table first; immutable
	struct inet_options *options;		// reference; immutable
	u32 family, owner_uid;			// immutable
	u64 inode;				// of its file; immutable
	struct list_link port_link;		// the bucket's lock
	struct inet_queue queue;
	struct spinlock lock;
	struct inet_endpoint local GUARDED_BY(lock);
	struct inet_endpoint peer GUARDED_BY(lock);	// port 0: not connected
	u32 may_share GUARDED_BY(lock);		// enum udp_share, when it was bound
	u32 chose_address GUARDED_BY(lock);	// the local address came with connect
	// A datagram that several sends put together (MSG_MORE, UDP_CORK): it goes where the first one said.
	struct mutex corking;			// RANK_SOCKET
	struct atomic_u32 is_corked;		// UDP_CORK
	struct atomic_u32 has_pending;		// changes under `corking`
	struct packet *pending GUARDED_BY(corking);	// reference or NULL
	struct ip_flow pending_flow GUARDED_BY(corking);
	u32 pending_port GUARDED_BY(corking);
};
DECLARE_OBJECT(udp_socket)
enum udp_share { UDP_REUSE_ADDRESS = 1, UDP_REUSE_PORT = 2 };

struct inet_endpoint udp_local(struct udp_socket *u);
struct inet_endpoint udp_peer(struct udp_socket *u);
// --- table ---
void udp_table_init(void);
// Binds; port 0 takes a free one. -EADDRINUSE, -EAGAIN (none free), -EINVAL (bound already)
err_t udp_bind_port(struct udp_socket *u, struct inet_endpoint wanted, u32 share);
void udp_unbind(struct udp_socket *u);
// Who receives what is sent from remote to local: the best match, a reference or NULL.
struct udp_socket *udp_find(struct net_namespace *net, const struct inet_endpoint *local borrowed,
	const struct inet_endpoint *remote borrowed) owned;
// The n-th of all that match (multicast); NULL at the end.
struct udp_socket *udp_find_nth(struct net_namespace *net, const struct inet_endpoint *local borrowed,
	const struct inet_endpoint *remote borrowed, u32 n) owned;
// --- packets ---
void udp_input(struct net_namespace *net, const struct ip_flow *flow borrowed, struct packet *p consumes);
void udp_error(struct net_namespace *net, const struct ip_flow *flow borrowed, bytes_t transport, u32 error, u32 info);
ssize_r udp_send(struct socket *s, struct socket_message *m borrowed);
struct udp_socket *udp_of(struct socket *s);	// borrowed
// Puts the header before what p holds, and sends it from u's port.
err_t udp_emit(struct socket *s, const struct ip_flow *flow borrowed, u32 port, struct packet *p consumes);
// Where a message goes, its length checked; u has a port then.
struct inet_sending;
err_t udp_sending_begin(struct socket *s, struct socket_message *m borrowed, struct inet_sending *to borrowed);
// A piece: OK when it has joined the datagram, which goes unless more is to come.
err_t udp_send_piece(struct socket *s, struct socket_message *m borrowed);
err_t udp_set_cork(struct socket *s, u32 is_on);	// off: what is there goes
