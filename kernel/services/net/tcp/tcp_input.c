// SPDX-License-Identifier: MPL-2.0
// Segments in: to their connection or listener, and through the states of RFC 9293, 3.10.7.
#include <services/net/tcp/tcp_internal.h>

static bool has_fallen_back(const struct tcp_socket *const t, const struct tcp_segment *g borrowed) REQUIRES(t->lock)
{
	return t->receive.has_timestamps && g->has_timestamp && seq_before(g->timestamp, t->receive.timestamp) &&
		g->now_ns - t->receive.timestamp_at_ns < 24ul * 24 * 3600 * NS_PER_SECOND;
}

// Is any part of the segment within the window?
static bool is_acceptable(const struct tcp_socket *const t, const struct tcp_segment *g borrowed) REQUIRES(t->lock)
{
	const u32 extra = (g->flags & TCP_SYN ? 1u : 0u) + (g->flags & TCP_FIN ? 1u : 0u);
	const u32 end = g->seq + g->length + extra;

	return !seq_before(end, t->receive.next) && !seq_after(g->seq, seq_max(t->receive.edge, t->receive.next));
}

static void note_timestamp(struct tcp_socket *const t, const struct tcp_segment *g borrowed) REQUIRES(t->lock)
{
	// The one that is echoed: of the segment that the next acknowledgment begins with (RFC 7323, 4.3).
	if (!g->has_timestamp || seq_after(g->seq, t->receive.next) || seq_before(g->timestamp, t->receive.timestamp))
		return;
	t->receive.timestamp = g->timestamp;
	t->receive.timestamp_at_ns = g->now_ns;
}

static void was_reset(struct tcp_socket *const t) REQUIRES(t->lock)
{
	u32 error = ECONNRESET;

	if (t->state == TCP_SYN_SENT)
		error = ECONNREFUSED;
	else if (t->state == TCP_CLOSE_WAIT)
		error = EPIPE;
	if (t->state == TCP_SYN_SENT || t->state == TCP_SYN_RECEIVED)
		ip_count(t->net, TCP_ATTEMPT_FAILS);
	else
		ip_count(t->net, TCP_ESTABLISHED_RESETS);
	tcp_drop_queues(t);
	tcp_finish(t, t->state == TCP_TIME_WAIT ? 0 : error);
}

void tcp_take_options(struct tcp_socket *const t, const struct tcp_segment *g borrowed)
{
	t->send.peer_mss = g->mss ? max(g->mss, TCP_MSS_MIN) : TCP_MSS_DEFAULT;
	if (g->has_scale) {
		t->send.scale = g->scale;
	} else {
		t->send.scale = U32_MAX;
		t->receive.scale = 0;
	}
	t->receive.has_timestamps = g->has_timestamp && atomic_u32_load_relaxed(&tcp_common(t)->tcp_timestamps);
	t->send.has_sack = g->permits_sack && atomic_u32_load_relaxed(&tcp_common(t)->tcp_sack);
	t->receive.timestamp = g->timestamp;
	t->receive.timestamp_at_ns = g->now_ns;
	t->receive.initial = g->seq;
	t->receive.next = g->seq + 1;
	t->receive.copied = t->receive.next;
	t->receive.edge = t->receive.next;
}

void tcp_established(struct tcp_socket *const t, const struct tcp_segment *g borrowed)
{
	t->state = TCP_ESTABLISHED;
	t->was_connected = 1;
	t->send.scale = t->send.scale == U32_MAX ? 0 : t->send.scale;
	t->send.window = g->window << (g->flags & TCP_SYN ? 0 : t->send.scale);
	t->send.window_max = t->send.window;
	t->send.window_seq = g->seq;
	t->send.window_ack = g->ack;
	t->send.retransmits = 0;
	t->send.first_retransmit_ns = 0;
	t->deadlines.retransmit = DEADLINE_NEVER;
	t->receive.quick = 16;
	t->receive.last_ns = g->now_ns;
	t->receive.mss_seen = min(t->send.mss, TCP_MSS_DEFAULT);
	tcp_update_mss(t);
	tcp_cwnd_begin(t);
	tcp_set_buffers(t);
	if (atomic_u32_load_relaxed(&t->settings.flags) & SOCKET_KEEP_ALIVE)
		t->deadlines.keep_alive = g->now_ns + tcp_keep_idle_ns(t);
}

