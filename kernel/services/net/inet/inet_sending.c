// SPDX-License-Identifier: MPL-2.0
// Where a datagram goes: address, options and control messages become a flow with its route.
#include <services/net/inet/inet_datagram.h>

#define LEVEL_IP 0u
#define LEVEL_IP6 41u
enum { SEND_IP_TOS = 1, SEND_IP_TTL = 2, SEND_IP_PACKET_INFO = 8, SEND_IP6_PACKET_INFO = 50, SEND_IP6_HOP_LIMIT = 52,
	SEND_IP6_CLASS = 67 };

static u32 number_of(bytes_t data)
{
	return bytes_len(data) >= 4 ? bytes_get_u32le(data, 0) : bytes_len(data) ? byte_at(data, 0) : 0;
}

static err_t take_one(struct ip_flow *flow borrowed, u32 level, u32 type, bytes_t data)
{
	const u32 number = number_of(data);

	if (level == LEVEL_IP && type == SEND_IP_TTL) {
		flow->ttl = number;
		return number >= 1 && number <= 255 ? OK : -EINVAL;
	}
	if (level == LEVEL_IP6 && type == SEND_IP6_HOP_LIMIT) {
		if (number != U32_MAX)
			flow->ttl = number;
		return number == U32_MAX || number <= 255 ? OK : -EINVAL;
	}
	if ((level == LEVEL_IP && type == SEND_IP_TOS) || (level == LEVEL_IP6 && type == SEND_IP6_CLASS)) {
		flow->tos = number & 0xff;
		return number <= 255 ? OK : -EINVAL;
	}
	if (level == LEVEL_IP && type == SEND_IP_PACKET_INFO) {
		if (bytes_len(data) < 12)
			return -EINVAL;
		if (number)
			flow->interface = number;
		if (bytes_get_u32be(data, 4))
			flow->source = ip_from4(bytes_get_u32be(data, 4));
		return OK;
	}
	if (level == LEVEL_IP6 && type == SEND_IP6_PACKET_INFO) {
		if (bytes_len(data) < 20)
			return -EINVAL;
		if (bytes_get_u32le(data, 16))
			flow->interface = bytes_get_u32le(data, 16);
		if (!ip_is_any(ip_get6(data, 0)))
			flow->source = ip_get6(data, 0);
		return OK;
	}
	return -EINVAL;
}

static err_t take_control(struct ip_flow *flow borrowed, const struct socket_control *c)
{
	bytes_t all = bytes_first(array_bytes(c->extra), c->extra_length);

	for (usize at = 0; at + SOCKET_CONTROL_HEADER <= bytes_len(all);) {
		const u32 length = bytes_get_u32le(all, at + 8);
		const err_t err = take_one(flow, bytes_get_u32le(all, at), bytes_get_u32le(all, at + 4),
			bytes_slice(all, at + SOCKET_CONTROL_HEADER, length));
		if (err)
			return err;
		at += SOCKET_CONTROL_HEADER + ((length + 3) & ~3u);
	}
	return OK;
}

err_t inet_sending_begin(struct socket *s, const struct inet_endpoint *local borrowed,
	const struct inet_endpoint *connected borrowed, struct socket_message *m borrowed,
		struct inet_sending *out borrowed)
{
	err_t err = OK;

	out->to = *connected;
	if (bytes_len(m->address))
		err = inet_address_parse(s, m->address, &out->to);
	else if (!connected->port && ip_is_any(connected->address))
		err = -EDESTADDRREQ;
	if (err)
		return err;
	if (ip_is_any(out->to.address))		// "any" means this machine
		out->to.address = ip_is4(out->to.address) || s->family == FAMILY_INET ? ip_from4(IP4_LOOPBACK)
										  : ip_loopback6();
	const bool is4 = ip_is4(out->to.address);
	struct ip_flow *flow = &out->flow;
	flow->destination = out->to.address;
	flow->source = is4 ? ip_any4() : ip_any6();
	if (!ip_is_any(local->address))
		flow->source = local->address;
	flow->interface = out->to.interface;
	inet_flow_options(inet_options_of(s), flow);
	if (m->control)
		err = take_control(flow, m->control);
	if (!err && ip_is4(flow->source) != is4)
		err = -EINVAL;
	if (!err && socket_has(s, SOCKET_DONT_ROUTE))
		flow->flags |= IP_DONT_ROUTE;
	if (!err)
		err = ip_route_query(s->net, flow, &out->route);
	if (err)
		return err;
	if (out->route.is_broadcast && !socket_has(s, SOCKET_BROADCAST))
		return -EACCES;
	flow->source = out->route.source;
	return OK;
}
