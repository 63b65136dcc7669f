// SPDX-License-Identifier: MPL-2.0
// keel ps: the running containers and all that units describe, whatever became of them; -a adds the
// ended ones of keel run.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../control/control.h"
#include "client.h"
#include "commands.h"
#include "text.h"

enum { COMMAND_WIDTH = 22, IMAGE_WIDTH = 32, STATUS_SIZE = 64, ROWS_MAX = 256 };

enum which { WHICH_CURRENT, WHICH_ALL };

static void format_status(char status[STATUS_SIZE], char *columns[CONTROL_COLUMNS])
{
	const char *state = columns[COLUMN_STATE];
	char age[TEXT_AGE_SIZE];

	text_format_duration(age, atol(columns[COLUMN_CHANGED_S]));
	if (strcmp(state, "running") == 0)
		snprintf(status, STATUS_SIZE, "Up %s", age);
	else if (strcmp(state, "exited") == 0)
		snprintf(status, STATUS_SIZE, "Exited (%s) %s ago", columns[COLUMN_STATUS], age);
	else if (strcmp(state, "waiting") == 0)
		snprintf(status, STATUS_SIZE, "Restarting (%s) %s ago", columns[COLUMN_STATUS],
			 age);
	else if (strcmp(state, "starting") == 0)
		snprintf(status, STATUS_SIZE, "Starting");
	else if (strcmp(state, "stopping") == 0)
		snprintf(status, STATUS_SIZE, "Stopping");
	else
		snprintf(status, STATUS_SIZE, "Created");
}

static void shorten(char *text, size_t width)
{
	if (strlen(text) > width)
		strcpy(text + width - 3, "...");
}

static int is_shown(char *columns[CONTROL_COLUMNS], enum which which)
{
	return which == WHICH_ALL || strcmp(columns[COLUMN_ORIGIN], "unit") == 0 ||
	       (strcmp(columns[COLUMN_STATE], "exited") != 0 &&
		strcmp(columns[COLUMN_STATE], "created") != 0);
}

static void print_row(char *columns[CONTROL_COLUMNS])
{
	char status[STATUS_SIZE], age[TEXT_AGE_SIZE];

	format_status(status, columns);
	text_format_age(age, atol(columns[COLUMN_CREATED_S]));
	shorten(columns[COLUMN_IMAGE], IMAGE_WIDTH);
	shorten(columns[COLUMN_COMMAND], COMMAND_WIDTH);
	printf("%-12s  %-*s  %-*s  %-15s  %-31s  %s\n", columns[COLUMN_ID], IMAGE_WIDTH,
	       columns[COLUMN_IMAGE], COMMAND_WIDTH, columns[COLUMN_COMMAND], age, status,
	       columns[COLUMN_NAME]);
}

int command_ps(int count, char **arguments)
{
	static const struct option options[] = {{"all", no_argument, NULL, 'a'},
						{"quiet", no_argument, NULL, 'q'}, {0}};
	enum which which = WHICH_CURRENT;
	int ids_only = 0;
	int option, status;
	char *text, *rest = NULL;

	while ((option = getopt_long(count, arguments, "aq", options, NULL)) != -1) {
		if (option == '?')
			return STATUS_FAILED;
		which = option == 'a' ? WHICH_ALL : which;
		ids_only |= option == 'q';
	}
	status = client_ask("list", &text);
	if (status != 0)
		return status;
	if (!ids_only)
		printf("%-12s  %-*s  %-*s  %-15s  %-31s  %s\n", "CONTAINER ID", IMAGE_WIDTH, "IMAGE",
		       COMMAND_WIDTH, "COMMAND", "CREATED", "STATUS", "NAMES");
	for (char *row = strtok_r(text, "\n", &rest); row != NULL;
	     row = strtok_r(NULL, "\n", &rest)) {
		char *columns[CONTROL_COLUMNS];

		if (!text_split_row(row, columns, CONTROL_COLUMNS) || !is_shown(columns, which))
			continue;
		if (ids_only)
			printf("%s\n", columns[COLUMN_ID]);
		else
			print_row(columns);
	}
	free(text);
	return 0;
}
