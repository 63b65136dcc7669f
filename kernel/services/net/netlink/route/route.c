// SPDX-License-Identifier: MPL-2.0
// Routes: struct rtmsg and RTA_* attributes.
#include <services/net/netlink/route/route_internal.h>

enum route_attribute {
	RTA_DST = 1, RTA_SRC, RTA_IIF, RTA_OIF, RTA_GATEWAY, RTA_PRIORITY, RTA_PREFSRC, RTA_METRICS, RTA_MULTIPATH,
	RTA_FLOW = 11, RTA_CACHEINFO, RTA_TABLE = 15, RTA_MARK, RTA_VIA = 18, RTA_PREF = 20, RTA_ENCAP_TYPE = 21,
	RTA_ENCAP, RTA_UID = 25, RTA_NH_ID = 30
};
#define ROUTE_HEADER 12u	// family, dst bits, src bits, tos, table, protocol, scope, type, flags
#define METRIC_MTU 2u
#define METRIC6_DEFAULT 1024u
#define CLONED 0x200u		// RTM_F_CLONED
#define LOOKUP_TABLE 0x1000u	// RTM_F_LOOKUP_TABLE

static void header_put(span_t h, const struct net_route *r borrowed)
{
	span_at(h, 0) = (u8)route_family(r->is6);
	span_at(h, 1) = (u8)r->prefix_bits;
	span_at(h, 3) = (u8)r->tos;
	span_at(h, 4) = r->table < 256 ? (u8)r->table : (u8)252;
	span_at(h, 5) = (u8)r->protocol;
	span_at(h, 6) = (u8)r->scope;
	span_at(h, 7) = (u8)r->type;
	span_put_u32le(h, 8, r->flags);
}

static void metrics_put(struct netlink_writer *w borrowed, u32 mtu)
{
	if (!mtu)
		return;
	const usize at = netlink_nest(w, RTA_METRICS);
	netlink_put_u32(w, METRIC_MTU, mtu);
	netlink_nest_end(w, at);
}

bool route_message_put(struct netlink_writer *w borrowed, const struct net_route *r borrowed, u32 type)
{
	const usize at = netlink_begin(w, type, 0, ROUTE_HEADER);
	span_t h = netlink_fixed(w, at, ROUTE_HEADER);

	if (w->is_full)
		return netlink_end(w, at);
	header_put(h, r);
	netlink_put_u32(w, RTA_TABLE, r->table);
	if (r->prefix_bits)
		route_address_put(w, RTA_DST, r->destination, r->is6);
	if (r->priority)
		netlink_put_u32(w, RTA_PRIORITY, r->priority);
	if (!ip_is_any(r->preferred))
		route_address_put(w, RTA_PREFSRC, r->preferred, r->is6);
	metrics_put(w, r->mtu);
	if (!ip_is_any(r->gateway))
		route_address_put(w, RTA_GATEWAY, r->gateway, r->is6);
	if (r->device)
		netlink_put_u32(w, RTA_OIF, net_device_index(r->device));
	if (r->is6)
		netlink_put_u8(w, RTA_PREF, 0);
	return netlink_end(w, at);
}

static err_t route_check(bytes_t attributes)
{
	static const struct netlink_rules rules = { {
		{ RTA_DST, VALUE_BYTES, 4 },
		{ RTA_OIF, VALUE_U32, 0 },
		{ RTA_GATEWAY, VALUE_BYTES, 4 },
		{ RTA_PRIORITY, VALUE_U32, 0 },
		{ RTA_PREFSRC, VALUE_BYTES, 4 },
		{ RTA_METRICS, VALUE_NESTED, 0 },
		{ RTA_TABLE, VALUE_U32, 0 },
		{ RTA_MARK, VALUE_U32, 0 },
	} };

	return netlink_check(attributes, &rules, NETLINK_LIBERAL);
}

// --- dump: filter 0 family, 1 table, 2 protocol, 3 type, 4 interface
// --------------------------------------------------------
static bool is_wanted(const struct netlink_dump *d borrowed, const struct net_route *r borrowed)
{
	return (!d->filter[0] || route_family(r->is6) == d->filter[0]) && (!d->filter[1] || r->table == d->filter[1]) &&
	       (!d->filter[2] || r->protocol == d->filter[2]) && (!d->filter[3] || r->type == d->filter[3]) &&
	       (!d->filter[4] || (r->device && net_device_index(r->device) == d->filter[4]));
}

// By table, as `ip route` shows them within a table: the least precise first.
static bool route_fill(struct net_namespace *net, struct netlink_dump *d, struct netlink_writer *w borrowed)
{
	for (;; d->position++) {
		struct net_route *r object_auto(net_route) = net_route_at_reverse(net, d->position);
		if (!r)
			return true;
		if (is_wanted(d, r) && !route_message_put(w, r, RTM_NEWROUTE))
			return false;
	}
}

