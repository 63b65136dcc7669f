// SPDX-License-Identifier: MPL-2.0
#include <core/once.h>
#include <services/net/device/net_kind.h>

DEFINE_ONCE(net_kind_cell, const struct net_kind_ops);
static struct net_kind_cell kinds[NET_KINDS_MAX];

void net_kind_register(const struct net_kind_ops *ops)
{
	for (u32 i = 0; i < NET_KINDS_MAX; i++) {
		if (net_kind_cell_get(array_ptr(kinds, i)))
			continue;
		net_kind_cell_set(array_ptr(kinds, i), ops);
		return;
	}
	core_trap();
}

const struct net_kind_ops *net_kind_find(bytes_t kind)
{
	for (u32 i = 0; i < NET_KINDS_MAX; i++) {
		const struct net_kind_ops *k = net_kind_cell_get(array_ptr(kinds, i));
		if (k && bytes_equal(bytes_first(array_bytes(k->kind), bytes_string_len(array_bytes(k->kind))), kind))
			return k;
	}
	return NULL;
}

bytes_t net_kind_name(const struct net_device *d borrowed)
{
	return bytes_first(array_bytes(d->ops->kind), bytes_string_len(array_bytes(d->ops->kind)));
}

err_t net_kind_register_device(struct net_device *d, const struct net_kind_traits *t borrowed)
{
	bytes_t name = bytes_first(array_bytes(t->name), bytes_string_len(array_bytes(t->name)));

	if (t->mtu && (t->mtu < d->mtu_min || t->mtu > d->mtu_max))
		return -EINVAL;
	const err_t err = t->has_address ? net_device_set_address(d, t->address) : OK;
	return err ? err : net_device_register(d, t->net, name, t->index);
}
