// SPDX-License-Identifier: MPL-2.0
// What each verb of the control socket does.
#pragma once

#include <stddef.h>

#include "../containers/container.h"

enum { REQUEST_FDS = SUPERVISE_CLIENT_FDS };

// What a client still waits for after its request was taken.
enum request_await {
	AWAIT_NOTHING,
	AWAIT_STARTED,		// then "ok NAME ID"
	AWAIT_STARTED_ATTACHED,	// then the same, then AWAIT_EXIT
	AWAIT_EXIT,		// then "exit STATUS"
	AWAIT_END,		// then "ok"
};

struct request {
	char *text;			// the frame, zero-terminated; taken apart by request_take()
	size_t length;
	int fds[REQUEST_FDS];		// the client's standard descriptors and its lifeline, or -1 each
};

// Carries out one request.
// => AWAIT_NOTHING: `*reply` (to be freed) is the answer, or NULL for none;
//    else `*awaited` is the container whose change will bring the answer.
enum request_await request_take(struct request *request, struct container **awaited, char **reply);

// The answer for a client that waits, or NULL where it has to go on waiting; `await` moves on.
char *request_progress(const struct container *container, enum request_await *await);
