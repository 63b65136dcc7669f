// SPDX-License-Identifier: MPL-2.0
// What happens to containers and images, as lines of JSON in JOURNAL_PATH (and JOURNAL_PATH.1 with what came before),
// with the keys that podman's events have. Init and keel write; `keel events` reads.
#pragma once

#include <stdint.h>

#define JOURNAL_PATH "/run/keel/events"

enum { JOURNAL_BYTES_MAX = 512 * 1024, JOURNAL_NO_CODE = -1 };

struct journal_entry {
	const char *type;	// "container" or "image"
	const char *status;	// "create", "start", "died", ...
	const char *id;		// without "sha256:"
	const char *name;
	const char *image;	// or NULL
	int exit_code;		// or JOURNAL_NO_CODE
	const char *signal;	// or NULL
};

// Appends one. What cannot be written is lost: nothing waits for events.
void journal_write(const struct journal_entry *entry);
