// SPDX-License-Identifier: MPL-2.0
// A namespace's netlink sockets: port numbers, and who hears which group.
#include <core/random.h>
#include <services/cred/cred.h>
#include <services/net/netlink/netlink_internal.h>
#include <services/process/process.h>
#include <services/process/thread.h>

static void netlink_table_release(struct netlink_table *t) { }
DEFINE_OBJECT(netlink_table, netlink_table_release)

struct object *netlink_table_create(void)
{
	struct netlink_table *t object_auto(netlink_table) = netlink_table_alloc();

	if (!t)
		return NULL;
	spin_init(&t->lock, RANK_NET_PORTS);
	return &take(t)->object;
}

struct netlink_table *netlink_table_of(struct net_namespace *net)
{
	return netlink_table_from_object(net->parts[NET_PART_NETLINK]);
}

u32 netlink_port_of(struct netlink_socket *n)
{
	spin_guard(&n->lock);
	return n->port;
}

static void port_set(struct netlink_socket *n, u32 port)
{
	spin_guard(&n->lock);
	n->port = port;
}

static struct netlink_socket *find_locked(struct netlink_table *t, u32 protocol, u32 port) REQUIRES(t->lock)
{
	list_for_each(netlink_socket_list, n, &t->sockets) {
		if (n->protocol == protocol && netlink_port_of(n) == port)
			return n;
	}
	return NULL;
}

struct netlink_socket *netlink_find_port(struct net_namespace *net, u32 protocol, u32 port)
{
	struct netlink_table *const t = netlink_table_of(net);

	spin_guard(&t->lock);
	struct netlink_socket *n = find_locked(t, protocol, port);
	return n ? netlink_socket_try_get(n) : NULL;
}

// The process's number if it is free, else a random one that no process has.
static u32 free_port(struct netlink_table *t, u32 protocol) REQUIRES(t->lock)
{
	u32 port = pid_number_own(process_current()->pid);

	while (find_locked(t, protocol, port))
		port = 0x80000000u | (u32)random_below(0x7ffff000);
	return port;
}

err_t netlink_bind_port(struct netlink_socket *n, u32 port)
{
	struct netlink_table *const t = n->table;

	spin_guard(&t->lock);
	if (netlink_socket_list_is_linked(n))
		return port == 0 || netlink_port_of(n) == port ? OK : (err_t)-EINVAL;
	if (port && find_locked(t, n->protocol, port))
		return -EADDRINUSE;
	port_set(n, port ? port : free_port(t, n->protocol));
	netlink_socket_list_append(&t->sockets, n);
	return OK;
}

void netlink_unbind(struct netlink_socket *n)
{
	struct netlink_table *const t = n->table;

	spin_guard(&t->lock);
	if (netlink_socket_list_is_linked(n))
		netlink_socket_list_remove(&t->sockets, n);
}

// --- groups ---------------------------------------------------------------------------------------------------------
static bool hears(struct netlink_socket *n, u32 protocol, u32 group)
{
	if (n->protocol != protocol)
		return false;
	spin_guard(&n->lock);
	return n->groups >> (group - 1) & 1;
}

// The index-th socket that hears the group.
static struct netlink_socket *listener_at(struct netlink_table *const t, u32 protocol, u32 group, u32 index) owned;
static struct netlink_socket *listener_at(struct netlink_table *const t, u32 protocol, u32 group, u32 index)
{
	spin_guard(&t->lock);
	list_for_each(netlink_socket_list, n, &t->sockets) {
		if (!hears(n, protocol, group))
			continue;
		if (index-- == 0)
			return netlink_socket_try_get(n);
	}
	return NULL;
}

bool netlink_has_listeners(struct net_namespace *net, enum netlink_protocol protocol, u32 group)
{
	struct netlink_socket *n object_auto(netlink_socket) =
		net->parts[NET_PART_NETLINK] ? listener_at(netlink_table_of(net), protocol, group, 0) : NULL;

	return n != NULL;
}

void netlink_broadcast(struct net_namespace *net, enum netlink_protocol protocol, u32 group, bytes_t message)
{
	struct netlink_table *t = netlink_table_of(net);

	for (u32 i = 0;; i++) {
		struct netlink_socket *n object_auto(netlink_socket) = listener_at(t, protocol, group, i);
		if (!n)
			return;
		struct netlink_packet *p object_auto(netlink_packet) = netlink_packet_create(message, 0, group);
		if (!p)
			continue;	// lost without memory, as without room
		const err_t err = netlink_deliver(n, take(p));
		(void)err;		// the receiver is told
	}
}
