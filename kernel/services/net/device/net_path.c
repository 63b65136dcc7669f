// SPDX-License-Identifier: MPL-2.0
// The way of packets through a device: out to its driver, in to who wants the ethertype.
#include <core/once.h>
#include <core/time.h>
#include <services/net/device/net_device_internal.h>

#define BACKLOG_PACKETS_MAX 1000u	// net.core.netdev_max_backlog
#define PROTOCOLS_MAX 8u

struct atomic_u32 net_tap_users;

// --- who takes what -------------------------------------------------------------------------------------------------
struct net_protocol {
	u32 ethertype;
	void (*input)(struct net_namespace *net, u32 interface, struct packet *p consumes);
};
static struct spinlock protocols_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct net_protocol protocols[PROTOCOLS_MAX] GUARDED_BY(protocols_lock);
struct net_tap {
	void (*see)(struct net_namespace *net, struct net_device *d, enum net_direction direction,
		const struct packet *p borrowed);
};
static struct net_tap the_tap GUARDED_BY(protocols_lock);

void net_protocol_register(
	u32 ethertype, void (*input)(struct net_namespace *net, u32 interface, struct packet *p consumes))
{
	spin_guard(&protocols_lock);
	for (u32 i = 0; i < PROTOCOLS_MAX; i++) {
		if (protocols[i].input)
			continue;
		protocols[i].ethertype = ethertype;
		protocols[i].input = input;
		return;
	}
	core_trap();
}

static struct net_protocol protocol_of(u32 ethertype)
{
	spin_guard(&protocols_lock);
	for (u32 i = 0; i < PROTOCOLS_MAX; i++) {
		if (protocols[i].input && protocols[i].ethertype == ethertype)
			return protocols[i];
	}
	return (struct net_protocol){ };
}

void net_tap_register(void (*tap)(struct net_namespace *net, struct net_device *d, enum net_direction direction,
	const struct packet *p borrowed))
{
	spin_guard(&protocols_lock);
	the_tap.see = tap;
}

static struct net_tap tap_now(void)
{
	spin_guard(&protocols_lock);
	return the_tap;
}

static void show(struct net_namespace *net, struct net_device *d, enum net_direction direction,
	const struct packet *p borrowed)
{
	if (!atomic_u32_load(&net_tap_users))
		return;
	const struct net_tap t = tap_now();
	if (t.see)
		t.see(net, d, direction, p);
}

// --- out ------------------------------------------------------------------------------------------------------------
static bool has_link_header(const struct net_device *d borrowed)
{
	return d->type == NET_LINK_ETHER;
}

void net_device_transmit(struct net_device *d, struct packet *packet)
{
	struct packet *p object_auto(packet) = packet;
	struct net_namespace *net object_auto(net_namespace) = net_device_namespace(d);

	if (!net || !net_device_has(d, NET_UP) || !atomic_u32_load_relaxed(&d->has_carrier)) {
		atomic_u64_add(&d->statistics.sent_dropped, 1);
		return;
	}
	show(net, d, NET_OUTGOING, p);
	atomic_u64_add(&d->statistics.sent_packets, 1);
	atomic_u64_add(&d->statistics.sent_bytes, packet_length(p));
	d->ops->transmit(d, take(p));
}

void ether_send(struct net_device *d, struct net_link_address to, u32 ethertype, struct packet *packet)
{
	struct packet *p object_auto(packet) = packet;
	const struct net_link_address own = net_device_address(d);
	span_t h = packet_push(p, ETHER_HEADER_BYTES);

	span_copy(h, bytes_first(array_bytes(to.bytes), ETHER_ADDRESS_BYTES));
	span_copy(span_from(h, ETHER_ADDRESS_BYTES), bytes_first(array_bytes(own.bytes), ETHER_ADDRESS_BYTES));
	span_put_u16be(h, 2 * ETHER_ADDRESS_BYTES, (u16)ethertype);
	p->link_start = p->head_start;
	p->ethertype = (u16)ethertype;
	net_device_transmit(d, take(p));
}

void net_device_send_link(struct net_device *d, struct net_link_address to, u32 ethertype, struct packet *packet)
{
	struct packet *p object_auto(packet) = packet;

	p->ethertype = (u16)ethertype;
	if (has_link_header(d))
		ether_send(d, to, ethertype, take(p));
	else
		net_device_transmit(d, take(p));
}

void net_device_send_ip(struct net_device *d, struct ip_address next_hop, struct packet *packet)
{
	struct packet *p object_auto(packet) = packet;

	p->ethertype = ip_is4(next_hop) ? ETHERTYPE_IP4 : ETHERTYPE_IP6;
	if (has_link_header(d))
		neighbour_send(d, next_hop, take(p));
	else
		net_device_transmit(d, take(p));
}

// --- in -------------------------------------------------------------------------------------------------------------
static void count_drop(struct net_device *d)
{
	atomic_u64_add(&d->statistics.received_dropped, 1);
}

