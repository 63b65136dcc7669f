// SPDX-License-Identifier: MPL-2.0
#include "client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../control/control.h"
#include "commands.h"

int client_connect(void)
{
	int fd = control_connect();

	if (fd < 0) {
		complain("cannot reach init at " CONTROL_PATH ": %s", strerror(-fd));
		return -1;
	}
	return fd;
}

int client_hear(int fd, char **text)
{
	char *reply;
	size_t length;
	int error = control_receive(fd, &reply, &length);
	int status = STATUS_FAILED;

	*text = NULL;
	if (error != 0)
		return complain("init does not answer: %s", strerror(-error));
	if (strncmp(reply, "ok", 2) == 0) {
		*text = strdup(reply + 2 + strspn(reply + 2, " \n"));
		status = *text != NULL ? 0 : complain("no memory");
	} else if (strncmp(reply, "exit ", 5) == 0) {
		status = atoi(reply + 5);
		*text = strdup("");
	} else if (strncmp(reply, "error ", 6) == 0) {
		char *rest;

		status = (int)strtol(reply + 6, &rest, 10);
		complain("%s", rest + strspn(rest, " "));
		if (status <= 0)
			status = STATUS_FAILED;
	} else {
		complain("init answers what keel does not understand");
	}
	free(reply);
	return status;
}

int client_ask(const char *request, char **text)
{
	char *answer = NULL;
	int fd = client_connect();
	int status;

	if (text != NULL)
		*text = NULL;
	if (fd < 0)
		return STATUS_FAILED;
	if (control_send(fd, request, strlen(request), NULL, 0) != 0)
		status = complain("init does not listen");
	else
		status = client_hear(fd, &answer);
	close(fd);
	if (text != NULL)
		*text = answer;
	else
		free(answer);
	return status;
}

int client_ask_each(const char *verb, const char *rest, char **names, enum client_echo echo)
{
	int worst = 0;

	for (; *names != NULL; names++) {
		char request[256];
		int status;

		if (strpbrk(*names, " \n") != NULL || strlen(*names) > 128) {
			worst = complain("'%s' is not a container's name", *names);
			continue;
		}
		snprintf(request, sizeof(request), "%s %s %s", verb, *names, rest);
		status = client_ask(request, NULL);
		if (status != 0)
			worst = status;
		else if (echo == CLIENT_ECHO)
			printf("%s\n", *names);
	}
	return worst;
}

int client_read(const char *name, char **facts, struct unit **unit)
{
	struct fault fault = {0};
	char request[256];
	char *text, *body;
	int status;

	*facts = NULL;
	if (strpbrk(name, " \n") != NULL)
		return complain("'%s' is not a container's name", name);
	snprintf(request, sizeof(request), "inspect %.128s", name);
	status = client_ask(request, &text);
	if (status != 0)
		return status;
	body = strstr(text, "\n\n");
	if (body == NULL || unit_parse(body + 2, strlen(body + 2), name, unit, &fault) != 0) {
		free(text);
		return complain("init answers with a bad unit: %s", fault.text);
	}
	body[1] = '\0';
	*facts = text;
	return 0;
}

int client_read_unit(const char *name, struct unit **unit)
{
	char *facts;
	int status = client_read(name, &facts, unit);

	free(facts);
	return status;
}

void client_fact(const char *facts, const char *key, char *value, size_t size)
{
	size_t length = strlen(key);

	value[0] = '\0';
	for (const char *line = facts; *line != '\0'; line += strcspn(line, "\n"), line += *line == '\n') {
		if (strncmp(line, key, length) == 0 && strncmp(line + length, ": ", 2) == 0) {
			snprintf(value, size, "%.*s", (int)strcspn(line + length + 2, "\n"), line + length + 2);
			return;
		}
	}
}