// An acknowledgment of what was never sent, before there is a connection.
static void refuse(struct tcp_socket *const t, const struct tcp_segment *g borrowed, struct tcp_burst *b borrowed)
	REQUIRES(t->lock)
{
	if (packet_list_is_empty(&b->packets))
		tcp_burst_begin(t, b);
	struct packet *p object_auto(packet) = tcp_refusal(t->net, &b->flow, g);
	if (p)
		packet_list_append(&b->packets, take(p));
}

// 3.10.7.3: an answer to our SYN, or the peer's own (simultaneous open).
static void input_syn_sent(struct tcp_socket *const t, const struct tcp_segment *g borrowed,
	struct tcp_burst *b borrowed)
	REQUIRES(t->lock)
{
	if (g->flags & TCP_ACK && g->ack != t->send.next) {
		refuse(t, g, b);
		return;
	}
	if (g->flags & TCP_RST) {
		if (g->flags & TCP_ACK)
			was_reset(t);
		return;
	}
	if (!(g->flags & TCP_SYN))
		return;
	tcp_take_options(t, g);
	if (!(g->flags & TCP_ACK)) {
		t->state = TCP_SYN_RECEIVED;
		tcp_send_syn(t, b, g->now_ns);
		return;
	}
	if (t->send.is_timed) {
		t->send.is_timed = 0;
		t->send.srtt_ns = g->now_ns - t->send.timed_at_ns;
		t->send.rttvar_ns = t->send.srtt_ns / 2;
		t->send.rto_ns = max(t->send.srtt_ns * 3, TCP_RTO_MIN_NS);
	}
	t->send.unacked = g->ack;
	tcp_established(t, g);
	tcp_send_ack(t, b);
	tcp_wake(t, POLL_OUT | POLL_WRITE_NORMAL | POLL_WRITE_BAND);
}

static bool finish_handshake(struct tcp_socket *const t, const struct tcp_segment *g borrowed,
	struct tcp_burst *b borrowed)
	REQUIRES(t->lock)
{
	if (seq_before(g->ack, t->send.unacked + 1) || seq_after(g->ack, t->send.maximum)) {
		refuse(t, g, b);
		return false;
	}
	// The listener may want to see data first; then the answer to its SYN is sent again until some comes.
	if (t->parent && atomic_u32_load_relaxed(&t->settings.defer_accept) && !g->length && !(g->flags & TCP_FIN) &&
		t->send.retransmits < atomic_u32_load_relaxed(&t->settings.defer_accept))
		return false;
	const u32 retransmits = t->send.retransmits;

	t->send.unacked = t->send.initial + 1;
	tcp_established(t, g);
	if (!t->parent) {
		tcp_wake(t, POLL_OUT | POLL_WRITE_NORMAL | POLL_WRITE_BAND);
		return true;
	}
	if (tcp_child_ready(t))
		return true;
	t->state = TCP_SYN_RECEIVED;	// no room: as if the segment had been lost
	t->was_connected = 0;
	t->send.unacked = t->send.initial;
	t->send.retransmits = retransmits;
	t->deadlines.retransmit = g->now_ns + t->send.rto_ns;
	return false;
}

static void take_fin(struct tcp_socket *const t, const struct tcp_segment *g borrowed) REQUIRES(t->lock)
{
	t->receive.next++;
	t->receive.fin_seen = 1;
	t->receive.ack_now = 1;
	t->shutdown |= SHUTDOWN_RECEIVE;
	switch (t->state) {
	case TCP_ESTABLISHED:
	case TCP_SYN_RECEIVED: t->state = TCP_CLOSE_WAIT; break;
	case TCP_FIN_WAIT1: t->state = TCP_CLOSING; break;
	case TCP_FIN_WAIT2: tcp_enter_time_wait(t, g->now_ns); break;
	default: break;
	}
	tcp_wake(t, POLL_IN | POLL_READ_NORMAL | POLL_READ_HANGUP | (t->shutdown == SHUTDOWN_BOTH ? POLL_HANGUP : 0));
}