err_t route_dump(struct netlink_request *r borrowed)
{
	const u32 family = byte_at(r->body, 0);
	struct netlink_dump *d object_auto(netlink_dump) = netlink_dump_create(route_fill);

	if (!d)
		return -ENOBUFS;
	d->filter[0] = route_family_is(family) ? family : 0;
	if (bytes_len(r->body) >= ROUTE_HEADER && r->strict == NETLINK_STRICT) {
		bytes_t attributes = bytes_from(r->body, ROUTE_HEADER);
		if (bytes_get_u16le(r->body, 1) || byte_at(r->body, 3) || byte_at(r->body, 6))
			return netlink_refuse(r, -EINVAL, "Invalid values in header for FIB dump request");
		d->filter[1] = netlink_find_u32(attributes, RTA_TABLE, byte_at(r->body, 4));
		d->filter[2] = byte_at(r->body, 5);
		d->filter[3] = byte_at(r->body, 7);
		d->filter[4] = netlink_find_u32(attributes, RTA_OIF, 0);
	} else if (r->strict == NETLINK_STRICT) {
		return netlink_refuse(r, -EINVAL, "Invalid header for FIB dump request");
	}
	if (bytes_len(r->body) >= ROUTE_HEADER && (bytes_get_u32le(r->body, 8) & CLONED))
		d->filter[1] = U32_MAX;	// the route cache is empty
	return netlink_dump_start(r, take(d));
}

// --- changing
// -----------------------------------------------------------------------------------------------------------
static exclusive_access err_t addresses_read(struct netlink_request *r borrowed, struct net_route *out)
{
	bytes_t attributes = bytes_from(r->body, ROUTE_HEADER), value = bytes_empty();
	const u32 family = byte_at(r->body, 0);
	const struct ip_address none = out->is6 ? ip_any6() : ip_any4();

	out->destination = none;
	out->gateway = none;
	out->preferred = none;
	if (netlink_find(attributes, RTA_DST, value) && !route_address_get(value, family, &out->destination))
		return -EINVAL;
	if (netlink_find(attributes, RTA_GATEWAY, value) && !route_address_get(value, family, &out->gateway))
		return -EINVAL;
	if (netlink_find(attributes, RTA_PREFSRC, value) && !route_address_get(value, family, &out->preferred))
		return -EINVAL;
	if (out->prefix_bits > (out->is6 ? 128u : 32u))
		return netlink_refuse(r, -EINVAL, "Invalid prefix length");
	if (!ip_equal(ip_masked(out->destination, out->is6 ? out->prefix_bits : 96 + out->prefix_bits),
		    out->destination))
		return netlink_refuse(r, -EINVAL, "Invalid prefix for given prefix length");
	return OK;
}

static err_t unsupported_check(struct netlink_request *r borrowed, bytes_t attributes)
{
	bytes_t value = bytes_empty();

	if (netlink_find(attributes, RTA_MULTIPATH, value) || netlink_find(attributes, RTA_ENCAP, value) ||
		netlink_find(attributes, RTA_VIA, value) || netlink_find(attributes, RTA_NH_ID, value) ||
		netlink_find(attributes, RTA_SRC, value) || byte_at(r->body, 2))
		return -EOPNOTSUPP;
	return OK;
}

static exclusive_access err_t route_read(struct netlink_request *r borrowed, struct net_route *out)
{
	bytes_t attributes = bytes_from(r->body, ROUTE_HEADER), metrics = bytes_empty();
	err_t err = unsupported_check(r, attributes);

	if (err)
		return err;
	out->is6 = byte_at(r->body, 0) == FAMILY_IP6;
	out->prefix_bits = byte_at(r->body, 1);
	out->tos = byte_at(r->body, 3);
	out->table = netlink_find_u32(attributes, RTA_TABLE, byte_at(r->body, 4));
	if (out->table == 0)
		out->table = ROUTE_TABLE_MAIN;
	out->protocol = byte_at(r->body, 5);
	out->scope = byte_at(r->body, 6);
	out->type = byte_at(r->body, 7);
	out->flags = bytes_get_u32le(r->body, 8) & ROUTE_FLAG_ON_LINK;
	out->priority = netlink_find_u32(attributes, RTA_PRIORITY, 0);
	if (netlink_find(attributes, RTA_METRICS, metrics))
		out->mtu = netlink_find_u32(metrics, METRIC_MTU, 0);
	err = addresses_read(r, out);
	const u32 index = netlink_find_u32(attributes, RTA_OIF, 0);
	if (err || !index)
		return err;
	out->device = net_device_find(r->net, index);
	return out->device ? OK : -ENODEV;
}

static err_t request_check(struct netlink_request *r borrowed)
{
	if (bytes_len(r->body) < ROUTE_HEADER)
		return -EINVAL;
	if (!route_family_is(byte_at(r->body, 0)))
		return -EOPNOTSUPP;
	return route_check(bytes_from(r->body, ROUTE_HEADER));
}

