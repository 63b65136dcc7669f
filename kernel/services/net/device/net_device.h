// SPDX-License-Identifier: MPL-2.0
// An interface: what drivers and virtual devices derive from, what IP and packet sockets send through.
// source: netdevice(7), <linux/if.h>
//
// Theory. A device belongs to one namespace at a time. Changes (names, flags, addresses, routes, moves) are made one
// at a time for the whole machine, under net_change_lock, which may sleep; what packets need on their way is read under
// a namespace's or a device's spinlock or atomically, and never sleeps.
// Packets travel in tasks and kernel threads, never in interrupts, and with no lock held. A driver's interrupt, or a
// virtual device that would nest, queues what came by net_device_receive(); a worker delivers it.
#pragma once
#include <core/work.h>
#include <services/net/buffer/ip_address.h>
#include <services/net/buffer/packet.h>
#include <services/net/device/net_namespace.h>

#define NET_NAME_BYTES 16u		// with the end mark
#define NET_LINK_ADDRESS_MAX 8u
#define NET_DEVICES_MAX 8192u		// of a namespace
enum net_device_flag {			// IFF_*
	NET_UP = 1, NET_BROADCAST = 2, NET_LOOPBACK = 8, NET_POINT_TO_POINT = 0x10, NET_RUNNING = 0x40,
	NET_NO_ARP = 0x80, NET_PROMISCUOUS = 0x100, NET_ALL_MULTICAST = 0x200, NET_MASTER = 0x400, NET_SLAVE = 0x800,
	NET_MULTICAST = 0x1000, NET_LOWER_UP = 0x10000
};
enum net_link_type { NET_LINK_ETHER = 1, NET_LINK_LOOPBACK = 772, NET_LINK_NONE = 0xfffe };	// ARPHRD_*
#define ETHER_HEADER_BYTES 14u
#define ETHER_ADDRESS_BYTES 6u
enum ethertype { ETHERTYPE_IP4 = 0x0800, ETHERTYPE_ARP = 0x0806, ETHERTYPE_IP6 = 0x86dd, ETHERTYPE_ALL = 3 };

struct net_link_address {
	u8 bytes[NET_LINK_ADDRESS_MAX];
};
struct net_statistics {			// of struct rtnl_link_stats64
	struct atomic_u64 received_packets, sent_packets, received_bytes, sent_bytes, received_errors, sent_errors,
		received_dropped, sent_dropped, multicast;
};
struct net_device;
struct net_device_ops {
	u8 kind[16];			// IFLA_INFO_KIND; empty: physical or loopback
	// A frame, link header first (devices without one: the IP header). Takes the packet; does not sleep.
	void (*transmit)(struct net_device *d, struct packet *p consumes);
	// Each may be NULL. Under net_change_lock:
	err_t (*open)(struct net_device *d);		// before it is up
	void (*close)(struct net_device *d);
	void (*removed)(struct net_device *d);		// it has left its namespace for good
	void (*moved)(struct net_device *d);		// it is in another namespace
	err_t (*set_address)(struct net_device *d, struct net_link_address a);
	// Of a master: a port has left, or its flags or carrier are others.
	void (*port_gone)(struct net_device *master, struct net_device *port);
	void (*port_changed)(struct net_device *master, struct net_device *port);
};
// A bridge's view of its port: takes every packet that the port receives.
struct net_port_ops {
	void (*input)(struct net_device *port, struct net_device *master, struct packet *p consumes);
};
struct net_device {
	struct object object;
	struct list_link link;			// the namespace's lock
	struct list_link carrier_link;		// lock of the carrier changes
	// immutable after net_device_init():
	const struct net_device_ops *ops;
	enum net_link_type type;
	u32 address_length;			// of link addresses; 0: none, and no link header
	u32 mtu_min, mtu_max;
	struct work *receiver;			// reference: delivers the backlog
	struct atomic_u32 index;		// changes only with the namespace
	struct atomic_u32 flags;		// enum net_device_flag
	struct atomic_u32 mtu, queue_length, group, has_carrier, promiscuity, all_multicast, carrier_changes;
	struct atomic_u32 peer_index;		// IFLA_LINK; 0: none
	struct net_statistics statistics;
	struct net_settings settings;
	struct spinlock lock;			// RANK_NET_DEVICE
	struct net_namespace *net GUARDED_BY(lock);	// not counted; NULL: not in a namespace
	u8 name[NET_NAME_BYTES] GUARDED_BY(lock);
	struct net_link_address address GUARDED_BY(lock), broadcast GUARDED_BY(lock);
	struct net_device *master GUARDED_BY(lock);	// reference or NULL
	const struct net_port_ops *port GUARDED_BY(lock);	// with `master`
	struct spinlock backlog_lock;		// RANK_EVENT_SOURCE
	struct packet_list backlog GUARDED_BY(backlog_lock);
};
DECLARE_OBJECT(net_device)
DEFINE_LIST_OPS(net_device_list, net_device, link)
DEFINE_LIST(carrier_changes, net_device, carrier_link)

extern struct mutex net_change_lock;	// RANK_NET_NAMESPACE

