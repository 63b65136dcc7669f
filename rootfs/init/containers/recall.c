// SPDX-License-Identifier: MPL-2.0
#include "recall.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../control/control.h"
#include "../message.h"
#include "container.h"
#include "record.h"

static void start(struct container *container)
{
	static const struct supervise_client nobody = {-1, -1, -1};
	struct fault fault = {0};

	if (container_start(container, &nobody, &fault) != 0)
		message("container %s cannot start: %s", container->unit->name, fault.text);
}

static int add(const char *id, struct container **container, struct fault *fault)
{
	struct unit *unit;
	struct record record;
	char *buffer;
	int error = record_read(id, &record, &buffer, fault);

	if (error != 0)
		return error;
	error = unit_parse(record.text, strlen(record.text), NULL, &unit, fault);
	if (error == 0) {
		error = container_recall(unit, &record, container, fault);
		if (error != 0)
			unit_destroy(unit);
	}
	free(buffer);
	return error;
}

// What cannot be taken is told, and stays: its owner may want it back.
static void recall(const char *id)
{
	struct container *container;
	struct fault fault = {0};

	if (add(id, &container, &fault) != 0)
		message("container %.12s of an earlier boot is left out: %s", id, fault.text);
	else if (container_returns(container))
		start(container);
}

void recall_all(void)
{
	char **ids;
	int count = record_list(&ids);

	if (count < 0)
		message("cannot list " CONTROL_RECORDS ": %s", strerror(-count));
	for (int i = 0; i < count; i++) {
		recall(ids[i]);
		free(ids[i]);
	}
	free(ids);
}
