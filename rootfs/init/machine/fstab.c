// SPDX-License-Identifier: MPL-2.0
#include "fstab.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "../../disk/disk_spec.h"
#include "../../lib/file.h"
#include "../message.h"

enum { FSTAB_SIZE_MAX = 64 * 1024, OPTIONS_SIZE = 256 };

// Sorts "ro,nosuid,size=1m" into flags and what is left for the file system.
static unsigned long split_options(char *options, char data[OPTIONS_SIZE])
{
	static const struct {
		const char *name;
		unsigned long flag;
	} known[] = {
		{"ro", MS_RDONLY}, {"nosuid", MS_NOSUID}, {"nodev", MS_NODEV},
		{"noexec", MS_NOEXEC}, {"noatime", MS_NOATIME}, {"sync", MS_SYNCHRONOUS},
		{"rw", 0}, {"defaults", 0}, {"relatime", MS_RELATIME},
	};
	unsigned long flags = 0;
	size_t used = 0;
	char *rest = NULL;

	data[0] = '\0';
	for (char *word = strtok_r(options, ",", &rest); word != NULL;
	     word = strtok_r(NULL, ",", &rest)) {
		size_t i, count = sizeof(known) / sizeof(known[0]);

		for (i = 0; i < count && strcmp(word, known[i].name) != 0; i++)
			;
		if (i < count)
			flags |= known[i].flag;
		else if (used + strlen(word) + 2 < OPTIONS_SIZE)
			used += (size_t)sprintf(data + used, "%s%s", used > 0 ? "," : "", word);
	}
	return flags;
}

static void mount_line(char *line, const char *path, unsigned number)
{
	char device[PATH_MAX], data[OPTIONS_SIZE];
	struct fault fault = {0};
	struct disk_spec spec;
	char *rest = NULL;
	char *source = strtok_r(line, " \t", &rest);
	char *target = strtok_r(NULL, " \t", &rest);
	char *type = strtok_r(NULL, " \t", &rest);
	char *options = strtok_r(NULL, " \t", &rest);
	unsigned long flags;

	if (source == NULL || source[0] == '#')
		return;
	if (target == NULL || type == NULL || options == NULL) {
		message("%s:%u: expected device, mount point, type and options", path, number);
		return;
	}
	snprintf(device, sizeof(device), "%s", source);
	if (strchr(source, '=') != NULL || strncmp(source, "/dev/", 5) == 0) {
		if (disk_spec_parse(source, &spec, &fault) != 0 ||
		    disk_spec_find(&spec, device, &fault) != 0) {
			message("%s:%u: %s is not mounted: %s", path, number, target, fault.text);
			return;
		}
	}
	flags = split_options(options, data);
	file_make_directories(target, 0755);
	if (mount(device, target, type, flags, data[0] != '\0' ? data : NULL) < 0)
		message("%s:%u: cannot mount %s on %s: %s", path, number, device, target,
			strerror(errno));
}

void fstab_mount_all(const char *path)
{
	unsigned number = 1;
	size_t length;
	char *text;
	int error = file_read_all(path, FSTAB_SIZE_MAX, &text, &length);

	if (error != 0) {
		if (error != -ENOENT)
			message("cannot read %s: %s", path, strerror(-error));
		return;
	}
	for (char *line = text; line != NULL; number++) {
		char *end = strchr(line, '\n');

		if (end != NULL)
			*end++ = '\0';
		mount_line(line, path, number);
		line = end;
	}
	free(text);
}
