// SPDX-License-Identifier: MPL-2.0
// keel run. In the foreground keel hands its own standard descriptors to init, which gives them to the
// container's supervisor: bytes never pass through keel. It only waits, passes signals on, and keeps
// the terminal raw meanwhile.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../control/control.h"
#include "../../image/complete.h"
#include "../../lib/unit/unit_write.h"
#include "../client.h"
#include "../commands.h"
#include "../raw_terminal.h"
#include "run_options.h"

static volatile sig_atomic_t passed_on[32];

static void note_signal(int number)
{
	passed_on[number] = 1;
}

static void catch_signals(sigset_t *asleep)
{
	static const int caught[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH};
	struct sigaction action = {.sa_handler = note_signal};
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++) {
		sigaction(caught[i], &action, NULL);
		sigaddset(&blocked, caught[i]);
	}
	sigprocmask(SIG_BLOCK, &blocked, asleep);
}

static void pass_signals(int fd, const char *name)
{
	for (int number = 1; number < 32; number++) {
		char request[128];

		if (!passed_on[number])
			continue;
		passed_on[number] = 0;
		if (number == SIGWINCH) {
			control_send(fd, "resize", strlen("resize"), NULL, 0);
			continue;
		}
		snprintf(request, sizeof(request), "kill %s %d", name, number);
		client_ask(request, NULL);
	}
}

// Waits for the end of the container, passing signals on in between.
static int wait_for_end(int fd, const char *name, const sigset_t *asleep)
{
	struct pollfd polled = {.fd = fd, .events = POLLIN};
	char *text;
	int status;

	while (ppoll(&polled, 1, NULL, asleep) <= 0)
		pass_signals(fd, name);
	status = client_hear(fd, &text);
	free(text);
	return status;
}

static int run_attached(int fd, const struct unit *unit, struct store *store)
{
	sigset_t asleep;
	char *text;
	int status;

	catch_signals(&asleep);
	if ((unit->flags & UNIT_TERMINAL) != 0 && (unit->flags & UNIT_STDIN) != 0)
		raw_terminal_begin(STDIN_FILENO);
	status = client_hear(fd, &text);
	free(text);
	store_close(store);
	if (status == 0)
		status = wait_for_end(fd, unit->name, &asleep);
	raw_terminal_end();
	return status;
}

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

static int send_unit(int fd, enum run_mode mode, const char *text)
{
	static const int standard[3] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
	static const char *const requests[] = {[RUN_ATTACHED] = "run attach", [RUN_DETACHED] = "run detach",
					       [RUN_CREATED] = "create"};
	char *request = NULL;
	int length = asprintf(&request, "%s\n%s", requests[mode], text);
	int error;

	if (length < 0)
		return complain("no memory");
	error = control_send(fd, request, (size_t)length, standard, mode == RUN_ATTACHED ? 3 : 0);
	free(request);
	return error == 0 ? 0 : complain("cannot send the unit to init: %s", strerror(-error));
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

static int run_unit(struct unit *unit, enum run_mode mode, struct store *store)
{
	int status = complete(unit, store), fd;
	char *text = status == 0 ? unit_write(unit) : NULL;

	if (text == NULL)
		return status != 0 ? status : complain("no memory");
	fd = client_connect();
	status = fd < 0 ? STATUS_FAILED : send_unit(fd, mode, text);
	free(text);
	if (status == 0)
		status = mode == RUN_ATTACHED ? run_attached(fd, unit, store) : run_detached(fd, unit);
	if (fd >= 0)
		close(fd);
	return status;
}

static int run_or_create(int count, char **arguments, enum run_mode wanted)
{
	struct store store = {-1, -1, -1};
	struct fault fault = {0};
	enum run_mode mode;
	struct unit *unit;
	char *text = NULL;
	int status = run_options_read(count, arguments, &mode, &text);

	if (status != 0)
		return status < 0 ? 0 : status;
	// Init judges it anyway, but here the message needs no line number to be understood.
	if (unit_parse(text, strlen(text), NULL, &unit, &fault) != 0) {
		const char *reason = strchr(fault.text, ':');

		free(text);
		return complain("run%s", reason != NULL ? reason : fault.text);
	}
	free(text);
	status = run_unit(unit, wanted == RUN_CREATED ? wanted : mode, &store);
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

static int start_attached(const char *name)
{
	static const int standard[3] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
	struct store none = {-1, -1, -1};
	struct unit *unit;
	char request[256];
	int fd, status = client_read_unit(name, &unit);

	if (status != 0)
		return status;
	fd = client_connect();
	if (fd < 0) {
		unit_destroy(unit);
		return STATUS_FAILED;
	}
	snprintf(request, sizeof(request), "start %.128s attach", name);
	if (control_send(fd, request, strlen(request), standard, 3) != 0)
		status = complain("init does not listen");
	else
		status = run_attached(fd, unit, &none);
	close(fd);
	unit_destroy(unit);
	return status;
}

int command_start(int count, char **arguments)
{
	static const struct option options[] = {{"attach", no_argument, NULL, 'a'},
						{"interactive", no_argument, NULL, 'i'}, {0}};
	int option, attach = 0;

	while ((option = getopt_long(count, arguments, "+ai", options, NULL)) != -1) {
		if (option == '?')
			return STATUS_FAILED;
		attach |= option == 'a';
	}
	if (optind == count)
		return complain("start: which container?");
	if (!attach)
		return client_ask_each("start", "", arguments + optind, CLIENT_ECHO);
	return optind + 1 == count ? start_attached(arguments[optind])
				   : complain("start: only one container can be attached to");
}
