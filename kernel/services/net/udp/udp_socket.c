// SPDX-License-Identifier: MPL-2.0
// UDP sockets: names, connection, options.
#include <services/net/udp/udp_internal.h>
#include <services/vfs/inode.h>

#define FIONREAD 0x541bu
#define SIOCOUTQ 0x5411u
#define OPTION_ERROR 4u
#define LEVEL_UDP 17u
#define OPTION_CORK 1u

static exclusive_access void udp_socket_release(struct udp_socket *u)
{
	inet_queue_drop(&u->queue);
	if (u->pending)
		packet_put(take(u->pending));
	if (u->options)
		inet_options_put(take(u->options));
}
DEFINE_OBJECT(udp_socket, udp_socket_release)

struct udp_socket *udp_of(struct socket *s)
{
	return udp_socket_from_object(s->base.private_object);
}

static err_t udp_bind(struct socket *s, bytes_t address)
{
	struct inet_endpoint e = { };
	u32 share = 0;
	err_t err = inet_address_parse(s, address, &e);

	if (!err && !ip_is_multicast(e.address))
		err = inet_bind_check(s, &e);
	if (err)
		return err;
	if (socket_has(s, SOCKET_REUSE_ADDRESS))
		share |= UDP_REUSE_ADDRESS;
	if (socket_has(s, SOCKET_REUSE_PORT))
		share |= UDP_REUSE_PORT;
	return udp_bind_port(udp_of(s), e, share);
}

static void disconnect(struct udp_socket *u)
{
	spin_guard(&u->lock);
	u->peer = (struct inet_endpoint){ inet_any(u->family), 0, 0 };
	if (u->chose_address)
		u->local.address = inet_any(u->family);
	u->chose_address = 0;
}

static err_t udp_connect(struct socket *s, bytes_t address)
{
	struct udp_socket *u = udp_of(s);
	struct inet_sending to = { };
	struct socket_message m = { .address = address };
	const struct inet_endpoint none = { };

	if (bytes_len(address) < 2)
		return -EINVAL;
	if (bytes_get_u16le(address, 0) == 0) {	// AF_UNSPEC: no peer any more
		disconnect(u);
		return OK;
	}
	const struct inet_endpoint own = udp_local(u);
	err_t err = inet_sending_begin(s, &own, &none, &m, &to);
	if (!err && !own.port) {
		const struct inet_endpoint any = { inet_any(u->family), 0, 0 };
		err = udp_bind_port(u, any, 0);
	}
	if (err)
		return err;
	spin_guard(&u->lock);
	u->peer = to.to;
	if (ip_is_any(u->local.address)) {
		u->local.address = to.flow.source;
		u->chose_address = 1;
	}
	return OK;
}

static ssize_r udp_name(struct socket *s, span_t out)
{
	const struct inet_endpoint e = udp_local(udp_of(s));

	return inet_address_put(s->family, out, &e);
}

static ssize_r udp_peer_name(struct socket *s, span_t out)
{
	const struct inet_endpoint e = udp_peer(udp_of(s));

	return e.port ? inet_address_put(s->family, out, &e) : (ssize_r)-ENOTCONN;
}

static ssize_r udp_receive(struct socket *s, struct socket_message *m borrowed)
{
	struct udp_socket *u = udp_of(s);

	return inet_queue_receive(s, &u->queue, u->options, m);
}

static err_t udp_shutdown(struct socket *s, u32 how)
{
	struct udp_socket *u = udp_of(s);

	if (!udp_peer(u).port)
		return -ENOTCONN;
	inet_queue_shutdown(&u->queue, how);
	return OK;
}

static u32 udp_poll(struct socket *s, struct poll_request *r)
{
	return inet_queue_poll(&udp_of(s)->queue, r);
}

static ssize_r udp_ioctl(struct socket *s, u32 command, u64 argument)
{
	if (command == FIONREAD)
		return (ssize_r)user_write_u32(user_addr(argument), inet_queue_first_length(&udp_of(s)->queue));
	if (command == SIOCOUTQ)	// nothing waits here
		return (ssize_r)user_write_u32(user_addr(argument), 0);
	return -ENOTTY;
}

static err_t udp_set_option(struct socket *s, u32 level, u32 name, bytes_t value)
{
	if (level != LEVEL_UDP)
		return inet_set_option(s, level, name, value);
	if (bytes_len(value) < 4)
		return -EINVAL;
	return name == OPTION_CORK ? udp_set_cork(s, bytes_get_u32le(value, 0)) : (err_t)-ENOPROTOOPT;
}

static ssize_r udp_get_option(struct socket *s, u32 level, u32 name, span_t out)
{
	if (level == SOCKET_LEVEL && name == OPTION_ERROR)
		return inet_put_number(out, atomic_u32_exchange(&udp_of(s)->queue.error, 0));
	if (level == LEVEL_UDP && name == OPTION_CORK)
		return inet_put_number(out, atomic_u32_load(&udp_of(s)->is_corked));
	return inet_get_option(s, level, name, out);
}

static bool udp_is_bound(struct socket *s)
{
	return udp_local(udp_of(s)).port;
}

static void udp_changed(struct socket *s)
{
	inet_queue_set_limit(&udp_of(s)->queue, atomic_u32_load(&s->receive_buffer));
}

static void udp_close(struct socket *s)
{
	udp_unbind(udp_of(s));
}

static const struct socket_ops udp_ops = {
	.close = udp_close, .bind = udp_bind, .connect = udp_connect, .name = udp_name, .peer_name = udp_peer_name,
	.send = udp_send, .receive = udp_receive, .shutdown = udp_shutdown, .poll = udp_poll, .ioctl = udp_ioctl,
	.set_option = udp_set_option, .get_option = udp_get_option, .is_bound = udp_is_bound, .changed = udp_changed,
};

static exclusive_access void udp_begin(struct udp_socket *u)
{
	u->local.address = inet_any(u->family);
	u->peer.address = inet_any(u->family);
}

static err_t udp_create(struct socket *s)
{
	struct udp_socket *u object_auto(udp_socket) = udp_socket_alloc();

	if (!u)
		return -ENOMEM;
	spin_init(&u->lock, RANK_SERVICE_LEAF);
	mutex_init(&u->corking, RANK_SOCKET);
	inet_queue_init(&u->queue);
	u->net = s->net;
	u->options = inet_options_get(inet_options_of(s));
	u->family = s->family;
	u->owner_uid = s->base.cred->fsuid;
	u->inode = s->base.inode->number;
	udp_begin(u);
	s->ops = &udp_ops;
	s->base.private_object = object_get(&u->object);
	return OK;
}

static const struct inet_protocol udp_protocol = {
	.type = SOCKET_DATAGRAM, .protocol = PROTOCOL_UDP, .create = udp_create
};
static const struct ip_transport udp_transport = { .input = udp_input, .error = udp_error };

void udp_init(void)
{
	udp_table_init();
	inet_protocol_register(&udp_protocol);
	ip_transport_register(PROTOCOL_UDP, &udp_transport);
}
