// SPDX-License-Identifier: MPL-2.0
// An address brings routes: itself in table local, its network as directly connected, its broadcast address. The first
// address of a network on a device is primary; later ones are secondary and go with it.
#include <core/time.h>
#include <services/net/device/net_address.h>
#include <services/net/device/net_device_internal.h>
#include <services/net/device/net_route.h>

#define PREFIX_METRIC6 256u

static exclusive_access void net_address_release(struct net_address *a)
{
	if (a->device)
		net_device_put(take(a->device));
}
DEFINE_OBJECT(net_address, net_address_release)

exclusive_access struct net_address *net_address_create(struct net_device *d)
{
	struct net_address *a object_auto(net_address) = net_address_alloc();

	if (!a)
		return NULL;
	a->device = net_device_get(d);
	a->created_ns = clock_monotonic_ns();
	return take(a);
}

static u32 mapped_bits(const struct net_address *a borrowed)
{
	return a->is6 ? a->prefix_bits : 96 + a->prefix_bits;
}

static struct ip_address network_of(const struct net_address *a borrowed)
{
	if (a->is6)
		return ip_masked(a->peer, a->prefix_bits);
	return ip_masked(a->peer, 96 + a->prefix_bits);
}

// --- routes that come with an address -------------------------------------------------------------------------------
struct made_route {
	u32 table, type, scope, bits, priority;
	struct ip_address destination;
};

static exclusive_access void route_make(
	struct net_namespace *net, const struct net_address *a borrowed, const struct made_route *m borrowed)
{
	struct net_route *r object_auto(net_route) = net_route_create();

	if (!r)
		return;
	r->is6 = a->is6;
	r->table = m->table;
	r->type = m->type;
	r->scope = a->is6 ? (u32)SCOPE_UNIVERSE : m->scope;
	r->protocol = ROUTE_BY_KERNEL;
	r->prefix_bits = m->bits;
	r->priority = m->priority;
	r->destination = m->destination;
	r->gateway = a->is6 ? ip_any6() : ip_any4();
	r->preferred = a->is6 ? ip_any6() : a->local;
	r->device = net_device_get(a->device);
	const err_t err = net_route_add_made(net, r);
	(void)err;	// there already, by another address
}

static void route_drop(
	struct net_namespace *net, const struct net_address *a borrowed, const struct made_route *m borrowed)
{
	net_route_delete_made(net, a->device, a->is6, m->table, m->type, m->destination, m->bits, a->local);
}

enum route_action { ROUTES_MAKE, ROUTES_DROP };
static void route_do(struct net_namespace *net, const struct net_address *a borrowed, enum route_action action,
	const struct made_route *m borrowed)
{
	if (action == ROUTES_MAKE)
		route_make(net, a, m);
	else
		route_drop(net, a, m);
}

static void own_route(struct net_namespace *net, const struct net_address *a borrowed, enum route_action action)
{
	const struct made_route own = {
		.table = ROUTE_TABLE_LOCAL,
		.type = ROUTE_LOCAL,
		.scope = SCOPE_HOST,
		.bits = a->is6 ? 128 : 32,
		.destination = a->local,
	};
	route_do(net, a, action, &own);
}

// The host part's bits, all ones.
static u32 host_mask(const struct net_address *a borrowed)
{
	return a->is6 || a->prefix_bits >= 32 ? 0 : a->prefix_bits ? U32_MAX >> a->prefix_bits : U32_MAX;
}

