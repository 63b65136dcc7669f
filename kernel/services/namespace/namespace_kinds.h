// SPDX-License-Identifier: MPL-2.0
// How each kind of namespace is copied and entered; registered by its owner at start-up, used by clone,
// unshare and setns. A kind that nobody registered cannot be made (-EINVAL).
#pragma once
#include <services/cred/namespace.h>

struct fs_context;
struct namespace_kind_ops {
	// A new namespace, owned by `owner`, with what `from` hands down. `fs` is the private root and working
	// folder of who will live in it (mount namespaces move it).
	err_t (*copy)(struct namespace *from, struct user_namespace *owner, struct fs_context *fs,
		struct namespace **out borrowed);
	// setns: beyond the generic permission check. May be NULL. `fs` as above.
	err_t (*enter)(struct namespace *n, struct fs_context *fs);
	// The one that the first process is in. May be NULL where that process knows it.
	struct namespace *(*initial)(void);
};
void namespace_kind_register(enum namespace_kind kind, const struct namespace_kind_ops *ops);
// -EINVAL when the kind is not registered.
err_t namespace_copy(
	struct namespace *from, struct user_namespace *owner, struct fs_context *fs, struct namespace **out borrowed);
// Borrowed; NULL when nobody has registered the kind.
struct namespace *namespace_initial(enum namespace_kind kind);
err_t namespace_enter(struct namespace *n, struct fs_context *fs);
// Registers uts, ipc and time.
void namespace_kinds_init(void);
