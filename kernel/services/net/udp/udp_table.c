// SPDX-License-Identifier: MPL-2.0
// Bound sockets by port; the namespace is part of the key.
#include <core/random.h>
#include <services/net/udp/udp_internal.h>

#define UDP_BUCKETS 1024u

DEFINE_LIST(udp_socket_list, udp_socket, port_link)
struct synchronised udp_bucket {
	struct spinlock lock;
	struct udp_socket_list list GUARDED_BY(lock);	// no reference: closing a socket removes it
};
static struct udp_bucket buckets[UDP_BUCKETS];

void udp_table_init(void)
{
	for (u32 i = 0; i < UDP_BUCKETS; i++)
		spin_init(&array_ptr(buckets, i)->lock, RANK_NET_PORTS);
}

static struct udp_bucket *bucket_of(const struct net_namespace *net borrowed, u32 port)
{
	return array_ptr(buckets, (port + (u32)net->base.number * 61u) % UDP_BUCKETS);
}

struct inet_endpoint udp_local(struct udp_socket *u)
{
	spin_guard(&u->lock);
	return u->local;
}

struct inet_endpoint udp_peer(struct udp_socket *u)
{
	spin_guard(&u->lock);
	return u->peer;
}

static u32 shares(struct udp_socket *u)
{
	spin_guard(&u->lock);
	return u->may_share;
}

static bool is_v6_only(struct udp_socket *u)
{
	return inet_has(u->options, INET_V6_ONLY);
}

static bool is_taken(struct udp_bucket *const b, struct udp_socket *u, const struct inet_endpoint *wanted borrowed,
	u32 share)
	REQUIRES(b->lock)
{
	list_for_each(udp_socket_list, other, &b->list) {
		const struct inet_endpoint e = udp_local(other);
		const u32 both = share & shares(other);

		if (other->net != u->net || e.port != wanted->port ||
			!inet_addresses_conflict(wanted->address, is_v6_only(u), e.address, is_v6_only(other)))
			continue;
		if (both & UDP_REUSE_ADDRESS || (both & UDP_REUSE_PORT && u->owner_uid == other->owner_uid))
			continue;
		return true;
	}
	return false;
}

static err_t try_bind(struct udp_socket *u, const struct inet_endpoint *wanted borrowed, u32 share)
{
	struct udp_bucket *const b = bucket_of(u->net, wanted->port);

	spin_guard(&b->lock);
	if (udp_socket_list_is_linked(u))
		return -EINVAL;
	if (is_taken(b, u, wanted, share))
		return -EADDRINUSE;
	udp_socket_list_push(&b->list, u);
	spin_guard(&u->lock);
	u->local = *wanted;
	u->may_share = share;
	return OK;
}

err_t udp_bind_port(struct udp_socket *u, struct inet_endpoint wanted, u32 share)
{
	const struct ip_settings *settings = &ip_part_of(u->net)->settings;
	const u32 first = atomic_u32_load_relaxed(&settings->port_first);
	const u32 last = atomic_u32_load_relaxed(&settings->port_last);
	const u32 count = last >= first ? last - first + 1 : 1;

	if (wanted.port)
		return try_bind(u, &wanted, share);
	const u32 start = (u32)random_below(count);
	for (u32 i = 0; i < count; i++) {
		wanted.port = first + (start + i) % count;
		const err_t err = try_bind(u, &wanted, 0);
		if (err != (err_t)-EADDRINUSE)
			return err;
	}
	return -EADDRINUSE;
}

void udp_unbind(struct udp_socket *u)
{
	struct udp_bucket *const b = bucket_of(u->net, udp_local(u).port);

	spin_guard(&b->lock);
	if (udp_socket_list_is_linked(u))
		udp_socket_list_remove(&b->list, u);
}

// 0: no match; the more of the names are given, the better (ip(7)).
static u32 score(struct udp_socket *u, struct net_namespace *net, const struct inet_endpoint *local borrowed,
	const struct inet_endpoint *remote borrowed)
{
	if (u->net != net)
		return 0;
	const struct inet_endpoint own = udp_local(u), peer = udp_peer(u);
	const u32 device = atomic_u32_load_relaxed(&u->options->interface);
	const bool is_group = ip_is_multicast(local->address) || local->address.low == ip_from4(IP4_BROADCAST).low;

	if (own.port != local->port || (device && device != local->interface))
		return 0;
	if (!inet_address_matches(own.address, is_v6_only(u), local->address) && !is_group)
		return 0;
	if (is_group && !ip_is_any(own.address) && !ip_equal(own.address, local->address))
		return 0;
	if (peer.port && (peer.port != remote->port || !ip_equal(peer.address, remote->address)))
		return 0;
	return 1 + (ip_is_any(own.address) ? 0 : 2) + (peer.port ? 4 : 0) + (device ? 1 : 0);
}

struct udp_socket *udp_find(struct net_namespace *net, const struct inet_endpoint *local borrowed,
	const struct inet_endpoint *remote borrowed)
{
	struct udp_bucket *const b = bucket_of(net, local->port);
	struct udp_socket *best = NULL;
	u32 best_score = 0, equals = 0;

	spin_guard(&b->lock);
	list_for_each(udp_socket_list, u, &b->list) {
		const u32 s = score(u, net, local, remote);
		// Those that share a port by SO_REUSEPORT take turns by the sender; else the last that was bound has
		// it.
		if (s > best_score || (s && s == best_score && shares(u) & UDP_REUSE_PORT &&
			(remote->port * 2654435761u >> 8) % ++equals == 0))
			best = u;
		if (s > best_score) {
			best_score = s;
			equals = 1;
		}
	}
	return udp_socket_try_get(best);
}

struct udp_socket *udp_find_nth(struct net_namespace *net, const struct inet_endpoint *local borrowed,
	const struct inet_endpoint *remote borrowed, u32 n)
{
	struct udp_bucket *const b = bucket_of(net, local->port);

	spin_guard(&b->lock);
	list_for_each(udp_socket_list, u, &b->list) {
		if (score(u, net, local, remote) && n-- == 0)
			return udp_socket_try_get(u);
	}
	return NULL;
}

static struct udp_socket *nth_in(struct udp_bucket *const b, struct net_namespace *net, u32 *n borrowed) owned;
static struct udp_socket *nth_in(struct udp_bucket *const b, struct net_namespace *net, u32 *n borrowed)
{
	spin_guard(&b->lock);
	list_for_each(udp_socket_list, u, &b->list) {
		if (u->net == net && (*n)-- == 0)
			return udp_socket_try_get(u);
	}
	return NULL;
}

static void describe(struct udp_socket *u, struct udp_description *out borrowed)
{
	const struct inet_endpoint local = udp_local(u), peer = udp_peer(u);

	*out = (struct udp_description){ .local = local.address, .remote = peer.address, .local_port = local.port,
		.remote_port = peer.port, .family = u->family, .uid = u->owner_uid,
		.receive_queue = inet_queue_cost(&u->queue), .inode = u->inode };
}

bool udp_describe_next(struct net_namespace *net, struct udp_cursor *at borrowed, struct udp_description *out borrowed)
{
	for (; at->bucket < UDP_BUCKETS; at->bucket++, at->index = 0) {
		u32 n = at->index;
		struct udp_socket *u object_auto(udp_socket) = nth_in(array_ptr(buckets, at->bucket), net, &n);
		if (u) {
			at->index++;
			describe(u, out);
			return true;
		}
	}
	return false;
}
