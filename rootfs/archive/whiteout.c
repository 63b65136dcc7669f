// SPDX-License-Identifier: MPL-2.0
#include "whiteout.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

static const char mark[] = ".wh.", own_mark[] = ".wh..wh.", opaque[] = ".wh..wh..opq";

int whiteout_is_marked(const char *name)
{
	return strncmp(name, mark, sizeof(mark) - 1) == 0;
}

int whiteout_is_one(const struct stat *status)
{
	return S_ISCHR(status->st_mode) && status->st_rdev == makedev(0, 0);
}

int whiteout_make_opaque(int folder, const char *name)
{
	char path[PATH_MAX + 32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", folder, name);
	return lsetxattr(path, "trusted.overlay.opaque", "y", 1, 0) < 0 ? -errno : 0;
}

// A name that the layer has itself stays: it hides the ones below, and a folder must then be opaque.
static int hide(int folder, const char *name)
{
	struct stat status;

	if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISDIR(status.st_mode) ? whiteout_make_opaque(folder, name) : 0;
	if (errno != ENOENT)
		return -errno;
	return mknodat(folder, name, S_IFCHR, makedev(0, 0)) < 0 ? -errno : 0;
}

int whiteout_apply(int folder, const char *name)
{
	const char *hidden = name + sizeof(mark) - 1;

	if (strcmp(name, opaque) == 0)
		return whiteout_make_opaque(folder, ".");
	// Other names of that kind are notes of aufs, which mean nothing here.
	if (strncmp(name, own_mark, sizeof(own_mark) - 1) == 0)
		return 0;
	if (hidden[0] == '\0' || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
		return -EINVAL;
	return hide(folder, hidden);
}
