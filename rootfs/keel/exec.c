// SPDX-License-Identifier: MPL-2.0
// keel exec: one more process in the world of a running container, with the user, capabilities and
// limits of its unit. Init is asked only who the container is.
//
// Theory: the namespaces are opened first, then it is checked that the process they came from still is
// that container (its control group says so), so that a number used again cannot lead elsewhere. Joining
// a pid namespace holds for children only, hence the fork; with -t the child opens a terminal of the
// container and sends the master back, and keel copies between the two.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../container/cgroup.h"
#include "../container/command.h"
#include "../container/identity.h"
#include "../container/terminal.h"
#include "../control/descriptor_pass.h"
#include "../lib/file.h"
#include "client.h"
#include "commands.h"
#include "raw_terminal.h"

enum { NAMESPACES = 6, CHUNK_SIZE = 4096 };

static const char *const namespaces[NAMESPACES] = {"ipc", "uts", "net", "cgroup", "pid", "mnt"};

struct target {
	struct unit *unit;
	pid_t pid;
	int namespaces[NAMESPACES];
};

static int read_target(const char *name, struct target *target)
{
	struct fault fault = {0};
	char request[256];
	char *text, *body, *pid;
	int status, error;

	snprintf(request, sizeof(request), "inspect %.128s", name);
	status = client_ask(request, &text);
	if (status != 0)
		return status;
	body = strstr(text, "\n\n");
	pid = strstr(text, "\npid: ");
	target->pid = pid != NULL ? atoi(pid + 6) : 0;
	if (body == NULL || target->pid <= 0 || strstr(text, "\nstate: running\n") == NULL) {
		free(text);
		return complain("container %s does not run", name);
	}
	error = unit_parse(body + 2, strlen(body + 2), name, &target->unit, &fault);
	free(text);
	return error == 0 ? 0 : complain("init answers with a bad unit: %s", fault.text);
}

// Does the process belong to the container's control group?
static int is_container(const struct target *target)
{
	char path[64], line[256], expected[256];

	snprintf(path, sizeof(path), "/proc/%d/cgroup", (int)target->pid);
	snprintf(expected, sizeof(expected), "0::/keel/%s", target->unit->name);
	return file_read_line(path, line, sizeof(line)) == 0 && strcmp(line, expected) == 0;
}

static int open_namespaces(struct target *target)
{
	for (int i = 0; i < NAMESPACES; i++) {
		char path[64];

		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)target->pid, namespaces[i]);
		target->namespaces[i] = open(path, O_RDONLY | O_CLOEXEC);
		if (target->namespaces[i] < 0)
			return complain("cannot open %s: %s", path, strerror(errno));
	}
	if (!is_container(target))
		return complain("container %s has just ended", target->unit->name);
	return 0;
}

static int join(const struct target *target)
{
	struct fault fault = {0};

	if (cgroup_add(target->unit->name, getpid(), &fault) != 0)
		return complain("%s", fault.text);
	for (int i = 0; i < NAMESPACES; i++) {
		if (setns(target->namespaces[i], 0) < 0)
			return complain("cannot enter the %s namespace: %s", namespaces[i],
					strerror(errno));
		close(target->namespaces[i]);
	}
	return chdir("/") < 0 ? complain("cannot enter the root: %s", strerror(errno)) : 0;
}

static int failure_status(int error)
{
	if (error == -ENOENT)
		return STATUS_NOT_FOUND;
	return error == -EACCES || error == -ENOEXEC ? STATUS_NOT_RUNNABLE : STATUS_FAILED;
}

// In the child, inside the container: becomes the command. Returns the status of a failure.
static int become_command(const struct unit *unit, char **command, int channel)
{
	struct identity identity;
	struct fault fault = {0};
	int error = identity_resolve(unit->user, &identity, &fault);

	if (error == 0 && (unit->flags & UNIT_TERMINAL) != 0) {
		char path[32];
		int master;

		setsid();
		error = terminal_open(identity.uid, &master, path, &fault);
		if (error == 0)
			error = descriptor_send(channel, "t", 1, master);
		if (error == 0)
			close(master);
	}
	if (error == 0)
		error = identity_assume(unit, &identity, &fault);
	if (error == 0)
		error = command_exec(unit, (const char *const *)command, identity.home, &fault);
	complain("%s", fault.text);
	return failure_status(error);
}

