// SPDX-License-Identifier: MPL-2.0
// Sockets of TCP and UDP: struct inet_diag_req_v2 and struct inet_diag_msg. source: sock_diag(7), <linux/inet_diag.h>
#include <core/buf.h>
#include <services/net/diagnosis/diagnosis_internal.h>
#include <services/net/ip/ip.h>
#include <services/net/socket/socket.h>
#include <services/net/tcp/tcp.h>
#include <services/net/udp/udp.h>

#define REQUEST_BYTES 56u	// family, protocol, extensions, pad, states, then who
#define REQUEST_WHO 8u
#define MESSAGE_BYTES 72u	// family, state, timer, retransmits, who, then numbers
#define MESSAGE_WHO 4u
enum who_place { WHO_LOCAL_PORT = 0, WHO_REMOTE_PORT = 2, WHO_LOCAL = 4, WHO_REMOTE = 20, WHO_INTERFACE = 36,
	WHO_COOKIE = 40 };
enum message_place { MESSAGE_EXPIRES = 52, MESSAGE_RECEIVE_QUEUE = 56, MESSAGE_SEND_QUEUE = 60, MESSAGE_UID = 64,
	MESSAGE_INODE = 68 };
enum diagnosis_attribute { ATTRIBUTE_PROGRAM = 1 };	// of a request: conditions
enum inet_extension { EXTENSION_INFO = 2, EXTENSION_CONGESTION = 4, EXTENSION_TOS = 5, EXTENSION_CLASS = 6,
	EXTENSION_SHUTDOWN = 8, EXTENSION_V6_ONLY = 11 };
// What a dump keeps in its filter.
enum filter_place { FILTER_FAMILY, FILTER_PROTOCOL, FILTER_EXTENSIONS, FILTER_STATES, FILTER_LOCAL_PORT,
	FILTER_REMOTE_PORT };
#define TCP_STATE_TIME_WAIT 6u

// What both protocols tell.
struct stack_only inet_view {
	struct tcp_description d;
	u32 protocol;
	u32 info_length;
	u8 info[TCP_INFO_BYTES];
};

static void put_address(span_t out, usize at, struct ip_address a, u32 family)
{
	if (family == FAMILY_INET) {
		span_put_u32be(out, at, ip_to4(a));
		return;
	}
	span_put_u64be(out, at, a.high);
	span_put_u64be(out, at + 8, a.low);
}

static void put_who(span_t out, const struct tcp_description *d borrowed)
{
	span_put_u16be(out, WHO_LOCAL_PORT, (u16)d->local_port);
	span_put_u16be(out, WHO_REMOTE_PORT, (u16)d->remote_port);
	put_address(out, WHO_LOCAL, d->local, d->family);
	put_address(out, WHO_REMOTE, d->remote, d->family);
	span_put_u32le(out, WHO_INTERFACE, d->interface);
	diagnosis_put_cookie(out, WHO_COOKIE, d->inode);
}

static bool wants(u32 extensions, enum inet_extension e)
{
	return extensions >> (e - 1) & 1;
}

static void put_extensions(struct netlink_writer *w borrowed, const struct inet_view *v borrowed, u32 extensions)
{
	const struct tcp_description *d = &v->d;

	if (d->state == TCP_STATE_TIME_WAIT)
		return;
	netlink_put_u8(w, EXTENSION_SHUTDOWN, (u8)d->shutdown);
	if (wants(extensions, EXTENSION_TOS))
		netlink_put_u8(w, EXTENSION_TOS, (u8)d->tos);
	if (d->family == FAMILY_INET6 && wants(extensions, EXTENSION_CLASS))
		netlink_put_u8(w, EXTENSION_CLASS, (u8)d->traffic_class);
	if (d->family == FAMILY_INET6 && (d->state == SHOWN_LISTENING || d->state == SHOWN_CLOSED))
		netlink_put_u8(w, EXTENSION_V6_ONLY, (u8)d->is_v6_only);
	if (v->info_length && wants(extensions, EXTENSION_INFO))
		netlink_put(w, EXTENSION_INFO, bytes_first(array_bytes(v->info), v->info_length));
	if (v->info_length && wants(extensions, EXTENSION_CONGESTION))
		netlink_put_text(w, EXTENSION_CONGESTION, STR("reno"));
}

