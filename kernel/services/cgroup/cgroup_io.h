// SPDX-License-Identifier: MPL-2.0
// The io controller: what a group moves to and from each disk, and how fast it may.
#pragma once
#include <services/cgroup/cgroup.h>

enum cgroup_io_direction { CGROUP_IO_READ, CGROUP_IO_WRITE, CGROUP_IO_DIRECTIONS };
struct cgroup_io_limits {
	u64 bytes[CGROUP_IO_DIRECTIONS];	// a second; CGROUP_MAX: no limit
	u64 requests[CGROUP_IO_DIRECTIONS];	// likewise
};
struct cgroup_io_counts {
	u64 bytes[CGROUP_IO_DIRECTIONS], requests[CGROUP_IO_DIRECTIONS];
};

// A request of g to the disk with this number. When its limits, and those of its ancestors, would let it begin: a
// point in monotonic time, possibly past. Who cannot wait goes on: the debt is the group's (cgroup_io_wait_debt).
u64 cgroup_io_charge(struct cgroup *g, u64 device, enum cgroup_io_direction direction, u64 bytes);
// A writer to files waits until what was written for its group is paid for. => may sleep
void cgroup_io_wait_debt(struct cgroup *g);
