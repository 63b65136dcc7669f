// SPDX-License-Identifier: MPL-2.0
// A packet that is for somebody else, while net.ipv4.ip_forward is 1: one hop less to live, and out by its route. The
// sender is told when it lived too long, when there is no route, or when it is too big for the next link and must not
// be cut. Pieces but the first go without the header's options. source: RFC 1812 chapters 4.3 and 5.2
#include <services/net/ip/ip_internal.h>

#define LINK_HEADROOM 16u
#define NETWORK_OF_THIS_MACHINE 127u
#define NETWORK_ZERO 0u

bool ip_forwards(struct net_namespace *net)
{
	return atomic_u32_load_relaxed(&net->all_settings.forwarding);
}

// Is this an address that a packet on a wire may come from or go to, and not one of ours?
static bool may_travel(struct net_namespace *net, const struct ip_flow *flow borrowed)
{
	const u32 from = ip_to4(flow->source) >> 24, to = ip_to4(flow->destination) >> 24;

	return from != NETWORK_OF_THIS_MACHINE && to != NETWORK_OF_THIS_MACHINE && from != NETWORK_ZERO &&
		to != NETWORK_ZERO && !ip_is_multicast(flow->source) && !net_address_type(net, flow->source);
}

// The header again in front of the content, with a hop less and another checksum.
static void put_hop(struct packet *p borrowed)
{
	const u32 header = (u32)(p->head_start - p->network);
	span_t h = packet_push(p, header);

	span_at(h, 8)--;
	span_put_u16be(h, 10, 0);
	span_put_u16be(h, 10, checksum_fold(checksum_add(0, bytes_of(h))));
	p->ethertype = ETHERTYPE_IP4;
}

static void tell_sender(struct net_namespace *net, const struct ip_flow *flow borrowed, err_t why,
	struct packet *packet consumes)
{
	struct packet *p object_auto(packet) = packet;
	const enum ip_unreachable_kind kind = why == -ENETUNREACH ? IP_UNREACHABLE_NET : IP_UNREACHABLE_HOST;

	if (why != -EINVAL)	// a black hole says nothing
		ip_unreachable(net, flow, kind, take(p));
}

static bool may_be_cut(const struct packet *p borrowed)
{
	bytes_t h = bytes_slice(array_bytes(p->head), p->network, IP4_HEADER);

	return !(bytes_get_u16be(h, 6) & 0x4000);
}

// Too big for the next link: in pieces, or back to the sender.
static no_inline void forward_large(struct net_namespace *net, const struct ip_flow *flow borrowed,
	const struct ip_piece *piece borrowed, const struct net_route_answer *route borrowed,
	struct packet *packet consumes)
{
	struct packet *p object_auto(packet) = packet;
	struct ip_cut cut = { .offset = piece->offset, .is_more = piece->is_more };

	if (!may_be_cut(p)) {
		ip_count(net, IP_FRAGMENT_FAILS);
		p->control = route->mtu;
		ip_unreachable(net, flow, IP_TOO_BIG, take(p));
		return;
	}
	span_copy(span_first(array_span(cut.header), IP4_HEADER),
		bytes_slice(array_bytes(p->head), p->network, IP4_HEADER));
	span_at(array_span(cut.header), 8)--;
	packet_checksum_finish(p);
	ip_count(net, IP_FORWARDED);
	const err_t err = ip_fragment(net, route, &cut, route->mtu, take(p));
	(void)err;	// counted; a router tells nobody
}

void ip_forward(struct net_namespace *net, const struct ip_flow *flow borrowed, const struct ip_piece *piece borrowed,
	struct packet *packet consumes)
{
	struct packet *p object_auto(packet) = packet;
	struct net_route_answer route net_route_answer_auto = { };
	const struct ip_flow onward = { .source = flow->source, .destination = flow->destination, .tos = flow->tos };

	if (p->flags & (PACKET_BROADCAST | PACKET_MULTICAST | PACKET_OTHER_HOST) || !may_travel(net, flow)) {
		ip_count(net, IP_IN_ADDRESS_ERRORS);
		return;
	}
	if (flow->ttl <= 1) {
		ip_count(net, IP_IN_HEADER_ERRORS);
		ip_unreachable(net, flow, IP_TIME_EXCEEDED, take(p));
		return;
	}
	const err_t err = ip_route_find(net, &onward, &route);
	if (err) {
		ip_count(net, IP_OUT_NO_ROUTES);
		tell_sender(net, flow, err, take(p));
		return;
	}
	if (route.type != ROUTE_UNICAST)
		return;
	if (packet_length(p) + (u32)(p->head_start - p->network) > route.mtu) {
		forward_large(net, flow, piece, &route, take(p));
		return;
	}
	put_hop(p);
	if (!packet_reserve(p, LINK_HEADROOM)) {
		ip_count(net, IP_OUT_DISCARDS);
		return;
	}
	ip_count(net, IP_FORWARDED);
	net_device_send_ip(route.device, route.next_hop, take(p));
}
