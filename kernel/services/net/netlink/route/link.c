// SPDX-License-Identifier: MPL-2.0
// Links as messages, and the requests that read them.
#include <services/net/netlink/route/route_internal.h>

enum operation_state { OPERATION_UNKNOWN = 0, OPERATION_DOWN = 2, OPERATION_LOWER_DOWN = 3, OPERATION_UP = 6 };

static u32 operation_state(struct net_device *d)
{
	if (!net_device_has(d, NET_UP))
		return OPERATION_DOWN;
	if (net_device_has(d, NET_LOOPBACK) || bytes_equal(net_kind_name(d), STR("dummy")))
		return OPERATION_UNKNOWN;
	if (!atomic_u32_load(&d->has_carrier))
		return atomic_u32_load(&d->peer_index) ? OPERATION_LOWER_DOWN : OPERATION_DOWN;
	return OPERATION_UP;
}

// The 23 counters of struct rtnl_link_stats64; the old form has them as 32 bits.
#define STATISTICS_COUNT 24u
static u64 statistic(const struct net_statistics *s, u32 i)
{
	switch (i) {
	case 0:
		return atomic_u64_load(&s->received_packets);
	case 1:
		return atomic_u64_load(&s->sent_packets);
	case 2:
		return atomic_u64_load(&s->received_bytes);
	case 3:
		return atomic_u64_load(&s->sent_bytes);
	case 4:
		return atomic_u64_load(&s->received_errors);
	case 5:
		return atomic_u64_load(&s->sent_errors);
	case 6:
		return atomic_u64_load(&s->received_dropped);
	case 7:
		return atomic_u64_load(&s->sent_dropped);
	case 8:
		return atomic_u64_load(&s->multicast);
	default:
		return 0;
	}
}

static void statistics_put(struct netlink_writer *w borrowed, struct net_device *d)
{
	span_t wide = netlink_put_room(w, LINK_STATS64, STATISTICS_COUNT * 8);
	span_t narrow = netlink_put_room(w, LINK_STATS, STATISTICS_COUNT * 4);

	for (u32 i = 0; i < STATISTICS_COUNT && !w->is_full; i++) {
		const u64 value = statistic(&d->statistics, i);
		span_put_u64le(wide, (usize)i * 8, value);
		span_put_u32le(narrow, (usize)i * 4, (u32)value);
	}
}

static void info_put(struct netlink_writer *w borrowed, struct net_device *d, struct net_device *master)
{
	bytes_t kind = net_kind_name(d), above = master ? net_kind_name(master) : bytes_empty();

	if (bytes_len(kind) == 0 && bytes_len(above) == 0)
		return;
	const usize at = netlink_nest(w, LINK_LINKINFO);
	if (bytes_len(kind))
		netlink_put_text(w, INFO_KIND, kind);
	if (bytes_len(above))
		netlink_put_text(w, INFO_SLAVE_KIND, above);
	netlink_nest_end(w, at);
}

static void numbers_put(struct netlink_writer *w borrowed, struct net_device *d, struct net_device *master)
{
	const u32 peer = atomic_u32_load(&d->peer_index);

	netlink_put_u32(w, LINK_TXQLEN, atomic_u32_load(&d->queue_length));
	netlink_put_u8(w, LINK_OPERSTATE, (u8)operation_state(d));
	netlink_put_u8(w, LINK_LINKMODE, 0);
	netlink_put_u32(w, LINK_MTU, net_device_mtu(d));
	netlink_put_u32(w, LINK_MIN_MTU, d->mtu_min);
	netlink_put_u32(w, LINK_MAX_MTU, d->mtu_max == U32_MAX ? 0 : d->mtu_max);
	netlink_put_u32(w, LINK_GROUP, atomic_u32_load(&d->group));
	netlink_put_u32(w, LINK_PROMISCUITY, atomic_u32_load(&d->promiscuity));
	netlink_put_u32(w, LINK_ALLMULTI, atomic_u32_load(&d->all_multicast));
	netlink_put_u32(w, LINK_NUM_TX_QUEUES, 1);
	netlink_put_u32(w, LINK_NUM_RX_QUEUES, 1);
	if (peer)
		netlink_put_u32(w, LINK_LINK, peer);
	if (master)
		netlink_put_u32(w, LINK_MASTER, net_device_index(master));
	netlink_put_u8(w, LINK_CARRIER, atomic_u32_load(&d->has_carrier) ? 1 : 0);
	netlink_put_u32(w, LINK_CARRIER_CHANGES, atomic_u32_load(&d->carrier_changes));
	netlink_put_u8(w, LINK_PROTO_DOWN, 0);
}

