// SPDX-License-Identifier: MPL-2.0
// What is sent when: as much as both windows take, in full segments, and what remains when Nagle's rule (in Minshall's
// form), TCP_NODELAY or a FIN says so. A connection remembers bytes and sequence numbers, not segments: the same bytes
// may be cut differently when they are sent again.
#include <services/net/tcp/tcp_internal.h>

#define PERSIST_FIRST_NS (200 * NS_PER_MS)

void tcp_burst_begin(struct tcp_socket *const t, struct tcp_burst *b borrowed)
{
	b->flow = (struct ip_flow){ .source = t->local.address, .destination = t->remote.address,
		.protocol = PROTOCOL_TCP, .interface = t->remote.interface };
	inet_flow_options(t->options, &b->flow);
	// A connection that began before the path was known goes on until a router tells it, too.
	b->flow.flags |= IP_DONT_FRAGMENT | IP_IGNORE_PATH;
}

void tcp_burst_send(struct net_namespace *net, struct tcp_burst *b borrowed)
{
	while (!packet_list_is_empty(&b->packets)) {
		struct packet *p object_auto(packet) = packet_list_pop(&b->packets);
		ip_count(net, TCP_OUT_SEGMENTS);
		const err_t err = ip_output(net, &b->flow, take(p));
		(void)err;	// lost, as any packet may be; retransmission finds out
	}
}

// The window to be told: never less than was told before.
u32 tcp_receive_window(const struct tcp_socket *const t)
{
	const u32 told = seq_after(t->receive.edge, t->receive.next) ? t->receive.edge - t->receive.next : 0;
	const u32 used = t->receive.queued;
	u32 room = t->receive.capacity > used ? t->receive.capacity - used : 0;

	if (room < min(t->receive.mss_seen, t->receive.capacity / 2))
		room = 0;	// no silly little windows
	return max(told, min(room, 0xffffu << t->receive.scale));
}

// Fills in what every segment of the connection has.
static void segment_begin(struct tcp_socket *const t, struct tcp_segment *g borrowed, u32 flags) REQUIRES(t->lock)
{
	const u32 window = tcp_receive_window(t), scale = flags & TCP_SYN ? 0 : t->receive.scale;
	const u32 field = min(window >> scale, 0xffffu);

	g->flags = flags;
	g->source_port = t->local.port;
	g->destination_port = t->remote.port;
	g->window = field;
	g->now_ns = clock_monotonic_ns();
	if (flags & TCP_ACK) {
		g->ack = t->receive.next;
		t->receive.edge = seq_max(t->receive.edge, t->receive.next + (field << scale));
		t->receive.unacknowledged = 0;
		t->deadlines.delayed_ack = DEADLINE_NEVER;
		if (t->receive.quick)
			t->receive.quick--;
	}
	if (t->receive.has_timestamps && !(flags & TCP_RST)) {
		g->has_timestamp = 1;
		g->timestamp = tcp_clock(g->now_ns);
		g->echo = t->receive.timestamp;
	}
	if (t->send.has_urgent && seq_after(t->send.urgent, t->send.unacked) && !(flags & (TCP_SYN | TCP_RST))) {
		g->flags |= TCP_URG;
	}
}

static void emit(struct tcp_socket *const t, struct tcp_burst *b borrowed, struct tcp_segment *g borrowed,
	struct packet *packet consumes) REQUIRES(t->lock)
{
	struct packet *p object_auto(packet) = packet;

	if (g->flags & TCP_URG) {
		const u32 ahead = t->send.urgent - g->seq;
		if (ahead && ahead <= 0xffff)
			g->urgent = ahead;
		else
			g->flags &= ~(u32)TCP_URG;
	}
	if (packet_list_is_empty(&b->packets))
		tcp_burst_begin(t, b);
	tcp_put_header(p, &b->flow, g);
	t->send.segments_out++;
	packet_list_append(&b->packets, take(p));
}

