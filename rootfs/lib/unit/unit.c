// SPDX-License-Identifier: MPL-2.0
// Theory: one table names every field and the function that takes it, so that an unknown field is
// found by the same look-up. Field functions report through take_fault(), which knows the line.
#include "unit.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "../file.h"
#include "unit_mounts.h"
#include "unit_values.h"
#include "../yaml.h"

enum { IMAGE_NAME_MAX = 256 };

typedef int field_taker(struct unit *unit, const struct yaml_node *node, struct fault *fault);

// Strings that a field needs; anything else in their place is an error with the line.
static int want_kind(const struct yaml_node *node, enum yaml_kind kind, struct fault *fault)
{
	if (node->kind == kind)
		return 0;
	return fault_set(fault, -EINVAL, "line %u: %s must be a %s, not a %s", node->line,
			 node->key != NULL ? node->key : "this", yaml_kind_name(kind),
			 yaml_kind_name(node->kind));
}

static int bad_value(const struct yaml_node *node, const char *expected, struct fault *fault)
{
	return fault_set(fault, -EINVAL, "line %u: %s: '%.64s' is not %s", node->line,
			 node->key != NULL ? node->key : "value", node->string, expected);
}

// Copies a list of strings into a NULL-terminated array.
static int take_strings(const struct yaml_node *list, const char **array, size_t max,
			struct fault *fault)
{
	size_t count = 0;

	if (want_kind(list, YAML_LIST, fault) != 0)
		return -EINVAL;
	for (const struct yaml_node *item = list->first; item != NULL; item = item->next) {
		if (want_kind(item, YAML_STRING, fault) != 0)
			return -EINVAL;
		if (count == max)
			return fault_set(fault, -E2BIG, "line %u: more than %zu entries",
					 item->line, max);
		array[count++] = item->string;
	}
	array[count] = NULL;
	return 0;
}

int unit_name_is_valid(const char *name)
{
	size_t length = strlen(name);

	if (length == 0 || length >= UNIT_NAME_SIZE || !isalnum((unsigned char)name[0]))
		return 0;
	for (size_t i = 0; i < length; i++) {
		if (!isalnum((unsigned char)name[i]) && strchr("_.-", name[i]) == NULL)
			return 0;
	}
	return 1;
}

static int take_name(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	if (want_kind(node, YAML_STRING, fault) != 0)
		return -EINVAL;
	if (!unit_name_is_valid(node->string))
		return bad_value(node, "a name (letters, digits, _ . -)", fault);
	strcpy(unit->name, node->string);
	return 0;
}

static int take_image(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	static const char *const later[] = {"oci:", "docker-archive:", "oci-archive:", "docker://"};

	if (want_kind(node, YAML_STRING, fault) != 0)
		return -EINVAL;
	for (size_t i = 0; i < sizeof(later) / sizeof(later[0]); i++) {
		if (strncmp(node->string, later[i], strlen(later[i])) == 0)
			return fault_set(fault, -EOPNOTSUPP, "line %u: image: %s is not supported, use "
					 "keel load and the image's name", node->line, later[i]);
	}
	unit->image = node->string;
	if (strncmp(node->string, "rootfs:/", 8) == 0)
		unit->rootfs = node->string + strlen("rootfs:");
	else if (node->string[0] == '\0' || strlen(node->string) >= IMAGE_NAME_MAX ||
		 strpbrk(node->string, " \t\n") != NULL || strncmp(node->string, "rootfs:", 7) == 0)
		return bad_value(node, "an image (a name, or rootfs:/path)", fault);
	return 0;
}

static int take_image_id(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	if (want_kind(node, YAML_STRING, fault) != 0)
		return -EINVAL;
	if (strncmp(node->string, "sha256:", 7) != 0 || strlen(node->string) != 71 ||
	    strspn(node->string + 7, "0123456789abcdef") != 64)
		return bad_value(node, "the id of an image (sha256:HEX)", fault);
	unit->image_id = node->string;
	return 0;
}

static int take_entrypoint(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	unit->flags |= UNIT_ENTRYPOINT;
	return take_strings(node, unit->entrypoint, UNIT_ARGUMENTS_MAX, fault);
}

static int take_command(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	return take_strings(node, unit->command, UNIT_ARGUMENTS_MAX, fault);
}

static int take_labels(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	int error = take_strings(node, unit->labels, UNIT_LABELS_MAX, fault);

	for (size_t i = 0; error == 0 && unit->labels[i] != NULL; i++) {
		if (unit->labels[i][0] == '=' || unit->labels[i][0] == '\0')
			return fault_set(fault, -EINVAL, "line %u: labels: '%.64s' is not NAME=value", node->line,
					 unit->labels[i]);
	}
	return error;
}

