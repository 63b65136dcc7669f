// SPDX-License-Identifier: MPL-2.0
// Receiving. Only who holds `reading` takes packets off or changes what is left of one.
#include <core/time.h>
#include <services/net/unix/unix_internal.h>

static struct unix_packet *first_packet(struct unix_socket *const u) owned;
static struct unix_packet *first_packet(struct unix_socket *const u)
{
	spin_guard(&u->queue_lock);
	struct unix_packet *p = unix_packet_list_first(&u->packets);
	return p ? unix_packet_get(p) : NULL;
}

static struct unix_packet *packet_after(struct unix_socket *const u, struct unix_packet *p) owned;
static struct unix_packet *packet_after(struct unix_socket *const u, struct unix_packet *p)
{
	spin_guard(&u->queue_lock);
	struct unix_packet *next = unix_packet_list_next(p);
	return next ? unix_packet_get(next) : NULL;
}

static void drop_first(struct unix_socket *const u)
{
	struct unix_packet *p object_auto(unix_packet) = NULL;
	{
		spin_guard(&u->queue_lock);
		p = unix_packet_list_pop(&u->packets);
		if (p)
			u->queued_bytes -= p->length - p->taken;
	}
	if (u->type == SOCKET_DATAGRAM)		// senders that found the queue full
		wait_queue_wake_all(&u->room, POLL_OUT | POLL_WRITE_NORMAL);
}

static void note_taken(struct unix_socket *const u, struct unix_packet *p, u32 count)
{
	spin_guard(&u->queue_lock);
	u->queued_bytes -= count;
	p->taken += count;
}

bool unix_discard(struct unix_socket *u)
{
	bool found = false;
	for (;;) {
		struct unix_packet *p object_auto(unix_packet) = first_packet(u);
		if (!p)
			return found;
		drop_first(u);
		found = true;
	}
}

static bool has_something(struct unix_socket *const u)
{
	spin_guard(&u->queue_lock);
	return !unix_packet_list_is_empty(&u->packets) || (atomic_u32_load(&u->shutdown) & SHUTDOWN_RECEIVE) ||
		atomic_u32_load(&u->error);
}

static bytes_t packet_bytes(struct unix_packet *p)
{
	return p->large ? buf_bytes(p->large) : bytes_first(array_bytes(p->small), p->length);
}

// OK with a packet, or with none at the end of data.
static err_t wait_packet(struct socket *s, struct unix_socket *const u, u32 flags, u64 deadline_ns,
	struct unix_packet **out borrowed) REQUIRES(u->reading)
{
	for (;;) {
		*out = first_packet(u);
		if (*out)
			return OK;
		err_t err = unix_take_error(u);
		if (err)
			return err;
		if (atomic_u32_load(&u->shutdown) & SHUTDOWN_RECEIVE)
			return OK;
		if (!socket_may_wait(s, flags))
			return -EAGAIN;
		err = wait_event_mutex(&u->readable, &u->reading, WAIT_INTERRUPTIBLE, deadline_ns, has_something(u));
		if (err)
			return socket_wait_error(err, deadline_ns);
	}
}

static bool is_connected(struct unix_socket *const u)
{
	spin_guard(&u->lock);
	return u->state == UNIX_CONNECTED;
}

// The collector looks at it while the packet is in the queue.
static void drop_control(struct unix_socket *const u, struct unix_packet *p)
{
	struct socket_control *old object_auto(socket_control) = NULL;
	spin_guard(&u->queue_lock);
	old = take(p->control);
}

// --- streams ----------------------------------------------------------------------------------------

// Copies from p (and, peeking, from those behind it); 0 at a fault.
static usize take_bytes(struct unix_socket *u, struct unix_packet *p, struct socket_message *m borrowed)
{
	bytes_t rest = bytes_from(packet_bytes(p), p->taken);
	const usize n = iobuf_put(m->data, bytes_first(rest, min(bytes_len(rest), iobuf_remaining(m->data))));
	if (m->flags & MESSAGE_PEEK)
		return n;
	if (p->control && !m->control)
		m->control = socket_control_get(p->control);
	if (n == bytes_len(rest))
		drop_first(u);
	else
		note_taken(u, p, (u32)n);
	// Files are received with the first byte that is; credentials stay with the rest.
	if (p->control && p->control->file_count) {
		unix_flight_end(p->control);
		drop_control(u, p);
	}
	return n;
}

