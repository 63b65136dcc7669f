// SPDX-License-Identifier: MPL-2.0
// Receiving. Who holds `reading` is the only one to take bytes off the queue, so data is copied to user memory outside
// the spinlock. An urgent byte is left out of the stream unless SO_OOBINLINE is set, and a read stops before it.
#include <services/net/tcp/tcp_internal.h>

static bool is_inline(const struct tcp_socket *t borrowed)
{
	return atomic_u32_load_relaxed(&t->settings.flags) & SOCKET_OOB_INLINE;
}

static bool hides_urgent(const struct tcp_socket *const t, u32 seq) REQUIRES(t->lock)
{
	return t->receive.urgent_state != URGENT_NONE && t->receive.urgent == seq && !is_inline(t);
}

u32 tcp_readable_bytes(const struct tcp_socket *const t)
{
	return t->receive.queued == 1 && hides_urgent(t, t->receive.copied) ? 0 : t->receive.queued;
}

static bool has_something(struct tcp_socket *const t)
{
	spin_guard(&t->lock);
	return tcp_readable_bytes(t) || t->shutdown & SHUTDOWN_RECEIVE || t->state == TCP_CLOSED ||
		atomic_u32_load(&t->error);
}

// Bytes to copy next.
struct stack_only tcp_piece {
	u32 offset, length;	// in the packet
	u32 skip;		// the byte there is urgent and left out
};

// The packet that has the byte `ahead` of the reader, with a reference; NULL: none.
static struct packet *find_piece(struct tcp_socket *const t, u32 ahead, bool has_some,
	struct tcp_piece *out borrowed) owned;
static struct packet *find_piece(struct tcp_socket *const t, u32 ahead, bool has_some, struct tcp_piece *out borrowed)
{
	u32 offset = ahead;

	spin_guard(&t->lock);
	const u32 seq = t->receive.copied + ahead;
	const bool has_urgent = t->receive.urgent_state != URGENT_NONE;
	list_for_each(packet_list, p, &t->receive.ready) {
		const u32 length = packet_length(p);
		if (offset >= length) {
			offset -= length;
			continue;
		}
		out->offset = offset;
		out->length = length - offset;
		if (has_urgent && t->receive.urgent == seq) {
			if (has_some)
				return NULL;
			out->skip = hides_urgent(t, seq);
		} else if (has_urgent && t->receive.urgent - seq < out->length) {
			out->length = t->receive.urgent - seq;
		}
		return packet_get(p);
	}
	return NULL;
}

// n bytes are read.
static void advance(struct tcp_socket *const t, u32 n)
{
	struct packet *done object_auto(packet) = NULL;

	spin_guard(&t->lock);
	struct packet *p = packet_list_first(&t->receive.ready);
	if (!p || packet_length(p) < n)
		return;		// the queue was dropped meanwhile
	packet_pull(p, n);
	t->receive.queued -= n;
	t->receive.copied += n;
	if (t->receive.urgent_state != URGENT_NONE && seq_after(t->receive.copied, t->receive.urgent))
		t->receive.urgent_state = URGENT_NONE;
	if (packet_length(p) == 0)
		done = packet_list_pop(&t->receive.ready);
}

// The window may have opened, or an acknowledgment may be due now that the data is read.
static void after_reading(struct tcp_socket *const t)
{
	struct tcp_burst b = { };

	{
		spin_guard(&t->lock);
		if (t->state == TCP_CLOSED || t->state == TCP_LISTEN || t->state == TCP_TIME_WAIT)
			return;
		const u32 told = seq_after(t->receive.edge, t->receive.next) ? t->receive.edge - t->receive.next : 0;
		const u32 window = tcp_receive_window(t), waiting = t->receive.unacknowledged;
		const bool is_late = waiting > t->receive.mss_seen ||
			(waiting && !t->receive.queued && !t->receive.is_interactive);
		if (!is_late && (window < 2 * told || window == told))
			return;
		tcp_send_ack(t, &b);
	}
	tcp_burst_send(t->net, &b);
}

static err_t state_reason(struct tcp_socket *const t, bool *is_end borrowed)
{
	spin_guard(&t->lock);
	if (tcp_readable_bytes(t))
		return OK;
	if (t->state == TCP_CLOSED && !t->was_connected && !(t->shutdown & SHUTDOWN_RECEIVE &&
		t->user == TCP_USER_CONNECTED))
		return -ENOTCONN;
	if (t->state == TCP_LISTEN)
		return -ENOTCONN;
	if (t->shutdown & SHUTDOWN_RECEIVE || t->state == TCP_CLOSED) {
		*is_end = true;
		return OK;
	}
	return -EAGAIN;
}

