// SPDX-License-Identifier: MPL-2.0
// A socket: an open file that a protocol family gives its operations. source: socket(2), socket(7)
// What the family keeps is the file's private_object.
#pragma once
#include <services/net/device/net_namespace.h>
#include <services/net/socket/socket_filter.h>
#include <services/net/socket/socket_message.h>
#include <services/vfs/file.h>

enum socket_type { SOCKET_STREAM = 1, SOCKET_DATAGRAM = 2, SOCKET_RAW = 3, SOCKET_SEQPACKET = 5, SOCKET_PACKET = 10 };
#define FAMILY_UNIX 1u
#define FAMILY_INET 2u
#define FAMILY_INET6 10u
#define FAMILY_NETLINK 16u
#define FAMILY_PACKET 17u
#define FAMILY_COUNT 46u
enum socket_shutdown { SHUTDOWN_RECEIVE = 1, SHUTDOWN_SEND = 2, SHUTDOWN_BOTH = 3 };
enum socket_flag {
	SOCKET_REUSE_ADDRESS = 1,
	SOCKET_REUSE_PORT = 2,
	SOCKET_BROADCAST = 4,
	SOCKET_KEEP_ALIVE = 8,
	SOCKET_PASS_CRED = 16,
	SOCKET_TIMESTAMP = 32,
	SOCKET_OOB_INLINE = 64,
	SOCKET_DONT_ROUTE = 128,
	SOCKET_LINGER = 256,
	SOCKET_SEND_LOCKED = 512,	// SO_SNDBUF was set
	SOCKET_RECEIVE_LOCKED = 1024,
	SOCKET_TIMESTAMP_NS = 2048,	// with SOCKET_TIMESTAMP: in nanoseconds
	SOCKET_TIMESTAMP_NEW = 4096,	// likewise: by the number that has 64 bits of seconds everywhere
	// SO_PASSSEC: labels of senders. Nothing here labels a process, so none comes: Linux without such a module.
	SOCKET_PASS_SECURITY = 8192
};
#define SOCKET_TIMESTAMPS ((u32)SOCKET_TIMESTAMP | SOCKET_TIMESTAMP_NS | SOCKET_TIMESTAMP_NEW)
#define SOCKET_BUFFER_DEFAULT 212992u
#define SOCKET_BUFFER_MIN 2304u
#define SOCKET_ADDRESS_MAX 128u		// sockaddr_storage

struct socket;
struct socket_ops {
	// The file is being released: undo. private_object is still there.
	void (*close)(struct socket *s);
	err_t (*bind)(struct socket *s, bytes_t address);
	err_t (*connect)(struct socket *s, bytes_t address);
	err_t (*listen)(struct socket *s, u32 backlog);
	// Sets private_object of the fresh `child`.
	err_t (*accept)(struct socket *s, struct socket *child);
	// Own or the peer's address into out (SOCKET_ADDRESS_MAX bytes); its length or -ENOTCONN.
	ssize_r (*name)(struct socket *s, span_t out);
	ssize_r (*peer_name)(struct socket *s, span_t out);
	ssize_r (*send)(struct socket *s, struct socket_message *m borrowed);
	ssize_r (*receive)(struct socket *s, struct socket_message *m borrowed);
	err_t (*shutdown)(struct socket *s, u32 how);
	u32 (*poll)(struct socket *s, struct poll_request *r);
	// What socket_option.c does not know itself; -ENOPROTOOPT. get: the length.
	err_t (*set_option)(struct socket *s, u32 level, u32 name, bytes_t value);
	ssize_r (*get_option)(struct socket *s, u32 level, u32 name, span_t out);
	ssize_r (*ioctl)(struct socket *s, u32 command, u64 argument);
	bool (*is_listening)(struct socket *s);
	bool (*is_bound)(struct socket *s);
	void (*changed)(struct socket *s);	// an option of level SOL_SOCKET was set
	err_t (*pair)(struct socket *a, struct socket *b);
	// SO_ATTACH_FILTER, SO_DETACH_FILTER (NULL; -ENOENT: there is none). NULL: the family filters nothing.
	err_t (*set_filter)(struct socket *s, struct socket_filter *f);
	u32 has_timestamps;	// receive tells of whole messages when they came
};
struct socket {
	struct file base;
	const struct socket_ops *ops;	// immutable
	struct net_namespace *net;	// reference; immutable
	struct object *family_object;	// reference or NULL: what the family keeps beside private_object; immutable
	u32 family, type, protocol;	// immutable
	struct atomic_u32 flags;	// enum socket_flag
	struct atomic_u32 error;	// for SO_ERROR and the next call: positive
	struct atomic_u32 send_buffer, receive_buffer;		// bytes
	struct atomic_u64 send_timeout_ns, receive_timeout_ns;	// 0: none
	struct atomic_u32 linger_seconds, priority, mark;
};
DECLARE_OBJECT(socket)

struct socket_family {
	// Checks type and protocol, sets ops and private_object. -EPROTONOSUPPORT, -ESOCKTNOSUPPORT
	err_t (*create)(struct socket *s);
};
void socket_family_register(u32 family, const struct socket_family *f);
// flags: OPEN_NONBLOCK. -EAFNOSUPPORT and the family's own errors.
err_t socket_create(struct net_namespace *net, u32 family, u32 type, u32 protocol, u32 flags, struct cred *cred,
	struct socket **out borrowed);
// accept(2): a fresh socket like s. Sleeps by s's mode.
err_t socket_accept(struct socket *s, u32 flags, struct cred *cred, struct socket **out borrowed);
// NULL when f is no socket.
struct socket *socket_of_file(struct file *f);
bool socket_may_wait(const struct socket *s borrowed, u32 message_flags);
// When a wait that starts now must end.
u64 socket_send_deadline(const struct socket *s borrowed);
u64 socket_receive_deadline(const struct socket *s borrowed);
// What a wait's result means to the caller: -EAGAIN at the deadline, -EINTR where a timeout forbids a restart.
err_t socket_wait_error(err_t err, u64 deadline_ns);
// Takes the pending error: OK or negative.
err_t socket_take_error(struct socket *s);
void socket_set_error(struct socket *s, u32 error);
static inline bool socket_has(const struct socket *s borrowed, u32 flag)
{
	return atomic_u32_load_relaxed(&s->flags) & flag;
}

// Level SOL_SOCKET; others go to the family. Values as setsockopt(2) has them. get: the length.
#define SOCKET_LEVEL 1u
err_t socket_set_option(struct socket *s, u32 level, u32 name, bytes_t value);
// SO_ATTACH_FILTER: the program itself, which the option only points to. -ENOPROTOOPT, -EINVAL, -ENOMEM
err_t socket_attach_filter(struct socket *s, bytes_t program);
ssize_r socket_get_option(struct socket *s, u32 level, u32 name, span_t out);