// --- making and removing devices (under net_change_lock unless said)
// ---------------------------------------------------
struct net_device_traits {
	const struct net_device_ops *ops;
	enum net_link_type type;
	u32 address_length, mtu, mtu_min, mtu_max, queue_length, flags;
};
// Fills the base of a derived device; random locally administered address for Ethernet. -ENOMEM
err_t net_device_init(struct net_device *d, const struct net_device_traits *traits borrowed);
void net_device_fini(struct net_device *d borrowed);	// in a derived type's release
// Puts it into a namespace, which takes a reference. `name` may hold one %d. index 0: the next free one.
// -EEXIST (name or index), -EINVAL (bad name), -ENFILE
err_t net_device_register(struct net_device *d, struct net_namespace *net, bytes_t name, u32 index);
void net_device_unregister(struct net_device *d);
// -EEXIST, -EINVAL (loopback, bridge port ...), -EBUSY
err_t net_device_move(struct net_device *d, struct net_namespace *to, bytes_t name, u32 index);
bool net_name_is_valid(bytes_t name);

// --- finding and reading
// -------------------------------------------------------------------------------------------------
struct net_device *net_device_find(struct net_namespace *net, u32 index) owned;
struct net_device *net_device_find_name(struct net_namespace *net, bytes_t name) owned;
// The first device whose index is at least `index`; NULL at the end.
struct net_device *net_device_next(struct net_namespace *net, u32 index) owned;
struct net_namespace *net_device_namespace(struct net_device *d) owned;	// NULL: it is in none
struct net_device *net_device_master(struct net_device *d) owned;
usize net_device_name(struct net_device *d, span_t out);	// NET_NAME_BYTES; the length without the end mark
struct net_link_address net_device_address(struct net_device *d);
struct net_link_address net_device_broadcast(struct net_device *d);
static inline u32 net_device_index(const struct net_device *d borrowed) { return atomic_u32_load_relaxed(&d->index); }
static inline u32 net_device_mtu(const struct net_device *d borrowed) { return atomic_u32_load_relaxed(&d->mtu); }
static inline bool net_device_has(const struct net_device *d borrowed, u32 flags)
{
	return (atomic_u32_load_relaxed(&d->flags) & flags) == flags;
}
u32 net_device_flags(const struct net_device *d borrowed);	// as users see them, with NET_RUNNING, NET_LOWER_UP
// Of one interface or of "all".
bool net_device_forwards(struct net_device *d);

// --- changing (under net_change_lock)
// --------------------------------------------------------------------------------------
err_t net_device_set_flags(struct net_device *d, u32 flags, u32 mask);	// NET_UP, NET_PROMISCUOUS, ...
err_t net_device_set_mtu(struct net_device *d, u32 mtu);		// -EINVAL
err_t net_device_set_address(struct net_device *d, struct net_link_address a);
err_t net_device_set_name(struct net_device *d, bytes_t name);
// master NULL: out of its bridge.
void net_device_set_master(struct net_device *d, struct net_device *master, const struct net_port_ops *ops);
// Counted: packet sockets and bridges listen to everything. delta +1 or -1
void net_device_add_promiscuity(struct net_device *d, s32 delta);
// The cable: callable from anywhere, also interrupts (announced soon after by a worker).
void net_device_set_carrier(struct net_device *d, u32 has_carrier);

// --- packets
// -----------------------------------------------------------------------------------------------------------------
// An IP packet (IP header first) to a neighbour: resolves the link address, writes the link header, transmits.
void net_device_send_ip(struct net_device *d, struct ip_address next_hop, struct packet *p consumes);
// The same with the link address known; devices without a link header ignore it.
void net_device_send_link(struct net_device *d, struct net_link_address to, u32 ethertype, struct packet *p consumes);
// A complete frame, link header first. Counted; shown to packet sockets; dropped when the device is down.
void net_device_transmit(struct net_device *d, struct packet *p consumes);
// A frame came in, link header first: from any context, into the device's backlog (bounded).
void net_device_receive(struct net_device *d, struct packet *p consumes);
// The same at once, in a task with no lock held.
void net_device_deliver(struct net_device *d, struct packet *p consumes);
// Who takes packets of an ethertype (content behind the link header, `interface` set). At start-up.
void net_protocol_register(u32 ethertype,
	void (*input)(struct net_namespace *net, u32 interface, struct packet *p consumes));
// IP delivers local packets itself; this counts one on the loopback interface and shows it to packet sockets.
void net_loopback_note(struct net_namespace *net, const struct packet *p borrowed);
// Packet sockets: sees every frame in and out (link header first, borrowed: clone to keep). At start-up, once.
enum net_direction { NET_INCOMING, NET_OUTGOING };
void net_tap_register(void (*tap)(struct net_namespace *net, struct net_device *d, enum net_direction direction,
	const struct packet *p borrowed));
// How many packet sockets there are in the machine: the tap is called only when there is one.
extern struct atomic_u32 net_tap_users;

// --- what changed: told under net_change_lock, after the fact
// ---------------------------------------------------------------
enum net_event_kind { NET_EVENT_LINK, NET_EVENT_LINK_GONE, NET_EVENT_ADDRESS, NET_EVENT_ADDRESS_GONE, NET_EVENT_ROUTE,
	NET_EVENT_ROUTE_GONE, NET_EVENT_NEIGHBOUR, NET_EVENT_NEIGHBOUR_GONE };
struct stack_only net_event {
	enum net_event_kind kind;
	struct net_namespace *net;
	struct net_device *device;		// LINK
	struct net_address *address;		// ADDRESS
	struct net_route *route;		// ROUTE
	struct neighbour *neighbour;		// NEIGHBOUR
	u32 flags_changed;				// LINK: of net_device_flags()
};
#define NET_LISTENERS_MAX 4u
void net_event_listen(void (*listener)(const struct net_event *e borrowed));	// at start-up
void net_event_announce(const struct net_event *e borrowed);
