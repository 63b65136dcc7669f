// SPDX-License-Identifier: MPL-2.0
#include "initramfs_free.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { DEPTH_MAX = 32 };

static const unsigned long ramfs_magic = 0x858458f6;
static const unsigned long tmpfs_magic = 0x01021994;

static void remove_below(int directory, dev_t device, int depth)
{
	DIR *listing = fdopendir(directory);
	struct dirent *entry;

	if (listing == NULL) {
		close(directory);
		return;
	}
	while ((entry = readdir(listing)) != NULL) {
		struct stat status;
		int child;

		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (fstatat(directory, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
		    status.st_dev != device)
			continue;
		if (!S_ISDIR(status.st_mode)) {
			unlinkat(directory, entry->d_name, 0);
			continue;
		}
		child = openat(directory, entry->d_name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (child >= 0 && depth < DEPTH_MAX)
			remove_below(child, device, depth + 1);
		else if (child >= 0)
			close(child);
		unlinkat(directory, entry->d_name, AT_REMOVEDIR);
	}
	closedir(listing);
}

void initramfs_free(int root)
{
	struct statfs filesystem;
	struct stat status;
	int copy;

	if (fstatfs(root, &filesystem) < 0 || fstat(root, &status) < 0)
		return;
	if ((unsigned long)filesystem.f_type != ramfs_magic &&
	    (unsigned long)filesystem.f_type != tmpfs_magic) {
		fprintf(stderr, "keelson: the initramfs is not in memory, it is kept\n");
		return;
	}
	copy = dup(root);
	if (copy >= 0)
		remove_below(copy, status.st_dev, 0);
}
