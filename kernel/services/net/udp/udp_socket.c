// SPDX-License-Identifier: MPL-2.0
// Datagram sockets. What is sent to an address of the loopback interface goes straight into the receiver's
// queue; to any other address there is no route. A datagram for a port where nobody listens comes back as
// -ECONNREFUSED to a connected sender and is lost for others, as an ICMP message would do.
#include <services/cred/user_namespace.h>
#include <services/net/device/net_device.h>
#include <services/net/udp/udp.h>
#include <services/net/udp/udp_internal.h>

#define SOCKADDR_IN_BYTES 16u
#define FIONREAD 0x541bu
#define UDP_AND_IP_BYTES 28u	// headers that a datagram would have

static exclusive_access void udp_packet_release(struct udp_packet *p)
{
	buf_free(take(p->data));
}
DEFINE_OBJECT(udp_packet, udp_packet_release)

static exclusive_access void udp_socket_release(struct udp_socket *u)
{
	while (!udp_packet_list_is_empty(&u->packets)) {
		struct udp_packet *p object_auto(udp_packet) = udp_packet_list_pop(&u->packets);
		(void)p;
	}
	if (u->ports)
		udp_ports_put(take(u->ports));
}
DEFINE_OBJECT(udp_socket, udp_socket_release)

static struct udp_socket *udp_of(struct socket *s)
{
	return udp_socket_from_object(s->base.private_object);
}

static bool is_loopback(u32 address)
{
	return address >> 24 == 127;
}

// -EINVAL for a short one, -EAFNOSUPPORT for another family.
static err_t address_parse(bytes_t a, struct endpoint *out borrowed)
{
	if (bytes_len(a) < SOCKADDR_IN_BYTES)
		return -EINVAL;
	if (bytes_get_u16le(a, 0) != FAMILY_INET)
		return -EAFNOSUPPORT;
	out->port = bytes_get_u16be(a, 2);
	out->address = bytes_get_u32be(a, 4);
	return OK;
}

static ssize_r address_put(span_t out, struct endpoint e)
{
	u8 raw[SOCKADDR_IN_BYTES] = { };
	span_t r = array_span(raw);

	span_put_u16le(r, 0, FAMILY_INET);
	span_put_u16be(r, 2, (u16)e.port);
	span_put_u32be(r, 4, e.address);
	(void)span_copy_some(out, bytes_of(r));
	return SOCKADDR_IN_BYTES;
}

static struct endpoint local_of(struct udp_socket *u)
{
	spin_guard(&u->lock);
	return u->local;
}

static struct endpoint peer_of(struct udp_socket *u)
{
	spin_guard(&u->lock);
	return u->peer;
}

static err_t udp_bind(struct socket *s, bytes_t address)
{
	struct user_namespace *owner = s->net->base.owner ? s->net->base.owner : user_namespace_initial();
	struct endpoint e = { };
	err_t err = address_parse(address, &e);

	if (err)
		return err;
	if (e.address && !is_loopback(e.address))
		return -EADDRNOTAVAIL;
	if (e.port && e.port < 1024 && !cred_has_capability(cred_current(), owner, CAP_NET_BIND_SERVICE))
		return -EACCES;
	return udp_bind_port(udp_of(s), e, socket_has(s, SOCKET_REUSE_ADDRESS) || socket_has(s, SOCKET_REUSE_PORT));
}

static err_t bind_if_needed(struct udp_socket *u)
{
	return local_of(u).port ? OK : udp_bind_port(u, (struct endpoint){ 0, 0 }, 0);
}

// -ENETUNREACH: only the loopback interface exists, and it must be up.
static err_t route_check(struct socket *s, struct endpoint *destination borrowed)
{
	if (!destination->address)
		destination->address = ADDRESS_LOOPBACK;
	if (!is_loopback(destination->address) || !net_device_has(s->net->loopback, NET_UP))
		return -ENETUNREACH;
	return destination->port ? OK : (err_t)-EINVAL;
}

static err_t udp_connect(struct socket *s, bytes_t address)
{
	struct udp_socket *u = udp_of(s);
	struct endpoint e = { };
	err_t err;

	if (bytes_len(address) >= 2 && bytes_get_u16le(address, 0) == 0) {	// AF_UNSPEC: no peer any more
		spin_guard(&u->lock);
		u->peer = (struct endpoint){ 0, 0 };
		return OK;
	}
	err = address_parse(address, &e);
	if (!err)
		err = route_check(s, &e);
	if (!err)
		err = bind_if_needed(u);
	if (err)
		return err;
	spin_guard(&u->lock);
	u->peer = e;
	if (!u->local.address)
		u->local.address = ADDRESS_LOOPBACK;
	return OK;
}

