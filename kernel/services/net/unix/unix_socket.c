// SPDX-License-Identifier: MPL-2.0
// Theory: two endpoints that are connected hold a reference on each other; each close(2) drops one side, so the pair
// goes when both are closed. What is sent lies in the receiver's queue and counts against the sender's buffer until
// it is received.
#include <services/net/unix/unix_internal.h>
#include <services/process/thread.h>
#include <services/vfs/inode.h>

static exclusive_access void unix_socket_release(struct unix_socket *u)
{
	if (u->peer)
		unix_socket_put(take(u->peer));
	if (u->address)
		unix_address_put(take(u->address));
	if (u->peer_cred.pid)
		pid_put(take(u->peer_cred.pid));
	if (u->peer_cred.groups)
		group_list_put(take(u->peer_cred.groups));
	path_put(&u->place);
	if (!u->home)
		return;
	unix_home_leave(u);
	unix_names_put(take(u->home));
}
DEFINE_OBJECT(unix_socket, unix_socket_release)

exclusive_access static void unix_socket_start(struct unix_socket *u, u32 type)
{
	u->type = type;
	spin_init(&u->lock, RANK_SERVICE_LEAF);
	spin_init(&u->queue_lock, RANK_SERVICE_LEAF);
	mutex_init(&u->control, RANK_SOCKET);
	mutex_init(&u->reading, RANK_SOCKET);
	wait_queue_init(&u->readable);
	wait_queue_init(&u->writable);
	wait_queue_init(&u->room);
	atomic_u32_store_relaxed(&u->send_limit, SOCKET_BUFFER_DEFAULT);
}

struct unix_socket *unix_socket_create(struct unix_names *home, u32 type)
{
	struct unix_socket *u object_auto(unix_socket) = unix_socket_alloc();
	if (!u)
		return NULL;
	unix_socket_start(u, type);
	u->home = unix_names_get(home);
	u->owner_uid = cred_current()->fsuid;
	unix_home_enter(u);
	return take(u);
}

struct unix_socket *unix_socket_of(struct socket *s)
{
	return unix_socket_from_object(s->base.private_object);
}

struct unix_socket *unix_peer_of(struct unix_socket *const u)
{
	spin_guard(&u->lock);
	return u->peer ? unix_socket_get(u->peer) : NULL;
}

struct unix_peer unix_peer_self(void)
{
	const struct cred *c = thread_cred();
	return (struct unix_peer){ pid_get(process_current()->pid), group_list_get(c->groups), c->euid, c->egid };
}

void unix_peer_set(struct unix_socket *const u, struct unix_peer from)
{
	struct pid *old object_auto(pid) = NULL;
	struct group_list *old_groups object_auto(group_list) = NULL;
	spin_guard(&u->lock);
	old = take(u->peer_cred.pid);
	old_groups = take(u->peer_cred.groups);
	u->peer_cred = from;
}

struct unix_peer unix_peer_cred(struct unix_socket *const u)
{
	spin_guard(&u->lock);
	struct unix_peer found = u->peer_cred;
	if (found.pid)
		found.pid = pid_get(found.pid);
	if (found.groups)
		found.groups = group_list_get(found.groups);
	return found;
}

err_t unix_take_error(struct unix_socket *u)
{
	return atomic_u32_load_relaxed(&u->error) ? (err_t)-(s32)atomic_u32_exchange(&u->error, 0) : OK;
}

// --- the end ----------------------------------------------------------------------------------------

static struct unix_socket *leave_peer(struct unix_socket *const u) owned;
static struct unix_socket *leave_peer(struct unix_socket *const u)
{
	spin_guard(&u->lock);
	u->state = UNIX_CLOSED;
	return take(u->peer);
}

static void stop_queue(struct unix_socket *const u)
{
	spin_guard(&u->queue_lock);
	u->is_closed = 1;
}

