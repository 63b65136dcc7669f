// SPDX-License-Identifier: MPL-2.0
// What sockets that receive whole packets share (UDP, ping, raw): a bounded queue, and recvmsg from it.
#pragma once
#include <services/net/inet/inet.h>

struct inet_datagram {
	struct object object;
	struct list_link link;			// the queue's lock
	struct packet *packet;			// reference; what the receiver gets is its content
	struct inet_endpoint source;		// immutable, as all below
	struct ip_address destination;
	u32 interface, ttl, tos, cost;
};
DECLARE_OBJECT(inet_datagram)
DEFINE_LIST(inet_datagram_list, inet_datagram, link)

struct inet_queue {
	struct spinlock lock;
	struct inet_datagram_list list GUARDED_BY(lock);	// with references
	u32 queued GUARDED_BY(lock);		// cost of all
	u32 limit GUARDED_BY(lock);		// SO_RCVBUF
	u32 shutdown GUARDED_BY(lock);		// enum socket_shutdown
	struct atomic_u32 error;		// positive: what came back for an earlier packet
	struct wait_queue readable;
};
void inet_queue_init(struct inet_queue *q);
void inet_queue_drop(struct inet_queue *q);	// everything that waits
// False when it is lost: the queue is full, shut down, or memory is short.
bool inet_queue_put(struct inet_queue *q, const struct ip_flow *flow borrowed, u32 source_port,
	struct packet *p consumes);
// Sleeps by s's mode. With IP_PKTINFO and the like as `o` asks for them.
ssize_r inet_queue_receive(struct socket *s, struct inet_queue *q, struct inet_options *o,
	struct socket_message *m borrowed);
u32 inet_queue_poll(struct inet_queue *q, struct poll_request *r);
u32 inet_queue_first_length(struct inet_queue *q);
u32 inet_queue_cost(struct inet_queue *q);		// of all that waits
void inet_queue_set_error(struct inet_queue *q, u32 error);
err_t inet_queue_take_error(struct inet_queue *q);
void inet_queue_shutdown(struct inet_queue *q, u32 how);
bool inet_queue_may_send(struct inet_queue *q);
void inet_queue_set_limit(struct inet_queue *q, u32 limit);

// What a send call says: destination (of the message or connected), options, control messages (IP_PKTINFO, IP_TTL,
// IP_TOS and those of IPv6). -EDESTADDRREQ, -EACCES (broadcast), -EINVAL, errors of the route.
struct stack_only inet_sending {
	struct ip_flow flow;
	struct inet_endpoint to;
	struct ip_route_answer route;
};
err_t inet_sending_begin(struct socket *s, const struct inet_endpoint *local borrowed,
	const struct inet_endpoint *connected borrowed, struct socket_message *m borrowed,
		struct inet_sending *out borrowed);
