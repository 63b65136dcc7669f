// SPDX-License-Identifier: MPL-2.0
// keel logs: the files that supervisors write (container/log.h), each stream to where it came from.
//
// Theory: a file is read in pieces, and of each the whole lines are printed; what is left waits for the rest. For
// --tail the file is mapped and walked from its end.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../container/log.h"
#include "../../lib/file.h"
#include "../../lib/unit/unit.h"
#include "../client.h"
#include "../commands.h"

enum { LINES_SIZE = 32 * 1024, FOLLOW_PAUSE_MS = 200 };

enum logs_flags { LOGS_FOLLOW = 1 << 0, LOGS_TIMES = 1 << 1 };

struct printer {
	unsigned flags;			// enum logs_flags
	int goes_on[2];			// the stream is in the middle of a line
	size_t used;
	char bytes[LINES_SIZE];		// read and not yet printed
};

static int put(int fd, const char *text, size_t length)
{
	return file_write_all(fd, text, length) == 0 ? 0 : STATUS_FAILED;
}

// => 0, or STATUS_FAILED if nobody reads any more
static int print_line(struct printer *printer, const char *line, size_t length)
{
	struct log_line parsed;
	int fd, status = 0;

	if (log_line_parse(line, length, &parsed) != 0)	// of another writer
		return put(STDOUT_FILENO, line, length) != 0 ? STATUS_FAILED : put(STDOUT_FILENO, "\n", 1);
	fd = parsed.stream == LOG_STDERR ? STDERR_FILENO : STDOUT_FILENO;
	if ((printer->flags & LOGS_TIMES) != 0 && !printer->goes_on[parsed.stream])
		status = put(fd, parsed.time, LOG_TIME_SIZE);
	if (status == 0)
		status = put(fd, parsed.text, parsed.length);
	if (status == 0 && parsed.is_whole)
		status = put(fd, "\n", 1);
	printer->goes_on[parsed.stream] = !parsed.is_whole;
	return status;
}

static int print_lines(struct printer *printer)
{
	size_t at = 0;
	int status = 0;

	while (status == 0) {
		const char *line = printer->bytes + at, *end = memchr(line, '\n', printer->used - at);

		if (end == NULL)
			break;
		status = print_line(printer, line, (size_t)(end - line));
		at += (size_t)(end - line) + 1;
	}
	// A line that fills everything is no line of a log.
	if (status == 0 && at == 0 && printer->used == sizeof(printer->bytes)) {
		status = put(STDOUT_FILENO, printer->bytes, printer->used);
		at = printer->used;
	}
	printer->used -= at;
	memmove(printer->bytes, printer->bytes + at, printer->used);
	return status;
}

// Prints what is left of the file.
static int copy_rest(struct printer *printer, int fd)
{
	ssize_t got;

	while ((got = read(fd, printer->bytes + printer->used, sizeof(printer->bytes) - printer->used)) > 0) {
		printer->used += (size_t)got;
		if (print_lines(printer) != 0)
			return STATUS_FAILED;
	}
	return 0;
}

static int ends_line(const char *line, size_t length)
{
	struct log_line parsed;

	return log_line_parse(line, length, &parsed) != 0 || parsed.is_whole;
}

// Where the last `lines` lines begin; `*missing` is how many the file has too few.
static size_t find_tail(const char *text, size_t length, unsigned long lines, unsigned long *missing)
{
	size_t end = length;	// behind the line end of the line looked at
	unsigned long ended = 0;

	while (end > 0) {
		const char *before = memrchr(text, '\n', end - 1);
		size_t begin = before != NULL ? (size_t)(before - text) + 1 : 0;

		// The end of a line begins the next one; what is last in the file is a line, ended or not.
		if (end == length || ends_line(text + begin, end - 1 - begin)) {
			if (ended == lines) {
				*missing = 0;
				return end;
			}
			ended++;
		}
		end = begin;
	}
	*missing = lines - ended;
	return 0;
}

