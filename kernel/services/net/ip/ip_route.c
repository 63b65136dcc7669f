// SPDX-License-Identifier: MPL-2.0
// Where a packet leaves. The loopback interface is the only one so far.
#include <services/net/ip/ip_internal.h>

err_t ip_route_query(struct net_namespace *net, const struct ip_flow *flow borrowed,
	struct ip_route_answer *out borrowed)
{
	if (!ip_is_loopback(flow->destination) || !(net_namespace_loopback_flags(net) & NET_INTERFACE_UP))
		return -ENETUNREACH;
	*out = (struct ip_route_answer){ .interface = NET_LOOPBACK_INDEX, .mtu = NET_LOOPBACK_MTU, .is_local = 1 };
	if (!ip_is_any(flow->source))
		out->source = flow->source;
	else
		out->source = ip_is4(flow->destination) ? ip_from4(IP4_LOOPBACK) : ip_loopback6();
	return OK;
}

bool ip_address_is_ours(struct net_namespace *net, struct ip_address a)
{
	return ip_is_loopback(a) && (net_namespace_loopback_flags(net) & NET_INTERFACE_UP);
}
