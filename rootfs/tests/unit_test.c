// SPDX-License-Identifier: MPL-2.0
// Units: every field, every refusal, every kind of value.
#include "../lib/unit/unit.h"
#include "../lib/unit/unit_write.h"

#include <errno.h>
#include <signal.h>
#include <sys/mount.h>

#include "../lib/unit/unit_values.h"
#include "check.h"

#define MINIMAL "name: a\nimage: rootfs:/r\ncommand: [x]\n"

static struct unit *parse(const char *text)
{
	struct fault fault = {0};
	struct unit *unit = NULL;

	if (unit_parse(text, strlen(text), NULL, &unit, &fault) != 0)
		fprintf(stderr, "refused: %s\n", fault.text);
	CHECK(unit != NULL);
	return unit;
}

static void check_refused(const char *text, int error, const char *sentence)
{
	struct fault fault = {0};
	struct unit *unit = NULL;

	CHECK(unit_parse(text, strlen(text), NULL, &unit, &fault) == error);
	CHECK(unit == NULL);
	CHECK_TEXT(fault.text, sentence);
}

static void test_defaults(void)
{
	struct unit *unit = parse(MINIMAL);

	CHECK_TEXT(unit->name, "a");
	CHECK_TEXT(unit->hostname, "a");
	CHECK_TEXT(unit->rootfs, "/r");
	CHECK_TEXT(unit->directory, "/");
	CHECK(unit->user == NULL && unit->flags == 0 && unit->mounts_count == 0);
	CHECK(unit->network == UNIT_NETWORK_NONE && unit->restart == UNIT_RESTART_NEVER);
	CHECK(unit->capabilities == capability_default_set());
	CHECK(unit->stop_timeout_s == 10 && unit->stop_signal == SIGTERM);
	CHECK(unit->resources.memory_bytes == 0 && unit->resources.pids == 0);
	unit_destroy(unit);
}

static void test_everything(void)
{
	struct unit *unit = parse(
		MINIMAL "env: [A=b, C=]\nmounts:\n"
		"- {type: tmpfs, destination: /tmp, size: 64MiB, mode: 0700}\n"
		"- {source: /var/data/web, destination: /srv, options: [ro, noexec]}\n"
		"network: host\nresources: {cpu: 1500m, memory: 512MiB, pids: 200, cpu_weight: 50}\n"
		"capabilities: [CAP_NET_BIND_SERVICE, chown]\nreadonly: true\nuser: \"12:34\"\n"
		"restart: on-failure\nhostname: h\nworkdir: /w\ninit: yes\nstop_timeout: 3\n"
		"stop_signal: SIGINT\nnew_privileges: true\nports: []\n");

	CHECK_TEXT(unit->environment[1], "C=");
	CHECK(unit->environment[2] == NULL);
	CHECK(unit->mounts_count == 2 && unit->mounts[0].size_bytes == 64u << 20);
	CHECK(unit->mounts[0].mode == 0700 && unit->mounts[1].type == UNIT_MOUNT_BIND);
	CHECK(unit->mounts[1].flags == (MS_RDONLY | MS_NOEXEC | MS_NOSUID | MS_NODEV));
	CHECK(unit->resources.cpu_milli == 1500 && unit->resources.pids == 200);
	CHECK(unit->capabilities == (1u << 10 | 1u << 0));
	CHECK(unit->flags == (UNIT_READ_ONLY | UNIT_INIT | UNIT_NEW_PRIVILEGES |
			      UNIT_CAPABILITIES_LISTED));
	CHECK(unit->stop_signal == SIGINT && unit->stop_timeout_s == 3);
	CHECK(unit->restart == UNIT_RESTART_ON_FAILURE && unit->network == UNIT_NETWORK_HOST);
	unit_destroy(unit);
}

