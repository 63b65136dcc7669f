// SPDX-License-Identifier: MPL-2.0
// The bound sockets of a namespace: a list, walked; hosts have few.
#include <core/random.h>
#include <services/net/udp/udp_internal.h>

static void udp_ports_release(struct udp_ports *p) { }
DEFINE_OBJECT(udp_ports, udp_ports_release)

struct object *udp_ports_create(void)
{
	struct udp_ports *p object_auto(udp_ports) = udp_ports_alloc();

	if (!p)
		return NULL;
	spin_init(&p->lock, RANK_NET_PORTS);
	return &take(p)->object;
}

struct udp_ports *udp_ports_of(struct net_namespace *net)
{
	return udp_ports_from_object(net->parts[NET_PART_UDP]);
}

static struct endpoint local_of(struct udp_socket *u)
{
	spin_guard(&u->lock);
	return u->local;
}

static struct endpoint peer_of(struct udp_socket *u)
{
	spin_guard(&u->lock);
	return u->peer;
}

static bool shares(struct udp_socket *u)
{
	spin_guard(&u->lock);
	return u->may_share;
}

static bool is_taken(struct udp_ports *p, struct endpoint wanted, u32 may_share) REQUIRES(p->lock)
{
	list_for_each(udp_socket_list, other, &p->bound) {
		struct endpoint e = local_of(other);

		if (e.port == wanted.port && (e.address == wanted.address || !e.address || !wanted.address) &&
			!(may_share && shares(other)))
			return true;
	}
	return false;
}

static err_t free_port(struct udp_ports *p, struct endpoint *wanted borrowed) REQUIRES(p->lock)
{
	u32 count = UDP_PORT_LAST_EPHEMERAL - UDP_PORT_FIRST_EPHEMERAL + 1;

	if (!p->next_ephemeral)
		p->next_ephemeral = (u32)random_below(count);
	for (u32 i = 0; i < count; i++) {
		p->next_ephemeral++;
		wanted->port = UDP_PORT_FIRST_EPHEMERAL + p->next_ephemeral % count;
		if (!is_taken(p, *wanted, 0))
			return OK;
	}
	return -EAGAIN;
}

err_t udp_bind_port(struct udp_socket *u, struct endpoint wanted, u32 may_share)
{
	struct udp_ports *p = u->ports;
	err_t err = OK;

	spin_guard(&p->lock);
	if (udp_socket_list_is_linked(u))
		return -EINVAL;
	if (wanted.port == 0)
		err = free_port(p, &wanted);
	else if (is_taken(p, wanted, may_share))
		err = -EADDRINUSE;
	if (err)
		return err;
	udp_socket_list_push(&p->bound, u);
	spin_guard(&u->lock);
	u->local = wanted;
	u->may_share = may_share;
	return OK;
}

void udp_unbind(struct udp_socket *u)
{
	struct udp_ports *p = u->ports;

	spin_guard(&p->lock);
	if (udp_socket_list_is_linked(u))
		udp_socket_list_remove(&p->bound, u);
}

// 0: no match; the more of the four fields are named, the better (ip(7)).
static u32 score(struct udp_socket *u, struct endpoint destination, struct endpoint source)
{
	struct endpoint local = local_of(u), peer = peer_of(u);

	if (local.port != destination.port || (local.address && local.address != destination.address))
		return 0;
	if (peer.port && (peer.port != source.port || peer.address != source.address))
		return 0;
	return 1 + (local.address ? 1 : 0) + (peer.port ? 2 : 0);
}

struct udp_socket *udp_find(struct udp_ports *p, struct endpoint destination, struct endpoint source)
{
	struct udp_socket *best = NULL;
	u32 best_score = 0;

	spin_guard(&p->lock);
	list_for_each(udp_socket_list, u, &p->bound) {
		u32 s = score(u, destination, source);

		if (s > best_score) {
			best = u;
			best_score = s;
		}
	}
	return best ? udp_socket_try_get(best) : NULL;
}
