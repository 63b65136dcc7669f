// SPDX-License-Identifier: MPL-2.0
// Sending: data is copied into a packet first, then the packet joins the receiver's queue.
#include <core/time.h>
#include <services/net/unix/unix_internal.h>
#include <services/process/thread.h>

static exclusive_access void unix_packet_release(struct unix_packet *p)
{
	if (p->sender) {
		atomic_u32_sub(&p->sender->in_flight, p->cost);
		wait_queue_wake_all(&p->sender->writable, POLL_OUT | POLL_WRITE_NORMAL | POLL_WRITE_BAND);
		unix_socket_put(take(p->sender));
	}
	if (p->control) {
		unix_flight_end(p->control);
		unix_control_drop(take(p->control));
	}
	if (p->source)
		unix_address_put(take(p->source));
	buf_free(take(p->large));
}
DEFINE_OBJECT(unix_packet, unix_packet_release)

static err_t packet_fill(struct unix_packet *p, struct iobuf *data borrowed, u32 length)
{
	if (length > UNIX_PACKET_SMALL) {
		p->large = buf_alloc(length);
		if (!p->large)
			return -ENOMEM;
	}
	p->length = length;
	span_t to = p->large ? buf_span(p->large) : span_first(array_span(p->small), length);
	return iobuf_get(data, to) == length ? OK : -EFAULT;
}

// Credentials travel when one of the two ends wants them, or the sender gave some.
static err_t packet_set_control(
	struct unix_packet *p, struct socket_message *m borrowed, struct unix_socket *from, struct unix_socket *to)
{
	if (m->control)
		p->control = socket_control_get(m->control);
	const err_t err = p->control && p->control->file_count ? unix_flight_start(p->control) : OK;
	if (err)
		return err;
	const bool is_wanted = atomic_u32_load_relaxed(&from->pass_cred) || atomic_u32_load_relaxed(&to->pass_cred);
	if (!is_wanted || (p->control && p->control->has_credentials))
		return OK;
	if (!p->control)
		p->control = socket_control_create();
	if (!p->control)
		return -ENOMEM;
	struct socket_control *c = p->control;
	const struct cred *cred = thread_cred();
	c->pid = pid_get(process_current()->pid);
	c->uid = cred->uid;
	c->gid = cred->gid;
	c->has_credentials = 1;
	return OK;
}

static err_t packet_create(struct unix_socket *from, struct unix_socket *to, struct socket_message *m borrowed,
	u32 length, struct unix_packet **out borrowed)
{
	struct unix_packet *p object_auto(unix_packet) = unix_packet_alloc();
	if (!p)
		return -ENOMEM;
	err_t err = packet_fill(p, m->data, length);
	if (!err)
		err = packet_set_control(p, m, from, to);
	if (err)
		return err;
	if (from->type == SOCKET_DATAGRAM)
		p->source = unix_address_of(from);
	if (atomic_u32_load_relaxed(&to->wants_time))
		p->sent_ns = clock_realtime_ns();
	p->cost = length + UNIX_PACKET_COST;
	p->sender = unix_socket_get(from);
	atomic_u32_add(&from->in_flight, p->cost);
	*out = take(p);
	return OK;
}

// -EPIPE, -ECONNREFUSED: it takes nothing any more.
static err_t deliver(struct unix_socket *const to, struct unix_packet *packet consumes)
{
	struct unix_packet *p object_auto(unix_packet) = packet;
	{
		spin_guard(&to->queue_lock);
		if (to->is_closed || (atomic_u32_load(&to->shutdown) & SHUTDOWN_RECEIVE))
			return to->type == SOCKET_DATAGRAM && to->is_closed ? -ECONNREFUSED : -EPIPE;
		to->queued_bytes += p->length;
		unix_packet_list_append(&to->packets, take(p));
	}
	wait_queue_wake_all(&to->readable, POLL_IN | POLL_READ_NORMAL);
	return OK;
}

static bool has_room(struct unix_socket *u)
{
	return atomic_u32_load(&u->in_flight) < atomic_u32_load_relaxed(&u->send_limit) || atomic_u32_load(&u->error) ||
	       (atomic_u32_load(&u->shutdown) & SHUTDOWN_SEND);
}

