// SPDX-License-Identifier: MPL-2.0
// Credentials: an immutable object; changing one's identity means installing a new one
// (source: credentials(7), capabilities(7)). Threads, open files and requests hold references.
#pragma once
#include <services/cred/capability.h>
#include <services/cred/user_account.h>
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
	struct user_account *account;	// reference: of the real uid; never NULL
	// References: of services/keys, or NULL.
	struct object *domain;	// what it has given up (services/security/landlock), or NULL; likewise
	struct object *session_keyring, *process_keyring, *thread_keyring;
	u32 wants_thread_keyring;	// its maker had one: made when it is looked for
	u32 request_keyring;	// where request_key() puts what is made: KEYCTL_SET_REQKEY_KEYRING
};
DECLARE_OBJECT(cred)
err_t cred_init(void);					// after user_namespace_init()
struct cred *cred_initial(void);			// root with everything; borrowed
// A copy that the caller may change until it is shared. NULL without memory.
struct cred *cred_copy(const struct cred *from borrowed) owned;
// Those that a new process (its thread's) or a new program (both) does not inherit. source: keyrings(7)
void cred_drop_thread_keyring(struct cred *c borrowed);
void cred_drop_process_keyring(struct cred *c borrowed);
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
// Is the domain of `inner` that of `outer`, or one within it? By the service that keeps domains, which registers
// itself.
bool cred_domain_covers(const struct cred *outer borrowed, const struct cred *inner borrowed);
void cred_set_domain_hook(bool (*covers)(struct object *outer, struct object *inner));
// Towards c's own namespace.
bool cred_capable(const struct cred *c borrowed, u32 capability);

// The current thread's credentials (borrowed, stable for the length of a system call); the initial ones
// in kernel threads. Known through the process service, which registers itself.
struct cred *cred_current(void);
struct cred_current_ops {
	struct cred *(*current)(void);	// NULL: a kernel thread
};
void cred_set_current_ops(const struct cred_current_ops *ops);

// The account follows a changed real uid. -ENOMEM
err_t cred_update_account(struct cred *c borrowed);

// --- changing identity (services/cred/identity.c): `c` is a private copy, `old` the one it was made from
// and whose capabilities count. Ids are kernel ids; ID_INVALID = leave unchanged (setresuid -1).
#define SECUREBIT_NOROOT 1u
#define SECUREBIT_NO_SETUID_FIXUP 4u
#define SECUREBIT_KEEP_CAPS 16u
#define SECUREBIT_KEEP_CAPS_LOCKED 32u
#define SECUREBIT_NO_CAP_AMBIENT_RAISE 64u
err_t cred_set_uid(struct cred *c borrowed, const struct cred *old borrowed, u32 uid);
err_t cred_set_reuid(struct cred *c borrowed, const struct cred *old borrowed, u32 ruid, u32 euid);
err_t cred_set_resuid(struct cred *c borrowed, const struct cred *old borrowed, u32 ruid, u32 euid, u32 suid);
err_t cred_set_gid(struct cred *c borrowed, const struct cred *old borrowed, u32 gid);
err_t cred_set_regid(struct cred *c borrowed, const struct cred *old borrowed, u32 rgid, u32 egid);
err_t cred_set_resgid(struct cred *c borrowed, const struct cred *old borrowed, u32 rgid, u32 egid, u32 sgid);
// False: not permitted, nothing changed.
bool cred_set_fsuid(struct cred *c borrowed, const struct cred *old borrowed, u32 uid);
bool cred_set_fsgid(struct cred *c borrowed, const struct cred *old borrowed, u32 gid);
// Without CAP_SETGID, before gid_map is written, or where setgroups is denied: false (setgroups(2)).
bool cred_may_set_groups(const struct cred *c borrowed);
// capset(2). -EPERM
struct capability_sets {
	u64 permitted, effective, inheritable;
};
err_t cred_set_capabilities(
	struct cred *c borrowed, const struct cred *old borrowed, const struct capability_sets *sets borrowed);
err_t cred_drop_bounding(struct cred *c borrowed, u32 capability);
err_t cred_set_securebits(struct cred *c borrowed, const struct cred *old borrowed, u32 bits);
// A new user namespace: all capabilities in it, none elsewhere.
void cred_enter_user_namespace(struct cred *c borrowed, struct user_namespace *ns consumes);

// execve's transition. Set-id bits as kernel ids, ID_INVALID: none (already filtered by nosuid mounts,
// unmapped ids and no_new_privileges). File capabilities as read from the file's attribute.
struct exec_identity {
	u32 set_uid, set_gid;
	u32 has_file_capabilities, file_effective;
	u64 file_permitted, file_inheritable;
	u32 is_secure;		// out: AT_SECURE
};
// -EPERM: the file's capabilities cannot all be had.
err_t cred_exec(struct cred *c borrowed, const struct cred *old borrowed, struct exec_identity *identity borrowed);
// Takes back what cred_exec has added: under no_new_privileges, or for a tracer who could not have it.
enum cred_restraint { CRED_NO_NEW_PRIVILEGES, CRED_TRACED };
void cred_exec_restrain(struct cred *c borrowed, const struct cred *old borrowed, enum cred_restraint why);
