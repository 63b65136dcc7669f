// SPDX-License-Identifier: MPL-2.0
// Addresses: struct ifaddrmsg and IFA_* attributes.
#include <core/time.h>
#include <services/net/netlink/route/route_internal.h>

enum address_attribute {
	IFA_ADDRESS = 1, IFA_LOCAL, IFA_LABEL, IFA_BROADCAST, IFA_ANYCAST, IFA_CACHEINFO, IFA_MULTICAST, IFA_FLAGS,
	IFA_RT_PRIORITY, IFA_TARGET_NETNSID, IFA_PROTO
};
#define ADDRESS_HEADER 8u	// family, prefix length, flags, scope, index
#define TICKS_PER_SECOND 100u

bool route_address_get(bytes_t value, u32 family, struct ip_address *out borrowed)
{
	if (family == FAMILY_IP4 && bytes_len(value) >= 4)
		*out = ip_from4(bytes_get_u32be(value, 0));
	else if (family == FAMILY_IP6 && bytes_len(value) >= 16)
		*out = ip_get6(value, 0);
	else
		return false;
	return true;
}

void route_address_put(struct netlink_writer *w borrowed, u32 type, struct ip_address a, u32 is6)
{
	span_t s = netlink_put_room(w, type, is6 ? 16 : 4);

	if (w->is_full)
		return;
	if (is6)
		ip_put6(s, 0, a);
	else
		span_put_u32be(s, 0, ip_to4(a));
}

static void lifetime_put(struct netlink_writer *w borrowed, const struct net_address *a borrowed)
{
	span_t s = netlink_put_room(w, IFA_CACHEINFO, 16);
	const u32 created = (u32)(a->created_ns / (NS_PER_SECOND / TICKS_PER_SECOND));

	if (w->is_full)
		return;
	span_put_u32le(s, 0, NET_LIFETIME_FOREVER);
	span_put_u32le(s, 4, NET_LIFETIME_FOREVER);
	span_put_u32le(s, 8, created);
	span_put_u32le(s, 12, created);
}

bool address_message_put(struct netlink_writer *w borrowed, const struct net_address *a borrowed, u32 type)
{
	const usize at = netlink_begin(w, type, 0, ADDRESS_HEADER);
	span_t h = netlink_fixed(w, at, ADDRESS_HEADER);
	const bool is_many = ip_equal(a->local, a->peer);

	if (w->is_full)
		return netlink_end(w, at);
	span_at(h, 0) = (u8)route_family(a->is6);
	span_at(h, 1) = (u8)a->prefix_bits;
	span_at(h, 2) = (u8)a->flags;
	span_at(h, 3) = (u8)a->scope;
	span_put_u32le(h, 4, net_device_index(a->device));
	route_address_put(w, IFA_ADDRESS, a->peer, a->is6);
	if (!a->is6 || !is_many)
		route_address_put(w, IFA_LOCAL, a->local, a->is6);
	if (a->has_broadcast)
		route_address_put(w, IFA_BROADCAST, a->broadcast, a->is6);
	if (!a->is6 && a->label[0])
		netlink_put_text(w, IFA_LABEL, netlink_text(array_bytes(a->label)));
	netlink_put_u32(w, IFA_FLAGS, a->flags);
	if (a->metric)
		netlink_put_u32(w, IFA_RT_PRIORITY, a->metric);
	if (a->protocol)
		netlink_put_u8(w, IFA_PROTO, (u8)a->protocol);
	lifetime_put(w, a);
	return netlink_end(w, at);
}

// --- dump: filter 0 family, 1 interface
// ---------------------------------------------------------------------------------
static bool address_fill(struct net_namespace *net, struct netlink_dump *d, struct netlink_writer *w borrowed)
{
	for (;; d->position++) {
		struct net_address *a object_auto(net_address) = net_address_at(net, d->position);
		if (!a)
			return true;
		if ((d->filter[0] && route_family(a->is6) != d->filter[0]) ||
			(d->filter[1] && net_device_index(a->device) != d->filter[1]))
			continue;
		if (!address_message_put(w, a, RTM_NEWADDR))
			return false;
	}
}

err_t address_dump(struct netlink_request *r borrowed)
{
	const u32 family = byte_at(r->body, 0);
	u32 index = 0;

	if (r->strict == NETLINK_STRICT) {
		if (bytes_len(r->body) < ADDRESS_HEADER)
			return netlink_refuse(r, -EINVAL, "Invalid header for address dump request");
		if (bytes_get_u16le(r->body, 1) || byte_at(r->body, 3))
			return netlink_refuse(r, -EINVAL, "Invalid values in header for address dump request");
		index = bytes_get_u32le(r->body, 4);
		struct net_device *known object_auto(net_device) = index ? net_device_find(r->net, index) : NULL;
		if (index && !known)
			return -ENODEV;
	}
	struct netlink_dump *d object_auto(netlink_dump) = netlink_dump_create(address_fill);
	if (!d)
		return -ENOBUFS;
	d->filter[0] = route_family_is(family) ? family : 0;
	d->filter[1] = index;
	return netlink_dump_start(r, take(d));
}