static struct unix_socket *pop_waiting(struct unix_socket *const u) owned;
static struct unix_socket *pop_waiting(struct unix_socket *const u)
{
	spin_guard(&u->queue_lock);
	return unix_backlog_pop(&u->backlog);
}

static void tell_peer(struct unix_socket *peer, bool was_unread)
{
	if (was_unread)
		atomic_u32_store(&peer->error, ECONNRESET);
	atomic_u32_or(&peer->shutdown, SHUTDOWN_BOTH);
	wait_queue_wake_all(&peer->readable, ~(u32)POLL_QUIET & ~(u32)POLL_PRIORITY & ~(u32)POLL_ERROR);
	wait_queue_wake_all(&peer->writable, ~0u);
}

// An endpoint without those that wait to be accepted: theirs are told that the connection was reset.
static void end_one(struct unix_socket *u, bool is_waiting)
{
	struct unix_socket *peer object_auto(unix_socket) = leave_peer(u);
	unix_unbind(u);
	stop_queue(u);
	atomic_u32_or(&u->shutdown, SHUTDOWN_BOTH);
	const bool was_unread = unix_discard(u) || is_waiting;
	if (peer && u->type != SOCKET_DATAGRAM)
		tell_peer(peer, was_unread);
	wait_queue_wake_all(&u->readable, ~0u);
	wait_queue_wake_all(&u->writable, ~0u);
	wait_queue_wake_all(&u->room, ~0u);
	unix_relay_cancel(u);
}

void unix_disconnect(struct unix_socket *u)
{
	end_one(u, false);
	for (;;) {
		struct unix_socket *waiting object_auto(unix_socket) = pop_waiting(u);
		if (!waiting)
			return;
		end_one(waiting, true);
	}
}

static void unix_close(struct socket *s)
{
	atomic_u64_store(&unix_socket_of(s)->inode, 0);
	unix_disconnect(unix_socket_of(s));
	unix_collect_soon();
}

// --- as a file --------------------------------------------------------------------------------------

static err_t unix_shutdown(struct socket *s, u32 how)
{
	struct unix_socket *u = unix_socket_of(s);
	struct unix_socket *peer object_auto(unix_socket) = unix_peer_of(u);
	if (!peer && u->type != SOCKET_DATAGRAM)
		return -ENOTCONN;
	atomic_u32_or(&u->shutdown, how);
	wait_queue_wake_all(&u->readable, ~0u);
	wait_queue_wake_all(&u->writable, ~0u);
	if (!peer || u->type == SOCKET_DATAGRAM)
		return OK;
	// What one side no longer sends the other no longer receives.
	atomic_u32_or(&peer->shutdown,
		(how & SHUTDOWN_RECEIVE ? (u32)SHUTDOWN_SEND : 0) | (how & SHUTDOWN_SEND ? (u32)SHUTDOWN_RECEIVE : 0));
	if (how & SHUTDOWN_SEND)
		wait_queue_wake_all(&peer->readable, POLL_IN | POLL_READ_NORMAL | POLL_READ_HANGUP | POLL_OUT |
			POLL_WRITE_NORMAL | (how == SHUTDOWN_BOTH ? POLL_HANGUP : 0));
	else
		wait_queue_wake_all(&peer->readable, ~0u);
	wait_queue_wake_all(&peer->writable, ~0u);
	return OK;
}

static bool has_input(struct unix_socket *const u)
{
	spin_guard(&u->queue_lock);
	return !unix_packet_list_is_empty(&u->packets) || !unix_backlog_is_empty(&u->backlog);
}

static enum unix_state state_of(struct unix_socket *const u)
{
	spin_guard(&u->lock);
	return u->state;
}

