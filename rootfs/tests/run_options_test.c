// SPDX-License-Identifier: MPL-2.0
// The options of keel run: each must come out of the unit parser as it was typed, whatever was typed.
#include "../keel/run/refused_options.h"
#include "../keel/run/run_options.h"

#include <getopt.h>
#include <stdarg.h>
#include <sys/mount.h>

#include "../keel/commands.h"
#include "check.h"

enum { WORDS_MAX = 32 };

// Reads options (a NULL-terminated list) and parses the unit that they make.
static struct unit *read_unit(enum run_mode *mode, int *status, const char *first, ...)
{
	char *words[WORDS_MAX] = {strdup("run")};
	struct unit *unit = NULL;
	struct fault fault = {0};
	struct run_wish wish;
	char *text = NULL;
	int count = 1;
	va_list list;

	va_start(list, first);
	for (const char *word = first; word != NULL; word = va_arg(list, const char *))
		words[count++] = strdup(word);
	va_end(list);
	optind = 0;	// getopt starts again
	*status = run_options_read(count, words, &wish, &text);
	*mode = wish.mode;
	if (*status == 0 && unit_parse(text, strlen(text), NULL, &unit, &fault) != 0)
		fprintf(stderr, "refused: %s in\n%s", fault.text, text);
	free(text);
	for (int i = 0; i < count; i++)
		free(words[i]);
	return unit;
}

static void test_plain(void)
{
	enum run_mode mode;
	int status;
	struct unit *unit = read_unit(&mode, &status, "rootfs:/r", "sh", "-c", "echo hi", NULL);

	CHECK(status == 0 && mode == RUN_ATTACHED && unit != NULL);
	CHECK(strncmp(unit->name, "run-", 4) == 0);
	CHECK_TEXT(unit->rootfs, "/r");
	CHECK_TEXT(unit->command[1], "-c");
	CHECK_TEXT(unit->command[2], "echo hi");
	CHECK(unit->command[3] == NULL && unit->flags == 0);
	unit_destroy(unit);
}

static void test_options(void)
{
	enum run_mode mode;
	int status;
	struct unit *unit = read_unit(
		&mode, &status, "-dit", "--rm", "--name", "n", "--hostname", "h", "--memory", "64m",
		"--cpus=1.5", "--pids-limit", "9", "--network", "host", "--read-only", "-u", "1:2",
		"--tmpfs", "/t:1m", "-v", "/a:/b:ro", "--mount", "type=bind,src=/c,dst=/d,ro,noexec",
		"--cap-drop", "all", "--cap-add", "CHOWN", "rootfs:/r", "x", NULL);

	CHECK(status == 0 && mode == RUN_DETACHED && unit != NULL);
	CHECK(unit->flags == (UNIT_STDIN | UNIT_TERMINAL | UNIT_AUTO_REMOVE | UNIT_READ_ONLY |
			      UNIT_CAPABILITIES_LISTED));
	CHECK(unit->resources.memory_bytes == 64u << 20 && unit->resources.cpu_milli == 1500);
	CHECK(unit->resources.pids == 9 && unit->network == UNIT_NETWORK_HOST);
	CHECK(unit->capabilities == 1 && unit->mounts_count == 3);
	CHECK(unit->mounts[0].type == UNIT_MOUNT_TMPFS && unit->mounts[0].size_bytes == 1u << 20);
	CHECK((unit->mounts[1].flags & MS_RDONLY) != 0);
	CHECK_TEXT(unit->mounts[2].source, "/c");
	CHECK_TEXT(unit->mounts[2].destination, "/d");
	CHECK((unit->mounts[2].flags & MS_NOEXEC) != 0);
	unit_destroy(unit);
	unit = read_unit(&mode, &status, "--log-opt", "max-size=64k", "-v", "data:/v", "rootfs:/r", "x",
			 NULL);
	CHECK(unit != NULL && unit->log_bytes_max == 64u << 10 && unit->mounts_count == 1);
	CHECK(unit != NULL && unit->mounts[0].type == UNIT_MOUNT_VOLUME);
	unit_destroy(unit);
}

static void test_hostile_words(void)
{
	static const char *const words[] = {
		"", " ", "\"", "\\", "\\\"", "a: b", "# no comment", "[x", "}", "- -", "'", "\n\n",
		"\t", "line\r\nline", "&a *b !c |", "\xff\xfe", "%$`", "name: other\n",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		enum run_mode mode;
		int status;
		char variable[64];
		struct unit *unit;

		snprintf(variable, sizeof(variable), "V=%s", words[i]);
		unit = read_unit(&mode, &status, "--name", "n", "-e", variable, "rootfs:/r", "x",
				 words[i], NULL);
		CHECK(status == 0 && unit != NULL);
		if (unit == NULL)
			continue;
		CHECK_TEXT(unit->command[1], words[i]);
		CHECK_TEXT(unit->environment[0], variable);
		CHECK_TEXT(unit->name, "n");
		unit_destroy(unit);
	}
}

static void test_refused(void)
{
	enum run_mode mode;
	int status;

	CHECK(read_unit(&mode, &status, NULL) == NULL && status == STATUS_FAILED);
	CHECK(read_unit(&mode, &status, "-v", "/a", "rootfs:/r", "x", NULL) == NULL);
	CHECK(status == STATUS_FAILED);
	CHECK(read_unit(&mode, &status, "--cap-add", "fly", "rootfs:/r", "x", NULL) == NULL);
	CHECK(status == STATUS_FAILED);
	CHECK(read_unit(&mode, &status, "--log-opt", "tag=x", "rootfs:/r", "x", NULL) == NULL);
	CHECK(status == STATUS_FAILED);
	CHECK(read_unit(&mode, &status, "--fly", "rootfs:/r", "x", NULL) == NULL && status == STATUS_FAILED);
	CHECK(read_unit(&mode, &status, "--name", NULL) == NULL && status == STATUS_FAILED);
	CHECK(read_unit(&mode, &status, "--device=/dev/x", "rootfs:/r", "x", NULL) == NULL && status == STATUS_FAILED);
	CHECK_TEXT(refused_option_reason("rootfs"), "folders are named as the image: rootfs:/PATH");
	CHECK_TEXT(refused_option_reason("timezone"), "");
	CHECK(refused_option_reason("time") == NULL && refused_option_reason("") == NULL);
	CHECK(read_unit(&mode, &status, "--detach-keys", "ctrl-", "rootfs:/r", "x", NULL) == NULL);
	CHECK(status == STATUS_FAILED);
}

int main(void)
{
	test_plain();
	test_options();
	test_hostile_words();
	test_refused();
	return check_result("run_options_test");
}