static void network_routes(struct net_namespace *net, const struct net_address *a borrowed, enum route_action action)
{
	const bool is_loopback = net_device_has(a->device, NET_LOOPBACK) && !a->is6;
	const struct ip_address network = network_of(a);
	const u32 host_bits = a->is6 ? 128 : 32;
	const struct made_route connected = {
		.table = is_loopback ? ROUTE_TABLE_LOCAL : ROUTE_TABLE_MAIN,
		.type = is_loopback ? ROUTE_LOCAL : ROUTE_UNICAST,
		.scope = is_loopback ? SCOPE_HOST : SCOPE_LINK,
		.bits = a->prefix_bits,
		.priority = a->metric ? a->metric : a->is6 ? PREFIX_METRIC6 : 0,
		.destination = network,
	};
	const struct made_route broadcast = {
		.table = ROUTE_TABLE_LOCAL,
		.type = ROUTE_BROADCAST,
		.scope = SCOPE_LINK,
		.bits = 32,
		.destination = ip_from4(ip_to4(network) | host_mask(a)),
	};

	if (!(a->flags & ADDRESS_NO_PREFIX_ROUTE) && !(a->flags & ADDRESS_SECONDARY) &&
		(a->prefix_bits < host_bits || !ip_equal(network, a->local)))
		route_do(net, a, action, &connected);
	if (!a->is6 && !(a->flags & ADDRESS_SECONDARY) && a->prefix_bits > 0 && a->prefix_bits < 31)
		route_do(net, a, action, &broadcast);
}

static void routes_of(struct net_namespace *net, const struct net_address *a borrowed, enum route_action action)
{
	if (net_device_has(a->device, NET_UP) || action == ROUTES_DROP)
		network_routes(net, a, action);
	own_route(net, a, action);
}

// --- the list -------------------------------------------------------------------------------------------------------
static bool is_same_network(const struct net_address *a borrowed, const struct net_address *b borrowed)
{
	return a->device == b->device && a->is6 == b->is6 && a->prefix_bits == b->prefix_bits &&
	       ip_in_prefix(a->peer, b->peer, mapped_bits(a));
}

static exclusive_access err_t link_in(struct net_namespace *net, struct net_address *a)
{
	struct net_address *after = NULL;

	spin_guard(&net->lock);
	if (net_address_list_count(&net->addresses) >= NET_ADDRESSES_MAX)
		return -ENOBUFS;
	list_for_each(net_address_list, other, &net->addresses) {
		const bool is_mine = other->device == a->device;
		if (is_mine && ip_equal(other->local, a->local) && (a->is6 || is_same_network(a, other)))
			return -EEXIST;
		if (is_mine && !a->is6 && is_same_network(a, other)) {
			if (other->scope != a->scope)
				return -EINVAL;
			a->flags |= ADDRESS_SECONDARY;
		}
		if (net_device_index(other->device) <= net_device_index(a->device))
			after = other;
	}
	net_address_list_insert_after(&net->addresses, after, net_address_get(a));
	return OK;
}

static void announce(struct net_namespace *net, struct net_address *a, enum net_event_kind kind)
{
	const struct net_event e = { .kind = kind, .net = net, .address = a };

	net_changed(net);
	net_event_announce(&e);
}

err_t net_address_add(struct net_address *a)
{
	struct net_namespace *net object_auto(net_namespace) = net_device_namespace(a->device);

	if (!net)
		return -ENODEV;
	const err_t err = link_in(net, a);
	if (err)
		return err;
	routes_of(net, a, ROUTES_MAKE);
	announce(net, a, NET_EVENT_ADDRESS);
	return OK;
}

static bool is_wanted(
	const struct net_address *a borrowed, struct net_device *d, struct ip_address local, u32 bits)
{
	return a->device == d && (ip_is_any(local) || ip_equal(a->local, local)) &&
	       (bits == U32_MAX || a->prefix_bits == bits);
}

static struct net_address *take_first(
	struct net_namespace *net, struct net_device *d, struct ip_address local, u32 bits) owned;
static struct net_address *take_first(
	struct net_namespace *net, struct net_device *d, struct ip_address local, u32 bits)
{
	spin_guard(&net->lock);
	list_for_each(net_address_list, a, &net->addresses) {
		if (!is_wanted(a, d, local, bits))
			continue;
		net_address_list_remove(&net->addresses, a);
		return a;
	}
	return NULL;
}

static struct net_address *take_secondary(struct net_namespace *net, const struct net_address *primary borrowed) owned;
static struct net_address *take_secondary(struct net_namespace *net, const struct net_address *primary borrowed)
{
	spin_guard(&net->lock);
	list_for_each(net_address_list, a, &net->addresses) {
		if (!(a->flags & ADDRESS_SECONDARY) || !is_same_network(a, primary))
			continue;
		net_address_list_remove(&net->addresses, a);
		return a;
	}
	return NULL;
}

