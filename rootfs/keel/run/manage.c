// SPDX-License-Identifier: MPL-2.0
// The commands that are one question to init: stop, kill, rm, wait, pause, unpause, restart.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../client.h"
#include "../commands.h"

static int names_missing(const char *command, char **names)
{
	if (*names != NULL)
		return 0;
	complain("%s: which container?", command);
	return 1;
}

int command_stop(int count, char **arguments)
{
	static const struct option options[] = {{"time", required_argument, NULL, 't'}, {0}};
	const char *seconds = "-";
	int option;

	while ((option = getopt_long(count, arguments, "+t:", options, NULL)) != -1) {
		if (option != 't')
			return STATUS_FAILED;
		seconds = optarg;
	}
	if (names_missing("stop", arguments + optind))
		return STATUS_FAILED;
	if (seconds[0] == '\0' || strpbrk(seconds, " \n") != NULL || strlen(seconds) > 16)
		return complain("stop: '%s' is not a number of seconds", seconds);
	return client_ask_each("stop", seconds, arguments + optind, CLIENT_ECHO);
}

int command_kill(int count, char **arguments)
{
	static const struct option options[] = {{"signal", required_argument, NULL, 's'}, {0}};
	const char *number = "KILL";
	int option;

	while ((option = getopt_long(count, arguments, "+s:", options, NULL)) != -1) {
		if (option != 's')
			return STATUS_FAILED;
		number = optarg;
	}
	if (names_missing("kill", arguments + optind))
		return STATUS_FAILED;
	if (number[0] == '\0' || strpbrk(number, " \n") != NULL || strlen(number) > 16)
		return complain("kill: '%s' is not a signal", number);
	return client_ask_each("kill", number, arguments + optind, CLIENT_ECHO);
}

int command_rm(int count, char **arguments)
{
	static const struct option options[] = {{"force", no_argument, NULL, 'f'}, {0}};
	const char *how = "keep";
	int option;

	while ((option = getopt_long(count, arguments, "+f", options, NULL)) != -1) {
		if (option != 'f')
			return STATUS_FAILED;
		how = "force";
	}
	if (names_missing("rm", arguments + optind))
		return STATUS_FAILED;
	return client_ask_each("rm", how, arguments + optind, CLIENT_ECHO);
}

int command_wait(int count, char **arguments)
{
	int worst = 0;

	(void)count;
	if (names_missing("wait", arguments + 1))
		return STATUS_FAILED;
	for (char **name = arguments + 1; *name != NULL; name++) {
		char request[256], *ended = NULL;
		int status;

		if (strpbrk(*name, " \n") != NULL || strlen(*name) > 128) {
			worst = complain("'%s' is not a container's name", *name);
			continue;
		}
		snprintf(request, sizeof(request), "wait %s", *name);
		status = client_ask(request, &ended);
		if (ended != NULL)
			printf("%d\n", status);
		else
			worst = status;
		free(ended);
	}
	return worst;
}

int command_pause(int count, char **arguments)
{
	(void)count;
	if (names_missing(arguments[0], arguments + 1))
		return STATUS_FAILED;
	// "pause" and "unpause" are init's words too.
	return client_ask_each(arguments[0], "", arguments + 1, CLIENT_ECHO);
}

int command_restart(int count, char **arguments)
{
	static const struct option options[] = {{"time", required_argument, NULL, 't'}, {0}};
	const char *seconds = "-";
	int option, status;

	while ((option = getopt_long(count, arguments, "+t:", options, NULL)) != -1) {
		if (option != 't')
			return STATUS_FAILED;
		seconds = optarg;
	}
	if (names_missing("restart", arguments + optind))
		return STATUS_FAILED;
	if (seconds[0] == '\0' || strpbrk(seconds, " \n") != NULL || strlen(seconds) > 16)
		return complain("restart: '%s' is not a number of seconds", seconds);
	status = client_ask_each("stop", seconds, arguments + optind, CLIENT_QUIET);
	return status != 0 ? status : client_ask_each("start", "", arguments + optind, CLIENT_ECHO);
}
