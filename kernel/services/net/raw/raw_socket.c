// SPDX-License-Identifier: MPL-2.0
#include <services/net/raw/raw_internal.h>

#define FIONREAD 0x541bu
#define OPTION_ERROR 4u
#define LEVEL_IP6 41u
#define LEVEL_RAW 255u
#define PROTOCOL_RAW 255u		// only to send whole packets
#define OPTION_ICMP_FILTER 1u
#define OPTION_IP6_CHECKSUM 7u

static exclusive_access void raw_socket_release(struct raw_socket *r)
{
	inet_queue_drop(&r->queue);
	if (r->options)
		inet_options_put(take(r->options));
}
DEFINE_OBJECT(raw_socket, raw_socket_release)

struct raw_socket *raw_of(struct socket *s)
{
	return raw_socket_from_object(s->base.private_object);
}

static err_t raw_bind(struct socket *s, bytes_t address)
{
	struct raw_socket *r = raw_of(s);
	struct inet_endpoint e = { };
	err_t err = inet_address_parse(s, address, &e);
	const u32 identifier = e.port;

	e.port = 0;
	if (!err && !ip_is_multicast(e.address))
		err = inet_bind_check(s, &e);
	if (!err && r->is_ping)
		err = raw_local(r).port ? -EINVAL : raw_take_identifier(r, identifier);
	if (err)
		return err;
	spin_guard(&r->lock);
	r->local.address = e.address;
	return OK;
}

static err_t raw_connect(struct socket *s, bytes_t address)
{
	struct raw_socket *r = raw_of(s);
	struct inet_sending to = { };
	struct socket_message m = { .address = address };
	const struct inet_endpoint none = { };

	if (bytes_len(address) < 2)
		return -EINVAL;
	if (bytes_get_u16le(address, 0) == 0) {
		spin_guard(&r->lock);
		r->peer = (struct inet_endpoint){ inet_any(r->family), 0, 0 };
		r->is_connected = 0;
		return OK;
	}
	const struct inet_endpoint own = raw_local(r);
	err_t err = inet_sending_begin(s, &own, &none, &m, &to);
	if (!err && r->is_ping && !own.port)
		err = raw_take_identifier(r, 0);
	if (err)
		return err;
	spin_guard(&r->lock);
	r->peer = to.to;
	r->is_connected = 1;
	if (ip_is_any(r->local.address))
		r->local.address = to.flow.source;
	return OK;
}

static ssize_r raw_name(struct socket *s, span_t out)
{
	struct raw_socket *r = raw_of(s);
	struct inet_endpoint e = raw_local(r);

	if (!r->is_ping)
		e.port = s->protocol;
	return inet_address_put(s->family, out, &e);
}

static ssize_r raw_peer_name(struct socket *s, span_t out)
{
	struct raw_socket *const r = raw_of(s);

	spin_guard(&r->lock);
	return r->is_connected ? inet_address_put(s->family, out, &r->peer) : (ssize_r)-ENOTCONN;
}

static ssize_r raw_receive(struct socket *s, struct socket_message *m borrowed)
{
	struct raw_socket *r = raw_of(s);

	return inet_queue_receive(s, &r->queue, r->options, m);
}

static err_t raw_shutdown(struct socket *s, u32 how)
{
	struct raw_socket *r = raw_of(s);

	if (ip_is_any(raw_peer(r).address))
		return -ENOTCONN;
	inet_queue_shutdown(&r->queue, how);
	return OK;
}

static u32 raw_poll(struct socket *s, struct poll_request *request)
{
	return inet_queue_poll(&raw_of(s)->queue, request);
}

static ssize_r raw_ioctl(struct socket *s, u32 command, u64 argument)
{
	if (command != FIONREAD)
		return -ENOTTY;
	return (ssize_r)user_write_u32(user_addr(argument), inet_queue_first_length(&raw_of(s)->queue));
}

static err_t raw_set_option(struct socket *s, u32 level, u32 name, bytes_t value)
{
	struct raw_socket *r = raw_of(s);

	if (level == LEVEL_RAW && name == OPTION_ICMP_FILTER && s->protocol == PROTOCOL_ICMP && !r->is_ping) {
		if (bytes_len(value) < 4)
			return -EINVAL;
		atomic_u32_store(&r->filter, bytes_get_u32le(value, 0));
		return OK;
	}
	if (!r->is_ping && s->family == FAMILY_INET6 && name == OPTION_IP6_CHECKSUM &&
		(level == LEVEL_IP6 || level == LEVEL_RAW)) {
		if (bytes_len(value) < 4)
			return -EINVAL;
		const s32 at = (s32)bytes_get_u32le(value, 0);
		if (s->protocol == PROTOCOL_ICMP6 || (at > 0 && at & 1))
			return -EINVAL;
		atomic_u32_store(&r->checksum_at, at < 0 ? 0 : (u32)at + 1);
		return OK;
	}
	return inet_set_option(s, level, name, value);
}

