// SPDX-License-Identifier: MPL-2.0
#include <services/cred/user_namespace.h>
#include <services/namespace/ipc_namespace.h>

static void ipc_namespace_release(struct ipc_namespace *n) exclusive_access
{
	if (n->tables)
		object_put(take(n->tables));
	namespace_fini(&n->base);
}
DEFINE_DERIVED_SHARED(ipc_namespace, namespace, ipc_namespace_release)

static struct spinlock initial_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct ipc_namespace *initial GUARDED_BY(initial_lock);

struct ipc_namespace *ipc_namespace_initial(void)
{
	spin_guard(&initial_lock);
	return initial;
}

struct ipc_namespace *ipc_namespace_from(struct namespace *n)
{
	return ipc_namespace_from_namespace(n);
}

struct ipc_namespace *ipc_namespace_create(struct user_namespace *owner)
{
	struct ipc_namespace *n object_auto(ipc_namespace) = ipc_namespace_alloc();
	if (!n)
		return NULL;
	namespace_init(&n->base, NAMESPACE_IPC, owner);
	spin_init(&n->lock, RANK_SERVICE_LEAF);
	return take(n);
}

err_t ipc_namespace_init(void)
{
	struct ipc_namespace *n object_auto(ipc_namespace) = ipc_namespace_create(user_namespace_initial());
	if (!n)
		return -ENOMEM;
	spin_guard(&initial_lock);
	initial = take(n);
	return OK;
}
