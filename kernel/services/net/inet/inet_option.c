// SPDX-License-Identifier: MPL-2.0
// Options at the levels IPPROTO_IP and IPPROTO_IPV6. source: ip(7), ipv6(7), UAPI numbers
#include <services/net/inet/inet.h>

#define LEVEL_IP 0u
#define LEVEL_IP6 41u
enum ip_option {
	OPTION_IP_TOS = 1, OPTION_IP_TTL = 2, OPTION_IP_HEADER_INCLUDED = 3, OPTION_IP_RECEIVE_OPTIONS = 6,
	OPTION_IP_PACKET_INFO = 8, OPTION_IP_MTU_DISCOVER = 10, OPTION_IP_RECEIVE_ERRORS = 11,
	OPTION_IP_RECEIVE_TTL = 12, OPTION_IP_RECEIVE_TOS = 13, OPTION_IP_MTU = 14, OPTION_IP_FREE_BIND = 15,
	OPTION_IP_TRANSPARENT = 19, OPTION_IP_MINIMUM_TTL = 21, OPTION_IP_BIND_NO_PORT = 24,
	OPTION_IP_MULTICAST_TTL = 33, OPTION_IP_MULTICAST_LOOP = 34, OPTION_IP_MULTICAST_ALL = 49
};
enum ip6_option {
	OPTION_IP6_UNICAST_HOPS = 16, OPTION_IP6_MULTICAST_HOPS = 18, OPTION_IP6_MULTICAST_LOOP = 19,
	OPTION_IP6_MTU_DISCOVER = 23, OPTION_IP6_MTU = 24, OPTION_IP6_RECEIVE_ERRORS = 25, OPTION_IP6_ONLY = 26,
	OPTION_IP6_RECEIVE_PACKET_INFO = 49, OPTION_IP6_RECEIVE_HOP_LIMIT = 51, OPTION_IP6_RECEIVE_CLASS = 66,
	OPTION_IP6_CLASS = 67, OPTION_IP6_TRANSPARENT = 75, OPTION_IP6_FREE_BIND = 78
};

static u32 flag4_of(u32 name)
{
	switch (name) {
	case OPTION_IP_HEADER_INCLUDED: return INET_HEADER_INCLUDED;
	case OPTION_IP_PACKET_INFO: return INET_PACKET_INFO;
	case OPTION_IP_RECEIVE_ERRORS: return INET_RECEIVE_ERRORS;
	case OPTION_IP_RECEIVE_TTL: return INET_RECEIVE_TTL;
	case OPTION_IP_RECEIVE_TOS: return INET_RECEIVE_TOS;
	case OPTION_IP_FREE_BIND: return INET_FREE_BIND;
	case OPTION_IP_TRANSPARENT: return INET_TRANSPARENT;
	case OPTION_IP_BIND_NO_PORT: return INET_NO_PORT_AT_BIND;
	default: return 0;
	}
}

static u32 flag6_of(u32 name)
{
	switch (name) {
	case OPTION_IP6_RECEIVE_ERRORS: return INET6_RECEIVE_ERRORS;
	case OPTION_IP6_ONLY: return INET_V6_ONLY;
	case OPTION_IP6_RECEIVE_PACKET_INFO: return INET6_PACKET_INFO;
	case OPTION_IP6_RECEIVE_HOP_LIMIT: return INET6_RECEIVE_HOP_LIMIT;
	case OPTION_IP6_RECEIVE_CLASS: return INET6_RECEIVE_CLASS;
	case OPTION_IP6_TRANSPARENT: return INET_TRANSPARENT;
	case OPTION_IP6_FREE_BIND: return INET_FREE_BIND;
	default: return 0;
	}
}

static void set_flag(struct inet_options *o, u32 flag, bool is_on)
{
	if (is_on)
		atomic_u32_or(&o->flags, flag);
	else
		atomic_u32_and(&o->flags, ~flag);
}

// A word within bounds; `unset` (-1) means the default.
static err_t set_word(struct atomic_u32 *to, u32 value, u32 low, u32 high, u32 unset)
{
	if (value == U32_MAX) {
		atomic_u32_store(to, unset);
		return OK;
	}
	if (value < low || value > high)
		return -EINVAL;
	atomic_u32_store(to, value);
	return OK;
}