static ssize_r peek_stream(struct unix_socket *u, struct unix_packet *first, struct socket_message *m borrowed)
{
	struct unix_packet *p object_auto(unix_packet) = unix_packet_get(first);
	const usize before = iobuf_done(m->data);
	const err_t err = p->control ? unix_flight_copy(p->control, &m->control) : OK;
	if (err)
		return (ssize_r)err;
	while (p && iobuf_remaining(m->data)) {
		if (!take_bytes(u, p, m))
			break;
		struct unix_packet *next object_auto(unix_packet) = packet_after(u, p);
		if (!next || next->control || p->control)
			break;
		unix_packet_put(take(p));
		p = take(next);
	}
	const usize n = iobuf_done(m->data) - before;
	return n || !iobuf_fault(m->data) ? (ssize_r)n : (ssize_r)-EFAULT;
}

static ssize_r receive_stream(struct socket *s, struct unix_socket *const u, struct socket_message *m borrowed)
{
	const u64 deadline = socket_receive_deadline(s);
	const usize before = iobuf_done(m->data);
	mutex_guard(&u->reading);
	while (iobuf_remaining(m->data)) {
		struct unix_packet *p object_auto(unix_packet) = NULL;
		const usize got = iobuf_done(m->data) - before;
		const bool is_enough = got && !(m->flags & MESSAGE_WAIT_ALL);
		const err_t err = wait_packet(s, u, m->flags | (is_enough ? MESSAGE_DONT_WAIT : 0), deadline, &p);
		if (err || !p)
			return got ? (ssize_r)got : (ssize_r)err;
		if (m->flags & MESSAGE_PEEK)
			return peek_stream(u, p, m);
		if (got && (p->control || m->control))
			return (ssize_r)got;
		if (!take_bytes(u, p, m))
			return got ? (ssize_r)got : (ssize_r)-EFAULT;
	}
	return (ssize_r)(iobuf_done(m->data) - before);
}

// --- whole messages ---------------------------------------------------------------------------------

static void put_source(struct unix_packet *p, struct socket_message *m borrowed)
{
	if (!p->source) {
		m->address_length = 0;
		return;
	}
	m->address_length = p->source->length;
	(void)span_copy_some(m->address_out, bytes_first(array_bytes(p->source->bytes), p->source->length));
}

static ssize_r receive_whole(struct socket *s, struct unix_socket *const u, struct socket_message *m borrowed)
{
	struct unix_packet *p object_auto(unix_packet) = NULL;
	const u64 deadline = socket_receive_deadline(s);
	mutex_guard(&u->reading);
	const err_t err = wait_packet(s, u, m->flags, deadline, &p);
	if (err || !p)
		return (ssize_r)err;
	const usize room = iobuf_remaining(m->data), n = min(room, (usize)p->length);
	if (iobuf_put(m->data, bytes_first(packet_bytes(p), n)) != n)
		return -EFAULT;
	if (socket_has(s, SOCKET_TIMESTAMP))	// sent before anybody wanted to know: now, as on Linux
		m->timestamp_ns = p->sent_ns ? p->sent_ns : clock_realtime_ns();
	if (u->type == SOCKET_DATAGRAM)
		put_source(p, m);
	if (p->length > room)
		m->flags_out |= MESSAGE_TRUNCATED;
	if (u->type == SOCKET_SEQPACKET)
		m->flags_out |= MESSAGE_END_OF_RECORD;
	if (m->flags & MESSAGE_PEEK) {
		const err_t failed = p->control ? unix_flight_copy(p->control, &m->control) : OK;
		return failed ? (ssize_r)failed : (ssize_r)(m->flags & MESSAGE_TRUNCATED ? (usize)p->length : n);
	}
	if (p->control)
		m->control = socket_control_get(p->control);
	drop_first(u);
	if (p->control)
		unix_flight_end(p->control);
	return (ssize_r)(m->flags & MESSAGE_TRUNCATED ? (usize)p->length : n);
}

ssize_r unix_receive(struct socket *s, struct socket_message *m borrowed)
{
	struct unix_socket *u = unix_socket_of(s);
	if (m->flags & MESSAGE_OOB)
		return -EOPNOTSUPP;
	if (u->type != SOCKET_DATAGRAM && !is_connected(u))
		return u->type == SOCKET_STREAM ? -EINVAL : -ENOTCONN;
	return u->type == SOCKET_STREAM ? receive_stream(s, u, m) : receive_whole(s, u, m);
}
