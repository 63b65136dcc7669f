// SPDX-License-Identifier: MPL-2.0
#include <core/lock.h>
#include <core/time.h>
#include <services/cred/user_namespace.h>
#include <services/namespace/time_namespace.h>

static void time_namespace_release(struct time_namespace *n) exclusive_access
{
	if (n->clock_page)
		page_put(take(n->clock_page));
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
	spin_init(&n->lock, RANK_SERVICE_LEAF);
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
	spin_init(&n->lock, RANK_SERVICE_LEAF);
	atomic_u32_store(&n->is_frozen, 1);
	spin_guard(&initial_lock);
	initial = take(n);
	return OK;
}

err_t time_namespace_set_offset(struct time_namespace *const n, enum time_clock which, s64 seconds, u32 nanoseconds)
{
	if (seconds > TIME_NAMESPACE_SECONDS_MAX || seconds < -TIME_NAMESPACE_SECONDS_MAX)
		return -ERANGE;
	const s64 offset = seconds * (s64)NS_PER_SECOND + nanoseconds, now = (s64)clock_monotonic_ns();
	if (now + offset < 0 || now + offset > TIME_NAMESPACE_SECONDS_MAX * (s64)NS_PER_SECOND)
		return -ERANGE;
	spin_guard(&n->lock);
	if (atomic_u32_load(&n->is_frozen))
		return -EACCES;
	atomic_s64_store(which == TIME_CLOCK_BOOT ? &n->boot_offset_ns : &n->monotonic_offset_ns, offset);
	return OK;
}

static struct page *page_known(struct time_namespace *const n) owned;
static struct page *page_known(struct time_namespace *const n)
{
	spin_guard(&n->lock);
	atomic_u32_store(&n->is_frozen, 1);
	return n->clock_page ? page_get(n->clock_page) : NULL;
}

struct page *time_namespace_page(struct time_namespace *const n)
{
	struct page *known page_auto = page_known(n);
	if (known)
		return take(known);
	struct page *fresh page_auto = page_alloc(PAGE_ALLOC_ZERO);
	if (!fresh)
		return NULL;
	span_put_u64le(page_span(fresh), 0, (u64)atomic_s64_load(&n->monotonic_offset_ns));
	span_put_u64le(page_span(fresh), 8, (u64)atomic_s64_load(&n->boot_offset_ns));
	spin_guard(&n->lock);
	if (!n->clock_page)
		n->clock_page = take(fresh);
	return page_get(n->clock_page);
}
