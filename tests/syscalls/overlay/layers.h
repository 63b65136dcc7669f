// SPDX-License-Identifier: MPL-2.0
/* Layers and an overlay of them, on a tmpfs of the case's own. */
#ifndef KEELSON_TESTS_OVERLAY_LAYERS_H
#define KEELSON_TESTS_OVERLAY_LAYERS_H

#include "support.h"

#include <dirent.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#define OVERLAY_HELPER __attribute__((unused)) static

/* lower1 (top) and lower2 below it, upper, work, and the overlay on m; extra options may follow. */
OVERLAY_HELPER void make_folders(void)
{
	private_mounts();
	CHECK_OK(mkdir("base", 0755));
	CHECK_OK(mount("tmpfs", "base", "tmpfs", 0, "mode=755"));
	CHECK_OK(chdir("base"));
	CHECK_OK(mkdir("lower1", 0755));
	CHECK_OK(mkdir("lower2", 0755));
	CHECK_OK(mkdir("upper", 0755));
	CHECK_OK(mkdir("work", 0755));
	CHECK_OK(mkdir("m", 0755));
}

OVERLAY_HELPER void mount_overlay(const char *more)
{
	char options[256];
	snprintf(options, sizeof(options), "lowerdir=lower1:lower2,upperdir=upper,workdir=work%s", more);
	CHECK_OK(mount("overlay", "m", "overlay", 0, options));
}

OVERLAY_HELPER void mount_again(const char *more)
{
	CHECK_OK(umount("m"));
	mount_overlay(more);
}

/* The names in a folder, sorted, with spaces between. */
OVERLAY_HELPER const char *names_in(const char *path)
{
	static char text[1024];
	struct dirent **list;
	int count = CHECK_OK(scandir(path, &list, NULL, alphasort));
	text[0] = 0;
	for (int i = 0; i < count; i++) {
		if (strcmp(list[i]->d_name, ".") != 0 && strcmp(list[i]->d_name, "..") != 0) {
			strcat(text, text[0] ? " " : "");
			strcat(text, list[i]->d_name);
		}
		free(list[i]);
	}
	free(list);
	return text;
}

OVERLAY_HELPER int is_whiteout(const char *path)
{
	struct stat info;
	return lstat(path, &info) == 0 && S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0);
}

/* Nothing half made is left in the work folder; a whiteout to be linked again may be. */
OVERLAY_HELPER void check_work(void)
{
	char path[300];
	DIR *dir = opendir("work/work");
	CHECK(dir != NULL);
	for (struct dirent *entry; (entry = readdir(dir));) {
		snprintf(path, sizeof(path), "work/work/%s", entry->d_name);
		CHECK(entry->d_name[0] == '.' || is_whiteout(path));
	}
	closedir(dir);
}

OVERLAY_HELPER int is_opaque(const char *path)
{
	char value[4];
	return lgetxattr(path, "trusted.overlay.opaque", value, sizeof(value)) == 1 && value[0] == 'y';
}

#endif
