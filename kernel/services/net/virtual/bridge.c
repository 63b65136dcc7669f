// SPDX-License-Identifier: MPL-2.0
// A bridge: a learning switch between its ports, and a device of its own on it. No spanning tree. Its link address is
// the least of its ports' unless one was set, as IEEE 802.1D has it. source: bridge(8)
#include <services/net/virtual/bridge_internal.h>
#include <services/net/virtual/virtual.h>

static exclusive_access void bridge_port_release(struct bridge_port *p)
{
	if (p->device)
		net_device_put(take(p->device));
}
DEFINE_OBJECT(bridge_port, bridge_port_release)

static exclusive_access void bridge_release(struct bridge *b)
{
	for (u32 i = 0; i < BRIDGE_BUCKETS; i++) {
		struct bridge_bucket *bucket = array_ptr(b->buckets, i);
		while (!bridge_station_list_is_empty(&bucket->stations)) {
			struct bridge_station *s object_auto(bridge_station) =
				bridge_station_list_pop(&bucket->stations);
			(void)s;
		}
	}
	while (!bridge_port_list_is_empty(&b->ports)) {
		struct bridge_port *p object_auto(bridge_port) = bridge_port_list_pop(&b->ports);
		(void)p;
	}
	net_device_fini(&b->base);
}
DEFINE_DERIVED(bridge, net_device, bridge_release)

// --- ports ----------------------------------------------------------------------------------------------------------
static struct net_device *port_at(struct bridge *b, u32 index) owned;
static struct net_device *port_at(struct bridge *b, u32 index)
{
	spin_guard(&b->table_lock);
	list_for_each(bridge_port_list, p, &b->ports) {
		if (index-- == 0)
			return net_device_get(p->device);
	}
	return NULL;
}

static struct bridge_port *port_take(struct bridge *b, struct net_device *d) owned;
static struct bridge_port *port_take(struct bridge *b, struct net_device *d)
{
	spin_guard(&b->table_lock);
	list_for_each(bridge_port_list, p, &b->ports) {
		if (p->device != d)
			continue;
		bridge_port_list_remove(&b->ports, p);
		return p;
	}
	return NULL;
}

static err_t port_put(struct bridge *b, struct bridge_port *port consumes)
{
	struct bridge_port *p object_auto(bridge_port) = port;

	spin_guard(&b->table_lock);
	if (bridge_port_list_count(&b->ports) >= BRIDGE_PORTS_MAX)
		return -EXFULL;
	bridge_port_list_append(&b->ports, take(p));
	return OK;
}

static s32 address_order(struct net_link_address a, struct net_link_address c)
{
	return bytes_compare(array_bytes(a.bytes), array_bytes(c.bytes));
}

// Address and carrier follow the ports.
static void ports_changed(struct bridge *b)
{
	struct net_link_address least = { };
	u32 count = 0, running = 0;

	for (;; count++) {
		struct net_device *port object_auto(net_device) = port_at(b, count);
		if (!port)
			break;
		const struct net_link_address a = net_device_address(port);
		if (count == 0 || address_order(a, least) < 0)
			least = a;
		running += (net_device_flags(port) & NET_RUNNING) != 0;
	}
	if (count && !atomic_u32_load(&b->has_own_address) && address_order(least, net_device_address(&b->base))) {
		const err_t err = net_device_set_address(&b->base, least);
		(void)err;	// a port's address is a good one
		atomic_u32_store(&b->has_own_address, 0);
	}
	net_device_set_carrier(&b->base, running > 0);
}

// --- frames ---------------------------------------------------------------------------------------------------------
static struct net_link_address address_at(struct packet *p borrowed, u32 offset)
{
	struct net_link_address a = { };

	span_copy(array_span(a.bytes), bytes_slice(packet_front(p), offset, ETHER_ADDRESS_BYTES));
	return a;
}

static void send_copy(struct net_device *port, const struct packet *p borrowed)
{
	struct packet *copy object_auto(packet) = packet_clone(p);

	if (copy)
		net_device_transmit(port, take(copy));
}

// To all ports but the one it came by (NULL: from the bridge itself).
static void flood(struct bridge *b, struct net_device *from, const struct packet *p borrowed)
{
	for (u32 i = 0;; i++) {
		struct net_device *port object_auto(net_device) = port_at(b, i);
		if (!port)
			return;
		if (port != from)
			send_copy(port, p);
	}
}

static void bridge_transmit(struct net_device *d, struct packet *packet)
{
	struct packet *p object_auto(packet) = packet;
	struct bridge *b = bridge_from_net_device(d);

	if (!packet_require(p, ETHER_HEADER_BYTES))
		return;
	const struct net_link_address to = address_at(p, 0);
	struct net_device *port object_auto(net_device) = to.bytes[0] & 1 ? NULL : bridge_lookup(b, to);
	if (port)
		net_device_transmit(port, take(p));
	else
		flood(b, NULL, p);
}

