// SPDX-License-Identifier: MPL-2.0
// The socket over which the OCI runtime hands over the master of a terminal that it has made (its --console-socket).
#pragma once

#include "../lib/fault.h"

// => the listener, in `*listener`
int console_listen(const char *path, int *listener, struct fault *fault);

// The master, once the runtime has connected. => -ETIMEDOUT: it does not
int console_take(int listener, int *terminal, struct fault *fault);
