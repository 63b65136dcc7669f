// SPDX-License-Identifier: MPL-2.0
// Cgroup namespaces: the group that a process sees as the root. source: cgroup_namespaces(7)
#pragma once
#include <core/text.h>
#include <services/cgroup/cgroup.h>
#include <services/cred/namespace.h>

struct cgroup_namespace {
	struct namespace base;
	struct cgroup *root;	// reference; immutable
};
DECLARE_OBJECT(cgroup_namespace)
struct cgroup_namespace *cgroup_namespace_initial(void);	// borrowed
struct cgroup_namespace *cgroup_namespace_from(struct namespace *n);	// traps for another kind
// unshare(CLONE_NEWCGROUP): its root is the caller's group. NULL without memory.
struct cgroup_namespace *cgroup_namespace_create(struct cgroup *root, struct user_namespace *owner) owned;
// Path of g as seen from ns: "/", "/a/b", or "/../x" for what is outside.
void cgroup_path(struct cgroup *g, const struct cgroup_namespace *ns borrowed, struct text *out borrowed);
// /proc/PID/cgroup: "0::PATH\n" (" (deleted)" after the path of a removed group).
void cgroup_show(struct cgroup *g, const struct cgroup_namespace *ns borrowed, struct text *out borrowed);