static u32 unix_poll(struct socket *s, struct poll_request *r)
{
	struct unix_socket *u = unix_socket_of(s);
	poll_add(r, &u->readable);
	poll_add(r, &u->writable);
	const enum unix_state state = state_of(u);
	const u32 over = atomic_u32_load(&u->shutdown);
	u32 ready = 0;
	if (has_input(u) || (over & SHUTDOWN_RECEIVE))
		ready |= POLL_IN | POLL_READ_NORMAL;
	if (over & SHUTDOWN_RECEIVE)
		ready |= POLL_READ_HANGUP;
	if (over == SHUTDOWN_BOTH || (u->type != SOCKET_DATAGRAM && state == UNIX_IDLE))
		ready |= POLL_HANGUP;
	if (atomic_u32_load_relaxed(&u->error))
		ready |= POLL_ERROR;
	if (state != UNIX_LISTENING && unix_is_writable(u) && (u->type != SOCKET_DATAGRAM || unix_peer_has_room(u)))
		ready |= POLL_OUT | POLL_WRITE_NORMAL | POLL_WRITE_BAND;
	return ready;
}

static bool unix_is_listening(struct socket *s)
{
	return state_of(unix_socket_of(s)) == UNIX_LISTENING;
}

// --- options and ioctls -----------------------------------------------------------------------------

enum {
	OPTION_ERROR = 4,
	OPTION_SEND_BUFFER = 7,
	OPTION_PASS_CRED = 16,
	OPTION_PEER_CRED = 17,
	OPTION_SEND_BUFFER_FORCE = 32,
	OPTION_PEER_GROUPS = 59
};

// The flag itself is kept by the socket; the endpoint wants to know it where the socket is not at hand.
static err_t unix_set_option(struct socket *s, u32 level, u32 name, bytes_t value)
{
	struct unix_socket *u = unix_socket_of(s);
	if (level == SOCKET_LEVEL && name == OPTION_PASS_CRED && bytes_len(value) >= 4)
		atomic_u32_store(&u->pass_cred, bytes_get_u32le(value, 0));
	if (level == SOCKET_LEVEL && (name == OPTION_SEND_BUFFER || name == OPTION_SEND_BUFFER_FORCE) &&
		bytes_len(value) >= 4)
		atomic_u32_store(&u->send_limit,
			max(min(bytes_get_u32le(value, 0), SOCKET_BUFFER_DEFAULT) * 2, 2 * SOCKET_BUFFER_MIN));
	return -ENOPROTOOPT;
}

static void unix_changed(struct socket *s)
{
	atomic_u32_store(&unix_socket_of(s)->wants_time, socket_has(s, SOCKET_TIMESTAMP));
}

static struct group_list *peer_groups(struct unix_socket *const u) owned;
static struct group_list *peer_groups(struct unix_socket *const u)
{
	spin_guard(&u->lock);
	return u->peer_cred.groups ? group_list_get(u->peer_cred.groups) : NULL;
}

static ssize_r put_peer_groups(struct unix_socket *u, span_t out)
{
	struct group_list *g object_auto(group_list) = peer_groups(u);
	struct user_namespace *ns = thread_cred()->user_ns;
	if (!g)
		return -ENODATA;
	const u32 count = group_list_count(g);
	if (span_len(out) / 4 < count)
		return -ERANGE;
	for (u32 n = 0; n < count; n++)
		span_put_u32le(out, n * 4, user_namespace_gid_show(ns, group_list_at(g, n)));
	return (ssize_r)(count * 4);
}