static ssize_r udp_name(struct socket *s, span_t out)
{
	return address_put(out, local_of(udp_of(s)));
}

static ssize_r udp_peer_name(struct socket *s, span_t out)
{
	struct endpoint peer = peer_of(udp_of(s));

	return peer.port ? address_put(out, peer) : (ssize_r)-ENOTCONN;
}

static err_t take_error(struct udp_socket *u)
{
	spin_guard(&u->lock);
	err_t err = (err_t)-(s32)u->error;
	u->error = 0;
	return err;
}

static struct udp_packet *datagram_create(struct socket_message *m borrowed, err_t *err borrowed) owned;
static struct udp_packet *datagram_create(struct socket_message *m borrowed, err_t *err borrowed)
{
	struct udp_packet *p object_auto(udp_packet) = udp_packet_alloc();
	usize length = iobuf_remaining(m->data);

	*err = -ENOMEM;
	if (!p)
		return NULL;
	if (length) {
		p->data = buf_alloc(length);
		if (!p->data)
			return NULL;
		*err = -EFAULT;
		if (iobuf_get(m->data, buf_span(p->data)) < length)
			return NULL;
	}
	p->length = (u32)length;
	*err = OK;
	return take(p);
}

// Into the queue, or lost when it is full or nobody reads any more.
static void deliver(struct udp_socket *u, struct udp_packet *packet consumes)
{
	struct udp_packet *p object_auto(udp_packet) = packet;

	{
		spin_guard(&u->lock);
		if (u->queued_bytes + p->length > u->limit || (u->shutdown & SHUTDOWN_RECEIVE))
			return;
		u->queued_bytes += p->length;
		udp_packet_list_append(&u->packets, take(p));
	}
	wait_queue_wake_all(&u->readable, POLL_IN | POLL_READ_NORMAL);
}

static err_t destination_of(struct socket *s, struct socket_message *m borrowed, struct endpoint *out borrowed)
{
	err_t err = OK;

	if (bytes_len(m->address) > 0)
		err = address_parse(m->address, out);
	else
		*out = peer_of(udp_of(s));
	if (err)
		return err;
	return out->port || bytes_len(m->address) ? route_check(s, out) : (err_t)-EDESTADDRREQ;
}

static bool may_send(struct udp_socket *u)
{
	spin_guard(&u->lock);
	return !(u->shutdown & SHUTDOWN_SEND);
}

static void refused(struct udp_socket *u)
{
	spin_guard(&u->lock);
	if (u->peer.port)
		u->error = ECONNREFUSED;
}

static ssize_r udp_send(struct socket *s, struct socket_message *m borrowed)
{
	struct udp_socket *u = udp_of(s);
	struct endpoint to = { };
	err_t err = take_error(u);

	if (!err && !may_send(u))
		err = -EPIPE;
	if (!err && (m->flags & MESSAGE_OOB))
		err = -EOPNOTSUPP;
	if (!err && iobuf_remaining(m->data) > UDP_PAYLOAD_MAX)
		err = -EMSGSIZE;
	if (!err)
		err = destination_of(s, m, &to);
	if (!err)
		err = bind_if_needed(u);
	if (err)
		return (ssize_r)err;
	struct udp_packet *p object_auto(udp_packet) = datagram_create(m, &err);
	if (!p)
		return (ssize_r)err;
	u32 length = p->length;
	p->source = local_of(u);
	if (!p->source.address)
		p->source.address = ADDRESS_LOOPBACK;
	struct udp_socket *receiver object_auto(udp_socket) = udp_find(u->ports, to, p->source);
	if (receiver)
		deliver(receiver, take(p));
	else
		refused(u);
	return (ssize_r)length;
}

static bool has_something(struct udp_socket *u)
{
	spin_guard(&u->lock);
	return !udp_packet_list_is_empty(&u->packets) || u->error || (u->shutdown & SHUTDOWN_RECEIVE);
}

static struct udp_packet *packet_take(struct udp_socket *u, u32 flags) owned;
static struct udp_packet *packet_take(struct udp_socket *u, u32 flags)
{
	spin_guard(&u->lock);
	struct udp_packet *p = udp_packet_list_first(&u->packets);

	if (!p)
		return NULL;
	if (flags & MESSAGE_PEEK)
		return udp_packet_get(p);
	u->queued_bytes -= p->length;
	return udp_packet_list_pop(&u->packets);
}

