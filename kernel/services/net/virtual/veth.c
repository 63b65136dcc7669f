// SPDX-License-Identifier: MPL-2.0
// A pair of devices: what one sends the other receives, wherever its namespace is. Each has a carrier while both are
// up. They go together. source: veth(4)
#include <services/net/device/net_kind.h>
#include <services/net/virtual/virtual.h>

struct veth {
	struct net_device base;
	struct spinlock pair_lock;		// RANK_SERVICE_LEAF
	struct net_device *peer GUARDED_BY(pair_lock);	// reference; NULL: it is gone
};
static exclusive_access void veth_release(struct veth *v)
{
	if (v->peer)
		net_device_put(take(v->peer));
	net_device_fini(&v->base);
}
DEFINE_DERIVED(veth, net_device, veth_release)

static struct net_device *peer_of(struct net_device *d) owned;
static struct net_device *peer_of(struct net_device *d)
{
	struct veth *const v = veth_from_net_device(d);

	spin_guard(&v->pair_lock);
	return v->peer ? net_device_get(v->peer) : NULL;
}

static void veth_transmit(struct net_device *d, struct packet *packet)
{
	struct packet *p object_auto(packet) = packet;
	struct net_device *peer object_auto(net_device) = peer_of(d);

	if (!peer)
		return;
	// Sums that were left open never need to be made: the data does not leave memory.
	if (p->flags & PACKET_CHECKSUM_PARTIAL)
		p->flags |= PACKET_CHECKSUM_GOOD;
	p->received_ns = 0;
	p->mark = 0;
	net_device_receive(peer, take(p));
}

static void carrier_update(struct net_device *d, u32 is_up)
{
	struct net_device *peer object_auto(net_device) = peer_of(d);
	const u32 both = is_up && peer && net_device_has(peer, NET_UP);

	net_device_set_carrier(d, both);
	if (peer)
		net_device_set_carrier(peer, both);
}

static err_t veth_open(struct net_device *d)
{
	carrier_update(d, 1);
	return OK;
}

static void veth_close(struct net_device *d)
{
	carrier_update(d, 0);
}

static struct net_device *peer_take(struct net_device *d) owned;
static struct net_device *peer_take(struct net_device *d)
{
	struct veth *const v = veth_from_net_device(d);

	spin_guard(&v->pair_lock);
	return take(v->peer);
}

static void veth_removed(struct net_device *d)
{
	struct net_device *peer object_auto(net_device) = peer_take(d);

	if (!peer)
		return;		// it is the peer that is taking this one along
	struct net_device *back object_auto(net_device) = peer_take(peer);
	net_device_unregister(peer);
}

static void link_note(struct net_device *d)
{
	struct net_device *peer object_auto(net_device) = peer_of(d);

	if (!peer)
		return;
	atomic_u32_store(&d->peer_index, net_device_index(peer));
	atomic_u32_store(&peer->peer_index, net_device_index(d));
}

static const struct net_device_ops veth_ops = {
	.kind = "veth",
	.transmit = veth_transmit,
	.open = veth_open,
	.close = veth_close,
	.removed = veth_removed,
	.moved = link_note,
};

static exclusive_access struct veth *veth_make(u32 mtu) owned;
static exclusive_access struct veth *veth_make(u32 mtu)
{
	struct veth *v object_auto(veth) = veth_alloc();
	const struct net_device_traits traits = {
		.ops = &veth_ops,
		.type = NET_LINK_ETHER,
		.address_length = ETHER_ADDRESS_BYTES,
		.mtu = mtu ? mtu : 1500,
		.mtu_min = 68,
		.mtu_max = 65535,
		.queue_length = 1000,
		.flags = NET_BROADCAST | NET_MULTICAST,
	};

	if (!v || net_device_init(&v->base, &traits))
		return NULL;
	spin_init(&v->pair_lock, RANK_SERVICE_LEAF);
	atomic_u32_store(&v->base.has_carrier, 0);
	return take(v);
}

static void peer_set(struct veth *v, struct net_device *peer)
{
	spin_guard(&v->pair_lock);
	v->peer = net_device_get(peer);
}

static void part(struct veth *v)
{
	struct net_device *peer object_auto(net_device) = peer_take(&v->base);
	(void)peer;
}

static err_t veth_create(const struct net_kind_request *r borrowed, struct net_device **out borrowed)
{
	struct veth *own object_auto(veth) = veth_make(r->own.mtu);
	struct veth *peer object_auto(veth) = veth_make(r->peer.mtu ? r->peer.mtu : r->own.mtu);

	if (!own || !peer)
		return -ENOMEM;
	peer_set(own, &peer->base);
	peer_set(peer, &own->base);
	err_t err = net_kind_register_device(&peer->base, &r->peer);
	if (!err) {
		err = net_kind_register_device(&own->base, &r->own);
		if (err)
			net_device_unregister(&peer->base);
	}
	if (err) {
		part(own);
		part(peer);
		return err;
	}
	link_note(&own->base);
	*out = net_device_get(&own->base);
	return OK;
}

static const struct net_kind_ops veth_kind = { .kind = "veth", .flags = NET_KIND_HAS_PEER, .create = veth_create };

void veth_init(void)
{
	net_kind_register(&veth_kind);
}
