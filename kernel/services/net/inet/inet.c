// SPDX-License-Identifier: MPL-2.0
// The families AF_INET and AF_INET6: which protocol a new socket is of.
#include <services/cred/user_namespace.h>
#include <services/net/inet/inet.h>

#define PROTOCOLS_MAX 8u
#define TYPE_COUNT 11u
#define PROTOCOL_COUNT 256u

static exclusive_access void inet_options_release(struct inet_options *o) { }
DEFINE_OBJECT(inet_options, inet_options_release)

struct protocol_slot {
	const struct inet_protocol *protocol;
};
static struct spinlock protocol_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct protocol_slot protocols[PROTOCOLS_MAX] GUARDED_BY(protocol_lock);

void inet_protocol_register(const struct inet_protocol *p)
{
	spin_guard(&protocol_lock);
	for (u32 i = 0; i < PROTOCOLS_MAX; i++) {
		if (!protocols[i].protocol) {
			protocols[i].protocol = p;
			return;
		}
	}
	core_trap();
}

static err_t protocol_find(const struct socket *s borrowed, const struct inet_protocol **out borrowed)
{
	err_t err = s->type == SOCKET_RAW ? -EPROTONOSUPPORT : -ESOCKTNOSUPPORT;

	spin_guard(&protocol_lock);
	for (u32 i = 0; i < PROTOCOLS_MAX && protocols[i].protocol; i++) {
		const struct inet_protocol *p = protocols[i].protocol;

		if (p->type != s->type)
			continue;
		const bool is_default = s->protocol == 0 && p->protocol != 0;
		const bool is_any = s->protocol != 0 && p->protocol == 0;
		const bool is_ping6 = s->family == FAMILY_INET6 && s->protocol == PROTOCOL_ICMP6 &&
			p->protocol == PROTOCOL_ICMP;
		if (is_default || is_any || is_ping6 || (p->protocol && p->protocol == s->protocol)) {
			*out = p;
			return OK;
		}
		err = -EPROTONOSUPPORT;
	}
	return err;
}

struct inet_options *inet_options_of(struct socket *s)
{
	return inet_options_from_object(s->family_object);
}

struct inet_options *inet_options_copy(const struct inet_options *from borrowed)
{
	struct inet_options *o object_auto(inet_options) = inet_options_alloc();

	if (!o)
		return NULL;
	o->family = from->family;
	atomic_u32_store_relaxed(&o->flags, atomic_u32_load_relaxed(&from->flags));
	atomic_u32_store_relaxed(&o->tos, atomic_u32_load_relaxed(&from->tos));
	atomic_u32_store_relaxed(&o->ttl, atomic_u32_load_relaxed(&from->ttl));
	atomic_u32_store_relaxed(&o->traffic_class, atomic_u32_load_relaxed(&from->traffic_class));
	atomic_u32_store_relaxed(&o->hop_limit, atomic_u32_load_relaxed(&from->hop_limit));
	atomic_u32_store_relaxed(&o->multicast_ttl, atomic_u32_load_relaxed(&from->multicast_ttl));
	atomic_u32_store_relaxed(&o->multicast_hops, atomic_u32_load_relaxed(&from->multicast_hops));
	atomic_u32_store_relaxed(&o->mtu_discover, atomic_u32_load_relaxed(&from->mtu_discover));
	atomic_u32_store_relaxed(&o->mtu_discover6, atomic_u32_load_relaxed(&from->mtu_discover6));
	atomic_u32_store_relaxed(&o->minimum_ttl, atomic_u32_load_relaxed(&from->minimum_ttl));
	atomic_u32_store_relaxed(&o->interface, atomic_u32_load_relaxed(&from->interface));
	return take(o);
}

static err_t inet_create(struct socket *s)
{
	const struct inet_protocol *p = NULL;

	if (s->type >= TYPE_COUNT || s->protocol >= PROTOCOL_COUNT)
		return -EINVAL;
	const err_t err = protocol_find(s, &p);
	if (err)
		return err;
	if (s->type == SOCKET_RAW && !cred_has_capability(s->base.cred, net_namespace_owner(s->net), CAP_NET_RAW))
		return -EPERM;
	if (s->protocol == 0)
		s->protocol = p->protocol;
	struct inet_options *o object_auto(inet_options) = inet_options_alloc();
	if (!o)
		return -ENOMEM;
	o->family = s->family;
	atomic_u32_store_relaxed(&o->multicast_ttl, 1);
	atomic_u32_store_relaxed(&o->multicast_hops, 1);
	atomic_u32_store_relaxed(&o->mtu_discover, 1);
	atomic_u32_store_relaxed(&o->mtu_discover6, 1);
	s->family_object = object_get(&o->object);
	return p->create(s);
}

// IP_MTU_DISCOVER and IPV6_MTU_DISCOVER (ip(7)) as a flow says it.
enum { DISCOVER_DONT, DISCOVER_WANT, DISCOVER_DO, DISCOVER_PROBE, DISCOVER_INTERFACE, DISCOVER_OMIT };
static u32 discover_flags(u32 discover)
{
	switch (discover) {
	case DISCOVER_WANT: return IP_WHOLE_ON_THE_WAY;
	case DISCOVER_DO: return IP_DONT_FRAGMENT;
	case DISCOVER_PROBE: return IP_DONT_FRAGMENT | IP_IGNORE_PATH;
	case DISCOVER_INTERFACE: return IP_KEEP_WHOLE | IP_IGNORE_PATH;
	case DISCOVER_OMIT: return IP_IGNORE_PATH;
	default: return 0;
	}
}

void inet_flow_options(const struct inet_options *o borrowed, struct ip_flow *flow borrowed)
{
	const bool is4 = ip_is4(flow->destination);

	if (ip_is_multicast(flow->destination))
		flow->ttl = atomic_u32_load_relaxed(is4 ? &o->multicast_ttl : &o->multicast_hops);
	else
		flow->ttl = atomic_u32_load_relaxed(is4 ? &o->ttl : &o->hop_limit);
	flow->tos = atomic_u32_load_relaxed(is4 ? &o->tos : &o->traffic_class);
	if (!flow->interface)
		flow->interface = atomic_u32_load_relaxed(&o->interface);
	if (inet_has(o, INET_FREE_BIND | INET_TRANSPARENT))
		flow->flags |= IP_SOURCE_ANY;
	flow->flags |= discover_flags(atomic_u32_load_relaxed(is4 ? &o->mtu_discover : &o->mtu_discover6));
}

static const struct socket_family inet_family = { .create = inet_create };

void inet_init(void)
{
	socket_family_register(FAMILY_INET, &inet_family);
	socket_family_register(FAMILY_INET6, &inet_family);
}
