// SPDX-License-Identifier: MPL-2.0
// Selective acknowledgments (RFC 2018). Theory: the receiver names the ranges that it holds behind a hole; the sender
// notes them on a board, takes what is not on it below the highest one for lost, and sends only that again, once in
// a recovery (`repaired` says up to where), as fast as the congestion window allows (in the manner of RFC 6675).
// What is lost twice waits for the timeout. After a timeout everything is sent again but what the board has; when
// timeouts go on, the board is forgotten: a receiver may have given up what it held.
#include <services/net/tcp/tcp_internal.h>

// --- the board ------------------------------------------------------------------------------------------------------

static void remove_ranges(struct tcp_sack_board *const b borrowed, u32 from, u32 count)
{
	for (u32 i = from; i + count < b->count; i++)
		*array_ptr(b->range, i) = *array_ptr(b->range, i + count);
	b->count -= count;
}

// False: it is known, or there is no room.
static bool insert(struct tcp_sack_board *const b borrowed, struct tcp_range new)
{
	u32 first = 0;

	while (first < b->count && seq_before(array_ptr(b->range, first)->end, new.start))
		first++;
	u32 last = first;
	for (; last < b->count && !seq_after(array_ptr(b->range, last)->start, new.end); last++) {
		const struct tcp_range *known = array_ptr(b->range, last);
		if (!seq_before(new.start, known->start) && !seq_after(new.end, known->end))
			return false;
		new.start = seq_before(known->start, new.start) ? known->start : new.start;
		new.end = seq_max(known->end, new.end);
	}
	if (last == first) {
		if (b->count == TCP_SACK_RANGES)
			return false;
		for (u32 i = b->count; i > first; i--)
			*array_ptr(b->range, i) = *array_ptr(b->range, i - 1);
		b->count++;
	} else {
		remove_ranges(b, first + 1, last - first - 1);
	}
	*array_ptr(b->range, first) = new;
	return true;
}

bool tcp_sack_take(struct tcp_socket *const t, const struct tcp_segment *g borrowed)
{
	struct tcp_sender *const s = &t->send;
	bool is_news = false;

	for (u32 i = 0; i < g->sack_count; i++) {
		const struct tcp_range r = *array_ptr(g->sack, i);
		// Below what is acknowledged it tells of doubles (RFC 2883).
		if (!seq_after(r.end, r.start) || seq_before(r.start, s->unacked) || seq_after(r.end, s->maximum))
			continue;
		if (insert(&s->board, r))
			is_news = true;
	}
	return is_news;
}

void tcp_sack_advance(struct tcp_socket *const t)
{
	struct tcp_sender *const s = &t->send;
	u32 gone = 0;

	while (gone < s->board.count && !seq_after(array_ptr(s->board.range, gone)->end, s->unacked))
		gone++;
	if (gone)
		remove_ranges(&s->board, 0, gone);
	s->board.repaired = seq_max(s->board.repaired, s->unacked);
}

static u32 highest(const struct tcp_sender *s borrowed)
{
	return s->board.count ? array_ptr(s->board.range, s->board.count - 1)->end : s->unacked;
}

// Bytes on the board between two numbers.
static u32 known_between(const struct tcp_sender *s borrowed, u32 from, u32 to)
{
	u32 sum = 0;

	for (u32 i = 0; i < s->board.count; i++) {
		const struct tcp_range *r = array_ptr(s->board.range, i);
		const u32 start = seq_max(r->start, from), end = seq_before(r->end, to) ? r->end : to;
		if (seq_before(start, end))
			sum += end - start;
	}
	return sum;
}

u32 tcp_in_flight(const struct tcp_sender *s borrowed)
{
	const u32 top = highest(s);

	if (!s->board.count)
		return s->next - s->unacked;
	if (!s->in_recovery || seq_before(s->next, top))
		return s->next - s->unacked - known_between(s, s->unacked, s->next);
	const u32 repaired = seq_before(s->board.repaired, top) ? s->board.repaired : top;
	return s->next - top + (repaired - s->unacked - known_between(s, s->unacked, repaired));
}

u32 tcp_sack_skip(const struct tcp_sender *s borrowed, u32 seq)
{
	for (u32 i = 0; i < s->board.count; i++) {
		const struct tcp_range *r = array_ptr(s->board.range, i);
		if (!seq_before(seq, r->start) && seq_before(seq, r->end))
			return r->end;
	}
	return seq;
}

u32 tcp_sack_hole(const struct tcp_sender *s borrowed, u32 seq)
{
	for (u32 i = 0; i < s->board.count; i++) {
		const struct tcp_range *r = array_ptr(s->board.range, i);
		if (seq_after(r->start, seq))
			return r->start - seq;
	}
	return U32_MAX;
}

u32 tcp_sack_bytes(const struct tcp_sender *s borrowed)
{
	return known_between(s, s->unacked, s->maximum);
}

bool tcp_sack_shows_loss(const struct tcp_sender *s borrowed)
{
	return tcp_sack_bytes(s) > (TCP_DUPLICATES_FOR_LOSS - 1) * s->mss;
}

void tcp_sack_repair(struct tcp_socket *const t, struct tcp_burst *b borrowed, u64 now_ns)
{
	struct tcp_sender *const s = &t->send;

	for (;;) {
		const u32 seq = tcp_sack_skip(s, seq_max(s->board.repaired, s->unacked));
		if (!seq_before(seq, highest(s)) || tcp_in_flight(s) + s->mss > s->cwnd)
			return;
		const u32 sent = tcp_retransmit(t, b, seq, tcp_sack_hole(s, seq), now_ns);
		if (!sent)
			return;
		s->board.repaired = seq + sent;
	}
}

// --- what the receiver tells ----------------------------------------------------------------------------------------

// A whole block: the one that grew last is to come first, so that each is told several times.
static void offer(struct tcp_segment *g borrowed, struct tcp_range block, u32 latest)
{
	if (!seq_after(block.start, latest) && seq_after(block.end, latest))
		*array_ptr(g->sack, 0) = block;
	else if (g->sack_count < TCP_SACK_BLOCKS)
		*array_ptr(g->sack, g->sack_count++) = block;
}

void tcp_sack_tell(const struct tcp_socket *const t, struct tcp_segment *g borrowed)
{
	struct tcp_range block = { };

	if (!t->send.has_sack || packet_list_is_empty(&t->receive.early))
		return;
	g->sack_count = 1;
	list_for_each(packet_list, p, &t->receive.early) {
		const u32 start = (u32)p->control, end = start + packet_length(p);
		if (block.end != block.start && !seq_after(start, block.end)) {
			block.end = seq_max(block.end, end);
			continue;
		}
		if (block.end != block.start)
			offer(g, block, t->receive.early_latest);
		block = (struct tcp_range){ start, end };
	}
	offer(g, block, t->receive.early_latest);
	const struct tcp_range *first = array_ptr(g->sack, 0);
	if (first->start != first->end)
		return;
	// The latest was not kept: the last of the others takes its place.
	g->sack_count--;
	*array_ptr(g->sack, 0) = *array_ptr(g->sack, g->sack_count);
}
