// SPDX-License-Identifier: MPL-2.0
// Readiness: how poll, select, epoll and io_uring ask a file. A file's poll operation names the wait
// queues on which a change will be announced (poll_add) and then reports the present state.
#pragma once
#include <core/wait.h>

#define POLL_IN 0x001u
#define POLL_PRIORITY 0x002u
#define POLL_OUT 0x004u
#define POLL_ERROR 0x008u
#define POLL_HANGUP 0x010u
#define POLL_INVALID 0x020u
#define POLL_READ_NORMAL 0x040u
#define POLL_READ_BAND 0x080u
#define POLL_WRITE_NORMAL 0x100u
#define POLL_WRITE_BAND 0x200u
#define POLL_READ_HANGUP 0x2000u
// In a wake-up only: waiters are to look again, but it is no event of which signals tell (O_ASYNC). ~0u has it.
#define POLL_QUIET 0x4000u

// Who asks: base type; `add` is called once for each queue, may allocate, must not sleep on it.
struct poll_request {
	struct object object;
	void (*add)(struct poll_request *r, struct wait_queue *q borrowed); // immutable
};
DECLARE_OBJECT(poll_request)
// r may be NULL: only the state is wanted. The queue must live as long as the polled file.
static inline void poll_add(struct poll_request *r, struct wait_queue *q borrowed)
{
	if (r)
		r->add(r, q);
}
