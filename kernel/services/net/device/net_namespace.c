// SPDX-License-Identifier: MPL-2.0
#include <services/cred/user_namespace.h>
#include <services/namespace/namespace_kinds.h>
#include <services/net/device/net_namespace.h>

static exclusive_access void net_namespace_release(struct net_namespace *n)
{
	for (u32 i = 0; i < NET_PART_COUNT; i++)
		object_auto_put(array_ptr(n->parts, i));
	namespace_fini(&n->base);
}
DEFINE_DERIVED_SHARED(net_namespace, namespace, net_namespace_release)

static struct spinlock home_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct net_namespace *initial GUARDED_BY(home_lock);

struct part_maker {
	struct object *(*create)(void);
};
static struct part_maker makers[NET_PART_COUNT] GUARDED_BY(home_lock);

void net_part_register(enum net_part part, struct object *(*create)(void))
{
	spin_guard(&home_lock);
	array_ptr(makers, part)->create = create;
}

static struct part_maker maker_of(u32 part)
{
	spin_guard(&home_lock);
	return makers[part];
}

struct net_namespace *net_namespace_initial(void)
{
	spin_guard(&home_lock);
	return initial;
}

struct net_namespace *net_namespace_from(struct namespace *n)
{
	return net_namespace_from_namespace(n);
}

struct net_namespace *net_namespace_create(struct user_namespace *owner)
{
	struct net_namespace *n object_auto(net_namespace) = net_namespace_alloc();
	if (!n)
		return NULL;
	namespace_init(&n->base, NAMESPACE_NET, owner);
	spin_init(&n->lock, RANK_SERVICE_LEAF);
	net_namespace_set_loopback(n, 0);
	for (u32 i = 0; i < NET_PART_COUNT; i++) {
		const struct part_maker maker = maker_of(i);
		if (!maker.create)
			continue;
		n->parts[i] = maker.create();
		if (!n->parts[i])
			return NULL;
	}
	return take(n);
}

struct user_namespace *net_namespace_owner(struct net_namespace *n)
{
	return n->base.owner ? n->base.owner : user_namespace_initial();
}

u32 net_namespace_loopback_flags(struct net_namespace *n)
{
	spin_guard(&n->lock);
	return n->loopback_flags;
}

void net_namespace_set_loopback(struct net_namespace *n, u32 is_up)
{
	spin_guard(&n->lock);
	n->loopback_flags = NET_INTERFACE_LOOPBACK | (is_up ? NET_INTERFACE_UP | NET_INTERFACE_RUNNING : 0);
}

static struct namespace *kind_initial(void)
{
	return &net_namespace_initial()->base;
}

static err_t kind_copy(
	struct namespace *from, struct user_namespace *owner, struct fs_context *fs, struct namespace **out borrowed)
{
	struct net_namespace *n object_auto(net_namespace) = net_namespace_create(owner);
	if (!n)
		return -ENOMEM;
	*out = &take(n)->base;
	return OK;
}
static const struct namespace_kind_ops kind_ops = { .copy = kind_copy, .initial = kind_initial };

err_t net_namespace_init(void)
{
	struct net_namespace *n object_auto(net_namespace) = net_namespace_create(user_namespace_initial());
	if (!n)
		return -ENOMEM;
	namespace_kind_register(NAMESPACE_NET, &kind_ops);
	spin_guard(&home_lock);
	initial = take(n);
	return OK;
}
