// SPDX-License-Identifier: MPL-2.0
// Tables of sockets: connections by their four names, listeners and bound ports by port. They are the machine's; the
// namespace is part of every key.
#include <core/random.h>
#include <services/net/tcp/tcp_internal.h>

#define CONNECTION_BUCKETS 4096u
#define PORT_BUCKETS 1024u
#define LISTENER_BUCKETS 256u

DEFINE_LIST(tcp_hash_list, tcp_socket, hash_link)
DEFINE_LIST(tcp_port_list, tcp_socket, port_link)
struct synchronised tcp_hash_bucket {
	struct spinlock lock;
	struct tcp_hash_list list GUARDED_BY(lock);	// with references
};
struct synchronised tcp_port_bucket {
	struct spinlock lock;
	struct tcp_port_list list GUARDED_BY(lock);
};
static struct tcp_hash_bucket connections[CONNECTION_BUCKETS];
static struct tcp_hash_bucket listeners[LISTENER_BUCKETS];
static struct tcp_port_bucket ports[PORT_BUCKETS];
static struct atomic_u64 seed;

void tcp_tables_init(void)
{
	for (u32 i = 0; i < CONNECTION_BUCKETS; i++)
		spin_init(&array_ptr(connections, i)->lock, RANK_NET_PORTS);
	for (u32 i = 0; i < LISTENER_BUCKETS; i++)
		spin_init(&array_ptr(listeners, i)->lock, RANK_NET_PORTS);
	for (u32 i = 0; i < PORT_BUCKETS; i++)
		spin_init(&array_ptr(ports, i)->lock, RANK_NET_BINDING);
	atomic_u64_store(&seed, random_u64() | 1);
}

static u64 mix(u64 h, u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ul;
	return h ^ h >> 29;
}

static u64 connection_hash(const struct net_namespace *net borrowed, const struct inet_endpoint *local borrowed,
	const struct inet_endpoint *remote borrowed)
{
	u64 h = mix(atomic_u64_load_relaxed(&seed),
		net->base.number ^ (u64)local->port << 48 ^ (u64)remote->port << 32);

	h = mix(h, local->address.low ^ local->address.high);
	return mix(h, remote->address.low) ^ remote->address.high;
}

static struct tcp_hash_bucket *connection_bucket(const struct net_namespace *net borrowed,
	const struct inet_endpoint *local borrowed, const struct inet_endpoint *remote borrowed)
{
	return array_ptr(connections, (connection_hash(net, local, remote) >> 8) % CONNECTION_BUCKETS);
}

static struct tcp_hash_bucket *listener_bucket(const struct net_namespace *net borrowed, u32 port)
{
	return array_ptr(listeners, (mix(net->base.number, port) >> 8) % LISTENER_BUCKETS);
}

static struct tcp_port_bucket *port_bucket(const struct net_namespace *net borrowed, u32 port)
{
	return array_ptr(ports, (mix(net->base.number, port) >> 8) % PORT_BUCKETS);
}

static bool endpoint_equal(const struct inet_endpoint *a borrowed, const struct inet_endpoint *b borrowed)
{
	return a->port == b->port && ip_equal(a->address, b->address);
}

static struct tcp_socket *connection_in(struct tcp_hash_bucket *const b, struct net_namespace *net,
	const struct inet_endpoint *local borrowed, const struct inet_endpoint *remote borrowed) REQUIRES(b->lock)
{
	list_for_each(tcp_hash_list, t, &b->list) {
		if (t->net == net && endpoint_equal(&t->local, local) && endpoint_equal(&t->remote, remote))
			return t;
	}
	return NULL;
}

struct tcp_socket *tcp_find_connection(struct net_namespace *net, const struct inet_endpoint *local borrowed,
	const struct inet_endpoint *remote borrowed)
{
	struct tcp_hash_bucket *const b = connection_bucket(net, local, remote);

	spin_guard(&b->lock);
	return tcp_socket_try_get(connection_in(b, net, local, remote));
}

// 0: does not listen there.
static u32 listener_score(struct tcp_socket *t, struct net_namespace *net, const struct inet_endpoint *local borrowed)
{
	if (t->net != net || t->local.port != local->port ||
		!inet_address_matches(
			t->local.address, atomic_u32_load_relaxed(&t->bind_flags) & TCP_BIND_V6_ONLY, local->address))
		return 0;
	const u32 device = atomic_u32_load_relaxed(&t->options->interface);
	if (device && device != local->interface)
		return 0;
	return 1 + (ip_is_any(t->local.address) ? 0 : 4) + (device ? 2 : 0) +
		(ip_is4(local->address) && t->family == FAMILY_INET ? 1 : 0);
}

