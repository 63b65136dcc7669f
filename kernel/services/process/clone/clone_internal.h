// SPDX-License-Identifier: MPL-2.0
// The parts of clone: checks (clone_check.c), namespaces (clone_namespaces.c), the rest (clone.c).
#pragma once
#include <services/process/clone.h>
#include <services/process/process_internal.h>

err_t clone_check(const struct clone_request *r borrowed);