static void send_control(struct tcp_socket *const t, struct tcp_burst *b borrowed, u32 flags, u32 seq) REQUIRES(t->lock)
{
	struct packet *p object_auto(packet) = packet_create(PACKET_HEADROOM);
	struct tcp_segment g = { .seq = seq };

	if (!p)
		return;
	segment_begin(t, &g, flags);
	if (flags == TCP_ACK)
		tcp_sack_tell(t, &g);
	t->receive.ack_now = 0;
	emit(t, b, &g, take(p));
}

// One past the last byte that the peer takes.
static u32 window_end(const struct tcp_socket *const t) REQUIRES(t->lock)
{
	return t->send.unacked + t->send.window;
}

// The number of a segment without data: behind all that was sent, but not where a peer that took back its window would
// drop the segment and what it acknowledges. What the scale rounded off does not count.
static u32 control_number(const struct tcp_socket *const t) REQUIRES(t->lock)
{
	const u32 top = seq_max(t->send.next, t->send.maximum), end = window_end(t);

	if (t->state == TCP_SYN_SENT || t->state == TCP_SYN_RECEIVED || !seq_after(top, end) ||
		(t->send.scale && top - end < 1u << t->send.scale))
		return top;
	return end;
}

void tcp_send_ack(struct tcp_socket *const t, struct tcp_burst *b borrowed)
{
	send_control(t, b, TCP_ACK, control_number(t));
}

// A sequence number that was acknowledged already makes the peer answer.
void tcp_send_probe(struct tcp_socket *const t, struct tcp_burst *b borrowed)
{
	send_control(t, b, TCP_ACK, t->send.unacked - 1);
}

void tcp_send_reset(struct tcp_socket *const t, struct tcp_burst *b borrowed)
{
	ip_count(t->net, TCP_OUT_RESETS);
	send_control(t, b, TCP_RST | TCP_ACK, control_number(t));
}

void tcp_send_syn(struct tcp_socket *const t, struct tcp_burst *b borrowed, u64 now_ns)
{
	struct packet *p object_auto(packet) = packet_create(PACKET_HEADROOM);
	const bool is_answer = t->state == TCP_SYN_RECEIVED;
	struct tcp_segment g = { .seq = t->send.initial };
	const u32 asked = atomic_u32_load_relaxed(&t->settings.mss);

	t->send.next = t->send.initial + 1;
	t->send.maximum = seq_max(t->send.maximum, t->send.next);
	t->deadlines.retransmit = now_ns + t->send.rto_ns;
	if (!p)
		return;
	segment_begin(t, &g, is_answer ? TCP_SYN | TCP_ACK : TCP_SYN);
	g.mss = asked ? min(asked, t->mss_limit) : t->mss_limit;
	g.mss = min(g.mss, 65535u);
	g.scale = t->receive.scale;
	g.has_scale = !is_answer || t->send.scale != U32_MAX;
	if (!is_answer && atomic_u32_load_relaxed(&tcp_common(t)->tcp_timestamps)) {
		g.has_timestamp = 1;
		g.timestamp = tcp_clock(now_ns);
	}
	g.permits_sack = is_answer ? t->send.has_sack : atomic_u32_load_relaxed(&tcp_common(t)->tcp_sack) != 0;
	emit(t, b, &g, take(p));
}

// --- data -----------------------------------------------------------------------------------------------------------

// The part of the queue from sequence number seq on, at most `length` bytes of one chunk: 0 at the end.
static u32 slice_at(struct tcp_socket *const t, u32 seq, u32 length, struct packet *p borrowed) REQUIRES(t->lock)
{
	u32 offset = seq - t->send.unacked;

	list_for_each(tcp_chunk_list, c, &t->send.chunks) {
		if (offset < c->length) {
			const u32 n = min(length, c->length - offset);
			packet_attach(p, c->data, c->start + offset, n);
			return n;
		}
		offset -= c->length;
	}
	return 0;
}

