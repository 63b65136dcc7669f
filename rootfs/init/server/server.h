// SPDX-License-Identifier: MPL-2.0
// The control socket: answers keel (control/control.h) about the containers of container.h.
#pragma once

#include "../containers/container.h"

// One connection for each container in the foreground, and some for questions.
enum { SERVER_CLIENTS_MAX = CONTAINERS_MAX + 64 };

// Opens the socket. Without it init goes on, but keel cannot reach it.
void server_open(void);

// Closes it for good: its file keeps /run busy.
void server_close(void);
