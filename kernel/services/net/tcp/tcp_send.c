// SPDX-License-Identifier: MPL-2.0
// Sending: bytes go from user memory straight into the data that segments share. Data has room for what comes later:
// small writes fill one page after another instead of taking one each.
#include <services/net/tcp/tcp_internal.h>

static bool takes_bytes(const struct tcp_socket *const t) REQUIRES(t->lock)
{
	return (t->state == TCP_ESTABLISHED || t->state == TCP_CLOSE_WAIT) && !(t->shutdown & SHUTDOWN_SEND);
}

static bool may_go_on(struct tcp_socket *const t)
{
	spin_guard(&t->lock);
	if (t->state == TCP_SYN_SENT || t->state == TCP_SYN_RECEIVED)
		return false;
	return !takes_bytes(t) || t->send.queued < t->send.limit;
}

static err_t send_state_now(struct tcp_socket *const t, u32 *room borrowed)
{
	spin_guard(&t->lock);
	if ((t->state == TCP_SYN_SENT || t->state == TCP_SYN_RECEIVED) && !(t->shutdown & SHUTDOWN_SEND))
		return -EAGAIN;
	if (!takes_bytes(t))
		return -EPIPE;
	*room = t->send.queued < t->send.limit ? t->send.limit - t->send.queued : 0;
	return *room ? OK : -EAGAIN;
}

// What forbids sending now: OK, -EPIPE, the pending error; -EAGAIN when waiting would help. The error is looked for
// last where the state says no: who changes the state has left it by then.
static err_t send_state(struct tcp_socket *const t, u32 *room borrowed)
{
	if (atomic_u32_load_relaxed(&t->error))
		return tcp_take_error(t);
	const err_t state = send_state_now(t, room);
	const err_t err = state == (err_t)-EPIPE ? tcp_take_error(t) : OK;
	return err ? err : state;
}

static err_t wait_for_room(struct socket *s, struct tcp_socket *const t, u32 flags, u64 deadline, u32 *room borrowed)
	REQUIRES(t->writing)
{
	for (;;) {
		err_t err = send_state(t, room);
		if (err != (err_t)-EAGAIN)
			return err;
		if (!socket_may_wait(s, flags))
			return -EAGAIN;
		err = wait_event_mutex(&t->writable, &t->writing, WAIT_INTERRUPTIBLE, deadline, may_go_on(t));
		if (err)
			return socket_wait_error(err, deadline);
	}
}

static u32 spare_room(struct tcp_socket *const t) REQUIRES(t->writing)
{
	return t->spare ? t->spare->room - t->spare_used : 0;
}

static err_t spare_renew(struct tcp_socket *const t, u32 length) REQUIRES(t->writing)
{
	if (t->spare)
		packet_data_put(take(t->spare));
	t->spare_used = 0;
	t->spare = packet_data_create(length);
	return t->spare ? OK : -ENOMEM;
}

// Bytes [at, at + length) of data join the queue.
static err_t enqueue(struct tcp_socket *const t, struct packet_data *data, u32 at, u32 length) REQUIRES(t->lock)
{
	struct tcp_chunk *last = tcp_chunk_list_last(&t->send.chunks);

	if (last && last->data == data && last->start + last->length == at) {
		last->length += length;
	} else {
		struct tcp_chunk *c object_auto(tcp_chunk) = tcp_chunk_create(data, at, length);
		if (!c)
			return -ENOMEM;
		tcp_chunk_list_append(&t->send.chunks, take(c));
	}
	t->send.queued += length;
	t->send.end += length;
	return OK;
}

static err_t commit(struct tcp_socket *const t, struct packet_data *data, u32 at, u32 length, u32 flags,
	struct tcp_burst *b borrowed)
{
	const u64 now_ns = clock_monotonic_ns();

	spin_guard(&t->lock);
	if (!takes_bytes(t))
		return -EPIPE;
	const err_t err = enqueue(t, data, at, length);
	if (err)
		return err;
	if (t->receive.unacknowledged || t->receive.last_ns > t->send.last_ns)
		t->receive.is_interactive = 1;
	t->send.more = flags & MESSAGE_MORE ? 1 : 0;
	if (flags & MESSAGE_OOB) {
		t->send.has_urgent = 1;
		t->send.urgent = t->send.end;
	}
	tcp_output(t, b, now_ns);
	return OK;
}

// As much as fits in one piece: OK with at least one byte gone from m.
static err_t send_piece(struct tcp_socket *const t, struct socket_message *m borrowed, u32 room) REQUIRES(t->writing)
{
	const u32 wanted = (u32)min((usize)room, iobuf_remaining(m->data));
	struct tcp_burst b = { };
	u32 flags = m->flags;

	// A large write has pages of its own, whole ones.
	if (spare_room(t) < min(wanted, (u32)PAGE_SIZE / 8)) {
		const err_t err = spare_renew(t, min(wanted, PACKET_DATA_MAX));
		if (err)
			return err;
	}
	const u32 length = min(wanted, spare_room(t)), at = t->spare_used;
	const u32 got = packet_data_fill(t->spare, at, m->data, length);
	if (!got)
		return -EFAULT;
	if (iobuf_remaining(m->data))
		flags &= ~MESSAGE_OOB;	// the last byte is the urgent one
	t->spare_used += got;
	const err_t err = commit(t, t->spare, at, got, flags, &b);
	if (err)
		iobuf_revert(m->data, got);
	tcp_burst_send(t->net, &b);
	return err;
}

ssize_r tcp_send(struct socket *s, struct socket_message *m borrowed)
{
	struct tcp_socket *const t = tcp_of(s);
	const u64 deadline = socket_send_deadline(s);
	const usize before = iobuf_done(m->data);
	err_t err = OK;
	u32 room = 0;

	mutex_guard(&t->writing);
	do {
		err = wait_for_room(s, t, m->flags, deadline, &room);
		if (!err && iobuf_remaining(m->data))
			err = send_piece(t, m, room);
	} while (!err && iobuf_remaining(m->data));
	const usize sent = iobuf_done(m->data) - before;
	return sent ? (ssize_r)sent : (ssize_r)err;
}
