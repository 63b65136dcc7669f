// SPDX-License-Identifier: MPL-2.0
// The control groups of containers: /sys/fs/cgroup/keel/NAME, one each; the runtime makes them.
// Names are unit names and thus safe in paths.
#pragma once

#include <sys/types.h>

#include "../lib/fault.h"
#include "../lib/unit/unit.h"

#define CGROUP_ROOT "/sys/fs/cgroup"
#define CGROUP_CONTAINERS CGROUP_ROOT "/keel"

// Makes the group of containers below the root and hands every controller there is down to it.
// init calls it once, after having left the root group.
int cgroup_prepare(struct fault *fault);

// Kills everything in the group; returns at once, the dead are reaped by their parents.
void cgroup_kill(const char *name);

// Stops every process of the group (returns when all stand, or after a fifth of a second if one of them cannot yet), or
// lets them go on. => a negative errno
enum cgroup_motion { CGROUP_FROZEN, CGROUP_THAWED };
int cgroup_freeze(const char *name, enum cgroup_motion motion);

// How often the kernel killed a process of the group because memory ran out; 0 if unknown.
unsigned long cgroup_oom_kills(const char *name);
