// SPDX-License-Identifier: MPL-2.0
// A TCP socket from creation to its end, which may come long after its file is closed.
#include <core/random.h>
#include <services/net/tcp/tcp_internal.h>

#define TIME_WAIT_MAX 8192u		// net.ipv4.tcp_max_tw_buckets
#define SEGMENT_OVERHEAD 640u		// headers and bookkeeping, as Linux counts them

static exclusive_access void tcp_chunk_release(struct tcp_chunk *c)
{
	if (c->data)
		packet_data_put(take(c->data));
}
DEFINE_OBJECT(tcp_chunk, tcp_chunk_release)

struct tcp_chunk *tcp_chunk_create(struct packet_data *data, u32 start, u32 length)
{
	struct tcp_chunk *c object_auto(tcp_chunk) = tcp_chunk_alloc();

	if (!c)
		return NULL;
	c->data = packet_data_get(data);
	c->start = start;
	c->length = length;
	return take(c);
}

static struct atomic_u32 time_waits;

static void drop_packets(struct packet_list *list borrowed)
{
	while (!packet_list_is_empty(list)) {
		struct packet *p object_auto(packet) = packet_list_pop(list);
		(void)p;
	}
}

static void drop_chunks(struct tcp_chunk_list *list borrowed)
{
	while (!tcp_chunk_list_is_empty(list)) {
		struct tcp_chunk *c object_auto(tcp_chunk) = tcp_chunk_list_pop(list);
		(void)c;
	}
}

static exclusive_access void tcp_socket_release(struct tcp_socket *t)
{
	drop_packets(&t->receive.ready);
	drop_packets(&t->receive.early);
	drop_chunks(&t->send.chunks);
	if (t->spare)
		packet_data_put(take(t->spare));
	if (t->parent)
		tcp_socket_put(take(t->parent));
	if (t->options)
		inet_options_put(take(t->options));
	if (t->net)
		net_namespace_put(take(t->net));
}
DEFINE_OBJECT(tcp_socket, tcp_socket_release)

struct tcp_socket *tcp_of(struct socket *s)
{
	return tcp_socket_from_object(s->base.private_object);
}

static u32 scale_for(u32 space)
{
	u32 scale = 0;

	while (scale < 14 && space > 0xffffu << scale)
		scale++;
	return scale;
}

// Nobody else sees it yet.
static exclusive_access void socket_begin(struct tcp_socket *t)
{
	t->local.address = inet_any(t->family);
	t->remote.address = inet_any(t->family);
	t->state = TCP_CLOSED;
	t->send.initial = (u32)random_u64();
	t->send.unacked = t->send.initial;
	t->send.next = t->send.initial;
	t->send.maximum = t->send.initial;
	t->send.end = t->send.initial + 1;
	t->send.recover = t->send.initial;
	t->send.small_end = t->send.initial;
	t->send.mss = TCP_MSS_DEFAULT;
	t->send.peer_mss = TCP_MSS_DEFAULT;
	t->send.rto_ns = TCP_RTO_FIRST_NS;
	t->send.limit = TCP_SEND_DEFAULT;
	t->receive.limit = TCP_RECEIVE_DEFAULT;
	t->receive.capacity = TCP_RECEIVE_DEFAULT / 2;
	t->receive.scale = scale_for(TCP_RECEIVE_MAX);
	t->receive.mss_seen = TCP_MSS_DEFAULT;
	t->deadlines = (struct tcp_deadlines){ DEADLINE_NEVER, DEADLINE_NEVER, DEADLINE_NEVER, DEADLINE_NEVER,
		DEADLINE_NEVER };
}

struct tcp_socket *tcp_socket_create(struct net_namespace *net, struct inet_options *options, u32 family)
{
	struct tcp_socket *t object_auto(tcp_socket) = tcp_socket_alloc();

	if (!t)
		return NULL;
	t->net = net_namespace_get(net);
	t->options = inet_options_get(options);
	t->family = family;
	mutex_init(&t->writing, RANK_SOCKET);
	mutex_init(&t->reading, RANK_SOCKET);
	spin_init(&t->lock, RANK_NET_SOCKET);
	wait_queue_init(&t->readable);
	wait_queue_init(&t->writable);
	socket_begin(t);
	return take(t);
}