static bool inet_message_put(struct net_namespace *net, struct netlink_writer *w borrowed,
	const struct inet_view *v borrowed, u32 extensions)
{
	const struct tcp_description *d = &v->d;
	const usize at = netlink_begin(w, DIAGNOSIS_BY_FAMILY, 0, MESSAGE_BYTES);
	span_t h = netlink_fixed(w, at, MESSAGE_BYTES);

	if (w->is_full)
		return netlink_end(w, at);
	span_at(h, 0) = (u8)d->family;
	span_at(h, 1) = (u8)d->state;
	span_at(h, 2) = (u8)d->timer;
	span_at(h, 3) = (u8)d->retransmits;
	put_who(span_from(h, MESSAGE_WHO), d);
	span_put_u32le(h, MESSAGE_EXPIRES, d->expires_ms);
	span_put_u32le(h, MESSAGE_RECEIVE_QUEUE, d->receive_queue);
	span_put_u32le(h, MESSAGE_SEND_QUEUE, d->state == SHOWN_LISTENING ? d->backlog : d->send_queue);
	span_put_u32le(h, MESSAGE_UID, user_namespace_uid_show(net_namespace_owner(net), d->uid));
	span_put_u32le(h, MESSAGE_INODE, (u32)d->inode);
	put_extensions(w, v, extensions);
	return netlink_end(w, at);
}

// --- one after the other --------------------------------------------------------------------------------------------

static bool udp_next(struct net_namespace *net, struct tcp_cursor *at borrowed, struct inet_view *v borrowed)
{
	struct udp_cursor c = { at->bucket, at->index };
	struct udp_description u = { };

	if (!udp_describe_next(net, &c, &u))
		return false;
	*at = (struct tcp_cursor){ c.bucket, c.index };
	v->d = (struct tcp_description){ .local = u.local, .remote = u.remote, .local_port = u.local_port,
		.remote_port = u.remote_port, .family = u.family, .uid = u.uid, .receive_queue = u.receive_queue,
		.inode = u.inode, .state = u.remote_port ? SHOWN_ESTABLISHED : SHOWN_CLOSED };
	return true;
}

static bool view_next(struct net_namespace *net, struct tcp_cursor *at borrowed, struct inet_view *v borrowed)
{
	if (v->protocol == PROTOCOL_UDP)
		return udp_next(net, at, v);
	v->info_length = 0;
	if (!tcp_describe_next_info(net, at, &v->d, array_span(v->info)))
		return false;
	v->info_length = v->d.state == TCP_STATE_TIME_WAIT ? 0 : TCP_INFO_BYTES;
	return true;
}

static bool is_wanted(const struct netlink_dump *d borrowed, const struct tcp_description *t borrowed)
{
	const u32 local = d->filter[FILTER_LOCAL_PORT], remote = d->filter[FILTER_REMOTE_PORT];

	return t->family == d->filter[FILTER_FAMILY] &&
		d->filter[FILTER_STATES] >> t->state & 1 && (!local || local == t->local_port) &&
		(!remote || remote == t->remote_port);
}

static bool inet_fill(struct net_namespace *net, struct netlink_dump *d, struct netlink_writer *w borrowed)
{
	struct tcp_cursor at = { (u32)d->position, (u32)d->inner };
	struct inet_view v = { .protocol = d->filter[FILTER_PROTOCOL] };

	while (view_next(net, &at, &v)) {
		if (d->program && !diagnosis_filter_takes(buf_bytes(d->program), &v.d))
			continue;
		if (is_wanted(d, &v.d) && !inet_message_put(net, w, &v, d->filter[FILTER_EXTENSIONS]))
			return false;
		d->position = at.bucket;
		d->inner = at.index;
	}
	return true;
}