static exclusive_access err_t new_check(struct netlink_request *r borrowed, struct net_route *route)
{
	if (route->type == 0 || route->type > ROUTE_THROW)
		return netlink_refuse(r, -EINVAL, "Invalid route type");
	if (route->type == ROUTE_ANYCAST)
		return -EOPNOTSUPP;
	if (route->is6) {
		if (!route->priority)
			route->priority = METRIC6_DEFAULT;
		route->scope = SCOPE_UNIVERSE;
		return OK;
	}
	// A route through a gateway is less near than the gateway itself.
	if (!ip_is_any(route->gateway) && route->scope >= SCOPE_LINK)
		return netlink_refuse(r, -EINVAL, "Route with host scope can not have a gateway");
	if (!ip_is_any(route->preferred) && net_address_type(r->net, route->preferred) != ROUTE_LOCAL)
		return netlink_refuse(r, -EINVAL, "Invalid prefsrc address");
	return OK;
}

err_t route_new(struct netlink_request *r borrowed)
{
	err_t err = request_check(r);

	if (err)
		return err;
	mutex_guard(&net_change_lock);
	struct net_route *route object_auto(net_route) = net_route_create();
	if (!route)
		return -ENOBUFS;
	err = route_read(r, route);
	if (!err)
		err = new_check(r, route);
	if (err)
		return err;
	const u32 mode = (r->flags & NETLINK_F_CREATE ? ROUTE_CREATE : 0u) |
			 (r->flags & NETLINK_F_EXCLUSIVE ? ROUTE_EXCLUSIVE : 0u) |
			 (r->flags & NETLINK_F_REPLACE ? ROUTE_REPLACE : 0u) |
			 (r->flags & NETLINK_F_APPEND ? ROUTE_APPEND : 0u);
	err = net_route_add(r->net, route, mode);
	if (err == (err_t)-ENETUNREACH)
		return netlink_refuse(r, err, "Nexthop has invalid gateway");
	if (err == (err_t)-ENETDOWN)
		return netlink_refuse(r, err, "Device for nexthop is not up");
	return err;
}

err_t route_delete(struct netlink_request *r borrowed)
{
	err_t err = request_check(r);

	if (err)
		return err;
	mutex_guard(&net_change_lock);
	struct net_route *pattern object_auto(net_route) = net_route_create();
	if (!pattern)
		return -ENOBUFS;
	err = route_read(r, pattern);
	return err ? err : net_route_delete(r->net, pattern);
}

// --- asking where a packet would go: `ip route get`
// --------------------------------------------------------------------------
static void found_put(struct netlink_writer *w borrowed, struct netlink_request *r borrowed, u32 is6,
	struct ip_address destination, const struct net_route_answer *a borrowed)
{
	const usize at = netlink_begin(w, RTM_NEWROUTE, 0, ROUTE_HEADER);
	span_t h = netlink_fixed(w, at, ROUTE_HEADER);
	const u32 table = a->type == ROUTE_LOCAL ? ROUTE_TABLE_LOCAL : ROUTE_TABLE_MAIN;

	if (w->is_full)
		return;
	span_at(h, 0) = (u8)route_family(is6);
	span_at(h, 1) = is6 ? 128 : 32;
	span_at(h, 4) = (u8)table;
	span_at(h, 7) = (u8)a->type;
	span_put_u32le(h, 8, CLONED);
	netlink_put_u32(w, RTA_TABLE, table);
	route_address_put(w, RTA_DST, destination, is6);
	netlink_put_u32(w, RTA_OIF, net_device_index(a->device));
	if (!ip_is_any(a->source))
		route_address_put(w, RTA_PREFSRC, a->source, is6);
	if (a->has_gateway)
		route_address_put(w, RTA_GATEWAY, a->next_hop, is6);
	netlink_put_u32(w, RTA_UID, cred_current()->euid);
	(void)netlink_put_room(w, RTA_CACHEINFO, 32);
	(void)netlink_end(w, at);
}

err_t route_get(struct netlink_request *r borrowed)
{
	struct net_route_answer a net_route_answer_auto = { };
	u8 room[256];
	err_t err = request_check(r);

	if (err)
		return err;
	const u32 family = byte_at(r->body, 0), is6 = family == FAMILY_IP6;
	bytes_t attributes = bytes_from(r->body, ROUTE_HEADER), value = bytes_empty();
	const struct ip_address none = is6 ? ip_any6() : ip_any4();
	struct net_route_query q = {
		.destination = none,
		.source = none,
		.interface = netlink_find_u32(attributes, RTA_OIF, 0),
		.tos = byte_at(r->body, 3),
	};
	if (netlink_find(attributes, RTA_IIF, value))
		return -EOPNOTSUPP;
	if (netlink_find(attributes, RTA_DST, value) && !route_address_get(value, family, &q.destination))
		return -EINVAL;
	if (netlink_find(attributes, RTA_SRC, value) && !route_address_get(value, family, &q.source))
		return -EINVAL;
	err = net_route_find(r->net, &q, &a);
	if (err)
		return err;
	struct netlink_writer w = { .room = array_span(room), .seq = r->seq, .port = r->port };
	found_put(&w, r, is6, q.destination, &a);
	return netlink_answer(r, bytes_first(array_bytes(room), w.used));
}
