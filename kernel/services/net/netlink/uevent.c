// SPDX-License-Identifier: MPL-2.0
// Group 1 hears of devices: "ACTION@PATH", then lines of NAME=VALUE, each ended by a zero byte. Network interfaces are
// told of in their own namespace.
#include <core/atomic.h>
#include <core/text.h>
#include <services/net/device/net_device.h>
#include <services/net/netlink/netlink.h>
#include <services/net/netlink/uevent.h>

#define UEVENT_GROUP 1u
#define UEVENT_BYTES 512u

static struct atomic_u64 sequence;

static err_t uevent_handle(struct netlink_request *r borrowed)
{
	return -EPERM;	// nothing can be asked
}

static const struct netlink_protocol_ops uevent_ops = {
	.group_count = 2,
	.flags = NETLINK_ANYBODY_HEARS,
	.handle = uevent_handle,
};

static void put_name(struct text *t borrowed, struct net_device *d)
{
	u8 name[NET_NAME_BYTES] = { };

	text_put(t, bytes_first(array_bytes(name), net_device_name(d, array_span(name))));
}

static void tell(const struct net_event *e borrowed)
{
	u8 room[UEVENT_BYTES];
	struct text t = text_to(array_span(room));
	const bool is_new = e->kind == NET_EVENT_LINK && e->flags_changed == U32_MAX;

	if (!is_new && e->kind != NET_EVENT_LINK_GONE)
		return;
	bytes_t action = is_new ? STR("add") : STR("remove");
	const u64 number = atomic_u64_add(&sequence, 1) + 1;
	if (!netlink_has_listeners(e->net, NETLINK_KOBJECT_UEVENT, UEVENT_GROUP))
		return;
	text_put(&t, action);
	text_put(&t, STR("@/devices/virtual/net/"));
	put_name(&t, e->device);
	text_put(&t, STR("\0ACTION="));
	text_put(&t, action);
	text_put(&t, STR("\0DEVPATH=/devices/virtual/net/"));
	put_name(&t, e->device);
	text_put(&t, STR("\0SUBSYSTEM=net\0INTERFACE="));
	put_name(&t, e->device);
	text_put(&t, STR("\0IFINDEX="));
	text_printf(&t, "%u", net_device_index(e->device));
	text_put(&t, STR("\0SEQNUM="));
	text_printf(&t, "%lu", number);
	text_char(&t, 0);
	netlink_broadcast(e->net, NETLINK_KOBJECT_UEVENT, UEVENT_GROUP, text_bytes(&t));
}

void netlink_uevent_init(void)
{
	netlink_protocol_register(NETLINK_KOBJECT_UEVENT, &uevent_ops);
	net_event_listen(tell);
}
