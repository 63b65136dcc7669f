// SPDX-License-Identifier: MPL-2.0
#include <core/buf.h>
#include <services/net/netlink/generic.h>
#include <services/net/netlink/netlink.h>

#define CONTROL_FAMILY 16u	// GENL_ID_CTRL
#define CONTROL_VERSION 2u
#define GENERIC_HEADER 4u	// command, version, reserved
enum control_command { COMMAND_NEW_FAMILY = 1, COMMAND_GET_FAMILY = 3 };
enum control_attribute {
	CONTROL_FAMILY_ID = 1, CONTROL_FAMILY_NAME, CONTROL_VERSION_NUMBER, CONTROL_HEADER_SIZE, CONTROL_MAX_ATTRIBUTE
};

static bool family_put(struct netlink_writer *w borrowed)
{
	const usize at = netlink_begin(w, CONTROL_FAMILY, 0, GENERIC_HEADER);
	span_t h = netlink_fixed(w, at, GENERIC_HEADER);

	if (w->is_full)
		return netlink_end(w, at);
	span_at(h, 0) = COMMAND_NEW_FAMILY;
	span_at(h, 1) = CONTROL_VERSION;
	netlink_put_text(w, CONTROL_FAMILY_NAME, STR("nlctrl"));
	netlink_put_u16(w, CONTROL_FAMILY_ID, CONTROL_FAMILY);
	netlink_put_u32(w, CONTROL_VERSION_NUMBER, CONTROL_VERSION);
	netlink_put_u32(w, CONTROL_HEADER_SIZE, 0);
	netlink_put_u32(w, CONTROL_MAX_ATTRIBUTE, 10);
	return netlink_end(w, at);
}

static bool family_fill(struct net_namespace *net, struct netlink_dump *d, struct netlink_writer *w borrowed)
{
	return d->position++ > 0 || family_put(w);
}

static err_t family_get(struct netlink_request *r borrowed)
{
	bytes_t attributes = bytes_from(r->body, GENERIC_HEADER), value = bytes_empty();
	u8 room[128];

	if (netlink_find(attributes, CONTROL_FAMILY_ID, value)) {
		if (bytes_len(value) < 2 || bytes_get_u16le(value, 0) != CONTROL_FAMILY)
			return -ENOENT;
	} else if (netlink_find(attributes, CONTROL_FAMILY_NAME, value)) {
		if (!bytes_equal(netlink_text(value), STR("nlctrl")))
			return -ENOENT;
	} else {
		return -EINVAL;
	}
	struct netlink_writer w = { .room = array_span(room), .seq = r->seq, .port = r->port };
	return family_put(&w) ? netlink_answer(r, bytes_first(array_bytes(room), w.used)) : (err_t)-EMSGSIZE;
}

static err_t generic_handle(struct netlink_request *r borrowed)
{
	if (r->type != CONTROL_FAMILY)
		return -ENOENT;
	if (bytes_len(r->body) < GENERIC_HEADER)
		return -EINVAL;
	if (byte_at(r->body, 0) != COMMAND_GET_FAMILY)
		return -EOPNOTSUPP;
	if ((r->flags & NETLINK_F_DUMP) == NETLINK_F_DUMP)
		return netlink_dump_start(r, netlink_dump_create(family_fill));
	return family_get(r);
}

static const struct netlink_protocol_ops generic_ops = {
	.group_count = 16,
	.flags = NETLINK_ANYBODY_HEARS,
	.handle = generic_handle,
};

void netlink_generic_init(void)
{
	netlink_protocol_register(NETLINK_GENERIC, &generic_ops);
}
