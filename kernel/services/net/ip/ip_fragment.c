// SPDX-License-Identifier: MPL-2.0
// Cutting what does not fit into a link (RFC 791 3.2, RFC 8200 4.5). The first piece is copied, since its front lies in
// the packet's head; the others share the data of the whole.
#include <services/net/ip/ip_internal.h>

// The bytes from `offset` on as a packet of their own; NULL without memory.
static struct packet *piece_create(const struct packet *p borrowed, u32 offset, u32 length) owned;
static struct packet *piece_create(const struct packet *p borrowed, u32 offset, u32 length)
{
	struct packet *piece object_auto(packet) = packet_create(PACKET_HEADROOM);
	const u32 front = (u32)(p->head_end - p->head_start);
	u8 part[256];

	if (!piece)
		return NULL;
	piece->mark = p->mark;
	piece->priority = p->priority;
	if (offset >= front && p->data) {
		packet_attach(piece, p->data, p->data_start + (offset - front), length);
		return take(piece);
	}
	struct packet_data *d object_auto(packet_data) = packet_data_create(length);
	if (!d)
		return NULL;
	for (u32 done = 0; done < length;) {
		span_t s = span_first(array_span(part), min(length - done, (u32)sizeof(part)));
		packet_read(p, offset + done, s);
		packet_data_write(d, done, bytes_of(s));
		done += (u32)span_len(s);
	}
	packet_attach(piece, d, 0, length);
	return take(piece);
}

static void put_piece_header4(struct packet *p borrowed, const struct ip_cut *cut borrowed, u32 offset, bool is_more)
{
	const u32 length = packet_length(p) + IP4_HEADER;
	span_t h = packet_push(p, IP4_HEADER);

	span_copy(h, bytes_first(array_bytes(cut->header), IP4_HEADER));
	span_at(h, 0) = 0x45;
	span_put_u16be(h, 2, (u16)length);
	span_put_u16be(h, 6, (u16)((is_more ? 0x2000u : 0) | offset / 8));
	span_put_u16be(h, 10, 0);
	span_put_u16be(h, 10, checksum_fold(checksum_add(0, bytes_of(h))));
	p->ethertype = ETHERTYPE_IP4;
}

static void put_piece_header6(struct packet *p borrowed, const struct ip_cut *cut borrowed, u32 offset, bool is_more)
{
	bytes_t whole = array_bytes(cut->header);
	span_t f = packet_push(p, IP6_FRAGMENT_HEADER);

	span_put_u16be(f, 0, (u16)(byte_at(whole, 6) << 8));
	span_put_u16be(f, 2, (u16)(offset | (is_more ? 1u : 0)));
	span_put_u32be(f, 4, cut->id);
	const u32 length = packet_length(p);
	span_t h = packet_push(p, IP6_HEADER);
	span_copy(h, bytes_first(whole, IP6_HEADER));
	span_put_u16be(h, 4, (u16)length);
	span_at(h, 6) = (u8)PROTOCOL_FRAGMENT;
	p->ethertype = ETHERTYPE_IP6;
}

static void piece_send(struct net_namespace *net, const struct net_route_answer *route borrowed,
	struct packet *p consumes)
{
	if (route->type == ROUTE_LOCAL)
		ip_loopback_send(net, p);
	else
		net_device_send_ip(route->device, route->next_hop, p);
}

err_t ip_fragment(struct net_namespace *net, const struct net_route_answer *route borrowed,
	const struct ip_cut *cut borrowed, u32 mtu, struct packet *packet consumes)
{
	struct packet *p object_auto(packet) = packet;
	const bool is4 = byte_at(array_bytes(cut->header), 0) >> 4 == 4;
	const u32 first = is4 ? 0 : IP6_FIRST, overhead = is4 ? IP4_HEADER : IP6_HEADER + IP6_FRAGMENT_HEADER;
	const u32 total = packet_length(p);

	if (mtu < overhead + 8)
		return -EMSGSIZE;
	const u32 most = (mtu - overhead) & ~7u;
	for (u32 at = 0; at < total;) {
		const u32 n = min(most, total - at);
		const bool is_more = at + n < total || cut->is_more;
		struct packet *piece object_auto(packet) = piece_create(p, at, n);
		if (!piece) {
			ip_count(net, first + IP_FRAGMENT_FAILS);
			return -ENOBUFS;
		}
		piece->transport = piece->head_start;
		if (is4)
			put_piece_header4(piece, cut, cut->offset + at, is_more);
		else
			put_piece_header6(piece, cut, cut->offset + at, is_more);
		piece->network = piece->head_start;
		ip_count(net, first + IP_FRAGMENT_CREATES);
		piece_send(net, route, take(piece));
		at += n;
	}
	ip_count(net, first + IP_FRAGMENT_OKS);
	return OK;
}
