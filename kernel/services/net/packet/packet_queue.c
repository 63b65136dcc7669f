// SPDX-License-Identifier: MPL-2.0
// Frames into queues, out of them, and onto the wire. A queued packet's `control` word holds what its address will say:
// kind, link type, length of the link address.
#include <services/net/packet/packet_internal.h>

#define LOOPBACK_HEADER ETHER_HEADER_BYTES	// shown on lo, which has none

// --- in -------------------------------------------------------------------------------------------------------------
static bool wants(struct packet_socket *k, u32 interface, u32 ethertype, enum net_direction direction)
{
	spin_guard(&k->lock);
	if (k->interface && k->interface != interface)
		return false;
	return k->ethertype == ETHERTYPE_ALL || (k->ethertype == ethertype && direction == NET_INCOMING);
}

static enum packet_kind kind_of(const struct packet *p borrowed, enum net_direction direction)
{
	if (direction == NET_OUTGOING)
		return KIND_OUTGOING;
	return p->flags & PACKET_BROADCAST    ? KIND_BROADCAST
	       : p->flags & PACKET_MULTICAST  ? KIND_MULTICAST
	       : p->flags & PACKET_OTHER_HOST ? KIND_OTHER_HOST
					      : KIND_HOST;
}

// A copy as the socket is to see it. NULL without memory.
static struct packet *copy_make(struct packet_socket *k, struct net_device *d, enum net_direction direction,
	const struct packet *p borrowed) owned;
static struct packet *copy_make(struct packet_socket *k, struct net_device *d, enum net_direction direction,
	const struct packet *p borrowed)
{
	struct packet *c object_auto(packet) = packet_clone(p);
	const bool has_header = d->type == NET_LINK_ETHER;

	if (!c)
		return NULL;
	packet_checksum_finish(c);
	c->interface = net_device_index(d);
	c->control = (u64)kind_of(p, direction) | (u64)d->type << 8 | (u64)d->address_length << 32;
	if (has_header && !packet_require(c, ETHER_HEADER_BYTES))
		return NULL;
	if (has_header)
		c->link_start = c->head_start;
	if (k->type == SOCKET_DATAGRAM && has_header)
		packet_pull(c, ETHER_HEADER_BYTES);
	if (k->type == SOCKET_RAW && !has_header && d->type == NET_LINK_LOOPBACK && c->head_start >= LOOPBACK_HEADER) {
		span_t h = packet_push(c, LOOPBACK_HEADER);
		span_fill(h, 0);
		span_put_u16be(h, 12, c->ethertype);
	}
	return take(c);
}

static bool enqueue(struct packet_socket *k, struct packet *packet consumes)
{
	struct packet *p object_auto(packet) = packet;
	const u32 limit = atomic_u32_load(&k->receive_limit), cost = packet_cost(p);

	spin_guard(&k->lock);
	k->seen++;
	if (k->queued_bytes + cost > limit && !packet_list_is_empty(&k->waiting)) {
		k->dropped++;
		return false;
	}
	k->queued_bytes += cost;
	packet_list_append(&k->waiting, take(p));
	return true;
}

void packet_tap(struct net_namespace *net, struct net_device *d, enum net_direction direction,
	const struct packet *p borrowed)
{
	struct packet_table *t = packet_table_of(net);

	for (u32 i = 0;; i++) {
		struct packet_socket *k object_auto(packet_socket) = packet_socket_at(t, i);
		if (!k)
			return;
		if (!wants(k, net_device_index(d), p->ethertype, direction))
			continue;
		struct packet *c object_auto(packet) = copy_make(k, d, direction, p);
		if (c && enqueue(k, take(c)))
			wait_queue_wake_all(&k->readable, POLL_IN | POLL_READ_NORMAL);
	}
}

// --- out of the queue -----------------------------------------------------------------------------------------------
static struct packet *first_of(struct packet_socket *k, u32 flags) owned;
static struct packet *first_of(struct packet_socket *k, u32 flags)
{
	spin_guard(&k->lock);
	struct packet *p = packet_list_first(&k->waiting);
	if (!p)
		return NULL;
	if (flags & MESSAGE_PEEK)
		return packet_get(p);
	packet_list_remove(&k->waiting, p);
	k->queued_bytes -= packet_cost(p);
	return p;
}

static bool has_packet(struct packet_socket *k)
{
	spin_guard(&k->lock);
	return !packet_list_is_empty(&k->waiting);
}