static ssize_r raw_get_option(struct socket *s, u32 level, u32 name, span_t out)
{
	struct raw_socket *r = raw_of(s);

	if (level == SOCKET_LEVEL && name == OPTION_ERROR)
		return inet_put_number(out, atomic_u32_exchange(&r->queue.error, 0));
	if (level == LEVEL_RAW && name == OPTION_ICMP_FILTER && s->protocol == PROTOCOL_ICMP && !r->is_ping)
		return inet_put_number(out, atomic_u32_load(&r->filter));
	return inet_get_option(s, level, name, out);
}

static void raw_changed(struct socket *s)
{
	inet_queue_set_limit(&raw_of(s)->queue, atomic_u32_load(&s->receive_buffer));
}

static void raw_close(struct socket *s)
{
	raw_table_remove(raw_of(s));
}

static const struct socket_ops raw_ops = {
	.close = raw_close, .bind = raw_bind, .connect = raw_connect, .name = raw_name, .peer_name = raw_peer_name,
	.send = raw_send, .receive = raw_receive, .shutdown = raw_shutdown, .poll = raw_poll, .ioctl = raw_ioctl,
	.set_option = raw_set_option, .get_option = raw_get_option, .changed = raw_changed,
};
static const struct socket_ops ping_ops = {
	.close = raw_close, .bind = raw_bind, .connect = raw_connect, .name = raw_name, .peer_name = raw_peer_name,
	.send = ping_send, .receive = raw_receive, .shutdown = raw_shutdown, .poll = raw_poll, .ioctl = raw_ioctl,
	.set_option = raw_set_option, .get_option = raw_get_option, .changed = raw_changed,
};

static exclusive_access void raw_begin(struct raw_socket *r)
{
	r->local.address = inet_any(r->family);
	r->peer.address = inet_any(r->family);
}

static err_t create(struct socket *s, const struct socket_ops *ops, u32 is_ping)
{
	struct raw_socket *r object_auto(raw_socket) = raw_socket_alloc();

	if (!r)
		return -ENOMEM;
	spin_init(&r->lock, RANK_SERVICE_LEAF);
	inet_queue_init(&r->queue);
	r->net = s->net;
	r->options = inet_options_get(inet_options_of(s));
	r->family = s->family;
	r->protocol = s->protocol;
	r->is_ping = is_ping;
	raw_begin(r);
	s->ops = ops;
	s->base.private_object = object_get(&r->object);
	raw_table_add(r);
	return OK;
}

static err_t raw_create(struct socket *s)
{
	if (s->protocol == PROTOCOL_RAW)
		atomic_u32_or(&inet_options_of(s)->flags, INET_HEADER_INCLUDED);
	return create(s, &raw_ops, 0);
}

// Of ping_group_range: the effective group or a supplementary one.
static bool may_ping(struct socket *s)
{
	const struct ip_settings *settings = &ip_part_of(s->net)->settings;
	const u32 first = atomic_u32_load(&settings->ping_group_first),
		last = atomic_u32_load(&settings->ping_group_last);
	const struct cred *c = s->base.cred;

	if (c->fsgid >= first && c->fsgid <= last)
		return true;
	for (u32 i = 0; i < group_list_count(c->groups); i++) {
		if (group_list_at(c->groups, i) >= first && group_list_at(c->groups, i) <= last)
			return true;
	}
	return false;
}

static err_t ping_create(struct socket *s)
{
	if ((s->protocol == PROTOCOL_ICMP6) != (s->family == FAMILY_INET6))
		return -EPROTONOSUPPORT;
	return may_ping(s) ? create(s, &ping_ops, 1) : -EACCES;
}

static const struct inet_protocol raw_protocol = { .type = SOCKET_RAW, .protocol = 0, .create = raw_create };
static const struct inet_protocol ping_protocol = {
	.type = SOCKET_DATAGRAM, .protocol = PROTOCOL_ICMP, .create = ping_create
};

void raw_init(void)
{
	inet_protocol_register(&ping_protocol);
	inet_protocol_register(&raw_protocol);
	ip_raw_register(raw_see);
}
