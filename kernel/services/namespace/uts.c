// SPDX-License-Identifier: MPL-2.0
#include <services/cred/user_namespace.h>
#include <services/namespace/uts.h>

static void uts_namespace_release(struct uts_namespace *u) exclusive_access
{
	namespace_fini(&u->base);
}
DEFINE_DERIVED_SHARED(uts_namespace, namespace, uts_namespace_release)

static struct spinlock initial_lock = SPINLOCK_INIT(RANK_SERVICE_LEAF);
static struct uts_namespace *initial GUARDED_BY(initial_lock);

struct uts_namespace *uts_namespace_initial(void)
{
	spin_guard(&initial_lock);
	return initial;
}

struct uts_namespace *uts_namespace_from(struct namespace *n)
{
	return uts_namespace_from_namespace(n);
}

static struct uts_namespace *uts_create(struct user_namespace *owner) owned;
static struct uts_namespace *uts_create(struct user_namespace *owner)
{
	struct uts_namespace *u object_auto(uts_namespace) = uts_namespace_alloc();
	if (!u)
		return NULL;
	namespace_init(&u->base, NAMESPACE_UTS, owner);
	spin_init(&u->lock, RANK_SERVICE_LEAF);
	return take(u);
}

struct uts_namespace *uts_namespace_copy(struct uts_namespace *from, struct user_namespace *owner)
{
	struct uts_namespace *u object_auto(uts_namespace) = uts_create(owner);
	if (!u)
		return NULL;
	for (u32 which = UTS_HOST_NAME; which <= UTS_DOMAIN_NAME; which++) {
		u8 name[UTS_NAME_MAX];
		usize length = uts_name_get(from, which, array_span(name));
		err_t err = uts_name_set(u, which, bytes_first(array_bytes(name), length));
		(void)err; // a name that was accepted before is not too long
	}
	return take(u);
}

usize uts_name_get(struct uts_namespace *u, enum uts_name which, span_t out)
{
	spin_guard(&u->lock);
	bytes_t name = which == UTS_HOST_NAME ? array_bytes(u->host_name) : array_bytes(u->domain_name);
	return span_copy_some(out, bytes_first(name, bytes_string_len(name)));
}

err_t uts_name_set(struct uts_namespace *u, enum uts_name which, bytes_t name)
{
	if (bytes_len(name) > UTS_NAME_MAX)
		return -EINVAL;
	spin_guard(&u->lock);
	span_t to = which == UTS_HOST_NAME ? array_span(u->host_name) : array_span(u->domain_name);
	span_fill(to, 0);
	span_copy(to, name);
	return OK;
}

err_t uts_init(void)
{
	struct uts_namespace *u object_auto(uts_namespace) = uts_create(user_namespace_initial());
	if (!u)
		return -ENOMEM;
	err_t err = uts_name_set(u, UTS_HOST_NAME, STR("(none)"));
	if (!err)
		err = uts_name_set(u, UTS_DOMAIN_NAME, STR("(none)"));
	if (err)
		return err;
	spin_guard(&initial_lock);
	initial = take(u);
	return OK;
}