// A FIN counts when everything before it is there.
static bool fin_is_next(struct tcp_socket *const t, const struct tcp_segment *g borrowed) REQUIRES(t->lock)
{
	return g->flags & TCP_FIN && !t->receive.fin_seen && g->seq + g->length == t->receive.next;
}

static bool takes_data(const struct tcp_socket *const t) REQUIRES(t->lock)
{
	return t->state == TCP_ESTABLISHED || t->state == TCP_FIN_WAIT1 || t->state == TCP_FIN_WAIT2;
}

static void answer(struct tcp_socket *const t, const struct tcp_segment *g borrowed, struct tcp_burst *b borrowed)
	REQUIRES(t->lock)
{
	if (seq_before(t->send.next, t->send.end) || (t->send.fin && t->send.next == t->send.end))
		tcp_output(t, b, g->now_ns);
	if (t->state == TCP_CLOSED)
		return;
	if (t->receive.unacknowledged > t->receive.mss_seen || (t->receive.unacknowledged && t->receive.quick &&
		!t->receive.is_interactive))
		t->receive.ack_now = 1;
	if (t->receive.ack_now)
		tcp_send_ack(t, b);
	else if (t->receive.unacknowledged && t->deadlines.delayed_ack == DEADLINE_NEVER)
		t->deadlines.delayed_ack = g->now_ns + TCP_DELAYED_ACK_NS;
	tcp_timer_arm(t);
}

// Two ends that each find the other's acknowledgments out of place must not answer each other for ever: one answer in
// this time to what carries no data (net.ipv4.tcp_invalid_ratelimit).
#define REFUSED_INTERVAL_NS (500 * NS_PER_MS)
static bool may_answer_refused(struct tcp_socket *const t, const struct tcp_segment *g borrowed) REQUIRES(t->lock)
{
	if (g->length || g->flags & TCP_FIN)
		return true;
	if (t->receive.refused_ns && g->now_ns - t->receive.refused_ns < REFUSED_INTERVAL_NS)
		return false;
	t->receive.refused_ns = g->now_ns;
	return true;
}

static bool check_first(struct tcp_socket *const t, const struct tcp_segment *g borrowed, struct tcp_burst *b borrowed)
	REQUIRES(t->lock)
{
	const bool is_old = has_fallen_back(t, g) && !(g->flags & TCP_RST);

	if (is_old)
		ip_count(t->net, TCP_OLD_TIMESTAMPS);
	if (is_old || !is_acceptable(t, g)) {
		// A SYN that was sent again: its answer was lost.
		if (t->state == TCP_SYN_RECEIVED && g->flags & TCP_SYN && g->seq == t->receive.initial)
			tcp_send_syn(t, b, g->now_ns);
		else if (!(g->flags & TCP_RST) && may_answer_refused(t, g))
			tcp_send_ack(t, b);
		if (t->state == TCP_TIME_WAIT && g->flags & TCP_FIN)
			tcp_enter_time_wait(t, g->now_ns);
		return false;
	}
	if (g->flags & TCP_RST) {
		if (g->seq == t->receive.next)
			was_reset(t);
		else
			tcp_send_ack(t, b);	// RFC 5961
		return false;
	}
	if (g->flags & TCP_SYN) {
		// Both sides opened: the peer's answer to our SYN repeats its own.
		if (t->state == TCP_SYN_RECEIVED && g->flags & TCP_ACK && g->seq == t->receive.initial &&
			g->ack == t->send.next)
			return true;
		if (t->state == TCP_SYN_RECEIVED && g->seq == t->receive.initial && !(g->flags & TCP_ACK))
			tcp_send_syn(t, b, g->now_ns);
		else
			tcp_send_ack(t, b);
		return false;
	}
	return g->flags & TCP_ACK;
}