static ssize_r unix_get_option(struct socket *s, u32 level, u32 name, span_t out)
{
	struct unix_socket *u = unix_socket_of(s);
	u8 raw[12];
	if (level == SOCKET_LEVEL && name == OPTION_PEER_GROUPS)
		return put_peer_groups(u, out);
	if (level != SOCKET_LEVEL || (name != OPTION_PEER_CRED && name != OPTION_ERROR))
		return -ENOPROTOOPT;
	if (name == OPTION_ERROR) {
		span_put_u32le(array_span(raw), 0, atomic_u32_exchange(&u->error, 0));
		return (ssize_r)span_copy_some(out, bytes_first(array_bytes(raw), 4));
	}
	const struct unix_peer peer = unix_peer_cred(u);
	struct pid *pid object_auto(pid) = peer.pid;
	struct group_list *groups object_auto(group_list) = peer.groups;
	struct user_namespace *ns = thread_cred()->user_ns;
	span_put_u32le(array_span(raw), 0, pid ? pid_number_in(pid, thread_pid_namespace()) : 0);
	span_put_u32le(array_span(raw), 4, pid ? user_namespace_uid_show(ns, peer.uid) : U32_MAX);
	span_put_u32le(array_span(raw), 8, pid ? user_namespace_gid_show(ns, peer.gid) : U32_MAX);
	return (ssize_r)span_copy_some(out, array_bytes(raw));
}

static u64 readable_bytes(struct unix_socket *const u)
{
	spin_guard(&u->queue_lock);
	const struct unix_packet *first = unix_packet_list_first(&u->packets);
	if (u->type == SOCKET_STREAM || !first)
		return u->queued_bytes;
	return first->length;
}

enum { IOCTL_INPUT_QUEUE = 0x541b, IOCTL_OUTPUT_QUEUE = 0x5411 };

static ssize_r unix_ioctl(struct socket *s, u32 command, u64 argument)
{
	struct unix_socket *u = unix_socket_of(s);
	if (command == IOCTL_INPUT_QUEUE && state_of(u) == UNIX_LISTENING)
		return -EINVAL;
	if (command == IOCTL_INPUT_QUEUE)
		return (ssize_r)user_write_u32(user_addr(argument), (u32)readable_bytes(u));
	if (command == IOCTL_OUTPUT_QUEUE)
		return (ssize_r)user_write_u32(user_addr(argument), atomic_u32_load(&u->in_flight));
	return -ENOTTY;
}

static const struct socket_ops unix_ops = {
	.close = unix_close, .bind = unix_bind, .connect = unix_connect, .listen = unix_listen, .accept = unix_accept,
	.name = unix_name, .peer_name = unix_peer_name, .send = unix_send, .receive = unix_receive,
	.shutdown = unix_shutdown, .poll = unix_poll, .set_option = unix_set_option, .get_option = unix_get_option,
	.ioctl = unix_ioctl, .is_listening = unix_is_listening, .pair = unix_pair,
	.changed = unix_changed, .has_timestamps = 1,
};
static const struct socket_ops unix_datagram_ops = {
	.close = unix_close, .bind = unix_bind, .connect = unix_connect,
	.name = unix_name, .peer_name = unix_peer_name, .send = unix_send, .receive = unix_receive,
	.shutdown = unix_shutdown, .poll = unix_poll, .set_option = unix_set_option, .get_option = unix_get_option,
	.ioctl = unix_ioctl, .pair = unix_pair, .changed = unix_changed, .has_timestamps = 1,
};

static err_t unix_create(struct socket *s)
{
	if (s->protocol && s->protocol != FAMILY_UNIX)
		return -EPROTONOSUPPORT;
	if (s->type == SOCKET_RAW)
		s->type = SOCKET_DATAGRAM;
	if (s->type != SOCKET_STREAM && s->type != SOCKET_DATAGRAM && s->type != SOCKET_SEQPACKET)
		return -ESOCKTNOSUPPORT;
	struct unix_socket *u object_auto(unix_socket) = unix_socket_create(unix_names_of(s), s->type);
	if (!u)
		return -ENOMEM;
	atomic_u64_store(&u->inode, s->base.inode->number);
	s->ops = s->type == SOCKET_DATAGRAM ? &unix_datagram_ops : &unix_ops;
	s->base.private_object = object_get(&u->object);
	return OK;
}
static const struct socket_family unix_family = { .create = unix_create };

void unix_init(void)
{
	unix_flight_init();
	net_part_register(NET_PART_UNIX, unix_names_create);
	socket_family_register(FAMILY_UNIX, &unix_family);
}