// The FIN has a number too, and goes like a byte: into the window, unless it was there before.
static bool fin_may_go(struct tcp_socket *const t) REQUIRES(t->lock)
{
	return t->send.fin && (seq_before(t->send.end, window_end(t)) || seq_after(t->send.maximum, t->send.end));
}

static bool fin_waits(struct tcp_socket *const t) REQUIRES(t->lock)
{
	return t->send.fin && t->send.next == t->send.end;
}

// One segment of at most `length` bytes from seq on, with the FIN if it ends there. Bytes sent, the FIN counted.
static u32 send_data(struct tcp_socket *const t, struct tcp_burst *b borrowed, u32 seq, u32 length) REQUIRES(t->lock)
{
	struct packet *p object_auto(packet) = packet_create(PACKET_HEADROOM);
	struct tcp_segment g = { .seq = seq };
	u32 n = 0;

	if (!p)
		return 0;
	if (length)
		n = slice_at(t, seq, length, p);
	const bool ends = seq + n == t->send.end;
	const bool is_fin = ends && fin_may_go(t);
	if (!n && !is_fin)
		return 0;
	segment_begin(t, &g, TCP_ACK | (ends && n ? TCP_PSH : 0u) | (is_fin ? TCP_FIN : 0u));
	// Blocks of a hole behind what is acknowledged here go in a segment of their own.
	if (packet_list_is_empty(&t->receive.early))
		t->receive.ack_now = 0;
	if (n && n < t->send.mss)
		t->send.small_end = seq + n;
	t->send.bytes_sent += n;
	t->send.last_ns = g.now_ns;
	emit(t, b, &g, take(p));
	return n + (is_fin ? 1 : 0);
}

static u32 chunk_rest(struct tcp_socket *const t, u32 seq) REQUIRES(t->lock)
{
	u32 offset = seq - t->send.unacked;

	list_for_each(tcp_chunk_list, c, &t->send.chunks) {
		if (offset < c->length)
			return c->length - offset;
		offset -= c->length;
	}
	return 0;
}

// May a segment that is not full go now?
static bool small_may_go(struct tcp_socket *const t, u32 unsent) REQUIRES(t->lock)
{
	if (t->send.fin || t->send.has_urgent)
		return true;
	if (atomic_u32_load_relaxed(&t->settings.cork) || t->send.more)
		return false;
	if (atomic_u32_load_relaxed(&t->settings.no_delay))
		return true;
	(void)unsent;
	return tcp_in_flight(&t->send) == 0 || !seq_after(t->send.small_end, t->send.unacked);
}

// How many bytes may go in the next segment; 0: none.
static u32 sendable(struct tcp_socket *const t, u32 unsent, bool *is_blocked borrowed) REQUIRES(t->lock)
{
	const u32 flight = tcp_in_flight(&t->send), sent = t->send.next - t->send.unacked;
	const u32 room = t->send.window > sent ? t->send.window - sent : 0;
	const u32 usable = min(room, t->send.cwnd > flight ? t->send.cwnd - flight : 0);
	u32 n = min(unsent, t->send.mss);

	*is_blocked = room == 0;
	if (n > usable) {
		// Part of a segment, only when the window will never be larger.
		if (usable == 0 || (flight && usable < t->send.mss && usable < t->send.window_max / 2))
			return 0;
		n = usable;
	}
	if (n < t->send.mss && n == unsent && !small_may_go(t, unsent))
		return 0;
	// A chunk's end cuts a segment, as does what the peer has already; then it is as good as full.
	return min(min(n, chunk_rest(t, t->send.next)), tcp_sack_hole(&t->send, t->send.next));
}

static void arm_retransmit(struct tcp_socket *const t, u64 now_ns) REQUIRES(t->lock)
{
	if (t->deadlines.retransmit == DEADLINE_NEVER && t->send.next != t->send.unacked)
		t->deadlines.retransmit = now_ns + t->send.rto_ns;
}

