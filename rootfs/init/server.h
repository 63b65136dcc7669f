// SPDX-License-Identifier: MPL-2.0
// The control socket: answers keel (control/control.h) about the containers of container.h.
#pragma once

#include <poll.h>
#include <stddef.h>

enum { SERVER_CLIENTS_MAX = 32 };

// Opens the socket. Without it init goes on, but keel cannot reach it.
void server_open(void);

// Closes it for good: its file keeps /run busy.
void server_close(void);

// The main loop's part.
size_t server_poll_fds(struct pollfd *polled, size_t max);
void server_heard(const struct pollfd *polled, size_t count);
