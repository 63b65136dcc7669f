// SPDX-License-Identifier: MPL-2.0
#include <services/net/inet/inet_datagram.h>

static exclusive_access void inet_datagram_release(struct inet_datagram *d)
{
	if (d->packet)
		packet_put(take(d->packet));
}
DEFINE_OBJECT(inet_datagram, inet_datagram_release)

void inet_queue_init(struct inet_queue *q)
{
	spin_init(&q->lock, RANK_NET_SOCKET);
	wait_queue_init(&q->readable);
	spin_guard(&q->lock);
	q->limit = SOCKET_BUFFER_DEFAULT;
}

void inet_queue_drop(struct inet_queue *q)
{
	for (;;) {
		struct inet_datagram *d object_auto(inet_datagram) = NULL;
		spin_guard(&q->lock);
		d = inet_datagram_list_pop(&q->list);
		if (!d)
			return;
		q->queued -= d->cost;
	}
}

static struct inet_datagram *datagram_create(const struct ip_flow *flow borrowed, u32 source_port,
	struct packet *packet consumes) owned;
static struct inet_datagram *datagram_create(const struct ip_flow *flow borrowed, u32 source_port,
	struct packet *packet consumes)
{
	struct packet *p object_auto(packet) = packet;
	struct inet_datagram *d object_auto(inet_datagram) = inet_datagram_alloc();

	if (!d)
		return NULL;
	d->source.address = flow->source;
	d->source.port = source_port;
	d->source.interface = ip_is_link_local6(flow->source) ? flow->interface : 0;
	d->destination = flow->destination;
	d->interface = flow->interface;
	d->ttl = flow->ttl;
	d->tos = flow->tos;
	d->cost = packet_cost(p) + (u32)sizeof(struct inet_datagram);
	d->packet = take(p);
	return take(d);
}

bool inet_queue_put(struct inet_queue *q, const struct ip_flow *flow borrowed, u32 source_port,
	struct packet *p consumes)
{
	struct inet_datagram *d object_auto(inet_datagram) = datagram_create(flow, source_port, p);

	if (!d)
		return false;
	{
		spin_guard(&q->lock);
		// One is always taken, however small the buffer.
		if ((q->queued && q->queued + d->cost > q->limit) || q->shutdown & SHUTDOWN_RECEIVE)
			return false;
		q->queued += d->cost;
		inet_datagram_list_append(&q->list, take(d));
	}
	wait_queue_wake_all(&q->readable, POLL_IN | POLL_READ_NORMAL);
	return true;
}

static bool has_something(struct inet_queue *q)
{
	spin_guard(&q->lock);
	return !inet_datagram_list_is_empty(&q->list) || atomic_u32_load(&q->error) || q->shutdown & SHUTDOWN_RECEIVE;
}

static struct inet_datagram *queue_take(struct inet_queue *q, u32 flags) owned;
static struct inet_datagram *queue_take(struct inet_queue *q, u32 flags)
{
	spin_guard(&q->lock);
	struct inet_datagram *d = inet_datagram_list_first(&q->list);

	if (!d)
		return NULL;
	if (flags & MESSAGE_PEEK)
		return inet_datagram_get(d);
	q->queued -= d->cost;
	return inet_datagram_list_pop(&q->list);
}

static bool at_end(struct inet_queue *q)
{
	spin_guard(&q->lock);
	return q->shutdown & SHUTDOWN_RECEIVE;
}

// --- control messages that describe a packet ------------------------------------------------------------------------

#define LEVEL_IP 0u
#define LEVEL_IP6 41u
enum { CONTROL_IP_TOS = 1, CONTROL_IP_TTL = 2, CONTROL_IP_PACKET_INFO = 8, CONTROL_IP6_PACKET_INFO = 50,
	CONTROL_IP6_HOP_LIMIT = 52, CONTROL_IP6_CLASS = 67 };

static void add_number(struct socket_control *c, u32 level, u32 type, u32 value)
{
	u8 raw[4];

	span_put_u32le(array_span(raw), 0, value);
	(void)socket_control_add(c, level, type, array_bytes(raw));
}

static void describe4(struct socket_control *c, const struct inet_datagram *d, u32 flags)
{
	u8 raw[12];
	span_t r = array_span(raw);

	if (flags & INET_PACKET_INFO) {
		span_put_u32le(r, 0, d->interface);
		span_put_u32be(r, 4, ip_to4(d->destination));
		span_put_u32be(r, 8, ip_to4(d->destination));
		(void)socket_control_add(c, LEVEL_IP, CONTROL_IP_PACKET_INFO, bytes_of(r));
	}
	if (flags & INET_RECEIVE_TTL)
		add_number(c, LEVEL_IP, CONTROL_IP_TTL, d->ttl);
	if (flags & INET_RECEIVE_TOS) {
		raw[0] = (u8)d->tos;
		(void)socket_control_add(c, LEVEL_IP, CONTROL_IP_TOS, bytes_of(span_first(r, 1)));
	}
}