static volatile sig_atomic_t resized;

static void note_resize(int number)
{
	(void)number;
	resized = 1;
}

// Copies between the user's terminal and the container's until the latter's side is closed.
static void copy_terminal(int master)
{
	struct pollfd polled[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
				   {.fd = master, .events = POLLIN}};
	char bytes[CHUNK_SIZE];
	ssize_t got;

	signal(SIGWINCH, note_resize);
	terminal_copy_size(STDOUT_FILENO, master);
	for (;;) {
		if (poll(polled, 2, -1) < 0 && errno != EINTR)
			return;
		if (resized) {
			resized = 0;
			terminal_copy_size(STDOUT_FILENO, master);
			continue;
		}
		if (polled[1].revents != 0) {
			got = read(master, bytes, sizeof(bytes));
			if (got <= 0 || file_write_all(STDOUT_FILENO, bytes, (size_t)got) != 0)
				return;
		}
		if (polled[0].revents != 0) {
			got = read(STDIN_FILENO, bytes, sizeof(bytes));
			if (got <= 0)
				polled[0].fd = -1;
			else if (file_write_all(master, bytes, (size_t)got) != 0)
				return;
		}
	}
}

static int wait_for_child(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return complain("cannot wait: %s", strerror(errno));
	}
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int run_inside(const struct target *target, char **command)
{
	int channel[2];
	int status;
	pid_t child;

	// From here on nobody in the container may look into this process.
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel) < 0)
		return complain("cannot make a socket pair: %s", strerror(errno));
	status = join(target);
	if (status != 0)
		return status;
	child = fork();
	if (child == 0) {
		close(channel[0]);
		_exit(become_command(target->unit, command, channel[1]));
	}
	close(channel[1]);
	if (child < 0)
		return complain("cannot make a process: %s", strerror(errno));
	if ((target->unit->flags & UNIT_TERMINAL) != 0) {
		char byte;
		int master;

		if (descriptor_receive(channel[0], &byte, 1, &master) == 1 && master >= 0) {
			raw_terminal_begin(STDIN_FILENO);
			copy_terminal(master);
			close(master);
		}
	} else {
		signal(SIGINT, SIG_IGN);
		signal(SIGQUIT, SIG_IGN);
	}
	status = wait_for_child(child);
	raw_terminal_end();
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

int command_exec_in(int count, char **arguments)
{
	static const struct option options[] = {
		{"interactive", no_argument, NULL, 'i'}, {"tty", no_argument, NULL, 't'},
		{"user", required_argument, NULL, 'u'}, {"workdir", required_argument, NULL, 'w'},
		{"env", required_argument, NULL, 'e'}, {0}};
	static struct unit wanted;
	struct target target = {0};
	int option, status;

	while ((option = getopt_long(count, arguments, "+itu:w:e:", options, NULL)) != -1) {
		if (option == '?' || set_option(&wanted, option, optarg) != 0)
			return STATUS_FAILED;
	}
	if (count - optind < 2)
		return complain("exec: expected a container and a command");
	status = read_target(arguments[optind], &target);
	if (status != 0)
		return status;
	target.unit->flags = (target.unit->flags & ~(unsigned)(UNIT_TERMINAL | UNIT_STDIN)) |
			     wanted.flags;
	if (wanted.user != NULL)
		target.unit->user = wanted.user;
	if (wanted.directory != NULL)
		target.unit->directory = wanted.directory;
	for (size_t i = 0; wanted.environment[i] != NULL; i++) {
		if (set_option(target.unit, 'e', wanted.environment[i]) != 0)
			return STATUS_FAILED;
	}
	status = open_namespaces(&target);
	if (status == 0)
		status = run_inside(&target, arguments + optind + 1);
	unit_destroy(target.unit);
	return status;
}
