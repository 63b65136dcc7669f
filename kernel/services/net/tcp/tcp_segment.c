// SPDX-License-Identifier: MPL-2.0
// Segments as bytes: headers are read and written here and nowhere else. Options: RFC 9293 (MSS), RFC 7323 (window
// scale, timestamps), RFC 2018 (selective acknowledgments).
#include <services/net/tcp/tcp_segment.h>

enum tcp_option { TCP_OPTION_END = 0, TCP_OPTION_NOP = 1, TCP_OPTION_MSS = 2, TCP_OPTION_SCALE = 3,
	TCP_OPTION_SACK_PERMITTED = 4, TCP_OPTION_SACK = 5, TCP_OPTION_TIMESTAMP = 8 };
#define TIMESTAMP_BYTES 12u		// with two NOPs before it
#define SACK_BLOCK_BYTES 8u
#define OPTIONS_BYTES_MAX 40u
#define SCALE_MAX 14u

static void parse_option(struct tcp_segment *g borrowed, u32 kind, bytes_t value)
{
	if (kind == TCP_OPTION_MSS && bytes_len(value) == 2 && g->flags & TCP_SYN) {
		g->mss = bytes_get_u16be(value, 0);
	} else if (kind == TCP_OPTION_SCALE && bytes_len(value) == 1 && g->flags & TCP_SYN) {
		g->scale = min((u32)byte_at(value, 0), SCALE_MAX);
		g->has_scale = 1;
	} else if (kind == TCP_OPTION_TIMESTAMP && bytes_len(value) == 8) {
		g->timestamp = bytes_get_u32be(value, 0);
		g->echo = bytes_get_u32be(value, 4);
		g->has_timestamp = 1;
	} else if (kind == TCP_OPTION_SACK_PERMITTED && g->flags & TCP_SYN) {
		g->permits_sack = 1;
	} else if (kind == TCP_OPTION_SACK) {
		g->sack_count = min((u32)(bytes_len(value) / SACK_BLOCK_BYTES), TCP_SACK_BLOCKS);
		for (u32 i = 0; i < g->sack_count; i++)
			*array_ptr(g->sack, i) = (struct tcp_range){ bytes_get_u32be(value, i * SACK_BLOCK_BYTES),
				bytes_get_u32be(value, i * SACK_BLOCK_BYTES + 4) };
	}
}

static void parse_options(struct tcp_segment *g borrowed, bytes_t o)
{
	// What nearly every segment has, in the place where everybody puts it.
	if (bytes_len(o) == TIMESTAMP_BYTES && bytes_get_u32be(o, 0) == 0x0101080a) {
		g->timestamp = bytes_get_u32be(o, 4);
		g->echo = bytes_get_u32be(o, 8);
		g->has_timestamp = 1;
		return;
	}
	for (usize i = 0; i < bytes_len(o);) {
		const u32 kind = byte_at(o, i);
		if (kind == TCP_OPTION_END)
			return;
		if (kind == TCP_OPTION_NOP) {
			i++;
			continue;
		}
		if (i + 2 > bytes_len(o))
			return;
		const usize length = byte_at(o, i + 1);
		if (length < 2 || length > bytes_len(o) - i)
			return;
		parse_option(g, kind, bytes_slice(o, i + 2, length - 2));
		i += length;
	}
}

bool tcp_parse(struct packet *p borrowed, const struct ip_flow *flow borrowed, struct tcp_segment *g borrowed)
{
	if (!packet_require(p, TCP_HEADER_BYTES))
		return false;
	bytes_t h = packet_front(p);
	const u32 header = (u32)(byte_at(h, 12) >> 4) * 4;
	if (header < TCP_HEADER_BYTES || !packet_require(p, header))
		return false;
	if (!(p->flags & (PACKET_CHECKSUM_GOOD | PACKET_CHECKSUM_PARTIAL)) &&
		checksum_fold(packet_checksum(p, 0, ip_pseudo_sum(flow->source, flow->destination, PROTOCOL_TCP,
			packet_length(p)))))
		return false;
	h = packet_front(p);
	g->source_port = bytes_get_u16be(h, 0);
	g->destination_port = bytes_get_u16be(h, 2);
	g->seq = bytes_get_u32be(h, 4);
	g->ack = bytes_get_u32be(h, 8);
	g->flags = byte_at(h, 13) & 63u;
	g->window = bytes_get_u16be(h, 14);
	g->urgent = bytes_get_u16be(h, 18);
	if (header > TCP_HEADER_BYTES)
		parse_options(g, bytes_slice(h, TCP_HEADER_BYTES, header - TCP_HEADER_BYTES));
	packet_pull(p, header);
	g->length = packet_length(p);
	g->now_ns = clock_monotonic_ns();
	return true;
}

// --- out ------------------------------------------------------------------------------------------------------------

