// SPDX-License-Identifier: MPL-2.0
// /sys/class/net/NAME: the interfaces of the network namespace in which this sysfs was mounted. Read-only.
// source: Linux Documentation/ABI/testing/sysfs-class-net
#include <core/text.h>
#include <services/fs/sysfs/sysfs_internal.h>
#include <services/net/device/net_kind.h>

// What an interface's folder and its files show.
struct interface_subject {
	struct object object;
	struct net_device *device;	// reference; immutable
};
DECLARE_OBJECT(interface_subject)
static exclusive_access void interface_subject_release(struct interface_subject *s)
{
	if (s->device)
		net_device_put(take(s->device));
}
DEFINE_OBJECT(interface_subject, interface_subject_release)

static struct net_device *device_of(struct pseudo_inode *n)
{
	return interface_subject_from_object(n->subject)->device;
}

// --- files ----------------------------------------------------------------------------------------------------------
enum interface_file {
	FILE_ADDR_LEN, FILE_ADDRESS, FILE_BROADCAST, FILE_CARRIER, FILE_CARRIER_CHANGES, FILE_FLAGS, FILE_IFINDEX,
	FILE_IFLINK, FILE_MTU, FILE_OPERSTATE, FILE_TX_QUEUE_LEN, FILE_TYPE, FILE_UEVENT
};

static void put_link_address(struct text *t borrowed, struct net_device *d, struct net_link_address a)
{
	for (u32 i = 0; i < min(d->address_length, NET_LINK_ADDRESS_MAX); i++) {
		if (i)
			text_char(t, ':');
		text_printf(t, "%02x", a.bytes[i]);
	}
	text_char(t, '\n');
}

static bytes_t operation_state(struct net_device *d)
{
	if (!net_device_has(d, NET_UP))
		return STR("down\n");
	if (net_device_has(d, NET_LOOPBACK) || bytes_equal(net_kind_name(d), STR("dummy")))
		return STR("unknown\n");
	if (!atomic_u32_load(&d->has_carrier))
		return atomic_u32_load(&d->peer_index) ? STR("lowerlayerdown\n") : STR("down\n");
	return STR("up\n");
}

static void put_uevent(struct text *t borrowed, struct net_device *d)
{
	u8 name[NET_NAME_BYTES] = { };
	const usize length = net_device_name(d, array_span(name));

	text_put(t, STR("INTERFACE="));
	text_put(t, bytes_first(array_bytes(name), length));
	text_printf(t, "\nIFINDEX=%u\n", net_device_index(d));
}

static u32 number_of(struct net_device *d, enum interface_file file)
{
	const u32 peer = atomic_u32_load(&d->peer_index);

	switch (file) {
	case FILE_ADDR_LEN:
		return d->address_length;
	case FILE_CARRIER:
		return atomic_u32_load(&d->has_carrier) ? 1 : 0;
	case FILE_CARRIER_CHANGES:
		return atomic_u32_load(&d->carrier_changes);
	case FILE_IFINDEX:
		return net_device_index(d);
	case FILE_IFLINK:
		return peer ? peer : net_device_index(d);
	case FILE_MTU:
		return net_device_mtu(d);
	case FILE_TX_QUEUE_LEN:
		return atomic_u32_load(&d->queue_length);
	default:
		return d->type;
	}
}

static err_t interface_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	struct net_device *d = device_of(n);
	const enum interface_file file = (enum interface_file)n->value[0];

	switch (file) {
	case FILE_ADDRESS:
		put_link_address(out, d, net_device_address(d));
		return OK;
	case FILE_BROADCAST:
		put_link_address(out, d, net_device_broadcast(d));
		return OK;
	case FILE_FLAGS:
		text_printf(out, "0x%x\n", net_device_flags(d) & 0xffff & ~(u32)NET_RUNNING);
		return OK;
	case FILE_OPERSTATE:
		text_put(out, operation_state(d));
		return OK;
	case FILE_UEVENT:
		put_uevent(out, d);
		return OK;
	case FILE_CARRIER:
		if (!net_device_has(d, NET_UP))
			return -EINVAL;
		break;
	default:
		break;
	}
	text_printf(out, "%u\n", number_of(d, file));
	return OK;
}

static err_t statistic_show(struct pseudo_inode *n, struct file *f, struct text *out borrowed)
{
	const struct net_statistics *s = &device_of(n)->statistics;
	u64 value = 0;

	switch (n->value[0]) {
	case 0:
		value = atomic_u64_load(&s->received_bytes);
		break;
	case 1:
		value = atomic_u64_load(&s->received_packets);
		break;
	case 2:
		value = atomic_u64_load(&s->received_errors);
		break;
	case 3:
		value = atomic_u64_load(&s->received_dropped);
		break;
	case 4:
		value = atomic_u64_load(&s->sent_bytes);
		break;
	case 5:
		value = atomic_u64_load(&s->sent_packets);
		break;
	case 6:
		value = atomic_u64_load(&s->sent_errors);
		break;
	case 7:
		value = atomic_u64_load(&s->sent_dropped);
		break;
	default:
		value = atomic_u64_load(&s->multicast);
		break;
	}
	text_printf(out, "%lu\n", value);
	return OK;
}

