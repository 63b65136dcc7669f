// SPDX-License-Identifier: MPL-2.0
// Theory: numbers are drawn by lot and taken by making a file that may not be there yet, so that the cost does not grow
// with the number of containers, and two that draw the same cannot both have it.
#include "id_range.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/file.h"

enum { TRIES = 256, NUMBER_SIZE = 16 };

static int read_number(int store, const char *id, uint32_t *number)
{
	char path[PATH_MAX], text[NUMBER_SIZE] = "";
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "containers/%s/range", id);
	fd = openat(store, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -ENOENT;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	*number = got > 0 ? (uint32_t)strtoul(text, NULL, 10) : 0;
	return *number >= 1 && *number <= ID_RANGE_LAST ? 0 : -ENOENT;
}

static int write_number(int store, const char *id, uint32_t number)
{
	char path[PATH_MAX], text[NUMBER_SIZE];
	int fd, error;

	snprintf(path, sizeof(path), "containers/%s/range", id);
	snprintf(text, sizeof(text), "%u", number);
	fd = openat(store, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	error = file_write_all(fd, text, strlen(text));
	close(fd);
	return error;
}

static int take_number(int store, uint32_t *number)
{
	for (int i = 0; i < TRIES; i++) {
		char path[NUMBER_SIZE + 8];
		uint32_t drawn;
		int fd;

		if (getrandom(&drawn, sizeof(drawn), 0) != sizeof(drawn))
			return -EIO;
		*number = 1 + drawn % ID_RANGE_LAST;
		snprintf(path, sizeof(path), "ids/%u", *number);
		fd = openat(store, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
		if (fd >= 0) {
			close(fd);
			return 0;
		}
		if (errno != EEXIST)
			return -errno;
	}
	return -EUSERS;
}

int id_range_provide(const struct store *store, const char *id, uint32_t *base, struct fault *fault)
{
	uint32_t number;
	int error = 0;

	if (read_number(store->folder, id, &number) != 0) {
		if (mkdirat(store->folder, "ids", 0700) < 0 && errno != EEXIST)
			return fault_errno(fault, "cannot make %s/ids", store_folder());
		error = take_number(store->folder, &number);
		if (error == 0)
			error = write_number(store->folder, id, number);
	}
	if (error != 0)
		return fault_set(fault, error, "cannot take a range of ids: %s", strerror(-error));
	*base = number * ID_RANGE_SIZE;
	return 0;
}

void id_range_keep(int store_folder_fd, const char *id)
{
	char path[NUMBER_SIZE + 8];
	uint32_t number;
	int fd;

	if (read_number(store_folder_fd, id, &number) != 0)
		return;
	mkdirat(store_folder_fd, "ids", 0700);
	snprintf(path, sizeof(path), "ids/%u", number);
	fd = openat(store_folder_fd, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
}

void id_range_release(int store_folder_fd, const char *id)
{
	char path[NUMBER_SIZE + 8];
	uint32_t number;

	if (read_number(store_folder_fd, id, &number) != 0)
		return;
	snprintf(path, sizeof(path), "ids/%u", number);
	unlinkat(store_folder_fd, path, 0);
}