static void addresses_put(struct netlink_writer *w borrowed, struct net_device *d)
{
	const struct net_link_address own = net_device_address(d), all = net_device_broadcast(d);

	if (!d->address_length)
		return;
	netlink_put(w, LINK_ADDRESS, bytes_first(array_bytes(own.bytes), d->address_length));
	netlink_put(w, LINK_BROADCAST, bytes_first(array_bytes(all.bytes), d->address_length));
}

bool link_put(struct netlink_writer *w borrowed, struct net_namespace *net, struct net_device *d, u32 type, u32 change)
{
	u8 name[NET_NAME_BYTES] = { };
	const usize length = net_device_name(d, array_span(name)), at = netlink_begin(w, type, 0, LINK_HEADER);
	struct net_device *master object_auto(net_device) = net_device_master(d);
	span_t h = netlink_fixed(w, at, LINK_HEADER);

	if (w->is_full)
		return netlink_end(w, at);
	span_put_u16le(h, 2, (u16)d->type);
	span_put_u32le(h, 4, net_device_index(d));
	span_put_u32le(h, 8, net_device_flags(d));
	span_put_u32le(h, 12, change);
	netlink_put_text(w, LINK_IFNAME, bytes_first(array_bytes(name), length));
	numbers_put(w, d, master);
	netlink_put_text(w, LINK_QDISC, net_device_has(d, NET_UP) ? STR("noqueue") : STR("noop"));
	(void)netlink_put_room(w, LINK_MAP, 32);
	addresses_put(w, d);
	statistics_put(w, d);
	info_put(w, d, master);
	return netlink_end(w, at);
}

// --- reading requests
// -------------------------------------------------------------------------------------------------
err_t link_check(bytes_t attributes, enum netlink_strictness strict)
{
	static const struct netlink_rules rules = { {
		{ LINK_ADDRESS, VALUE_BYTES, 0 },
		{ LINK_BROADCAST, VALUE_BYTES, 0 },
		{ LINK_IFNAME, VALUE_TEXT, NET_NAME_BYTES - 1 },
		{ LINK_MTU, VALUE_U32, 0 },
		{ LINK_LINK, VALUE_U32, 0 },
		{ LINK_MASTER, VALUE_U32, 0 },
		{ LINK_TXQLEN, VALUE_U32, 0 },
		{ LINK_OPERSTATE, VALUE_U8, 0 },
		{ LINK_LINKMODE, VALUE_U8, 0 },
		{ LINK_LINKINFO, VALUE_NESTED, 0 },
		{ LINK_NET_NS_PID, VALUE_U32, 0 },
		{ LINK_NET_NS_FD, VALUE_U32, 0 },
		{ LINK_IFALIAS, VALUE_ANY, 0 },
		{ LINK_AF_SPEC, VALUE_NESTED, 0 },
		{ LINK_GROUP, VALUE_U32, 0 },
		{ LINK_EXT_MASK, VALUE_U32, 0 },
		{ LINK_PROMISCUITY, VALUE_U32, 0 },
		{ LINK_NUM_TX_QUEUES, VALUE_U32, 0 },
		{ LINK_NUM_RX_QUEUES, VALUE_U32, 0 },
		{ LINK_CARRIER, VALUE_U8, 0 },
		{ LINK_NETNSID, VALUE_U32, 0 },
		{ LINK_NEW_IFINDEX, VALUE_U32, 0 },
		{ LINK_ALT_IFNAME, VALUE_TEXT, 127 },
	} };

	return netlink_check(attributes, &rules, strict);
}

