// SPDX-License-Identifier: MPL-2.0
// Payload on its way to the reader: in order into `ready`, early segments wait in order of their numbers
// (packet.control
// holds the sequence number). Small payloads are joined, so that memory stays near what the window counts.
#include <services/net/tcp/tcp_internal.h>

#define EARLY_PACKETS_MAX 1024u

// Appends to the last packet when that costs nothing.
static bool join(struct tcp_socket *const t, struct packet *p borrowed) REQUIRES(t->lock)
{
	struct packet *last = packet_list_last(&t->receive.ready);
	const u32 length = packet_length(p);

	if (!last || last->data_length || p->data_length > PACKET_INLINE_MAX ||
		PACKET_HEAD_BYTES - last->head_end < length)
		return false;
	packet_read(p, 0, span_slice(array_span(last->head), last->head_end, length));
	last->head_end = (u16)(last->head_end + length);
	return true;
}

static void append(struct tcp_socket *const t, struct packet *packet consumes) REQUIRES(t->lock)
{
	struct packet *p object_auto(packet) = packet;
	const u32 length = packet_length(p);

	if (t->receive.urgent_state == URGENT_COMING && t->receive.urgent - t->receive.next < length) {
		u8 byte[1];
		packet_read(p, t->receive.urgent - t->receive.next, array_span(byte));
		t->receive.urgent_byte = byte[0];
		t->receive.urgent_state = URGENT_VALID;
		tcp_wake(t, POLL_PRIORITY | POLL_QUIET);	// SIGURG came with the announcement
	}
	t->receive.next += length;
	t->receive.queued += length;
	t->receive.bytes += length;
	t->receive.unacknowledged += length;
	if (join(t, p))
		return;
	if (p->data_length <= PACKET_INLINE_MAX && p->data) {
		// A few bytes do not hold on to pages.
		const u32 head = (u32)(p->head_end - p->head_start);
		if (packet_require(p, head + p->data_length))
			packet_data_put(take(p->data));
	}
	packet_list_append(&t->receive.ready, take(p));
}

// The window for early ones counts what they hold on to.
static void keep_early(struct tcp_socket *const t, u32 seq, struct packet *packet consumes) REQUIRES(t->lock)
{
	struct packet *p object_auto(packet) = packet;
	struct packet *after = packet_list_last(&t->receive.early);

	if (packet_list_count(&t->receive.early) >= EARLY_PACKETS_MAX ||
		t->receive.early_bytes + packet_length(p) > t->receive.limit)
		return;
	while (after && seq_after((u32)after->control, seq))
		after = packet_list_prev(after);
	if (after && (u32)after->control == seq && packet_length(after) >= packet_length(p))
		return;
	ip_count(t->net, TCP_EARLY_QUEUED);
	p->control = seq;
	t->receive.early_latest = seq;
	t->receive.early_bytes += packet_length(p);
	packet_list_insert_after(&t->receive.early, after, take(p));
}

static void take_early(struct tcp_socket *const t) REQUIRES(t->lock)
{
	for (;;) {
		struct packet *first = packet_list_first(&t->receive.early);
		if (!first || seq_after((u32)first->control, t->receive.next))
			return;
		struct packet *p object_auto(packet) = packet_list_pop(&t->receive.early);
		const u32 known = t->receive.next - (u32)p->control, length = packet_length(p);
		t->receive.early_bytes -= length;
		if (known >= length)
			continue;
		packet_pull(p, known);
		append(t, take(p));
	}
}

// The reader keeps up with what arrives in a round trip: the window may grow.
static void grow_capacity(struct tcp_socket *const t, u32 length, u64 now_ns) REQUIRES(t->lock)
{
	struct tcp_receiver *const r = &t->receive;
	const u64 round = max(t->send.srtt_ns, 10 * NS_PER_MS);

	r->space_bytes += length;
	if (now_ns - r->space_at_ns > round) {
		r->space_at_ns = now_ns;
		r->space_bytes = 0;
		return;
	}
	if (r->space_bytes < r->capacity || r->capacity * 2 > r->limit)
		return;
	r->capacity *= 2;
	r->space_bytes = 0;
}

void tcp_queue_data(struct tcp_socket *const t, const struct tcp_segment *g borrowed, struct packet *packet consumes)
{
	struct packet *p object_auto(packet) = packet;
	struct tcp_receiver *const r = &t->receive;
	const u32 end = g->seq + g->length, edge = seq_max(r->edge, r->next);
	u32 seq = g->seq;

	if (!seq_after(end, r->next) || r->fin_seen) {
		r->ack_now = 1;		// sent again
		return;
	}
	if (seq_after(end, edge)) {
		if (!seq_before(seq, edge)) {
			r->ack_now = 1;
			return;
		}
		packet_trim(p, edge - seq);
	}
	if (seq_before(seq, r->next)) {
		packet_pull(p, r->next - seq);
		seq = r->next;
	}
	if (g->length > r->mss_seen)
		r->mss_seen = min(g->length, max(t->send.mss, TCP_MSS_DEFAULT));
	if (seq != r->next) {
		r->ack_now = 1;
		keep_early(t, seq, take(p));
		return;
	}
	append(t, take(p));
	if (!packet_list_is_empty(&r->early)) {
		r->ack_now = 1;
		take_early(t);
	}
	grow_capacity(t, g->length, g->now_ns);
	tcp_wake(t, POLL_IN | POLL_READ_NORMAL);
}

// The pointer names the byte behind the urgent one, as everybody has it (RFC 6093).
void tcp_note_urgent(struct tcp_socket *const t, const struct tcp_segment *g borrowed)
{
	struct tcp_receiver *const r = &t->receive;
	const u32 at = g->seq + (g->urgent ? g->urgent - 1 : 0);

	if (seq_after(r->copied, at) || seq_before(at, r->next))
		return;
	if (r->urgent_state != URGENT_NONE && !seq_after(at, r->urgent))
		return;
	r->urgent = at;
	r->urgent_state = URGENT_COMING;
	tcp_wake(t, POLL_PRIORITY);
}
