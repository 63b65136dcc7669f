// SPDX-License-Identifier: MPL-2.0
// keel volume: create, ls, rm, inspect, exists. A volume that `run -v NAME:/PATH` names is made where it is missing.
#include <dirent.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../control/control.h"
#include "../../image/store.h"
#include "../../lib/json/json_writer.h"
#include "../../root/volume.h"
#include "../client.h"
#include "../commands.h"
#include "../text.h"

enum { STATUS_ABSENT = 1, STATUS_IN_USE = 2 };

static int check_name(const char *name)
{
	return unit_name_is_valid(name) ? 0 : complain("volume: '%s' is not a volume's name", name);
}

static int create(int count, char **words)
{
	struct fault fault = {0};

	if (count != 1 || check_name(words[0]) != 0)
		return count == 1 ? STATUS_FAILED : complain("volume create: which name?");
	if (volume_create(words[0], &fault) != 0)
		return complain("volume: %s", fault.text);
	printf("%s\n", words[0]);
	return 0;
}

static int is_volume(const struct dirent *entry)
{
	return unit_name_is_valid(entry->d_name) && volume_is_there(entry->d_name);
}

static int list(int count, char **words)
{
	int quiet = count == 1 && (strcmp(words[0], "-q") == 0 || strcmp(words[0], "--quiet") == 0);
	struct dirent **entries = NULL;
	char path[PATH_MAX];
	int found;

	if (count > quiet)
		return complain("volume ls: the only option is -q");
	snprintf(path, sizeof(path), "%s/volumes", store_folder());
	found = scandir(path, &entries, is_volume, alphasort);
	if (found < 0 && errno != ENOENT)
		return complain("volume: cannot list %s: %s", path, strerror(errno));
	if (!quiet)
		printf("%-11s %s\n", "DRIVER", "VOLUME NAME");
	for (int i = 0; i < found; i++) {
		if (quiet)
			printf("%s\n", entries[i]->d_name);
		else
			printf("%-11s %s\n", "local", entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

static int unit_uses(const struct unit *unit, const char *name)
{
	for (size_t i = 0; i < unit->mounts_count; i++) {
		if (unit->mounts[i].type == UNIT_MOUNT_VOLUME && strcmp(unit->mounts[i].source, name) == 0)
			return 1;
	}
	return 0;
}

// Who uses the volume, or "" in `user`. => a status
static int find_user(const char *name, char user[UNIT_NAME_SIZE])
{
	char *text, *rest = NULL;
	int status = client_ask("list", &text);

	user[0] = '\0';
	if (status != 0)
		return status;
	for (char *row = strtok_r(text, "\n", &rest); row != NULL; row = strtok_r(NULL, "\n", &rest)) {
		struct unit *unit;

		if (user[0] != '\0')
			break;
		row[strcspn(row, "\t")] = '\0';
		if (client_read_unit(row, &unit) != 0)
			continue;	// gone since, and said so
		if (unit_uses(unit, name))
			snprintf(user, UNIT_NAME_SIZE, "%s", row);
		unit_destroy(unit);
	}
	free(text);
	return 0;
}

// The store is closed to others meanwhile: who runs an image holds it until init knows the container.
static int remove_one(const char *name)
{
	char user[UNIT_NAME_SIZE];
	struct fault fault = {0};
	int status = check_name(name), error;

	if (status == 0)
		status = find_user(name, user);
	if (status != 0)
		return status;
	if (user[0] != '\0') {
		complain("volume %s is used by the container %s", name, user);
		return STATUS_IN_USE;
	}
	error = volume_remove(name, &fault);
	if (error != 0) {
		complain("volume: %s", fault.text);
		return error == -ENOENT ? STATUS_ABSENT : STATUS_FAILED;
	}
	printf("%s\n", name);
	return 0;
}

static int remove_each(int count, char **words)
{
	struct store store;
	struct fault fault = {0};
	int worst = 0;

	if (count == 0)
		return complain("volume rm: which volume?");
	if (words[0][0] == '-')
		return complain("volume rm: %s is not supported: remove the container first", words[0]);
	if (store_open(&store, STORE_CHANGE, &fault) != 0 || store_lock_readers(&store, &fault) != 0)
		return complain("volume: %s", fault.text);
	for (int i = 0; i < count; i++) {
		int status = remove_one(words[i]);

		worst = status != 0 ? status : worst;
	}
	store_close(&store);
	return worst;
}

static void print_volume(struct json_writer *json, const char *name, const char *path, const struct stat *status)
{
	char time[TEXT_TIME_SIZE];

	text_format_time(time, (int64_t)status->st_ctim.tv_sec * 1000000000 + status->st_ctim.tv_nsec);
	json_begin_object(json, NULL);
	json_string(json, "Name", name);
	json_string(json, "Driver", "local");
	json_string(json, "Mountpoint", path);
	json_string(json, "CreatedAt", time);
	json_string(json, "Scope", "local");
	json_end_object(json);
}

static int inspect(int count, char **words)
{
	struct json_writer json = {.out = stdout};
	int worst = 0;

	if (count == 0)
		return complain("volume inspect: which volume?");
	json_begin_list(&json, NULL);
	for (int i = 0; i < count; i++) {
		char path[PATH_MAX];
		struct stat status;

		volume_path(path, words[i]);
		if (check_name(words[i]) == 0 && stat(path, &status) == 0)
			print_volume(&json, words[i], path, &status);
		else
			worst = complain("volume: no volume is named %s", words[i]);
	}
	json_end_list(&json);
	putchar('\n');
	return worst;
}

static int exists(int count, char **words)
{
	if (count != 1)
		return complain("volume exists: which volume?");
	return check_name(words[0]) == 0 && volume_is_there(words[0]) ? 0 : STATUS_ABSENT;
}

int command_volume(int count, char **arguments)
{
	static const struct {
		const char *verb;
		int (*run)(int count, char **words);
	} verbs[] = {{"create", create}, {"ls", list}, {"list", list}, {"rm", remove_each}, {"remove", remove_each},
		     {"inspect", inspect}, {"exists", exists}};

	for (size_t i = 0; count > 1 && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(arguments[1], verbs[i].verb) == 0)
			return verbs[i].run(count - 2, arguments + 2);
	}
	return complain("volume: create, ls, rm, inspect or exists?");
}
