// SPDX-License-Identifier: MPL-2.0
// Between keel's own terminal and that of a process which the runtime starts in a container.
#pragma once

#include <sys/types.h>

#include "../../container/detach_keys.h"

enum relay_input { RELAY_NO_INPUT, RELAY_INPUT };
enum relay_end {
	RELAY_ENDED,		// the runtime has ended, and is to be waited for
	RELAY_DETACHED,		// the keys were typed: it goes on, and another process keeps the terminal for it
};

struct relay {
	int listener;		// of console_listen()
	pid_t runtime;
	enum relay_input input;
	struct detach_keys keys;
};

// To be called before the runtime starts, so that its end is not missed.
void relay_prepare(void);

// Until one of both: bytes both ways, and the size of the window.
enum relay_end relay_run(struct relay *relay);
