// SPDX-License-Identifier: MPL-2.0
// Links made, changed, moved and removed.
#include <core/once.h>
#include <services/net/netlink/route/route_internal.h>

DEFINE_ONCE(namespace_ops_cell, const struct netlink_namespace_ops);
static struct namespace_ops_cell namespace_ops;

void netlink_set_namespace_ops(const struct netlink_namespace_ops *ops)
{
	namespace_ops_cell_set(&namespace_ops, ops);
}

err_t link_target_namespace(struct netlink_request *r borrowed, bytes_t attributes, struct net_namespace **out borrowed)
{
	const struct netlink_namespace_ops *ops = namespace_ops_cell_get(&namespace_ops);
	bytes_t value = bytes_empty();
	err_t err = OK;

	if (!ops)
		return OK;
	if (netlink_find(attributes, LINK_NET_NS_PID, value))
		err = ops->by_process(bytes_get_u32le(value, 0), out);
	else if (netlink_find(attributes, LINK_NET_NS_FD, value))
		err = ops->by_descriptor(bytes_get_u32le(value, 0), out);
	if (err || !*out)
		return err;
	return netlink_may(r, *out, CAP_NET_ADMIN) ? OK : (err_t)-EPERM;
}

// --- changing
// ---------------------------------------------------------------------------------------------------------
static err_t address_change(struct net_device *d, bytes_t value)
{
	struct net_link_address a = { };

	if (!d->address_length || d->type != NET_LINK_ETHER)
		return -EOPNOTSUPP;
	if (bytes_len(value) < d->address_length)
		return -EINVAL;
	span_copy(array_span(a.bytes), bytes_first(value, d->address_length));
	return net_device_set_address(d, a);
}

static err_t master_change(struct netlink_request *r borrowed, struct net_device *d, u32 index)
{
	struct net_device *old object_auto(net_device) = net_device_master(d);
	struct net_device *wanted object_auto(net_device) = index ? net_device_find(r->net, index) : NULL;

	if (index && !wanted)
		return -EINVAL;
	if (old == wanted)
		return OK;
	if (old) {
		const struct net_kind_ops *k = net_kind_find(net_kind_name(old));
		if (!k || !k->port_remove)
			return -EOPNOTSUPP;
		k->port_remove(old, d);
	}
	if (!wanted)
		return OK;
	const struct net_kind_ops *k = net_kind_find(net_kind_name(wanted));
	if (!k || !k->port_add)
		return netlink_refuse(r, -EOPNOTSUPP, "Device can not be enslaved");
	return k->port_add(wanted, d);
}

static err_t move_change(struct netlink_request *r borrowed, struct net_device *d, bytes_t attributes)
{
	struct net_namespace *to object_auto(net_namespace) = NULL;
	u8 own[NET_NAME_BYTES] = { };
	bytes_t name = bytes_empty();
	const err_t err = link_target_namespace(r, attributes, &to);

	if (err || !to)
		return err;
	if (!netlink_find(attributes, LINK_IFNAME, name))
		name = bytes_first(array_bytes(own), net_device_name(d, array_span(own)));
	return net_device_move(d, to, netlink_text(name), netlink_find_u32(attributes, LINK_NEW_IFINDEX, 0));
}

// Attributes that say nothing here that can be changed.
static err_t refused(struct netlink_request *r borrowed, bytes_t attributes)
{
	bytes_t value = bytes_empty();

	if (netlink_find(attributes, LINK_IFALIAS, value) || netlink_find(attributes, LINK_NETNSID, value))
		return -EOPNOTSUPP;
	return OK;
}

static err_t flags_change(struct net_device *d, bytes_t header)
{
	const u32 flags = bytes_get_u32le(header, 8), mask = bytes_get_u32le(header, 12);

	if (!flags && !mask)
		return OK;
	return net_device_set_flags(d, flags, mask ? mask : U32_MAX);
}

err_t link_change(struct netlink_request *r borrowed, struct net_device *d, bytes_t header, bytes_t attributes)
{
	bytes_t value = bytes_empty();
	err_t err = refused(r, attributes);

	if (!err)
		err = move_change(r, d, attributes);
	if (!err && netlink_find(attributes, LINK_ADDRESS, value))
		err = address_change(d, value);
	if (!err && netlink_find(attributes, LINK_MTU, value))
		err = net_device_set_mtu(d, bytes_get_u32le(value, 0));
	if (!err && netlink_find(attributes, LINK_GROUP, value))
		atomic_u32_store(&d->group, bytes_get_u32le(value, 0));
	// The name of a device named by its index is a new one.
	if (!err && (s32)bytes_get_u32le(header, 4) > 0 && netlink_find(attributes, LINK_IFNAME, value))
		err = net_device_set_name(d, netlink_text(value));
	if (!err && netlink_find(attributes, LINK_TXQLEN, value))
		atomic_u32_store(&d->queue_length, bytes_get_u32le(value, 0));
	if (!err && netlink_find(attributes, LINK_MASTER, value))
		err = master_change(r, d, bytes_get_u32le(value, 0));
	return err ? err : flags_change(d, header);
}

// --- making
// -----------------------------------------------------------------------------------------------------------
static err_t traits_read(bytes_t header, bytes_t attributes, bytes_t default_name, struct net_kind_traits *out borrowed)
{
	bytes_t value = bytes_empty();

	span_copy(array_span(out->name),
		netlink_find(attributes, LINK_IFNAME, value) ? netlink_text(value) : default_name);
	out->index = bytes_get_u32le(header, 4);
	out->mtu = netlink_find_u32(attributes, LINK_MTU, 0);
	if (netlink_find(attributes, LINK_ADDRESS, value)) {
		if (bytes_len(value) != ETHER_ADDRESS_BYTES)
			return -EINVAL;
		out->has_address = 1;
		span_copy(array_span(out->address.bytes), value);
	}
	return OK;
}

