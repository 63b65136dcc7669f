// SPDX-License-Identifier: MPL-2.0
// Sockets of the family: made, bound, asked, closed.
#include <services/cred/cred.h>
#include <services/net/packet/packet_internal.h>

#define LEVEL_PACKET 263u
enum packet_option { OPTION_ADD_MEMBERSHIP = 1, OPTION_DROP_MEMBERSHIP = 2, OPTION_STATISTICS = 6 };
enum membership_type { MEMBERSHIP_MULTICAST, MEMBERSHIP_PROMISCUOUS, MEMBERSHIP_ALL_MULTICAST };

static void packet_table_release(struct packet_table *t) { }
DEFINE_OBJECT(packet_table, packet_table_release)

static exclusive_access void packet_socket_release(struct packet_socket *k)
{
	while (!packet_list_is_empty(&k->waiting)) {
		struct packet *p object_auto(packet) = packet_list_pop(&k->waiting);
		(void)p;
	}
	if (k->table)
		packet_table_put(take(k->table));
}
DEFINE_OBJECT(packet_socket, packet_socket_release)

static struct object *packet_table_create(void) owned;
static struct object *packet_table_create(void)
{
	struct packet_table *t object_auto(packet_table) = packet_table_alloc();

	if (!t)
		return NULL;
	spin_init(&t->lock, RANK_NET_PORTS);
	return &take(t)->object;
}

struct packet_table *packet_table_of(struct net_namespace *net)
{
	return packet_table_from_object(net->parts[NET_PART_PACKET]);
}

struct packet_socket *packet_socket_of(struct socket *s)
{
	return packet_socket_from_object(s->base.private_object);
}

struct packet_socket *packet_socket_at(struct packet_table *const t, u32 index)
{
	spin_guard(&t->lock);
	list_for_each(packet_socket_list, k, &t->sockets) {
		if (index-- == 0)
			return packet_socket_try_get(k);
	}
	return NULL;
}

// --- listening to everything ----------------------------------------------------------------------------------------
static void promiscuity_add(struct net_namespace *net, u32 interface, s32 delta)
{
	struct net_device *d object_auto(net_device) = net_device_find(net, interface);

	mutex_guard(&net_change_lock);
	if (d)
		net_device_add_promiscuity(d, delta);
}

static err_t membership_add(struct packet_socket *k, u32 interface)
{
	spin_guard(&k->lock);
	for (u32 i = 0; i < PACKET_MEMBERSHIPS_MAX; i++) {
		if (k->promiscuous[i].count)
			continue;
		k->promiscuous[i] = (struct membership){ interface, 1 };
		return OK;
	}
	return -ENOBUFS;
}

static err_t membership_drop(struct packet_socket *k, u32 interface)
{
	spin_guard(&k->lock);
	for (u32 i = 0; i < PACKET_MEMBERSHIPS_MAX; i++) {
		if (!k->promiscuous[i].count || k->promiscuous[i].interface != interface)
			continue;
		k->promiscuous[i].count = 0;
		return OK;
	}
	return -EADDRNOTAVAIL;
}

static u32 membership_take(struct packet_socket *k)
{
	spin_guard(&k->lock);
	for (u32 i = 0; i < PACKET_MEMBERSHIPS_MAX; i++) {
		if (!k->promiscuous[i].count)
			continue;
		k->promiscuous[i].count = 0;
		return k->promiscuous[i].interface;
	}
	return 0;
}

static err_t set_membership(struct socket *s, u32 name, bytes_t value)
{
	struct packet_socket *k = packet_socket_of(s);

	if (bytes_len(value) < 8)
		return -EINVAL;
	const u32 interface = bytes_get_u32le(value, 0), type = bytes_get_u16le(value, 4);
	struct net_device *d object_auto(net_device) = net_device_find(s->net, interface);
	if (!d)
		return -ENODEV;
	if (type != MEMBERSHIP_PROMISCUOUS)
		return -EOPNOTSUPP;
	const err_t err = name == OPTION_ADD_MEMBERSHIP ? membership_add(k, interface) : membership_drop(k, interface);
	if (!err)
		promiscuity_add(s->net, interface, name == OPTION_ADD_MEMBERSHIP ? 1 : -1);
	return err;
}

static err_t packet_set_option(struct socket *s, u32 level, u32 name, bytes_t value)
{
	if (level != LEVEL_PACKET)
		return -ENOPROTOOPT;
	if (name == OPTION_ADD_MEMBERSHIP || name == OPTION_DROP_MEMBERSHIP)
		return set_membership(s, name, value);
	return -ENOPROTOOPT;
}

static ssize_r packet_get_option(struct socket *s, u32 level, u32 name, span_t out)
{
	struct packet_socket *k = packet_socket_of(s);
	u8 raw[8];

	if (level != LEVEL_PACKET || name != OPTION_STATISTICS)
		return -ENOPROTOOPT;
	spin_guard(&k->lock);
	span_put_u32le(array_span(raw), 0, k->seen);
	span_put_u32le(array_span(raw), 4, k->dropped);
	k->seen = 0;
	k->dropped = 0;
	return (ssize_r)span_copy_some(out, array_bytes(raw));
}

