// SPDX-License-Identifier: MPL-2.0
// keel attach: to the terminal or the pipes of a container that runs.
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "../client.h"
#include "../commands.h"
#include "foreground.h"

enum attach_input { ATTACH_INPUT, ATTACH_NO_INPUT };

static int attach_to(const char *name, enum attach_input input, const struct detach_keys *keys)
{
	struct foreground foreground;
	struct unit *unit;
	char request[256];
	int status = client_read_unit(name, &unit);

	if (status != 0)
		return status;
	if (input == ATTACH_NO_INPUT)
		unit->flags &= ~(unsigned)UNIT_STDIN;
	snprintf(request, sizeof(request), "attach %.128s %s", name, input == ATTACH_INPUT ? "input" : "output");
	status = foreground_begin(&foreground, unit, keys, request);
	if (status == 0)
		status = foreground_wait(&foreground, unit->name);
	foreground_end(&foreground);
	unit_destroy(unit);
	return status;
}

int command_attach(int count, char **arguments)
{
	enum { NO_STDIN = 256 };
	static const struct option options[] = {{"no-stdin", no_argument, NULL, NO_STDIN}, FOREGROUND_KEYS_OPTION, {0}};
	enum attach_input input = ATTACH_INPUT;
	struct detach_keys keys;
	int option;

	detach_keys_parse(&keys, DETACH_KEYS_DEFAULT);
	while ((option = getopt_long(count, arguments, "+", options, NULL)) != -1) {
		if (option == '?' || (option == FOREGROUND_KEYS && foreground_read_keys(&keys, optarg) != 0))
			return STATUS_FAILED;
		if (option == NO_STDIN)
			input = ATTACH_NO_INPUT;
	}
	if (optind + 1 != count)
		return complain("attach: which container?");
	return attach_to(arguments[optind], input, &keys);
}