void tcp_process(struct tcp_socket *const t, const struct tcp_segment *g borrowed, struct packet *packet consumes,
	struct tcp_burst *b borrowed)
{
	struct packet *p object_auto(packet) = packet;

	t->receive.last_ns = g->now_ns;
	t->receive.segments++;
	t->keep_probes = 0;
	if (t->state == TCP_CLOSED)
		return;
	if (t->state == TCP_SYN_SENT) {
		input_syn_sent(t, g, b);
		tcp_timer_arm(t);
		return;
	}
	if (!check_first(t, g, b))
		return;
	if (t->state == TCP_SYN_RECEIVED && !finish_handshake(t, g, b)) {
		tcp_timer_arm(t);
		return;
	}
	note_timestamp(t, g);
	if (!tcp_process_ack(t, g, b))
		return;
	if (g->flags & TCP_URG && takes_data(t))
		tcp_note_urgent(t, g);
	if (g->length && takes_data(t)) {
		if (t->is_orphan && seq_after(g->seq + g->length, t->receive.next)) {
			// Nobody will ever read it.
			ip_count(t->net, TCP_ABORTS_ON_DATA);
			tcp_send_reset(t, b);
			tcp_drop_queues(t);
			tcp_finish(t, 0);
			return;
		}
		tcp_queue_data(t, g, take(p));
	} else if (g->length) {
		t->receive.ack_now = 1;
	}
	if (fin_is_next(t, g))
		take_fin(t, g);
	else if (g->flags & TCP_FIN)
		t->receive.ack_now = 1;
	answer(t, g, b);
}

// --- which connection -----------------------------------------------------------------------------------------------

static struct tcp_socket *find(struct net_namespace *net, const struct ip_flow *flow borrowed,
	const struct tcp_segment *g borrowed) owned;
static struct tcp_socket *find(struct net_namespace *net, const struct ip_flow *flow borrowed,
	const struct tcp_segment *g borrowed)
{
	const struct inet_endpoint local = { flow->destination, g->destination_port, flow->interface };
	const struct inet_endpoint remote = { flow->source, g->source_port, 0 };
	struct tcp_socket *t object_auto(tcp_socket) = tcp_find_connection(net, &local, &remote);

	if (t)
		return take(t);
	return tcp_find_listener(net, &local, &remote);
}

// A new SYN for a connection that only waits for its end (RFC 6191): the old one makes room.
static bool replaces_old(struct tcp_socket *t, const struct tcp_segment *g borrowed)
{
	spin_guard(&t->lock);
	if (t->state != TCP_TIME_WAIT || (g->flags & (TCP_SYN | TCP_ACK | TCP_RST)) != TCP_SYN)
		return false;
	if (!seq_after(g->seq, t->receive.next) &&
		!(g->has_timestamp && t->receive.has_timestamps && seq_after(g->timestamp, t->receive.timestamp)))
		return false;
	tcp_finish(t, 0);
	return true;
}

static bool is_listener(struct tcp_socket *t)
{
	spin_guard(&t->lock);
	return t->state == TCP_LISTEN;
}

void tcp_input(struct net_namespace *net, const struct ip_flow *flow borrowed, struct packet *packet consumes)
{
	struct packet *p object_auto(packet) = packet;
	struct tcp_segment g = { };
	struct tcp_burst b = { };

	ip_count(net, TCP_IN_SEGMENTS);
	if (!tcp_parse(p, flow, &g)) {
		ip_count(net, TCP_IN_ERRORS);
		return;
	}
	struct tcp_socket *t object_auto(tcp_socket) = find(net, flow, &g);
	if (t && replaces_old(t, &g)) {
		tcp_socket_put(take(t));
		t = find(net, flow, &g);
	}
	if (!t) {
		tcp_refuse(net, flow, &g);
		return;
	}
	if (is_listener(t)) {
		tcp_listener_input(t, flow, &g);
		return;
	}
	struct tcp_socket *const own = t;
	{
		spin_guard(&own->lock);
		tcp_process(own, &g, take(p), &b);
	}
	tcp_burst_send(net, &b);
}
