// SPDX-License-Identifier: MPL-2.0
#include <core/lock.h>
#include <services/cred/user_namespace.h>
#include <services/namespace/ipc_namespace.h>
#include <services/namespace/namespace_kinds.h>
#include <services/namespace/time_namespace.h>
#include <services/namespace/uts.h>

static struct spinlock kinds_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static const struct namespace_kind_ops *kinds[NAMESPACE_KIND_COUNT] GUARDED_BY(kinds_lock);

void namespace_kind_register(enum namespace_kind kind, const struct namespace_kind_ops *ops)
{
	spin_guard(&kinds_lock);
	kinds[kind] = ops;
}

static const struct namespace_kind_ops *ops_of(enum namespace_kind kind)
{
	spin_guard(&kinds_lock);
	return kinds[kind];
}

err_t namespace_copy(
	struct namespace *from, struct user_namespace *owner, struct fs_context *fs, struct namespace **out borrowed)
{
	const struct namespace_kind_ops *ops = ops_of(from->kind);
	return ops ? ops->copy(from, owner, fs, out) : -EINVAL;
}

struct namespace *namespace_initial(enum namespace_kind kind)
{
	const struct namespace_kind_ops *ops = ops_of(kind);
	return ops && ops->initial ? ops->initial() : NULL;
}

err_t namespace_enter(struct namespace *n, struct fs_context *fs)
{
	const struct namespace_kind_ops *ops = ops_of(n->kind);
	if (!ops)
		return -EINVAL;
	return ops->enter ? ops->enter(n, fs) : OK;
}

static err_t uts_copy(
	struct namespace *from, struct user_namespace *owner, struct fs_context *fs, struct namespace **out borrowed)
{
	struct uts_namespace *u object_auto(uts_namespace) = uts_namespace_copy(uts_namespace_from(from), owner);
	if (!u)
		return -ENOMEM;
	*out = namespace_get(&u->base);
	return OK;
}

static err_t ipc_copy(
	struct namespace *from, struct user_namespace *owner, struct fs_context *fs, struct namespace **out borrowed)
{
	struct ipc_namespace *n object_auto(ipc_namespace) = ipc_namespace_create(owner);
	if (!n)
		return -ENOMEM;
	*out = namespace_get(&n->base);
	return OK;
}

static err_t time_copy(
	struct namespace *from, struct user_namespace *owner, struct fs_context *fs, struct namespace **out borrowed)
{
	struct time_namespace *n object_auto(time_namespace) = time_namespace_copy(time_namespace_from(from), owner);
	if (!n)
		return -ENOMEM;
	*out = namespace_get(&n->base);
	return OK;
}

static const struct namespace_kind_ops uts_ops = { .copy = uts_copy };
static const struct namespace_kind_ops ipc_ops = { .copy = ipc_copy };
static const struct namespace_kind_ops time_ops = { .copy = time_copy };

void namespace_kinds_init(void)
{
	namespace_kind_register(NAMESPACE_UTS, &uts_ops);
	namespace_kind_register(NAMESPACE_IPC, &ipc_ops);
	namespace_kind_register(NAMESPACE_TIME, &time_ops);
}