// --- names ----------------------------------------------------------------------------------------------------------
static void bind_to(struct packet_socket *k, u32 interface, u32 ethertype)
{
	spin_guard(&k->lock);
	k->interface = interface;
	if (ethertype)
		k->ethertype = ethertype;
}

static err_t packet_bind(struct socket *s, bytes_t address)
{
	if (bytes_len(address) < LINK_ADDRESS_BYTES || bytes_get_u16le(address, 0) != FAMILY_PACKET)
		return -EINVAL;
	const u32 interface = bytes_get_u32le(address, 4);
	struct net_device *d object_auto(net_device) = interface ? net_device_find(s->net, interface) : NULL;
	if (interface && !d)
		return -ENODEV;
	bind_to(packet_socket_of(s), interface, bytes_get_u16be(address, 2));
	if (d && !net_device_has(d, NET_UP))
		socket_set_error(s, ENETDOWN);
	return OK;
}

struct binding {
	u32 interface, ethertype;
};
static struct binding binding_of(struct packet_socket *k)
{
	spin_guard(&k->lock);
	return (struct binding){ k->interface, k->ethertype };
}

static ssize_r packet_name(struct socket *s, span_t out)
{
	const struct binding b = binding_of(packet_socket_of(s));
	struct net_device *d object_auto(net_device) = net_device_find(s->net, b.interface);
	u8 raw[LINK_ADDRESS_BYTES] = { };

	span_put_u16le(array_span(raw), 0, FAMILY_PACKET);
	span_put_u16be(array_span(raw), 2, (u16)b.ethertype);
	span_put_u32le(array_span(raw), 4, b.interface);
	if (d) {
		const struct net_link_address a = net_device_address(d);
		span_put_u16le(array_span(raw), 8, (u16)d->type);
		raw[11] = (u8)d->address_length;
		span_copy(span_from(array_span(raw), 12), array_bytes(a.bytes));
	}
	(void)span_copy_some(out, array_bytes(raw));
	return d ? (ssize_r)(12 + d->address_length) : (ssize_r)12;
}

static ssize_r packet_peer_name(struct socket *s, span_t out)
{
	return -EOPNOTSUPP;
}

static u32 packet_poll(struct socket *s, struct poll_request *r)
{
	struct packet_socket *k = packet_socket_of(s);

	poll_add(r, &k->readable);
	spin_guard(&k->lock);
	return POLL_OUT | POLL_WRITE_NORMAL | (packet_list_is_empty(&k->waiting) ? 0 : POLL_IN | POLL_READ_NORMAL) |
	       (atomic_u32_load(&s->error) ? POLL_ERROR : 0);
}

// --- life -----------------------------------------------------------------------------------------------------------
static void unlist(struct packet_table *const t, struct packet_socket *k)
{
	spin_guard(&t->lock);
	packet_socket_list_remove(&t->sockets, k);
}

static void packet_close(struct socket *s)
{
	struct packet_socket *k = packet_socket_of(s);

	unlist(k->table, k);
	atomic_u32_sub(&net_tap_users, 1);
	for (u32 interface = membership_take(k); interface; interface = membership_take(k))
		promiscuity_add(s->net, interface, -1);
}

static const struct socket_ops packet_ops = {
	.close = packet_close,
	.bind = packet_bind,
	.name = packet_name,
	.peer_name = packet_peer_name,
	.send = packet_socket_send,
	.receive = packet_socket_receive,
	.poll = packet_poll,
	.set_option = packet_set_option,
	.get_option = packet_get_option,
};

static void enlist(struct packet_table *const t, struct packet_socket *k)
{
	spin_guard(&t->lock);
	packet_socket_list_append(&t->sockets, k);
}

static exclusive_access err_t packet_socket_create(struct socket *s)
{
	if (!net_namespace_capable(s->net, CAP_NET_RAW))
		return -EPERM;
	if (s->type != SOCKET_RAW && s->type != SOCKET_DATAGRAM)
		return -ESOCKTNOSUPPORT;
	struct packet_socket *k object_auto(packet_socket) = packet_socket_alloc();
	if (!k)
		return -ENOMEM;
	spin_init(&k->lock, RANK_SERVICE_LEAF);
	wait_queue_init(&k->readable);
	k->type = s->type;
	k->ethertype = (s->protocol & 0xff) << 8 | (s->protocol >> 8 & 0xff);	// given in network order
	k->table = packet_table_get(packet_table_of(s->net));
	atomic_u32_store(&k->receive_limit, atomic_u32_load(&s->receive_buffer));
	enlist(k->table, k);
	atomic_u32_add(&net_tap_users, 1);
	s->ops = &packet_ops;
	s->base.private_object = &take(k)->object;
	return OK;
}

static const struct socket_family packet_family = { .create = packet_socket_create };

void packet_socket_init(void)
{
	socket_family_register(FAMILY_PACKET, &packet_family);
	net_part_register(NET_PART_PACKET, packet_table_create);
	net_tap_register(packet_tap);
}
