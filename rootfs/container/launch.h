// SPDX-License-Identifier: MPL-2.0
// Starts the command of a unit as process 1 of fresh namespaces. This is the engine behind containers,
// and the only interface to it: an OCI runtime can take its place.
#pragma once

#include <sys/types.h>

#include "../lib/fault.h"
#include "../lib/unit.h"

// The descriptors that become the command's 0, 1 and 2. Not used for a unit with UNIT_TERMINAL.
struct launch_stdio {
	int input, output, error;
};

struct launched {
	pid_t pid;	// process 1 of the container, as its parent sees it
	int terminal;	// the master of its terminal, or -1
};

// Starts it; its control group must exist. Returns once the command runs (execve has succeeded).
// => -ENOENT: the command is not there; -EACCES, -ENOEXEC...: it cannot be run; any other negative errno
//    with a sentence. On failure nothing is left behind.
// => the caller is the parent, and must reap the process.
int launch(const struct unit *unit, const struct launch_stdio *stdio, struct launched *launched,
	   struct fault *fault);
