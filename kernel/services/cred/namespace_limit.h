// SPDX-License-Identifier: MPL-2.0
// How many namespaces a user may have: each user namespace has a limit a kind, which counts what its users made in it
// and in all below it. source: namespaces(7), "The /proc/sys/user directory"
#pragma once
#include <core/atomic.h>
#include <services/cred/namespace.h>

// What one user (kernel uid) made in one user namespace.
struct namespace_count;
DECLARE_OBJECT(namespace_count)
// One more of `kind`, to be owned by `owner`, for the user: -ENOSPC at a limit there or above, -ENOMEM. The count goes
// to namespace_keep_count(), or back by namespace_uncharge().
err_t namespace_charge(
	struct user_namespace *owner, u32 uid, enum namespace_kind kind, struct namespace_count **out borrowed);
void namespace_uncharge(struct namespace_count *c consumes, enum namespace_kind kind);
void namespace_count_drop(struct namespace_count **c borrowed, enum namespace_kind kind);
// The fresh namespace, of that kind, gives it back when it goes.
void namespace_keep_count(struct namespace *n borrowed, struct namespace_count *c consumes);
// The initial user namespace's limits, from the size of memory.
u32 namespace_limit_initial(void);