static void source_put(const struct packet *p borrowed, struct socket_message *m borrowed)
{
	const u32 length = (u32)(p->control >> 32) & 0xff;
	u8 raw[LINK_ADDRESS_BYTES] = { };
	span_t s = array_span(raw);

	span_put_u16le(s, 0, FAMILY_PACKET);
	span_put_u16be(s, 2, p->ethertype);
	span_put_u32le(s, 4, p->interface);
	span_put_u16le(s, 8, (u16)(p->control >> 8));
	raw[10] = (u8)p->control;
	raw[11] = (u8)length;
	if (((u32)(p->control >> 8) & 0xffff) == NET_LINK_ETHER)
		span_copy(span_from(s, 12), bytes_slice(array_bytes(p->head),
			p->link_start + (usize)ETHER_ADDRESS_BYTES,
						    ETHER_ADDRESS_BYTES));
	m->address_length = 12 + max(length, 8u);
	(void)span_copy_some(m->address_out, array_bytes(raw));
}

ssize_r packet_socket_receive(struct socket *s, struct socket_message *m borrowed)
{
	struct packet_socket *k = packet_socket_of(s);
	const u64 deadline = socket_receive_deadline(s);

	if (m->flags & (MESSAGE_OOB | MESSAGE_ERROR_QUEUE))
		return m->flags & MESSAGE_OOB ? -EINVAL : -EAGAIN;
	atomic_u32_store(&k->receive_limit, atomic_u32_load(&s->receive_buffer));
	for (;;) {
		err_t err = socket_take_error(s);
		if (err)
			return (ssize_r)err;
		struct packet *p object_auto(packet) = first_of(k, m->flags);
		if (!p) {
			if (!socket_may_wait(s, m->flags))
				return -EAGAIN;
			err = wait_event(&k->readable, WAIT_INTERRUPTIBLE, deadline, has_packet(k));
			if (err)
				return (ssize_r)socket_wait_error(err, deadline);
			continue;
		}
		const u32 length = packet_length(p), count = (u32)min((usize)length, iobuf_remaining(m->data));
		if (packet_read_to(p, 0, count, m->data) < count)
			return -EFAULT;
		source_put(p, m);
		if (count < length)
			m->flags_out |= MESSAGE_TRUNCATED;
		return (ssize_r)(m->flags & MESSAGE_TRUNCATED ? length : count);
	}
}

// --- out ------------------------------------------------------------------------------------------------------------
struct frame_destination {
	u32 interface, ethertype;
	struct net_link_address address;
};

static err_t destination_of(struct socket *s, const struct socket_message *m borrowed,
	struct frame_destination *out borrowed)
{
	struct packet_socket *k = packet_socket_of(s);
	bytes_t a = m->address;

	{
		spin_guard(&k->lock);
		out->interface = k->interface;
		out->ethertype = k->ethertype;
	}
	if (bytes_len(a) == 0)
		return OK;
	// Nobody asks for the family: there are programs that leave it out.
	if (bytes_len(a) < LINK_ADDRESS_BYTES || bytes_len(a) < 12u + byte_at(a, 11))
		return -EINVAL;
	out->interface = bytes_get_u32le(a, 4);
	out->ethertype = bytes_get_u16be(a, 2);
	(void)span_copy_some(array_span(out->address.bytes), bytes_from(a, 12));
	return OK;
}

static struct packet *frame_make(struct socket_message *m borrowed, u32 headroom, u32 length,
	err_t *err borrowed) owned;
static struct packet *frame_make(struct socket_message *m borrowed, u32 headroom, u32 length, err_t *err borrowed)
{
	struct packet *p object_auto(packet) = packet_create(headroom);

	*err = -ENOBUFS;
	if (!p)
		return NULL;
	*err = packet_append_from(p, m->data, length);
	return *err ? NULL : take(p);
}

ssize_r packet_socket_send(struct socket *s, struct socket_message *m borrowed)
{
	const u32 length = (u32)min(iobuf_remaining(m->data), (usize)U32_MAX);
	struct frame_destination to = { };
	err_t err = destination_of(s, m, &to);

	if (err)
		return (ssize_r)err;
	struct net_device *d object_auto(net_device) = net_device_find(s->net, to.interface);
	if (!d)
		return -ENXIO;
	if (!net_device_has(d, NET_UP))
		return -ENETDOWN;
	const bool is_raw = s->type == SOCKET_RAW;
	if (length > net_device_mtu(d) + (is_raw ? ETHER_HEADER_BYTES : 0) || length > PACKET_DATA_MAX)
		return -EMSGSIZE;
	if (is_raw && length < ETHER_HEADER_BYTES)
		return -EINVAL;
	struct packet *p object_auto(packet) = frame_make(m, PACKET_HEADROOM, length, &err);
	if (!p)
		return (ssize_r)err;
	if (!is_raw) {
		net_device_send_link(d, to.address, to.ethertype, take(p));
		return (ssize_r)length;
	}
	if (!packet_require(p, ETHER_HEADER_BYTES))
		return -EINVAL;
	p->ethertype = bytes_get_u16be(packet_front(p), 12);
	p->link_start = p->head_start;
	if (d->type != NET_LINK_ETHER)
		packet_pull(p, ETHER_HEADER_BYTES);
	net_device_transmit(d, take(p));
	return (ssize_r)length;
}
