// SPDX-License-Identifier: MPL-2.0
#include <core/lock.h>
#include <services/cred/user_namespace.h>
#include <services/namespace/time_namespace.h>

static void time_namespace_release(struct time_namespace *n) exclusive_access
{
	namespace_fini(&n->base);
}
DEFINE_DERIVED_SHARED(time_namespace, namespace, time_namespace_release)

static struct spinlock initial_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct time_namespace *initial GUARDED_BY(initial_lock);

struct time_namespace *time_namespace_initial(void)
{
	spin_guard(&initial_lock);
	return initial;
}

struct time_namespace *time_namespace_from(struct namespace *n)
{
	return time_namespace_from_namespace(n);
}

struct time_namespace *time_namespace_copy(struct time_namespace *from, struct user_namespace *owner)
{
	struct time_namespace *n object_auto(time_namespace) = time_namespace_alloc();
	if (!n)
		return NULL;
	namespace_init(&n->base, NAMESPACE_TIME, owner);
	atomic_s64_store(&n->monotonic_offset_ns, atomic_s64_load(&from->monotonic_offset_ns));
	atomic_s64_store(&n->boot_offset_ns, atomic_s64_load(&from->boot_offset_ns));
	return take(n);
}

err_t time_namespace_init(void)
{
	struct time_namespace *n object_auto(time_namespace) = time_namespace_alloc();
	if (!n)
		return -ENOMEM;
	namespace_init(&n->base, NAMESPACE_TIME, user_namespace_initial());
	atomic_u32_store(&n->is_frozen, 1);
	spin_guard(&initial_lock);
	initial = take(n);
	return OK;
}
