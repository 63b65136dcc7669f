// SPDX-License-Identifier: MPL-2.0
// Mount options of cgroup2, which hold for the whole hierarchy. source: cgroups(7), the kernel's cgroup-v2.rst
#pragma once
#include <core/atomic.h>

enum cgroup_option {
	CGROUP_OPTION_NSDELEGATE = 1,		// the root of a cgroup namespace is a boundary for those inside
	CGROUP_OPTION_LOCAL_EVENTS = 2,		// memory.events counts events of the group alone
	CGROUP_OPTION_RECURSIVE_PROTECTION = 4	// what children do not claim of memory.min and low is shared by them
};
extern struct atomic_u32 cgroup_options;
static inline bool cgroup_has_option(enum cgroup_option o) { return atomic_u32_load_relaxed(&cgroup_options) & o; }
