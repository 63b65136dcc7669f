// SPDX-License-Identifier: MPL-2.0
// The requests of one send, one after the other; acknowledgements; dumps.
#include <services/cred/cred.h>
#include <services/net/netlink/netlink_internal.h>

enum { ERROR_TEXT = 1, ERROR_OFFSET = 2 };	// NLMSGERR_ATTR_*
#define FLAG_CAPPED 0x100u
#define FLAG_ACK_TLVS 0x200u

static exclusive_access void netlink_dump_release(struct netlink_dump *d)
{
	if (d->program)
		buf_free(take(d->program));
}
DEFINE_OBJECT(netlink_dump, netlink_dump_release)

bool netlink_may(const struct netlink_request *r borrowed, struct net_namespace *net, u32 capability)
{
	struct user_namespace *owner = net_namespace_owner(net);

	return cred_has_capability(r->file->base.cred, owner, capability) &&
	       cred_has_capability(cred_current(), owner, capability);
}

err_t netlink_refuse_text(struct netlink_request *r borrowed, s32 error, bytes_t text)
{
	span_t room = array_span(r->error_text);

	(void)span_copy_some(span_first(room, span_len(room) - 1), text);
	return (err_t)error;
}

err_t netlink_answer(struct netlink_request *r borrowed, bytes_t message)
{
	struct netlink_packet *p object_auto(netlink_packet) = netlink_packet_create(message, 0, 0);

	return p ? netlink_deliver(r->socket, take(p)) : (err_t)-ENOBUFS;
}

// --- acknowledgements -----------------------------------------------------------------------------------------------
static bool has_option(const struct netlink_request *r borrowed, u32 option)
{
	return atomic_u32_load(&r->socket->options) & option;
}

static void acknowledge(struct netlink_request *r borrowed, err_t err)
{
	const bool is_capped = !err || has_option(r, NETLINK_HAS_CAP_ACK);
	const bool has_text = err && has_option(r, NETLINK_HAS_EXT_ACK) && (r->error_text[0] || r->error_offset);
	bytes_t copied = is_capped ? bytes_first(r->message, NETLINK_HEADER) : r->message;
	const u32 fixed = 4 + (u32)bytes_len(copied);
	struct buf *room buf_auto = buf_alloc(NETLINK_HEADER + netlink_align(fixed) + 256);

	if (!room)
		return;
	struct netlink_writer w = { .room = buf_span(room), .seq = r->seq, .port = r->port };
	const usize at = netlink_begin(
		&w, NETLINK_ERROR, (is_capped ? FLAG_CAPPED : 0) | (has_text ? FLAG_ACK_TLVS : 0), fixed);
	span_t body = netlink_fixed(&w, at, fixed);
	span_put_u32le(body, 0, (u32)err);
	span_copy(span_from(body, 4), copied);
	if (has_text && r->error_text[0])
		netlink_put_text(&w, ERROR_TEXT, netlink_text(array_bytes(r->error_text)));
	if (has_text && r->error_offset)
		netlink_put_u32(&w, ERROR_OFFSET, r->error_offset);
	if (!netlink_end(&w, at))
		return;
	const err_t lost = netlink_answer(r, bytes_first(buf_bytes(room), w.used));
	(void)lost;	// the asker's queue is full: its next receive says so
}

// --- requests -------------------------------------------------------------------------------------------------------
static void handle_one(struct netlink_request *r borrowed)
{
	const struct netlink_protocol_ops *ops = netlink_protocol_find(r->socket->protocol);
	err_t err = OK;

	if ((r->flags & NETLINK_F_REQUEST) && r->type >= NETLINK_TYPE_MIN)
		err = ops->handle(r);
	if (err == NETLINK_DUMPING)
		return;
	if (err || (r->flags & NETLINK_F_ACK))
		acknowledge(r, err);
}

void netlink_handle_all(struct socket *s, struct netlink_socket *n, bytes_t requests)
{
	while (bytes_len(requests) >= NETLINK_HEADER) {
		const u32 length = bytes_get_u32le(requests, 0);
		if (length < NETLINK_HEADER || length > bytes_len(requests))
			return;
		struct netlink_request r = {
			.socket = n,
			.file = s,
			.net = s->net,
			.message = bytes_first(requests, length),
			.body = bytes_slice(requests, NETLINK_HEADER, length - NETLINK_HEADER),
			.type = bytes_get_u16le(requests, 4),
			.flags = bytes_get_u16le(requests, 6),
			.seq = bytes_get_u32le(requests, 8),
			.port = netlink_port_of(n),
			.strict = atomic_u32_load(&n->options) & NETLINK_HAS_STRICT ? NETLINK_STRICT : NETLINK_LIBERAL,
		};
		handle_one(&r);
		requests = bytes_from(requests, min(netlink_align(length), bytes_len(requests)));
	}
}

// --- dumps ----------------------------------------------------------------------------------------------------------
exclusive_access struct netlink_dump *netlink_dump_create(
	bool (*fill)(struct net_namespace *net, struct netlink_dump *d, struct netlink_writer *w borrowed))
{
	struct netlink_dump *d object_auto(netlink_dump) = netlink_dump_alloc();

	if (d)
		d->fill = fill;
	return take(d);
}

// Puts NETLINK_DONE with an error number of 0 at the end. False: no room.
static bool put_done(struct netlink_writer *w borrowed)
{
	const usize at = netlink_begin(w, NETLINK_DONE, NETLINK_F_MULTI, 4);

	return netlink_end(w, at);
}

void netlink_dump_continue(struct socket *s, struct netlink_socket *const n, usize room) REQUIRES(n->receiving)
{
	struct netlink_dump *d = n->dump;
	struct buf *b buf_auto = buf_alloc(room >= NETLINK_CHUNK_LARGE ? NETLINK_CHUNK_LARGE : NETLINK_CHUNK_BYTES);

	if (!b) {
		netlink_set_overrun(n);
		return;
	}
	struct netlink_writer w = { .room = buf_span(b), .seq = d->seq, .port = netlink_port_of(n),
		.flags = NETLINK_F_MULTI };
	if (d->generation != atomic_u32_load(&s->net->generation))
		w.flags |= NETLINK_F_DUMP_INTERRUPTED;
	bool is_done = d->fill(s->net, d, &w);
	w.is_full = 0;
	is_done = is_done || w.used == 0;	// what fits no room ends the dump
	if (is_done)
		is_done = put_done(&w);
	if (is_done)
		netlink_dump_put(take(n->dump));
	struct netlink_packet *p object_auto(netlink_packet) =
		w.used ? netlink_packet_create(bytes_first(buf_bytes(b), w.used), 0, 0) : NULL;
	if (!p || netlink_deliver(n, take(p)))
		netlink_set_overrun(n);
}

static exclusive_access err_t dump_begin(struct netlink_request *r borrowed, struct netlink_dump *dump consumes)
{
	struct netlink_socket *const n = r->socket;
	struct netlink_dump *d object_auto(netlink_dump) = dump;

	if (!d)
		return -ENOBUFS;
	mutex_guard(&n->receiving);
	if (n->dump)
		return -EBUSY;
	d->seq = r->seq;
	d->generation = atomic_u32_load(&r->net->generation);
	n->dump = take(d);
	netlink_dump_continue(r->file, n, 0);
	return NETLINK_DUMPING;
}

err_t netlink_dump_start(struct netlink_request *r borrowed, struct netlink_dump *dump)
{
	return dump_begin(r, dump);
}
