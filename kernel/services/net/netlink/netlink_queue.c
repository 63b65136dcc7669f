// SPDX-License-Identifier: MPL-2.0
// Messages on their way: into queues, out of them, and what a sender asks for.
#include <services/cred/cred.h>
#include <services/net/netlink/netlink_internal.h>

static exclusive_access void netlink_packet_release(struct netlink_packet *p)
{
	if (p->data)
		buf_free(take(p->data));
	if (p->pid)
		pid_put(take(p->pid));
}
DEFINE_OBJECT(netlink_packet, netlink_packet_release)

struct netlink_packet *netlink_packet_create(bytes_t message, u32 source_port, u32 group)
{
	struct netlink_packet *p object_auto(netlink_packet) = netlink_packet_alloc();

	if (!p)
		return NULL;
	p->data = buf_from(message);
	if (!p->data)
		return NULL;
	p->length = (u32)bytes_len(message);
	p->source_port = source_port;
	p->group = group;
	return take(p);
}

static bool enqueue(struct netlink_socket *const n, struct netlink_packet *packet consumes)
{
	struct netlink_packet *p object_auto(netlink_packet) = packet;
	const u32 limit = atomic_u32_load(&n->receive_limit), cost = p->length + NETLINK_PACKET_COST;

	spin_guard(&n->lock);
	if (!netlink_packet_list_is_empty(&n->packets) && n->queued_bytes + cost > limit) {
		if (!(atomic_u32_load(&n->options) & NETLINK_HAS_NO_ENOBUFS))
			n->is_overrun = 1;
		return false;
	}
	n->queued_bytes += cost;
	netlink_packet_list_append(&n->packets, take(p));
	return true;
}

static struct socket_filter *filter_of(struct netlink_socket *const n) owned;
static struct socket_filter *filter_of(struct netlink_socket *const n)
{
	spin_guard(&n->lock);
	return n->filter ? socket_filter_get(n->filter) : NULL;
}

err_t netlink_set_filter(struct socket *s, struct socket_filter *f)
{
	struct netlink_socket *const n = netlink_of(s);
	struct socket_filter *old object_auto(socket_filter) = NULL;

	spin_guard(&n->lock);
	if (!f && !n->filter)
		return -ENOENT;
	old = take(n->filter);
	if (f)
		n->filter = socket_filter_get(f);
	return OK;
}

err_t netlink_deliver(struct netlink_socket *n, struct netlink_packet *packet)
{
	struct netlink_packet *p object_auto(netlink_packet) = packet;
	struct socket_filter *filter object_auto(socket_filter) = filter_of(n);
	const u32 wanted = socket_filter_run(filter, bytes_first(buf_bytes(p->data), p->length));

	if (filter && !wanted)
		return OK;
	p->length = min(p->length, wanted);
	const bool done = enqueue(n, take(p));

	wait_queue_wake_all(&n->readable, done ? POLL_IN | POLL_READ_NORMAL : POLL_ERROR);
	return done ? OK : (err_t)-ENOBUFS;
}

void netlink_set_overrun(struct netlink_socket *n)
{
	{
		spin_guard(&n->lock);
		n->is_overrun = 1;
	}
	wait_queue_wake_all(&n->readable, POLL_ERROR);
}

err_t netlink_tell(struct netlink_socket *n, bytes_t message)
{
	struct netlink_packet *p object_auto(netlink_packet) = netlink_packet_create(message, 0, 0);

	return p ? netlink_deliver(n, take(p)) : (err_t)-ENOMEM;
}

// --- receiving ------------------------------------------------------------------------------------------------------
static struct netlink_packet *first_packet(struct netlink_socket *const n) owned;
static struct netlink_packet *first_packet(struct netlink_socket *const n)
{
	spin_guard(&n->lock);
	struct netlink_packet *p = netlink_packet_list_first(&n->packets);
	return p ? netlink_packet_get(p) : NULL;
}

static void drop(struct netlink_socket *const n, struct netlink_packet *seen)
{
	struct netlink_packet *p object_auto(netlink_packet) = NULL;

	spin_guard(&n->lock);
	if (netlink_packet_list_first(&n->packets) != seen)
		return;
	p = netlink_packet_list_pop(&n->packets);
	n->queued_bytes -= p->length + NETLINK_PACKET_COST;
}

static bool has_something(struct netlink_socket *const n)
{
	spin_guard(&n->lock);
	return !netlink_packet_list_is_empty(&n->packets) || n->is_overrun;
}

static bool overrun_take(struct netlink_socket *const n)
{
	spin_guard(&n->lock);
	const bool was = n->is_overrun;
	n->is_overrun = 0;
	return was;
}

static err_t wait_packet(struct socket *s, struct netlink_socket *const n, u32 flags,
	struct netlink_packet **out borrowed)
	REQUIRES(n->receiving)
{
	const u64 deadline = socket_receive_deadline(s);

	for (;;) {
		if (overrun_take(n))
			return -ENOBUFS;
		*out = first_packet(n);
		if (*out)
			return OK;
		if (!socket_may_wait(s, flags))
			return -EAGAIN;
		const err_t err =
			wait_event_mutex(&n->readable, &n->receiving, WAIT_INTERRUPTIBLE, deadline, has_something(n));
		if (err)
			return socket_wait_error(err, deadline);
	}
}