static void test_refused(void)
{
	check_refused("image: rootfs:/r\ncommand: [x]\n", -EINVAL, "the unit has no name");
	check_refused("name: a\ncommand: [x]\n", -EINVAL, "the unit has no image");
	check_refused("name: a\nimage: rootfs:/r\n", -EINVAL, "the unit has no command");
	check_refused("name: ../a\n", -EINVAL,
		      "line 1: name: '../a' is not a name (letters, digits, _ . -)");
	check_refused(MINIMAL "imgae: x\n", -EINVAL, "line 4: unknown field 'imgae'");
	check_refused("image: oci:/x\n", -EOPNOTSUPP,
		      "line 1: image: oci: is not supported, use keel load and the image's name");
	check_refused("image: rootfs:r\n", -EINVAL,
		      "line 1: image: 'rootfs:r' is not an image (a name, or rootfs:/path)");
	check_refused(MINIMAL "network: bridge\n", -EOPNOTSUPP,
		      "line 4: network: bridge is not supported yet, use none or host");
	check_refused(MINIMAL "ports: [\"80:80\"]\n", -EOPNOTSUPP,
		      "line 4: ports needs network: bridge, which is not supported yet");
	check_refused(MINIMAL "resources: {memory: lots}\n", -EINVAL,
		      "line 4: memory: 'lots' is not an amount of memory such as 512MiB");
	check_refused(MINIMAL "resources: {disk: 1}\n", -EINVAL,
		      "line 4: unknown resource 'disk' (known: memory, swap, pids, cpu, cpu_weight)");
	check_refused(MINIMAL "capabilities: [CAP_FLY]\n", -EINVAL,
		      "line 4: value: 'CAP_FLY' is not a capability");
	check_refused(MINIMAL "readonly: 1\n", -EINVAL,
		      "line 4: readonly: '1' is not true or false");
	check_refused(MINIMAL "env: {A: b}\n", -EINVAL, "line 4: env must be a list, not a map");
	check_refused(MINIMAL "env: [A]\n", -EINVAL, "line 4: env: 'A' is not NAME=value");
	check_refused(MINIMAL "mounts: [{destination: /x}]\n", -EINVAL,
		      "line 4: mounts: a bind mount or a volume needs a source");
	check_refused(MINIMAL "mounts: [{source: ./x, destination: /x}]\n", -EINVAL,
		      "line 4: mounts: source must be an absolute path or the name of a volume");
	check_refused(MINIMAL "mounts: [{type: tmpfs, destination: /, size: 1m}]\n", -EINVAL,
		      "line 4: mounts: the destination cannot be /");
	check_refused(MINIMAL "mounts: [{source: /a, destination: /b, options: [fast]}]\n", -EINVAL,
		      "line 4: mounts: unknown option 'fast'");
}

static void test_bytes(void)
{
	uint64_t bytes;

	CHECK(unit_value_bytes("512MiB", &bytes) == 0 && bytes == 512u << 20);
	CHECK(unit_value_bytes("64m", &bytes) == 0 && bytes == 64u << 20);
	CHECK(unit_value_bytes("2G", &bytes) == 0 && bytes == 2ull << 30);
	CHECK(unit_value_bytes("4096", &bytes) == 0 && bytes == 4096);
	CHECK(unit_value_bytes("", &bytes) < 0 && unit_value_bytes("-1", &bytes) < 0);
	CHECK(unit_value_bytes("1.5m", &bytes) < 0 && unit_value_bytes("5MB", &bytes) < 0);
	CHECK(unit_value_bytes("99999999999T", &bytes) < 0);
	CHECK(unit_value_bytes("18446744073709551616", &bytes) < 0);
}

