// SPDX-License-Identifier: MPL-2.0
// Which devices the processes of a group may make and open. Without rules: all. Who decides registers itself
// (services/bpf); the vfs asks. source: cgroups(7), Linux's cgroup-v2 documentation "Device controller"
#pragma once
#include <core/once.h>
#include <services/cgroup/cgroup.h>

enum cgroup_device_kind { CGROUP_DEVICE_BLOCK = 1, CGROUP_DEVICE_CHAR = 2 };
enum cgroup_device_access { CGROUP_DEVICE_MAKE = 1, CGROUP_DEVICE_READ = 2, CGROUP_DEVICE_WRITE = 4 };

// May the current task do `access` (a set) to the device? -EPERM. => may sleep
err_t cgroup_check_device(enum cgroup_device_kind kind, u64 number, u32 access);

struct cgroup_device_ops {
	bool (*allows)(struct cgroup *g, enum cgroup_device_kind kind, u64 number, u32 access);
};
void cgroup_set_device_ops(const struct cgroup_device_ops *ops);
// Groups with rules, in all: while there are none nobody is asked.
void cgroup_device_rules_came(void);
void cgroup_device_rules_went(void);