void tcp_wake(struct tcp_socket *t, u32 events)
{
	if (events & (POLL_IN | POLL_PRIORITY | POLL_READ_HANGUP | POLL_HANGUP | POLL_ERROR))
		wait_queue_wake_all(&t->readable, events);
	if (events & (POLL_OUT | POLL_HANGUP | POLL_ERROR))
		wait_queue_wake_all(&t->writable, events);
}

// Segments cut for the path and the peer.
void tcp_update_mss(struct tcp_socket *const t)
{
	const u32 asked = atomic_u32_load_relaxed(&t->settings.mss);
	u32 mss = min(t->send.peer_mss, t->mss_limit);

	if (asked)
		mss = min(mss, asked);
	if (t->receive.has_timestamps)
		mss -= 12;
	t->send.mss = mss;
}

static u32 power_of_two_up(u32 n)
{
	u32 p = 1;

	while (p < n)
		p *= 2;
	return p;
}

void tcp_set_buffers(struct tcp_socket *const t)
{
	const u32 flags = atomic_u32_load_relaxed(&t->settings.flags);
	const u32 segment = power_of_two_up(t->send.mss + SEGMENT_OVERHEAD) + 256;

	if (!(flags & SOCKET_SEND_LOCKED))
		t->send.limit = max(t->send.limit, min(20 * segment, TCP_SEND_MAX));
	t->receive.capacity = t->receive.limit / 2;
	if (!(flags & SOCKET_RECEIVE_LOCKED))
		t->receive.limit = TCP_RECEIVE_MAX;
	t->receive.edge = seq_max(t->receive.edge, t->receive.next);
}

void tcp_drop_queues(struct tcp_socket *const t)
{
	drop_packets(&t->receive.early);
	drop_chunks(&t->send.chunks);
	t->receive.early_bytes = 0;
	t->send.queued = 0;
}

void tcp_finish(struct tcp_socket *const t, u32 error)
{
	if (t->state == TCP_CLOSED)
		return;
	if (t->state == TCP_TIME_WAIT)
		atomic_u32_sub(&time_waits, 1);
	tcp_timer_forget(t);
	tcp_tables_remove(t, false);
	tcp_child_forget(t);
	t->state = TCP_CLOSED;
	t->shutdown = SHUTDOWN_BOTH;
	t->deadlines = (struct tcp_deadlines){ DEADLINE_NEVER, DEADLINE_NEVER, DEADLINE_NEVER, DEADLINE_NEVER,
		DEADLINE_NEVER };
	if (error)
		atomic_u32_store(&t->error, error);
	tcp_wake(t, POLL_IN | POLL_READ_NORMAL | POLL_READ_HANGUP | POLL_OUT | POLL_WRITE_NORMAL | POLL_HANGUP |
		(error ? POLL_ERROR : POLL_QUIET));
}

void tcp_enter_time_wait(struct tcp_socket *const t, u64 now_ns)
{
	tcp_drop_queues(t);
	t->deadlines = (struct tcp_deadlines){ DEADLINE_NEVER, DEADLINE_NEVER, DEADLINE_NEVER, DEADLINE_NEVER,
		now_ns + TCP_TIME_WAIT_NS };
	if (t->state == TCP_TIME_WAIT)
		return;
	t->state = TCP_TIME_WAIT;
	t->shutdown = SHUTDOWN_BOTH;
	if (atomic_u32_add(&time_waits, 1) >= TIME_WAIT_MAX) {
		tcp_finish(t, 0);
		return;
	}
	tcp_timer_arm(t);
	tcp_wake(t, POLL_IN | POLL_READ_NORMAL | POLL_READ_HANGUP | POLL_OUT | POLL_WRITE_NORMAL | POLL_HANGUP |
		POLL_QUIET);
}

err_t tcp_take_error(struct tcp_socket *t)
{
	return atomic_u32_load_relaxed(&t->error) ? (err_t)-(s32)atomic_u32_exchange(&t->error, 0) : OK;
}

// --- the end of the file --------------------------------------------------------------------------------------------

static void begin_close(struct tcp_socket *const t, struct tcp_burst *b borrowed, u64 now_ns) REQUIRES(t->lock)
{
	t->send.fin = 1;
	t->shutdown |= SHUTDOWN_SEND;
	t->send.more = 0;
	t->state = t->state == TCP_CLOSE_WAIT ? TCP_LAST_ACK : TCP_FIN_WAIT1;
	tcp_output(t, b, now_ns);
}

