// SPDX-License-Identifier: MPL-2.0
// Neighbours: struct ndmsg and NDA_* attributes; and rules, which are the three that always are there.
#include <core/time.h>
#include <services/net/netlink/route/route_internal.h>

enum neighbour_attribute { NDA_DST = 1, NDA_LLADDR, NDA_CACHEINFO, NDA_PROBES, NDA_IFINDEX = 8 };
#define NEIGHBOUR_HEADER 12u	// family, pad, index, state u16, flags, type
#define TICKS_PER_SECOND 100u
#define HAS_LINK_ADDRESS \
	(NEIGHBOUR_REACHABLE | NEIGHBOUR_STALE | NEIGHBOUR_DELAY | NEIGHBOUR_PROBE | NEIGHBOUR_PERMANENT | \
		NEIGHBOUR_NO_ARP)

static u32 ticks_since(u64 then_ns)
{
	return (u32)((clock_monotonic_ns() - then_ns) / (NS_PER_SECOND / TICKS_PER_SECOND));
}

bool neighbour_message_put(struct netlink_writer *w borrowed, struct neighbour *n, u32 type)
{
	const struct neighbour_view v = neighbour_read(n);
	const u32 is6 = !ip_is4(n->address);
	const usize at = netlink_begin(w, type, 0, NEIGHBOUR_HEADER);
	span_t h = netlink_fixed(w, at, NEIGHBOUR_HEADER);

	if (w->is_full)
		return netlink_end(w, at);
	span_at(h, 0) = (u8)route_family(is6);
	span_put_u32le(h, 4, net_device_index(n->device));
	span_put_u16le(h, 8, (u16)v.state);
	span_at(h, 11) = ROUTE_UNICAST;
	route_address_put(w, NDA_DST, n->address, is6);
	if (v.state & HAS_LINK_ADDRESS)
		netlink_put(w, NDA_LLADDR, bytes_first(array_bytes(v.link_address.bytes), n->device->address_length));
	netlink_put_u32(w, NDA_PROBES, v.probes);
	span_t c = netlink_put_room(w, NDA_CACHEINFO, 16);
	if (!w->is_full) {
		span_put_u32le(c, 0, ticks_since(v.confirmed_ns));
		span_put_u32le(c, 4, ticks_since(v.used_ns));
		span_put_u32le(c, 8, ticks_since(v.updated_ns));
	}
	return netlink_end(w, at);
}

// --- dump: filter 0 family, 1 interface
// ---------------------------------------------------------------------------------
static bool neighbour_fill(struct net_namespace *net, struct netlink_dump *d, struct netlink_writer *w borrowed)
{
	for (;; d->position++) {
		struct neighbour *n object_auto(neighbour) = neighbour_at(net, d->position);
		if (!n)
			return true;
		if ((d->filter[0] && route_family(!ip_is4(n->address)) != d->filter[0]) ||
			(d->filter[1] && net_device_index(n->device) != d->filter[1]))
			continue;
		if (!neighbour_message_put(w, n, RTM_NEWNEIGH))
			return false;
	}
}

err_t neighbour_dump(struct netlink_request *r borrowed)
{
	const u32 family = byte_at(r->body, 0);
	struct netlink_dump *d object_auto(netlink_dump) = netlink_dump_create(neighbour_fill);

	if (!d)
		return -ENOBUFS;
	d->filter[0] = family;
	if (bytes_len(r->body) >= NEIGHBOUR_HEADER)
		d->filter[1] = netlink_find_u32(
			bytes_from(r->body, NEIGHBOUR_HEADER), NDA_IFINDEX, bytes_get_u32le(r->body, 4));
	return netlink_dump_start(r, take(d));
}

// --- changing
// -----------------------------------------------------------------------------------------------------------
struct stack_only neighbour_request {
	struct net_device *device;	// reference
	struct ip_address address;
	struct net_link_address link_address;
	u32 has_link_address, state;
};

static err_t neighbour_read_request(struct netlink_request *r borrowed, struct neighbour_request *out borrowed)
{
	static const struct netlink_rules rules = { { { NDA_DST, VALUE_BYTES, 4 } } };

	if (bytes_len(r->body) < NEIGHBOUR_HEADER)
		return -EINVAL;
	const u32 family = byte_at(r->body, 0);
	bytes_t attributes = bytes_from(r->body, NEIGHBOUR_HEADER), value = bytes_empty();
	if (!route_family_is(family))
		return -EOPNOTSUPP;
	const err_t err = netlink_check(attributes, &rules, NETLINK_LIBERAL);
	if (err)
		return err;
	if (!netlink_find(attributes, NDA_DST, value))
		return netlink_refuse(r, -EINVAL, "Network address not specified");
	if (!route_address_get(value, family, &out->address))
		return netlink_refuse(r, -EINVAL, "Invalid network address");
	out->device = net_device_find(r->net, bytes_get_u32le(r->body, 4));
	if (!out->device)
		return -ENODEV;
	out->state = bytes_get_u16le(r->body, 8);
	if (!netlink_find(attributes, NDA_LLADDR, value))
		return OK;
	if (bytes_len(value) < out->device->address_length)
		return netlink_refuse(r, -EINVAL, "Invalid link address");
	out->has_link_address = 1;
	span_copy(array_span(out->link_address.bytes), bytes_first(value, out->device->address_length));
	return OK;
}

