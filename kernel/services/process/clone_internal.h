// SPDX-License-Identifier: MPL-2.0
// The parts of clone: checks (clone_check.c), namespaces (clone_namespaces.c), the rest (clone.c).
#pragma once
#include <services/process/clone.h>
#include <services/process/process_internal.h>

err_t clone_check(const struct clone_request *r borrowed);
// The set and credentials of a child or of unshare's caller: with the namespaces of `flags` new, `fs` being
// the private context of who will live there. `into`: whether a new pid or time namespace is entered (a
// child) or kept for children (unshare).
enum namespaces_use { NAMESPACES_FOR_CHILD, NAMESPACES_FOR_UNSHARE };
err_t namespaces_make(u64 flags, enum namespaces_use use, struct cred *cred, struct fs_context *fs, struct namespace_set **out borrowed);
