// SPDX-License-Identifier: MPL-2.0
// A device that swallows what is sent.
#include <services/net/device/net_kind.h>
#include <services/net/virtual/virtual.h>

struct dummy_device {
	struct net_device base;
};
static exclusive_access void dummy_device_release(struct dummy_device *d)
{
	net_device_fini(&d->base);
}
DEFINE_DERIVED(dummy_device, net_device, dummy_device_release)

static void dummy_transmit(struct net_device *d, struct packet *packet)
{
	struct packet *p object_auto(packet) = packet;
	(void)p;
}

static const struct net_device_ops dummy_ops = { .kind = "dummy", .transmit = dummy_transmit };

static err_t dummy_create(const struct net_kind_request *r borrowed, struct net_device **out borrowed)
{
	struct dummy_device *d object_auto(dummy_device) = dummy_device_alloc();
	const struct net_device_traits traits = {
		.ops = &dummy_ops,
		.type = NET_LINK_ETHER,
		.address_length = ETHER_ADDRESS_BYTES,
		.mtu = r->own.mtu ? r->own.mtu : 1500,
		.mtu_max = U32_MAX,
		.queue_length = 1000,
		.flags = NET_BROADCAST | NET_NO_ARP,
	};

	if (!d || net_device_init(&d->base, &traits))
		return -ENOMEM;
	const err_t err = net_kind_register_device(&d->base, &r->own);
	if (err)
		return err;
	*out = &take(d)->base;
	return OK;
}

static const struct net_kind_ops dummy_kind = { .kind = "dummy", .create = dummy_create };

void dummy_init(void)
{
	net_kind_register(&dummy_kind);
}

void net_virtual_init(void)
{
	dummy_init();
	veth_init();
	bridge_init();
}
