// SPDX-License-Identifier: MPL-2.0
// Datagrams in and out.
#include <services/net/udp/udp_internal.h>

// --- in -------------------------------------------------------------------------------------------------------------

static bool is_damaged(const struct packet *p borrowed, const struct ip_flow *flow borrowed, u32 length)
{
	if (p->flags & (PACKET_CHECKSUM_GOOD | PACKET_CHECKSUM_PARTIAL))
		return false;
	if (bytes_get_u16be(packet_front(p), 6) == 0)
		return !ip_is4(flow->source);	// IPv4 may go without
	return checksum_fold(packet_checksum(
		p, 0, ip_pseudo_sum(flow->source, flow->destination, PROTOCOL_UDP, length)));
}

static void deliver(struct net_namespace *net, struct udp_socket *u, const struct ip_flow *flow borrowed,
	u32 source_port,
	struct packet *p consumes)
{
	ip_count(net, inet_queue_put(&u->queue, flow, source_port, p) ? UDP_IN : UDP_RECEIVE_BUFFER_ERRORS);
}

static void deliver_to_all(struct net_namespace *net, const struct ip_flow *flow borrowed,
	const struct inet_endpoint *local borrowed, const struct inet_endpoint *remote borrowed,
		struct packet *p borrowed)
{
	for (u32 n = 0;; n++) {
		struct udp_socket *u object_auto(udp_socket) = udp_find_nth(net, local, remote, n);
		if (!u)
			return;
		struct packet *copy object_auto(packet) = packet_clone(p);
		if (!copy)
			return;
		deliver(net, u, flow, remote->port, take(copy));
	}
}

void udp_input(struct net_namespace *net, const struct ip_flow *flow borrowed, struct packet *packet consumes)
{
	struct packet *p object_auto(packet) = packet;

	if (!packet_require(p, UDP_HEADER_BYTES)) {
		ip_count(net, UDP_IN_ERRORS);
		return;
	}
	bytes_t h = packet_front(p);
	const u32 length = bytes_get_u16be(h, 4);
	const struct inet_endpoint remote = { flow->source, bytes_get_u16be(h, 0), 0 };
	const struct inet_endpoint local = { flow->destination, bytes_get_u16be(h, 2), flow->interface };
	if (length < UDP_HEADER_BYTES || length > packet_length(p)) {
		ip_count(net, UDP_IN_ERRORS);
		return;
	}
	packet_trim(p, length);
	if (is_damaged(p, flow, length)) {
		ip_count(net, UDP_IN_CHECKSUM_ERRORS);
		return;
	}
	if (ip_is_multicast(flow->destination) || p->flags & PACKET_BROADCAST) {
		packet_pull(p, UDP_HEADER_BYTES);
		deliver_to_all(net, flow, &local, &remote, p);
		return;
	}
	struct udp_socket *u object_auto(udp_socket) = udp_find(net, &local, &remote);
	if (!u) {
		ip_count(net, UDP_NO_PORTS);
		ip_unreachable(net, flow, IP_UNREACHABLE_PORT, take(p));
		return;
	}
	packet_pull(p, UDP_HEADER_BYTES);
	deliver(net, u, flow, remote.port, take(p));
}

void udp_error(struct net_namespace *net, const struct ip_flow *flow borrowed, bytes_t transport, u32 error, u32 info)
{
	if (bytes_len(transport) < 8)
		return;
	const struct inet_endpoint local = { flow->source, bytes_get_u16be(transport, 0), flow->interface };
	const struct inet_endpoint remote = { flow->destination, bytes_get_u16be(transport, 2), 0 };
	struct udp_socket *u object_auto(udp_socket) = udp_find(net, &local, &remote);

	const u32 discover = !u ? 0 : atomic_u32_load_relaxed(ip_is4(flow->source) ? &u->options->mtu_discover
		: &u->options->mtu_discover6);
	if (u && error == EMSGSIZE) {
		if (inet_heeds_path(discover))
			ip_path_note(net, flow->destination, info);
		if (discover == 0)	// it does not ask for paths: the next is cut
			return;
	}
	// Whoever is not connected would not know which of its datagrams is meant.
	if (u && (udp_peer(u).port || inet_has(u->options, INET_RECEIVE_ERRORS | INET6_RECEIVE_ERRORS)))
		inet_queue_set_error(&u->queue, error);
}

