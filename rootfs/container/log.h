// SPDX-License-Identifier: MPL-2.0
// A container's output on disk: /var/log/containers/NAME.log, and NAME.log.1 with what came before. A line there is
//
//   2026-11-21T12:00:00.123456789Z stdout F text		the time, the stream, and F for a whole line
//   2026-11-21T12:00:00.123456789Z stderr P text		P: the line goes on in the stream's next one
//
// as the container runtime interface of Kubernetes has it (and podman's k8s-file).
#pragma once

#include <stddef.h>
#include <stdint.h>

#define LOG_FOLDER "/var/log/containers"

enum { LOG_BYTES_MAX = 2 * 1024 * 1024, LOG_PATH_SIZE = 128, LOG_TIME_SIZE = 31 };

enum log_stream { LOG_STDOUT, LOG_STDERR };

struct log {
	int fd;			// -1: the log is lost, the container goes on
	uint64_t length, bytes_max;
	char path[LOG_PATH_SIZE];
};

// Opens the log for appending. A log that cannot be opened is said once on stderr, and then lost. `bytes_max` is how
// long one file may get; 0: LOG_BYTES_MAX.
void log_open(struct log *log, const char *name, uint64_t bytes_max);

// Appends what has come, as lines. Where the file would grow too long it becomes NAME.log.1 and a new one begins.
void log_write(struct log *log, enum log_stream stream, const char *bytes, size_t length);
void log_close(struct log *log);

// Deletes a container's logs.
void log_remove(const char *name);

// One line of a log, taken apart; `text` is not terminated.
struct log_line {
	const char *time;	// LOG_TIME_SIZE - 1 characters
	enum log_stream stream;
	int is_whole;
	const char *text;
	size_t length;
};

// `line` has `length` bytes and no line end. => 0, or -1 for what is no line of a log
int log_line_parse(const char *line, size_t length, struct log_line *parsed);