static int take_environment(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	int error = take_strings(node, unit->environment, UNIT_ENVIRONMENT_MAX, fault);

	for (size_t i = 0; error == 0 && unit->environment[i] != NULL; i++) {
		const char *equals = strchr(unit->environment[i], '=');

		if (equals == NULL || equals == unit->environment[i])
			return fault_set(fault, -EINVAL, "line %u: env: '%.64s' is not NAME=value",
					 node->line, unit->environment[i]);
	}
	return error;
}

static int take_network(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	if (want_kind(node, YAML_STRING, fault) != 0)
		return -EINVAL;
	if (strcmp(node->string, "none") == 0)
		unit->network = UNIT_NETWORK_NONE;
	else if (strcmp(node->string, "host") == 0)
		unit->network = UNIT_NETWORK_HOST;
	else if (strcmp(node->string, "bridge") == 0)
		return fault_set(fault, -EOPNOTSUPP, "line %u: network: bridge is not supported "
				 "yet, use none or host", node->line);
	else
		return bad_value(node, "none or host", fault);
	return 0;
}

static int take_ports(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	(void)unit;
	if (want_kind(node, YAML_LIST, fault) != 0)
		return -EINVAL;
	if (node->first == NULL)
		return 0;
	return fault_set(fault, -EOPNOTSUPP, "line %u: ports needs network: bridge, which is not "
			 "supported yet", node->line);
}

static int take_resource(struct unit_resources *resources, const struct yaml_node *node,
			 struct fault *fault)
{
	static const uint64_t pids_max = 4194304;

	if (want_kind(node, YAML_STRING, fault) != 0)
		return -EINVAL;
	if (strcmp(node->key, "memory") == 0)
		return unit_value_bytes(node->string, &resources->memory_bytes) == 0 &&
		       resources->memory_bytes > 0
			? 0 : bad_value(node, "an amount of memory such as 512MiB", fault);
	if (strcmp(node->key, "swap") == 0)
		return unit_value_bytes(node->string, &resources->swap_bytes) == 0
			? 0 : bad_value(node, "an amount of swap such as 512MiB", fault);
	if (strcmp(node->key, "pids") == 0)
		return unit_value_count(node->string, pids_max, &resources->pids) == 0
			? 0 : bad_value(node, "a number of processes", fault);
	if (strcmp(node->key, "cpu") == 0)
		return unit_value_cpu(node->string, &resources->cpu_milli) == 0
			? 0 : bad_value(node, "an amount of processor such as 1500m or 1.5", fault);
	if (strcmp(node->key, "cpu_weight") == 0)
		return unit_value_count(node->string, 10000, &resources->cpu_weight) == 0
			? 0 : bad_value(node, "a weight from 1 to 10000", fault);
	return fault_set(fault, -EINVAL, "line %u: unknown resource '%.64s' (known: memory, swap, "
			 "pids, cpu, cpu_weight)", node->line, node->key);
}

static int take_resources(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	if (want_kind(node, YAML_MAP, fault) != 0)
		return -EINVAL;
	for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
		if (take_resource(&unit->resources, item, fault) != 0)
			return -EINVAL;
	}
	return 0;
}

static int take_capabilities(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	if (want_kind(node, YAML_LIST, fault) != 0)
		return -EINVAL;
	unit->capabilities = 0;
	unit->flags |= UNIT_CAPABILITIES_LISTED;
	for (const struct yaml_node *item = node->first; item != NULL; item = item->next) {
		int number;

		if (want_kind(item, YAML_STRING, fault) != 0)
			return -EINVAL;
		number = capability_parse(item->string);
		if (number < 0)
			return bad_value(item, "a capability", fault);
		unit->capabilities |= (capability_set)1 << number;
	}
	return 0;
}

static int take_flag(struct unit *unit, const struct yaml_node *node, unsigned flag,
		     struct fault *fault)
{
	int truth;

	if (want_kind(node, YAML_STRING, fault) != 0)
		return -EINVAL;
	truth = unit_value_truth(node->string);
	if (truth < 0)
		return bad_value(node, "true or false", fault);
	unit->flags = truth ? unit->flags | flag : unit->flags & ~flag;
	return 0;
}

static int take_readonly(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	return take_flag(unit, node, UNIT_READ_ONLY, fault);
}

static int take_init(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	return take_flag(unit, node, UNIT_INIT, fault);
}

static int take_terminal(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	return take_flag(unit, node, UNIT_TERMINAL, fault);
}

static int take_stdin(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	return take_flag(unit, node, UNIT_STDIN, fault);
}

static int take_remove(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	return take_flag(unit, node, UNIT_AUTO_REMOVE, fault);
}

static int take_new_privileges(struct unit *unit, const struct yaml_node *node,
			       struct fault *fault)
{
	return take_flag(unit, node, UNIT_NEW_PRIVILEGES, fault);
}