// --- out ------------------------------------------------------------------------------------------------------------

static err_t bind_if_needed(struct udp_socket *u)
{
	const struct inet_endpoint any = { inet_any(u->family), 0, 0 };

	return udp_local(u).port ? OK : udp_bind_port(u, any, 0);
}

err_t udp_emit(struct socket *s, const struct ip_flow *flow borrowed, u32 port, struct packet *packet consumes)
{
	struct packet *p object_auto(packet) = packet;
	const u32 length = packet_length(p) + UDP_HEADER_BYTES;
	span_t h = packet_push(p, UDP_HEADER_BYTES);

	span_put_u16be(h, 0, (u16)udp_local(udp_of(s)).port);
	span_put_u16be(h, 2, (u16)port);
	span_put_u16be(h, 4, (u16)length);
	span_put_u16be(h, 6, (u16)ip_pseudo_sum(flow->source, flow->destination, PROTOCOL_UDP, length));
	p->flags |= PACKET_CHECKSUM_PARTIAL;
	p->checksum_start = p->head_start;
	p->checksum_offset = 6;
	p->mark = atomic_u32_load_relaxed(&s->mark);
	ip_count(s->net, UDP_OUT);
	return ip_output(s->net, flow, take(p));
}

static err_t transmit(struct socket *s, const struct inet_sending *to borrowed, struct iobuf *data borrowed)
{
	const u32 length = (u32)iobuf_remaining(data);
	struct packet *p object_auto(packet) = packet_create(PACKET_HEADROOM);
	err_t err = p ? packet_append_from(p, data, length) : -ENOMEM;

	return err ? err : udp_emit(s, &to->flow, to->to.port, take(p));
}

err_t udp_sending_begin(struct socket *s, struct socket_message *m borrowed, struct inet_sending *to borrowed)
{
	struct udp_socket *u = udp_of(s);
	const struct inet_endpoint peer = udp_peer(u), own = udp_local(u);
	err_t err = inet_sending_begin(s, &own, &peer, m, to);

	if (!err && !to->to.port)
		err = -EINVAL;
	if (!err && ip_is4(to->to.address) && iobuf_remaining(m->data) > UDP_PAYLOAD_MAX4)
		err = -EMSGSIZE;
	if (!err)
		err = bind_if_needed(u);
	to->flow.protocol = PROTOCOL_UDP;
	return err;
}

static no_inline err_t send_whole(struct socket *s, struct socket_message *m borrowed)
{
	struct inet_sending to = { };
	const err_t err = udp_sending_begin(s, m, &to);

	return err ? err : transmit(s, &to, m->data);
}

ssize_r udp_send(struct socket *s, struct socket_message *m borrowed)
{
	struct udp_socket *u = udp_of(s);
	const usize length = iobuf_remaining(m->data);
	err_t err = inet_queue_take_error(&u->queue);

	if (!err && !inet_queue_may_send(&u->queue))
		err = -EPIPE;
	if (!err && m->flags & MESSAGE_OOB)
		err = -EOPNOTSUPP;
	if (!err && length > UDP_PAYLOAD_MAX6)
		err = -EMSGSIZE;
	if (err)
		return (ssize_r)err;
	const bool is_piece = m->flags & MESSAGE_MORE || atomic_u32_load_relaxed(&u->is_corked) ||
		atomic_u32_load_relaxed(&u->has_pending);
	err = is_piece ? udp_send_piece(s, m) : send_whole(s, m);
	return err ? (ssize_r)err : (ssize_r)length;
}