static void describe6(struct socket_control *c, const struct inet_datagram *d, u32 flags)
{
	u8 raw[20];
	span_t r = array_span(raw);

	if (flags & INET6_PACKET_INFO) {
		ip_put6(r, 0, d->destination);
		span_put_u32le(r, 16, d->interface);
		(void)socket_control_add(c, LEVEL_IP6, CONTROL_IP6_PACKET_INFO, bytes_of(r));
	}
	if (flags & INET6_RECEIVE_HOP_LIMIT && !ip_is4(d->source.address))
		add_number(c, LEVEL_IP6, CONTROL_IP6_HOP_LIMIT, d->ttl);
	if (flags & INET6_RECEIVE_CLASS && !ip_is4(d->source.address))
		add_number(c, LEVEL_IP6, CONTROL_IP6_CLASS, d->tos);
}

#define DESCRIBE4 (INET_PACKET_INFO | INET_RECEIVE_TTL | INET_RECEIVE_TOS)
#define DESCRIBE6 (INET6_PACKET_INFO | INET6_RECEIVE_HOP_LIMIT | INET6_RECEIVE_CLASS)
static void describe(const struct inet_datagram *d, struct inet_options *o, struct socket_message *m borrowed)
{
	const u32 flags = atomic_u32_load_relaxed(&o->flags);

	if (!(flags & (DESCRIBE4 | DESCRIBE6)) || m->control)
		return;
	m->control = socket_control_create();
	if (!m->control)
		return;
	if (ip_is4(d->source.address))
		describe4(m->control, d, flags);
	if (o->family == FAMILY_INET6)
		describe6(m->control, d, flags);
}

static ssize_r give(const struct inet_datagram *d, struct inet_options *o, struct socket_message *m borrowed)
{
	const u32 length = packet_length(d->packet), n = (u32)min((usize)length, iobuf_remaining(m->data));

	if (n && packet_read_to(d->packet, 0, n, m->data) < n)
		return -EFAULT;
	m->address_length = (usize)inet_address_put(o->family, m->address_out, &d->source);
	describe(d, o, m);
	if (n < length)
		m->flags_out |= MESSAGE_TRUNCATED;
	return m->flags & MESSAGE_TRUNCATED ? (ssize_r)length : (ssize_r)n;
}

ssize_r inet_queue_receive(struct socket *s, struct inet_queue *q, struct inet_options *o,
	struct socket_message *m borrowed)
{
	const u64 deadline = socket_receive_deadline(s);

	if (m->flags & MESSAGE_OOB)
		return -EOPNOTSUPP;
	if (m->flags & MESSAGE_ERROR_QUEUE)
		return -EAGAIN;
	for (;;) {
		err_t err = inet_queue_take_error(q);
		if (err)
			return (ssize_r)err;
		struct inet_datagram *d object_auto(inet_datagram) = queue_take(q, m->flags);
		if (d)
			return give(d, o, m);
		if (at_end(q))
			return 0;
		if (!socket_may_wait(s, m->flags))
			return -EAGAIN;
		err = socket_wait_error(wait_event(&q->readable, WAIT_INTERRUPTIBLE, deadline, has_something(q)),
			deadline);
		if (err)
			return (ssize_r)err;
	}
}

u32 inet_queue_poll(struct inet_queue *q, struct poll_request *r)
{
	u32 mask = POLL_OUT | POLL_WRITE_NORMAL | POLL_WRITE_BAND;

	poll_add(r, &q->readable);
	spin_guard(&q->lock);
	if (!inet_datagram_list_is_empty(&q->list) || q->shutdown & SHUTDOWN_RECEIVE)
		mask |= POLL_IN | POLL_READ_NORMAL;
	if (q->shutdown & SHUTDOWN_RECEIVE)
		mask |= POLL_READ_HANGUP;
	if (atomic_u32_load(&q->error))
		mask |= POLL_ERROR;
	return q->shutdown == SHUTDOWN_BOTH ? mask | POLL_HANGUP : mask;
}

u32 inet_queue_first_length(struct inet_queue *q)
{
	spin_guard(&q->lock);
	struct inet_datagram *d = inet_datagram_list_first(&q->list);

	return d ? packet_length(d->packet) : 0;
}

u32 inet_queue_cost(struct inet_queue *q)
{
	spin_guard(&q->lock);
	return q->queued;
}

void inet_queue_set_error(struct inet_queue *q, u32 error)
{
	atomic_u32_store(&q->error, error);
	wait_queue_wake_all(&q->readable, POLL_ERROR | POLL_IN);
}

err_t inet_queue_take_error(struct inet_queue *q)
{
	return atomic_u32_load_relaxed(&q->error) ? (err_t)-(s32)atomic_u32_exchange(&q->error, 0) : OK;
}

void inet_queue_shutdown(struct inet_queue *q, u32 how)
{
	{
		spin_guard(&q->lock);
		q->shutdown |= how;
	}
	wait_queue_wake_all(&q->readable, POLL_IN | POLL_HANGUP | POLL_QUIET);
}

bool inet_queue_may_send(struct inet_queue *q)
{
	spin_guard(&q->lock);
	return !(q->shutdown & SHUTDOWN_SEND);
}

void inet_queue_set_limit(struct inet_queue *q, u32 limit)
{
	spin_guard(&q->lock);
	q->limit = limit;
}
