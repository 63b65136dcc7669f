// SPDX-License-Identifier: MPL-2.0
// Where a packet leaves: asks the route table.
#include <services/net/device/net_route.h>
#include <services/net/ip/ip_internal.h>

err_t ip_route_find(struct net_namespace *net, const struct ip_flow *flow borrowed,
	struct net_route_answer *out borrowed)
{
	const struct net_route_query q = {
		.destination = flow->destination,
		.source = flow->source,
		.interface = flow->interface,
		.tos = flow->tos,
	};
	const err_t err = net_route_find(net, &q, out);

	if (err)
		return err;
	return out->type == ROUTE_LOCAL && !net_device_has(net->loopback, NET_UP) ? -ENETUNREACH : OK;
}

err_t ip_route_query(struct net_namespace *net, const struct ip_flow *flow borrowed,
	struct ip_route_answer *out borrowed)
{
	struct net_route_answer a net_route_answer_auto = { };
	const err_t err = ip_route_find(net, flow, &a);

	if (err)
		return err;
	const u32 path = flow->flags & IP_IGNORE_PATH ? U32_MAX : ip_path_find(net, flow->destination).mtu;
	*out = (struct ip_route_answer){
		.source = ip_is_any(flow->source) ? a.source : flow->source,
		.interface = net_device_index(a.device),
		.mtu = min(min(a.mtu, path), IP_PACKET_MAX),
		.is_local = a.type == ROUTE_LOCAL,
		.is_broadcast = a.type == ROUTE_BROADCAST,
	};
	return OK;
}

bool ip_address_is_ours(struct net_namespace *net, struct ip_address a)
{
	return net_address_type(net, a) == ROUTE_LOCAL;
}
