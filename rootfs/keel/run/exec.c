// SPDX-License-Identifier: MPL-2.0
// keel exec: one more process in a running container, with the user, capabilities and limits of its unit.
// Init is asked what the container is; the runtime makes the process. What has a terminal is relayed (relay.h).
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../container/bundle/bundle.h"
#include "../../container/bundle/identity.h"
#include "../../container/console.h"
#include "../../container/runtime.h"
#include "../../container/terminal.h"
#include "../../image/complete.h"
#include "../client.h"
#include "../commands.h"
#include "foreground.h"
#include "relay.h"

// A running container: its unit, and its process 1.
struct target {
	struct unit *unit;
	pid_t pid;
};

// Does keel wait for the end, or does the process go on without it?
enum exec_wait { EXEC_ATTACHED, EXEC_DETACHED };

static int read_target(const char *name, struct target *target)
{
	struct fault fault = {0};
	char state[32], pid[32];
	char *facts;
	int status = client_read(name, &facts, &target->unit);

	if (status != 0)
		return status;
	client_fact(facts, "state", state, sizeof(state));
	client_fact(facts, "pid", pid, sizeof(pid));
	free(facts);
	target->pid = (pid_t)strtol(pid, NULL, 10);
	if (strcmp(state, "running") == 0 && target->pid > 0) {
		// The unit of a file says nothing of what its image does.
		if (image_complete_named(target->unit, &fault) == 0)
			return 0;
		unit_destroy(target->unit);
		return complain("exec: %s", fault.text);
	}
	unit_destroy(target->unit);
	return complain("container %s %s", name, strcmp(state, "paused") == 0 ? "is paused" : "does not run");
}

// A user's name is looked up in the container's own files.
static int resolve_user(const struct target *target, struct identity *identity)
{
	struct fault fault = {0};
	char path[64];
	int root, error;

	snprintf(path, sizeof(path), "/proc/%d/root", (int)target->pid);
	root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root < 0)
		return complain("exec: cannot open %s: %s", path, strerror(errno));
	error = identity_resolve(root, target->unit->user, identity, &fault);
	close(root);
	return error == 0 ? 0 : complain("exec: %s", fault.text);
}

static int failure_status(int status, const struct fault *fault)
{
	// Where the runtime could start nothing it has said so on standard error already.
	if (status < 0)
		return complain("exec: %s", fault->text);
	switch (runtime_error(fault)) {
	case -ENOENT:
		return STATUS_NOT_FOUND;
	case -EACCES:
		return STATUS_NOT_RUNNABLE;
	default:
		return STATUS_FAILED;
	}
}

static int run_in_terminal(const struct unit *unit, const char *process, const struct detach_keys *keys)
{
	char log[PATH_MAX + 8], console[PATH_MAX + 8];
	const char *const words[] = {"exec", "--console-socket", console, "--process", process, unit->name, NULL};
	struct relay relay = {.keys = *keys};
	struct runtime_stdio stdio = {-1, -1, STDERR_FILENO};
	struct fault fault = {0};
	int status;

	snprintf(log, sizeof(log), "%s.log", process);
	snprintf(console, sizeof(console), "%s.tty", process);
	if (console_listen(console, &relay.listener, &fault) != 0)
		return complain("exec: %s", fault.text);
	relay.input = (unit->flags & UNIT_STDIN) != 0 ? RELAY_INPUT : RELAY_NO_INPUT;
	if (!isatty(STDIN_FILENO))
		relay.keys.count = 0;	// in a pipe they are data
	stdio.input = stdio.output = open("/dev/null", O_RDWR | O_CLOEXEC);
	relay_prepare();
	relay.runtime = runtime_start(log, words, &stdio, &fault);
	if (relay.runtime > 0 && relay_run(&relay) == RELAY_DETACHED)
		status = 0;
	else
		status = relay.runtime > 0 ? runtime_finish(relay.runtime, log, &fault) : (int)relay.runtime;
	unlink(console);
	close(relay.listener);
	close(stdio.input);
	return status >= 0 && fault.text[0] == '\0' ? status : failure_status(status, &fault);
}

static int run_process(const struct unit *unit, const char *process, enum exec_wait wait)
{
	const char *const attached[] = {"exec", "--process", process, unit->name, NULL};
	const char *const detached[] = {"exec", "--detach", "--process", process, unit->name, NULL};
	struct runtime_stdio stdio = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO};
	struct fault fault = {0};
	char log[PATH_MAX + 8];
	int status;

	if (wait == EXEC_DETACHED || (unit->flags & (UNIT_STDIN | UNIT_TERMINAL)) == 0) {
		stdio.input = open("/dev/null", O_RDWR | O_CLOEXEC);
		if (stdio.input < 0)
			return complain("cannot open /dev/null: %s", strerror(errno));
	}
	// What nobody waits for has nobody to talk to.
	if (wait == EXEC_DETACHED)
		stdio.output = stdio.error = stdio.input;
	snprintf(log, sizeof(log), "%s.log", process);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	status = runtime_run(log, wait == EXEC_DETACHED ? detached : attached, &stdio, &fault);
	return status >= 0 && fault.text[0] == '\0' ? status : failure_status(status, &fault);
}

