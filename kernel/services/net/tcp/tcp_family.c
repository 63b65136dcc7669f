// SPDX-License-Identifier: MPL-2.0
// TCP as a protocol of the families AF_INET and AF_INET6: names, readiness, the table of operations.
#include <services/net/tcp/tcp_internal.h>
#include <services/vfs/inode.h>

enum tcp_ioctl { TCP_FIONREAD = 0x541b, TCP_SIOCOUTQ = 0x5411, TCP_SIOCATMARK = 0x8905, TCP_SIOCOUTQNSD = 0x894b };

static u32 bind_flags(struct socket *s)
{
	u32 flags = 0;

	if (socket_has(s, SOCKET_REUSE_ADDRESS))
		flags |= TCP_BIND_REUSE;
	if (socket_has(s, SOCKET_REUSE_PORT))
		flags |= TCP_BIND_SHARE;
	if (s->family == FAMILY_INET6 && inet_has(inet_options_of(s), INET_V6_ONLY))
		flags |= TCP_BIND_V6_ONLY;
	return flags;
}

static err_t tcp_bind(struct socket *s, bytes_t address)
{
	struct tcp_socket *const t = tcp_of(s);
	struct inet_endpoint e = { };
	err_t err = inet_address_parse(s, address, &e);

	if (!err)
		err = inet_bind_check(s, &e);
	if (err)
		return err;
	if (ip_is_multicast(e.address))
		return -EADDRNOTAVAIL;
	spin_guard(&t->lock);
	if (t->state != TCP_CLOSED || t->local.port)
		return -EINVAL;
	return tcp_port_bind(t, &e, bind_flags(s));
}

static ssize_r tcp_name(struct socket *s, span_t out)
{
	struct tcp_socket *const t = tcp_of(s);

	spin_guard(&t->lock);
	return inet_address_put(s->family, out, &t->local);
}

static ssize_r tcp_peer_name(struct socket *s, span_t out)
{
	struct tcp_socket *const t = tcp_of(s);

	spin_guard(&t->lock);
	if (!t->remote.port || t->state == TCP_CLOSED || t->state == TCP_SYN_SENT)
		return -ENOTCONN;
	return inet_address_put(s->family, out, &t->remote);
}

static bool tcp_is_listening(struct socket *s)
{
	struct tcp_socket *const t = tcp_of(s);

	spin_guard(&t->lock);
	return t->state == TCP_LISTEN;
}

static bool tcp_is_bound(struct socket *s)
{
	struct tcp_socket *const t = tcp_of(s);

	spin_guard(&t->lock);
	return t->local.port;
}

static u32 poll_connected(struct tcp_socket *const t) REQUIRES(t->lock)
{
	u32 mask = 0;

	if (t->state == TCP_SYN_SENT || t->state == TCP_SYN_RECEIVED)
		return 0;
	if (tcp_readable_bytes(t))
		mask |= POLL_IN | POLL_READ_NORMAL;
	if (t->shutdown & SHUTDOWN_SEND || tcp_is_writable(&t->send))
		mask |= POLL_OUT | POLL_WRITE_NORMAL;
	if (t->receive.urgent_state == URGENT_VALID)
		mask |= POLL_PRIORITY;
	return mask;
}

u32 tcp_poll(struct socket *s, struct poll_request *r)
{
	struct tcp_socket *const t = tcp_of(s);
	u32 mask = 0;

	poll_add(r, &t->readable);
	poll_add(r, &t->writable);
	spin_guard(&t->lock);
	if (t->state == TCP_LISTEN)
		return tcp_accept_list_is_empty(&t->listener.ready) ? 0 : POLL_IN | POLL_READ_NORMAL;
	if (t->shutdown == SHUTDOWN_BOTH || t->state == TCP_CLOSED)
		mask |= POLL_HANGUP;
	if (t->shutdown & SHUTDOWN_RECEIVE)
		mask |= POLL_IN | POLL_READ_NORMAL | POLL_READ_HANGUP;
	if (atomic_u32_load(&t->error))
		mask |= POLL_ERROR;
	return mask | poll_connected(t);
}

static ssize_r tcp_ioctl(struct socket *s, u32 command, u64 argument)
{
	struct tcp_socket *const t = tcp_of(s);
	u32 value = 0;

	switch (command) {
	case TCP_FIONREAD:
	case TCP_SIOCOUTQ:
	case TCP_SIOCOUTQNSD:
	case TCP_SIOCATMARK: break;
	default: return -ENOTTY;
	}
	{
		spin_guard(&t->lock);
		if (t->state == TCP_LISTEN && command != TCP_SIOCATMARK)
			return -EINVAL;
		if (command == TCP_FIONREAD)
			value = t->receive.queued;
		else if (command == TCP_SIOCOUTQ)
			value = t->send.queued;
		else if (command == TCP_SIOCOUTQNSD)
			value = seq_before(t->send.next, t->send.end) ? t->send.end - t->send.next : 0;
		else
			value = t->receive.urgent_state != URGENT_NONE && t->receive.urgent == t->receive.copied;
	}
	return (ssize_r)user_write_u32(user_addr(argument), value);
}

