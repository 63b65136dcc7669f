// SPDX-License-Identifier: MPL-2.0
// The supervisor of a container as a process: this program run once more, by clone and execve, so that it costs
// the same whatever init remembers, and holds nothing of it: neither its memory nor its descriptors.
#pragma once

#include <sys/types.h>

#include "../../container/supervise.h"
#include "../../lib/fault.h"
#include "../../lib/unit/unit.h"

// The argument that tells init's program to be a supervisor.
#define SUPERVISOR_WORD "--supervise"

struct spawned {
	pid_t pid;
	int channel;		// packets of supervise.h; non-blocking use only
};

// Once, before init opens anything: keeps the descriptors that a supervisor is to have. => -1 with errno, and then no
// supervisor starts
int supervisor_spawn_prepare(void);

// Starts a supervisor for a unit, whose container has this id, on behalf of a client.
// => a negative errno and a sentence
int supervisor_spawn(const struct unit *unit, const char *id, const struct supervise_client *client,
		     struct spawned *spawned, struct fault *fault);

// What the new process does.
_Noreturn void supervisor_main(void);