static err_t wait_for_room(struct socket *s, struct unix_socket *u, u32 flags, u64 deadline_ns)
{
	if (has_room(u))
		return OK;
	if (!socket_may_wait(s, flags))
		return -EAGAIN;
	const err_t err = wait_event(&u->writable, WAIT_INTERRUPTIBLE, deadline_ns, has_room(u));
	return err ? socket_wait_error(err, deadline_ns) : OK;
}

static err_t send_stream_part(struct socket *s, struct unix_socket *u, struct unix_socket *peer,
	struct socket_message *m borrowed, u64 deadline_ns)
{
	struct unix_packet *p object_auto(unix_packet) = NULL;
	err_t err = wait_for_room(s, u, m->flags, deadline_ns);
	if (!err && (atomic_u32_load(&u->shutdown) & SHUTDOWN_SEND))
		err = -EPIPE;
	if (!err)
		err = packet_create(u, peer, m, (u32)min(iobuf_remaining(m->data), (usize)UNIX_PACKET_MAX), &p);
	return err ? err : deliver(peer, take(p));
}

static ssize_r send_stream(struct socket *s, struct unix_socket *u, struct socket_message *m borrowed)
{
	struct unix_socket *peer object_auto(unix_socket) = unix_peer_of(u);
	const u64 deadline = socket_send_deadline(s);
	const usize before = iobuf_done(m->data);
	if (bytes_len(m->address))
		return peer ? -EISCONN : -EOPNOTSUPP;
	if (!peer)
		return -ENOTCONN;
	usize sent = before;
	while (iobuf_remaining(m->data)) {
		const err_t err = send_stream_part(s, u, peer, m, deadline);
		if (err)
			return sent > before ? (ssize_r)(sent - before) : (ssize_r)err;
		sent = iobuf_done(m->data);
		// Files go with the first byte only.
		if (m->control)
			socket_control_put(take(m->control));
	}
	return (ssize_r)(sent - before);
}

// --- whole messages ---------------------------------------------------------------------------------

static err_t find_receiver(
	struct socket *s, struct unix_socket *u, struct socket_message *m borrowed, struct unix_socket **out borrowed)
{
	if (bytes_len(m->address) && u->type == SOCKET_DATAGRAM)
		return unix_find(s, m->address, u->type, out);
	*out = unix_peer_of(u);
	return *out ? OK : -ENOTCONN;
}

static err_t wait_for_receiver(struct socket *s, struct unix_socket *u, struct unix_socket *to, u32 flags,
	u64 deadline_ns)
{
	if (!unix_is_full_for(to, u))
		return OK;
	if (!socket_may_wait(s, flags))
		return -EAGAIN;
	const err_t err = wait_event(&to->room, WAIT_INTERRUPTIBLE, deadline_ns, !unix_is_full_for(to, u));
	return err ? socket_wait_error(err, deadline_ns) : OK;
}

static err_t send_whole(
	struct socket *s, struct unix_socket *u, struct unix_socket *to, struct socket_message *m borrowed)
{
	struct unix_packet *p object_auto(unix_packet) = NULL;
	const u64 deadline = socket_send_deadline(s);
	if (atomic_u32_load(&u->shutdown) & SHUTDOWN_SEND)
		return -EPIPE;
	if (iobuf_remaining(m->data) > atomic_u32_load_relaxed(&u->send_limit) - 32)
		return -EMSGSIZE;
	err_t err = wait_for_room(s, u, m->flags, deadline);
	if (!err && u->type == SOCKET_DATAGRAM)
		err = wait_for_receiver(s, u, to, m->flags, deadline);
	if (!err)
		err = packet_create(u, to, m, (u32)iobuf_remaining(m->data), &p);
	return err ? err : deliver(to, take(p));
}

ssize_r unix_send(struct socket *s, struct socket_message *m borrowed)
{
	struct unix_socket *u = unix_socket_of(s);
	struct unix_socket *to object_auto(unix_socket) = NULL;
	if (m->flags & MESSAGE_OOB)
		return -EOPNOTSUPP;
	err_t err = unix_take_error(u);
	if (err)
		return (ssize_r)err;
	if (u->type == SOCKET_STREAM)
		return send_stream(s, u, m);
	const usize length = iobuf_remaining(m->data);
	err = socket_has(s, SOCKET_PASS_CRED) ? unix_autobind(s) : OK;
	if (!err)
		err = find_receiver(s, u, m, &to);
	if (!err)
		err = send_whole(s, u, to, m);
	return err ? (ssize_r)err : (ssize_r)length;
}