static void source_put(const struct netlink_packet *p borrowed, struct socket_message *m borrowed)
{
	u8 raw[NETLINK_ADDRESS_BYTES] = { };

	span_put_u16le(array_span(raw), 0, FAMILY_NETLINK);
	span_put_u32le(array_span(raw), 4, p->source_port);
	span_put_u32le(array_span(raw), 8, p->group && p->group <= 32 ? 1u << (p->group - 1) : 0);
	m->address_length = NETLINK_ADDRESS_BYTES;
	(void)span_copy_some(m->address_out, array_bytes(raw));
}

// What comes beside the data: the sender's ids (SO_PASSCRED), the group it was sent to (NETLINK_PKTINFO).
static exclusive_access void control_put(struct socket *s, struct netlink_socket *const n,
	const struct netlink_packet *p borrowed, struct socket_message *m borrowed)
{
	const bool wants_group = atomic_u32_load(&n->options) & NETLINK_HAS_PKTINFO;
	const bool wants_ids = socket_has(s, SOCKET_PASS_CRED);
	struct socket_control *c object_auto(socket_control) =
		wants_group || wants_ids ? socket_control_create() : NULL;
	u8 group[4] = { };

	if (!c)
		return;
	if (wants_ids) {
		c->has_credentials = 1;
		c->uid = p->uid;
		c->gid = p->gid;
		if (p->pid)
			c->pid = pid_get(p->pid);
	}
	span_put_u32le(array_span(group), 0, p->group);
	if (wants_group)
		(void)socket_control_add(c, LEVEL_NETLINK, CONTROL_PKTINFO, array_bytes(group));
	m->control = take(c);
}

ssize_r netlink_receive(struct socket *s, struct socket_message *m borrowed)
{
	struct netlink_socket *const n = netlink_of(s);
	struct netlink_packet *p object_auto(netlink_packet) = NULL;

	if (m->flags & MESSAGE_OOB)
		return -EOPNOTSUPP;
	atomic_u32_store(&n->receive_limit, atomic_u32_load(&s->receive_buffer));
	mutex_guard(&n->receiving);
	const usize room = iobuf_remaining(m->data);
	const err_t err = wait_packet(s, n, m->flags, &p);
	if (err)
		return (ssize_r)err;
	const usize count = min(room, (usize)p->length);
	if (iobuf_put(m->data, bytes_first(buf_bytes(p->data), count)) != count)
		return -EFAULT;
	source_put(p, m);
	control_put(s, n, p, m);
	if (p->length > room)
		m->flags_out |= MESSAGE_TRUNCATED;
	if (!(m->flags & MESSAGE_PEEK)) {
		drop(n, p);
		if (n->dump)
			netlink_dump_continue(s, n, room);
	}
	return (ssize_r)(m->flags & MESSAGE_TRUNCATED ? (usize)p->length : count);
}

// --- sending --------------------------------------------------------------------------------------------------------
struct destination {
	u32 port, groups;
};
static struct destination peer_of(struct netlink_socket *const n)
{
	spin_guard(&n->lock);
	return (struct destination){ n->peer_port, n->peer_groups };
}

static err_t destination_of(struct socket *s, const struct socket_message *m borrowed, struct destination *out borrowed)
{
	if (bytes_len(m->address) == 0) {
		*out = peer_of(netlink_of(s));
		return OK;
	}
	if (bytes_len(m->address) < NETLINK_ADDRESS_BYTES || bytes_get_u16le(m->address, 0) != FAMILY_NETLINK)
		return -EINVAL;
	out->port = bytes_get_u32le(m->address, 4);
	out->groups = bytes_get_u32le(m->address, 8);
	return (out->port || out->groups) && !net_namespace_capable(s->net, CAP_NET_ADMIN) ? (err_t)-EPERM : OK;
}

// To another socket of the same protocol.
static exclusive_access err_t send_to_port(struct socket *s, u32 port, bytes_t message)
{
	struct netlink_socket *to object_auto(netlink_socket) = netlink_find_port(s->net, s->protocol, port);
	struct netlink_packet *p object_auto(netlink_packet) =
		netlink_packet_create(message, netlink_port_of(netlink_of(s)), 0);

	if (!to)
		return -ECONNREFUSED;
	if (!p)
		return -ENOBUFS;
	p->uid = cred_current()->euid;
	p->gid = cred_current()->egid;
	return netlink_deliver(to, take(p));
}

ssize_r netlink_send(struct socket *s, struct socket_message *m borrowed)
{
	struct netlink_socket *n = netlink_of(s);
	const usize length = iobuf_remaining(m->data);
	struct destination to = { };

	if (m->flags & MESSAGE_OOB)
		return -EOPNOTSUPP;
	err_t err = destination_of(s, m, &to);
	if (!err)
		err = netlink_bind_port(n, 0);
	if (!err && length + 32 > atomic_u32_load(&s->send_buffer))
		err = -EMSGSIZE;
	if (err)
		return (ssize_r)err;
	struct buf *data buf_auto = buf_alloc(max(length, 1ul));
	if (!data)
		return -ENOBUFS;
	if (iobuf_get(m->data, span_first(buf_span(data), length)) < length)
		return -EFAULT;
	atomic_u32_store(&n->receive_limit, atomic_u32_load(&s->receive_buffer));
	bytes_t message = bytes_first(buf_bytes(data), length);
	if (to.port) {
		err = send_to_port(s, to.port, message);
		return err ? (ssize_r)err : (ssize_r)length;
	}
	if (to.groups)		// to a group from user space: nobody offers it
		return -EPERM;
	netlink_handle_all(s, n, message);
	return (ssize_r)length;
}