// Why there is nothing: OK at the end of data, -EAGAIN when waiting would help. A reset may come between the look for
// an error and that at the state: then it is the end with an error.
static err_t empty_reason(struct tcp_socket *const t, bool *is_end borrowed)
{
	err_t err = tcp_take_error(t);

	if (err)
		return err;
	const err_t why = state_reason(t, is_end);
	if (why == (err_t)-EAGAIN || (!why && !*is_end))
		return why;
	err = tcp_take_error(t);
	if (!err)
		return why;
	*is_end = false;
	return err;
}

static err_t wait_data(struct socket *s, struct tcp_socket *const t, u32 flags, u64 deadline, bool *is_end borrowed)
	REQUIRES(t->reading)
{
	const err_t why = empty_reason(t, is_end);

	if (why != (err_t)-EAGAIN)
		return why;
	if (!socket_may_wait(s, flags))
		return -EAGAIN;
	const err_t err = wait_event_mutex(&t->readable, &t->reading, WAIT_INTERRUPTIBLE, deadline, has_something(t));
	return err ? socket_wait_error(err, deadline) : OK;
}

static ssize_r receive_urgent(struct tcp_socket *const t, struct socket_message *m borrowed)
{
	u8 byte[1];

	{
		spin_guard(&t->lock);
		if (is_inline(t) || t->receive.urgent_state == URGENT_NONE || t->receive.urgent_state == URGENT_READ)
			return -EINVAL;
		if (t->receive.urgent_state == URGENT_COMING)
			return -EAGAIN;
		byte[0] = (u8)t->receive.urgent_byte;
		if (!(m->flags & MESSAGE_PEEK))
			t->receive.urgent_state = URGENT_READ;
	}
	m->flags_out |= MESSAGE_OOB;
	if (!iobuf_remaining(m->data)) {
		m->flags_out |= MESSAGE_TRUNCATED;
		return 0;
	}
	return iobuf_put(m->data, array_bytes(byte)) == 1 ? 1 : -EFAULT;
}

// One piece: bytes taken, 0 when there is none, -EFAULT. *skipped counts urgent bytes left out.
static ssize_r receive_piece(struct tcp_socket *const t, struct socket_message *m borrowed, u32 wanted, u32 ahead,
	bool has_some, u32 *skipped borrowed) REQUIRES(t->reading)
{
	struct tcp_piece piece = { };
	struct packet *p object_auto(packet) = find_piece(t, ahead, has_some, &piece);

	if (!p)
		return 0;
	const bool peeks = m->flags & MESSAGE_PEEK;
	if (piece.skip) {
		(*skipped)++;
		if (!peeks)
			advance(t, 1);
		return 0;
	}
	const u32 n = min(wanted, piece.length);
	u32 got = n;
	if (!(m->flags & MESSAGE_TRUNCATED))
		got = packet_read_to(p, piece.offset, n, m->data);
	if (!got)
		return -EFAULT;
	packet_put(take(p));
	if (!peeks)
		advance(t, got);
	return (ssize_r)got;
}

ssize_r tcp_receive(struct socket *s, struct socket_message *m borrowed)
{
	struct tcp_socket *const t = tcp_of(s);
	const u64 deadline = socket_receive_deadline(s);
	const u32 wanted = (u32)iobuf_remaining(m->data);
	u32 got = 0, ahead = 0;
	bool is_end = false;
	err_t err = OK;

	if (m->flags & MESSAGE_ERROR_QUEUE)
		return -EAGAIN;
	if (m->flags & MESSAGE_OOB)
		return receive_urgent(t, m);
	mutex_guard(&t->reading);
	while (got < wanted && !is_end) {
		u32 skipped = 0;
		const ssize_r n = receive_piece(t, m, wanted - got, ahead, got, &skipped);
		if (n < 0) {
			err = (err_t)n;
			break;
		}
		got += (u32)n;
		if (m->flags & MESSAGE_PEEK)
			ahead += (u32)n + skipped;
		if (n || skipped)
			continue;
		if (got && !(m->flags & MESSAGE_WAIT_ALL && !(m->flags & MESSAGE_PEEK)))
			break;
		err = wait_data(s, t, m->flags, deadline, &is_end);
		if (err)
			break;
	}
	if (got && !(m->flags & MESSAGE_PEEK))
		after_reading(t);
	m->address_length = 0;
	return got ? (ssize_r)got : (ssize_r)err;
}