static void count_repeat(struct tcp_socket *const t, u32 n) REQUIRES(t->lock)
{
	t->send.total_retransmits++;
	t->send.bytes_retransmitted += n;
	ip_count(t->net, TCP_RETRANSMITTED);
	ip_count(t->net, t->send.in_recovery ? TCP_FAST_RETRANSMITS : TCP_SLOW_RETRANSMITS);
}

// While a loss is repaired nothing is timed: what is sent behind a hole is acknowledged when the hole is filled, and a
// time-out that grew by its own length each time would never come down again.
static void note_sent(struct tcp_socket *const t, u32 n, u64 now_ns) REQUIRES(t->lock)
{
	const bool is_repairing = seq_before(t->send.unacked, t->send.recover);

	if (!t->send.is_timed && !is_repairing && !seq_before(t->send.next, t->send.maximum)) {
		t->send.is_timed = 1;
		t->send.timed_seq = t->send.next;
		t->send.timed_at_ns = now_ns;
	}
	if (n && seq_before(t->send.next, t->send.maximum))
		count_repeat(t, n);
	t->send.next += n;
	t->send.maximum = seq_max(t->send.maximum, t->send.next);
}

// Something waits although nothing is on its way: either for the window, or because it is corked; then it goes after a
// while all the same.
static void arm_probe(struct tcp_socket *const t, bool is_blocked, u64 now_ns) REQUIRES(t->lock)
{
	const bool waits = seq_before(t->send.next, t->send.end) || fin_waits(t);
	const bool is_idle = t->send.next == t->send.unacked;

	if (!waits || !is_idle || !is_blocked) {
		t->send.probes = 0;
		t->send.probe_backoff = 0;
		t->send.probed_ns = 0;
	}
	if (!waits || !is_idle)
		t->deadlines.probe = DEADLINE_NEVER;
	else if (t->deadlines.probe == DEADLINE_NEVER)
		t->deadlines.probe = now_ns + (is_blocked ? max(t->send.rto_ns, PERSIST_FIRST_NS) : PERSIST_FIRST_NS);
}

void tcp_output(struct tcp_socket *const t, struct tcp_burst *b borrowed, u64 now_ns)
{
	bool is_blocked = false;

	while (seq_before(t->send.next, t->send.end)) {
		t->send.next = tcp_sack_skip(&t->send, t->send.next);
		const u32 n = sendable(t, t->send.end - t->send.next, &is_blocked);
		const u32 sent = n ? send_data(t, b, t->send.next, n) : 0;
		if (!sent)
			break;
		note_sent(t, sent, now_ns);
	}
	if (fin_waits(t)) {
		const u32 sent = send_data(t, b, t->send.next, 0);
		note_sent(t, sent, now_ns);
		is_blocked = !sent;
	}
	arm_retransmit(t, now_ns);
	arm_probe(t, is_blocked, now_ns);
	tcp_timer_arm(t);
}

u32 tcp_retransmit(struct tcp_socket *const t, struct tcp_burst *b borrowed, u32 seq, u32 length, u64 now_ns)
{
	const u32 sent = send_data(t, b, seq, min(min(length, t->send.mss), t->send.end - seq));

	t->send.is_timed = 0;	// Karn: an acknowledgment could be for either
	if (!t->send.first_retransmit_ns)
		t->send.first_retransmit_ns = now_ns;
	if (!sent)
		return 0;
	count_repeat(t, sent);
	t->send.next = seq_max(t->send.next, seq + sent);
	t->send.maximum = seq_max(t->send.maximum, t->send.next);
	return sent;
}

void tcp_retransmit_first(struct tcp_socket *const t, struct tcp_burst *b borrowed, u64 now_ns)
{
	const u32 known = min(t->send.maximum - t->send.unacked, tcp_sack_hole(&t->send, t->send.unacked));
	const u32 sent = tcp_retransmit(t, b, t->send.unacked, known, now_ns);

	t->send.board.repaired = seq_max(t->send.board.repaired, t->send.unacked + sent);
}