// Reads the link header, and notes whom the frame was for. False: too short to be one.
static bool link_header_read(struct net_device *d, struct packet *p borrowed)
{
	const struct net_link_address own = net_device_address(d), all = net_device_broadcast(d);

	if (!packet_require(p, ETHER_HEADER_BYTES))
		return false;
	bytes_t h = packet_front(p), to = bytes_first(h, ETHER_ADDRESS_BYTES);
	p->link_start = p->head_start;
	p->ethertype = bytes_get_u16be(h, 2 * ETHER_ADDRESS_BYTES);
	p->flags &= ~(u32)(PACKET_BROADCAST | PACKET_MULTICAST | PACKET_OTHER_HOST);
	if (bytes_equal(to, bytes_first(array_bytes(all.bytes), ETHER_ADDRESS_BYTES)))
		p->flags |= PACKET_BROADCAST;
	else if (byte_at(to, 0) & 1)
		p->flags |= PACKET_MULTICAST;
	else if (!bytes_equal(to, bytes_first(array_bytes(own.bytes), ETHER_ADDRESS_BYTES)))
		p->flags |= PACKET_OTHER_HOST;
	return true;
}

struct net_port {
	const struct net_port_ops *ops;
};
static struct net_port port_of(struct net_device *d)
{
	spin_guard(&d->lock);
	return (struct net_port){ d->port };
}

static bool is_ip6(struct packet *p borrowed)
{
	return packet_require(p, 1) && byte_at(packet_front(p), 0) >> 4 == 6;
}

void net_device_deliver(struct net_device *d, struct packet *packet)
{
	struct packet *p object_auto(packet) = packet;
	struct net_namespace *net object_auto(net_namespace) = net_device_namespace(d);

	if (!net || !net_device_has(d, NET_UP) || (has_link_header(d) && !link_header_read(d, p))) {
		count_drop(d);
		return;
	}
	if (!has_link_header(d))
		p->ethertype = is_ip6(p) ? ETHERTYPE_IP6 : ETHERTYPE_IP4;
	p->interface = net_device_index(d);
	atomic_u64_add(&d->statistics.received_packets, 1);
	atomic_u64_add(&d->statistics.received_bytes, packet_length(p));
	if (p->flags & PACKET_MULTICAST)
		atomic_u64_add(&d->statistics.multicast, 1);
	show(net, d, NET_INCOMING, p);
	const struct net_port port = port_of(d);
	struct net_device *master object_auto(net_device) = port.ops ? net_device_master(d) : NULL;
	if (master) {
		port.ops->input(d, master, take(p));
		return;
	}
	if (p->flags & PACKET_OTHER_HOST)
		return;
	if (has_link_header(d))
		packet_pull(p, ETHER_HEADER_BYTES);
	const struct net_protocol protocol = protocol_of(p->ethertype);
	if (protocol.input)
		protocol.input(net, net_device_index(d), take(p));
}

void net_loopback_note(struct net_namespace *net, const struct packet *p borrowed)
{
	struct net_statistics *const s = &net->loopback->statistics;
	const u32 length = packet_length(p);

	atomic_u64_add(&s->sent_packets, 1);
	atomic_u64_add(&s->sent_bytes, length);
	atomic_u64_add(&s->received_packets, 1);
	atomic_u64_add(&s->received_bytes, length);
	show(net, net->loopback, NET_OUTGOING, p);
	show(net, net->loopback, NET_INCOMING, p);
}

// --- the backlog ----------------------------------------------------------------------------------------------------
struct net_receiver {
	struct work base;
	struct spinlock lock;
	struct net_device *device GUARDED_BY(lock);	// not counted; NULL: gone
};
static void net_receiver_release(struct net_receiver *r) { }
DEFINE_DERIVED(net_receiver, work, net_receiver_release)

static struct packet *backlog_take(struct net_device *d) owned;
static struct packet *backlog_take(struct net_device *d)
{
	irq_guard(&d->backlog_lock);
	return packet_list_pop(&d->backlog);
}

static struct net_device *device_of(struct net_receiver *r) owned;
static struct net_device *device_of(struct net_receiver *r)
{
	spin_guard(&r->lock);
	return r->device ? net_device_try_get(r->device) : NULL;
}

static void receiver_run(struct work *w)
{
	struct net_device *d object_auto(net_device) = device_of(net_receiver_from_work(w));

	while (d) {
		struct packet *p object_auto(packet) = backlog_take(d);

		if (!p)
			return;
		net_device_deliver(d, take(p));
	}
}

exclusive_access struct work *net_receiver_create(struct net_device *d)
{
	struct net_receiver *r object_auto(net_receiver) = net_receiver_alloc();

	if (!r)
		return NULL;
	spin_init(&r->lock, RANK_SERVICE_LEAF);
	r->device = d;
	r->base.run = receiver_run;
	return &take(r)->base;
}

void net_receiver_forget(struct work *receiver)
{
	struct net_receiver *r = net_receiver_from_work(receiver);

	spin_guard(&r->lock);
	r->device = NULL;
}

static bool backlog_put(struct net_device *d, struct packet *packet consumes)
{
	struct packet *p object_auto(packet) = packet;

	irq_guard(&d->backlog_lock);
	if (packet_list_count(&d->backlog) >= BACKLOG_PACKETS_MAX)
		return false;
	packet_list_append(&d->backlog, take(p));
	return true;
}

void net_device_receive(struct net_device *d, struct packet *packet)
{
	struct packet *p object_auto(packet) = packet;

	if (!net_device_has(d, NET_UP)) {
		count_drop(d);
		return;
	}
	if (!p->received_ns)
		p->received_ns = clock_realtime_ns();
	if (backlog_put(d, take(p)))
		work_schedule(d->receiver);
	else
		count_drop(d);
}
