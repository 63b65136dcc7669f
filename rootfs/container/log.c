// SPDX-License-Identifier: MPL-2.0
#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../lib/file.h"

enum { BATCH_SIZE = 12 * 1024, PART_MAX = 8 * 1024, PREFIX_SIZE = 64 };

static const char *const stream_names[] = {[LOG_STDOUT] = "stdout", [LOG_STDERR] = "stderr"};

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
	log->length = (uint64_t)status.st_size;
}

void log_open(struct log *log, const char *name, uint64_t bytes_max)
{
	snprintf(log->path, sizeof(log->path), LOG_FOLDER "/%s.log", name);
	log->length = 0;
	log->bytes_max = bytes_max != 0 ? bytes_max : LOG_BYTES_MAX;
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

static void append(struct log *log, const char *text, size_t length)
{
	int error;

	if (log->fd < 0 || length == 0)
		return;
	if (log->length > 0 && log->length + length > log->bytes_max)
		rotate(log);
	if (log->fd < 0)
		return;
	error = file_write_all(log->fd, text, length);
	if (error != 0) {
		errno = -error;
		lose(log, "write");
		return;
	}
	log->length += length;
}

static void format_now(char text[LOG_TIME_SIZE])
{
	struct timespec now;
	struct tm parts;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	snprintf(text, LOG_TIME_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%09ldZ", (parts.tm_year + 1900) % 10000,
		 parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, now.tv_nsec);
}

// Lines gather in `batch`, so that many short ones are one write; a file ends with a whole one.
void log_write(struct log *log, enum log_stream stream, const char *bytes, size_t length)
{
	char batch[BATCH_SIZE], time[LOG_TIME_SIZE];
	size_t used = 0;

	format_now(time);
	while (length > 0 && log->fd >= 0) {
		const char *end = memchr(bytes, '\n', length);
		size_t part = end != NULL ? (size_t)(end - bytes) : length;

		if (part > PART_MAX) {
			part = PART_MAX;
			end = NULL;
		}
		if (used + PREFIX_SIZE + part + 1 > sizeof(batch)) {
			append(log, batch, used);
			used = 0;
		}
		used += (size_t)snprintf(batch + used, PREFIX_SIZE, "%s %s %c ", time, stream_names[stream],
					 end != NULL ? 'F' : 'P');
		memcpy(batch + used, bytes, part);
		used += part;
		batch[used++] = '\n';
		part += end != NULL;
		bytes += part;
		length -= part;
	}
	append(log, batch, used);
}

int log_line_parse(const char *line, size_t length, struct log_line *parsed)
{
	size_t head = LOG_TIME_SIZE - 1 + 10;	// " stdout F "

	if (length < head || line[4] != '-' || line[LOG_TIME_SIZE - 2] != 'Z' || line[LOG_TIME_SIZE - 1] != ' ' ||
	    line[head - 1] != ' ' || (line[head - 2] != 'F' && line[head - 2] != 'P'))
		return -1;
	*parsed = (struct log_line){.time = line, .is_whole = line[head - 2] == 'F', .text = line + head,
				    .length = length - head};
	for (int stream = LOG_STDOUT; stream <= LOG_STDERR; stream++) {
		if (memcmp(line + LOG_TIME_SIZE, stream_names[stream], 6) == 0) {
			parsed->stream = (enum log_stream)stream;
			return 0;
		}
	}
	return -1;
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
