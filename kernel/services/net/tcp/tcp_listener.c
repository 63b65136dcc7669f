// SPDX-License-Identifier: MPL-2.0
// Listening: a SYN makes a child, which joins the listener's queue when its handshake is done. Children hold a
// reference to their listener until they are accepted; the listener's lock is taken inside a child's.
#include <core/memory_account.h>
#include <core/random.h>
#include <services/net/tcp/tcp_internal.h>
#include <services/vfs/inode.h>

// More are complete than wait to be accepted may.
static void count_overflow(struct net_namespace *net)
{
	ip_count(net, TCP_LISTEN_OVERFLOWS);
	ip_count(net, TCP_LISTEN_DROPS);
}

// Half-open connections are no more than may wait to be accepted, nor than three quarters of
// net.ipv4.tcp_max_syn_backlog: there are no cookies that could do without.
static bool is_half_open_full(const struct tcp_socket *const t) REQUIRES(t->lock)
{
	const u32 most = atomic_u32_load_relaxed(&tcp_common(t)->tcp_syn_backlog), now = t->listener.embryos;

	return now > max(t->listener.backlog, 8u) || now > most || most - now < most >> 2;
}

// What a child has from its listener; false when the listener takes no more.
static bool listener_admit(struct tcp_socket *const t, u32 *receive_limit borrowed, u32 *send_limit borrowed)
{
	spin_guard(&t->lock);
	if (t->state != TCP_LISTEN)
		return false;
	if (tcp_accept_list_count(&t->listener.ready) > t->listener.backlog) {
		count_overflow(t->net);
		return false;
	}
	if (is_half_open_full(t)) {
		ip_count(t->net, TCP_LISTEN_DROPS);
		return false;
	}
	t->listener.embryos++;
	*receive_limit = t->receive.limit;
	*send_limit = t->send.limit;
	return true;
}

static void listener_release(struct tcp_socket *const t)
{
	spin_guard(&t->lock);
	if (t->listener.embryos)
		t->listener.embryos--;
}

static void inherit(struct tcp_settings *to borrowed, const struct tcp_settings *from borrowed)
{
	atomic_u32_store_relaxed(&to->no_delay, atomic_u32_load_relaxed(&from->no_delay));
	atomic_u32_store_relaxed(&to->cork, atomic_u32_load_relaxed(&from->cork));
	atomic_u32_store_relaxed(&to->mss, atomic_u32_load_relaxed(&from->mss));
	atomic_u32_store_relaxed(&to->keep_idle, atomic_u32_load_relaxed(&from->keep_idle));
	atomic_u32_store_relaxed(&to->keep_interval, atomic_u32_load_relaxed(&from->keep_interval));
	atomic_u32_store_relaxed(&to->keep_count, atomic_u32_load_relaxed(&from->keep_count));
	atomic_u32_store_relaxed(&to->linger2, atomic_u32_load_relaxed(&from->linger2));
	atomic_u32_store_relaxed(&to->defer_accept, atomic_u32_load_relaxed(&from->defer_accept));
	atomic_u32_store_relaxed(&to->user_timeout_ms, atomic_u32_load_relaxed(&from->user_timeout_ms));
	atomic_u32_store_relaxed(&to->flags, atomic_u32_load_relaxed(&from->flags));
	atomic_u32_store_relaxed(&to->linger_seconds, atomic_u32_load_relaxed(&from->linger_seconds));
}

static err_t child_begin(struct tcp_socket *const c, struct tcp_socket *parent, const struct ip_flow *flow borrowed,
	const struct tcp_segment *g borrowed, struct tcp_burst *b borrowed)
{
	struct ip_route_answer route = { };
	const struct ip_flow back = { .source = flow->destination, .destination = flow->source,
		.protocol = PROTOCOL_TCP, .interface = flow->interface };
	err_t err = ip_route_query(c->net, &back, &route);

	if (err)
		return err;
	spin_guard(&c->lock);
	c->local = (struct inet_endpoint){ flow->destination, g->destination_port, 0 };
	c->remote = (struct inet_endpoint){ flow->source, g->source_port,
		ip_is_link_local6(flow->source) ? flow->interface : 0 };
	atomic_u32_store(&c->bind_flags, atomic_u32_load(&parent->bind_flags) & ~(u32)TCP_BIND_LISTENS);
	c->mss_limit = route.mtu - TCP_HEADER_BYTES - (ip_is4(flow->source) ? 20 : 40);
	c->state = TCP_SYN_RECEIVED;
	c->user = TCP_USER_CONNECTED;
	c->parent = tcp_socket_get(parent);
	tcp_take_options(c, g);
	c->send.window = g->window;
	err = tcp_connection_add(c);
	if (err)
		return err;
	tcp_port_join(c);
	tcp_send_syn(c, b, g->now_ns);
	tcp_timer_arm(c);
	return OK;
}

// Whoever pays for the listener pays for what others make it hold.
static struct tcp_socket *child_create(struct tcp_socket *t) owned;
static struct tcp_socket *child_create(struct tcp_socket *t)
{
	struct inet_options *options object_auto(inet_options) = NULL;
	struct tcp_socket *c object_auto(tcp_socket) = NULL;

	memory_account_borrow(&t->object);
	options = inet_options_copy(t->options);
	c = options ? tcp_socket_create(t->net, options, t->family) : NULL;
	memory_account_return();
	if (!c)
		return NULL;
	inherit(&c->settings, &t->settings);
	c->owner_uid = t->owner_uid;
	return take(c);
}

