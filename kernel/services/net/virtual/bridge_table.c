// SPDX-License-Identifier: MPL-2.0
// What a bridge has learned: a hash of stations, bounded; each is forgotten five minutes after it was last heard.
#include <core/time.h>
#include <services/net/virtual/bridge_internal.h>

static exclusive_access void bridge_station_release(struct bridge_station *s)
{
	if (s->port)
		net_device_put(take(s->port));
}
DEFINE_OBJECT(bridge_station, bridge_station_release)

static u32 bucket_of(struct net_link_address a)
{
	return (u32)bytes_hash(array_bytes(a.bytes), 0) % BRIDGE_BUCKETS;
}

static struct bridge_station *find(struct bridge *b, struct net_link_address a) REQUIRES(b->table_lock)
{
	list_for_each(bridge_station_list, s, &array_ptr(b->buckets, bucket_of(a))->stations) {
		if (bytes_equal(array_bytes(s->address.bytes), array_bytes(a.bytes)))
			return s;
	}
	return NULL;
}

// True when it was known; *old: the port it was behind until now, to be put.
static bool refresh(struct bridge *b, struct net_link_address from, struct net_device *port,
	struct net_device **old borrowed)
{
	spin_guard(&b->table_lock);
	struct bridge_station *s = find(b, from);
	if (!s)
		return false;
	s->seen_ns = clock_monotonic_ns();
	if (s->port != port) {
		*old = s->port;
		s->port = net_device_get(port);
	}
	return true;
}

static void insert(struct bridge *b, struct bridge_station *station consumes)
{
	struct bridge_station *s object_auto(bridge_station) = station;

	spin_guard(&b->table_lock);
	if (find(b, s->address) || b->station_count >= BRIDGE_STATIONS_MAX)
		return;
	b->station_count++;
	struct bridge_bucket *bucket = array_ptr(b->buckets, bucket_of(s->address));
	bridge_station_list_push(&bucket->stations, take(s));
}

// The first station that is too old or (with a port) behind that port.
static struct bridge_station *take_stale(struct bridge *b, u32 bucket, struct net_device *port) owned;
static struct bridge_station *take_stale(struct bridge *b, u32 bucket, struct net_device *port)
{
	const u64 now = clock_monotonic_ns();

	spin_guard(&b->table_lock);
	struct bridge_bucket *list = array_ptr(b->buckets, bucket);
	list_for_each(bridge_station_list, s, &list->stations) {
		if (port ? s->port != port : now - s->seen_ns < BRIDGE_AGEING_NS)
			continue;
		bridge_station_list_remove(&list->stations, s);
		b->station_count--;
		return s;
	}
	return NULL;
}

static void sweep(struct bridge *b, struct net_device *port)
{
	for (u32 i = 0; i < BRIDGE_BUCKETS; i++) {
		for (;;) {
			struct bridge_station *s object_auto(bridge_station) = take_stale(b, i, port);
			if (!s)
				break;
		}
	}
}

static bool is_full(struct bridge *b)
{
	spin_guard(&b->table_lock);
	return b->station_count >= BRIDGE_STATIONS_MAX;
}

exclusive_access void bridge_learn(struct bridge *b, struct net_link_address from, struct net_device *port)
{
	struct net_device *old object_auto(net_device) = NULL;

	if ((from.bytes[0] & 1) || refresh(b, from, port, &old))
		return;
	if (is_full(b))
		sweep(b, NULL);
	struct bridge_station *s object_auto(bridge_station) = bridge_station_alloc();
	if (!s)
		return;
	s->address = from;
	s->port = net_device_get(port);
	s->seen_ns = clock_monotonic_ns();
	insert(b, take(s));
}

struct net_device *bridge_lookup(struct bridge *b, struct net_link_address to)
{
	spin_guard(&b->table_lock);
	struct bridge_station *s = find(b, to);
	if (!s || clock_monotonic_ns() - s->seen_ns >= BRIDGE_AGEING_NS)
		return NULL;
	return net_device_get(s->port);
}

void bridge_forget(struct bridge *b, struct net_device *port)
{
	sweep(b, port);
}
