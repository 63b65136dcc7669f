// SPDX-License-Identifier: MPL-2.0
// All tables of a namespace in one list, the most precise route first: the first match in a table is the answer.
#include <services/net/device/net_device_internal.h>
#include <services/net/device/net_route.h>

static exclusive_access void net_route_release(struct net_route *r)
{
	if (r->device)
		net_device_put(take(r->device));
}
DEFINE_OBJECT(net_route, net_route_release)

struct net_route *net_route_create(void)
{
	return net_route_alloc();
}

static u32 mapped_bits(const struct net_route *r borrowed)
{
	return r->is6 ? r->prefix_bits : 96 + r->prefix_bits;
}

static bool is_same_place(const struct net_route *a borrowed, const struct net_route *b borrowed)
{
	return a->is6 == b->is6 && a->table == b->table && a->prefix_bits == b->prefix_bits && a->tos == b->tos &&
	       a->priority == b->priority && ip_equal(a->destination, b->destination);
}

static bool is_same_route(const struct net_route *a borrowed, const struct net_route *b borrowed)
{
	return is_same_place(a, b) && a->type == b->type && a->scope == b->scope && a->device == b->device &&
	       ip_equal(a->gateway, b->gateway) && ip_equal(a->preferred, b->preferred);
}

// Does a come before b? Most bits first, then least priority number.
static bool is_before(const struct net_route *a borrowed, const struct net_route *b borrowed)
{
	const u32 bits_a = mapped_bits(a), bits_b = mapped_bits(b);

	return bits_a != bits_b ? bits_a > bits_b : a->priority < b->priority;
}

static void announce(struct net_namespace *net, struct net_route *r, enum net_event_kind kind)
{
	const struct net_event e = { .kind = kind, .net = net, .route = r };

	net_changed(net);
	net_event_announce(&e);
}

// *old: what ROUTE_REPLACE takes out.
static err_t link_in(struct net_namespace *net, struct net_route *r, u32 mode, struct net_route **old borrowed)
{
	struct net_route *after = NULL, *same = NULL, *last_same = NULL;

	spin_guard(&net->lock);
	if (net_route_list_count(&net->routes) >= NET_ROUTES_MAX)
		return -ENOBUFS;
	list_for_each(net_route_list, other, &net->routes) {
		if (is_same_route(other, r) && !(mode & ROUTE_REPLACE))
			return -EEXIST;
		if (is_same_place(other, r)) {
			same = same ? same : other;
			last_same = other;
		}
		if (is_before(other, r))
			after = other;
	}
	if (same && (mode & ROUTE_EXCLUSIVE))
		return -EEXIST;
	if (!same && !(mode & ROUTE_CREATE))
		return -ENOENT;
	if (same && (mode & ROUTE_REPLACE)) {
		net_route_list_insert_after(&net->routes, same, net_route_get(r));
		net_route_list_remove(&net->routes, same);
		*old = same;
		return OK;
	}
	net_route_list_insert_after(
		&net->routes, last_same && (mode & ROUTE_APPEND) ? last_same : after, net_route_get(r));
	return OK;
}

static err_t insert(struct net_namespace *net, struct net_route *r, u32 mode)
{
	struct net_route *old object_auto(net_route) = NULL;
	const err_t err = link_in(net, r, mode, &old);

	if (!err)
		announce(net, r, NET_EVENT_ROUTE);
	return err;
}

err_t net_route_add_made(struct net_namespace *net, struct net_route *r)
{
	return insert(net, r, ROUTE_CREATE | ROUTE_APPEND);
}

// The gateway must be a neighbour: on a directly connected network. Fills in the device.
static exclusive_access err_t gateway_check(struct net_namespace *net, struct net_route *r)
{
	struct net_route_answer a net_route_answer_auto = { };
	const struct net_route_query q = {
		.destination = r->gateway,
		.source = r->is6 ? ip_any6() : ip_any4(),
		.interface = r->device ? net_device_index(r->device) : 0,
	};

	if (r->flags & ROUTE_FLAG_ON_LINK)
		return r->device ? OK : (err_t)-EINVAL;
	if (r->is6 && ip_is_link_local6(r->gateway))
		return r->device ? OK : (err_t)-EINVAL;
	const err_t err = net_route_find_connected(net, &q, &a);
	if (err)
		return err;
	if (a.type != ROUTE_UNICAST)
		return -EINVAL;
	if (!r->device)
		r->device = net_device_get(a.device);
	return OK;
}