static err_t set_option4(struct socket *s, struct inet_options *o, u32 name, u32 value)
{
	const u32 flag = flag4_of(name);

	if (flag == INET_HEADER_INCLUDED && s->type != SOCKET_RAW)
		return -ENOPROTOOPT;
	if (flag == INET_TRANSPARENT && value &&
		!cred_has_capability(cred_current(), net_namespace_owner(s->net), CAP_NET_ADMIN) &&
		!cred_has_capability(cred_current(), net_namespace_owner(s->net), CAP_NET_RAW))
		return -EPERM;
	if (flag) {
		set_flag(o, flag, value);
		return OK;
	}
	switch (name) {
	case OPTION_IP_TOS:
		// The two bits of congestion notification are not the user's on streams.
		atomic_u32_store(&o->tos, s->type == SOCKET_STREAM ? value & 0xfcu : value & 0xffu);
		return OK;
	case OPTION_IP_TTL: return set_word(&o->ttl, value, 1, 255, 0);
	case OPTION_IP_MTU_DISCOVER: return value > 5 ? -EINVAL : set_word(&o->mtu_discover, value, 0, 5, 1);
	case OPTION_IP_MINIMUM_TTL: return value > 255 ? -EINVAL : set_word(&o->minimum_ttl, value, 0, 255, 0);
	case OPTION_IP_MULTICAST_TTL:
		return s->type == SOCKET_STREAM ? -EINVAL : set_word(&o->multicast_ttl, value, 0, 255, 1);
	case OPTION_IP_MULTICAST_LOOP: set_flag(o, INET_MULTICAST_LOOP_OFF, !value); return OK;
	case OPTION_IP_MULTICAST_ALL: set_flag(o, INET_MULTICAST_ALL_OFF, !value); return value > 1 ? -EINVAL : OK;
	default: return -ENOPROTOOPT;
	}
}

static err_t set_option6(struct socket *s, struct inet_options *o, u32 name, u32 value)
{
	const u32 flag = flag6_of(name);

	if (flag == INET_TRANSPARENT && value &&
		!cred_has_capability(cred_current(), net_namespace_owner(s->net), CAP_NET_ADMIN) &&
		!cred_has_capability(cred_current(), net_namespace_owner(s->net), CAP_NET_RAW))
		return -EPERM;
	if (flag == INET_V6_ONLY && s->ops->is_bound && s->ops->is_bound(s))
		return -EINVAL;
	if (flag) {
		set_flag(o, flag, value);
		return OK;
	}
	switch (name) {
	case OPTION_IP6_UNICAST_HOPS: return set_word(&o->hop_limit, value, 0, 255, 0);
	case OPTION_IP6_MULTICAST_HOPS:
		return s->type == SOCKET_STREAM ? -ENOPROTOOPT : set_word(&o->multicast_hops, value, 0, 255, 1);
	case OPTION_IP6_MULTICAST_LOOP: set_flag(o, INET_MULTICAST_LOOP_OFF, !value); return value > 1 ? -EINVAL : OK;
	case OPTION_IP6_MTU_DISCOVER: return value > 5 ? -EINVAL : set_word(&o->mtu_discover6, value, 0, 5, 1);
	case OPTION_IP6_CLASS: return set_word(&o->traffic_class, value, 0, 255, 0);
	default: return -ENOPROTOOPT;
	}
}

err_t inet_set_option(struct socket *s, u32 level, u32 name, bytes_t value)
{
	struct inet_options *o = inet_options_of(s);
	u32 v = 0;

	if (level != LEVEL_IP && level != LEVEL_IP6)
		return -ENOPROTOOPT;
	if (level == LEVEL_IP6 && s->family != FAMILY_INET6)
		return -ENOPROTOOPT;
	if (bytes_len(value) >= 4)
		v = bytes_get_u32le(value, 0);
	else if (bytes_len(value) >= 1 && level == LEVEL_IP)
		v = byte_at(value, 0);
	else
		return -EINVAL;
	return level == LEVEL_IP ? set_option4(s, o, name, v) : set_option6(s, o, name, v);
}

