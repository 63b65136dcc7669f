// SPDX-License-Identifier: MPL-2.0
// User namespaces: id maps. Inside the kernel every uid and gid is a `kuid`/`kgid`: the number in the
// initial namespace; it is translated only where a user gives or sees one. source: user_namespaces(7)
#pragma once
#include <core/atomic.h>
#include <core/lock.h>
#include <core/text.h>
#include <services/cred/namespace.h>

#define ID_INVALID U32_MAX	// no mapping; shown as the overflow id 65534
#define ID_MAP_EXTENTS_MAX 340
struct id_extent {
	u32 inside, outside_parent, kernel, count;	// first ids of a range
};
struct id_map;			// immutable once written
DECLARE_OBJECT(id_map)
struct user_namespace {
	struct namespace base;
	struct user_namespace *parent;	// reference, NULL for the initial one; immutable
	u32 level;			// immutable
	u32 owner_uid, owner_gid;	// kuid of the creator; immutable
	struct spinlock lock;
	struct id_map *uid_map GUARDED_BY(lock);	// NULL until written, then immutable
	struct id_map *gid_map GUARDED_BY(lock);
	struct object *keys GUARDED_BY(lock);	// of services/keys: reference, set once
	struct atomic_u32 setgroups_denied;
	struct atomic_u32 namespace_limit[NAMESPACE_KIND_COUNT];	// /proc/sys/user
	u32 parent_could_set_file_capabilities;	// immutable
};
DECLARE_OBJECT(user_namespace)
err_t user_namespace_init(void);
struct user_namespace *user_namespace_initial(void);	// borrowed, lives for ever
struct user_namespace *user_namespace_from(struct namespace *n);
// For `creator`, as a child of its namespace. -ENOSPC above 33 levels and at a limit, -EPERM when creator's ids are not
// mapped there, -ENOMEM
struct cred;
err_t user_namespace_create(const struct cred *creator borrowed, struct user_namespace **out borrowed);
// ID_INVALID when not mapped.
u32 user_namespace_uid_in(struct user_namespace *ns borrowed, u32 uid);	// user's number -> kernel
u32 user_namespace_gid_in(struct user_namespace *ns borrowed, u32 gid);
u32 user_namespace_uid_out(struct user_namespace *ns borrowed, u32 kuid);	// kernel -> user's number
u32 user_namespace_gid_out(struct user_namespace *ns borrowed, u32 kgid);
// The same with unmapped ids shown as 65534.
u32 user_namespace_uid_show(struct user_namespace *ns borrowed, u32 kuid);
u32 user_namespace_gid_show(struct user_namespace *ns borrowed, u32 kgid);
bool user_namespace_is_ancestor(
	const struct user_namespace *ancestor borrowed, const struct user_namespace *ns borrowed);
// uid_map/gid_map/setgroups files: `text` as written; `writer` is the writing thread's cred.
enum id_map_kind { ID_MAP_UID, ID_MAP_GID };
err_t user_namespace_write_map(
	struct user_namespace *ns, enum id_map_kind kind, bytes_t text, const struct cred *writer borrowed);
// The file's text, numbers outside as `viewer` sees them.
void user_namespace_show_map(
	struct user_namespace *ns, enum id_map_kind kind, struct user_namespace *viewer, struct text *out borrowed);
// /proc/PID/setgroups. -EPERM once gid_map is written (deny) or after a deny (allow); the caller has
// checked CAP_SYS_ADMIN in ns.
enum setgroups_policy { SETGROUPS_ALLOW, SETGROUPS_DENY };
err_t user_namespace_set_setgroups(struct user_namespace *ns, enum setgroups_policy policy);
// gid_map is written and setgroups(2) is not denied.
bool user_namespace_may_set_groups(struct user_namespace *ns borrowed);
