// SPDX-License-Identifier: MPL-2.0
// Listening, connecting, accepting. A connection is complete when connect(2) returns: the other end waits, with all
// it was sent, in the listener's backlog until it is accepted.
#include <services/net/unix/unix_internal.h>
#include <services/vfs/inode.h>

static err_t become(struct unix_socket *const u, enum unix_state from, enum unix_state to)
{
	spin_guard(&u->lock);
	if (u->state != from && u->state != to)
		return -EINVAL;
	u->state = to;
	return OK;
}

static enum unix_state state_of(struct unix_socket *const u)
{
	spin_guard(&u->lock);
	return u->state;
}

static void set_backlog(struct unix_socket *const u, u32 limit)
{
	spin_guard(&u->queue_lock);
	u->backlog_limit = limit;
}

err_t unix_listen(struct socket *s, u32 backlog)
{
	struct unix_socket *const u = unix_socket_of(s);
	mutex_guard(&u->control);
	struct unix_address *a object_auto(unix_address) = unix_address_of(u);
	if (!a)
		return -EINVAL;
	set_backlog(u, min(backlog, atomic_u32_load_relaxed(&s->net->backlog_max)));
	const err_t err = become(u, UNIX_IDLE, UNIX_LISTENING);
	if (!err) {
		unix_peer_set(u, unix_peer_self());
		wait_queue_wake_all(&u->writable, ~0u);
	}
	return err;
}

void unix_join(struct unix_socket *const a, struct unix_socket *b)
{
	struct unix_socket *old object_auto(unix_socket) = NULL;
	spin_guard(&a->lock);
	old = take(a->peer);
	a->peer = unix_socket_get(b);
	a->state = UNIX_CONNECTED;
}

err_t unix_pair(struct socket *a, struct socket *b)
{
	struct unix_socket *u = unix_socket_of(a), *v = unix_socket_of(b);
	unix_join(u, v);
	unix_join(v, u);
	unix_peer_set(u, unix_peer_self());
	unix_peer_set(v, unix_peer_self());
	return OK;
}

// --- connect ----------------------------------------------------------------------------------------

static void take_name(struct unix_socket *const child, struct unix_socket *listener)
{
	struct unix_address *a object_auto(unix_address) = unix_address_of(listener);
	spin_guard(&child->lock);
	child->address = take(a);
}

// -EAGAIN: the backlog is full.
static err_t enqueue(struct unix_socket *const listener, struct unix_socket *child)
{
	if (state_of(listener) != UNIX_LISTENING || (atomic_u32_load(&listener->shutdown) & SHUTDOWN_RECEIVE))
		return -ECONNREFUSED;
	spin_guard(&listener->queue_lock);
	if (listener->is_closed)
		return -ECONNREFUSED;
	if (unix_backlog_count(&listener->backlog) > listener->backlog_limit)
		return -EAGAIN;
	unix_backlog_append(&listener->backlog, unix_socket_get(child));
	return OK;
}

static bool try_enqueue(struct unix_socket *listener, struct unix_socket *child, err_t *err borrowed)
{
	*err = enqueue(listener, child);
	return *err != (err_t)-EAGAIN;
}

static err_t connect_to(struct socket *s, struct unix_socket *listener)
{
	struct unix_socket *const u = unix_socket_of(s);
	struct unix_socket *child object_auto(unix_socket) = unix_socket_create(listener->home, u->type);
	const u64 deadline = socket_send_deadline(s);
	err_t result = OK;
	if (!child)
		return -ENOMEM;
	take_name(child, listener);
	unix_join(child, u);
	unix_peer_set(child, unix_peer_self());
	if (!try_enqueue(listener, child, &result) && socket_may_wait(s, 0)) {
		const err_t err = wait_event_mutex(&listener->writable, &u->control, WAIT_INTERRUPTIBLE, deadline,
						   try_enqueue(listener, child, &result));
		if (err)
			result = socket_wait_error(err, deadline);
	}
	if (result)
		return result;
	unix_join(u, child);
	unix_peer_set(u, unix_peer_cred(listener));
	wait_queue_wake_all(&listener->readable, POLL_IN | POLL_READ_NORMAL);
	return OK;
}

static void forget_peer(struct unix_socket *const u)
{
	struct unix_socket *old object_auto(unix_socket) = NULL;
	spin_guard(&u->lock);
	old = take(u->peer);
	u->state = UNIX_IDLE;
}

#define FAMILY_UNSPECIFIED 0u

static err_t connect_datagram(struct socket *s, bytes_t address)
{
	struct unix_socket *u = unix_socket_of(s);
	struct unix_socket *other object_auto(unix_socket) = NULL;
	if (bytes_len(address) >= 2 && bytes_get_u16le(address, 0) == FAMILY_UNSPECIFIED) {
		forget_peer(u);
		return OK;
	}
	const err_t err = unix_find(s, address, u->type, &other);
	if (!err)
		unix_join(u, other);
	return err;
}

err_t unix_connect(struct socket *s, bytes_t address)
{
	struct unix_socket *const u = unix_socket_of(s);
	struct unix_socket *listener object_auto(unix_socket) = NULL;
	mutex_guard(&u->control);
	if (socket_has(s, SOCKET_PASS_CRED)) {
		const err_t err = unix_autobind(s);
		if (err)
			return err;
	}
	if (u->type == SOCKET_DATAGRAM)
		return connect_datagram(s, address);
	const err_t err = unix_find(s, address, u->type, &listener);
	if (err)
		return err;
	const enum unix_state state = state_of(u);
	if (state != UNIX_IDLE)
		return state == UNIX_CONNECTED ? -EISCONN : -EINVAL;
	return connect_to(s, listener);
}

// --- accept -----------------------------------------------------------------------------------------

// True when the wait is over: *out has one, or the listener is.
static bool try_accept(struct unix_socket *const u, struct unix_socket **out borrowed)
{
	spin_guard(&u->queue_lock);
	*out = unix_backlog_pop(&u->backlog);
	return *out || u->is_closed || (atomic_u32_load(&u->shutdown) & SHUTDOWN_RECEIVE);
}

err_t unix_accept(struct socket *s, struct socket *child)
{
	struct unix_socket *u = unix_socket_of(s);
	struct unix_socket *end object_auto(unix_socket) = NULL;
	const u64 deadline = socket_receive_deadline(s);
	if (state_of(u) != UNIX_LISTENING)
		return -EINVAL;
	if (!try_accept(u, &end)) {
		if (!socket_may_wait(s, 0))
			return -EAGAIN;
		const err_t err = wait_event(&u->readable, WAIT_INTERRUPTIBLE, deadline, try_accept(u, &end));
		if (err)
			return socket_wait_error(err, deadline);
	}
	if (!end)
		return -EINVAL;
	wait_queue_wake(&u->writable, 1, POLL_OUT);
	atomic_u32_store(&end->pass_cred, socket_has(s, SOCKET_PASS_CRED));
	child->base.private_object = object_get(&end->object);
	atomic_u64_store(&end->inode, child->base.inode->number);
	return OK;
}
