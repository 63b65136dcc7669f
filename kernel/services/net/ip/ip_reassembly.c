// SPDX-License-Identifier: MPL-2.0
// Putting pieces together (RFC 791, RFC 815, RFC 8200 4.5). A packet that lacks some is in one table for all
// namespaces, by who sends it to whom and its number, with its pieces in order. Pieces that overlap others end it, as
// RFC 5722 says; a double is dropped alone. Memory is bounded for each namespace, time by the clock below, which runs
// while the table holds something.
//
// An entry knows its namespace without a reference, so that nobody keeps a namespace alive by a piece: the namespace's
// part takes its entries out of the table before it is gone.
#include <core/once.h>
#include <core/random.h>
#include <core/time.h>
#include <core/work.h>
#include <services/net/ip/ip_internal.h>

#define BUCKETS 256u
#define PIECES_MAX 1400u		// of a packet: 64 KiB over the smallest link
#define TICK_NS (500 * NS_PER_MS)
#define SECONDS6 60u			// RFC 8200

struct ip_partial {			// all fields but object: the table's lock, or who took it out
	struct object object;
	struct list_link link;
	struct ip_part *part;		// not counted
	struct net_namespace *net;	// not counted
	struct ip_flow flow;		// of the first piece, once it is there
	u32 id;
	u32 have, total;		// bytes; total 0: the last piece is not there yet
	u32 pieces_count, memory;
	u64 until_ns;			// monotonic
	struct packet_list pieces;	// with references, by packet.control, which is the offset
};
DECLARE_OBJECT(ip_partial)
static exclusive_access void ip_partial_release(struct ip_partial *q)
{
	while (!packet_list_is_empty(&q->pieces)) {
		struct packet *p object_auto(packet) = packet_list_pop(&q->pieces);
		(void)p;
	}
}
DEFINE_OBJECT(ip_partial, ip_partial_release)
DEFINE_LIST(ip_partial_list, ip_partial, link)

static struct synchronised ip_partials {
	struct spinlock lock;
	u64 secret GUARDED_BY(lock);
	u32 count GUARDED_BY(lock);
	struct ip_partial_list bucket[BUCKETS] GUARDED_BY(lock);	// with references
} partials = { .lock = SPINLOCK_INIT(RANK_SERVICE_LEAF) };
DEFINE_ONCE(ip_reassembly_timer_cell, struct timer);
static struct ip_reassembly_timer_cell the_timer;
DEFINE_ONCE(ip_reassembly_work_cell, struct work);
static struct ip_reassembly_work_cell the_work;

// --- the table ------------------------------------------------------------------------------------------------------

// What a piece keeps from others: what came by a wire lies in pages of its own.
static u32 piece_cost(const struct packet *p borrowed)
{
	return (u32)sizeof(struct packet) + (u32)page_round_up(p->data_length);
}

static struct ip_partial_list *bucket_of(struct ip_partials *const all, const struct ip_flow *flow borrowed, u32 id)
	REQUIRES(all->lock)
{
	const u64 words[5] = { id, flow->source.low, flow->source.high, flow->destination.low, flow->destination.high };
	u64 h = all->secret;

	// Word by word: of words that are joined before they meet the secret, a sender could choose many with one sum.
	for (u32 i = 0; i < array_len(words); i++) {
		h = (h ^ words[i]) * 0x9e3779b97f4a7c15ul;
		h ^= h >> 29;
	}
	return array_ptr(all->bucket, (u32)(h >> 40) % BUCKETS);
}

static bool is_of(const struct ip_partial *q borrowed, struct ip_part *part borrowed,
	const struct ip_flow *flow borrowed, u32 id)
{
	return q->part == part && q->id == id && ip_equal(q->flow.source, flow->source) &&
		ip_equal(q->flow.destination, flow->destination) &&
		(!ip_is4(flow->source) || q->flow.protocol == flow->protocol) &&
		(!ip_is_link_local6(flow->source) || q->flow.interface == flow->interface);
}

// Out of the table, and its memory off the namespace's account.
static struct ip_partial *take_out(struct ip_partials *const all, struct ip_partial_list *from, struct ip_partial *q)
	REQUIRES(all->lock) owned;
