// SPDX-License-Identifier: MPL-2.0
// The verbs of the control socket, without starting anything: answers, refusals, garbage.
#include "../init/server/requests.h"

#include "check.h"

// Sends one request; the answer must be freed.
static char *ask(const char *text, size_t length)
{
	struct request request = {.length = length, .fds = {-1, -1, -1, -1}};
	struct container *awaited = NULL;
	char *answer = NULL;

	request.text = malloc(length + 1);
	memcpy(request.text, text, length);
	request.text[length] = '\0';
	CHECK(request_take(&request, &awaited, &answer) == AWAIT_NOTHING && awaited == NULL);
	free(request.text);
	return answer;
}

static void check_answer(const char *request, const char *expected)
{
	char *answer = ask(request, strlen(request));

	CHECK_TEXT(answer, expected);
	free(answer);
}

static struct container *add(const char *text)
{
	struct container *container = NULL;
	struct fault fault = {0};
	struct unit *unit = NULL;

	CHECK(unit_parse(text, strlen(text), NULL, &unit, &fault) == 0);
	CHECK(container_add(unit, CONTAINER_FROM_UNIT, &container, &fault) == 0);
	return container;
}

static void test_verbs(void)
{
	struct container *container;
	char *answer;

	check_answer("list", "ok\n");
	container = add("name: a\nimage: rootfs:/r\ncommand: [x, \"tab\\there\"]\n");
	answer = ask("list", 4);
	CHECK(strncmp(answer, "ok\na\t", 5) == 0);
	CHECK(strstr(answer, "\tcreated\t0\t-1\t") != NULL);
	CHECK(strstr(answer, "\tunit\trootfs:/r\tx tab here\t-\n") != NULL);
	free(answer);
	answer = ask("inspect a", 9);
	CHECK(strstr(answer, "\nstate: created\n") != NULL);
	CHECK(strstr(answer, "\n\nname: a\n") != NULL);
	free(answer);
	CHECK(container_find(container->id) == container);
	check_answer("kill a TERM", "error 125 the container does not run");
	check_answer("kill a NOPE", "error 125 no such signal");
	check_answer("wait a", "exit -1");
	check_answer("stop a 99999", "error 125 the time to wait is a number of seconds up to 3600");
	check_answer("stop a -", "ok");
	check_answer("rm a keep", "ok");
	check_answer("list", "ok\n");
}

static void test_refused(void)
{
	char *answer = ask("list\0", 5);

	CHECK_TEXT(answer, "error 125 a zero byte in the request");
	free(answer);
	check_answer("", "error 125 unknown request");
	check_answer("dance", "error 125 unknown request");
	check_answer("stop", "error 125 no container is named ''");
	check_answer("rm ../../etc force", "error 125 no container is named ../../etc");
	check_answer("run attach\nname: a\nimage: rootfs:/r\ncommand: x\n",
		     "error 125 line 3: command must be a list, not a string");
}

static void test_garbage(void)
{
	static const char *const verbs[] = {"list", "start", "stop", "kill", "rm", "wait",
					    "inspect", "attach", "run", ""};
	uint32_t state = 7;

	for (int round = 0; round < 20000; round++) {
		char text[64];
		size_t length = (size_t)snprintf(text, sizeof(text), "%s ",
						 verbs[check_random(&state) % 10]);
		char *answer;

		while (length < sizeof(text) - 1)
			text[length++] = (char)(check_random(&state) % 255 + 1);
		answer = ask(text, length);
		CHECK(answer == NULL || strncmp(answer, "error ", 6) == 0 ||
		      strncmp(answer, "ok", 2) == 0);
		free(answer);
	}
}

int main(void)
{
	test_verbs();
	test_refused();
	test_garbage();
	return check_result("requests_test");
}
