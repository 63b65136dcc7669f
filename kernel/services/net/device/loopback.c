// SPDX-License-Identifier: MPL-2.0
// The loopback interface: what is sent comes in again. It has no link header here (Linux gives it an empty Ethernet
// header; packet sockets are shown one).
#include <services/net/device/net_device_internal.h>

struct loopback_device {
	struct net_device base;
};
static exclusive_access void loopback_device_release(struct loopback_device *d)
{
	net_device_fini(&d->base);
}
DEFINE_DERIVED(loopback_device, net_device, loopback_device_release)

static void loopback_transmit(struct net_device *d, struct packet *packet)
{
	struct packet *p object_auto(packet) = packet;

	// It never left memory: sums need not be made or checked.
	p->flags |= PACKET_LOOPBACK | PACKET_CHECKSUM_GOOD;
	net_device_receive(d, take(p));
}

static const struct net_device_ops loopback_ops = { .transmit = loopback_transmit };

struct net_device *loopback_create(struct net_namespace *n)
{
	struct loopback_device *d object_auto(loopback_device) = loopback_device_alloc();
	const struct net_device_traits traits = {
		.ops = &loopback_ops,
		.type = NET_LINK_LOOPBACK,
		.address_length = ETHER_ADDRESS_BYTES,
		.mtu = NET_LOOPBACK_MTU,
		.mtu_min = 0,
		.mtu_max = U32_MAX,
		.queue_length = 1000,
		.flags = NET_LOOPBACK,
	};

	if (!d || net_device_init(&d->base, &traits))
		return NULL;
	mutex_guard(&net_change_lock);
	if (net_device_register(&d->base, n, STR("lo"), NET_LOOPBACK_INDEX))
		return NULL;
	return &take(d)->base;
}
