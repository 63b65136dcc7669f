// SPDX-License-Identifier: MPL-2.0
#include <services/net/ip/icmp.h>
#include <services/net/raw/raw_internal.h>

#define RAW_MAX 65535u
#define ICMP_HEADER 8u

static err_t begin(struct socket *s, struct raw_socket *r, struct socket_message *m borrowed,
	struct inet_sending *to borrowed)
{
	const struct inet_endpoint own = raw_local(r), peer = raw_peer(r);
	err_t err = inet_queue_take_error(&r->queue);

	if (!err && !inet_queue_may_send(&r->queue))
		err = -EPIPE;
	if (!err && m->flags & MESSAGE_OOB)
		err = -EOPNOTSUPP;
	if (!err && iobuf_remaining(m->data) > RAW_MAX)
		err = -EMSGSIZE;
	if (!err)
		err = inet_sending_begin(s, &own, &peer, m, to);
	to->flow.protocol = s->protocol;
	return err;
}

// IPV6_CHECKSUM, and always for ICMPv6: the kernel fills it in.
static err_t put_checksum(struct packet *p borrowed, const struct ip_flow *flow borrowed, u32 at)
{
	if (at + 2 > packet_length(p) || !packet_require(p, at + 2))
		return -EINVAL;
	span_t h = packet_front_span(p);
	span_put_u16be(h, at, 0);
	const u32 sum = ip_pseudo_sum(flow->source, flow->destination, flow->protocol, packet_length(p));
	span_put_u16be(h, at, checksum_fold(packet_checksum(p, 0, sum)));
	return OK;
}

ssize_r raw_send(struct socket *s, struct socket_message *m borrowed)
{
	struct raw_socket *r = raw_of(s);
	struct inet_sending to = { };
	const u32 length = (u32)min(iobuf_remaining(m->data), (usize)RAW_MAX + 1);
	err_t err = begin(s, r, m, &to);

	if (err)
		return (ssize_r)err;
	struct packet *p object_auto(packet) = packet_create(PACKET_HEADROOM);
	err = p ? packet_append_from(p, m->data, length) : -ENOMEM;
	const u32 checksum_at = atomic_u32_load_relaxed(&r->checksum_at);
	if (!err && s->family == FAMILY_INET6 && !ip_is4(to.flow.destination)) {
		if (s->protocol == PROTOCOL_ICMP6)
			err = put_checksum(p, &to.flow, 2);
		else if (checksum_at)
			err = put_checksum(p, &to.flow, checksum_at - 1);
	}
	if (!err && inet_has(r->options, INET_HEADER_INCLUDED))
		to.flow.flags |= IP_HEADER_INCLUDED;
	if (!err)
		err = ip_output(s->net, &to.flow, take(p));
	return err ? (ssize_r)err : (ssize_r)length;
}

// The identifier is the socket's, whatever the message says.
ssize_r ping_send(struct socket *s, struct socket_message *m borrowed)
{
	struct raw_socket *r = raw_of(s);
	struct inet_sending to = { };
	const u32 length = (u32)min(iobuf_remaining(m->data), (usize)RAW_MAX + 1);
	err_t err = begin(s, r, m, &to);

	if (!err && length < ICMP_HEADER)
		err = -EINVAL;
	if (!err && !raw_local(r).port)
		err = raw_take_identifier(r, 0);
	if (err)
		return (ssize_r)err;
	struct packet *p object_auto(packet) = packet_create(PACKET_HEADROOM);
	err = p ? packet_append_from(p, m->data, length) : -ENOMEM;
	if (!err && !packet_require(p, ICMP_HEADER))
		err = -EINVAL;
	if (err)
		return (ssize_r)err;
	const bool is4 = s->family == FAMILY_INET;
	span_t h = packet_front_span(p);
	if (bytes_get_u16be(bytes_of(h), 0) != (is4 ? ICMP_ECHO : ICMP6_ECHO) << 8)
		return -EINVAL;
	span_put_u16be(h, 4, (u16)raw_local(r).port);
	span_put_u16be(h, 2, 0);
	const u32 sum = is4 ? 0 : ip_pseudo_sum(to.flow.source, to.flow.destination, PROTOCOL_ICMP6, length);
	span_put_u16be(h, 2, checksum_fold(packet_checksum(p, 0, sum)));
	err = ip_output(s->net, &to.flow, take(p));
	return err ? (ssize_r)err : (ssize_r)length;
}