// As many blocks as the options have room for beside the others.
static u32 sack_blocks(const struct tcp_segment *g borrowed)
{
	const u32 room = OPTIONS_BYTES_MAX - (g->has_timestamp ? TIMESTAMP_BYTES : 0) - 4;
	return g->flags & TCP_SYN ? 0 : min(g->sack_count, room / SACK_BLOCK_BYTES);
}

static usize put_syn_options(span_t h, usize at, const struct tcp_segment *g borrowed)
{
	if (g->mss) {
		span_put_u32be(h, at, TCP_OPTION_MSS << 24 | 4u << 16 | g->mss);
		at += 4;
	}
	if (g->has_scale) {
		span_put_u32be(h, at, TCP_OPTION_NOP << 24 | TCP_OPTION_SCALE << 16 | 3u << 8 | g->scale);
		at += 4;
	}
	if (g->permits_sack) {
		span_put_u32be(h, at, 0x01010000u | TCP_OPTION_SACK_PERMITTED << 8 | 2u);
		at += 4;
	}
	return at;
}

static void put_options(span_t h, const struct tcp_segment *g borrowed)
{
	const u32 blocks = sack_blocks(g);
	usize at = g->flags & TCP_SYN ? put_syn_options(h, TCP_HEADER_BYTES, g) : TCP_HEADER_BYTES;

	if (g->has_timestamp) {
		span_put_u32be(h, at, 0x0101080a);
		span_put_u32be(h, at + 4, g->timestamp);
		span_put_u32be(h, at + 8, g->echo);
		at += TIMESTAMP_BYTES;
	}
	if (!blocks)
		return;
	span_put_u32be(h, at, 0x01010000u | TCP_OPTION_SACK << 8 | (2 + blocks * SACK_BLOCK_BYTES));
	for (u32 i = 0; i < blocks; i++) {
		span_put_u32be(h, at + 4 + i * SACK_BLOCK_BYTES, array_ptr(g->sack, i)->start);
		span_put_u32be(h, at + 8 + i * SACK_BLOCK_BYTES, array_ptr(g->sack, i)->end);
	}
}

static u32 options_length(const struct tcp_segment *g borrowed)
{
	const u32 blocks = sack_blocks(g);
	u32 length = g->has_timestamp ? TIMESTAMP_BYTES : 0;

	if (g->flags & TCP_SYN)
		length += (g->mss ? 4u : 0u) + (g->has_scale ? 4u : 0u) + (g->permits_sack ? 4u : 0u);
	return length + (blocks ? 4 + blocks * SACK_BLOCK_BYTES : 0);
}

void tcp_put_header(struct packet *p borrowed, const struct ip_flow *flow borrowed,
	const struct tcp_segment *g borrowed)
{
	const u32 options = options_length(g);
	span_t h = packet_push(p, TCP_HEADER_BYTES + options);

	span_put_u32be(h, 0, g->source_port << 16 | g->destination_port);
	span_put_u32be(h, 4, g->seq);
	span_put_u32be(h, 8, g->ack);
	span_put_u32be(h, 12, (TCP_HEADER_BYTES + options) / 4 << 28 | g->flags << 16 | g->window);
	put_options(h, g);
	const u32 sum = ip_pseudo_sum(flow->source, flow->destination, PROTOCOL_TCP, packet_length(p));
	span_put_u32be(h, 16, sum << 16 | g->urgent);
	p->flags |= PACKET_CHECKSUM_PARTIAL;
	p->checksum_start = p->head_start;
	p->checksum_offset = 16;
}

// Of RFC 9293, 3.10.7.1: a segment for nobody is answered by a reset that the sender will accept.
struct packet *tcp_refusal(struct net_namespace *net, const struct ip_flow *back borrowed,
	const struct tcp_segment *g borrowed)
{
	struct tcp_segment answer = { .source_port = g->destination_port, .destination_port = g->source_port,
		.flags = TCP_RST };

	if (g->flags & TCP_RST)
		return NULL;
	if (g->flags & TCP_ACK) {
		answer.seq = g->ack;
	} else {
		answer.flags |= TCP_ACK;
		answer.ack = g->seq + g->length + (g->flags & TCP_SYN ? 1 : 0) + (g->flags & TCP_FIN ? 1 : 0);
	}
	struct packet *p object_auto(packet) = packet_create(PACKET_HEADROOM);
	if (!p)
		return NULL;
	tcp_put_header(p, back, &answer);
	ip_count(net, TCP_OUT_RESETS);
	return take(p);
}

void tcp_refuse(struct net_namespace *net, const struct ip_flow *flow borrowed, const struct tcp_segment *g borrowed)
{
	const struct ip_flow back = { .source = flow->destination, .destination = flow->source,
		.protocol = PROTOCOL_TCP, .flags = IP_DONT_FRAGMENT };

	if (ip_is_multicast(flow->destination))
		return;
	struct packet *p object_auto(packet) = tcp_refusal(net, &back, g);
	if (!p)
		return;
	ip_count(net, TCP_OUT_SEGMENTS);
	const err_t err = ip_output(net, &back, take(p));
	(void)err;	// the sender will try again
}
