// SPDX-License-Identifier: MPL-2.0
// Devices as objects: made, found, read.
#include <core/random.h>
#include <services/net/device/net_device_internal.h>

struct mutex net_change_lock = MUTEX_INIT(RANK_NET_NAMESPACE);
DEFINE_BASE(net_device)

static exclusive_access void addresses_fill(struct net_device *d, const struct net_device_traits *traits borrowed)
{
	if (traits->type != NET_LINK_ETHER)
		return;
	random_fill(span_first(array_span(d->address.bytes), ETHER_ADDRESS_BYTES));
	d->address.bytes[0] = (u8)((d->address.bytes[0] & 0xfc) | 2);	// locally administered, one station
	span_fill(span_first(array_span(d->broadcast.bytes), ETHER_ADDRESS_BYTES), 0xff);
}

exclusive_access err_t net_device_init(struct net_device *d, const struct net_device_traits *traits borrowed)
{
	spin_init(&d->lock, RANK_NET_DEVICE);
	spin_init(&d->backlog_lock, RANK_EVENT_SOURCE);
	d->ops = traits->ops;
	d->type = traits->type;
	d->address_length = traits->address_length;
	d->mtu_min = traits->mtu_min;
	d->mtu_max = traits->mtu_max;
	atomic_u32_store(&d->mtu, traits->mtu);
	atomic_u32_store(&d->queue_length, traits->queue_length);
	atomic_u32_store(&d->flags, traits->flags);
	atomic_u32_store(&d->has_carrier, 1);
	addresses_fill(d, traits);
	d->receiver = net_receiver_create(d);
	return d->receiver ? OK : -ENOMEM;
}

exclusive_access void net_device_fini(struct net_device *d borrowed)
{
	while (!packet_list_is_empty(&d->backlog)) {
		struct packet *p object_auto(packet) = packet_list_pop(&d->backlog);
		(void)p;
	}
	if (d->receiver) {
		net_receiver_forget(d->receiver);
		work_put(take(d->receiver));
	}
	if (d->master)
		net_device_put(take(d->master));
}

// --- finding --------------------------------------------------------------------------------------------------------
static struct net_device *next_locked(struct net_namespace *net, u32 index) REQUIRES(net->lock)
{
	list_for_each(net_device_list, d, &net->devices) {
		if (net_device_index(d) >= index)
			return d;
	}
	return NULL;
}

struct net_device *net_device_next(struct net_namespace *net, u32 index)
{
	spin_guard(&net->lock);
	struct net_device *d = next_locked(net, index);
	return d ? net_device_get(d) : NULL;
}

struct net_device *net_device_find(struct net_namespace *net, u32 index)
{
	spin_guard(&net->lock);
	struct net_device *d = next_locked(net, index);
	return d && net_device_index(d) == index ? net_device_get(d) : NULL;
}

static bool has_name(struct net_device *d, bytes_t name)
{
	spin_guard(&d->lock);
	return bytes_equal(bytes_first(array_bytes(d->name), bytes_string_len(array_bytes(d->name))), name);
}

struct net_device *net_device_find_name(struct net_namespace *net, bytes_t name)
{
	spin_guard(&net->lock);
	list_for_each(net_device_list, d, &net->devices) {
		if (has_name(d, name))
			return net_device_get(d);
	}
	return NULL;
}

// --- reading --------------------------------------------------------------------------------------------------------
struct net_namespace *net_device_namespace(struct net_device *d)
{
	spin_guard(&d->lock);
	return d->net ? net_namespace_try_get(d->net) : NULL;
}

struct net_device *net_device_master(struct net_device *d)
{
	spin_guard(&d->lock);
	return d->master ? net_device_get(d->master) : NULL;
}

usize net_device_name(struct net_device *d, span_t out)
{
	spin_guard(&d->lock);
	const usize length = bytes_string_len(array_bytes(d->name));
	(void)span_copy_some(out, array_bytes(d->name));
	return length;
}

struct net_link_address net_device_address(struct net_device *d)
{
	spin_guard(&d->lock);
	return d->address;
}

struct net_link_address net_device_broadcast(struct net_device *d)
{
	spin_guard(&d->lock);
	return d->broadcast;
}

u32 net_device_flags(const struct net_device *d borrowed)
{
	const u32 flags = atomic_u32_load(&d->flags);

	return (flags & NET_UP) && atomic_u32_load(&d->has_carrier) ? flags | NET_RUNNING | NET_LOWER_UP : flags;
}

bool net_device_forwards(struct net_device *d)
{
	return atomic_u32_load_relaxed(&d->settings.forwarding);
}

void net_settings_copy(struct net_settings *to borrowed, const struct net_settings *from borrowed)
{
	atomic_u32_store(&to->forwarding, atomic_u32_load(&from->forwarding));
	atomic_u32_store(&to->rp_filter, atomic_u32_load(&from->rp_filter));
	atomic_u32_store(&to->accept_local, atomic_u32_load(&from->accept_local));
	atomic_u32_store(&to->route_localnet, atomic_u32_load(&from->route_localnet));
	atomic_u32_store(&to->arp_ignore, atomic_u32_load(&from->arp_ignore));
	atomic_u32_store(&to->arp_announce, atomic_u32_load(&from->arp_announce));
	atomic_u32_store(&to->disable_ipv6, atomic_u32_load(&from->disable_ipv6));
}