// Moves to the start of the last `lines` lines. => how many lines are missing for that
static unsigned long seek_tail(int fd, unsigned long lines)
{
	off_t length = lseek(fd, 0, SEEK_END);
	unsigned long missing = lines;
	const char *text;

	if (length <= 0)
		return lines;
	text = mmap(NULL, (size_t)length, PROT_READ, MAP_SHARED, fd, 0);
	if (text == MAP_FAILED) {
		lseek(fd, 0, SEEK_SET);
		return 0;
	}
	lseek(fd, (off_t)find_tail(text, (size_t)length, lines, &missing), SEEK_SET);
	munmap((void *)text, (size_t)length);
	return missing;
}

static int is_running(const char *name)
{
	char request[UNIT_NAME_SIZE + 16];
	char *text;
	int running;

	snprintf(request, sizeof(request), "inspect %s", name);
	if (client_ask(request, &text) != 0)
		return 0;
	running = strstr(text, "\nstate: exited\n") == NULL;
	free(text);
	return running;
}

// Waits for more until the container has ended; goes on in the new file when the log is renewed.
static int follow(struct printer *printer, int fd, const char *name, const char *path)
{
	static const struct timespec pause = {0, FOLLOW_PAUSE_MS * 1000000L};
	int running = 1;

	while (running) {
		struct stat held, named;
		int status;

		running = is_running(name);
		status = copy_rest(printer, fd);
		if (status != 0)
			return status;
		if (fstat(fd, &held) == 0 && stat(path, &named) == 0 && held.st_ino != named.st_ino) {
			int fresh = open(path, O_RDONLY | O_CLOEXEC);

			// What the old file got between the last look and its renaming.
			status = copy_rest(printer, fd);
			if (fresh >= 0) {
				dup2(fresh, fd);
				close(fresh);
			}
			if (status != 0)
				return status;
			continue;
		}
		if (running)
			nanosleep(&pause, NULL);
	}
	return copy_rest(printer, fd);
}

// What was written before the log was renewed: all of it, or its last lines.
static int print_older(struct printer *printer, const char *name, long tail)
{
	char path[LOG_PATH_SIZE + 2];
	int fd, status;

	snprintf(path, sizeof(path), LOG_FOLDER "/%s.log.1", name);
	fd = tail == 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (tail > 0)
		seek_tail(fd, (unsigned long)tail);
	status = copy_rest(printer, fd);
	close(fd);
	return status;
}

static int print_log(const char *name, long tail, unsigned flags)
{
	static struct printer printer;
	char path[LOG_PATH_SIZE];
	int fd, status;

	printer.flags = flags;
	snprintf(path, sizeof(path), LOG_FOLDER "/%s.log", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return complain("there is no log of a container named %s (%s)", name,
				strerror(errno));
	if (tail >= 0)
		tail = (long)seek_tail(fd, (unsigned long)tail);
	status = print_older(&printer, name, tail);
	if (status == 0)
		status = (flags & LOGS_FOLLOW) != 0 ? follow(&printer, fd, name, path) : copy_rest(&printer, fd);
	close(fd);
	return status;
}

int command_logs(int count, char **arguments)
{
	static const struct option options[] = {{"follow", no_argument, NULL, 'f'},
						{"timestamps", no_argument, NULL, 't'},
						{"tail", required_argument, NULL, 'n'}, {0}};
	unsigned flags = 0;
	long tail = -1;
	int option;

	while ((option = getopt_long(count, arguments, "ftn:", options, NULL)) != -1) {
		char *end;

		if (option == '?')
			return STATUS_FAILED;
		flags |= option == 'f' ? LOGS_FOLLOW : option == 't' ? LOGS_TIMES : 0;
		if (option != 'n')
			continue;
		tail = strtol(optarg, &end, 10);
		if (*optarg == '\0' || *end != '\0' || tail < 0)
			return complain("logs: '%s' is not a number of lines", optarg);
	}
	if (optind + 1 != count)
		return complain("logs: which container?");
	if (!unit_name_is_valid(arguments[optind]))
		return complain("'%s' is not a container's name", arguments[optind]);
	return print_log(arguments[optind], tail, flags);
}