static const struct pseudo_kind interface_file_kind = { .show = interface_show };
static const struct pseudo_kind statistic_kind = { .show = statistic_show };
#define INTERFACE_FILE(text, which) { .name = text, .mode = S_IFREG | 0444, .kind = &interface_file_kind, \
	.value = (which) }
#define STATISTIC(text, which) { .name = text, .mode = S_IFREG | 0444, .kind = &statistic_kind, .value = (which) }
static const struct pseudo_entry statistic_entries[] = {
	STATISTIC("rx_bytes", 0), STATISTIC("rx_packets", 1), STATISTIC("rx_errors", 2), STATISTIC("rx_dropped", 3),
	STATISTIC("tx_bytes", 4), STATISTIC("tx_packets", 5), STATISTIC("tx_errors", 6), STATISTIC("tx_dropped", 7),
	STATISTIC("multicast", 8),
};
static const struct pseudo_entry *statistic_entry(u32 index)
{
	return index < array_len(statistic_entries) ? array_ptr(statistic_entries, index) : NULL;
}
static const struct pseudo_kind statistics_kind = { .entry_at = statistic_entry };
static const struct pseudo_entry interface_entries[] = {
	INTERFACE_FILE("addr_len", FILE_ADDR_LEN),
	INTERFACE_FILE("address", FILE_ADDRESS),
	INTERFACE_FILE("broadcast", FILE_BROADCAST),
	INTERFACE_FILE("carrier", FILE_CARRIER),
	INTERFACE_FILE("carrier_changes", FILE_CARRIER_CHANGES),
	INTERFACE_FILE("flags", FILE_FLAGS),
	INTERFACE_FILE("ifindex", FILE_IFINDEX),
	INTERFACE_FILE("iflink", FILE_IFLINK),
	INTERFACE_FILE("mtu", FILE_MTU),
	INTERFACE_FILE("operstate", FILE_OPERSTATE),
	INTERFACE_FILE("tx_queue_len", FILE_TX_QUEUE_LEN),
	INTERFACE_FILE("type", FILE_TYPE),
	INTERFACE_FILE("uevent", FILE_UEVENT),
	{ .name = "statistics", .mode = S_IFDIR | 0755, .kind = &statistics_kind },
};
static const struct pseudo_entry *interface_entry(u32 index)
{
	return index < array_len(interface_entries) ? array_ptr(interface_entries, index) : NULL;
}
static const struct pseudo_kind interface_kind = { .entry_at = interface_entry };

// --- the folder -----------------------------------------------------------------------------------------------------
static struct net_namespace *net_of(struct pseudo_inode *dir)
{
	return sysfs_net_namespace(dir->base.superblock);
}

static err_t net_lookup(struct pseudo_inode *dir, bytes_t name, struct inode **out borrowed)
{
	struct net_device *d object_auto(net_device) = net_device_find_name(net_of(dir), name);

	if (!d)
		return -ENOENT;
	struct interface_subject *s object_auto(interface_subject) = interface_subject_alloc();
	if (!s)
		return -ENOMEM;
	s->device = take(d);
	return pseudo_create(dir, name, S_IFDIR | 0755, &interface_kind, &s->object, 0, out);
}

static bool net_revalidate(struct pseudo_inode *dir, bytes_t name, struct inode *child)
{
	struct net_device *d object_auto(net_device) = net_device_find_name(net_of(dir), name);

	return d && pseudo_inode_of(child)->subject && device_of(pseudo_inode_of(child)) == d;
}

static err_t net_read_directory(struct pseudo_inode *dir, u64 *position borrowed, struct directory_sink *sink borrowed)
{
	for (;;) {
		u8 room[NET_NAME_BYTES] = { };
		struct net_device *d object_auto(net_device) = net_device_next(net_of(dir), (u32)*position);
		if (!d)
			return OK;
		bytes_t name = bytes_first(array_bytes(room), net_device_name(d, array_span(room)));
		const u64 next = (u64)net_device_index(d) + 1;
		if (!sink->add(sink, name, pseudo_number(dir, name), S_IFDIR >> 12, next))
			return OK;
		*position = next;
	}
}

const struct pseudo_kind sysfs_net_kind = {
	.lookup = net_lookup, .revalidate = net_revalidate, .read_directory = net_read_directory
};
