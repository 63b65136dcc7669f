// SPDX-License-Identifier: MPL-2.0
// Credentials: an immutable object; changing one's identity means installing a new one
// (source: credentials(7), capabilities(7)). Threads, open files and requests hold references.
#pragma once
#include <services/cred/capability.h>
#include <services/cred/user_namespace.h>

struct group_list;	// sorted kgids, immutable
DECLARE_OBJECT(group_list)
struct cred {
	struct object object;
	u32 uid, gid, euid, egid, suid, sgid, fsuid, fsgid;	// kernel ids
	u64 permitted, effective, inheritable, bounding, ambient;	// bit = capability number
	u32 securebits;
	u32 no_new_privileges;
	struct group_list *groups;	// reference, never NULL
	struct user_namespace *user_ns;	// reference
};
DECLARE_OBJECT(cred)
struct cred *cred_initial(void);			// root with everything; borrowed
// A copy that the caller may change until it is shared. NULL without memory.
struct cred *cred_copy(const struct cred *from borrowed) owned;
void cred_set_groups(struct cred *c borrowed, struct group_list *groups consumes);
void cred_set_user_namespace(struct cred *c borrowed, struct user_namespace *ns consumes);
struct group_list *group_list_create(u32 count) owned;		// filled by group_list_set, then sorted
void group_list_set(struct group_list *g borrowed, u32 i, u32 kgid);
void group_list_sort(struct group_list *g borrowed);
u32 group_list_count(const struct group_list *g borrowed);
u32 group_list_at(const struct group_list *g borrowed, u32 i);
bool cred_in_group(const struct cred *c borrowed, u32 kgid);	// fsgid or supplementary
bool cred_in_egroup(const struct cred *c borrowed, u32 kgid);	// egid or supplementary
// Does c have `capability` towards objects of `ns`? (user_namespaces(7): held in ns or an ancestor, or
// owner of ns in its parent)
bool cred_has_capability(const struct cred *c borrowed, const struct user_namespace *ns borrowed, u32 capability);
// Towards c's own namespace.
bool cred_capable(const struct cred *c borrowed, u32 capability);
