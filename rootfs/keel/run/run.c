// SPDX-License-Identifier: MPL-2.0
// keel run, create, start.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../control/control.h"
#include "../../image/complete.h"
#include "../../lib/unit/unit_write.h"
#include "../client.h"
#include "../commands.h"
#include "foreground.h"
#include "run_options.h"

static int sync_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int error = fd < 0 || fsync(fd) < 0 ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return error;
}

// Who wants it back after a boot may rely on that from now on.
static void sync_record(const struct unit *unit, const char *id)
{
	char path[PATH_MAX];
	int error;

	if (unit->restart != UNIT_RESTART_ALWAYS && unit->restart != UNIT_RESTART_UNLESS_STOPPED)
		return;
	snprintf(path, sizeof(path), CONTROL_RECORDS "/%s", id);
	error = sync_path(path);
	if (error == 0)
		error = sync_path(CONTROL_RECORDS);
	if (error != 0)
		complain("%s runs, but a power loss would forget it: %s", unit->name, strerror(-error));
}

static int run_detached(int fd, const struct unit *unit)
{
	char *text;
	int status = client_hear(fd, &text);

	if (status == 0) {
		const char *id = strchr(text, ' ');

		id = id != NULL ? id + 1 : text;
		sync_record(unit, id);
		printf("%s\n", id);
	}
	free(text);
	return status;
}

// => the request, to be freed, or NULL
static char *make_request(enum run_mode mode, const char *text)
{
	static const char *const requests[] = {[RUN_ATTACHED] = "run attach", [RUN_DETACHED] = "run detach",
					       [RUN_CREATED] = "create"};
	char *request = NULL;

	return asprintf(&request, "%s\n%s", requests[mode], text) >= 0 ? request : NULL;
}

static int run_attached(const char *request, const struct unit *unit, const struct detach_keys *keys,
			struct store *store)
{
	struct foreground foreground;
	int status = foreground_begin(&foreground, unit, keys, request);

	// Init has read the unit when it answers.
	if (status == 0)
		status = foreground_start(&foreground);
	store_close(store);
	if (status == 0)
		status = foreground_wait(&foreground, unit->name);
	foreground_end(&foreground);
	return status;
}

static int run_alone(const char *request, const struct unit *unit)
{
	int fd = client_connect(), status = STATUS_FAILED;

	if (fd < 0)
		return status;
	if (control_send(fd, request, strlen(request), NULL, 0) == 0)
		status = run_detached(fd, unit);
	else
		complain("init does not listen");
	close(fd);
	return status;
}

// An image of the store completes the unit here, so that init and `keel ps` know what runs; and the image may not go
// until init has the container: the store stays open meanwhile.
static int complete(struct unit *unit, struct store *store)
{
	struct fault fault = {0};
	struct image image;
	int error;

	if (unit->rootfs != NULL)
		return 0;
	error = store_open(store, STORE_READ, &fault);
	if (error == 0)
		error = image_find(store, unit->image, &image, &fault);
	if (error == 0) {
		error = image_complete_unit(&image, unit, &fault);
		image_free(&image);
	}
	return error == 0 ? 0 : complain("run: %s", fault.text);
}

static int run_unit(struct unit *unit, const struct run_wish *wish, struct store *store)
{
	int status = complete(unit, store);
	char *text = status == 0 ? unit_write(unit) : NULL, *request;

	if (status != 0)
		return status;
	request = text != NULL ? make_request(wish->mode, text) : NULL;
	free(text);
	if (request == NULL)
		return complain("no memory");
	status = wish->mode == RUN_ATTACHED ? run_attached(request, unit, &wish->keys, store)
					    : run_alone(request, unit);
	free(request);
	return status;
}

static int run_or_create(int count, char **arguments, enum run_mode wanted)
{
	struct store store = {-1, -1, -1};
	struct fault fault = {0};
	struct run_wish wish;
	struct unit *unit;
	char *text = NULL;
	int status = run_options_read(count, arguments, &wish, &text);

	if (status != 0)
		return status < 0 ? 0 : status;
	// Init judges it anyway, but here the message needs no line number to be understood.
	if (unit_parse(text, strlen(text), NULL, &unit, &fault) != 0) {
		const char *reason = strchr(fault.text, ':');

		free(text);
		return complain("run%s", reason != NULL ? reason : fault.text);
	}
	free(text);
	if (wanted == RUN_CREATED)
		wish.mode = wanted;
	status = run_unit(unit, &wish, &store);
	store_close(&store);
	unit_destroy(unit);
	return status;
}

int command_run(int count, char **arguments)
{
	return run_or_create(count, arguments, RUN_ATTACHED);
}

int command_create(int count, char **arguments)
{
	return run_or_create(count, arguments, RUN_CREATED);
}

static int start_attached(const char *name, const struct detach_keys *keys)
{
	struct store none = {-1, -1, -1};
	struct unit *unit;
	char request[256];
	int status = client_read_unit(name, &unit);

	if (status != 0)
		return status;
	snprintf(request, sizeof(request), "start %.128s attach", name);
	status = run_attached(request, unit, keys, &none);
	unit_destroy(unit);
	return status;
}

int command_start(int count, char **arguments)
{
	static const struct option options[] = {{"attach", no_argument, NULL, 'a'},
						{"interactive", no_argument, NULL, 'i'},
						FOREGROUND_KEYS_OPTION, {0}};
	struct detach_keys keys;
	int option, attach = 0;

	detach_keys_parse(&keys, DETACH_KEYS_DEFAULT);

	while ((option = getopt_long(count, arguments, "+ai", options, NULL)) != -1) {
		if (option == '?' || (option == FOREGROUND_KEYS && foreground_read_keys(&keys, optarg) != 0))
			return STATUS_FAILED;
		attach |= option == 'a';
	}
	if (optind == count)
		return complain("start: which container?");
	if (!attach)
		return client_ask_each("start", "", arguments + optind, CLIENT_ECHO);
	return optind + 1 == count ? start_attached(arguments[optind], &keys)
				   : complain("start: only one container can be attached to");
}
