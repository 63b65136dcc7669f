// SPDX-License-Identifier: MPL-2.0
// How keel talks to init: over the AF_UNIX stream socket CONTROL_PATH, in frames of a 4-byte length
// (host order) and that many bytes of text. The first line of a request is a verb and its arguments,
// separated by blanks; what follows the line belongs to the verb. Replies look the same:
//
//   request                               reply
//   list                                  ok\n and one line of tab-separated columns a container
//   run attach|detach\nYAML (+ 4 fds)     ok NAME ID | error STATUS TEXT, then when attached: exit STATUS
//   create\nYAML                          ok NAME ID
//   start NAME [attach (+ 4 fds)]         ok, or as for run
//   pause NAME, unpause NAME              ok
//   stop NAME SECONDS|-                   ok, once it has ended
//   kill NAME SIGNAL                      ok
//   rm NAME keep|force                    ok
//   wait NAME                             exit STATUS, once it has ended
//   inspect NAME                          ok\n, "key: value" lines, an empty line, the unit's YAML
//   attach NAME input|output (+ 4 fds)    exit STATUS, once it has ended
//
// The descriptors are the client's standard ones and its lifeline (../container/attachment.h).
// Every failure is answered by "error STATUS TEXT", STATUS being what keel exits with.
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define CONTROL_FOLDER "/run/keel"
#define CONTROL_PATH CONTROL_FOLDER "/control"

// Where init records what keel made (init/containers/record.h), one file an id. Init does not wait for the disk; who
// wants a container to outlive a power loss syncs its record.
#define CONTROL_RECORDS "/var/data/keel/records"

enum {
	CONTROL_FRAME_MAX = 96 * 1024,		// a request
	CONTROL_REPLY_MAX = 4 * 1024 * 1024,	// a list of very many containers
	CONTROL_STATUS_USAGE = 125,
};

// One container in the reply to `list`, in this order.
enum control_column {
	COLUMN_NAME,
	COLUMN_ID,
	COLUMN_STATE,		// created, starting, running, paused, stopping, waiting, exited
	COLUMN_PID,
	COLUMN_STATUS,		// exit status, or -1
	COLUMN_CREATED_S,	// ages in seconds
	COLUMN_CHANGED_S,	// with three decimals
	COLUMN_RESTARTS,
	COLUMN_ORIGIN,		// unit or run
	COLUMN_IMAGE,
	COLUMN_COMMAND,
	COLUMN_IMAGE_ID,	// "sha256:HEX", or "-"
	CONTROL_COLUMNS,
};

// Blocking ends, for keel. All return 0 or a negative errno.
int control_connect(void);	// => the socket
int control_send(int socket, const char *text, size_t length, const int *fds, size_t fds_count);

// Receives one frame into a fresh, zero-terminated buffer. => -ECONNRESET: the other side closed
int control_receive(int socket, char **text, size_t *length);
