// SPDX-License-Identifier: MPL-2.0
// AF_NETLINK: sockets that speak with the kernel, and hear what changes. source: netlink(7), rtnetlink(7)
//
// Theory. A send(2) carries requests, which are answered while the sender waits: the answers are in its receive queue
// when send returns. A dump, which may be long, is made piece by piece as it is received; a count of changes tells
// whether it is of one moment. What changes is put into the queues of sockets that have joined the group; a full queue
// loses it and says so (ENOBUFS).
#pragma once
#include <core/buf.h>
#include <services/net/netlink/netlink_message.h>
#include <services/net/socket/socket.h>

enum netlink_protocol { NETLINK_ROUTE = 0, NETLINK_SOCK_DIAG = 4, NETLINK_KOBJECT_UEVENT = 15, NETLINK_GENERIC = 16 };
#define NETLINK_PROTOCOLS 32u
#define NETLINK_GROUPS_MAX 64u

struct netlink_socket;
DECLARE_OBJECT(netlink_socket)
struct netlink_dump;
// A request on its way through a protocol.
struct stack_only netlink_request {
	struct netlink_socket *socket;	// the caller's, as the following
	struct socket *file;
	struct net_namespace *net;
	bytes_t message;		// from its header on
	bytes_t body;			// behind the header
	u32 type, flags, seq, port;
	enum netlink_strictness strict;	// NETLINK_GET_STRICT_CHK
	u8 error_text[80];		// NLMSGERR_ATTR_MSG; empty: none
	u32 error_offset;		// NLMSGERR_ATTR_OFFS; 0: none
};
// A dump that is being received. The protocol keeps its place in `position` and its filter in `filter`.
struct netlink_dump {
	struct object object;
	// Writes messages until all are (true) or the room is full (false). => may sleep
	bool (*fill)(struct net_namespace *net, struct netlink_dump *d, struct netlink_writer *w borrowed);
	u32 seq, generation;
	u64 position, inner;
	u32 filter[6];
	struct buf *program;	// owned, or NULL: conditions in a language of the protocol
};
DECLARE_OBJECT(netlink_dump)

struct netlink_protocol_ops {
	u32 group_count;
	u32 flags;			// enum netlink_protocol_flag
	// One request: OK or an error for the acknowledgement; NETLINK_DUMPING when a dump was begun.
	err_t (*handle)(struct netlink_request *r borrowed);
	// May be NULL: a socket joined a group (1 and up).
	err_t (*join)(struct socket *s, u32 group);
};
enum netlink_protocol_flag { NETLINK_ANYBODY_HEARS = 1 };	// joining a group needs no capability
#define NETLINK_DUMPING ((err_t)-EINTR)

void netlink_init(void);		// with all protocols; before net_namespace_init()
void netlink_protocol_register(enum netlink_protocol protocol, const struct netlink_protocol_ops *ops);

// --- for others who tell one socket something, without a header: mq_notify(2) ---
// The netlink socket behind a file. -ENOTSOCK, -EINVAL: another family
err_t netlink_socket_of_file(struct file *f, struct netlink_socket **out borrowed);
// -ENOBUFS when its queue is full, -ENOMEM
err_t netlink_tell(struct netlink_socket *n, bytes_t message);

// --- for protocols ---------------------------------------------------------------------------------------------------
// Begins a dump: what *fill and the filter say. -EBUSY when one is under way; NETLINK_DUMPING.
err_t netlink_dump_start(struct netlink_request *r borrowed, struct netlink_dump *d consumes);
struct netlink_dump *netlink_dump_create(
	bool (*fill)(struct net_namespace *net, struct netlink_dump *d, struct netlink_writer *w borrowed)) owned;
// An answer into the asker's queue. -ENOBUFS
err_t netlink_answer(struct netlink_request *r borrowed, bytes_t message);
// Refuses with a text for NETLINK_EXT_ACK.
err_t netlink_refuse_text(struct netlink_request *r borrowed, s32 error, bytes_t text);
#define netlink_refuse(r, err, text) netlink_refuse_text((r), (err), STR(text))
// Does the asker, and who opened its socket, have the capability towards the namespace?
bool netlink_may(const struct netlink_request *r borrowed, struct net_namespace *net, u32 capability);
// To all sockets of the namespace that joined the group. `except`: a port that is not told (0: none).
void netlink_broadcast(struct net_namespace *net, enum netlink_protocol protocol, u32 group, bytes_t message);
bool netlink_has_listeners(struct net_namespace *net, enum netlink_protocol protocol, u32 group);
