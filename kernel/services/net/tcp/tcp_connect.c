// SPDX-License-Identifier: MPL-2.0
// connect(2), and what ICMP has to say about connections.
#include <services/net/tcp/tcp_internal.h>

static bool is_settled(struct tcp_socket *const t)
{
	spin_guard(&t->lock);
	return t->state != TCP_SYN_SENT && t->state != TCP_SYN_RECEIVED;
}

// AF_UNSPEC: no connection any more, the socket can be used again.
static err_t disconnect(struct tcp_socket *const t)
{
	struct tcp_burst b = { };

	{
		spin_guard(&t->lock);
		if (t->state == TCP_ESTABLISHED || t->state == TCP_CLOSE_WAIT)
			tcp_send_reset(t, &b);
		tcp_drop_queues(t);
		tcp_finish(t, 0);
		t->user = TCP_USER_IDLE;
		t->shutdown = 0;
		t->remote = (struct inet_endpoint){ inet_any(t->family), 0, 0 };
	}
	tcp_burst_send(t->net, &b);
	return OK;
}

// A socket that was connected before begins anew.
static void renew(struct tcp_socket *const t) REQUIRES(t->lock)
{
	t->send.initial = t->send.maximum + 0x10000;
	t->send.unacked = t->send.initial;
	t->send.next = t->send.initial;
	t->send.maximum = t->send.initial;
	t->send.end = t->send.initial + 1;
	t->send.recover = t->send.initial;
	t->send.small_end = t->send.initial;
	t->send.fin = 0;
	t->send.has_sack = 0;
	t->send.board.count = 0;
	t->send.board.repaired = t->send.initial;
	t->send.retransmits = 0;
	t->send.rto_ns = TCP_RTO_FIRST_NS;
	t->send.srtt_ns = 0;
	t->receive.fin_seen = 0;
	t->receive.urgent_state = URGENT_NONE;
	t->receive.has_timestamps = 0;
	t->shutdown = 0;
	t->was_connected = 0;
}

static err_t begin(struct tcp_socket *const t, const struct inet_endpoint *to borrowed,
	const struct ip_route_answer *route borrowed, struct tcp_burst *b borrowed) REQUIRES(t->lock)
{
	const u64 now_ns = clock_monotonic_ns();

	renew(t);
	if (ip_is_any(t->local.address))
		t->local.address = route->source;
	t->remote = *to;
	t->mss_limit = route->mtu - TCP_HEADER_BYTES - (ip_is4(to->address) ? 20 : 40);
	const err_t err = tcp_connection_add(t);
	if (err)
		return err;
	t->state = TCP_SYN_SENT;
	t->user = TCP_USER_CONNECTING;
	t->send.is_timed = 1;
	t->send.timed_seq = t->send.initial;
	t->send.timed_at_ns = now_ns;
	ip_count(t->net, TCP_ACTIVE_OPENS);
	tcp_send_syn(t, b, now_ns);
	tcp_timer_arm(t);
	return OK;
}

// Where the calls stand: OK to begin, -EALREADY, -EISCONN, the outcome of an earlier call (in *is_done).
static err_t check_state(struct tcp_socket *const t, bool *is_pending borrowed, bool *is_done borrowed)
{
	spin_guard(&t->lock);
	if (t->state == TCP_LISTEN)
		return -EISCONN;
	if (t->user == TCP_USER_CONNECTED)
		return -EISCONN;
	if (t->user == TCP_USER_IDLE)
		return t->state == TCP_CLOSED ? OK : -EISCONN;
	*is_pending = t->state == TCP_SYN_SENT || t->state == TCP_SYN_RECEIVED;
	*is_done = !*is_pending;
	return OK;
}

static err_t outcome(struct tcp_socket *const t)
{
	const err_t err = tcp_take_error(t);

	spin_guard(&t->lock);
	if (t->state == TCP_CLOSED && (err || !t->was_connected)) {
		t->user = TCP_USER_IDLE;
		return err ? err : (err_t)-ECONNABORTED;
	}
	t->user = TCP_USER_CONNECTED;
	return OK;
}

