// SPDX-License-Identifier: MPL-2.0
// keel logs: the files that supervisors write (container/log.h).
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../container/log.h"
#include "../../lib/file.h"
#include "../../lib/unit/unit.h"
#include "../client.h"
#include "../commands.h"

enum { CHUNK_SIZE = 4096, FOLLOW_PAUSE_MS = 200 };

// Copies what is left of the file. => 0, or STATUS_FAILED if nobody reads any more
static int copy_rest(int fd)
{
	char bytes[CHUNK_SIZE];
	ssize_t got;

	while ((got = read(fd, bytes, sizeof(bytes))) > 0) {
		if (file_write_all(STDOUT_FILENO, bytes, (size_t)got) != 0)
			return STATUS_FAILED;
	}
	return 0;
}

// Moves to the start of the last `lines` lines. => how many lines are missing for that
static unsigned long seek_tail(int fd, unsigned long lines)
{
	off_t at = lseek(fd, 0, SEEK_END);
	unsigned long seen = 0;
	char byte;

	if (at == 0 || lines == 0)
		return lines;
	// The line end that closes the last line does not begin another.
	at--;
	while (at > 0) {
		if (pread(fd, &byte, 1, at - 1) != 1)
			break;
		if (byte == '\n' && ++seen == lines)
			break;
		at--;
	}
	lseek(fd, at, SEEK_SET);
	return at > 0 ? 0 : lines - seen - 1;
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
static int follow(int fd, const char *name, const char *path)
{
	static const struct timespec pause = {0, FOLLOW_PAUSE_MS * 1000000L};
	int running = 1;

	while (running) {
		struct stat held, named;
		int status;

		running = is_running(name);
		status = copy_rest(fd);
		if (status != 0)
			return status;
		if (fstat(fd, &held) == 0 && stat(path, &named) == 0 &&
		    held.st_ino != named.st_ino) {
			int fresh = open(path, O_RDONLY | O_CLOEXEC);

			if (fresh >= 0) {
				dup2(fresh, fd);
				close(fresh);
			}
		}
		if (running)
			nanosleep(&pause, NULL);
	}
	return copy_rest(fd);
}

// What was written before the log was renewed: all of it, or its last lines.
static int print_older(const char *name, long tail)
{
	char path[LOG_PATH_SIZE + 2];
	int fd, status;

	snprintf(path, sizeof(path), LOG_FOLDER "/%s.log.1", name);
	fd = tail == 0 ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (tail > 0)
		seek_tail(fd, (unsigned long)tail);
	status = copy_rest(fd);
	close(fd);
	return status;
}

static int print_log(const char *name, long tail, int following)
{
	char path[LOG_PATH_SIZE];
	int fd, status;

	snprintf(path, sizeof(path), LOG_FOLDER "/%s.log", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return complain("there is no log of a container named %s (%s)", name,
				strerror(errno));
	if (tail >= 0)
		tail = (long)seek_tail(fd, (unsigned long)tail);
	status = print_older(name, tail);
	if (status == 0)
		status = following ? follow(fd, name, path) : copy_rest(fd);
	close(fd);
	return status;
}

int command_logs(int count, char **arguments)
{
	static const struct option options[] = {{"follow", no_argument, NULL, 'f'},
						{"tail", required_argument, NULL, 'n'}, {0}};
	int following = 0;
	long tail = -1;
	int option;

	while ((option = getopt_long(count, arguments, "fn:", options, NULL)) != -1) {
		char *end;

		if (option == 'f') {
			following = 1;
		} else if (option == 'n') {
			tail = strtol(optarg, &end, 10);
			if (*optarg == '\0' || *end != '\0' || tail < 0)
				return complain("logs: '%s' is not a number of lines", optarg);
		} else {
			return STATUS_FAILED;
		}
	}
	if (optind + 1 != count)
		return complain("logs: which container?");
	if (!unit_name_is_valid(arguments[optind]))
		return complain("'%s' is not a container's name", arguments[optind]);
	return print_log(arguments[optind], tail, following);
}
