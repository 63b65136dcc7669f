// SPDX-License-Identifier: MPL-2.0
// Looking up where a packet goes.
#include <services/net/device/net_address.h>
#include <services/net/device/net_device_internal.h>
#include <services/net/device/net_route.h>

void net_route_answer_put(struct net_route_answer *a borrowed)
{
	if (a->device)
		net_device_put(take(a->device));
}

static bool matches(const struct net_route *r borrowed, const struct net_route_query *q borrowed, u32 table, u32 scope)
{
	const u32 bits = r->is6 ? r->prefix_bits : 96 + r->prefix_bits;

	return r->table == table && r->is6 == (u32)!ip_is4(q->destination) && r->scope >= scope &&
	       ip_in_prefix(q->destination, r->destination, bits) && (!r->tos || r->tos == q->tos) &&
	       (!q->interface || !r->device || net_device_index(r->device) == q->interface);
}

static struct net_route *find(
	struct net_namespace *net, const struct net_route_query *q borrowed, u32 table, u32 scope) owned;
static struct net_route *find(
	struct net_namespace *net, const struct net_route_query *q borrowed, u32 table, u32 scope)
{
	spin_guard(&net->lock);
	list_for_each(net_route_list, r, &net->routes) {
		if (matches(r, q, table, scope))
			return r->type == ROUTE_THROW ? NULL : net_route_get(r);
	}
	return NULL;
}

static struct net_route *find_in_order(
	struct net_namespace *net, const struct net_route_query *q borrowed, u32 scope) owned;
static struct net_route *find_in_order(
	struct net_namespace *net, const struct net_route_query *q borrowed, u32 scope)
{
	for (u32 table = ROUTE_TABLE_LOCAL; table >= ROUTE_TABLE_DEFAULT; table--) {
		struct net_route *r object_auto(net_route) = find(net, q, table, scope);
		if (r)
			return take(r);
	}
	return NULL;
}

// What may carry no packet says why.
static err_t refusal_of(u32 type)
{
	switch (type) {
	case ROUTE_BLACKHOLE:
		return -EINVAL;
	case ROUTE_UNREACHABLE:
		return -EHOSTUNREACH;
	case ROUTE_PROHIBIT:
		return -EACCES;
	default:
		return OK;
	}
}

static void source_choose(struct net_route_answer *out borrowed, const struct net_route_query *q borrowed,
	struct net_device *d, struct ip_address preferred)
{
	if (!ip_is_any(q->source))
		out->source = q->source;
	else if (!ip_is_any(preferred))
		out->source = preferred;
	else if (out->type == ROUTE_LOCAL)
		out->source = q->destination;
	else
		out->source = net_address_source(d, out->next_hop, out->scope);
}

static void answer_fill(struct net_namespace *net, const struct net_route_query *q borrowed,
	const struct net_route *r borrowed, struct net_route_answer *out borrowed)
{
	out->type = r->type;
	out->scope = r->scope;
	out->has_gateway = !ip_is_any(r->gateway);
	out->next_hop = out->has_gateway ? r->gateway : q->destination;
	if (r->type == ROUTE_UNICAST && ip_is_multicast(q->destination))
		out->type = ROUTE_MULTICAST;
	if (ip_is4(q->destination) && ip_to4(q->destination) == IP4_BROADCAST)
		out->type = ROUTE_BROADCAST;
	source_choose(out, q, r->device, r->preferred);
	out->device = net_device_get(r->type == ROUTE_LOCAL ? net->loopback : r->device);
	out->mtu = r->mtu ? r->mtu : net_device_mtu(out->device);
}

// Bound to an interface that has no route for the destination: take it to be on the link.
static err_t on_link(
	struct net_namespace *net, const struct net_route_query *q borrowed, struct net_route_answer *out borrowed)
{
	struct net_device *d object_auto(net_device) = net_device_find(net, q->interface);
	const bool is_all = ip_is4(q->destination) && ip_to4(q->destination) == IP4_BROADCAST;

	if (!d)
		return -ENODEV;
	if (!net_device_has(d, NET_UP))
		return -ENETUNREACH;
	out->type = is_all ? ROUTE_BROADCAST : ip_is_multicast(q->destination) ? ROUTE_MULTICAST : ROUTE_UNICAST;
	out->scope = SCOPE_LINK;
	out->next_hop = q->destination;
	out->mtu = net_device_mtu(d);
	out->source = ip_is_any(q->source) ? net_address_source(d, q->destination, SCOPE_LINK) : q->source;
	out->device = take(d);
	return OK;
}

static bool is_link_wide(struct ip_address a)
{
	return ip_is_multicast(a) || (ip_is4(a) && ip_to4(a) == IP4_BROADCAST);
}

err_t net_route_find(
	struct net_namespace *net, const struct net_route_query *q borrowed, struct net_route_answer *out borrowed)
{
	if (q->interface && is_link_wide(q->destination))
		return on_link(net, q, out);
	struct net_route *r object_auto(net_route) = find_in_order(net, q, SCOPE_UNIVERSE);
	if (!r)
		return q->interface ? on_link(net, q, out) : (err_t)-ENETUNREACH;
	const err_t err = refusal_of(r->type);
	if (err)
		return err;
	if (!r->device)
		return -ENETUNREACH;
	answer_fill(net, q, r, out);
	return OK;
}

err_t net_route_find_connected(
	struct net_namespace *net, const struct net_route_query *q borrowed, struct net_route_answer *out borrowed)
{
	struct net_route *r object_auto(net_route) =
		find_in_order(net, q, ip_is4(q->destination) ? SCOPE_LINK : SCOPE_UNIVERSE);

	if (!r || !r->device || refusal_of(r->type) || !ip_is_any(r->gateway))
		return -ENETUNREACH;
	answer_fill(net, q, r, out);
	return OK;
}

u32 net_address_type(struct net_namespace *net, struct ip_address a)
{
	const struct net_route_query q = { .destination = a };
	struct net_route *r object_auto(net_route) = find(net, &q, ROUTE_TABLE_LOCAL, SCOPE_UNIVERSE);

	return r && (r->type == ROUTE_LOCAL || r->type == ROUTE_BROADCAST) ? r->type : 0;
}
