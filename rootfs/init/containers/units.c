// SPDX-License-Identifier: MPL-2.0
#include "units.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "container.h"
#include "../message.h"

static int is_unit_file(const struct dirent *entry)
{
	const char *suffix = strrchr(entry->d_name, '.');

	return entry->d_name[0] != '.' && suffix != NULL &&
	       (strcmp(suffix, ".yaml") == 0 || strcmp(suffix, ".yml") == 0);
}

static void start_unit(const char *path)
{
	static const struct supervise_client nobody = {-1, -1, -1};
	struct fault fault = {0};
	struct container *container;
	struct unit *unit;

	if (unit_load(path, &unit, &fault) != 0) {
		message("%s: %s", path, fault.text);
		return;
	}
	if (container_add(unit, CONTAINER_FROM_UNIT, &container, &fault) != 0) {
		message("%s: %s", path, fault.text);
		unit_destroy(unit);
		return;
	}
	if (container_start(container, &nobody, &fault) != 0)
		message("%s: %s", path, fault.text);
}

void units_start_all(void)
{
	struct dirent **entries;
	int count = scandir(UNITS_FOLDER, &entries, is_unit_file, alphasort);

	if (count < 0) {
		if (errno != ENOENT)
			message("cannot list " UNITS_FOLDER ": %s", strerror(errno));
		return;
	}
	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];

		snprintf(path, sizeof(path), UNITS_FOLDER "/%s", entries[i]->d_name);
		start_unit(path);
		free(entries[i]);
	}
	free(entries);
}
