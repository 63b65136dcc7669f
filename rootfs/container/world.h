// SPDX-License-Identifier: MPL-2.0
// What a container sees: its root, its /proc, /dev and /sys, its mounts and its name.
#pragma once

#include "../lib/fault.h"
#include "../lib/unit.h"

// Where the small init for inside containers lies on the host, and where a container finds it.
#define WORLD_INIT_SOURCE "/usr/lib/keel/keel-init"
#define WORLD_INIT_TARGET "/dev/init"

// Turns the calling process's fresh mount, network and host-name namespaces into the unit's world.
// On return "/" is the container's root and the host's files are out of reach.
// => a negative errno and a sentence; the caller must then exit, its namespaces are half built.
int world_enter(const struct unit *unit, struct fault *fault);

// The last step, once nothing is left to be created: makes a read-only root read-only.
int world_seal(const struct unit *unit, struct fault *fault);