// What gets through to the peer, as far as is known; -ENOTCONN without one.
static no_inline ssize_r path_mtu(struct socket *s)
{
	u8 name[32];
	struct inet_endpoint peer = { };
	struct ip_route_answer route = { };
	span_t out = array_span(name);
	const ssize_r n = s->ops->peer_name ? s->ops->peer_name(s, out) : (ssize_r)-ENOTCONN;

	if (n < 0)
		return -ENOTCONN;
	err_t err = inet_address_parse(s, bytes_first(bytes_of(out), min((usize)n, sizeof(name))), &peer);
	const struct ip_flow flow = { .destination = peer.address, .interface = peer.interface,
		.source = ip_is4(peer.address) ? ip_any4() : ip_any6() };
	if (!err)
		err = ip_route_query(s->net, &flow, &route);
	return err ? (ssize_r)-ENOTCONN : (ssize_r)route.mtu;
}

static ssize_r get_option4(struct socket *s, struct inet_options *o, u32 name)
{
	const u32 flag = flag4_of(name);

	if (flag == INET_HEADER_INCLUDED && s->type != SOCKET_RAW)
		return -ENOPROTOOPT;
	if (flag)
		return inet_has(o, flag) ? 1 : 0;
	switch (name) {
	case OPTION_IP_TOS: return (ssize_r)atomic_u32_load(&o->tos);
	case OPTION_IP_TTL:
		return (ssize_r)(atomic_u32_load(&o->ttl) ? atomic_u32_load(&o->ttl)
							  : atomic_u32_load(&ip_part_of(s->net)->settings.ttl));
	case OPTION_IP_MTU: return path_mtu(s);
	case OPTION_IP_MTU_DISCOVER: return (ssize_r)atomic_u32_load(&o->mtu_discover);
	case OPTION_IP_MINIMUM_TTL: return (ssize_r)atomic_u32_load(&o->minimum_ttl);
	case OPTION_IP_MULTICAST_TTL: return (ssize_r)atomic_u32_load(&o->multicast_ttl);
	case OPTION_IP_MULTICAST_LOOP: return inet_has(o, INET_MULTICAST_LOOP_OFF) ? 0 : 1;
	case OPTION_IP_MULTICAST_ALL: return inet_has(o, INET_MULTICAST_ALL_OFF) ? 0 : 1;
	default: return -ENOPROTOOPT;
	}
}

static ssize_r get_option6(struct socket *s, struct inet_options *o, u32 name)
{
	const u32 flag = flag6_of(name);

	if (flag)
		return inet_has(o, flag) ? 1 : 0;
	switch (name) {
	case OPTION_IP6_UNICAST_HOPS:
		return (ssize_r)(atomic_u32_load(&o->hop_limit) ? atomic_u32_load(&o->hop_limit) : IP_TTL_DEFAULT);
	case OPTION_IP6_MULTICAST_HOPS: return (ssize_r)atomic_u32_load(&o->multicast_hops);
	case OPTION_IP6_MULTICAST_LOOP: return inet_has(o, INET_MULTICAST_LOOP_OFF) ? 0 : 1;
	case OPTION_IP6_MTU: return path_mtu(s);
	case OPTION_IP6_MTU_DISCOVER: return (ssize_r)atomic_u32_load(&o->mtu_discover6);
	case OPTION_IP6_CLASS: return (ssize_r)atomic_u32_load(&o->traffic_class);
	default: return -ENOPROTOOPT;
	}
}

ssize_r inet_put_number(span_t out, u32 value)
{
	u8 raw[4];

	span_put_u32le(array_span(raw), 0, value);
	return (ssize_r)span_copy_some(out, array_bytes(raw));
}

ssize_r inet_get_option(struct socket *s, u32 level, u32 name, span_t out)
{
	struct inet_options *o = inet_options_of(s);
	ssize_r value;

	if (level == LEVEL_IP)
		value = get_option4(s, o, name);
	else if (level == LEVEL_IP6 && s->family == FAMILY_INET6)
		value = get_option6(s, o, name);
	else
		return s->family == FAMILY_INET && level != SOCKET_LEVEL ? -EOPNOTSUPP : -ENOPROTOOPT;
	if (value < 0)
		return value;
	// A byte is enough for who asks for less than a word (ip(7)).
	if (level == LEVEL_IP && span_len(out) > 0 && span_len(out) < 4 && value <= 255) {
		span_at(out, 0) = (u8)value;
		return 1;
	}
	return inet_put_number(out, (u32)value);
}
