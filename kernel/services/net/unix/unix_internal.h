// SPDX-License-Identifier: MPL-2.0
// Inside the unix room. An endpoint is what a socket file names and what its peer holds: it outlives the file.
// Locks: `lock` for the small state, `queue_lock` for what waits to be received or accepted; never both of two
// endpoints at once. `reading` is held by who receives, so that data is copied to user memory outside the spinlocks.
#pragma once
#include <services/net/socket/socket.h>
#include <services/net/unix/unix.h>
#include <services/process/pid.h>

#define UNIX_PATH_MAX 108u
#define UNIX_ADDRESS_MAX (2 + UNIX_PATH_MAX)
#define UNIX_PACKET_SMALL 160u
#define UNIX_PACKET_MAX 32768u		// bytes of a stream in one packet
#define UNIX_PACKET_COST 256u		// what a packet counts beside its data
#define UNIX_DATAGRAMS_MAX 10u		// net.unix.max_dgram_qlen

struct unix_address {
	struct object object;
	u32 length;			// immutable: with the two bytes of the family
	u8 bytes[UNIX_ADDRESS_MAX];	// immutable: sun_family, then the path or an abstract name
};
DECLARE_OBJECT(unix_address)

struct unix_socket;
struct unix_packet {
	struct object object;
	struct list_link link;			// receiver's queue_lock
	struct buf *large;			// owned, or NULL: the data is in `small`; immutable
	u32 length;				// immutable
	u32 taken;				// receiver's `reading`: bytes that were received
	u32 cost;				// immutable
	u32 pad;
	u64 sent_ns;				// since 1970, if the receiver wanted to know, else 0; immutable
	struct socket_control *control;		// reference or NULL; receiver's `reading`
	struct unix_address *source;		// reference or NULL; immutable
	struct unix_socket *sender;		// reference: who has `cost` less room
	u8 small[UNIX_PACKET_SMALL];
};
DECLARE_OBJECT(unix_packet)
DEFINE_LIST(unix_packet_list, unix_packet, link)

enum unix_state { UNIX_IDLE, UNIX_LISTENING, UNIX_CONNECTED, UNIX_CLOSED };
struct unix_peer {	// who a socket belonged to when it was connected
	struct pid *pid;	// reference or NULL
	struct group_list *groups;	// reference or NULL
	u32 uid, gid;
};
DECLARE_LIST(unix_backlog, unix_socket)
struct unix_names;
struct unix_socket {
	struct object object;
	u32 type, owner_uid;			// immutable
	struct unix_names *home;		// reference, of its namespace; immutable
	struct tree_link home_link;		// its lock
	struct atomic_u64 inode;		// of its file; 0: none yet, or no more
	struct atomic_u32 shutdown;		// enum socket_shutdown: what is over
	struct atomic_u32 error;		// positive; the next call returns it
	struct atomic_u32 pass_cred;
	struct atomic_u32 wants_time;		// of each message
	struct atomic_u32 send_limit;
	struct atomic_u32 in_flight;		// cost of packets sent and not received
	struct mutex control;			// bind, connect and listen, one at a time
	struct mutex reading;
	struct wait_queue readable, writable;
	struct wait_queue room;			// senders that found its queue full; only datagrams

	struct spinlock lock;
	enum unix_state state GUARDED_BY(lock);
	struct unix_socket *peer GUARDED_BY(lock);	// reference
	struct unix_address *address GUARDED_BY(lock);	// reference; set once
	struct path place GUARDED_BY(lock);		// references; of a bound path name
	struct unix_peer peer_cred GUARDED_BY(lock);
	struct unix_relay *relay GUARDED_BY(lock);	// reference or NULL: see unix_room.c
	struct unix_names *names GUARDED_BY(lock);	// reference while bound to an abstract name
	struct tree_link name_link;			// the names' lock

	struct spinlock queue_lock;
	struct unix_packet_list packets GUARDED_BY(queue_lock);	// with references
	u64 queued_bytes GUARDED_BY(queue_lock);
	struct unix_backlog backlog GUARDED_BY(queue_lock);	// with references
	u32 backlog_limit GUARDED_BY(queue_lock);
	u32 is_closed GUARDED_BY(queue_lock);		// takes nothing more
	struct list_link backlog_link;			// the listener's queue_lock

