// SPDX-License-Identifier: MPL-2.0
#include "journal.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../lib/file.h"
#include "../lib/json/json_writer.h"

static void print_entry(struct json_writer *json, const struct journal_entry *entry)
{
	struct timespec now;
	struct tm parts;
	char time[64];
	size_t used;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &parts);
	used = strftime(time, sizeof(time), "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(time + used, sizeof(time) - used, ".%09ldZ", (long)now.tv_nsec);
	json_begin_object(json, NULL);
	if (entry->exit_code != JOURNAL_NO_CODE)
		json_number(json, "ContainerExitCode", entry->exit_code);
	json_string(json, "ID", entry->id);
	if (entry->image != NULL)
		json_string(json, "Image", entry->image);
	json_string(json, "Name", entry->name);
	json_string(json, "Status", entry->status);
	json_string(json, "Time", time);
	json_string(json, "Type", entry->type);
	if (entry->signal != NULL) {
		json_begin_object(json, "Attributes");
		json_string(json, "signal", entry->signal);
		json_end_object(json);
	}
	json_end_object(json);
}

// Several processes write; the lock keeps a line from going to a file that is being renamed.
static void append(const char *line, size_t length)
{
	int fd = open(JOURNAL_PATH, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	struct stat status;

	if (fd < 0)
		return;
	if (flock(fd, LOCK_EX) == 0 && fstat(fd, &status) == 0 && status.st_size >= JOURNAL_BYTES_MAX &&
	    rename(JOURNAL_PATH, JOURNAL_PATH ".1") == 0) {
		close(fd);
		fd = open(JOURNAL_PATH, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	}
	if (fd < 0)
		return;
	if (file_write_all(fd, line, length) != 0) {
		// Full: this one is lost.
	}
	close(fd);
}

void journal_write(const struct journal_entry *entry)
{
	char *line = NULL;
	size_t length = 0;
	struct json_writer json = {.out = open_memstream(&line, &length)};

	if (json.out == NULL)
		return;
	print_entry(&json, entry);
	putc('\n', json.out);
	if (fclose(json.out) == 0)
		append(line, length);
	free(line);
}