static int take_user(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	if (want_kind(node, YAML_STRING, fault) != 0)
		return -EINVAL;
	if (node->string[0] == '\0' || node->string[0] == ':' || strlen(node->string) > 64)
		return bad_value(node, "a user (uid, uid:gid, name or name:group)", fault);
	unit->user = node->string;
	return 0;
}

static int take_hostname(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	if (want_kind(node, YAML_STRING, fault) != 0)
		return -EINVAL;
	if (node->string[0] == '\0' || strlen(node->string) >= UNIT_HOSTNAME_SIZE ||
	    strpbrk(node->string, " /\n") != NULL)
		return bad_value(node, "a host name", fault);
	strcpy(unit->hostname, node->string);
	return 0;
}

static int take_directory(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	if (want_kind(node, YAML_STRING, fault) != 0)
		return -EINVAL;
	if (node->string[0] != '/' || strlen(node->string) >= PATH_MAX)
		return bad_value(node, "an absolute path", fault);
	unit->directory = node->string;
	return 0;
}

static int take_restart(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	static const char on_failure[] = "on-failure:";
	uint64_t count = 0;

	if (want_kind(node, YAML_STRING, fault) != 0)
		return -EINVAL;
	for (int i = UNIT_RESTART_NEVER; i <= UNIT_RESTART_UNLESS_STOPPED; i++) {
		if (strcmp(node->string, unit_restart_name((enum unit_restart)i)) == 0) {
			unit->restart = (enum unit_restart)i;
			return 0;
		}
	}
	if (strcmp(node->string, "never") == 0) {
		unit->restart = UNIT_RESTART_NEVER;
	} else if (strncmp(node->string, on_failure, sizeof(on_failure) - 1) == 0 &&
		   unit_value_count(node->string + sizeof(on_failure) - 1, 1000000, &count) == 0) {
		unit->restart = UNIT_RESTART_ON_FAILURE;
		unit->restarts_max = (unsigned)count;
	} else {
		return bad_value(node, "no, on-failure[:N], always or unless-stopped", fault);
	}
	return 0;
}

static int take_userns(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	if (want_kind(node, YAML_STRING, fault) != 0)
		return -EINVAL;
	if (strcmp(node->string, "auto") == 0)
		unit->userns = UNIT_USERNS_AUTO;
	else if (strcmp(node->string, "host") == 0)
		unit->userns = UNIT_USERNS_HOST;
	else
		return bad_value(node, "host or auto (keep-id is for engines that an ordinary user runs)", fault);
	return 0;
}

static int take_log_size(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	if (want_kind(node, YAML_STRING, fault) != 0)
		return -EINVAL;
	return unit_value_bytes(node->string, &unit->log_bytes_max) == 0 && unit->log_bytes_max >= UNIT_LOG_BYTES_MIN
		? 0 : bad_value(node, "a size of the log such as 10MiB, at least 64KiB", fault);
}

static int take_filter(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	if (want_kind(node, YAML_STRING, fault) != 0)
		return -EINVAL;
	if (strcmp(node->string, "unconfined") == 0)
		unit->flags |= UNIT_NO_FILTER;
	else if (strcmp(node->string, "default") != 0)
		return bad_value(node, "default or unconfined", fault);
	return 0;
}

static int take_privileged(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	return take_flag(unit, node, UNIT_ALL_DEVICES, fault);
}

static int take_stop_timeout(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	uint64_t seconds;

	if (want_kind(node, YAML_STRING, fault) != 0)
		return -EINVAL;
	if (strcmp(node->string, "0") == 0)
		seconds = 0;
	else if (unit_value_count(node->string, 3600, &seconds) != 0)
		return bad_value(node, "a number of seconds up to 3600", fault);
	unit->stop_timeout_s = (unsigned)seconds;
	return 0;
}

static int take_stop_signal(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	if (want_kind(node, YAML_STRING, fault) != 0)
		return -EINVAL;
	unit->stop_signal = unit_value_signal(node->string);
	return unit->stop_signal > 0 ? 0 : bad_value(node, "a signal", fault);
}

static const struct field {
	const char *name;
	field_taker *take;
} fields[] = {
	{"name", take_name},
	{"image", take_image},
	{"image_id", take_image_id},
	{"entrypoint", take_entrypoint},
	{"command", take_command},
	{"env", take_environment},
	{"mounts", unit_mounts_take},
	{"network", take_network},
	{"ports", take_ports},
	{"resources", take_resources},
	{"capabilities", take_capabilities},
	{"readonly", take_readonly},
	{"user", take_user},
	{"restart", take_restart},
	{"userns", take_userns},
	{"seccomp", take_filter},
	{"privileged", take_privileged},
	{"labels", take_labels},
	{"log_max_size", take_log_size},
	{"hostname", take_hostname},
	{"workdir", take_directory},
	{"init", take_init},
	{"terminal", take_terminal},
	{"stdin", take_stdin},
	{"remove", take_remove},
	{"new_privileges", take_new_privileges},
	{"stop_timeout", take_stop_timeout},
	{"stop_signal", take_stop_signal},
};

