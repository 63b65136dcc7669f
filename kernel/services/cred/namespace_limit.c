// SPDX-License-Identifier: MPL-2.0
// A count belongs to a user in a user namespace; the one above it is the count under which that user namespace itself
// was made. Counts are found through a table that holds no reference; each holds its user namespace.
#include <core/lock.h>
#include <core/memory.h>
#include <services/cred/namespace_limit.h>
#include <services/cred/user_namespace.h>

struct namespace_count {
	struct object object;
	struct list_link link;			// guarded by the table's lock
	struct user_namespace *ns;		// reference; immutable
	u32 uid;				// immutable
	struct atomic_u32 used[NAMESPACE_KIND_COUNT];
};
DEFINE_LIST(namespace_count_list, namespace_count, link)
#define BUCKETS 64u
static struct spinlock count_table_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct namespace_count_list count_buckets[BUCKETS] GUARDED_BY(count_table_lock);

static exclusive_access void namespace_count_release(struct namespace_count *c)
{
	{
		spin_guard(&count_table_lock);
		struct namespace_count_list *list = array_ptr(count_buckets, c->uid % BUCKETS);
		if (namespace_count_list_has(list, c))
			namespace_count_list_remove(list, c);
	}
	if (c->ns)
		user_namespace_put(take(c->ns));
}
DEFINE_OBJECT(namespace_count, namespace_count_release)

// One that is being released stays in the list until its release callback has the lock: pass it by.
static struct namespace_count *count_find(struct user_namespace *ns, u32 uid) owned REQUIRES(count_table_lock);
static struct namespace_count *count_find(struct user_namespace *ns, u32 uid)
{
	list_for_each(namespace_count_list, c, array_ptr(count_buckets, uid % BUCKETS)) {
		if (c->uid != uid || c->ns != ns)
			continue;
		struct namespace_count *living object_auto(namespace_count) = namespace_count_try_get(c);
		if (living)
			return take(living);
	}
	return NULL;
}

static struct namespace_count *count_of(struct user_namespace *ns, u32 uid) owned;
static struct namespace_count *count_of(struct user_namespace *ns, u32 uid)
{
	struct namespace_count *made object_auto(namespace_count) = namespace_count_alloc();
	if (!made)
		return NULL;
	struct user_namespace *reference object_auto(user_namespace) = user_namespace_get(ns);
	made->ns = take(reference);
	made->uid = uid;
	struct namespace_count *known object_auto(namespace_count) = NULL;
	spin_guard(&count_table_lock);
	known = count_find(ns, uid);
	if (known)
		return take(known);
	namespace_count_list_push(array_ptr(count_buckets, uid % BUCKETS), made);
	return take(made);
}

static bool count_add(struct namespace_count *c, enum namespace_kind kind)
{
	for (;;) {
		const u32 used = atomic_u32_load(array_ptr(c->used, kind));
		if (used >= atomic_u32_load(array_ptr(c->ns->namespace_limit, kind)))
			return false;
		if (atomic_u32_compare_exchange(array_ptr(c->used, kind), used, used + 1))
			return true;
	}
}

// Takes back what was added to c and those above it, up to `end`.
static void counts_sub(struct namespace_count *c, struct namespace_count *end, enum namespace_kind kind)
{
	for (; c && c != end; c = c->ns->base.count)
		atomic_u32_sub(array_ptr(c->used, kind), 1);
}

err_t namespace_charge(
	struct user_namespace *owner, u32 uid, enum namespace_kind kind, struct namespace_count **out borrowed)
{
	struct namespace_count *first object_auto(namespace_count) = count_of(owner, uid);
	if (!first)
		return -ENOMEM;
	for (struct namespace_count *c = first; c; c = c->ns->base.count) {
		if (count_add(c, kind))
			continue;
		counts_sub(first, c, kind);
		return -ENOSPC;
	}
	*out = take(first);
	return OK;
}

void namespace_uncharge(struct namespace_count *c consumes, enum namespace_kind kind)
{
	struct namespace_count *first object_auto(namespace_count) = c;
	counts_sub(first, NULL, kind);
}

void namespace_count_drop(struct namespace_count **c borrowed, enum namespace_kind kind)
{
	if (*c)
		namespace_uncharge(take(*c), kind);
}

void namespace_keep_count(struct namespace *n borrowed, struct namespace_count *c consumes)
{
	n->count = c;
}

// Half the threads that memory has room for, counted as Linux does: an eighth of it for stacks of 16 KiB.
#define PAGES_A_NAMESPACE 64u
#define LIMIT_LEAST 1024u
u32 namespace_limit_initial(void)
{
	return (u32)min(max(memory_read_totals().total_pages / PAGES_A_NAMESPACE, (u64)LIMIT_LEAST), (u64)S32_MAX);
}
