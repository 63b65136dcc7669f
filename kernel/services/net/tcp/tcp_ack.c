// SPDX-License-Identifier: MPL-2.0
// What an acknowledgment does: frees bytes, measures the round trip (RFC 6298), moves the windows (RFC 5681, RFC 6582).
#include <services/net/tcp/tcp_internal.h>

#define CWND_FIRST_SEGMENTS 10u
#define CWND_MAX (1u << 30)

void tcp_cwnd_begin(struct tcp_socket *const t)
{
	t->send.cwnd = CWND_FIRST_SEGMENTS * t->send.mss;
	t->send.ssthresh = CWND_MAX;
	t->send.cwnd_acked = 0;
}

void tcp_cwnd_acked(struct tcp_socket *const t, u32 bytes)
{
	struct tcp_sender *const s = &t->send;

	if (s->in_recovery)
		return;
	if (s->cwnd < s->ssthresh) {
		s->cwnd = min(s->cwnd + min(bytes, 2 * s->mss), CWND_MAX);
		return;
	}
	s->cwnd_acked += bytes;
	if (s->cwnd_acked >= s->cwnd) {
		s->cwnd_acked -= s->cwnd;
		s->cwnd = min(s->cwnd + s->mss, CWND_MAX);
	}
}

// What was out when the loss was found, selectively acknowledged or not (RFC 5681: FlightSize).
static u32 half_of_window(const struct tcp_sender *s borrowed)
{
	return max((s->next - s->unacked) / 2, 2 * s->mss);
}

void tcp_cwnd_timeout(struct tcp_socket *const t)
{
	struct tcp_sender *const s = &t->send;

	if (s->retransmits <= 1)
		s->ssthresh = half_of_window(s);
	s->cwnd = s->mss;
	s->cwnd_acked = 0;
	s->in_recovery = 0;
	s->duplicates = 0;
	s->recover = s->maximum;
	if (s->retransmits > 1)
		s->board.count = 0;
}

static void take_round_trip(struct tcp_socket *const t, u64 rtt) REQUIRES(t->lock)
{
	struct tcp_sender *const s = &t->send;

	if (!s->srtt_ns) {
		s->srtt_ns = rtt;
		s->rttvar_ns = rtt / 2;
	} else {
		const u64 difference = s->srtt_ns > rtt ? s->srtt_ns - rtt : rtt - s->srtt_ns;
		s->rttvar_ns = (3 * s->rttvar_ns + difference) / 4;
		s->srtt_ns = (7 * s->srtt_ns + rtt) / 8;
	}
}

// Of a segment that was sent again only the echoed timestamp tells how long it took. What is acknowledged ends the
// backing off, too: the path is there again.
static void measure(struct tcp_socket *const t, const struct tcp_segment *g borrowed) REQUIRES(t->lock)
{
	struct tcp_sender *const s = &t->send;

	if (s->is_timed && seq_after(g->ack, s->timed_seq)) {
		s->is_timed = 0;
		take_round_trip(t, max(g->now_ns - s->timed_at_ns, 1ul));
	} else if (s->retransmits && g->has_timestamp && t->receive.has_timestamps && g->echo) {
		take_round_trip(t, (u64)max(tcp_clock(g->now_ns) - g->echo, 1u) * NS_PER_MS);
	}
	if (s->srtt_ns)
		s->rto_ns = min(s->srtt_ns + max(4 * s->rttvar_ns, TCP_RTO_MIN_NS), TCP_RTO_MAX_NS);
}

static void free_bytes(struct tcp_socket *const t, u32 bytes) REQUIRES(t->lock)
{
	while (bytes) {
		struct tcp_chunk *c = tcp_chunk_list_first(&t->send.chunks);
		if (!c)
			return;
		const u32 n = min(bytes, c->length);
		c->start += n;
		c->length -= n;
		t->send.queued -= n;
		bytes -= n;
		if (c->length)
			return;
		struct tcp_chunk *done object_auto(tcp_chunk) = tcp_chunk_list_pop(&t->send.chunks);
		(void)done;
	}
}

static void lost(struct tcp_socket *const t, struct tcp_burst *b borrowed, u64 now_ns) REQUIRES(t->lock)
{
	struct tcp_sender *const s = &t->send;

	s->ssthresh = half_of_window(s);
	s->recover = s->maximum;
	s->in_recovery = 1;
	s->board.repaired = s->unacked;
	ip_count(t->net, s->has_sack ? TCP_SACK_RECOVERIES : TCP_RENO_RECOVERIES);
	tcp_retransmit_first(t, b, now_ns);
	s->cwnd = s->ssthresh + (s->has_sack ? 0 : TCP_DUPLICATES_FOR_LOSS * s->mss);
	t->deadlines.retransmit = now_ns + s->rto_ns;
}

static void duplicate(struct tcp_socket *const t, struct tcp_burst *b borrowed, u64 now_ns) REQUIRES(t->lock)
{
	struct tcp_sender *const s = &t->send;

	s->duplicates++;
	const bool shows_loss = s->duplicates >= TCP_DUPLICATES_FOR_LOSS || (s->has_sack && tcp_sack_shows_loss(s));
	if (!s->in_recovery && shows_loss && seq_after(s->unacked, s->recover))
		lost(t, b, now_ns);
	else if (s->in_recovery && !s->has_sack)
		s->cwnd = min(s->cwnd + s->mss, CWND_MAX);
	if (s->in_recovery && s->has_sack)
		tcp_sack_repair(t, b, now_ns);
	tcp_output(t, b, now_ns);
}