static struct ip_partial *take_out(struct ip_partials *const all, struct ip_partial_list *from, struct ip_partial *q)
{
	ip_partial_list_remove(from, q);
	all->count--;
	(void)atomic_u32_sub(&q->part->fragment_bytes, q->memory);
	(void)atomic_u32_sub(&q->part->fragment_count, 1);
	return q;
}

static struct ip_partial *find_or_create(struct ip_partials *const all, struct ip_partial_list *in,
	struct net_namespace *net, const struct ip_flow *flow borrowed, u32 id) REQUIRES(all->lock)
{
	struct ip_part *const part = ip_part_of(net);

	list_for_each(ip_partial_list, q, in) {
		if (is_of(q, part, flow, id))
			return q;
	}
	struct ip_partial *fresh object_auto(ip_partial) = ip_partial_alloc();
	if (!fresh)
		return NULL;
	const u32 seconds = ip_is4(flow->source) ? atomic_u32_load_relaxed(&part->settings.fragment_seconds) : SECONDS6;
	struct ip_partial *q = fresh;
	q->part = part;
	q->net = net;
	q->flow = *flow;
	q->id = id;
	q->until_ns = clock_monotonic_ns() + seconds * NS_PER_SECOND;
	ip_partial_list_append(in, take(fresh));
	atomic_u32_add(&part->fragment_count, 1);
	if (!all->count++)
		timer_set(ip_reassembly_timer_cell_get(&the_timer), clock_monotonic_ns() + TICK_NS);
	return q;
}

// --- one piece ------------------------------------------------------------------------------------------------------

enum piece_fate { PIECE_KEPT, PIECE_DOUBLE, PIECE_BAD };

static u32 start_of(const struct packet *p borrowed) { return (u32)p->control; }
static u32 end_of(const struct packet *p borrowed) { return start_of(p) + packet_length(p); }

// Does it fit to what is there? *before: the piece that it comes behind; NULL: none.
static enum piece_fate fate_of(struct ip_partial *q borrowed, u32 start, u32 end, bool is_more,
	struct packet **before borrowed)
{
	const struct packet *last = packet_list_last(&q->pieces);
	const u32 furthest = last ? end_of(last) : 0;
	struct packet *at = packet_list_last(&q->pieces);

	if (is_more ? q->total && end > q->total : q->total ? q->total != end : furthest > end)
		return PIECE_BAD;
	while (at && start_of(at) > start)
		at = packet_list_prev(at);
	*before = at;
	if (at && end_of(at) >= end)
		return PIECE_DOUBLE;
	if (at && end_of(at) > start)
		return PIECE_BAD;
	const struct packet *next = at ? packet_list_next(at) : packet_list_first(&q->pieces);
	return (next && start_of(next) < end) || q->pieces_count >= PIECES_MAX ? PIECE_BAD : PIECE_KEPT;
}

static enum piece_fate piece_put(struct ip_partial *q borrowed, const struct ip_flow *flow borrowed,
	const struct ip_piece *piece borrowed, struct packet *packet consumes)
{
	struct packet *p object_auto(packet) = packet;
	const u32 length = packet_length(p), cost = piece_cost(p);
	struct packet *before = NULL;
	const enum piece_fate fate = fate_of(q, piece->offset, piece->offset + length, piece->is_more, &before);

	if (fate != PIECE_KEPT)
		return fate;
	if (!piece->is_more)
		q->total = piece->offset + length;
	if (!piece->offset)
		q->flow = *flow;
	p->control = piece->offset;
	q->have += length;
	q->pieces_count++;
	q->memory += cost;
	atomic_u32_add(&q->part->fragment_bytes, cost);
	packet_list_insert_after(&q->pieces, before, take(p));
	return PIECE_KEPT;
}

// --- the whole ------------------------------------------------------------------------------------------------------

static void header_mend(struct packet *p borrowed, const struct ip_flow *flow borrowed, u32 header, u32 total)
{
	span_t h = packet_front_span(p);

	if (!ip_is4(flow->source)) {
		span_put_u16be(h, 4, (u16)total);
		span_at(h, 6) = (u8)flow->protocol;
		return;
	}
	span_put_u16be(h, 2, (u16)(header + total));
	span_put_u16be(h, 6, 0);
	span_put_u16be(h, 10, 0);
	span_put_u16be(h, 10, checksum_fold(checksum_add(0, bytes_of(h))));
}