// --- changing
// -----------------------------------------------------------------------------------------------------------
static err_t address_check(bytes_t attributes)
{
	static const struct netlink_rules rules = { {
		{ IFA_ADDRESS, VALUE_BYTES, 4 },
		{ IFA_LOCAL, VALUE_BYTES, 4 },
		{ IFA_LABEL, VALUE_TEXT, NET_NAME_BYTES - 1 },
		{ IFA_BROADCAST, VALUE_BYTES, 4 },
		{ IFA_CACHEINFO, VALUE_BYTES, 16 },
		{ IFA_FLAGS, VALUE_U32, 0 },
		{ IFA_RT_PRIORITY, VALUE_U32, 0 },
		{ IFA_PROTO, VALUE_U8, 0 },
	} };

	return netlink_check(attributes, &rules, NETLINK_LIBERAL);
}

static err_t lifetime_check(bytes_t attributes)
{
	bytes_t value = bytes_empty();

	if (!netlink_find(attributes, IFA_CACHEINFO, value))
		return OK;
	// Only addresses that stay are offered.
	return bytes_get_u32le(value, 4) == NET_LIFETIME_FOREVER ? OK
	       : bytes_get_u32le(value, 4) == 0			 ? (err_t)-EINVAL
								 : (err_t)-EOPNOTSUPP;
}

// Fills a fresh address from a request.
static exclusive_access err_t address_read(bytes_t body, struct net_address *a)
{
	bytes_t attributes = bytes_from(body, ADDRESS_HEADER), value = bytes_empty();
	const u32 family = byte_at(body, 0);
	u8 name[NET_NAME_BYTES] = { };

	a->is6 = family == FAMILY_IP6;
	a->prefix_bits = byte_at(body, 1);
	a->scope = byte_at(body, 3);
	a->flags = netlink_find_u32(attributes, IFA_FLAGS, byte_at(body, 2)) | ADDRESS_PERMANENT;
	a->flags &= ~(u32)ADDRESS_SECONDARY;
	a->metric = netlink_find_u32(attributes, IFA_RT_PRIORITY, 0);
	a->protocol = netlink_find_u8(attributes, IFA_PROTO, 0);
	if (a->prefix_bits > (a->is6 ? 128u : 32u))
		return -EINVAL;
	if (netlink_find(attributes, IFA_LOCAL, value) || netlink_find(attributes, IFA_ADDRESS, value)) {
		if (!route_address_get(value, family, &a->local))
			return -EINVAL;
	} else {
		return -EINVAL;
	}
	a->peer = a->local;
	if (netlink_find(attributes, IFA_ADDRESS, value) && !route_address_get(value, family, &a->peer))
		return -EINVAL;
	if (!a->is6 && netlink_find(attributes, IFA_BROADCAST, value)) {
		a->has_broadcast = 1;
		a->broadcast = ip_from4(bytes_get_u32be(value, 0));
	}
	if (!a->is6) {
		value = bytes_first(array_bytes(name), net_device_name(a->device, array_span(name)));
		if (netlink_has(attributes, IFA_LABEL))
			value = netlink_value(attributes, IFA_LABEL);
		span_copy(array_span(a->label), netlink_text(value));
	} else if (ip_is_link_local6(a->local)) {
		a->scope = SCOPE_LINK;
	} else if (ip_is_loopback(a->local)) {
		a->scope = SCOPE_HOST;
	}
	return lifetime_check(attributes);
}

static err_t request_check(struct netlink_request *r borrowed)
{
	if (bytes_len(r->body) < ADDRESS_HEADER)
		return -EINVAL;
	if (!route_family_is(byte_at(r->body, 0)))
		return -EOPNOTSUPP;
	return address_check(bytes_from(r->body, ADDRESS_HEADER));
}

err_t address_new(struct netlink_request *r borrowed)
{
	err_t err = request_check(r);

	if (err)
		return err;
	mutex_guard(&net_change_lock);
	struct net_device *d object_auto(net_device) = net_device_find(r->net, bytes_get_u32le(r->body, 4));
	if (!d)
		return -ENODEV;
	struct net_address *a object_auto(net_address) = net_address_create(d);
	if (!a)
		return -ENOBUFS;
	err = address_read(r->body, a);
	if (!err)
		err = net_address_add(a);
	if (err == (err_t)-EEXIST && (r->flags & NETLINK_F_REPLACE) && !(r->flags & NETLINK_F_EXCLUSIVE))
		return OK;
	return err;
}

err_t address_delete(struct netlink_request *r borrowed)
{
	const err_t err = request_check(r);

	if (err)
		return err;
	bytes_t attributes = bytes_from(r->body, ADDRESS_HEADER), value = bytes_empty();
	const u32 family = byte_at(r->body, 0);
	struct ip_address local = family == FAMILY_IP6 ? ip_any6() : ip_any4();
	mutex_guard(&net_change_lock);
	struct net_device *d object_auto(net_device) = net_device_find(r->net, bytes_get_u32le(r->body, 4));
	if (!d)
		return -ENODEV;
	const bool has_local =
		netlink_find(attributes, IFA_LOCAL, value) || netlink_find(attributes, IFA_ADDRESS, value);
	if (has_local && !route_address_get(value, family, &local))
		return -EINVAL;
	const u32 bits = netlink_find(attributes, IFA_ADDRESS, value) ? byte_at(r->body, 1) : U32_MAX;
	return net_address_delete(d, local, bits);
}