static bool at_end(struct udp_socket *u)
{
	spin_guard(&u->lock);
	return u->shutdown & SHUTDOWN_RECEIVE;
}

static ssize_r packet_give(struct udp_packet *p, struct socket_message *m borrowed)
{
	usize n = min((usize)p->length, iobuf_remaining(m->data));

	if (n && iobuf_put(m->data, bytes_first(buf_bytes(p->data), n)) < n)
		return -EFAULT;
	m->address_length = (usize)address_put(m->address_out, p->source);
	if (n < p->length)
		m->flags_out |= MESSAGE_TRUNCATED;
	return m->flags & MESSAGE_TRUNCATED ? (ssize_r)p->length : (ssize_r)n;
}

static ssize_r udp_receive(struct socket *s, struct socket_message *m borrowed)
{
	struct udp_socket *u = udp_of(s);
	u64 deadline = socket_receive_deadline(s);

	{
		spin_guard(&u->lock);
		u->limit = atomic_u32_load_relaxed(&s->receive_buffer);
	}
	for (;;) {
		struct udp_packet *p object_auto(udp_packet) = packet_take(u, m->flags);
		err_t err;

		if (p)
			return packet_give(p, m);
		err = take_error(u);
		if (!err && at_end(u))
			return 0;
		if (!err && !socket_may_wait(s, m->flags))
			err = -EAGAIN;
		if (!err)
			err = socket_wait_error(
				wait_event(&u->readable, WAIT_INTERRUPTIBLE, deadline, has_something(u)), deadline);
		if (err)
			return (ssize_r)err;
	}
}

static err_t udp_shutdown(struct socket *s, u32 how)
{
	struct udp_socket *u = udp_of(s);

	{
		spin_guard(&u->lock);
		if (!u->peer.port)
			return -ENOTCONN;
		u->shutdown |= how;
	}
	wait_queue_wake_all(&u->readable, POLL_IN | POLL_HANGUP);
	return OK;
}

static u32 udp_poll(struct socket *s, struct poll_request *r)
{
	struct udp_socket *u = udp_of(s);
	u32 mask = POLL_OUT | POLL_WRITE_NORMAL | POLL_WRITE_BAND;

	poll_add(r, &u->readable);
	spin_guard(&u->lock);
	if (!udp_packet_list_is_empty(&u->packets) || (u->shutdown & SHUTDOWN_RECEIVE))
		mask |= POLL_IN | POLL_READ_NORMAL;
	if (u->shutdown & SHUTDOWN_RECEIVE)
		mask |= POLL_READ_HANGUP;
	if (u->error)
		mask |= POLL_ERROR;
	return u->shutdown == SHUTDOWN_BOTH ? mask | POLL_HANGUP : mask;
}

static u32 first_length(struct udp_socket *u)
{
	spin_guard(&u->lock);
	struct udp_packet *p = udp_packet_list_first(&u->packets);

	return p ? p->length : 0;
}

static ssize_r udp_ioctl(struct socket *s, u32 command, u64 argument)
{
	if (command == FIONREAD)
		return (ssize_r)user_write_u32(user_addr(argument), first_length(udp_of(s)));
	return -ENOTTY;
}

static void udp_close(struct socket *s)
{
	udp_unbind(udp_of(s));
}

static const struct socket_ops udp_ops = {
	.close = udp_close, .bind = udp_bind, .connect = udp_connect, .name = udp_name, .peer_name = udp_peer_name,
	.send = udp_send, .receive = udp_receive, .shutdown = udp_shutdown, .poll = udp_poll, .ioctl = udp_ioctl,
	.set_option = inet_set_option, .get_option = inet_get_option,
};

static err_t udp_create(struct socket *s)
{
	if (s->family != FAMILY_INET)
		return -EAFNOSUPPORT;
	struct udp_socket *u object_auto(udp_socket) = udp_socket_alloc();
	if (!u)
		return -ENOMEM;
	spin_init(&u->lock, RANK_SERVICE_LEAF);
	wait_queue_init(&u->readable);
	u->net = s->net;
	u->ports = udp_ports_get(udp_ports_of(s->net));
	{
		spin_guard(&u->lock);
		u->limit = SOCKET_BUFFER_DEFAULT;
	}
	s->ops = &udp_ops;
	s->base.private_object = object_get(&u->object);
	return OK;
}

static const struct inet_protocol udp_protocol = {
	.type = SOCKET_DATAGRAM, .protocol = PROTOCOL_UDP, .create = udp_create
};

void udp_init(void)
{
	net_part_register(NET_PART_UDP, udp_ports_create);
	inet_protocol_register(&udp_protocol);
}