static void test_other_values(void)
{
	uint64_t number;

	CHECK(unit_value_cpu("1500m", &number) == 0 && number == 1500);
	CHECK(unit_value_cpu("1.5", &number) == 0 && number == 1500);
	CHECK(unit_value_cpu("0.25", &number) == 0 && number == 250);
	CHECK(unit_value_cpu("2", &number) == 0 && number == 2000);
	CHECK(unit_value_cpu("5m", &number) < 0 && unit_value_cpu("x", &number) < 0);
	CHECK(unit_value_count("10", 10, &number) == 0 && number == 10);
	CHECK(unit_value_count("11", 10, &number) < 0 && unit_value_count("0", 10, &number) < 0);
	CHECK(unit_value_count(" 1", 10, &number) < 0);
	CHECK(unit_value_signal("TERM") == SIGTERM && unit_value_signal("sigint") == SIGINT);
	CHECK(unit_value_signal("9") == 9 && unit_value_signal("65") < 0);
	CHECK(unit_value_signal("NOPE") < 0);
	CHECK(capability_parse("net_admin") == 12 && capability_parse("CAP_BPF") == 39);
	CHECK(capability_parse("") < 0);
}

static void test_names(void)
{
	char longest[UNIT_NAME_SIZE + 1];

	CHECK(unit_name_is_valid("web-1.a_b") && unit_name_is_valid("7"));
	CHECK(!unit_name_is_valid("") && !unit_name_is_valid(".") && !unit_name_is_valid("-a"));
	CHECK(!unit_name_is_valid("a/b") && !unit_name_is_valid("a b"));
	memset(longest, 'a', sizeof(longest));
	longest[UNIT_NAME_SIZE] = '\0';
	CHECK(!unit_name_is_valid(longest));
	longest[UNIT_NAME_SIZE - 1] = '\0';
	CHECK(unit_name_is_valid(longest));
}

// What unit_write() prints is the same unit, whatever its strings hold.
static void test_written(void)
{
	static const char text[] =
		"name: n\nimage: some/image:1\nentrypoint: [\"a b\", \"c\\\"d\\\\\"]\n"
		"command: [\"- x\", \"#y\", \"\"]\n"
		"env: [\"A=1\\n2\", \"B={}[],:\"]\nlabels: [\"k=v: w\"]\nuser: u:g\nworkdir: /w\nreadonly: true\n"
		"mounts: [{source: /s, destination: /d, options: [ro, dev]}, "
		"{type: tmpfs, destination: /t, size: 1m}]\n"
		"network: host\nrestart: on-failure:3\nuserns: auto\nseccomp: unconfined\nstop_signal: USR1\n"
		"resources: {memory: 1m, cpu: 250m, pids: 7}\ncapabilities: [CHOWN, KILL]\n";
	struct fault fault = {0};
	struct unit *unit, *again;
	char *written, *twice;

	CHECK(unit_parse(text, strlen(text), NULL, &unit, &fault) == 0);
	written = unit_write(unit);
	CHECK(written != NULL && unit_parse(written, strlen(written), NULL, &again, &fault) == 0);
	twice = unit_write(again);
	CHECK_TEXT(twice, written);
	CHECK_TEXT(again->entrypoint[1], "c\"d\\");
	CHECK_TEXT(again->command[0], "- x");
	CHECK_TEXT(again->environment[0], "A=1\n2");
	CHECK_TEXT(again->labels[0], "k=v: w");
	CHECK(again->restarts_max == 3 && again->userns == UNIT_USERNS_AUTO && again->stop_signal == SIGUSR1);
	CHECK(again->mounts_count == 2 && (again->mounts[0].flags & MS_NODEV) == 0 && again->capabilities != 0);
	CHECK(again->capabilities == unit->capabilities && again->resources.cpu_milli == 250);
	CHECK((again->flags & UNIT_NO_FILTER) != 0 && again->rootfs == NULL);
	free(written);
	free(twice);
	unit_destroy(unit);
	unit_destroy(again);
}

int main(void)
{
	test_written();
	test_defaults();
	test_everything();
	test_refused();
	test_bytes();
	test_other_values();
	test_names();
	return check_result("unit_test");
}