struct tcp_socket *tcp_find_listener(struct net_namespace *net, const struct inet_endpoint *local borrowed,
	const struct inet_endpoint *remote borrowed)
{
	struct tcp_hash_bucket *const b = listener_bucket(net, local->port);
	struct tcp_socket *best = NULL;
	u32 best_score = 0, equals = 0;

	spin_guard(&b->lock);
	list_for_each(tcp_hash_list, t, &b->list) {
		const u32 score = listener_score(t, net, local);
		if (score > best_score) {
			best = t;
			best_score = score;
			equals = 1;
		} else if (score && score == best_score) {
			equals++;
		}
	}
	if (equals > 1) {	// they share the port: connections are spread over them
		u32 chosen = (u32)((connection_hash(net, local, remote) >> 32) % equals);
		list_for_each(tcp_hash_list, t, &b->list) {
			if (listener_score(t, net, local) == best_score && chosen-- == 0)
				return tcp_socket_get(t);
		}
	}
	return tcp_socket_try_get(best);
}

// --- ports ----------------------------------------------------------------------------------------------------------

static bool ports_conflict(struct tcp_socket *t, struct tcp_socket *other, const struct inet_endpoint *wanted borrowed,
	u32 flags)
{
	const u32 theirs = atomic_u32_load(&other->bind_flags);

	if (other == t || other->net != t->net || other->local.port != wanted->port ||
		!inet_addresses_conflict(
			wanted->address, flags & TCP_BIND_V6_ONLY, other->local.address, theirs & TCP_BIND_V6_ONLY))
		return false;
	if (flags & theirs & TCP_BIND_SHARE && t->owner_uid == other->owner_uid)
		return false;
	return !(flags & theirs & TCP_BIND_REUSE) || theirs & TCP_BIND_LISTENS;
}

static bool port_is_taken(struct tcp_port_bucket *const b, struct tcp_socket *t,
	const struct inet_endpoint *wanted borrowed, u32 flags) REQUIRES(b->lock)
{
	list_for_each(tcp_port_list, other, &b->list) {
		if (ports_conflict(t, other, wanted, flags))
			return true;
	}
	return false;
}

static bool try_bind(struct tcp_socket *const t, const struct inet_endpoint *wanted borrowed, u32 flags)
	REQUIRES(t->lock)
{
	struct tcp_port_bucket *const b = port_bucket(t->net, wanted->port);

	spin_guard(&b->lock);
	if (port_is_taken(b, t, wanted, flags))
		return false;
	t->local = *wanted;
	atomic_u32_store(&t->bind_flags, flags);
	tcp_port_list_push(&b->list, t);
	return true;
}

struct port_range {
	u32 first, count;
};
static struct port_range ephemeral_range(struct net_namespace *net)
{
	const struct ip_settings *s = &ip_part_of(net)->settings;
	const u32 first = atomic_u32_load_relaxed(&s->port_first), last = atomic_u32_load_relaxed(&s->port_last);

	return (struct port_range){ first, last >= first ? last - first + 1 : 1 };
}

err_t tcp_port_bind(struct tcp_socket *const t, const struct inet_endpoint *wanted borrowed, u32 flags)
{
	if (wanted->port)
		return try_bind(t, wanted, flags) ? OK : -EADDRINUSE;
	const struct port_range r = ephemeral_range(t->net);
	const u32 start = (u32)random_below(r.count);
	for (u32 i = 0; i < r.count; i++) {
		struct inet_endpoint e = *wanted;
		e.port = r.first + (start + i) % r.count;
		if (try_bind(t, &e, flags & ~(u32)TCP_BIND_REUSE))
			return OK;
	}
	return -EADDRINUSE;
}

void tcp_port_join(struct tcp_socket *const t)
{
	struct tcp_port_bucket *const b = port_bucket(t->net, t->local.port);

	spin_guard(&b->lock);
	tcp_port_list_push(&b->list, t);
}

// --- connections ----------------------------------------------------------------------------------------------------

static bool try_connection(struct tcp_socket *const t) REQUIRES(t->lock)
{
	struct tcp_hash_bucket *const b = connection_bucket(t->net, &t->local, &t->remote);

	spin_guard(&b->lock);
	if (connection_in(b, t->net, &t->local, &t->remote))
		return false;
	tcp_hash_list_push(&b->list, tcp_socket_get(t));
	return true;
}