err_t neighbour_new(struct netlink_request *r borrowed)
{
	mutex_guard(&net_change_lock);
	struct neighbour_request q = { };
	err_t err = neighbour_read_request(r, &q);
	struct net_device *d object_auto(net_device) = take(q.device);

	if (err)
		return err;
	struct neighbour *known object_auto(neighbour) = neighbour_find(d, q.address);
	if (known && (r->flags & NETLINK_F_EXCLUSIVE))
		return -EEXIST;
	if (known && !(r->flags & NETLINK_F_REPLACE))
		return -EEXIST;
	if (!known && !(r->flags & NETLINK_F_CREATE))
		return -ENOENT;
	if (!q.has_link_address && (q.state & HAS_LINK_ADDRESS) && !(q.state & NEIGHBOUR_NO_ARP))
		return -EINVAL;
	return neighbour_set(d, q.address, q.state, q.link_address);
}

err_t neighbour_remove(struct netlink_request *r borrowed)
{
	mutex_guard(&net_change_lock);
	struct neighbour_request q = { };
	const err_t err = neighbour_read_request(r, &q);
	struct net_device *d object_auto(net_device) = take(q.device);

	return err ? err : neighbour_delete(d, q.address);
}

err_t neighbour_get_one(struct netlink_request *r borrowed)
{
	struct neighbour_request q = { };
	const err_t err = neighbour_read_request(r, &q);
	struct net_device *d object_auto(net_device) = take(q.device);
	u8 room[256];

	if (err)
		return err;
	struct neighbour *n object_auto(neighbour) = neighbour_find(d, q.address);
	if (!n)
		return -ENOENT;
	struct netlink_writer w = { .room = array_span(room), .seq = r->seq, .port = r->port };
	if (!neighbour_message_put(&w, n, RTM_NEWNEIGH))
		return -EMSGSIZE;
	return netlink_answer(r, bytes_first(array_bytes(room), w.used));
}

// --- rules: struct fib_rule_hdr
// -------------------------------------------------------------------------------------------
#define RULE_HEADER 12u
enum rule_attribute { RULE_PRIORITY = 6, RULE_SUPPRESS_PREFIXLEN = 14, RULE_TABLE = 15, RULE_PROTOCOL = 21 };
#define RULE_TO_TABLE 1u
struct fixed_rule {
	u32 is6, table, priority;
};

static bool rule_put(struct netlink_writer *w borrowed, const struct fixed_rule *rule)
{
	const usize at = netlink_begin(w, RTM_NEWRULE, 0, RULE_HEADER);
	span_t h = netlink_fixed(w, at, RULE_HEADER);

	if (w->is_full)
		return netlink_end(w, at);
	span_at(h, 0) = (u8)route_family(rule->is6);
	span_at(h, 4) = (u8)rule->table;
	span_at(h, 7) = RULE_TO_TABLE;
	netlink_put_u32(w, RULE_TABLE, rule->table);
	netlink_put_u32(w, RULE_SUPPRESS_PREFIXLEN, U32_MAX);
	netlink_put_u8(w, RULE_PROTOCOL, ROUTE_BY_KERNEL);
	if (rule->priority)
		netlink_put_u32(w, RULE_PRIORITY, rule->priority);
	return netlink_end(w, at);
}

static bool rule_fill(struct net_namespace *net, struct netlink_dump *d, struct netlink_writer *w borrowed)
{
	static const struct fixed_rule rules[] = {
		{ 0, ROUTE_TABLE_LOCAL, 0 }, { 0, ROUTE_TABLE_MAIN, 32766 }, { 0, ROUTE_TABLE_DEFAULT, 32767 },
		{ 1, ROUTE_TABLE_LOCAL, 0 }, { 1, ROUTE_TABLE_MAIN, 32766 },
	};

	for (; d->position < array_len(rules); d->position++) {
		const struct fixed_rule *rule = array_ptr(rules, d->position);
		if (d->filter[0] && route_family(rule->is6) != d->filter[0])
			continue;
		if (!rule_put(w, rule))
			return false;
	}
	return true;
}

err_t rule_dump(struct netlink_request *r borrowed)
{
	const u32 family = byte_at(r->body, 0);
	struct netlink_dump *d object_auto(netlink_dump) = netlink_dump_create(rule_fill);

	if (!d)
		return -ENOBUFS;
	d->filter[0] = route_family_is(family) ? family : 0;
	return netlink_dump_start(r, take(d));
}
