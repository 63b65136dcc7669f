// SPDX-License-Identifier: MPL-2.0
// The words of cpuset.cpus.partition. source: the kernel's cgroup-v2.rst
#pragma once

// What a group wants to be, and why it is not.
enum cgroup_partition { CGROUP_PARTITION_MEMBER, CGROUP_PARTITION_ROOT, CGROUP_PARTITION_ISOLATED };
enum cgroup_partition_error { CGROUP_PARTITION_VALID, CGROUP_PARTITION_EMPTY, CGROUP_PARTITION_NOT_EXCLUSIVE,
	CGROUP_PARTITION_NO_PARENT, CGROUP_PARTITION_PARENT_INVALID, CGROUP_PARTITION_FOREIGN,
	CGROUP_PARTITION_NO_CPUS };