// May a connection share the port? Only with others that chose it by themselves.
static bool port_is_shareable(struct tcp_port_bucket *const b, struct tcp_socket *t, u32 port) REQUIRES(b->lock)
{
	list_for_each(tcp_port_list, other, &b->list) {
		if (other->net == t->net && other->local.port == port &&
			!(atomic_u32_load(&other->bind_flags) & TCP_BIND_AUTOMATIC))
			return false;
	}
	return true;
}

static bool try_connection_port(struct tcp_socket *const t, u32 port) REQUIRES(t->lock)
{
	struct tcp_port_bucket *const b = port_bucket(t->net, port);

	spin_guard(&b->lock);
	if (!port_is_shareable(b, t, port))
		return false;
	t->local.port = port;
	if (!try_connection(t)) {
		t->local.port = 0;
		return false;
	}
	atomic_u32_store(&t->bind_flags, TCP_BIND_AUTOMATIC);
	tcp_port_list_push(&b->list, t);
	return true;
}

err_t tcp_connection_add(struct tcp_socket *const t)
{
	if (t->local.port)
		return try_connection(t) ? OK : -EADDRNOTAVAIL;
	const struct port_range r = ephemeral_range(t->net);
	const u32 start = (u32)random_below(r.count);
	for (u32 i = 0; i < r.count; i++) {
		if (try_connection_port(t, r.first + (start + i) % r.count))
			return OK;
	}
	return -EADDRNOTAVAIL;
}

// Who else listens here decides whether a second listener may: both must share.
err_t tcp_listener_add(struct tcp_socket *const t)
{
	const u32 flags = atomic_u32_load(&t->bind_flags);
	struct tcp_port_bucket *const p = port_bucket(t->net, t->local.port);
	struct tcp_hash_bucket *const b = listener_bucket(t->net, t->local.port);

	spin_guard(&p->lock);
	list_for_each(tcp_port_list, other, &p->list) {
		if (atomic_u32_load(&other->bind_flags) & TCP_BIND_LISTENS &&
			ports_conflict(t, other, &t->local, flags))
			return -EADDRINUSE;
	}
	atomic_u32_or(&t->bind_flags, TCP_BIND_LISTENS);
	spin_guard(&b->lock);
	tcp_hash_list_push(&b->list, tcp_socket_get(t));
	return OK;
}

static bool unhash(struct tcp_socket *const t, struct tcp_hash_bucket *const b) REQUIRES(t->lock)
{
	spin_guard(&b->lock);
	if (!tcp_hash_list_is_linked(t) || !tcp_hash_list_has(&b->list, t))
		return false;
	tcp_hash_list_remove(&b->list, t);
	return true;
}

void tcp_tables_remove(struct tcp_socket *const t, bool keeps_port)
{
	bool was_there = unhash(t, listener_bucket(t->net, t->local.port));

	if (was_there)
		atomic_u32_and(&t->bind_flags, ~(u32)TCP_BIND_LISTENS);
	else
		was_there = unhash(t, connection_bucket(t->net, &t->local, &t->remote));
	if (was_there) {
		struct tcp_socket *dropped object_auto(tcp_socket) = t;	// the caller holds another
		(void)dropped;
	}
	if (keeps_port)
		return;
	struct tcp_port_bucket *const b = port_bucket(t->net, t->local.port);
	spin_guard(&b->lock);
	if (tcp_port_list_is_linked(t))
		tcp_port_list_remove(&b->list, t);
}

// --- for readers of /proc -------------------------------------------------------------------------------------------

static struct tcp_socket *nth_in(
	struct tcp_hash_bucket *const b, struct net_namespace *net, u32 *n borrowed) owned;
static struct tcp_socket *nth_in(struct tcp_hash_bucket *const b, struct net_namespace *net, u32 *n borrowed)
{
	spin_guard(&b->lock);
	list_for_each(tcp_hash_list, t, &b->list) {
		if (t->net != net)
			continue;
		if (*n == 0)
			return tcp_socket_get(t);
		(*n)--;
	}
	return NULL;
}

struct tcp_socket *tcp_table_next(struct net_namespace *net, struct tcp_cursor *at borrowed)
{
	for (; at->bucket < LISTENER_BUCKETS + CONNECTION_BUCKETS; at->bucket++, at->index = 0) {
		u32 n = at->index;
		struct tcp_socket *t object_auto(tcp_socket) = nth_in(at->bucket < LISTENER_BUCKETS
				? array_ptr(listeners, at->bucket)
				: array_ptr(connections, at->bucket - LISTENER_BUCKETS), net, &n);
		if (t) {
			at->index++;
			return take(t);
		}
	}
	return NULL;
}
