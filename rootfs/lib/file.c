// SPDX-License-Identifier: MPL-2.0
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int read_until_end(int fd, size_t limit, char **text, size_t *length)
{
	size_t capacity = 4096;
	size_t used = 0;
	char *buffer = malloc(capacity);

	if (buffer == NULL)
		return -ENOMEM;
	for (;;) {
		ssize_t got = read(fd, buffer + used, capacity - used - 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			int error = -errno;

			free(buffer);
			return error;
		}
		if (got == 0)
			break;
		used += (size_t)got;
		if (used > limit) {
			free(buffer);
			return -EFBIG;
		}
		if (capacity - used < 1024) {
			char *larger = realloc(buffer, capacity * 2);

			if (larger == NULL) {
				free(buffer);
				return -ENOMEM;
			}
			buffer = larger;
			capacity *= 2;
		}
	}
	buffer[used] = '\0';
	*text = buffer;
	*length = used;
	return 0;
}

int file_read_all(const char *path, size_t limit, char **text, size_t *length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int error;

	if (fd < 0)
		return -errno;
	error = read_until_end(fd, limit, text, length);
	close(fd);
	return error;
}

int file_read_line(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -errno;
	do {
		got = read(fd, line, size - 1);
	} while (got < 0 && errno == EINTR);
	if (got < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	close(fd);
	line[got] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return 0;
}

int file_write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int error = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		error = -errno;
	close(fd);
	return error;
}

int file_replace(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	int error;

	if (fd < 0)
		return -errno;
	error = file_write_all(fd, text, strlen(text));
	if (close(fd) < 0 && error == 0)
		error = -errno;
	return error;
}

// One level of mkdir -p: EEXIST is fine when a directory (or a link to one) stands there.
static int make_one(const char *path, mode_t mode)
{
	struct stat status;
	int error;

	if (mkdir(path, mode) == 0)
		return 0;
	error = errno;
	if (stat(path, &status) < 0)
		return -error;
	return S_ISDIR(status.st_mode) ? 0 : -ENOTDIR;
}

int file_make_directories(const char *path, mode_t mode)
{
	char prefix[PATH_MAX];
	size_t length = strlen(path);

	if (length >= sizeof(prefix))
		return -ENAMETOOLONG;
	for (size_t i = 1; i <= length; i++) {
		int error;

		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(prefix, path, i);
		prefix[i] = '\0';
		error = make_one(prefix, mode);
		if (error != 0)
			return error;
	}
	return 0;
}

int file_write_all(int fd, const void *bytes, size_t length)
{
	const char *next = bytes;

	while (length > 0) {
		ssize_t put = write(fd, next, length);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		next += put;
		length -= (size_t)put;
	}
	return 0;
}

int file_read_exactly_at(int fd, void *bytes, size_t length, off_t offset)
{
	char *next = bytes;

	while (length > 0) {
		ssize_t got = pread(fd, next, length, offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -ENODATA;
		next += got;
		offset += got;
		length -= (size_t)got;
	}
	return 0;
}
