// SPDX-License-Identifier: MPL-2.0
// Who is told of changes: netlink, mostly.
#include <services/net/device/net_address.h>
#include <services/net/device/net_device_internal.h>
#include <services/net/device/net_neighbour.h>

static struct spinlock listeners_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
struct net_listener {
	void (*told)(const struct net_event *e borrowed);
};
static struct net_listener listeners[NET_LISTENERS_MAX] GUARDED_BY(listeners_lock);

void net_event_listen(void (*listener)(const struct net_event *e borrowed))
{
	spin_guard(&listeners_lock);
	for (u32 i = 0; i < NET_LISTENERS_MAX; i++) {
		if (listeners[i].told)
			continue;
		listeners[i].told = listener;
		return;
	}
	core_trap();
}

static struct net_listener listener_at(u32 i)
{
	spin_guard(&listeners_lock);
	return listeners[i];
}

void net_event_announce(const struct net_event *e borrowed)
{
	for (u32 i = 0; i < NET_LISTENERS_MAX; i++) {
		const struct net_listener l = listener_at(i);

		if (!l.told)
			return;
		l.told(e);
	}
}

void net_event_link(struct net_device *d, enum net_event_kind kind, u32 flags_changed)
{
	struct net_namespace *net object_auto(net_namespace) = net_device_namespace(d);

	if (!net)
		return;
	net_changed(net);
	const struct net_event e = { .kind = kind, .net = net, .device = d, .flags_changed = flags_changed };
	net_event_announce(&e);
}
