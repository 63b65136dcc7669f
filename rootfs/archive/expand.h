// SPDX-License-Identifier: MPL-2.0
// Expands compressed files: gzip by busybox, zstd by Debian's zstd. Each runs as an ordinary user without rights, so
// that a file that breaks one of them gains nothing.
#pragma once

#include <sys/types.h>

#include "../lib/fault.h"

struct expansion {
	int fd;		// read the plain bytes here
	pid_t pid;	// of the program, or 0: the file is not compressed
};

// Begins to read a file, whose kind its first bytes say. The descriptor is borrowed and its offset moves; it must be
// seekable. => a negative errno with a sentence
int expand_begin(int fd, struct expansion *expansion, struct fault *fault);

// Ends it. => an error with a sentence where the program found the file damaged (which it can only know when all was
// read to the end)
int expand_end(struct expansion *expansion, struct fault *fault);

// Ends it without a look at the outcome.
void expand_abort(struct expansion *expansion);