static int take_field(struct unit *unit, const struct yaml_node *node, struct fault *fault)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strcmp(node->key, fields[i].name) == 0)
			return fields[i].take(unit, node, fault);
	}
	return fault_set(fault, -EINVAL, "line %u: unknown field '%.64s'", node->line, node->key);
}

// What a folder cannot say itself.
static int complete_without_image(struct unit *unit)
{
	size_t count = 0, words = 0;

	while (unit->command[words] != NULL)
		words++;
	while (unit->entrypoint[count] != NULL)
		count++;
	if (count + words > UNIT_ARGUMENTS_MAX)
		return 0;
	memmove(unit->command + count, unit->command, (words + 1) * sizeof(unit->command[0]));
	memcpy(unit->command, unit->entrypoint, count * sizeof(unit->command[0]));
	unit->entrypoint[0] = NULL;
	if (unit->directory == NULL)
		unit->directory = "/";
	if (unit->stop_signal == 0)
		unit->stop_signal = SIGTERM;
	return unit->command[0] != NULL && unit->command[0][0] != '\0';
}

static int take_all(struct unit *unit, struct fault *fault)
{
	const struct yaml_node *root = yaml_root(unit->document);

	for (const struct yaml_node *node = root->first; node != NULL; node = node->next) {
		int error = take_field(unit, node, fault);

		if (error != 0)
			return error;
	}
	if (unit->name[0] == '\0')
		return fault_set(fault, -EINVAL, "the unit has no name");
	if (unit->image == NULL)
		return fault_set(fault, -EINVAL, "the unit has no image");
	if (unit->rootfs != NULL && !complete_without_image(unit))
		return fault_set(fault, -EINVAL, "the unit has no command");
	if (unit->hostname[0] == '\0')
		strcpy(unit->hostname, unit->name);
	return 0;
}

int unit_parse(const char *text, size_t length, const char *default_name, struct unit **unit,
	       struct fault *fault)
{
	struct unit *fresh = calloc(1, sizeof(*fresh));
	int error;

	if (fresh == NULL)
		return fault_set(fault, -ENOMEM, "no memory");
	fresh->capabilities = capability_default_set();
	fresh->stop_timeout_s = UNIT_STOP_TIMEOUT_S;
	if (default_name != NULL && unit_name_is_valid(default_name))
		strcpy(fresh->name, default_name);
	fresh->text = strndup(text, length);
	error = fresh->text == NULL ? fault_set(fault, -ENOMEM, "no memory")
				    : yaml_parse(text, length, &fresh->document, fault);
	if (error == 0)
		error = take_all(fresh, fault);
	if (error != 0) {
		unit_destroy(fresh);
		return error;
	}
	*unit = fresh;
	return 0;
}

int unit_load(const char *path, struct unit **unit, struct fault *fault)
{
	char name[PATH_MAX];
	char *text, *suffix;
	size_t length;
	int error = file_read_all(path, YAML_BYTES_MAX, &text, &length);

	if (error != 0)
		return fault_set(fault, error, "%s", strerror(-error));
	snprintf(name, sizeof(name), "%s",
		 strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path);
	suffix = strrchr(name, '.');
	if (suffix != NULL)
		*suffix = '\0';
	error = unit_parse(text, length, name, unit, fault);
	free(text);
	return error;
}

struct unit_text {
	struct unit_text *next;
	char text[];
};

const char *unit_keep_text(struct unit *unit, const char *text)
{
	size_t size = strlen(text) + 1;
	struct unit_text *kept = malloc(sizeof(*kept) + size);

	if (kept == NULL)
		return NULL;
	memcpy(kept->text, text, size);
	kept->next = unit->texts;
	unit->texts = kept;
	return kept->text;
}

void unit_destroy(struct unit *unit)
{
	if (unit == NULL)
		return;
	while (unit->texts != NULL) {
		struct unit_text *text = unit->texts;

		unit->texts = text->next;
		free(text);
	}
	yaml_destroy(unit->document);
	free(unit->text);
	free(unit);
}

const char *unit_restart_name(enum unit_restart restart)
{
	switch (restart) {
	case UNIT_RESTART_NEVER:
		return "no";
	case UNIT_RESTART_ON_FAILURE:
		return "on-failure";
	case UNIT_RESTART_ALWAYS:
		return "always";
	case UNIT_RESTART_UNLESS_STOPPED:
		return "unless-stopped";
	}
	return "no";
}
