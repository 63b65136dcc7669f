// SPDX-License-Identifier: MPL-2.0
// AF_UNIX: struct unix_diag_req and struct unix_diag_msg. source: sock_diag(7), <linux/unix_diag.h>
#include <services/net/diagnosis/diagnosis_internal.h>
#include <services/net/socket/socket.h>
#include <services/net/unix/unix.h>

#define REQUEST_BYTES 24u
#define MESSAGE_BYTES 16u
enum request_place { REQUEST_STATES = 4, REQUEST_INODE = 8, REQUEST_SHOW = 12, REQUEST_COOKIE = 16 };
enum unix_show { SHOW_NAME = 1, SHOW_PLACE = 2, SHOW_PEER = 4, SHOW_QUEUE = 0x10, SHOW_UID = 0x40 };
enum unix_attribute { UNIX_TELLS_NAME = 0, UNIX_TELLS_PLACE = 1, UNIX_TELLS_PEER = 2, UNIX_TELLS_QUEUE = 4,
	UNIX_TELLS_SHUTDOWN = 6, UNIX_TELLS_UID = 7 };
enum unix_filter { FILTER_STATES, FILTER_SHOW };

static u32 shown_state(const struct unix_description *d borrowed)
{
	return d->is_listening ? SHOWN_LISTENING : d->is_connected ? SHOWN_ESTABLISHED : SHOWN_CLOSED;
}

static void put_pair(struct netlink_writer *w borrowed, u32 type, u32 first, u32 second)
{
	span_t v = netlink_put_room(w, type, 8);

	if (w->is_full)
		return;
	span_put_u32le(v, 0, first);
	span_put_u32le(v, 4, second);
}

static bool unix_message_put(struct net_namespace *net, struct netlink_writer *w borrowed,
	const struct unix_description *d borrowed, u32 show)
{
	const usize at = netlink_begin(w, DIAGNOSIS_BY_FAMILY, 0, MESSAGE_BYTES);
	span_t h = netlink_fixed(w, at, MESSAGE_BYTES);

	if (w->is_full)
		return netlink_end(w, at);
	span_at(h, 0) = (u8)FAMILY_UNIX;
	span_at(h, 1) = (u8)d->type;
	span_at(h, 2) = (u8)shown_state(d);
	span_put_u32le(h, 4, (u32)d->inode);
	diagnosis_put_cookie(h, 8, d->inode);
	if (show & SHOW_NAME && d->name_length)
		netlink_put(w, UNIX_TELLS_NAME, bytes_first(array_bytes(d->name), d->name_length));
	if (show & SHOW_PLACE && d->place_inode)
		put_pair(w, UNIX_TELLS_PLACE, (u32)d->place_inode, (u32)d->place_device);
	if (show & SHOW_PEER && d->has_peer)
		netlink_put_u32(w, UNIX_TELLS_PEER, (u32)d->peer_inode);
	if (show & SHOW_QUEUE)
		put_pair(w, UNIX_TELLS_QUEUE, d->receive_queue, d->send_queue);
	if (show & SHOW_UID)
		netlink_put_u32(w, UNIX_TELLS_UID, user_namespace_uid_show(net_namespace_owner(net), d->uid));
	netlink_put_u8(w, UNIX_TELLS_SHUTDOWN, (u8)d->shutdown);
	return netlink_end(w, at);
}

static bool unix_fill(struct net_namespace *net, struct netlink_dump *d, struct netlink_writer *w borrowed)
{
	struct unix_description u = { };

	for (u64 age = d->position; unix_describe_next(net, &age, &u); d->position = age) {
		if (!(d->filter[FILTER_STATES] >> shown_state(&u) & 1))
			continue;
		if (!unix_message_put(net, w, &u, d->filter[FILTER_SHOW]))
			return false;
	}
	return true;
}

static err_t unix_get_one(struct netlink_request *r borrowed, u32 inode)
{
	struct unix_description u = { };
	u8 room[320];

	for (u64 age = 0; unix_describe_next(r->net, &age, &u);) {
		if (!inode || (u32)u.inode != inode)
			continue;
		if (!diagnosis_has_cookie(bytes_get_u32le(r->body, REQUEST_COOKIE),
			bytes_get_u32le(r->body, REQUEST_COOKIE + 4), u.inode))
			return -ESTALE;
		struct netlink_writer w = { .room = array_span(room), .seq = r->seq, .port = r->port };
		return unix_message_put(r->net, &w, &u, bytes_get_u32le(r->body, REQUEST_SHOW))
			? netlink_answer(r, bytes_first(array_bytes(room), w.used)) : (err_t)-EMSGSIZE;
	}
	return -ENOENT;
}

err_t diagnosis_unix(struct netlink_request *r borrowed)
{
	if (bytes_len(r->body) < REQUEST_BYTES)
		return -EINVAL;
	if (!diagnosis_is_dump(r))
		return unix_get_one(r, bytes_get_u32le(r->body, REQUEST_INODE));
	struct netlink_dump *d object_auto(netlink_dump) = netlink_dump_create(unix_fill);
	if (!d)
		return -ENOBUFS;
	d->filter[FILTER_STATES] = bytes_get_u32le(r->body, REQUEST_STATES);
	d->filter[FILTER_SHOW] = bytes_get_u32le(r->body, REQUEST_SHOW);
	return netlink_dump_start(r, take(d));
}
