// SPDX-License-Identifier: MPL-2.0
#include "beneath.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DEPTH_MAX = 2048 };

// Source: openat2(2).
enum { RESOLVE_NO_MAGIC_LINKS = 0x02, RESOLVE_NO_LINKS = 0x04, RESOLVE_INSIDE = 0x08, RESOLVE_ROOTED = 0x10 };

int beneath_open(int folder, const char *path, int flags, mode_t mode, enum beneath_links links)
{
	// The layout of openat2(2), which the C library does not declare.
	struct {
		uint64_t flags, mode, resolve;
	} how = {.flags = (uint64_t)flags | O_CLOEXEC, .mode = mode,
		 .resolve = RESOLVE_NO_MAGIC_LINKS};
	int fd;

	how.resolve |= links == BENEATH_LINKS_ROOTED ? RESOLVE_ROOTED : RESOLVE_INSIDE;
	if (links == BENEATH_NO_LINKS)
		how.resolve |= RESOLVE_NO_LINKS;
	fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof(how));
	return fd >= 0 ? fd : -errno;
}

// The first entry of an open folder, or NULL at its end.
static const char *first_name(DIR *listing)
{
	struct dirent *entry;

	while ((entry = readdir(listing)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			return entry->d_name;
	}
	return NULL;
}

static int remove_at(int folder, const char *name, unsigned depth)
{
	const char *inner;
	DIR *listing;
	int fd, error = 0;

	if (unlinkat(folder, name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno != EISDIR && errno != EPERM)
		return -errno;
	if (unlinkat(folder, name, AT_REMOVEDIR) == 0)
		return 0;
	if (errno != ENOTEMPTY && errno != EEXIST)
		return -errno;
	if (depth == DEPTH_MAX)
		return -ELOOP;
	fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	listing = fdopendir(fd);
	if (listing == NULL) {
		close(fd);
		return -ENOMEM;
	}
	while (error == 0 && (inner = first_name(listing)) != NULL)
		error = remove_at(fd, inner, depth + 1);
	closedir(listing);
	if (error != 0)
		return error;
	return unlinkat(folder, name, AT_REMOVEDIR) == 0 ? 0 : -errno;
}

int beneath_remove(int folder, const char *name)
{
	return remove_at(folder, name, 0);
}
