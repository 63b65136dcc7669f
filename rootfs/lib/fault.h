// SPDX-License-Identifier: MPL-2.0
// A fault: one sentence for a person about why something failed, beside the errno for the program.
// Every function that can fail for reasons the user can mend takes a `struct fault *` as its last
// parameter, fills it exactly once, and returns the negative errno.
#pragma once

enum { FAULT_TEXT_SIZE = 320 };

struct fault {
	char text[FAULT_TEXT_SIZE];	// empty while nothing went wrong
};

// Sets the sentence; returns `error` (a negative errno), so that callers can `return fault_set(...)`.
int fault_set(struct fault *fault, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

// The same with ": <strerror(errno)>" appended; returns -errno.
int fault_errno(struct fault *fault, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

// Puts "<prefix>: " in front of a sentence that is already there; returns `error` unchanged.
int fault_prefix(struct fault *fault, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
