// SPDX-License-Identifier: MPL-2.0
// Starts the command of a unit as process 1 of a container that the OCI runtime makes, and removes what
// is left of it. This is the only place that knows the runtime's way of working.
#pragma once

#include <sys/types.h>

#include "../lib/fault.h"
#include "../lib/unit/unit.h"
#include "runtime.h"

struct launched {
	pid_t pid;	// process 1 of the container, as its parent sees it
	int terminal;	// the master of its terminal, or -1
};

// Starts it with the descriptors of `stdio` (NULL for a unit with UNIT_TERMINAL). Returns once the command
// has been told to run. The caller becomes a subreaper and the parent of process 1, and must reap it.
// => -ENOENT: the command is not there; -EACCES: it cannot be run; any other negative errno with a
//    sentence. On failure nothing is left behind.
// The unit of an image is completed by what the image says. `id` is the container's.
int launch(struct unit *unit, const char *id, const struct runtime_stdio *stdio, struct launched *launched,
	   struct fault *fault);

// Kills what is left of a container and removes its control group, its state and its bundle.
void launch_clean(const char *name);
