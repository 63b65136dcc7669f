// SPDX-License-Identifier: MPL-2.0
// A container in the foreground. Keel lends its own standard descriptors to the container's supervisor: bytes never
// pass through keel. It only waits, passes signals on, and keeps the terminal raw meanwhile.
#pragma once

#include <signal.h>

#include "../../container/detach_keys.h"
#include "../../lib/unit/unit.h"

struct foreground {
	int control;		// to init
	int lifeline;		// to the supervisor (container/attachment.h)
	sigset_t asleep;	// the signals blocked while it waits
};

// Sends the request with the descriptors. => 0, or a status after a complaint; foreground_end() in any case
int foreground_begin(struct foreground *foreground, const struct unit *unit, const struct detach_keys *keys,
		     const char *request);

// Waits for the container to have started. => 0, or the status to end with
int foreground_start(struct foreground *foreground);

// Waits for its end, or for the keys that detach. => the status to end with
int foreground_wait(struct foreground *foreground, const char *name);

void foreground_end(struct foreground *foreground);

// --detach-keys of several commands, for getopt_long(3).
enum { FOREGROUND_KEYS = 1000 };
#define FOREGROUND_KEYS_OPTION {"detach-keys", required_argument, NULL, FOREGROUND_KEYS}
int foreground_read_keys(struct detach_keys *keys, const char *text);
