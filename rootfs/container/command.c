// SPDX-License-Identifier: MPL-2.0
#include "command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "world.h"

static int set_variable(const char *name, const char *value, struct fault *fault)
{
	if (setenv(name, value, 1) < 0)
		return fault_errno(fault, "cannot set %s", name);
	return 0;
}

static int build_environment(const struct unit *unit, const char *home, struct fault *fault)
{
	int error;

	clearenv();
	error = set_variable("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			     fault);
	if (error == 0)
		error = set_variable("HOME", home, fault);
	if (error == 0)
		error = set_variable("HOSTNAME", unit->hostname, fault);
	if (error == 0)
		error = set_variable("container", "keel", fault);
	if (error == 0 && (unit->flags & UNIT_TERMINAL) != 0)
		error = set_variable("TERM", "xterm", fault);
	for (size_t i = 0; error == 0 && unit->environment[i] != NULL; i++) {
		if (putenv((char *)unit->environment[i]) != 0)
			error = fault_errno(fault, "cannot set the environment");
	}
	return error;
}

int command_exec(const struct unit *unit, const char *const *command, const char *home,
		 struct fault *fault)
{
	const char *arguments[UNIT_ARGUMENTS_MAX + 2];
	size_t count = 0;
	int error = build_environment(unit, home, fault);

	if (error != 0)
		return error;
	if (chdir(unit->directory) < 0)
		return fault_errno(fault, "cannot enter the working directory %s",
				   unit->directory);
	if ((unit->flags & UNIT_INIT) != 0 && getpid() == 1)
		arguments[count++] = WORLD_INIT_TARGET;
	for (size_t i = 0; command[i] != NULL && i < UNIT_ARGUMENTS_MAX; i++)
		arguments[count++] = command[i];
	arguments[count] = NULL;
	execvp(arguments[0], (char *const *)arguments);
	return fault_errno(fault, "cannot run %s", arguments[0]);
}