static void gone(struct net_namespace *net, struct net_address *a)
{
	routes_of(net, a, ROUTES_DROP);
	announce(net, a, NET_EVENT_ADDRESS_GONE);
}

err_t net_address_delete(struct net_device *d, struct ip_address local, u32 bits)
{
	struct net_namespace *net object_auto(net_namespace) = net_device_namespace(d);

	if (!net)
		return -ENODEV;
	struct net_address *a object_auto(net_address) = take_first(net, d, local, bits);
	if (!a)
		return -EADDRNOTAVAIL;
	while (!a->is6 && !(a->flags & ADDRESS_SECONDARY)) {
		struct net_address *second object_auto(net_address) = take_secondary(net, a);
		if (!second)
			break;
		gone(net, second);
	}
	gone(net, a);
	return OK;
}

void net_addresses_flush(struct net_device *d)
{
	while (net_address_delete(d, ip_any4(), U32_MAX) == OK)
		;
}

static exclusive_access void loopback_address(struct net_device *d, struct ip_address local, u32 bits)
{
	struct net_address *a object_auto(net_address) = net_address_create(d);

	if (!a)
		return;
	a->is6 = !ip_is4(local);
	a->local = local;
	a->peer = local;
	a->prefix_bits = bits;
	a->scope = SCOPE_HOST;
	a->flags = ADDRESS_PERMANENT;
	if (!a->is6)
		span_copy(array_span(a->label), STR("lo"));
	const err_t err = net_address_add(a);
	(void)err;	// there since it was up before
}

void net_addresses_device_up(struct net_device *d)
{
	struct net_namespace *net object_auto(net_namespace) = net_device_namespace(d);

	for (u64 i = 0; net; i++) {
		struct net_address *a object_auto(net_address) = net_address_at(net, i);
		if (!a)
			break;
		if (a->device == d)
			routes_of(net, a, ROUTES_MAKE);
	}
	if (!net_device_has(d, NET_LOOPBACK))
		return;
	struct net_address *any object_auto(net_address) = net_address_first4(d, bytes_empty());
	if (!any)
		loopback_address(d, ip_from4(IP4_LOOPBACK), 8);
	if (!atomic_u32_load(&d->settings.disable_ipv6))
		loopback_address(d, ip_loopback6(), 128);
}

// --- reading --------------------------------------------------------------------------------------------------------
struct net_address *net_address_at(struct net_namespace *net, u64 index)
{
	spin_guard(&net->lock);
	list_for_each(net_address_list, a, &net->addresses) {
		if (index-- == 0)
			return net_address_get(a);
	}
	return NULL;
}

struct net_address *net_address_first4(struct net_device *d, bytes_t label)
{
	struct net_namespace *net object_auto(net_namespace) = net_device_namespace(d);

	if (!net)
		return NULL;
	spin_guard(&net->lock);
	list_for_each(net_address_list, a, &net->addresses) {
		if (a->device != d || a->is6)
			continue;
		if (bytes_len(label) == 0 ||
			bytes_equal(bytes_first(array_bytes(a->label), bytes_string_len(array_bytes(a->label))), label))
			return net_address_get(a);
	}
	return NULL;
}

static bool may_be_source(const struct net_address *a borrowed, bool is6, u32 scope)
{
	return !(a->flags & ADDRESS_SECONDARY) && a->is6 == (u32)is6 && a->scope <= scope;
}

struct ip_address net_address_source(struct net_device *d, struct ip_address destination, u32 scope)
{
	struct net_namespace *net object_auto(net_namespace) = net_device_namespace(d);
	const bool is6 = !ip_is4(destination);
	struct ip_address best = is6 ? ip_any6() : ip_any4(), other = best;

	if (!net)
		return best;
	spin_guard(&net->lock);
	list_for_each(net_address_list, a, &net->addresses) {
		if (!may_be_source(a, is6, scope))
			continue;
		if (a->device != d) {
			if (ip_is_any(other) && a->scope != SCOPE_LINK)
				other = a->local;
			continue;
		}
		if (ip_in_prefix(destination, a->peer, mapped_bits(a)))
			return a->local;
		if (ip_is_any(best))
			best = a->local;
	}
	return ip_is_any(best) ? other : best;
}
