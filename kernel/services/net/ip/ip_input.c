// SPDX-License-Identifier: MPL-2.0
// Input: the header is checked, and what is for us goes to its transport.
#include <services/net/ip/ip_internal.h>

// The header's flow and length; false when it is damaged.
static bool parse4(struct packet *p borrowed, struct ip_flow *flow borrowed, struct ip_piece *piece borrowed)
{
	if (!packet_require(p, IP4_HEADER))
		return false;
	bytes_t h = packet_front(p);
	const u32 header = (u32)(byte_at(h, 0) & 15) * 4, length = bytes_get_u16be(h, 2);
	if (byte_at(h, 0) >> 4 != 4 || header < IP4_HEADER || length < header || length > packet_length(p) ||
		!packet_require(p, header))
		return false;
	h = packet_front(p);
	if (!(p->flags & PACKET_LOOPBACK) && checksum_fold(checksum_add(0, bytes_first(h, header))) != 0)
		return false;
	flow->source = ip_from4(bytes_get_u32be(h, 12));
	flow->destination = ip_from4(bytes_get_u32be(h, 16));
	piece->id = bytes_get_u16be(h, 4);
	piece->offset = (bytes_get_u16be(h, 6) & 0x1fffu) * 8;
	piece->is_more = bytes_get_u16be(h, 6) & 0x2000;
	flow->tos = byte_at(h, 1);
	flow->ttl = byte_at(h, 8);
	flow->protocol = byte_at(h, 9);
	p->network = p->head_start;
	packet_trim(p, length);
	packet_pull(p, header);
	p->transport = p->head_start;
	return true;
}

// The header of a piece, which comes first of all behind IPv6's own: nobody here makes others.
static bool parse_piece6(struct packet *p borrowed, struct ip_flow *flow borrowed, struct ip_piece *piece borrowed)
{
	if (!packet_require(p, IP6_FRAGMENT_HEADER))
		return false;
	bytes_t h = packet_front(p);
	flow->protocol = byte_at(h, 0);
	piece->offset = bytes_get_u16be(h, 2) & ~7u;
	piece->is_more = bytes_get_u16be(h, 2) & 1;
	piece->id = bytes_get_u32be(h, 4);
	packet_pull(p, IP6_FRAGMENT_HEADER);
	p->transport = p->head_start;
	return !(piece->is_more && packet_length(p) & 7);
}

static bool parse6(struct packet *p borrowed, struct ip_flow *flow borrowed, struct ip_piece *piece borrowed)
{
	if (!packet_require(p, IP6_HEADER))
		return false;
	bytes_t h = packet_front(p);
	const u32 length = bytes_get_u16be(h, 4);
	if (byte_at(h, 0) >> 4 != 6 || length > packet_length(p) - IP6_HEADER)
		return false;
	flow->source = ip_get6(h, 8);
	flow->destination = ip_get6(h, 24);
	flow->tos = bytes_get_u16be(h, 0) >> 4 & 0xff;
	flow->ttl = byte_at(h, 7);
	flow->protocol = byte_at(h, 6);
	// A mapped address on the wire would be taken for the IPv4 address (RFC 4942, 2.2).
	if (ip_is4(flow->source) || ip_is4(flow->destination))
		return false;
	p->network = p->head_start;
	packet_trim(p, length + IP6_HEADER);
	packet_pull(p, IP6_HEADER);
	p->transport = p->head_start;
	return flow->protocol != PROTOCOL_FRAGMENT || parse_piece6(p, flow, piece);
}

struct ip_raw_ops {
	bool (*see)(struct net_namespace *net, const struct ip_flow *flow borrowed, const struct packet *p borrowed);
};
static struct spinlock raw_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct ip_raw_ops raw_ops GUARDED_BY(raw_lock);

void ip_raw_register(bool (*see)(struct net_namespace *net, const struct ip_flow *flow borrowed,
	const struct packet *p borrowed))
{
	spin_guard(&raw_lock);
	raw_ops.see = see;
}

static struct ip_raw_ops raw_now(void)
{
	spin_guard(&raw_lock);
	return raw_ops;
}

void ip_deliver(struct net_namespace *net, const struct ip_flow *flow borrowed, struct packet *packet consumes)
{
	struct packet *p object_auto(packet) = packet;
	const struct ip_transport *t = ip_transport_find(flow->protocol);
	const u32 first = ip_is4(flow->destination) ? 0 : IP6_FIRST;
	const struct ip_raw_ops raw = raw_now();
	const bool is_seen = raw.see && raw.see(net, flow, p);

	if (!t && is_seen) {
		ip_count(net, first + IP_IN_DELIVERS);
		return;
	}
	if (!t) {
		ip_count(net, first + IP_IN_UNKNOWN_PROTOCOLS);
		ip_unreachable(net, flow, IP_UNREACHABLE_PROTOCOL, take(p));
		return;
	}
	ip_count(net, first + IP_IN_DELIVERS);
	t->input(net, flow, take(p));
}

void ip_input(struct net_namespace *net, u32 interface, struct packet *packet consumes)
{
	struct packet *p object_auto(packet) = packet;
	struct ip_flow flow = { .interface = interface };
	struct ip_piece piece = { };
	const bool is4 = p->ethertype == ETHERTYPE_IP4;
	const u32 first = is4 ? 0 : IP6_FIRST;

	ip_count(net, first + IP_IN_RECEIVES);
	if (!(is4 ? parse4(p, &flow, &piece) : parse6(p, &flow, &piece))) {
		ip_count(net, first + IP_IN_HEADER_ERRORS);
		return;
	}
	const u32 type = p->flags & PACKET_LOOPBACK ? ROUTE_LOCAL : net_address_type(net, flow.destination);
	if (type == ROUTE_BROADCAST)
		p->flags |= PACKET_BROADCAST;
	if (type != ROUTE_LOCAL && type != ROUTE_BROADCAST && !ip_is_multicast(flow.destination)) {
		if (is4 && ip_forwards(net)) {
			ip_forward(net, &flow, &piece, take(p));
			return;
		}
		ip_count(net, first + IP_IN_ADDRESS_ERRORS);
		return;
	}
	if (piece.is_more || piece.offset) {
		struct packet *whole object_auto(packet) = ip_reassemble(net, &flow, &piece, take(p));
		if (whole)
			ip_deliver(net, &flow, take(whole));
		return;
	}
	ip_deliver(net, &flow, take(p));
}