// TCP_LISTEN of RFC 9293, 3.10.7.2.
void tcp_listener_input(struct tcp_socket *t, const struct ip_flow *flow borrowed, const struct tcp_segment *g borrowed)
{
	struct tcp_burst b = { };
	u32 receive_limit = 0, send_limit = 0;

	if (g->flags & TCP_RST)
		return;
	if (g->flags & TCP_ACK || !(g->flags & TCP_SYN)) {
		if (g->flags & TCP_ACK)
			tcp_refuse(t->net, flow, g);
		return;
	}
	if (ip_is_multicast(flow->destination) || !listener_admit(t, &receive_limit, &send_limit))
		return;
	struct tcp_socket *c object_auto(tcp_socket) = child_create(t);
	if (!c) {
		ip_count(t->net, TCP_LISTEN_DROPS);
		listener_release(t);
		return;
	}
	struct tcp_socket *const child = c;
	{
		spin_guard(&child->lock);
		child->receive.limit = receive_limit;
		child->send.limit = send_limit;
	}
	if (child_begin(child, t, flow, g, &b)) {
		struct tcp_socket *parent object_auto(tcp_socket) = NULL;
		listener_release(t);
		spin_guard(&child->lock);
		parent = take(child->parent);
		child->state = TCP_CLOSED;
		return;
	}
	tcp_burst_send(c->net, &b);
}

bool tcp_child_ready(struct tcp_socket *const t)
{
	struct tcp_socket *const parent = t->parent;

	{
		spin_guard_nested(&parent->lock, 1);
		if (parent->state != TCP_LISTEN ||
			tcp_accept_list_count(&parent->listener.ready) > parent->listener.backlog) {
			count_overflow(t->net);
			return false;
		}
		if (parent->listener.embryos)
			parent->listener.embryos--;
		tcp_accept_list_append(&parent->listener.ready, tcp_socket_get(t));
	}
	ip_count(t->net, TCP_PASSIVE_OPENS);
	tcp_wake(parent, POLL_IN | POLL_READ_NORMAL);
	return true;
}

bool tcp_child_is_wanted(struct tcp_socket *const t)
{
	struct tcp_socket *const parent = t->parent;

	if (!parent)
		return true;
	spin_guard_nested(&parent->lock, 1);
	return parent->state == TCP_LISTEN;
}

// A child that ends before it was accepted.
void tcp_child_forget(struct tcp_socket *const t)
{
	struct tcp_socket *parent object_auto(tcp_socket) = take(t->parent);

	if (!parent || t->was_connected)
		return;
	struct tcp_socket *const p = parent;
	spin_guard_nested(&p->lock, 1);
	if (p->listener.embryos)
		p->listener.embryos--;
}

// --- calls ----------------------------------------------------------------------------------------------------------

err_t tcp_listen(struct socket *s, u32 backlog)
{
	struct tcp_socket *const t = tcp_of(s);
	const u32 limit = min(backlog, atomic_u32_load_relaxed(&s->net->backlog_max));
	u32 flags = 0;

	if (socket_has(s, SOCKET_REUSE_ADDRESS))
		flags |= TCP_BIND_REUSE;
	if (socket_has(s, SOCKET_REUSE_PORT))
		flags |= TCP_BIND_SHARE;
	spin_guard(&t->lock);
	if (t->state == TCP_LISTEN) {
		t->listener.backlog = limit;
		return OK;
	}
	if (t->state != TCP_CLOSED || t->user != TCP_USER_IDLE)
		return -EINVAL;
	if (!t->local.port) {
		const struct inet_endpoint any = { inet_any(t->family), 0, 0 };
		const err_t err = tcp_port_bind(t, &any, flags);
		if (err)
			return err;
	}
	const err_t err = tcp_listener_add(t);
	if (err)
		return err;
	t->state = TCP_LISTEN;
	t->listener.backlog = limit;
	return OK;
}

static struct tcp_socket *accept_take(struct tcp_socket *const t) owned;
static struct tcp_socket *accept_take(struct tcp_socket *const t)
{
	spin_guard(&t->lock);
	return tcp_accept_list_pop(&t->listener.ready);
}

static bool accept_has(struct tcp_socket *const t)
{
	spin_guard(&t->lock);
	return !tcp_accept_list_is_empty(&t->listener.ready) || t->state != TCP_LISTEN;
}

static bool listens(struct tcp_socket *const t)
{
	spin_guard(&t->lock);
	return t->state == TCP_LISTEN;
}

err_t tcp_accept(struct socket *s, struct socket *child)
{
	struct tcp_socket *const t = tcp_of(s);
	const u64 deadline = socket_receive_deadline(s);

	for (;;) {
		if (!listens(t))
			return -EINVAL;
		struct tcp_socket *c object_auto(tcp_socket) = accept_take(t);
		if (c) {
			struct tcp_socket *const accepted = c;
			struct tcp_socket *parent object_auto(tcp_socket) = NULL;
			child->family_object = object_get(&accepted->options->object);
			child->base.private_object = object_get(&accepted->object);
			atomic_u64_store(&accepted->inode, child->base.inode->number);
			spin_guard(&accepted->lock);
			parent = take(accepted->parent);
			accepted->is_orphan = 0;
			return OK;
		}
		if (!socket_may_wait(s, 0))
			return -EAGAIN;
		const err_t err = wait_event(&t->readable, WAIT_INTERRUPTIBLE, deadline, accept_has(t));
		if (err)
			return socket_wait_error(err, deadline);
	}
}