exclusive_access err_t net_route_add(struct net_namespace *net, struct net_route *r, u32 mode)
{
	err_t err = OK;

	if (r->device && !net_device_has(r->device, NET_UP))
		return -ENETDOWN;
	if (!ip_is_any(r->gateway))
		err = gateway_check(net, r);
	else if (!r->device && r->type < ROUTE_BLACKHOLE)
		err = -ENODEV;
	return err ? err : insert(net, r, mode);
}

static bool matches(const struct net_route *r borrowed, const struct net_route *p borrowed)
{
	return r->is6 == p->is6 && r->table == p->table && r->prefix_bits == p->prefix_bits &&
	       ip_equal(r->destination, p->destination) && r->tos == p->tos && (!p->type || r->type == p->type) &&
	       (p->scope == SCOPE_NOWHERE || r->scope == p->scope) && (!p->priority || r->priority == p->priority) &&
	       (!p->protocol || r->protocol == p->protocol) && (!p->device || r->device == p->device) &&
	       (ip_is_any(p->gateway) || ip_equal(r->gateway, p->gateway)) &&
	       (ip_is_any(p->preferred) || ip_equal(r->preferred, p->preferred));
}

static struct net_route *take_match(struct net_namespace *net, const struct net_route *pattern borrowed) owned;
static struct net_route *take_match(struct net_namespace *net, const struct net_route *pattern borrowed)
{
	spin_guard(&net->lock);
	list_for_each(net_route_list, r, &net->routes) {
		if (!matches(r, pattern))
			continue;
		net_route_list_remove(&net->routes, r);
		return r;
	}
	return NULL;
}

err_t net_route_delete(struct net_namespace *net, const struct net_route *pattern borrowed)
{
	struct net_route *r object_auto(net_route) = take_match(net, pattern);

	if (!r)
		return -ESRCH;
	announce(net, r, NET_EVENT_ROUTE_GONE);
	return OK;
}

exclusive_access void net_route_delete_made(struct net_namespace *net, struct net_device *d, u32 is6, u32 table,
	u32 type,
	struct ip_address destination, u32 bits, struct ip_address preferred)
{
	struct net_route *pattern object_auto(net_route) = net_route_create();

	if (!pattern)
		return;
	pattern->is6 = is6;
	pattern->table = table;
	pattern->type = type;
	pattern->scope = SCOPE_NOWHERE;
	pattern->protocol = ROUTE_BY_KERNEL;
	pattern->destination = destination;
	pattern->prefix_bits = bits;
	pattern->gateway = is6 ? ip_any6() : ip_any4();
	pattern->preferred = is6 ? ip_any6() : preferred;
	pattern->device = net_device_get(d);
	const err_t err = net_route_delete(net, pattern);
	(void)err;	// gone with the device's going down
}

static struct net_route *take_of_device(struct net_namespace *net, struct net_device *d, u32 local_too) owned;
static struct net_route *take_of_device(struct net_namespace *net, struct net_device *d, u32 local_too)
{
	spin_guard(&net->lock);
	list_for_each(net_route_list, r, &net->routes) {
		if (r->device != d || (r->type == ROUTE_LOCAL && !local_too))
			continue;
		net_route_list_remove(&net->routes, r);
		return r;
	}
	return NULL;
}

void net_routes_flush(struct net_device *d, u32 local_too)
{
	struct net_namespace *net object_auto(net_namespace) = net_device_namespace(d);

	while (net) {
		struct net_route *r object_auto(net_route) = take_of_device(net, d, local_too);
		if (!r)
			return;
		net_changed(net);
	}
}

struct net_route *net_route_at(struct net_namespace *net, u64 index)
{
	spin_guard(&net->lock);
	list_for_each(net_route_list, r, &net->routes) {
		if (index-- == 0)
			return net_route_get(r);
	}
	return NULL;
}

struct net_route *net_route_at_reverse(struct net_namespace *net, u64 index)
{
	spin_guard(&net->lock);
	for (struct net_route *r = net_route_list_last(&net->routes); r; r = net_route_list_prev(r)) {
		if (index-- == 0)
			return net_route_get(r);
	}
	return NULL;
}
