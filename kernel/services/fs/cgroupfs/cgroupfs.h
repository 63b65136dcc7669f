// SPDX-License-Identifier: MPL-2.0
// The file system type "cgroup2": the hierarchy of control groups as folders. source: cgroups(7)
#pragma once

void cgroupfs_init(void); // registers the type; after cgroup_init()
