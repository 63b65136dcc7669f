// SPDX-License-Identifier: MPL-2.0
// The last step into a container: working directory, environment, execve.
#pragma once

#include "../lib/fault.h"
#include "../lib/unit.h"

// Runs `command` with the unit's environment. PATH, HOME, HOSTNAME, TERM and container=keel are set
// unless the unit sets them. Returns only on failure:
// => -ENOENT: no such program; else why it could not be run.
int command_exec(const struct unit *unit, const char *const *command, const char *home,
		 struct fault *fault);
