// SPDX-License-Identifier: MPL-2.0
// Sockets of the family: made, named, closed.
#include <core/once.h>
#include <services/cred/cred.h>
#include <services/net/netlink/generic.h>
#include <services/net/netlink/netlink_internal.h>
#include <services/net/netlink/route/route.h>
#include <services/net/netlink/uevent.h>

static exclusive_access void netlink_socket_release(struct netlink_socket *n)
{
	while (!netlink_packet_list_is_empty(&n->packets)) {
		struct netlink_packet *p object_auto(netlink_packet) = netlink_packet_list_pop(&n->packets);
		(void)p;
	}
	if (n->dump)
		netlink_dump_put(take(n->dump));
	if (n->table)
		netlink_table_put(take(n->table));
	if (n->filter)
		socket_filter_put(take(n->filter));
}
DEFINE_OBJECT(netlink_socket, netlink_socket_release)

DEFINE_ONCE(netlink_protocol_cell, const struct netlink_protocol_ops);
static struct netlink_protocol_cell protocols[NETLINK_PROTOCOLS];

void netlink_protocol_register(enum netlink_protocol protocol, const struct netlink_protocol_ops *ops)
{
	netlink_protocol_cell_set(array_ptr(protocols, protocol), ops);
}

const struct netlink_protocol_ops *netlink_protocol_find(u32 protocol)
{
	return protocol < NETLINK_PROTOCOLS ? netlink_protocol_cell_get(array_ptr(protocols, protocol)) : NULL;
}

struct netlink_socket *netlink_of(struct socket *s)
{
	return netlink_socket_from_object(s->base.private_object);
}

static void netlink_close(struct socket *s)
{
	netlink_unbind(netlink_of(s));
}

// --- names ----------------------------------------------------------------------------------------------------------
static ssize_r address_put(span_t out, u32 port, u32 groups)
{
	u8 raw[NETLINK_ADDRESS_BYTES] = { };

	span_put_u16le(array_span(raw), 0, FAMILY_NETLINK);
	span_put_u32le(array_span(raw), 4, port);
	span_put_u32le(array_span(raw), 8, groups);
	(void)span_copy_some(out, array_bytes(raw));
	return NETLINK_ADDRESS_BYTES;
}

static err_t address_check(bytes_t address)
{
	if (bytes_len(address) < NETLINK_ADDRESS_BYTES || bytes_get_u16le(address, 0) != FAMILY_NETLINK)
		return -EINVAL;
	return OK;
}

static bool may_join(struct socket *s)
{
	const struct netlink_protocol_ops *ops = netlink_protocol_find(s->protocol);

	return (ops->flags & NETLINK_ANYBODY_HEARS) || net_namespace_capable(s->net, CAP_NET_ADMIN);
}

static void groups_set(struct netlink_socket *n, u32 low)
{
	spin_guard(&n->lock);
	n->groups = (n->groups & ~(u64)U32_MAX) | low;
}

static err_t netlink_bind(struct socket *s, bytes_t address)
{
	struct netlink_socket *n = netlink_of(s);
	err_t err = address_check(address);

	if (err)
		return err;
	const u32 groups = bytes_get_u32le(address, 8);
	if (groups && !may_join(s))
		return -EPERM;
	err = netlink_bind_port(n, bytes_get_u32le(address, 4));
	if (err)
		return err;
	const u32 count = netlink_protocol_find(s->protocol)->group_count;
	groups_set(n, count >= 32 ? groups : groups & ((1u << count) - 1));
	return OK;
}

static err_t netlink_connect(struct socket *s, bytes_t address)
{
	struct netlink_socket *const n = netlink_of(s);

	if (bytes_len(address) >= 2 && bytes_get_u16le(address, 0) == 0) {
		spin_guard(&n->lock);
		n->peer_port = 0;
		n->peer_groups = 0;
		return OK;
	}
	err_t err = address_check(address);
	if (!err && (bytes_get_u32le(address, 4) || bytes_get_u32le(address, 8)) &&
		!net_namespace_capable(s->net, CAP_NET_ADMIN))
		err = -EPERM;
	if (!err)
		err = netlink_bind_port(n, 0);
	if (err)
		return err;
	spin_guard(&n->lock);
	n->peer_port = bytes_get_u32le(address, 4);
	n->peer_groups = bytes_get_u32le(address, 8);
	return OK;
}

static ssize_r netlink_name(struct socket *s, span_t out)
{
	struct netlink_socket *const n = netlink_of(s);

	spin_guard(&n->lock);
	return address_put(out, n->port, (u32)n->groups);
}

static ssize_r netlink_peer_name(struct socket *s, span_t out)
{
	struct netlink_socket *const n = netlink_of(s);

	spin_guard(&n->lock);
	return address_put(out, n->peer_port, n->peer_groups);
}

static u32 netlink_poll(struct socket *s, struct poll_request *r)
{
	struct netlink_socket *const n = netlink_of(s);

	poll_add(r, &n->readable);
	atomic_u32_store(&n->receive_limit, atomic_u32_load(&s->receive_buffer));
	spin_guard(&n->lock);
	return POLL_OUT | POLL_WRITE_NORMAL |
	       (netlink_packet_list_is_empty(&n->packets) ? 0 : POLL_IN | POLL_READ_NORMAL) |
	       (n->is_overrun ? POLL_ERROR : 0);
}

