// SPDX-License-Identifier: MPL-2.0
// The table of neighbours. An entry whose state must be looked at again at some time is also on the list of active
// ones; a timer that runs only while that list is not empty has a worker look at them (RFC 4861's states, for ARP too).
#include <core/once.h>
#include <core/time.h>
#include <services/net/device/neighbour/neighbour_internal.h>
#include <services/net/device/net_address.h>
#include <services/net/device/net_device_internal.h>

static exclusive_access void neighbour_release(struct neighbour *n)
{
	while (!packet_list_is_empty(&n->waiting)) {
		struct packet *p object_auto(packet) = packet_list_pop(&n->waiting);
		(void)p;
	}
	if (n->device)
		net_device_put(take(n->device));
}
DEFINE_OBJECT(neighbour, neighbour_release)

// --- the table ------------------------------------------------------------------------------------------------------
static struct neighbour *find_locked(struct net_namespace *net, struct net_device *d, struct ip_address a)
	REQUIRES(net->lock)
{
	list_for_each(neighbour_list, n, &net->neighbours) {
		if (n->device == d && ip_equal(n->address, a))
			return n;
	}
	return NULL;
}

struct neighbour *neighbour_find(struct net_device *d, struct ip_address a)
{
	struct net_namespace *net object_auto(net_namespace) = net_device_namespace(d);

	if (!net)
		return NULL;
	spin_guard(&net->lock);
	struct neighbour *n = find_locked(net, d, a);
	return n ? neighbour_get(n) : NULL;
}

static bool is_permanent(struct neighbour *n)
{
	spin_guard(&n->lock);
	return n->state & (NEIGHBOUR_PERMANENT | NEIGHBOUR_NO_ARP);
}

// Makes room: the one that was used the longest time ago goes, unless an administrator set it.
static struct neighbour *take_oldest(struct net_namespace *net) owned REQUIRES(net->lock);
static struct neighbour *take_oldest(struct net_namespace *net)
{
	for (struct neighbour *n = neighbour_list_last(&net->neighbours); n; n = neighbour_list_prev(n)) {
		if (is_permanent(n))
			continue;
		neighbour_list_remove(&net->neighbours, n);
		return n;
	}
	return NULL;
}

static struct neighbour *get_or_insert(struct net_namespace *net, struct neighbour *fresh consumes,
	struct neighbour **dropped borrowed) owned;
static struct neighbour *get_or_insert(struct net_namespace *net, struct neighbour *fresh consumes,
	struct neighbour **dropped borrowed)
{
	struct neighbour *n object_auto(neighbour) = fresh;

	spin_guard(&net->lock);
	struct neighbour *known = find_locked(net, n->device, n->address);
	if (known) {
		neighbour_list_remove(&net->neighbours, known);
		neighbour_list_push(&net->neighbours, known);
		return neighbour_get(known);
	}
	if (neighbour_list_count(&net->neighbours) >= NEIGHBOURS_MAX) {
		*dropped = take_oldest(net);
		if (!*dropped)
			return NULL;
	}
	neighbour_list_push(&net->neighbours, neighbour_get(n));
	return take(n);
}

exclusive_access struct neighbour *neighbour_make(struct net_device *d, struct ip_address a)
{
	struct neighbour *known object_auto(neighbour) = neighbour_find(d, a);
	struct neighbour *dropped object_auto(neighbour) = NULL;
	struct net_namespace *net object_auto(net_namespace) = net_device_namespace(d);

	if (known || !net)
		return take(known);
	struct neighbour *n object_auto(neighbour) = neighbour_alloc();
	if (!n)
		return NULL;
	spin_init(&n->lock, RANK_NET_DEVICE);
	n->device = net_device_get(d);
	n->address = a;
	n->state = 0;
	return get_or_insert(net, take(n), &dropped);
}

struct neighbour *neighbour_at(struct net_namespace *net, u64 index)
{
	spin_guard(&net->lock);
	list_for_each(neighbour_list, n, &net->neighbours) {
		if (index-- == 0)
			return neighbour_get(n);
	}
	return NULL;
}

struct neighbour_view neighbour_read(struct neighbour *n)
{
	spin_guard(&n->lock);
	const bool is_old = n->state == NEIGHBOUR_REACHABLE && clock_monotonic_ns() > n->due_ns;
	return (struct neighbour_view){
		.state = is_old ? (u32)NEIGHBOUR_STALE : n->state,
		.probes = n->probes,
		.used_ns = n->used_ns,
		.confirmed_ns = n->confirmed_ns,
		.updated_ns = n->updated_ns,
		.link_address = n->link_address,
	};
}

// --- the administrator ----------------------------------------------------------------------------------------------
static void announce(struct net_device *d, struct neighbour *n, enum net_event_kind kind)
{
	struct net_namespace *net object_auto(net_namespace) = net_device_namespace(d);

	if (!net)
		return;
	const struct net_event e = { .kind = kind, .net = net, .neighbour = n };
	net_changed(net);
	net_event_announce(&e);
}

err_t neighbour_set(struct net_device *d, struct ip_address a, u32 state, struct net_link_address link_address)
{
	struct neighbour *n object_auto(neighbour) = neighbour_make(d, a);

	if (!n)
		return -ENOBUFS;
	neighbour_update(n, state, link_address);
	announce(d, n, NET_EVENT_NEIGHBOUR);
	return OK;
}

static struct neighbour *take_of(struct net_device *d, struct ip_address a, u32 any) owned;
static struct neighbour *take_of(struct net_device *d, struct ip_address a, u32 any)
{
	struct net_namespace *net object_auto(net_namespace) = net_device_namespace(d);

	if (!net)
		return NULL;
	spin_guard(&net->lock);
	list_for_each(neighbour_list, n, &net->neighbours) {
		if (n->device != d || !(any || ip_equal(n->address, a)))
			continue;
		neighbour_list_remove(&net->neighbours, n);
		return n;
	}
	return NULL;
}

err_t neighbour_delete(struct net_device *d, struct ip_address a)
{
	struct neighbour *n object_auto(neighbour) = take_of(d, a, 0);

	if (!n)
		return -ENOENT;
	neighbour_fail(n);
	announce(d, n, NET_EVENT_NEIGHBOUR_GONE);
	return OK;
}

void neighbours_flush(struct net_device *d)
{
	for (;;) {
		struct neighbour *n object_auto(neighbour) = take_of(d, ip_any4(), 1);
		if (!n)
			return;
		neighbour_fail(n);
	}
}
