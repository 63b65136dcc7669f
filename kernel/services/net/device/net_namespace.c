// SPDX-License-Identifier: MPL-2.0
// The last reference of a namespace may go anywhere; its interfaces are then handed to a worker, which removes virtual
// ones (their peers elsewhere vanish too) and gives physical ones back to the initial namespace.
#include <core/once.h>
#include <services/cred/cred.h>
#include <services/namespace/namespace_kinds.h>
#include <services/net/device/net_address.h>
#include <services/net/device/net_device_internal.h>
#include <services/net/device/net_neighbour.h>
#include <services/net/device/net_route.h>

static struct spinlock orphans_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct net_device_list orphans GUARDED_BY(orphans_lock);		// with references
DEFINE_ONCE(orphan_work_cell, struct work);
static struct orphan_work_cell orphan_work;

static void orphan_give(struct net_device *d consumes)
{
	net_device_forget_namespace(d);
	spin_guard(&orphans_lock);
	net_device_list_append(&orphans, d);
}

static exclusive_access void lists_drop(struct net_namespace *n)
{
	while (!neighbour_list_is_empty(&n->neighbours)) {
		struct neighbour *e object_auto(neighbour) = neighbour_list_pop(&n->neighbours);
		(void)e;
	}
	while (!net_route_list_is_empty(&n->routes)) {
		struct net_route *r object_auto(net_route) = net_route_list_pop(&n->routes);
		(void)r;
	}
	while (!net_address_list_is_empty(&n->addresses)) {
		struct net_address *a object_auto(net_address) = net_address_list_pop(&n->addresses);
		(void)a;
	}
}

static exclusive_access void net_namespace_release(struct net_namespace *n)
{
	for (u32 i = 0; i < NET_PART_COUNT; i++)
		object_auto_put(array_ptr(n->parts, i));
	lists_drop(n);
	while (!net_device_list_is_empty(&n->devices)) {
		struct net_device *d object_auto(net_device) = net_device_list_pop(&n->devices);
		orphan_give(take(d));
	}
	if (n->loopback) {
		net_device_put(take(n->loopback));
		work_schedule(orphan_work_cell_get(&orphan_work));
	}
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

struct net_namespace *net_namespace_from_subject(struct object *o)
{
	return net_namespace_from_object(o);
}

struct user_namespace *net_namespace_owner(struct net_namespace *n)
{
	return n->base.owner ? n->base.owner : user_namespace_initial();
}

bool net_namespace_capable(struct net_namespace *n, u32 capability)
{
	return cred_has_capability(cred_current(), net_namespace_owner(n), capability);
}

struct net_namespace *net_namespace_create(struct user_namespace *owner)
{
	struct net_namespace *n object_auto(net_namespace) = net_namespace_alloc();
	if (!n)
		return NULL;
	namespace_init(&n->base, NAMESPACE_NET, owner);
	spin_init(&n->lock, RANK_NET_TABLE);
	atomic_u32_store_relaxed(&n->backlog_max, NET_BACKLOG_DEFAULT);
	for (u32 i = 0; i < NET_PART_COUNT; i++) {
		const struct part_maker maker = maker_of(i);
		if (!maker.create)
			continue;
		n->parts[i] = maker.create();
		if (!n->parts[i])
			return NULL;
	}
	n->loopback = loopback_create(n);
	return n->loopback ? take(n) : NULL;
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

// --- interfaces whose namespace is gone -----------------------------------------------------------------------------
static struct net_device *orphan_take(void) owned;
static struct net_device *orphan_take(void)
{
	spin_guard(&orphans_lock);
	return net_device_list_pop(&orphans);
}

static void orphans_settle(struct work *w)
{
	for (;;) {
		struct net_device *d object_auto(net_device) = orphan_take();

		if (!d)
			return;
		mutex_guard(&net_change_lock);
		net_device_settle_orphan(d, net_namespace_initial());
	}
}

struct orphan_work {
	struct work base;
};
static void orphan_work_release(struct orphan_work *w) { }
DEFINE_DERIVED(orphan_work, work, orphan_work_release)

err_t net_namespace_init(void)
{
	struct orphan_work *w object_auto(orphan_work) = orphan_work_alloc();
	if (!w)
		return -ENOMEM;
	w->base.run = orphans_settle;
	if (net_carrier_init())
		return -ENOMEM;
	orphan_work_cell_set(&orphan_work, &take(w)->base);
	struct net_namespace *n object_auto(net_namespace) = net_namespace_create(user_namespace_initial());
	if (!n)
		return -ENOMEM;
	namespace_kind_register(NAMESPACE_NET, &kind_ops);
	spin_guard(&home_lock);
	initial = take(n);
	return OK;
}
