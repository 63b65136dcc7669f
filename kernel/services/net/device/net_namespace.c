// SPDX-License-Identifier: MPL-2.0
#include <services/cred/user_namespace.h>
#include <services/namespace/namespace_kinds.h>
#include <services/net/device/net_namespace.h>

static void net_namespace_release(struct net_namespace *n) exclusive_access
{
	namespace_fini(&n->base);
}
DEFINE_DERIVED_SHARED(net_namespace, namespace, net_namespace_release)

static struct spinlock initial_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct net_namespace *initial GUARDED_BY(initial_lock);

struct net_namespace *net_namespace_initial(void)
{
	spin_guard(&initial_lock);
	return initial;
}

struct net_namespace *net_namespace_from(struct namespace *n)
{
	return net_namespace_from_namespace(n);
}

static struct net_namespace *net_namespace_create(struct user_namespace *owner) owned;
static struct net_namespace *net_namespace_create(struct user_namespace *owner)
{
	struct net_namespace *n object_auto(net_namespace) = net_namespace_alloc();
	if (!n)
		return NULL;
	namespace_init(&n->base, NAMESPACE_NET, owner);
	spin_init(&n->lock, RANK_SERVICE_LEAF);
	net_namespace_set_loopback(n, 0);
	return take(n);
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

static err_t net_copy(struct namespace *from, struct user_namespace *owner, struct fs_context *fs, struct namespace **out borrowed)
{
	struct net_namespace *n object_auto(net_namespace) = net_namespace_create(owner);
	if (!n)
		return -ENOMEM;
	*out = namespace_get(&n->base);
	return OK;
}

static struct namespace *net_initial(void)
{
	return &net_namespace_initial()->base;
}

static const struct namespace_kind_ops net_ops = { .copy = net_copy, .initial = net_initial };

err_t net_namespace_init(void)
{
	struct net_namespace *n object_auto(net_namespace) = net_namespace_create(user_namespace_initial());
	if (!n)
		return -ENOMEM;
	{
		spin_guard(&initial_lock);
		initial = take(n);
	}
	namespace_kind_register(NAMESPACE_NET, &net_ops);
	return OK;
}