// New data is acknowledged while a loss is repaired: either all of it, or the next hole shows.
static void recover(struct tcp_socket *const t, u32 acked, struct tcp_burst *b borrowed, u64 now_ns) REQUIRES(t->lock)
{
	struct tcp_sender *const s = &t->send;

	if (!seq_before(s->unacked, s->recover)) {
		s->in_recovery = 0;
		s->cwnd = max(min(s->ssthresh, tcp_in_flight(s) + s->mss), 2 * s->mss);
		return;
	}
	if (s->has_sack) {
		// With nothing known beyond it the next hole begins here.
		if (!s->board.count && s->board.repaired == s->unacked)
			tcp_retransmit_first(t, b, now_ns);
		tcp_sack_repair(t, b, now_ns);
		return;
	}
	tcp_retransmit_first(t, b, now_ns);
	s->cwnd = s->cwnd > acked ? s->cwnd - acked : s->mss;
	s->cwnd = max(s->cwnd + (acked >= s->mss ? s->mss : 0), s->mss);
}

static void take_ack(struct tcp_socket *const t, const struct tcp_segment *g borrowed, struct tcp_burst *b borrowed)
	REQUIRES(t->lock)
{
	struct tcp_sender *const s = &t->send;
	const u32 ack = g->ack;
	const u64 now_ns = g->now_ns;
	const bool takes_fin = s->fin && ack == s->end + 1;
	const u32 bytes = min(ack - s->unacked - (takes_fin ? 1 : 0), s->queued);
	const bool was_writable = tcp_is_writable(s);

	measure(t, g);
	free_bytes(t, bytes);
	s->unacked = ack;
	s->next = seq_max(s->next, ack);
	if (seq_after(ack, s->recover))
		s->recover = ack - 1;	// it stays near: two gibibytes behind would be ahead
	tcp_sack_advance(t);
	s->bytes_acked += bytes;
	s->duplicates = 0;
	s->retransmits = 0;
	s->first_retransmit_ns = 0;
	atomic_u32_store_relaxed(&t->soft_error, 0);
	if (s->has_urgent && !seq_after(s->urgent, ack))
		s->has_urgent = 0;
	if (s->in_recovery)
		recover(t, bytes, b, now_ns);
	else
		tcp_cwnd_acked(t, bytes);
	t->deadlines.retransmit = s->unacked == s->next ? DEADLINE_NEVER : now_ns + s->rto_ns;
	if (!was_writable && tcp_is_writable(s))
		tcp_wake(t, POLL_OUT | POLL_WRITE_NORMAL | POLL_WRITE_BAND);
}

// What acknowledges more tells the window, whatever its own number is: a segment that was sent again has an old number
// and new words. A window counted from a number that it was not told for would reach beyond the peer's.
static void take_window(struct tcp_socket *const t, const struct tcp_segment *g borrowed) REQUIRES(t->lock)
{
	struct tcp_sender *const s = &t->send;

	if (!seq_after(g->ack, s->unacked) && !seq_after(g->seq, s->window_seq) &&
		!(g->seq == s->window_seq && !seq_before(g->ack, s->window_ack)))
		return;
	if (seq_before(g->ack, s->unacked))
		return;
	s->window = g->window << s->scale;
	s->window_seq = g->seq;
	s->window_ack = g->ack;
	s->window_max = max(s->window_max, s->window);
}

// Our FIN is acknowledged: the states that waited for it.
static bool fin_acknowledged(struct tcp_socket *const t, u64 now_ns) REQUIRES(t->lock)
{
	switch (t->state) {
	case TCP_FIN_WAIT1:
		t->state = TCP_FIN_WAIT2;
		t->shutdown |= SHUTDOWN_SEND;
		if (t->is_orphan)
			t->deadlines.wait = now_ns + tcp_fin_timeout_ns(t);
		tcp_wake(t, POLL_OUT | POLL_WRITE_NORMAL);
		return true;
	case TCP_CLOSING: tcp_enter_time_wait(t, now_ns); return true;
	case TCP_LAST_ACK:
		tcp_drop_queues(t);
		tcp_finish(t, 0);
		return false;
	default: return true;
	}
}

bool tcp_process_ack(struct tcp_socket *const t, const struct tcp_segment *g borrowed, struct tcp_burst *b borrowed)
{
	struct tcp_sender *const s = &t->send;
	const u32 window = s->window;

	if (seq_after(g->ack, s->maximum)) {	// of something never sent
		tcp_send_ack(t, b);
		return false;
	}
	take_window(t, g);
	s->probes = 0;
	const bool is_news = s->has_sack && g->sack_count && tcp_sack_take(t, g);
	if (seq_after(g->ack, s->unacked)) {
		take_ack(t, g, b);
		if (s->fin && g->ack == s->end + 1)
			return fin_acknowledged(t, g->now_ns);
		return true;
	}
	const bool is_duplicate = g->ack == s->unacked && !g->length && !(g->flags & TCP_FIN) &&
		s->next != s->unacked &&
		s->window == window;
	if (s->has_sack ? is_news : is_duplicate)
		duplicate(t, b, g->now_ns);
	return true;
}
