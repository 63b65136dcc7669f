// SPDX-License-Identifier: MPL-2.0
// Time namespace: offsets of the monotonic and the boot clock. They may be set (through
// /proc/PID/timens_offsets) until the first process enters. source: time_namespaces(7)
#pragma once
#include <core/atomic.h>
#include <services/cred/namespace.h>

struct time_namespace {
	struct namespace base;
	struct atomic_s64 monotonic_offset_ns, boot_offset_ns;
	struct atomic_u32 is_frozen;	// a process has entered
};
DECLARE_OBJECT(time_namespace)
struct time_namespace *time_namespace_initial(void);
struct time_namespace *time_namespace_from(struct namespace *n);
struct time_namespace *time_namespace_copy(struct time_namespace *from, struct user_namespace *owner) owned;
err_t time_namespace_init(void);
