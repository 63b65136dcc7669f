// SPDX-License-Identifier: MPL-2.0
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/file.h"

static void lose(struct log *log, const char *what)
{
	fprintf(stderr, "keelson: cannot %s %s: %s; the output of this container is not kept\n",
		what, log->path, strerror(errno));
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}

static void reopen(struct log *log)
{
	struct stat status;

	log->fd = open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
	if (log->fd < 0 || fstat(log->fd, &status) < 0) {
		lose(log, "open");
		return;
	}
	log->length = (size_t)status.st_size;
}

void log_open(struct log *log, const char *name)
{
	snprintf(log->path, sizeof(log->path), LOG_FOLDER "/%s.log", name);
	log->length = 0;
	file_make_directories(LOG_FOLDER, 0755);
	reopen(log);
}

static void rotate(struct log *log)
{
	char older[LOG_PATH_SIZE + 2];

	snprintf(older, sizeof(older), "%s.1", log->path);
	close(log->fd);
	log->fd = -1;
	if (rename(log->path, older) < 0 && errno != ENOENT) {
		lose(log, "rename");
		return;
	}
	reopen(log);
}

void log_write(struct log *log, const char *bytes, size_t length)
{
	int error;

	if (log->fd < 0)
		return;
	if (log->length > 0 && log->length + length > LOG_BYTES_MAX)
		rotate(log);
	if (log->fd < 0)
		return;
	error = file_write_all(log->fd, bytes, length);
	if (error != 0) {
		errno = -error;
		lose(log, "write");
		return;
	}
	log->length += length;
}

void log_close(struct log *log)
{
	if (log->fd >= 0)
		close(log->fd);
	log->fd = -1;
}

void log_remove(const char *name)
{
	char path[LOG_PATH_SIZE + 2];

	snprintf(path, sizeof(path), LOG_FOLDER "/%s.log", name);
	unlink(path);
	snprintf(path, sizeof(path), LOG_FOLDER "/%s.log.1", name);
	unlink(path);
}
