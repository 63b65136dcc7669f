// SPDX-License-Identifier: MPL-2.0
// Output: the route, the header, and away.
#include <services/net/ip/ip_internal.h>

#define LINK_HEADROOM 16u

u32 ip_pseudo_sum(struct ip_address source, struct ip_address destination, u32 protocol, u32 length)
{
	u8 raw[40];
	span_t r = array_span(raw);

	if (ip_is4(source)) {
		span_put_u32be(r, 0, ip_to4(source));
		span_put_u32be(r, 4, ip_to4(destination));
		span_put_u32be(r, 8, protocol << 16 | length);
		return checksum_add(0, bytes_of(span_first(r, 12)));
	}
	ip_put6(r, 0, source);
	ip_put6(r, 16, destination);
	span_put_u32be(r, 32, length);
	span_put_u32be(r, 36, protocol);
	return checksum_add(0, bytes_of(r));
}

static void put_header4(struct net_namespace *net, const struct ip_flow *flow borrowed, struct ip_address source,
	struct packet *p borrowed, u32 ttl)
{
	const u32 length = packet_length(p) + IP4_HEADER;
	const bool is_whole = flow->flags & IP_DONT_FRAGMENT;
	span_t h = packet_push(p, IP4_HEADER);

	span_put_u16be(h, 0, (u16)(0x4500 | flow->tos));
	span_put_u16be(h, 2, (u16)length);
	span_put_u16be(h, 4, is_whole ? (u16)0 : (u16)atomic_u32_add(&ip_part_of(net)->next_id, 1));
	span_put_u16be(h, 6, is_whole ? 0x4000 : 0);
	span_put_u16be(h, 8, (u16)(ttl << 8 | flow->protocol));
	span_put_u16be(h, 10, 0);
	span_put_u32be(h, 12, ip_to4(source));
	span_put_u32be(h, 16, ip_to4(flow->destination));
	span_put_u16be(h, 10, checksum_fold(checksum_add(0, bytes_of(h))));
	p->ethertype = ETHERTYPE_IP4;
}

static void put_header6(const struct ip_flow *flow borrowed, struct ip_address source, struct packet *p borrowed,
	u32 ttl)
{
	const u32 length = packet_length(p);
	span_t h = packet_push(p, IP6_HEADER);

	span_put_u32be(h, 0, 6u << 28 | flow->tos << 20);
	span_put_u16be(h, 4, (u16)length);
	span_put_u16be(h, 6, (u16)(flow->protocol << 8 | ttl));
	ip_put6(h, 8, source);
	ip_put6(h, 24, flow->destination);
	p->ethertype = ETHERTYPE_IP6;
}

// IP_HDRINCL (raw(7)): the packet has its header; length, checksum and what is zero are filled in.
static err_t complete_header4(struct net_namespace *net, struct ip_address source, struct packet *p borrowed)
{
	if (!packet_require(p, IP4_HEADER))
		return -EINVAL;
	const u32 header = (u32)(byte_at(packet_front(p), 0) & 15) * 4;
	if (header < IP4_HEADER || !packet_require(p, header))
		return -EINVAL;
	span_t h = span_first(packet_front_span(p), header);
	span_put_u16be(h, 2, (u16)packet_length(p));
	if (!bytes_get_u16be(bytes_of(h), 4))
		span_put_u16be(h, 4, (u16)atomic_u32_add(&ip_part_of(net)->next_id, 1));
	if (!bytes_get_u32be(bytes_of(h), 12))
		span_put_u32be(h, 12, ip_to4(source));
	span_put_u16be(h, 10, 0);
	span_put_u16be(h, 10, checksum_fold(checksum_add(0, bytes_of(h))));
	p->ethertype = ETHERTYPE_IP4;
	return OK;
}

static err_t put_header(struct net_namespace *net, const struct ip_flow *flow borrowed, struct ip_address source,
	struct packet *p borrowed)
{
	const u32 ttl = flow->ttl ? flow->ttl : atomic_u32_load_relaxed(&ip_part_of(net)->settings.ttl);

