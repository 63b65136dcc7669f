// SPDX-License-Identifier: MPL-2.0
// One process stands over each container: it launches it, keeps its output, passes signals on, reaps
// it and removes its control group. It is a child of init and talks to it in packets over a socket pair.
#pragma once

#include <stdint.h>

#include "../lib/fault.h"
#include "../lib/unit/unit.h"
#include "attachment.h"

enum supervise_event {
	SUPERVISE_STARTED,	// to init: value = process 1's number
	SUPERVISE_FAILED,	// to init: value = exit status to report, text = why; the supervisor ends
	SUPERVISE_ENDED,	// to init: value = wait status, text = "oom" if memory ran out; it ends
	SUPERVISE_SIGNAL,	// from init: value = signal for the container
	SUPERVISE_STOP,		// from init: the container gets its stop signal
	SUPERVISE_ATTACH,	// from init: value = enum supervise_attach; with a client's four descriptors
};

struct supervise_packet {
	int32_t event;		// enum supervise_event
	int32_t value;
	char text[FAULT_TEXT_SIZE];
};

enum supervise_attach { SUPERVISE_ATTACH_OUTPUT, SUPERVISE_ATTACH_INPUT };

// Runs one container from start to end in the calling process, and exits. The process must own
// nothing else: no other children, no signal handlers. `client` is who started it in the foreground, or all -1.
_Noreturn void supervise(struct unit *unit, const char *id, const struct supervise_client *client,
			 int channel);