struct net_device *link_named(struct net_namespace *net, bytes_t header, bytes_t attributes)
{
	const u32 index = bytes_get_u32le(header, 4);
	bytes_t name = bytes_empty();

	if ((s32)index > 0)
		return net_device_find(net, index);
	if (!netlink_find(attributes, LINK_IFNAME, name) && !netlink_find(attributes, LINK_ALT_IFNAME, name))
		return NULL;
	return net_device_find_name(net, netlink_text(name));
}

static no_inline err_t answer_link(struct netlink_request *r borrowed, struct net_device *d)
{
	struct buf *room buf_auto = buf_alloc(ROUTE_MESSAGE_ROOM);

	if (!room)
		return -ENOBUFS;
	struct netlink_writer w = { .room = buf_span(room), .seq = r->seq, .port = r->port };
	if (!link_put(&w, r->net, d, RTM_NEWLINK, 0))
		return -EMSGSIZE;
	return netlink_answer(r, bytes_first(buf_bytes(room), w.used));
}

err_t link_get(struct netlink_request *r borrowed)
{
	if (bytes_len(r->body) < LINK_HEADER)
		return netlink_refuse(r, -EINVAL, "Invalid header for get link");
	bytes_t header = bytes_first(r->body, LINK_HEADER), attributes = bytes_from(r->body, LINK_HEADER);
	const err_t err = link_check(attributes, NETLINK_LIBERAL);
	bytes_t name = bytes_empty();
	if (err)
		return err;
	if ((s32)bytes_get_u32le(header, 4) <= 0 && !netlink_find(attributes, LINK_IFNAME, name) &&
		!netlink_find(attributes, LINK_ALT_IFNAME, name))
		return -EINVAL;
	struct net_device *d object_auto(net_device) = link_named(r->net, header, attributes);
	return d ? answer_link(r, d) : (err_t)-ENODEV;
}

// filter: 0 master, 1 type
static bool link_fill(struct net_namespace *net, struct netlink_dump *dump, struct netlink_writer *w borrowed)
{
	for (;;) {
		struct net_device *d object_auto(net_device) = net_device_next(net, (u32)dump->position);
		if (!d)
			return true;
		struct net_device *master object_auto(net_device) = net_device_master(d);
		const bool is_wanted = !dump->filter[0] || (master && net_device_index(master) == dump->filter[0]);
		if (is_wanted && !link_put(w, net, d, RTM_NEWLINK, 0))
			return false;
		dump->position = (u64)net_device_index(d) + 1;
	}
}

err_t link_dump(struct netlink_request *r borrowed)
{
	bytes_t attributes = bytes_empty();

	if (bytes_len(r->body) >= LINK_HEADER)
		attributes = bytes_from(r->body, LINK_HEADER);
	else if (r->strict == NETLINK_STRICT)
		return netlink_refuse(r, -EINVAL, "Invalid header for link dump");
	if (r->strict == NETLINK_STRICT && (bytes_get_u16le(r->body, 2) || bytes_get_u32le(r->body, 8) ||
		bytes_get_u32le(r->body, 12)))
		return netlink_refuse(r, -EINVAL, "Invalid values in header for link dump request");
	if (r->strict == NETLINK_STRICT && bytes_get_u32le(r->body, 4))
		return netlink_refuse(r, -EINVAL, "Filter by device index not supported for link dumps");
	const err_t err = link_check(attributes, NETLINK_LIBERAL);
	if (err)
		return err;
	struct netlink_dump *d object_auto(netlink_dump) = netlink_dump_create(link_fill);
	if (!d)
		return -ENOBUFS;
	d->filter[0] = netlink_find_u32(attributes, LINK_MASTER, 0);
	return netlink_dump_start(r, take(d));
}