static void abort_connection(struct tcp_socket *const t, struct tcp_burst *b borrowed) REQUIRES(t->lock)
{
	ip_count(t->net, TCP_ESTABLISHED_RESETS);
	tcp_send_reset(t, b);
	tcp_drop_queues(t);
	tcp_finish(t, 0);
}

static void orphan(struct tcp_socket *const t, struct tcp_burst *b borrowed, bool is_abort) REQUIRES(t->lock)
{
	const u64 now_ns = clock_monotonic_ns();
	const bool has_unread = t->receive.queued;

	t->is_orphan = 1;
	atomic_u64_store(&t->inode, 0);
	drop_packets(&t->receive.ready);
	t->receive.queued = 0;
	switch (t->state) {
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT:
		if (has_unread || is_abort)
			ip_count(t->net, has_unread ? TCP_ABORTS_ON_CLOSE : TCP_ABORTS_ON_DATA);
		if (is_abort || has_unread)
			abort_connection(t, b);
		else
			begin_close(t, b, now_ns);
		return;
	case TCP_FIN_WAIT1:
	case TCP_CLOSING:
	case TCP_LAST_ACK:
		if (is_abort || has_unread)
			abort_connection(t, b);
		return;
	case TCP_FIN_WAIT2:
		t->deadlines.wait = now_ns + tcp_fin_timeout_ns(t);
		tcp_timer_arm(t);
		return;
	case TCP_TIME_WAIT: return;
	case TCP_SYN_RECEIVED: abort_connection(t, b); return;
	default:
		tcp_drop_queues(t);
		tcp_finish(t, 0);
		tcp_tables_remove(t, false);	// bound, but never connected
		return;
	}
}

static void close_one(struct tcp_socket *const t, bool is_abort)
{
	struct tcp_burst b = { };

	{
		spin_guard(&t->lock);
		orphan(t, &b, is_abort);
	}
	tcp_burst_send(t->net, &b);
}

static struct tcp_socket *unaccepted(struct tcp_socket *const t) owned;
static struct tcp_socket *unaccepted(struct tcp_socket *const t)
{
	spin_guard(&t->lock);
	return tcp_accept_list_pop(&t->listener.ready);
}

static bool is_sent(struct tcp_socket *const t)
{
	spin_guard(&t->lock);
	return t->state == TCP_CLOSED || t->state == TCP_FIN_WAIT2 || t->state == TCP_TIME_WAIT;
}

void tcp_close(struct socket *s)
{
	struct tcp_socket *const t = tcp_of(s);
	const bool lingers = socket_has(s, SOCKET_LINGER);
	const u32 seconds = atomic_u32_load(&s->linger_seconds);

	close_one(t, lingers && seconds == 0);
	for (;;) {	// no more come: it does not listen any longer
		struct tcp_socket *c object_auto(tcp_socket) = unaccepted(t);
		if (!c)
			break;
		close_one(c, true);
	}
	if (lingers && seconds && !is_sent(t)) {
		const u64 deadline = clock_monotonic_ns() + (u64)seconds * NS_PER_SECOND;
		const err_t err = wait_event(&t->writable, WAIT_INTERRUPTIBLE, deadline, is_sent(t));
		(void)err;	// close(2) does not tell
	}
}

err_t tcp_shutdown(struct socket *s, u32 how)
{
	struct tcp_socket *const t = tcp_of(s);
	struct tcp_burst b = { };

	{
		spin_guard(&t->lock);
		if (t->state == TCP_LISTEN) {
			if (!(how & SHUTDOWN_RECEIVE))
				return OK;
			tcp_finish(t, 0);
			t->shutdown = 0;
			t->user = TCP_USER_IDLE;
			return OK;
		}
		if (t->state == TCP_CLOSED || t->state == TCP_SYN_SENT)
			return -ENOTCONN;
		t->shutdown |= how;
		if (how & SHUTDOWN_SEND && (t->state == TCP_ESTABLISHED || t->state == TCP_CLOSE_WAIT))
			begin_close(t, &b, clock_monotonic_ns());
		tcp_wake(t, POLL_IN | POLL_READ_NORMAL | POLL_READ_HANGUP | POLL_OUT | POLL_WRITE_NORMAL | POLL_QUIET |
			(t->shutdown == SHUTDOWN_BOTH ? POLL_HANGUP : 0));
	}
	tcp_burst_send(t->net, &b);
	return OK;
}
