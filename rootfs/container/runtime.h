// SPDX-License-Identifier: MPL-2.0
// Runs the OCI runtime under keel: crun, as Debian builds it.
#pragma once

#include <sys/types.h>

#include "../lib/fault.h"

#define RUNTIME_PROGRAM "/usr/bin/crun"
#define RUNTIME_STATE "/run/keel/crun"

enum { RUNTIME_WORDS_MAX = 600 };

struct runtime_stdio {
	int input, output, error;
};

// Runs `crun WORDS...` with its messages going to `log`, a fresh file, and waits for its end.
// => its exit status, 128 + N where signal N ended it, or a negative errno. Where it failed and left a
//    message, `fault` holds it; where it left none, `fault` stays as it was.
int runtime_run(const char *log, const char *const *words, const struct runtime_stdio *stdio,
		struct fault *fault);

// The same in two steps, for who has to do something meanwhile. The first => its process number, or a negative errno.
pid_t runtime_start(const char *log, const char *const *words, const struct runtime_stdio *stdio, struct fault *fault);
int runtime_finish(pid_t pid, const char *log, struct fault *fault);

// What a failure means, by its message: -ENOENT no such program, -EACCES it may not be run, else -EIO.
int runtime_error(const struct fault *fault);
