// SPDX-License-Identifier: MPL-2.0
// A user namespace is a node of a tree; its two maps translate between its numbers and the kernel's.
// A map is an immutable object installed once, so translation takes the lock only to read a pointer.
#include <services/cred/cred.h>
#include <services/cred/id_map.h>
#include <services/cred/namespace_limit.h>

#define LEVELS_MAX 32u
#define OVERFLOW_ID 65534u

static void user_namespace_release(struct user_namespace *ns) exclusive_access
{
	if (ns->keys)
		object_put(take(ns->keys));
	if (ns->uid_map)
		id_map_put(take(ns->uid_map));
	if (ns->gid_map)
		id_map_put(take(ns->gid_map));
	if (ns->parent)
		user_namespace_put(take(ns->parent));
	namespace_fini(&ns->base);
}
DEFINE_DERIVED_SHARED(user_namespace, namespace, user_namespace_release)

static struct spinlock initial_lock = SPINLOCK_INIT(RANK_CRED);
static struct user_namespace *initial GUARDED_BY(initial_lock);

struct user_namespace *user_namespace_initial(void)
{
	spin_guard(&initial_lock);
	return initial;
}

struct user_namespace *user_namespace_from(struct namespace *n)
{
	return user_namespace_from_namespace(n);
}

static void install_map(struct user_namespace *ns, enum id_map_kind kind, struct id_map *map consumes)
{
	spin_guard(&ns->lock);
	if (kind == ID_MAP_UID)
		ns->uid_map = map;
	else
		ns->gid_map = map;
}

static void limits_set(struct user_namespace *ns, u32 limit)
{
	for (u32 i = 0; i < NAMESPACE_KIND_COUNT; i++)
		atomic_u32_store(array_ptr(ns->namespace_limit, i), limit);
}

err_t user_namespace_init(void)
{
	struct user_namespace *ns object_auto(user_namespace) = user_namespace_alloc();
	struct id_map *uids object_auto(id_map) = id_map_identity();
	struct id_map *gids object_auto(id_map) = id_map_identity();
	if (!ns || !uids || !gids)
		return -ENOMEM;
	namespace_init(&ns->base, NAMESPACE_USER, NULL);
	limits_set(ns, namespace_limit_initial());
	spin_init(&ns->lock, RANK_CRED);
	ns->parent_could_set_file_capabilities = 1;
	install_map(ns, ID_MAP_UID, take(uids));
	install_map(ns, ID_MAP_GID, take(gids));
	spin_guard(&initial_lock);
	initial = take(ns);
	return OK;
}

err_t user_namespace_create(const struct cred *creator borrowed, struct user_namespace **out borrowed)
{
	struct user_namespace *parent = creator->user_ns;
	if (parent->level > LEVELS_MAX)
		return -ENOSPC;
	if (user_namespace_uid_out(parent, creator->euid) == ID_INVALID ||
	    user_namespace_gid_out(parent, creator->egid) == ID_INVALID)
		return -EPERM;
	struct user_namespace *ns object_auto(user_namespace) = user_namespace_alloc();
	if (!ns)
		return -ENOMEM;
	struct namespace_count *count = NULL;
	const err_t e = namespace_charge(parent, creator->euid, NAMESPACE_USER, &count);
	if (e)
		return e;
	namespace_init(&ns->base, NAMESPACE_USER, parent);
	namespace_keep_count(&ns->base, take(count));
	limits_set(ns, S32_MAX);
	spin_init(&ns->lock, RANK_CRED);
	struct user_namespace *reference object_auto(user_namespace) = user_namespace_get(parent);
	ns->parent = take(reference);
	ns->level = parent->level + 1;
	ns->owner_uid = creator->euid;
	ns->owner_gid = creator->egid;
	ns->parent_could_set_file_capabilities = cred_capable(creator, CAP_SETFCAP);
	atomic_u32_store(&ns->setgroups_denied, atomic_u32_load(&parent->setgroups_denied));
	*out = take(ns);
	return OK;
}

// Borrowed: once installed a map stays until the namespace is released.
static struct id_map *map_of(struct user_namespace *ns borrowed, enum id_map_kind kind)
{
	spin_guard(&ns->lock);
	return kind == ID_MAP_UID ? ns->uid_map : ns->gid_map;
}

