// SPDX-License-Identifier: MPL-2.0
// What all namespaces share: a kind, a number (the inode shown in /proc/PID/ns), an owner.
// Each kind derives its own type: user (services/cred), uts, ipc, time (services/namespace),
// mount (services/vfs), pid (services/process), cgroup (services/cgroup), net (services/net/device).
#pragma once
#include <core/object.h>
#include <core/span.h>

enum namespace_kind {
	NAMESPACE_USER, NAMESPACE_MOUNT, NAMESPACE_UTS, NAMESPACE_IPC, NAMESPACE_PID, NAMESPACE_NET,
	NAMESPACE_CGROUP, NAMESPACE_TIME, NAMESPACE_KIND_COUNT
};
struct user_namespace;
struct namespace_count;
struct namespace {
	struct object object;
	enum namespace_kind kind;	// immutable after creation
	u64 number;			// immutable after creation; from namespace_number_allocate()
	struct user_namespace *owner;	// reference; NULL for the initial user namespace; immutable
	struct namespace_count *count;	// owned: what it counts as (namespace_limit.h); NULL: as nothing; set once
};
DECLARE_OBJECT(namespace)
// Fills the base; takes its own reference on owner. The initial ones get Linux's fixed numbers.
void namespace_init(struct namespace *n borrowed, enum namespace_kind kind, struct user_namespace *owner);
void namespace_fini(struct namespace *n borrowed);
// Writes "mnt", "uts", ... to out; the length. The CLONE_NEW* bit.
usize namespace_kind_name(enum namespace_kind kind, span_t out);
u32 namespace_kind_flag(enum namespace_kind kind);

// The namespaces a thread lives in, except its user namespace (that is in its cred). Immutable;
// unshare and setns make a new set. `slot[NAMESPACE_USER]` is NULL.
struct namespace_set {
	struct object object;
	struct namespace *slot[NAMESPACE_KIND_COUNT];
	struct namespace *pid_for_children;	// may differ after unshare(CLONE_NEWPID)
	struct namespace *time_for_children;
};
DECLARE_OBJECT(namespace_set)
// A copy with own references; the caller replaces slots through namespace_set_replace() before
// anybody else sees it. NULL without memory.
struct namespace_set *namespace_set_copy(const struct namespace_set *from borrowed) owned;
struct namespace_set *namespace_set_create(void) owned;
void namespace_set_replace(struct namespace_set *s borrowed, enum namespace_kind kind, struct namespace *n consumes);
// The namespace that children will be in: NAMESPACE_PID or NAMESPACE_TIME.
void namespace_set_replace_for_children(
	struct namespace_set *s borrowed, enum namespace_kind kind, struct namespace *n consumes);