	// Of a socket whose file travels in messages: the flight lock (unix_flight.c).
	struct list_link flight_link, collect_link;
	struct file *flight_file;			// borrowed: the messages hold it
	u32 flight_count, flight_left, collect_state;
};
DECLARE_OBJECT(unix_socket)
DEFINE_LIST_OPS(unix_backlog, unix_socket, backlog_link)

struct unix_socket *unix_socket_of(struct socket *s);	// borrowed
struct unix_socket *unix_socket_create(struct unix_names *home, u32 type) owned;
// The connected peer: -ENOTCONN. For a closed one a reference all the same.
struct unix_socket *unix_peer_of(struct unix_socket *u) owned;
void unix_disconnect(struct unix_socket *u);	// as close(2) does to an endpoint
struct unix_peer unix_peer_self(void);		// of the current thread; with a reference
struct unix_peer unix_peer_cred(struct unix_socket *u);	// whom u is connected to; with references
void unix_peer_set(struct unix_socket *u, struct unix_peer from);	// takes the reference over

// --- names ---
err_t unix_bind(struct socket *s, bytes_t address);
err_t unix_autobind(struct socket *s);		// when it has no name yet
// Whoever is bound there: -ECONNREFUSED, -ENOENT, -EACCES, -EPROTOTYPE
err_t unix_find(struct socket *s, bytes_t address, u32 type, struct unix_socket **out borrowed);
void unix_unbind(struct unix_socket *u);
struct unix_address *unix_address_of(struct unix_socket *u) owned;	// NULL: none
ssize_r unix_name(struct socket *s, span_t out);
ssize_r unix_peer_name(struct socket *s, span_t out);
struct object *unix_names_create(void) owned;
struct unix_names *unix_names_of(struct socket *s);	// borrowed
DECLARE_OBJECT(unix_names)
// Every endpoint of a namespace is in its names, by age, from its creation to its end.
void unix_home_enter(struct unix_socket *u);
void unix_home_leave(struct unix_socket *u);

// --- connections ---
err_t unix_connect(struct socket *s, bytes_t address);
err_t unix_listen(struct socket *s, u32 backlog);
err_t unix_accept(struct socket *s, struct socket *child);
err_t unix_pair(struct socket *a, struct socket *b);
void unix_join(struct unix_socket *a, struct unix_socket *b);	// a's peer becomes b

// --- data ---
ssize_r unix_send(struct socket *s, struct socket_message *m borrowed);
ssize_r unix_receive(struct socket *s, struct socket_message *m borrowed);
// The error of one end, OK if there is none.
err_t unix_take_error(struct unix_socket *u);
// --- room for datagrams ---
// Must `from` wait before it sends to `to`?
bool unix_is_full_for(struct unix_socket *to, struct unix_socket *from);
// The same for poll and the connected peer; when there is none, u->writable will be woken. => may sleep
bool unix_peer_has_room(struct unix_socket *u);
void unix_relay_cancel(struct unix_socket *u);

// --- files in flight ---
// Before a message with files joins a queue. -ETOOMANYREFS
err_t unix_flight_start(struct socket_control *c);
// After it has left the queue, before its files are given out. Once is enough.
void unix_flight_end(struct socket_control *c);
// For those who peek: the same files, by references of their own. -ENOMEM
err_t unix_flight_copy(struct socket_control *c, struct socket_control **out borrowed);
// The last reference goes at once, or, where that may close sockets, soon.
void unix_control_drop(struct socket_control *control consumes);
// A socket has been closed: what it alone could reach may be garbage now.
void unix_collect_soon(void);
void unix_flight_init(void);
// Drops everything that waits to be received. True when there was something.
bool unix_discard(struct unix_socket *u);
static inline bool unix_is_writable(const struct unix_socket *u borrowed)
{
	return (u64)atomic_u32_load(&u->in_flight) * 4 <= atomic_u32_load_relaxed(&u->send_limit);
}