// What setsockopt changed in the socket that the connection looks at.
static void tcp_changed(struct socket *s)
{
	struct tcp_socket *const t = tcp_of(s);
	const u32 flags = atomic_u32_load(&s->flags);

	atomic_u32_store(&t->settings.flags, flags);
	atomic_u32_store(&t->settings.linger_seconds, atomic_u32_load(&s->linger_seconds));
	spin_guard(&t->lock);
	if (flags & SOCKET_SEND_LOCKED)
		t->send.limit = atomic_u32_load(&s->send_buffer);
	if (flags & SOCKET_RECEIVE_LOCKED) {
		t->receive.limit = atomic_u32_load(&s->receive_buffer);
		t->receive.capacity = t->receive.limit / 2;
	}
	if (flags & SOCKET_KEEP_ALIVE && t->state == TCP_ESTABLISHED) {
		t->deadlines.keep_alive = clock_monotonic_ns() + tcp_keep_idle_ns(t);
		tcp_timer_arm(t);
	}
}

static u32 timer_kind(const struct tcp_deadlines *d borrowed, enum tcp_state state)
{
	if (state == TCP_TIME_WAIT)
		return 3;
	if (d->retransmit != DEADLINE_NEVER)
		return 1;
	if (d->probe != DEADLINE_NEVER)
		return 4;
	return d->keep_alive != DEADLINE_NEVER || d->wait != DEADLINE_NEVER ? 2 : 0;
}

static u32 expires_ms(const struct tcp_deadlines *d borrowed, u32 kind)
{
	const u64 now_ns = clock_monotonic_ns(), when = kind == 1 ? d->retransmit : kind == 4 ? d->probe
		: kind ? min(d->keep_alive, d->wait) : 0;

	return when > now_ns ? (u32)((when - now_ns) / NS_PER_MS) : 0;
}

static void describe(struct tcp_socket *const t, struct tcp_description *out borrowed)
{
	const struct inet_options *o = t->options;

	spin_guard(&t->lock);
	*out = (struct tcp_description){ .local = t->local.address, .remote = t->remote.address,
		.local_port = t->local.port, .remote_port = t->remote.port, .family = t->family, .state = t->state,
		.send_queue = t->send.queued, .receive_queue = t->receive.queued, .uid = t->owner_uid,
		.retransmits = t->send.retransmits, .timer = timer_kind(&t->deadlines, t->state),
		.inode = atomic_u64_load_relaxed(&t->inode), .mss = t->send.mss, .cwnd = t->send.cwnd,
		.shutdown = t->shutdown, .is_v6_only = inet_has(o, INET_V6_ONLY),
		.tos = atomic_u32_load_relaxed(&o->tos),
		.traffic_class = atomic_u32_load_relaxed(&o->traffic_class),
		.interface = atomic_u32_load_relaxed(&o->interface) };
	out->is_automatic = !!(atomic_u32_load_relaxed(&t->bind_flags) & TCP_BIND_AUTOMATIC);
	out->expires_ms = expires_ms(&t->deadlines, out->timer);
	if (t->state == TCP_LISTEN) {
		out->receive_queue = (u32)tcp_accept_list_count(&t->listener.ready);
		out->send_queue = 0;
		out->backlog = t->listener.backlog;
	}
}

bool tcp_describe_next_info(struct net_namespace *net, struct tcp_cursor *at borrowed,
	struct tcp_description *out borrowed, span_t info)
{
	struct tcp_socket *t object_auto(tcp_socket) = tcp_table_next(net, at);

	if (!t)
		return false;
	describe(t, out);
	if (span_len(info))
		return tcp_info(t, info) >= 0;
	return true;
}

bool tcp_describe_next(struct net_namespace *net, struct tcp_cursor *at borrowed, struct tcp_description *out borrowed)
{
	return tcp_describe_next_info(net, at, out, span_empty());
}

static const struct socket_ops tcp_ops = {
	.close = tcp_close, .bind = tcp_bind, .connect = tcp_connect, .listen = tcp_listen, .accept = tcp_accept,
	.name = tcp_name, .peer_name = tcp_peer_name, .send = tcp_send, .receive = tcp_receive,
	.shutdown = tcp_shutdown, .poll = tcp_poll, .set_option = tcp_set_option, .get_option = tcp_get_option,
	.ioctl = tcp_ioctl, .is_listening = tcp_is_listening, .is_bound = tcp_is_bound, .changed = tcp_changed,
};

static err_t tcp_create(struct socket *s)
{
	struct tcp_socket *t object_auto(tcp_socket) = tcp_socket_create(s->net, inet_options_of(s), s->family);

	if (!t)
		return -ENOMEM;
	t->owner_uid = s->base.cred->fsuid;
	atomic_u64_store(&t->inode, s->base.inode->number);
	s->ops = &tcp_ops;
	atomic_u32_store_relaxed(&s->send_buffer, TCP_SEND_DEFAULT);
	atomic_u32_store_relaxed(&s->receive_buffer, TCP_RECEIVE_DEFAULT);
	s->base.private_object = object_get(&t->object);
	return OK;
}

static const struct inet_protocol tcp_protocol = {
	.type = SOCKET_STREAM, .protocol = PROTOCOL_TCP, .create = tcp_create
};
static const struct ip_transport tcp_transport = { .input = tcp_input, .error = tcp_error };

err_t tcp_init(void)
{
	tcp_tables_init();
	inet_protocol_register(&tcp_protocol);
	ip_transport_register(PROTOCOL_TCP, &tcp_transport);
	return tcp_timers_init();
}