	if (flow->flags & IP_HEADER_INCLUDED && ip_is4(flow->destination))
		return complete_header4(net, source, p);
	if (ip_is4(flow->destination))
		put_header4(net, flow, source, p, ttl);
	else
		put_header6(flow, source, p, ttl);
	return OK;
}

static bool must_stay_whole(const struct ip_flow *flow borrowed, u32 length)
{
	return flow->flags & (IP_DONT_FRAGMENT | IP_KEEP_WHOLE | IP_HEADER_INCLUDED) ||
		length + (ip_is4(flow->destination) ? IP4_HEADER : 0) > IP_PACKET_MAX;
}

// More than the path takes: in pieces, each with the header of the whole (RFC 6864: all have one number).
static no_inline err_t output_large(struct net_namespace *net, const struct ip_flow *flow borrowed,
	const struct net_route_answer *route borrowed, u32 mtu, struct packet *packet consumes)
{
	struct packet *p object_auto(packet) = packet;
	struct ip_cut cut = { };
	const bool is4 = ip_is4(flow->destination);

	if (must_stay_whole(flow, packet_length(p))) {
		ip_count(net, (is4 ? 0 : IP6_FIRST) + IP_FRAGMENT_FAILS);
		return -EMSGSIZE;
	}
	if (!packet_reserve(p, IP6_HEADER))
		return -ENOBUFS;
	packet_checksum_finish(p);
	const err_t err = put_header(net, flow, flow->source, p);
	if (err)
		return err;
	const u32 header = is4 ? IP4_HEADER : IP6_HEADER;
	span_copy(span_first(array_span(cut.header), header), bytes_first(packet_front(p), header));
	packet_pull(p, header);
	if (!is4)
		cut.id = atomic_u32_add(&ip_part_of(net)->next_id6, 1);
	return ip_fragment(net, route, &cut, mtu, take(p));
}

err_t ip_output(struct net_namespace *net, const struct ip_flow *flow borrowed, struct packet *packet consumes)
{
	struct packet *p object_auto(packet) = packet;
	const bool is4 = ip_is4(flow->destination);
	const u32 header = flow->flags & IP_HEADER_INCLUDED ? 0 : is4 ? IP4_HEADER : IP6_HEADER;
	struct net_route_answer route net_route_answer_auto = { };
	err_t err = ip_route_find(net, flow, &route);

	ip_count(net, is4 ? IP_OUT_REQUESTS : IP6_FIRST + IP_OUT_REQUESTS);
	if (err) {
		ip_count(net, is4 ? IP_OUT_NO_ROUTES : IP6_FIRST + IP_OUT_NO_ROUTES);
		return err;
	}
	const struct ip_path_answer path = flow->flags & IP_IGNORE_PATH ? (struct ip_path_answer){ .mtu = U32_MAX }
		: ip_path_find(net, flow->destination);
	const u32 mtu = min(min(route.mtu, path.mtu), IP_PACKET_MAX);
	struct ip_flow sent = *flow;
	sent.source = ip_is_any(flow->source) ? route.source : flow->source;
	if (packet_length(p) + header > mtu)
		return output_large(net, &sent, &route, mtu, take(p));
	if (path.is_locked)
		sent.flags &= ~(u32)IP_DONT_FRAGMENT;
	else if (sent.flags & IP_WHOLE_ON_THE_WAY)
		sent.flags |= IP_DONT_FRAGMENT;
	if (!packet_reserve(p, header + LINK_HEADROOM))
		return -ENOBUFS;
	p->transport = p->head_start;
	err = put_header(net, &sent, sent.source, p);
	if (err)
		return err;
	p->network = p->head_start;
	if (route.type == ROUTE_LOCAL)
		ip_loopback_send(net, take(p));
	else
		net_device_send_ip(route.device, route.next_hop, take(p));
	return OK;
}
