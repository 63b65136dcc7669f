// SPDX-License-Identifier: MPL-2.0
// A container's output on disk: /var/log/containers/NAME.log, and NAME.log.1 with what came before.
#pragma once

#include <stddef.h>

#define LOG_FOLDER "/var/log/containers"

enum { LOG_BYTES_MAX = 1024 * 1024, LOG_PATH_SIZE = 128 };

struct log {
	int fd;			// -1: the log is lost, the container goes on
	size_t length;
	char path[LOG_PATH_SIZE];
};

// Opens the log for appending. A log that cannot be opened is said once on stderr, and then lost.
void log_open(struct log *log, const char *name);

// Appends. Past LOG_BYTES_MAX the file becomes NAME.log.1 and a new one begins.
void log_write(struct log *log, const char *bytes, size_t length);
void log_close(struct log *log);

// Deletes a container's logs.
void log_remove(const char *name);
