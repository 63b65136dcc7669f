// SPDX-License-Identifier: MPL-2.0
// All raw and ping sockets of the machine: a list, walked; hosts have few, and it is not looked at when it is empty.
#include <core/random.h>
#include <services/net/ip/icmp.h>
#include <services/net/raw/raw_internal.h>

DEFINE_LIST(raw_socket_list, raw_socket, link)
static struct synchronised raw_table {
	struct spinlock lock;
	struct raw_socket_list list GUARDED_BY(lock);	// no reference: closing a socket removes it
} table = { .lock = SPINLOCK_INIT(RANK_NET_PORTS) };
static struct atomic_u32 socket_count;

void raw_table_add(struct raw_socket *r)
{
	spin_guard(&table.lock);
	raw_socket_list_push(&table.list, r);
	atomic_u32_add(&socket_count, 1);
}

void raw_table_remove(struct raw_socket *r)
{
	spin_guard(&table.lock);
	if (!raw_socket_list_is_linked(r))
		return;
	raw_socket_list_remove(&table.list, r);
	atomic_u32_sub(&socket_count, 1);
}

struct inet_endpoint raw_local(struct raw_socket *r)
{
	spin_guard(&r->lock);
	return r->local;
}

struct inet_endpoint raw_peer(struct raw_socket *r)
{
	spin_guard(&r->lock);
	return r->peer;
}

static bool identifier_is_taken(struct raw_table *const t, struct raw_socket *r, u32 identifier) REQUIRES(t->lock)
{
	list_for_each(raw_socket_list, other, &t->list) {
		if (other != r && other->is_ping && other->net == r->net && other->family == r->family &&
			raw_local(other).port == identifier)
			return true;
	}
	return false;
}

err_t raw_take_identifier(struct raw_socket *r, u32 identifier)
{
	struct raw_table *const t = &table;
	u32 chosen = identifier ? identifier : (u32)random_below(65535) + 1;

	spin_guard(&t->lock);
	for (u32 i = 0; identifier_is_taken(t, r, chosen); i++) {
		if (identifier || i == 65535)
			return -EADDRINUSE;
		chosen = chosen % 65535 + 1;
	}
	spin_guard(&r->lock);
	r->local.port = chosen;
	return OK;
}

static bool wants_icmp(struct raw_socket *r, const struct packet *p borrowed)
{
	u8 type[1];

	if (packet_length(p) < 1)
		return false;
	packet_read(p, 0, array_span(type));
	return type[0] >= 32 || !(atomic_u32_load_relaxed(&r->filter) & 1u << type[0]);
}

// The answer to an echo of this socket.
static bool is_own_echo(struct raw_socket *r, const struct ip_flow *flow borrowed, const struct packet *p borrowed)
{
	u8 head[8];
	const bool is4 = ip_is4(flow->source);

	if (packet_length(p) < sizeof(head))
		return false;
	packet_read(p, 0, array_span(head));
	return head[0] == (is4 ? ICMP_ECHO_REPLY : ICMP6_ECHO_REPLY) &&
		bytes_get_u16be(array_bytes(head), 4) == raw_local(r).port;
}

static bool wants(struct raw_socket *r, struct net_namespace *net, const struct ip_flow *flow borrowed,
	const struct packet *p borrowed)
{
	const u32 family = ip_is4(flow->source) ? FAMILY_INET : FAMILY_INET6;

	if (r->net != net || r->family != family || r->protocol != flow->protocol)
		return false;
	const struct inet_endpoint local = raw_local(r), peer = raw_peer(r);
	const u32 device = atomic_u32_load_relaxed(&r->options->interface);
	if ((!ip_is_any(local.address) && !ip_equal(local.address, flow->destination)) ||
		(!ip_is_any(peer.address) && !ip_equal(peer.address, flow->source)) ||
		(device && device != flow->interface))
		return false;
	if (r->is_ping)
		return is_own_echo(r, flow, p);
	return flow->protocol != PROTOCOL_ICMP || wants_icmp(r, p);
}

static struct raw_socket *find_nth(struct net_namespace *net, const struct ip_flow *flow borrowed,
	const struct packet *p borrowed, u32 n) owned;
static struct raw_socket *find_nth(struct net_namespace *net, const struct ip_flow *flow borrowed,
	const struct packet *p borrowed, u32 n)
{
	struct raw_table *const t = &table;

	spin_guard(&t->lock);
	list_for_each(raw_socket_list, r, &t->list) {
		if (wants(r, net, flow, p) && n-- == 0)
			return raw_socket_try_get(r);
	}
	return NULL;
}

// A raw IPv4 socket gets the IP header too; it still lies before the content.
static void give(struct raw_socket *r, const struct ip_flow *flow borrowed, const struct packet *p borrowed)
{
	struct packet *copy object_auto(packet) = NULL;

	if (r->is_ping || !ip_is4(flow->source) || p->network >= p->head_start) {
		copy = packet_clone(p);
	} else {
		const u32 header = (u32)(p->head_start - p->network);
		copy = packet_clone(p);
		if (copy)
			span_copy(packet_push(copy, header), bytes_slice(array_bytes(p->head), p->network, header));
	}
	if (copy)
		(void)inet_queue_put(&r->queue, flow, 0, take(copy));
}

bool raw_see(struct net_namespace *net, const struct ip_flow *flow borrowed, const struct packet *p borrowed)
{
	if (!atomic_u32_load_relaxed(&socket_count))
		return false;
	for (u32 n = 0;; n++) {
		struct raw_socket *r object_auto(raw_socket) = find_nth(net, flow, p, n);
		if (!r)
			return n;
		give(r, flow, p);
	}
}