static bool is_own(struct net_device *master, struct net_device *port, struct net_link_address to)
{
	return address_order(to, net_device_address(master)) == 0 || address_order(to, net_device_address(port)) == 0;
}

// 01:80:c2:00:00:0X never crosses a bridge.
static bool is_link_local(struct net_link_address to)
{
	return to.bytes[0] == 1 && to.bytes[1] == 0x80 && to.bytes[2] == 0xc2 && !to.bytes[3] && !to.bytes[4] &&
	       to.bytes[5] < 16;
}

static void port_input(struct net_device *port, struct net_device *master, struct packet *packet)
{
	struct packet *p object_auto(packet) = packet;
	struct bridge *b = bridge_from_net_device(master);

	if (!net_device_has(master, NET_UP))
		return;
	const struct net_link_address to = address_at(p, 0);
	bridge_learn(b, address_at(p, ETHER_ADDRESS_BYTES), port);
	if (is_own(master, port, to)) {
		net_device_deliver(master, take(p));
		return;
	}
	if (is_link_local(to))
		return;
	if (to.bytes[0] & 1) {
		flood(b, port, p);
		net_device_deliver(master, take(p));
		return;
	}
	struct net_device *out object_auto(net_device) = bridge_lookup(b, to);
	if (!out)
		flood(b, port, p);
	else if (out != port)
		net_device_transmit(out, take(p));
}

static const struct net_port_ops port_ops = { .input = port_input };

// --- configuration --------------------------------------------------------------------------------------------------
static err_t bridge_open(struct net_device *d)
{
	ports_changed(bridge_from_net_device(d));
	return OK;
}

static void bridge_port_gone(struct net_device *master, struct net_device *port)
{
	struct bridge *b = bridge_from_net_device(master);
	struct bridge_port *p object_auto(bridge_port) = port_take(b, port);

	if (!p)
		return;
	bridge_forget(b, port);
	ports_changed(b);
}

static void bridge_port_changed(struct net_device *master, struct net_device *port)
{
	ports_changed(bridge_from_net_device(master));
}

static void bridge_port_remove(struct net_device *master, struct net_device *port)
{
	net_device_set_master(port, NULL, NULL);	// tells the master by `port_gone`
}

static exclusive_access err_t bridge_port_add(struct net_device *master, struct net_device *port)
{
	struct bridge *b = bridge_from_net_device(master);
	struct net_device *other object_auto(net_device) = net_device_master(port);
	struct bridge_port *p object_auto(bridge_port) = bridge_port_alloc();

	if (net_device_has(port, NET_LOOPBACK) || port->type != NET_LINK_ETHER)
		return -EINVAL;
	if (net_device_is_bridge(port))
		return -ELOOP;
	if (other)
		return -EBUSY;
	if (!p)
		return -ENOMEM;
	p->device = net_device_get(port);
	const err_t err = port_put(b, take(p));
	if (err)
		return err;
	net_device_set_master(port, master, &port_ops);
	ports_changed(b);
	return OK;
}

static void bridge_removed(struct net_device *d)
{
	struct bridge *b = bridge_from_net_device(d);

	for (;;) {
		struct net_device *port object_auto(net_device) = port_at(b, 0);
		if (!port)
			return;
		net_device_set_master(port, NULL, NULL);
		struct bridge_port *p object_auto(bridge_port) = port_take(b, port);
	}
}

static err_t bridge_set_address(struct net_device *d, struct net_link_address a)
{
	atomic_u32_store(&bridge_from_net_device(d)->has_own_address, 1);
	return OK;
}

static const struct net_device_ops bridge_ops = {
	.kind = "bridge",
	.transmit = bridge_transmit,
	.open = bridge_open,
	.removed = bridge_removed,
	.set_address = bridge_set_address,
	.port_gone = bridge_port_gone,
	.port_changed = bridge_port_changed,
};

static exclusive_access err_t bridge_create(const struct net_kind_request *r borrowed, struct net_device **out borrowed)
{
	struct bridge *b object_auto(bridge) = bridge_alloc();
	const struct net_device_traits traits = {
		.ops = &bridge_ops,
		.type = NET_LINK_ETHER,
		.address_length = ETHER_ADDRESS_BYTES,
		.mtu = r->own.mtu ? r->own.mtu : 1500,
		.mtu_min = 68,
		.mtu_max = 65535,
		.queue_length = 1000,
		.flags = NET_BROADCAST | NET_MULTICAST,
	};

	if (!b || net_device_init(&b->base, &traits))
		return -ENOMEM;
	spin_init(&b->table_lock, RANK_SERVICE_LEAF);
	atomic_u32_store(&b->base.has_carrier, 0);
	const err_t err = net_kind_register_device(&b->base, &r->own);
	if (err)
		return err;
	*out = &take(b)->base;
	return OK;
}

static const struct net_kind_ops bridge_kind = {
	.kind = "bridge",
	.create = bridge_create,
	.port_add = bridge_port_add,
	.port_remove = bridge_port_remove,
};

void bridge_init(void)
{
	net_kind_register(&bridge_kind);
}