u32 user_namespace_uid_in(struct user_namespace *ns borrowed, u32 uid)
{
	return id_map_in(map_of(ns, ID_MAP_UID), uid);
}
u32 user_namespace_gid_in(struct user_namespace *ns borrowed, u32 gid)
{
	return id_map_in(map_of(ns, ID_MAP_GID), gid);
}
u32 user_namespace_uid_out(struct user_namespace *ns borrowed, u32 kuid)
{
	return id_map_out(map_of(ns, ID_MAP_UID), kuid);
}
u32 user_namespace_gid_out(struct user_namespace *ns borrowed, u32 kgid)
{
	return id_map_out(map_of(ns, ID_MAP_GID), kgid);
}
u32 user_namespace_uid_show(struct user_namespace *ns borrowed, u32 kuid)
{
	u32 id = user_namespace_uid_out(ns, kuid);
	return id == ID_INVALID ? OVERFLOW_ID : id;
}
u32 user_namespace_gid_show(struct user_namespace *ns borrowed, u32 kgid)
{
	u32 id = user_namespace_gid_out(ns, kgid);
	return id == ID_INVALID ? OVERFLOW_ID : id;
}

bool user_namespace_is_ancestor(
	const struct user_namespace *ancestor borrowed, const struct user_namespace *ns borrowed)
{
	if (ns == ancestor)
		return true;
	for (const struct user_namespace *at = ns->parent; at; at = at->parent)
		if (at == ancestor)
			return true;
	return false;
}

// May `writer` install this map? source: user_namespaces(7), "Defining user and group ID mappings"
static bool map_is_permitted(struct user_namespace *ns, enum id_map_kind kind, const struct id_map *map borrowed,
			     const struct cred *writer borrowed)
{
	if (kind == ID_MAP_UID && id_map_outside_has(map, 0)) {
		bool may = writer->user_ns == ns ? ns->parent_could_set_file_capabilities
						 : cred_has_capability(writer, ns->parent, CAP_SETFCAP);
		if (!may)
			return false;
	}
	if (id_map_is_single(map) && writer->euid == ns->owner_uid) {
		u32 kernel = id_map_first_kernel(map);
		if (kind == ID_MAP_UID && kernel == writer->euid)
			return true;
		if (kind == ID_MAP_GID && kernel == writer->egid && atomic_u32_load(&ns->setgroups_denied))
			return true;
	}
	return cred_has_capability(writer, ns->parent, kind == ID_MAP_UID ? CAP_SETUID : CAP_SETGID);
}

err_t user_namespace_write_map(
	struct user_namespace *ns, enum id_map_kind kind, bytes_t text, const struct cred *writer borrowed)
{
	if (!ns->parent || !cred_has_capability(writer, ns, CAP_SYS_ADMIN))
		return -EPERM;
	if (writer->user_ns != ns && writer->user_ns != ns->parent)
		return -EPERM;
	if (map_of(ns, kind))
		return -EPERM;
	struct id_map *map object_auto(id_map) = NULL;
	err_t err = id_map_parse(text, map_of(ns->parent, kind), &map);
	if (err)
		return err;
	if (!map_is_permitted(ns, kind, map, writer))
		return -EPERM;
	spin_guard(&ns->lock);
	if (kind == ID_MAP_UID ? ns->uid_map : ns->gid_map)
		return -EPERM;
	if (kind == ID_MAP_UID)
		ns->uid_map = take(map);
	else
		ns->gid_map = take(map);
	return OK;
}

void user_namespace_show_map(
	struct user_namespace *ns, enum id_map_kind kind, struct user_namespace *viewer, struct text *out borrowed)
{
	struct user_namespace *outside = viewer == ns && ns->parent ? ns->parent : viewer;
	id_map_show(map_of(ns, kind), map_of(outside, kind), out);
}

err_t user_namespace_set_setgroups(struct user_namespace *ns, enum setgroups_policy policy)
{
	spin_guard(&ns->lock);
	if (policy == SETGROUPS_ALLOW)
		return atomic_u32_load(&ns->setgroups_denied) ? -EPERM : OK;
	if (ns->gid_map)
		return -EPERM;
	atomic_u32_store(&ns->setgroups_denied, 1);
	return OK;
}

bool user_namespace_may_set_groups(struct user_namespace *ns borrowed)
{
	return map_of(ns, ID_MAP_GID) && !atomic_u32_load(&ns->setgroups_denied);
}
