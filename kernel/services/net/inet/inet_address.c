// SPDX-License-Identifier: MPL-2.0
// Socket addresses of both families.
#include <services/cred/user_namespace.h>
#include <services/net/inet/inet.h>

#define SOCKADDR_IN_BYTES 16u
#define SOCKADDR_IN6_BYTES 28u
#define SOCKADDR_IN6_BYTES_MIN 24u	// without the scope, RFC 2133

static err_t parse6(struct socket *s, bytes_t a, struct inet_endpoint *out borrowed)
{
	if (bytes_len(a) < SOCKADDR_IN6_BYTES_MIN)
		return -EINVAL;
	if (bytes_get_u16le(a, 0) != FAMILY_INET6)
		return -EAFNOSUPPORT;
	out->port = bytes_get_u16be(a, 2);
	out->address = ip_get6(a, 8);
	out->interface = 0;
	if (ip_is_link_local6(out->address) && bytes_len(a) >= SOCKADDR_IN6_BYTES)
		out->interface = bytes_get_u32le(a, 24);
	return ip_is4(out->address) && inet_has(inet_options_of(s), INET_V6_ONLY) ? -ENETUNREACH : OK;
}

err_t inet_address_parse(struct socket *s, bytes_t a, struct inet_endpoint *out borrowed)
{
	if (s->family == FAMILY_INET6)
		return parse6(s, a, out);
	if (bytes_len(a) < SOCKADDR_IN_BYTES)
		return -EINVAL;
	if (bytes_get_u16le(a, 0) != FAMILY_INET)
		return -EAFNOSUPPORT;
	out->port = bytes_get_u16be(a, 2);
	out->address = ip_from4(bytes_get_u32be(a, 4));
	out->interface = 0;
	return OK;
}

ssize_r inet_address_put(u32 family, span_t out, const struct inet_endpoint *e borrowed)
{
	u8 raw[SOCKADDR_IN6_BYTES] = { };
	span_t r = array_span(raw);

	span_put_u16le(r, 0, (u16)family);
	span_put_u16be(r, 2, (u16)e->port);
	if (family == FAMILY_INET) {
		span_put_u32be(r, 4, ip_to4(e->address));
		(void)span_copy_some(out, bytes_of(span_first(r, SOCKADDR_IN_BYTES)));
		return SOCKADDR_IN_BYTES;
	}
	ip_put6(r, 8, e->address);
	span_put_u32le(r, 24, e->interface);
	(void)span_copy_some(out, bytes_of(r));
	return SOCKADDR_IN6_BYTES;
}

err_t inet_bind_check(struct socket *s, const struct inet_endpoint *e borrowed)
{
	const struct ip_part *part = ip_part_of(s->net);

	if (e->port && e->port < atomic_u32_load_relaxed(&part->settings.port_unprivileged) &&
		!cred_has_capability(cred_current(), net_namespace_owner(s->net), CAP_NET_BIND_SERVICE))
		return -EACCES;
	if (ip_is_any(e->address) || inet_has(inet_options_of(s), INET_FREE_BIND | INET_TRANSPARENT) ||
		atomic_u32_load_relaxed(&part->settings.bind_nonlocal))
		return OK;
	return ip_address_is_ours(s->net, e->address) ? OK : -EADDRNOTAVAIL;
}

bool inet_addresses_conflict(struct ip_address a, bool a_only6, struct ip_address b, bool b_only6)
{
	const bool a_any = ip_is_any(a), b_any = ip_is_any(b);

	if (!a_any && !b_any)
		return ip_equal(a, b);
	if (a_any && inet_address_matches(a, a_only6, b_any ? ip_any4() : b))
		return b_any ? !b_only6 || ip_is4(b) : true;
	if (b_any && inet_address_matches(b, b_only6, a_any ? ip_any4() : a))
		return a_any ? !a_only6 || ip_is4(a) : true;
	return a_any && b_any && !ip_is4(a) && !ip_is4(b);
}
