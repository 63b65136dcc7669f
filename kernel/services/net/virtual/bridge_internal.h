// SPDX-License-Identifier: MPL-2.0
// Inside the virtual room: a bridge and its table of stations.
#pragma once
#include <services/net/device/net_kind.h>

#define BRIDGE_STATIONS_MAX 4096u
#define BRIDGE_AGEING_NS (300ul * 1000000000ul)
#define BRIDGE_PORTS_MAX 1023u
#define BRIDGE_BUCKETS 256u

// A link address, and the port behind which it was seen.
struct bridge_station {
	struct object object;
	struct list_link link;		// the bridge's lock
	struct net_link_address address;	// immutable
	struct net_device *port;	// reference; the bridge's lock
	u64 seen_ns;			// the bridge's lock
};
DECLARE_OBJECT(bridge_station)
DEFINE_LIST(bridge_station_list, bridge_station, link)
struct bridge_port {
	struct object object;
	struct list_link link;		// the bridge's lock
	struct net_device *device;	// reference; immutable
};
DECLARE_OBJECT(bridge_port)
DEFINE_LIST(bridge_port_list, bridge_port, link)
struct bridge_bucket {
	struct bridge_station_list stations;
};
struct bridge {
	struct net_device base;
	struct spinlock table_lock;	// RANK_SERVICE_LEAF
	struct bridge_port_list ports GUARDED_BY(table_lock);		// with references
	struct bridge_bucket buckets[BRIDGE_BUCKETS] GUARDED_BY(table_lock);
	u32 station_count GUARDED_BY(table_lock);
	struct atomic_u32 has_own_address;	// set by an administrator, not taken from a port
};
// `from` was seen behind a port.
void bridge_learn(struct bridge *b, struct net_link_address from, struct net_device *port);
// The port of a station: a reference; NULL: not known (any more).
struct net_device *bridge_lookup(struct bridge *b, struct net_link_address to) owned;
// Forgets what was behind a port.
void bridge_forget(struct bridge *b, struct net_device *port);
