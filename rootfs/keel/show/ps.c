// SPDX-License-Identifier: MPL-2.0
// keel ps: the running containers and all that units describe, whatever became of them; -a adds the
// ended ones of keel run.
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../control/control.h"
#include "../../lib/json/json_writer.h"
#include "../client.h"
#include "../commands.h"
#include "../template.h"
#include "../text.h"

enum { ID_WIDTH = 12, COMMAND_WIDTH = 22, IMAGE_WIDTH = 32, STATUS_SIZE = 64 };

enum which { WHICH_CURRENT, WHICH_ALL };

static void format_status(char status[STATUS_SIZE], char *columns[CONTROL_COLUMNS])
{
	const char *state = columns[COLUMN_STATE];
	char age[TEXT_AGE_SIZE];

	text_format_duration(age, atol(columns[COLUMN_CHANGED_S]));
	if (strcmp(state, "running") == 0)
		snprintf(status, STATUS_SIZE, "Up %s", age);
	else if (strcmp(state, "paused") == 0)
		snprintf(status, STATUS_SIZE, "Up %s (Paused)", age);
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

// "name=PART", "status=STATE", "ancestor=IMAGE", "id=DIGITS"
static int passes(char *columns[CONTROL_COLUMNS], const char *filter)
{
	const char *value = filter != NULL ? strchr(filter, '=') + 1 : NULL;

	if (filter == NULL)
		return 1;
	if (strncmp(filter, "name=", 5) == 0)
		return strstr(columns[COLUMN_NAME], value) != NULL;
	if (strncmp(filter, "status=", 7) == 0)
		return strcmp(columns[COLUMN_STATE], value) == 0;
	if (strncmp(filter, "id=", 3) == 0)
		return strncmp(columns[COLUMN_ID], value, strlen(value)) == 0;
	return strncmp(filter, "ancestor=", 9) == 0 && strstr(columns[COLUMN_IMAGE], value) != NULL;
}

static int is_shown(char *columns[CONTROL_COLUMNS], enum which which)
{
	return which == WHICH_ALL || strcmp(columns[COLUMN_ORIGIN], "unit") == 0 ||
	       (strcmp(columns[COLUMN_STATE], "exited") != 0 &&
		strcmp(columns[COLUMN_STATE], "created") != 0);
}

enum ps_flags { PS_QUIET = 1 << 0, PS_WHOLE = 1 << 1, PS_JSON = 1 << 2, PS_NO_HEADING = 1 << 3 };

static void print_line(const char *const *texts)
{
	printf("%-12s  %-*s  %-*s  %-15s  %-31s  %-5s  %s\n", texts[0], IMAGE_WIDTH, texts[1], COMMAND_WIDTH, texts[2],
	       texts[3], texts[4], texts[5], texts[6]);
}

static void print_row(char *columns[CONTROL_COLUMNS], unsigned flags)
{
	char status[STATUS_SIZE], age[TEXT_AGE_SIZE];

	if ((flags & PS_WHOLE) == 0) {
		columns[COLUMN_ID][ID_WIDTH] = '\0';
		shorten(columns[COLUMN_IMAGE], IMAGE_WIDTH);
		shorten(columns[COLUMN_COMMAND], COMMAND_WIDTH);
	}
	if ((flags & PS_QUIET) != 0) {
		printf("%s\n", columns[COLUMN_ID]);
		return;
	}
	format_status(status, columns);
	text_format_age(age, atol(columns[COLUMN_CREATED_S]));
	print_line((const char *const[]){columns[COLUMN_ID], columns[COLUMN_IMAGE], columns[COLUMN_COMMAND], age,
					 status, "", columns[COLUMN_NAME]});
}

static void print_json(struct json_writer *json, char *columns[CONTROL_COLUMNS])
{
	char status[STATUS_SIZE];

	format_status(status, columns);
	json_begin_object(json, NULL);
	json_string(json, "Id", columns[COLUMN_ID]);
	json_strings(json, "Names", (const char *const[]){columns[COLUMN_NAME], NULL});
	json_string(json, "Image", columns[COLUMN_IMAGE]);
	json_string(json, "ImageID", columns[COLUMN_IMAGE_ID][0] == '-' ? "" : columns[COLUMN_IMAGE_ID] + 7);
	json_string(json, "Command", columns[COLUMN_COMMAND]);
	json_string(json, "State", columns[COLUMN_STATE]);
	json_string(json, "Status", status);
	json_number(json, "Pid", atol(columns[COLUMN_PID]));
	json_number(json, "ExitCode", atol(columns[COLUMN_STATUS]));
	json_number(json, "Restarts", atol(columns[COLUMN_RESTARTS]));
	json_number(json, "Created", (int64_t)time(NULL) - atol(columns[COLUMN_CREATED_S]));
	json_end_object(json);
}

// The fields have podman's names.
static int print_templated(struct template *template, char *columns[CONTROL_COLUMNS], unsigned flags)
{
	char status[STATUS_SIZE], age[TEXT_AGE_SIZE], created[32];
	const char *image_id = columns[COLUMN_IMAGE_ID][0] == '-' ? "" : columns[COLUMN_IMAGE_ID] + 7;

	if ((flags & PS_WHOLE) == 0)
		columns[COLUMN_ID][ID_WIDTH] = '\0';
	format_status(status, columns);
	text_format_age(age, atol(columns[COLUMN_CREATED_S]));
	snprintf(created, sizeof(created), "%lld", (long long)time(NULL) - atol(columns[COLUMN_CREATED_S]));
	return template_row(template, template_field_value, (const struct template_field[]){
		{"ID", "", columns[COLUMN_ID]}, {"Names", "", columns[COLUMN_NAME]},
		{"Image", "", columns[COLUMN_IMAGE]}, {"ImageID", "", image_id},
		{"Command", "", columns[COLUMN_COMMAND]}, {"Created", "", created},
		{"RunningFor", "", age}, {"CreatedHuman", "", age}, {"Status", "", status},
		{"State", "", columns[COLUMN_STATE]}, {"Pid", "", columns[COLUMN_PID]},
		{"ExitCode", "", columns[COLUMN_STATUS]}, {"Restarts", "", columns[COLUMN_RESTARTS]}, {"Ports", "", ""},
		{0}});
}

static const struct template_field headings[] = {
	{"ID", "CONTAINER ID"}, {"Names", "NAMES"}, {"Image", "IMAGE"}, {"ImageID", "IMAGE ID"},
	{"Command", "COMMAND"}, {"Created", "CREATED"}, {"RunningFor", "CREATED"}, {"CreatedHuman", "CREATED"},
	{"Status", "STATUS"},
	{"State", "STATE"}, {"Pid", "PID"}, {"ExitCode", "EXIT CODE"}, {"Restarts", "RESTARTS"},
	{"Ports", "PORTS"}, {0}};

static int print_template(char *text, enum which which, const char *filter, unsigned flags, const char *format)
{
	struct template template;
	char *rest = NULL;
	int status = template_begin(&template, "ps", format);

	if (status == 0 && template.is_table && (flags & PS_NO_HEADING) == 0)
		status = template_row(&template, template_field_heading, headings);
	for (char *row = strtok_r(text, "\n", &rest); row != NULL; row = strtok_r(NULL, "\n", &rest)) {
		char *columns[CONTROL_COLUMNS];

		if (status != 0)
			break;
		if (text_split_row(row, columns, CONTROL_COLUMNS) && is_shown(columns, which) &&
		    passes(columns, filter))
			status = print_templated(&template, columns, flags);
	}
	template_end(&template);
	return status;
}

static void print_list(char *text, enum which which, const char *filter, unsigned flags)
{
	struct json_writer json = {.out = stdout};
	char *rest = NULL;

	if ((flags & PS_JSON) != 0)
		json_begin_list(&json, NULL);
	else if ((flags & (PS_QUIET | PS_NO_HEADING)) == 0)
		print_line((const char *const[]){"CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS",
						 "NAMES"});
	for (char *row = strtok_r(text, "\n", &rest); row != NULL; row = strtok_r(NULL, "\n", &rest)) {
		char *columns[CONTROL_COLUMNS];

		if (!text_split_row(row, columns, CONTROL_COLUMNS) || !is_shown(columns, which) ||
		    !passes(columns, filter))
			continue;
		if ((flags & PS_JSON) != 0)
			print_json(&json, columns);
		else
			print_row(columns, flags);
	}
	if ((flags & PS_JSON) != 0) {
		json_end_list(&json);
		putchar('\n');
	}
}

int command_ps(int count, char **arguments)
{
	enum { NO_TRUNC = 256, FORMAT, NO_HEADING };
	static const struct option options[] = {
		{"all", no_argument, NULL, 'a'}, {"quiet", no_argument, NULL, 'q'},
		{"filter", required_argument, NULL, 'f'},
		{"no-trunc", no_argument, NULL, NO_TRUNC}, {"noheading", no_argument, NULL, NO_HEADING},
		{"format", required_argument, NULL, FORMAT}, {0}};
	enum which which = WHICH_CURRENT;
	const char *filter = NULL, *format = NULL;
	unsigned flags = 0;
	int option, status;
	char *text;

	while ((option = getopt_long(count, arguments, "aqf:", options, NULL)) != -1) {
		if (option == '?')
			return STATUS_FAILED;
		format = option == FORMAT ? optarg : format;
		if (option == 'f' && strchr(optarg, '=') == NULL)
			return complain("ps: '%s' is not KEY=VALUE", optarg);
		filter = option == 'f' ? optarg : filter;
		which = option == 'a' || option == 'f' ? WHICH_ALL : which;
		flags |= option == 'q' ? PS_QUIET : option == NO_TRUNC ? PS_WHOLE
			 : option == NO_HEADING ? PS_NO_HEADING : 0;
	}
	status = client_ask("list", &text);
	if (status != 0)
		return status;
	if (format == NULL || strcmp(format, "json") == 0)
		print_list(text, which, filter, flags | (format != NULL ? PS_JSON : 0));
	else
		status = print_template(text, which, filter, flags, format);
	free(text);
	return status;
}
