// SPDX-License-Identifier: MPL-2.0
// SIOCADDRT and SIOCDELRT: struct rtentry. source: <linux/route.h>, route(8)
#include <linux_abi/network/interface_request.h>
#include <services/cred/cred.h>
#include <services/net/device/net_route.h>

struct rtentry_layout {
	u64 pad1;
	u8 destination[16], gateway[16], mask[16];	// struct sockaddr_in
	u16 flags;
	u16 pad2;
	u32 pad3;
	u64 pad4;
	u64 pad5;
	u16 metric;		// priority + 1
	u16 pad6;
	u32 pad7;
	u64 device_name;
	u64 mtu, window;
	u16 irtt;
	u16 pad8, pad9, pad10;
};
_Static_assert(sizeof(struct rtentry_layout) == 120, "struct rtentry");
#define RTF_GATEWAY 2u
#define RTF_HOST 4u
#define RTF_REJECT 0x200u

static u32 address_of(bytes_t sockaddr)
{
	return bytes_get_u32be(sockaddr, 4);
}

static err_t device_of(struct net_namespace *net, u64 name_at, struct net_device **out borrowed)
{
	u8 name[NET_NAME_BYTES] = { };

	if (!name_at)
		return OK;
	const ssize_r length = user_copy_string(array_span(name), user_addr(name_at));
	if (length < 0)
		return length == -ENAMETOOLONG ? -ENODEV : (err_t)length;
	*out = net_device_find_name(net, bytes_first(array_bytes(name), (usize)length));
	return *out ? OK : -ENODEV;
}

static err_t fill(struct net_namespace *net, const struct rtentry_layout *e borrowed, enum route_request_kind kind,
	struct net_route *r)
{
	const u32 mask = e->flags & RTF_HOST ? U32_MAX : address_of(array_bytes(e->mask));
	struct net_device *d object_auto(net_device) = NULL;
	const err_t err = device_of(net, e->device_name, &d);

	if (err)
		return err;
	while (r->prefix_bits < 32 && (mask & (0x80000000u >> r->prefix_bits)))
		r->prefix_bits++;
	const u32 wanted = r->prefix_bits ? U32_MAX << (32 - r->prefix_bits) : 0;
	if (mask != wanted || (address_of(array_bytes(e->destination)) & ~mask))
		return -EINVAL;
	r->destination = ip_from4(address_of(array_bytes(e->destination)));
	r->gateway = e->flags & RTF_GATEWAY ? ip_from4(address_of(array_bytes(e->gateway))) : ip_any4();
	r->preferred = ip_any4();
	r->priority = e->metric ? e->metric - 1u : 0;
	r->table = ROUTE_TABLE_MAIN;
	r->device = take(d);
	if (kind == ROUTE_REQUEST_DELETE) {
		r->scope = SCOPE_NOWHERE;
		return OK;
	}
	r->type = e->flags & RTF_REJECT ? ROUTE_UNREACHABLE : ROUTE_UNICAST;
	r->protocol = ROUTE_BY_BOOT;
	r->scope = e->flags & (RTF_GATEWAY | RTF_REJECT) ? SCOPE_UNIVERSE : SCOPE_LINK;
	return OK;
}

s64 route_request(struct net_namespace *net, enum route_request_kind kind, user_addr_t at)
{
	struct rtentry_layout e;

	if (!net_namespace_capable(net, CAP_NET_ADMIN))
		return -EPERM;
	err_t err = user_copy_in_object(&e, at);
	if (err)
		return err;
	if (e.destination[0] != 2 || e.destination[1])
		return -EAFNOSUPPORT;
	struct net_route *r object_auto(net_route) = net_route_create();
	if (!r)
		return -ENOBUFS;
	mutex_guard(&net_change_lock);
	err = fill(net, &e, kind, r);
	if (err)
		return err;
	return kind == ROUTE_REQUEST_ADD ? net_route_add(net, r, ROUTE_CREATE | ROUTE_EXCLUSIVE)
					 : net_route_delete(net, r);
}
