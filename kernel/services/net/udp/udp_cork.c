// SPDX-License-Identifier: MPL-2.0
// A datagram that several sends put together: MSG_MORE on all but the last, or UDP_CORK until it is taken off. What the
// first says of the destination holds for all; one that fails drops what is there. source: udp(7), send(2)
#include <services/net/udp/udp_internal.h>

static void drop(struct udp_socket *const u) REQUIRES(u->corking)
{
	if (u->pending)
		packet_put(take(u->pending));
	atomic_u32_store(&u->has_pending, 0);
}

static no_inline err_t begin(struct socket *s, struct udp_socket *const u, struct socket_message *m borrowed)
	REQUIRES(u->corking)
{
	struct inet_sending to = { };
	const err_t err = udp_sending_begin(s, m, &to);

	if (err)
		return err;
	u->pending = packet_create(PACKET_HEADROOM);
	if (!u->pending)
		return -ENOMEM;
	u->pending_flow = to.flow;
	u->pending_port = to.to.port;
	atomic_u32_store(&u->has_pending, 1);
	return OK;
}

static err_t push(struct socket *s, struct udp_socket *const u) REQUIRES(u->corking)
{
	struct packet *p object_auto(packet) = take(u->pending);
	const struct ip_flow flow = u->pending_flow;

	atomic_u32_store(&u->has_pending, 0);
	return p ? udp_emit(s, &flow, u->pending_port, take(p)) : OK;
}

static err_t append(struct udp_socket *const u, struct iobuf *data borrowed) REQUIRES(u->corking)
{
	const u32 most = ip_is4(u->pending_flow.destination) ? UDP_PAYLOAD_MAX4 : UDP_PAYLOAD_MAX6;

	if (iobuf_remaining(data) > most - packet_length(u->pending))
		return -EMSGSIZE;
	return packet_append_from(u->pending, data, (u32)iobuf_remaining(data));
}

err_t udp_send_piece(struct socket *s, struct socket_message *m borrowed)
{
	struct udp_socket *const u = udp_of(s);

	mutex_guard(&u->corking);
	err_t err = u->pending ? OK : begin(s, u, m);
	if (err)
		return err;
	err = append(u, m->data);
	if (err) {
		drop(u);
		return err;
	}
	return m->flags & MESSAGE_MORE || atomic_u32_load(&u->is_corked) ? OK : push(s, u);
}

err_t udp_set_cork(struct socket *s, u32 is_on)
{
	struct udp_socket *const u = udp_of(s);

	mutex_guard(&u->corking);
	atomic_u32_store(&u->is_corked, is_on ? 1 : 0);
	return is_on ? OK : push(s, u);
}