static void copy_piece(struct packet_data *to borrowed, const struct packet *p borrowed)
{
	bytes_t front = packet_front(p);

	packet_data_write(to, start_of(p), front);
	if (p->data_length)
		packet_data_copy(to, start_of(p) + (u32)bytes_len(front), p->data, p->data_start, p->data_length);
}

static struct packet *assemble(const struct ip_partial *q borrowed) owned;
static struct packet *assemble(const struct ip_partial *q borrowed)
{
	const struct packet *first = packet_list_first(&q->pieces);
	const bool is4 = ip_is4(q->flow.source);
	const u32 header = is4 ? (u32)(first->head_start - first->network) : IP6_HEADER;
	struct packet *p object_auto(packet) = packet_create(0);
	struct packet_data *d object_auto(packet_data) = packet_data_create(q->total);

	if (!p || !d || q->total + (is4 ? header : 0) > IP_PACKET_MAX)
		return NULL;
	if (packet_append(p, bytes_slice(array_bytes(first->head), first->network, header)))
		return NULL;
	header_mend(p, &q->flow, header, q->total);
	packet_pull(p, header);
	p->transport = p->head_start;
	p->ethertype = first->ethertype;
	p->interface = first->interface;
	p->mark = first->mark;
	p->received_ns = first->received_ns;
	p->flags = PACKET_CHECKSUM_GOOD;
	list_for_each(packet_list, piece, &q->pieces) {
		copy_piece(d, piece);
		p->flags = (p->flags & (piece->flags | ~(u32)PACKET_CHECKSUM_GOOD)) |
			(piece->flags & (PACKET_BROADCAST | PACKET_MULTICAST | PACKET_LOOPBACK));
	}
	packet_attach(p, d, 0, q->total);
	return take(p);
}

// The packet that is complete now, or that is given up (*is_bad); NULL: neither.
static struct ip_partial *add(struct net_namespace *net, const struct ip_flow *flow borrowed,
	const struct ip_piece *piece borrowed, struct packet *packet consumes, bool *is_bad borrowed) owned;
static struct ip_partial *add(struct net_namespace *net, const struct ip_flow *flow borrowed,
	const struct ip_piece *piece borrowed, struct packet *packet consumes, bool *is_bad borrowed)
{
	struct packet *p object_auto(packet) = packet;
	struct ip_partials *const all = &partials;

	spin_guard(&all->lock);
	struct ip_partial_list *in = bucket_of(all, flow, piece->id);
	struct ip_partial *q = find_or_create(all, in, net, flow, piece->id);
	*is_bad = !q;
	if (!q)
		return NULL;
	*is_bad = piece_put(q, flow, piece, take(p)) == PIECE_BAD;
	return *is_bad || (q->total && q->have == q->total) ? take_out(all, in, q) : NULL;
}

// Has it a length that a piece may have, and is there room for it?
static bool is_admitted(struct net_namespace *net, const struct ip_piece *piece borrowed, struct packet *p borrowed)
{
	struct ip_part *const part = ip_part_of(net);

	if (piece->is_more)
		packet_trim(p, packet_length(p) & ~7u);
	const u32 length = packet_length(p);
	const u32 most = min(atomic_u32_load_relaxed(&part->settings.fragment_bytes_max), IP_FRAGMENT_BYTES_MOST);
	return length && piece->offset + length <= IP_PACKET_MAX &&
		atomic_u32_load_relaxed(&part->fragment_bytes) + piece_cost(p) <= most;
}

struct packet *ip_reassemble(struct net_namespace *net, struct ip_flow *flow borrowed,
	const struct ip_piece *piece borrowed, struct packet *packet consumes)
{
	struct packet *p object_auto(packet) = packet, *whole object_auto(packet) = NULL;
	const u32 first = ip_is4(flow->source) ? 0 : IP6_FIRST;
	bool is_bad = true;

	ip_count(net, first + IP_REASSEMBLY_REQUIRED);
	if (!is_admitted(net, piece, p)) {
		ip_count(net, first + IP_REASSEMBLY_FAILS);
		return NULL;
	}
	struct ip_partial *q object_auto(ip_partial) = add(net, flow, piece, take(p), &is_bad);
	if (q && !is_bad)
		whole = assemble(q);
	if (whole) {
		*flow = q->flow;
		ip_count(net, first + IP_REASSEMBLY_OKS);
	} else if (q || is_bad) {
		ip_count(net, first + IP_REASSEMBLY_FAILS);
	}
	return take(whole);
}

