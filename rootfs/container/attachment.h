// SPDX-License-Identifier: MPL-2.0
// Those who look at a running container: who started it in the foreground, and each `keel attach`. Keel lends its
// standard descriptors and keeps one end of a lifeline, a pair of packet sockets, whose other end comes along:
//
//   keel writes "keys BYTES" (which keys detach; none before), "resize"; its end closes when keel has died
//   the supervisor writes "detached" after the keys, "refused" where there are too many already
#pragma once

#include <poll.h>
#include <stddef.h>

#include "detach_keys.h"
#include "log.h"

#define LIFELINE_KEYS "keys "
#define LIFELINE_RESIZE "resize"
#define LIFELINE_DETACHED "detached"
#define LIFELINE_REFUSED "refused"

enum { ATTACHMENTS_MAX = 8, ATTACHMENT_CHUNK = 4096, LIFELINE_PACKET_MAX = 64 };

enum { SUPERVISE_CLIENT_FDS = 4 };

// What a client lends; -1 each for what there is not.
struct supervise_client {
	int input, output, error, lifeline;
};

struct attachment {
	struct supervise_client client;
	struct detach_keys keys;
};

struct attachments {
	struct attachment all[ATTACHMENTS_MAX];
	size_t count;
	int terminal;		// the master of the container's terminal, or -1
};

// Takes the client's descriptors, or closes them where there are too many clients.
void attachments_add(struct attachments *set, const struct supervise_client *client);

// Output of the container to all of them. One that went away is forgotten; the container does not notice.
void attachments_write(struct attachments *set, enum log_stream stream, const char *bytes, size_t length);

// Two entries of poll(2) each; input is looked at only where `wants_input`. => how many entries
enum { ATTACHMENT_POLLED = 2 };
size_t attachments_prepare(const struct attachments *set, int wants_input, struct pollfd *polled);

// What poll(2) has found: lifelines first. Typed bytes, of one client, come in `input`, room for ATTACHMENT_CHUNK +
// DETACH_KEYS_MAX; `*ended` is set when the last client's input has reached its end. => how many bytes
size_t attachments_serve(struct attachments *set, const struct pollfd *polled, char *input, int *ended);

// No client's input is wanted any more.
void attachments_close_input(struct attachments *set);