// --- one by its names -----------------------------------------------------------------------------------------------

static struct ip_address address_get(bytes_t from, usize at, u32 family)
{
	if (family == FAMILY_INET)
		return ip_from4(bytes_get_u32be(from, at));
	return (struct ip_address){ .high = bytes_get_u64be(from, at), .low = bytes_get_u64be(from, at + 8) };
}

static bool is_named(bytes_t who, const struct tcp_description *d borrowed)
{
	return bytes_get_u16be(who, WHO_LOCAL_PORT) == d->local_port &&
		bytes_get_u16be(who, WHO_REMOTE_PORT) == d->remote_port &&
		ip_equal(address_get(who, WHO_LOCAL, d->family), d->local) &&
		ip_equal(address_get(who, WHO_REMOTE, d->family), d->remote);
}

static no_inline err_t inet_get_one(struct netlink_request *r borrowed, u32 protocol)
{
	bytes_t who = bytes_from(r->body, REQUEST_WHO);
	struct tcp_cursor at = { };
	struct inet_view v = { .protocol = protocol };
	u8 room[448];

	while (view_next(r->net, &at, &v)) {
		if (v.d.family != byte_at(r->body, 0) || !is_named(who, &v.d))
			continue;
		if (!diagnosis_has_cookie(
			bytes_get_u32le(who, WHO_COOKIE), bytes_get_u32le(who, WHO_COOKIE + 4), v.d.inode))
			return -ENOENT;
		struct netlink_writer w = { .room = array_span(room), .seq = r->seq, .port = r->port };
		return inet_message_put(r->net, &w, &v, byte_at(r->body, 2))
			? netlink_answer(r, bytes_first(array_bytes(room), w.used)) : (err_t)-EMSGSIZE;
	}
	return -ENOENT;
}

static err_t program_take(struct netlink_dump *d, bytes_t attributes)
{
	bytes_t program = bytes_empty();

	if (!netlink_find(attributes, ATTRIBUTE_PROGRAM, program))
		return OK;
	const err_t err = bytes_len(program) ? diagnosis_filter_check(program) : (err_t)-EINVAL;
	if (err)
		return err;
	struct buf *copy buf_auto = buf_alloc(bytes_len(program));
	if (!copy)
		return -ENOBUFS;
	span_copy(buf_span(copy), program);
	d->program = take(copy);
	return OK;
}

err_t diagnosis_inet(struct netlink_request *r borrowed)
{
	if (bytes_len(r->body) < REQUEST_BYTES)
		return -EINVAL;
	const u32 protocol = byte_at(r->body, 1);
	if (protocol != PROTOCOL_TCP && protocol != PROTOCOL_UDP)
		return -ENOENT;
	if (!diagnosis_is_dump(r))
		return inet_get_one(r, protocol);
	struct netlink_dump *d object_auto(netlink_dump) = netlink_dump_create(inet_fill);
	if (!d)
		return -ENOBUFS;
	const err_t err = program_take(d, bytes_from(r->body, REQUEST_BYTES));
	if (err)
		return err;
	d->filter[FILTER_FAMILY] = byte_at(r->body, 0);
	d->filter[FILTER_PROTOCOL] = protocol;
	d->filter[FILTER_EXTENSIONS] = byte_at(r->body, 2);
	d->filter[FILTER_STATES] = bytes_get_u32le(r->body, 4);
	d->filter[FILTER_LOCAL_PORT] = bytes_get_u16be(r->body, REQUEST_WHO + WHO_LOCAL_PORT);
	d->filter[FILTER_REMOTE_PORT] = bytes_get_u16be(r->body, REQUEST_WHO + WHO_REMOTE_PORT);
	return netlink_dump_start(r, take(d));
}