// --- those that wait too long ---------------------------------------------------------------------------------------

// One entry of a namespace's part, or with NULL one whose time is over; *net: a reference to its namespace, unless that
// ends.
static struct ip_partial *take_one(struct ip_part *part borrowed, u32 *bucket borrowed,
	struct net_namespace **net borrowed) owned;
static struct ip_partial *take_one(struct ip_part *part borrowed, u32 *bucket borrowed,
	struct net_namespace **net borrowed)
{
	const u64 now_ns = clock_monotonic_ns();
	struct ip_partials *const all = &partials;

	spin_guard(&all->lock);
	for (; *bucket < BUCKETS; (*bucket)++) {
		struct ip_partial_list *in = array_ptr(all->bucket, *bucket);
		list_for_each(ip_partial_list, q, in) {
			if (part ? q->part != part : now_ns < q->until_ns)
				continue;
			if (!part)
				*net = net_namespace_try_get(q->net);
			return take_out(all, in, q);
		}
	}
	return NULL;
}

// Who sent it is told when the first piece is there to name it.
static void expire(struct net_namespace *net, struct ip_partial *q)
{
	const u32 first = ip_is4(q->flow.source) ? 0 : IP6_FIRST;
	struct packet *p object_auto(packet) = packet_list_pop(&q->pieces);

	ip_count(net, first + IP_REASSEMBLY_TIMEOUTS);
	ip_count(net, first + IP_REASSEMBLY_FAILS);
	if (p && !start_of(p))
		ip_unreachable(net, &q->flow, IP_REASSEMBLY_TIME_EXCEEDED, take(p));
}

static u32 partials_count(void)
{
	struct ip_partials *const all = &partials;

	spin_guard(&all->lock);
	return all->count;
}

static void run_expiry(struct work *w)
{
	for (u32 bucket = 0;;) {
		struct net_namespace *net object_auto(net_namespace) = NULL;
		struct ip_partial *q object_auto(ip_partial) = take_one(NULL, &bucket, &net);
		if (!q)
			break;
		if (net)
			expire(net, q);
	}
	if (partials_count())
		timer_set(ip_reassembly_timer_cell_get(&the_timer), clock_monotonic_ns() + TICK_NS);
}

void ip_reassembly_forget(struct ip_part *part)
{
	struct net_namespace *net object_auto(net_namespace) = NULL;

	if (!atomic_u32_load(&part->fragment_count))
		return;
	for (u32 bucket = 0;;) {
		struct ip_partial *q object_auto(ip_partial) = take_one(part, &bucket, &net);
		if (!q)
			return;
	}
}

static void timer_fired(struct timer *t)
{
	work_schedule(ip_reassembly_work_cell_get(&the_work));
}

struct ip_reassembly_timer {
	struct timer base;
};
static void ip_reassembly_timer_release(struct ip_reassembly_timer *t) { }
DEFINE_DERIVED(ip_reassembly_timer, timer, ip_reassembly_timer_release)
struct ip_reassembly_work {
	struct work base;
};
static void ip_reassembly_work_release(struct ip_reassembly_work *w) { }
DEFINE_DERIVED(ip_reassembly_work, work, ip_reassembly_work_release)

err_t ip_reassembly_init(void)
{
	struct ip_reassembly_timer *t object_auto(ip_reassembly_timer) = ip_reassembly_timer_alloc();
	struct ip_reassembly_work *w object_auto(ip_reassembly_work) = ip_reassembly_work_alloc();
	struct ip_partials *const all = &partials;

	if (!t || !w)
		return -ENOMEM;
	t->base.fire = timer_fired;
	w->base.run = run_expiry;
	ip_reassembly_timer_cell_set(&the_timer, &take(t)->base);
	ip_reassembly_work_cell_set(&the_work, &take(w)->base);
	spin_guard(&all->lock);
	all->secret = random_u64();
	return OK;
}