// VETH_INFO_PEER: a struct ifinfomsg and attributes of its own.
static err_t peer_read(struct netlink_request *r borrowed, bytes_t data, bytes_t default_name,
	struct net_kind_traits *out borrowed, struct net_namespace **to borrowed)
{
	static const u8 no_header[LINK_HEADER];
	bytes_t peer = bytes_empty();

	if (!netlink_find(data, 1, peer))
		return traits_read(array_bytes(no_header), bytes_empty(), default_name, out);
	if (bytes_len(peer) < LINK_HEADER)
		return -EINVAL;
	bytes_t attributes = bytes_from(peer, LINK_HEADER);
	err_t err = link_check(attributes, NETLINK_LIBERAL);
	if (!err)
		err = link_target_namespace(r, attributes, to);
	return err ? err : traits_read(bytes_first(peer, LINK_HEADER), attributes, default_name, out);
}

struct stack_only default_name {
	u8 text[NET_NAME_BYTES];
	usize length;
};
static void default_name_make(struct default_name *d borrowed, bytes_t kind)
{
	span_copy(array_span(d->text), bytes_first(kind, min(bytes_len(kind), 13ul)));
	d->length = min(bytes_len(kind), 13ul);
	span_copy(span_slice(array_span(d->text), d->length, 2), STR("%d"));
	d->length += 2;
}

static err_t create(struct netlink_request *r borrowed, bytes_t header, bytes_t attributes)
{
	struct net_namespace *own_net object_auto(net_namespace) = NULL;
	struct net_namespace *peer_net object_auto(net_namespace) = NULL;
	struct net_device *d object_auto(net_device) = NULL;
	bytes_t info = bytes_empty(), kind = bytes_empty(), data = bytes_empty();
	struct default_name fallback = { };

	if (!netlink_find(attributes, LINK_LINKINFO, info) || !netlink_find(info, INFO_KIND, kind))
		return -EOPNOTSUPP;
	const struct net_kind_ops *k = net_kind_find(netlink_text(kind));
	if (!k)
		return netlink_refuse(r, -EOPNOTSUPP, "Unknown device type");
	data = netlink_value(info, INFO_DATA);
	default_name_make(&fallback, netlink_text(kind));
	bytes_t fallback_name = bytes_first(array_bytes(fallback.text), fallback.length);
	struct net_kind_request q = { };
	err_t err = link_target_namespace(r, attributes, &own_net);
	if (!err)
		err = traits_read(header, attributes, fallback_name, &q.own);
	if (!err && (k->flags & NET_KIND_HAS_PEER))
		err = peer_read(r, data, fallback_name, &q.peer, &peer_net);
	if (err)
		return err;
	q.own.net = own_net ? own_net : r->net;
	q.peer.net = peer_net ? peer_net : q.own.net;
	err = k->create(&q, &d);
	if (!err)
		atomic_u32_store(&d->group, netlink_find_u32(attributes, LINK_GROUP, 0));
	if (!err && netlink_find(attributes, LINK_TXQLEN, data))
		atomic_u32_store(&d->queue_length, bytes_get_u32le(data, 0));
	if (!err && netlink_find(attributes, LINK_MASTER, data))
		err = master_change(r, d, bytes_get_u32le(data, 0));
	return err ? err : flags_change(d, header);
}

err_t link_new(struct netlink_request *r borrowed)
{
	if (bytes_len(r->body) < LINK_HEADER)
		return -EINVAL;
	bytes_t header = bytes_first(r->body, LINK_HEADER), attributes = bytes_from(r->body, LINK_HEADER);
	bytes_t name = bytes_empty();
	const err_t err = link_check(attributes, NETLINK_LIBERAL);
	if (err)
		return err;
	mutex_guard(&net_change_lock);
	struct net_device *d object_auto(net_device) = link_named(r->net, header, attributes);
	if (!d && r->type == RTM_SETLINK) {
		if ((s32)bytes_get_u32le(header, 4) <= 0 && !netlink_find(attributes, LINK_IFNAME, name))
			return -EINVAL;
		return -ENODEV;
	}
	if (d && (r->flags & NETLINK_F_EXCLUSIVE) && r->type == RTM_NEWLINK)
		return -EEXIST;
	if (d)
		return link_change(r, d, header, attributes);
	if (!(r->flags & NETLINK_F_CREATE))
		return -ENODEV;
	return create(r, header, attributes);
}

err_t link_delete(struct netlink_request *r borrowed)
{
	if (bytes_len(r->body) < LINK_HEADER)
		return -EINVAL;
	bytes_t header = bytes_first(r->body, LINK_HEADER), attributes = bytes_from(r->body, LINK_HEADER);
	bytes_t name = bytes_empty();
	const err_t err = link_check(attributes, NETLINK_LIBERAL);
	if (err)
		return err;
	if ((s32)bytes_get_u32le(header, 4) <= 0 && !netlink_find(attributes, LINK_IFNAME, name) &&
		!netlink_find(attributes, LINK_ALT_IFNAME, name))
		return -EINVAL;
	mutex_guard(&net_change_lock);
	struct net_device *d object_auto(net_device) = link_named(r->net, header, attributes);
	if (!d)
		return -ENODEV;
	if (bytes_len(net_kind_name(d)) == 0)
		return -EOPNOTSUPP;
	net_device_unregister(d);
	return OK;
}