static err_t start(struct socket *s, struct tcp_socket *const t, bytes_t address)
{
	struct inet_endpoint e = { };
	struct ip_route_answer route = { };
	struct tcp_burst b = { };
	err_t err = inet_address_parse(s, address, &e);

	if (err)
		return err;
	if (ip_is_any(e.address))	// "any" means this machine
		e.address = ip_is4(e.address) || t->family == FAMILY_INET ? ip_from4(IP4_LOOPBACK) : ip_loopback6();
	if (ip_is_multicast(e.address))
		return -ENETUNREACH;
	struct ip_flow flow = { .destination = e.address, .protocol = PROTOCOL_TCP, .interface = e.interface };
	inet_flow_options(t->options, &flow);
	{
		spin_guard(&t->lock);
		flow.source = t->local.address;
	}
	if (ip_is_any(flow.source))
		flow.source = ip_is4(e.address) ? ip_any4() : ip_any6();
	if (ip_is4(flow.source) != ip_is4(e.address))
		return -EINVAL;
	err = ip_route_query(t->net, &flow, &route);
	if (err)
		return err;
	if (route.is_broadcast)
		return -EACCES;
	{
		spin_guard(&t->lock);
		if (t->user != TCP_USER_IDLE || t->state != TCP_CLOSED)
			return -EALREADY;
		err = begin(t, &e, &route, &b);
	}
	tcp_burst_send(t->net, &b);
	return err;
}

err_t tcp_connect(struct socket *s, bytes_t address)
{
	struct tcp_socket *const t = tcp_of(s);
	const u64 deadline = socket_send_deadline(s);
	bool is_pending = false, is_done = false;

	if (bytes_len(address) < 2)
		return -EINVAL;
	if (bytes_get_u16le(address, 0) == 0)
		return disconnect(t);
	err_t err = check_state(t, &is_pending, &is_done);
	if (err)
		return err;
	if (is_pending && !socket_may_wait(s, 0))
		return -EALREADY;
	if (!is_pending && !is_done) {
		err = start(s, t, address);
		if (err)
			return err;
		if (!is_settled(t) && !socket_may_wait(s, 0))
			return -EINPROGRESS;
	}
	err = wait_event(&t->writable, WAIT_INTERRUPTIBLE, deadline, is_settled(t));
	if (err == (err_t)-ETIMEDOUT)
		return -EINPROGRESS;
	if (err)
		return socket_wait_error(err, deadline);
	return outcome(t);
}

// --- errors from the network ----------------------------------------------------------------------------------------

static void take_error(struct tcp_socket *const t, u32 seq, u32 error, u32 info) REQUIRES(t->lock)
{
	if (seq_before(seq, t->send.unacked) || seq_after(seq, t->send.maximum))
		return;		// not about anything that is on its way
	if (error == EMSGSIZE) {
		ip_path_note(t->net, t->remote.address, info);
		const u32 headers = TCP_HEADER_BYTES + (ip_is4(t->remote.address) ? 20 : 40);
		if (info > headers + TCP_MSS_MIN && info - headers < t->mss_limit) {
			t->mss_limit = info - headers;
			tcp_update_mss(t);
			t->send.next = t->send.unacked;
		}
		return;
	}
	if (t->state == TCP_SYN_SENT) {
		ip_count(t->net, TCP_ATTEMPT_FAILS);
		tcp_finish(t, error);
	} else if (inet_has(t->options, INET_RECEIVE_ERRORS) && !t->is_orphan) {
		atomic_u32_store(&t->error, error);
		tcp_wake(t, POLL_ERROR);
	} else {
		atomic_u32_store(&t->soft_error, error);
	}
}

void tcp_error(struct net_namespace *net, const struct ip_flow *flow borrowed, bytes_t transport, u32 error, u32 info)
{
	if (bytes_len(transport) < 8)
		return;
	const struct inet_endpoint local = { flow->source, bytes_get_u16be(transport, 0), 0 };
	const struct inet_endpoint remote = { flow->destination, bytes_get_u16be(transport, 2), 0 };
	const u32 seq = bytes_get_u32be(transport, 4);
	struct tcp_socket *found object_auto(tcp_socket) = tcp_find_connection(net, &local, &remote);
	struct tcp_burst b = { };

	if (!found)
		return;
	struct tcp_socket *const t = found;
	{
		spin_guard(&t->lock);
		take_error(t, seq, error, info);
		if (error == EMSGSIZE && t->state == TCP_ESTABLISHED)
			tcp_output(t, &b, clock_monotonic_ns());
	}
	tcp_burst_send(net, &b);
}