static const struct socket_ops netlink_ops = {
	.close = netlink_close,
	.bind = netlink_bind,
	.connect = netlink_connect,
	.name = netlink_name,
	.peer_name = netlink_peer_name,
	.send = netlink_send,
	.receive = netlink_receive,
	.poll = netlink_poll,
	.set_option = netlink_set_option,
	.get_option = netlink_get_option,
	.set_filter = netlink_set_filter,
};

err_t netlink_socket_of_file(struct file *f, struct netlink_socket **out borrowed)
{
	struct socket *s = socket_of_file(f);

	if (!s)
		return -ENOTSOCK;
	if (s->ops != &netlink_ops)
		return -EINVAL;
	*out = netlink_socket_get(netlink_of(s));
	return OK;
}

static exclusive_access err_t netlink_create(struct socket *s)
{
	if (s->type != SOCKET_RAW && s->type != SOCKET_DATAGRAM)
		return -ESOCKTNOSUPPORT;
	if (!netlink_protocol_find(s->protocol))
		return -EPROTONOSUPPORT;
	struct netlink_socket *n object_auto(netlink_socket) = netlink_socket_alloc();
	if (!n)
		return -ENOMEM;
	spin_init(&n->lock, RANK_SERVICE_LEAF);
	mutex_init(&n->receiving, RANK_SOCKET);
	wait_queue_init(&n->readable);
	n->protocol = s->protocol;
	n->table = netlink_table_get(netlink_table_of(s->net));
	n->net = s->net;
	atomic_u32_store(&n->receive_limit, atomic_u32_load(&s->receive_buffer));
	s->ops = &netlink_ops;
	s->base.private_object = &take(n)->object;
	return OK;
}

// --- options --------------------------------------------------------------------------------------------------------
enum netlink_option {
	OPTION_ADD_MEMBERSHIP = 1, OPTION_DROP_MEMBERSHIP, OPTION_PKTINFO, OPTION_BROADCAST_ERROR, OPTION_NO_ENOBUFS,
	OPTION_LISTEN_ALL_NSID = 8, OPTION_LIST_MEMBERSHIPS, OPTION_CAP_ACK, OPTION_EXT_ACK, OPTION_GET_STRICT_CHK
};

static u32 flag_of_option(u32 name)
{
	switch (name) {
	case OPTION_PKTINFO:
		return NETLINK_HAS_PKTINFO;
	case OPTION_BROADCAST_ERROR:
		return NETLINK_HAS_BROADCAST_ERROR;
	case OPTION_NO_ENOBUFS:
		return NETLINK_HAS_NO_ENOBUFS;
	case OPTION_CAP_ACK:
		return NETLINK_HAS_CAP_ACK;
	case OPTION_EXT_ACK:
		return NETLINK_HAS_EXT_ACK;
	case OPTION_GET_STRICT_CHK:
		return NETLINK_HAS_STRICT;
	default:
		return 0;
	}
}

static err_t membership(struct socket *s, u32 group, u32 name)
{
	struct netlink_socket *const n = netlink_of(s);
	const struct netlink_protocol_ops *ops = netlink_protocol_find(s->protocol);

	if (!may_join(s))
		return -EPERM;
	const err_t err = netlink_bind_port(n, 0);
	if (err)
		return err;
	if (group == 0 || group > ops->group_count)
		return -EINVAL;
	spin_guard(&n->lock);
	if (name == OPTION_ADD_MEMBERSHIP)
		n->groups |= 1ul << (group - 1);
	else
		n->groups &= ~(1ul << (group - 1));
	return OK;
}

err_t netlink_set_option(struct socket *s, u32 level, u32 name, bytes_t value)
{
	struct netlink_socket *n = netlink_of(s);

	if (level != LEVEL_NETLINK)
		return -ENOPROTOOPT;
	if (bytes_len(value) < 4)
		return -EINVAL;
	const u32 v = bytes_get_u32le(value, 0), flag = flag_of_option(name);
	if (name == OPTION_ADD_MEMBERSHIP || name == OPTION_DROP_MEMBERSHIP)
		return membership(s, v, name);
	if (!flag)
		return -ENOPROTOOPT;
	if (v)
		atomic_u32_or(&n->options, flag);
	else
		atomic_u32_and(&n->options, ~flag);
	return OK;
}

ssize_r netlink_get_option(struct socket *s, u32 level, u32 name, span_t out)
{
	struct netlink_socket *const n = netlink_of(s);
	const u32 flag = flag_of_option(name);
	u8 raw[8] = { };

	if (level != LEVEL_NETLINK)
		return -ENOPROTOOPT;
	if (name == OPTION_LIST_MEMBERSHIPS) {
		spin_guard(&n->lock);
		span_put_u64le(array_span(raw), 0, n->groups);
		(void)span_copy_some(out, array_bytes(raw));
		return (ssize_r)netlink_align((netlink_protocol_find(s->protocol)->group_count + 7) / 8);
	}
	if (!flag)
		return -ENOPROTOOPT;
	if (span_len(out) < 4)
		return -EINVAL;
	span_put_u32le(array_span(raw), 0, atomic_u32_load(&n->options) & flag ? 1 : 0);
	return (ssize_r)span_copy_some(out, bytes_first(array_bytes(raw), 4));
}

static const struct socket_family netlink_family = { .create = netlink_create };

void netlink_init(void)
{
	socket_family_register(FAMILY_NETLINK, &netlink_family);
	net_part_register(NET_PART_NETLINK, netlink_table_create);
	netlink_route_init();
	netlink_generic_init();
	netlink_uevent_init();
}