static int run_inside(const struct target *target, enum exec_wait wait, const struct detach_keys *keys)
{
	struct identity identity;
	struct fault fault = {0};
	char process[PATH_MAX], file[32];
	int status = resolve_user(target, &identity);

	if (status != 0)
		return status;
	snprintf(file, sizeof(file), "exec-%d", (int)getpid());
	bundle_path(process, target->unit->name, file);
	terminal_read_size(STDOUT_FILENO, &target->unit->rows, &target->unit->columns);
	if (bundle_write_process(target->unit, &identity, process, &fault) != 0)
		return complain("exec: %s", fault.text);
	if ((target->unit->flags & UNIT_TERMINAL) != 0)
		status = run_in_terminal(target->unit, process, keys);
	else
		status = run_process(target->unit, process, wait);
	unlink(process);
	return status;
}

static int set_option(struct unit *unit, int option, const char *value)
{
	size_t count = 0;

	switch (option) {
	case 'i':
		unit->flags |= UNIT_STDIN;
		return 0;
	case 't':
		unit->flags |= UNIT_TERMINAL;
		return 0;
	case 'u':
		unit->user = value;
		return 0;
	case 'w':
		unit->directory = value;
		return 0;
	case 'e':
		while (unit->environment[count] != NULL)
			count++;
		if (count == UNIT_ENVIRONMENT_MAX || strchr(value, '=') == NULL)
			return complain("exec: '%s' is not NAME=VALUE", value);
		unit->environment[count] = value;
		return 0;
	default:
		return STATUS_FAILED;
	}
}

// Puts what was asked for on the command line over the container's unit.
static int override(struct unit *unit, const struct unit *wanted, char **command)
{
	size_t count = 0;

	unit->flags = (unit->flags & ~(unsigned)(UNIT_TERMINAL | UNIT_STDIN)) | wanted->flags;
	if (wanted->user != NULL)
		unit->user = wanted->user;
	if (wanted->directory != NULL)
		unit->directory = wanted->directory;
	for (size_t i = 0; wanted->environment[i] != NULL; i++) {
		if (set_option(unit, 'e', wanted->environment[i]) != 0)
			return STATUS_FAILED;
	}
	for (; command[count] != NULL; count++) {
		if (count == UNIT_ARGUMENTS_MAX)
			return complain("exec: more than %d words", UNIT_ARGUMENTS_MAX);
		unit->command[count] = command[count];
	}
	unit->command[count] = NULL;
	return 0;
}

int command_exec_in(int count, char **arguments)
{
	static const struct option options[] = {
		{"interactive", no_argument, NULL, 'i'}, {"tty", no_argument, NULL, 't'},
		{"user", required_argument, NULL, 'u'}, {"workdir", required_argument, NULL, 'w'},
		{"env", required_argument, NULL, 'e'}, {"detach", no_argument, NULL, 'd'},
		FOREGROUND_KEYS_OPTION, {0}};
	enum exec_wait wait = EXEC_ATTACHED;
	static struct unit wanted;
	struct target target = {0};
	struct detach_keys keys;
	int option, status;

	detach_keys_parse(&keys, DETACH_KEYS_DEFAULT);
	while ((option = getopt_long(count, arguments, "+ditu:w:e:", options, NULL)) != -1) {
		if (option == 'd')
			wait = EXEC_DETACHED;
		else if (option == FOREGROUND_KEYS && foreground_read_keys(&keys, optarg) != 0)
			return STATUS_FAILED;
		else if (option == FOREGROUND_KEYS)
			continue;
		else if (option == '?' || set_option(&wanted, option, optarg) != 0)
			return STATUS_FAILED;
	}
	if (count - optind < 2)
		return complain("exec: expected a container and a command");
	if (wait == EXEC_DETACHED && (wanted.flags & UNIT_TERMINAL) != 0)
		return complain("exec: a process that is detached has no terminal: -d or -t");
	status = read_target(arguments[optind], &target);
	if (status != 0)
		return status;
	status = override(target.unit, &wanted, arguments + optind + 1);
	if (status == 0)
		status = run_inside(&target, wait, &keys);
	unit_destroy(target.unit);
	return status;
}
