// SPDX-License-Identifier: MPL-2.0
// keel inspect: all there is to know of containers and images, as JSON with podman's keys.
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "../../container/bundle/bundle.h"
#include "../../container/log.h"
#include "../../image/complete.h"
#include "../../lib/json/json_writer.h"
#include "../../root/volume.h"
#include "../client.h"
#include "../commands.h"
#include "../template.h"
#include "../text.h"

enum { FACT_SIZE = 512 };

static void put_truth(struct json_writer *json, const char *key, int truth)
{
	if (truth)
		json_true(json, key);
	else
		json_false(json, key);
}

static void put_fact(struct json_writer *json, const char *key, const char *facts, const char *fact)
{
	char value[FACT_SIZE];

	client_fact(facts, fact, value, sizeof(value));
	json_string(json, key, value);
}

static long long number_of(const char *facts, const char *fact)
{
	char value[FACT_SIZE];

	client_fact(facts, fact, value, sizeof(value));
	return strtoll(value, NULL, 10);
}

static void put_time(struct json_writer *json, const char *key, const char *facts, const char *fact)
{
	char text[TEXT_TIME_SIZE] = "0001-01-01T00:00:00Z";
	long long time_ns = number_of(facts, fact);

	if (time_ns > 0)
		text_format_time(text, time_ns);
	json_string(json, key, text);
}

static void put_state(struct json_writer *json, const char *facts)
{
	char state[FACT_SIZE];

	client_fact(facts, "state", state, sizeof(state));
	json_begin_object(json, "State");
	json_string(json, "Status", state);
	put_truth(json, "Running", strcmp(state, "running") == 0 || strcmp(state, "stopping") == 0 ||
					   strcmp(state, "paused") == 0);
	put_truth(json, "Paused", strcmp(state, "paused") == 0);
	put_truth(json, "Restarting", strcmp(state, "waiting") == 0);
	put_truth(json, "OOMKilled", number_of(facts, "out_of_memory") != 0);
	json_number(json, "Pid", number_of(facts, "pid"));
	json_number(json, "ExitCode", number_of(facts, "exit") < 0 ? 0 : number_of(facts, "exit"));
	put_fact(json, "Error", facts, "trouble");
	put_time(json, "StartedAt", facts, "begun_ns");
	put_time(json, "FinishedAt", facts, "ended_ns");
	json_end_object(json);
}

static void put_labels(struct json_writer *json, const struct unit *unit)
{
	json_begin_object(json, "Labels");
	for (size_t i = 0; unit->labels[i] != NULL; i++) {
		char key[FACT_SIZE];
		const char *value = strchr(unit->labels[i], '=');

		snprintf(key, sizeof(key), "%.*s", (int)strcspn(unit->labels[i], "="), unit->labels[i]);
		json_string(json, key, value != NULL ? value + 1 : "");
	}
	json_end_object(json);
}

static void put_config(struct json_writer *json, const struct unit *unit)
{
	json_begin_object(json, "Config");
	json_string(json, "Hostname", unit->hostname);
	json_string(json, "User", unit->user != NULL ? unit->user : "");
	put_truth(json, "Tty", (unit->flags & UNIT_TERMINAL) != 0);
	put_truth(json, "OpenStdin", (unit->flags & UNIT_STDIN) != 0);
	json_strings(json, "Env", unit->environment);
	json_strings(json, "Cmd", unit->command);
	json_string(json, "Image", unit->image);
	json_string(json, "WorkingDir", unit->directory != NULL ? unit->directory : "/");
	put_labels(json, unit);
	json_number(json, "StopSignal", unit->stop_signal > 0 ? unit->stop_signal : 15);
	json_number(json, "StopTimeout", unit->stop_timeout_s);
	json_end_object(json);
}

static void put_host_config(struct json_writer *json, const struct unit *unit)
{
	const struct unit_resources *resources = &unit->resources;

	json_begin_object(json, "HostConfig");
	json_string(json, "NetworkMode", unit->network == UNIT_NETWORK_HOST ? "host" : "none");
	json_begin_object(json, "RestartPolicy");
	json_string(json, "Name", unit_restart_name(unit->restart));
	json_number(json, "MaximumRetryCount", unit->restarts_max);
	json_end_object(json);
	put_truth(json, "AutoRemove", (unit->flags & UNIT_AUTO_REMOVE) != 0);
	put_truth(json, "Privileged", (unit->flags & UNIT_ALL_DEVICES) != 0);
	put_truth(json, "ReadonlyRootfs", (unit->flags & UNIT_READ_ONLY) != 0);
	put_truth(json, "Init", (unit->flags & UNIT_INIT) != 0);
	json_string(json, "UsernsMode", unit->userns == UNIT_USERNS_AUTO ? "auto" : "");
	json_number(json, "Memory", (int64_t)resources->memory_bytes);
	json_number(json, "NanoCpus", (int64_t)resources->cpu_milli * 1000000);
	json_number(json, "PidsLimit", resources->pids != 0 ? (int64_t)resources->pids : UNIT_PIDS_DEFAULT);
	json_begin_list(json, "SecurityOpt");
	if ((unit->flags & UNIT_NEW_PRIVILEGES) == 0)
		json_string(json, NULL, "no-new-privileges");
	if ((unit->flags & UNIT_NO_FILTER) != 0)
		json_string(json, NULL, "seccomp=unconfined");
	json_end_list(json);
	json_end_object(json);
}

static void put_capabilities(struct json_writer *json, const char *key, const struct unit *unit)
{
	json_begin_list(json, key);
	for (int number = 0; number <= CAPABILITY_LAST; number++) {
		if ((unit->capabilities >> number & 1) != 0)
			json_string(json, NULL, capability_name(number));
	}
	json_end_list(json);
}

static void put_mounts(struct json_writer *json, const struct unit *unit)
{
	static const char *const types[] = {[UNIT_MOUNT_BIND] = "bind", [UNIT_MOUNT_TMPFS] = "tmpfs",
					    [UNIT_MOUNT_VOLUME] = "volume"};
	char path[PATH_MAX];

	json_begin_list(json, "Mounts");
	for (size_t i = 0; i < unit->mounts_count; i++) {
		const struct unit_mount *mount = &unit->mounts[i];

		json_begin_object(json, NULL);
		json_string(json, "Type", types[mount->type]);
		if (mount->type == UNIT_MOUNT_VOLUME) {
			json_string(json, "Name", mount->source);
			volume_path(path, mount->source);
		}
		json_string(json, "Source", mount->type == UNIT_MOUNT_VOLUME ? path :
			    mount->source != NULL ? mount->source : "");
		json_string(json, "Destination", mount->destination);
		put_truth(json, "RW", (mount->flags & MS_RDONLY) == 0);
		json_end_object(json);
	}
	json_end_list(json);
}

static void put_container(struct json_writer *json, const char *facts, const struct unit *unit)
{
	char path[PATH_MAX];

	json_begin_object(json, NULL);
	put_fact(json, "Id", facts, "id");
	put_time(json, "Created", facts, "created_ns");
	json_string(json, "Path", unit->command[0] != NULL ? unit->command[0] : "");
	json_strings(json, "Args", unit->command[0] != NULL ? unit->command + 1 : unit->command);
	put_state(json, facts);
	json_string(json, "Image", unit->image_id != NULL ? unit->image_id + strlen(DIGEST_PREFIX) : "");
	json_string(json, "ImageName", unit->image);
	json_string(json, "Rootfs", unit->rootfs != NULL ? unit->rootfs : "");
	json_string(json, "Name", unit->name);
	json_number(json, "RestartCount", number_of(facts, "restarts"));
	bundle_path(path, unit->name, "config.json");
	json_string(json, "OCIConfigPath", path);
	json_string(json, "OCIRuntime", "crun");
	snprintf(path, sizeof(path), LOG_FOLDER "/%s.log", unit->name);
	json_string(json, "LogPath", path);
	snprintf(path, sizeof(path), "/keel/%s", unit->name);
	json_string(json, "CgroupPath", path);
	put_capabilities(json, "EffectiveCaps", unit);
	put_capabilities(json, "BoundingCaps", unit);
	put_mounts(json, unit);
	put_config(json, unit);
	put_host_config(json, unit);
	json_end_object(json);
}

// Copies a value as it is.
static void put_node(struct json_writer *json, const char *key, const struct json_node *node)
{
	if (node == NULL)
		return;
	switch (node->kind) {
	case JSON_STRING:
		json_string(json, key, node->string);
		break;
	case JSON_NUMBER:
		json_number(json, key, (int64_t)node->count);
		break;
	case JSON_LIST:
		json_begin_list(json, key);
		break;
	case JSON_OBJECT:
		json_begin_object(json, key);
		break;
	default:
		put_truth(json, key, node->kind == JSON_TRUE);
	}
	for (const struct json_node *child = node->first; child != NULL; child = child->next)
		put_node(json, child->key, child);
	if (node->kind == JSON_LIST)
		json_end_list(json);
	else if (node->kind == JSON_OBJECT)
		json_end_object(json);
}

static void put_names(struct json_writer *json, const struct store *store, const struct image *image)
{
	struct fault fault = {0};
	struct index index;

	json_begin_list(json, "RepoTags");
	if (index_read(store, &index, &fault) == 0) {
		for (size_t i = 0; i < index.count; i++) {
			if (index.entries[i].name[0] != '\0' &&
			    strcmp(index.entries[i].digest, image->entry.digest) == 0)
				json_string(json, NULL, index.entries[i].name);
		}
		index_free(&index);
	}
	json_end_list(json);
}

static void put_image(struct json_writer *json, const struct store *store, const struct image *image)
{
	const struct json_node *root = json_root(image->document);

	json_begin_object(json, NULL);
	json_string(json, "Id", image->id + strlen(DIGEST_PREFIX));
	json_string(json, "Digest", image->entry.digest);
	put_names(json, store, image);
	put_node(json, "Created", json_find(root, "created"));
	put_node(json, "Author", json_find(root, "author"));
	put_node(json, "Architecture", json_find(root, "architecture"));
	put_node(json, "Os", json_find(root, "os"));
	json_number(json, "Size", (int64_t)image_size(store, image));
	put_node(json, "Config", json_find(root, "config"));
	json_begin_object(json, "RootFS");
	json_string(json, "Type", "layers");
	json_begin_list(json, "Layers");
	for (size_t i = 0; i < image->layers_count; i++)
		json_string(json, NULL, image->diff_ids[i]);
	json_end_list(json);
	json_end_object(json);
	put_node(json, "Labels", json_find(image_run_config(image), "Labels"));
	put_node(json, "History", json_find(root, "history"));
	json_string(json, "ManifestType", image->entry.type);
	json_end_object(json);
}

enum inspected { INSPECT_ANY, INSPECT_CONTAINER, INSPECT_IMAGE };

static int inspect_image(struct json_writer *json, const char *name)
{
	struct fault fault = {0};
	struct store store;
	struct image image;
	int error = store_open(&store, STORE_READ, &fault);

	if (error == 0)
		error = image_find(&store, name, &image, &fault);
	if (error == 0) {
		put_image(json, &store, &image);
		image_free(&image);
	}
	store_close(&store);
	return error == 0 ? 0 : complain("inspect: %s", fault.text);
}

static int has_container(const char *name)
{
	char request[256], *text;
	int found;

	snprintf(request, sizeof(request), "has %.128s", name);
	if (client_ask(request, &text) != 0)
		return 1;	// the next question says what is wrong
	found = strcmp(text, "1") == 0;
	free(text);
	return found;
}

static int inspect(struct json_writer *json, const char *name, enum inspected what)
{
	struct fault ignored = {0};
	struct unit *unit;
	char *facts;
	int status;

	if (what == INSPECT_IMAGE || (what == INSPECT_ANY && !has_container(name)))
		return inspect_image(json, name);
	status = client_read(name, &facts, &unit);
	if (status != 0)
		return status;
	if (image_complete_named(unit, &ignored) != 0) {
		// What the unit says itself is shown then.
	}
	put_container(json, facts, unit);
	free(facts);
	unit_destroy(unit);
	return 0;
}

static int look_up(const void *row, const char *path, enum template_form form, FILE *out)
{
	struct json_writer json = {.out = out};
	const struct json_node *node = row;
	char words[FACT_SIZE];
	char *rest = NULL;

	snprintf(words, sizeof(words), "%s", path);
	for (char *word = strtok_r(words, ".", &rest); word != NULL; word = strtok_r(NULL, ".", &rest)) {
		node = json_find(node, strcmp(word, "ID") == 0 ? "Id" : word);
		if (node == NULL)
			return -1;
	}
	if (node->kind == JSON_STRING && form == TEMPLATE_TEXT)
		fputs(node->string, out);
	else
		put_node(&json, NULL, node);
	return 0;
}

static int print_fields(const char *text, const char *format)
{
	struct json_document *document;
	struct template template;
	struct fault fault = {0};
	int status;

	if (json_parse(text, strlen(text), &document, &fault) != 0)
		return complain("inspect: %s", fault.text);
	status = template_begin(&template, "inspect", format);
	for (const struct json_node *node = json_root(document)->first; node != NULL && status == 0; node = node->next)
		status = template_row(&template, look_up, node);
	template_end(&template);
	json_destroy(document);
	return status;
}

// Two blanks a level, for people.
static void print_indented(const char *text)
{
	int depth = 0, inside = 0;

	for (; *text != '\0'; text++) {
		int opens = !inside && strchr("[{", *text) != NULL, closes = !inside && strchr("]}", *text) != NULL;

		if (*text == '"')
			inside = !inside;
		if (closes)
			printf("\n%*s", 2 * --depth, "");
		putchar(*text);
		if (inside && *text == '\\' && text[1] != '\0')
			putchar(*++text);
		if (opens && strchr("]}", text[1]) != NULL)
			putchar(*++text);
		else if (opens)
			printf("\n%*s", 2 * ++depth, "");
		else if (!inside && *text == ',')
			printf("\n%*s", 2 * depth, "");
		else if (!inside && *text == ':')
			putchar(' ');
	}
	putchar('\n');
}

static int inspect_all(char **names, enum inspected what, const char *format)
{
	char *text = NULL;
	size_t length;
	struct json_writer json = {.out = open_memstream(&text, &length)};
	int status = 0;

	if (json.out == NULL)
		return complain("no memory");
	json_begin_list(&json, NULL);
	for (; *names != NULL; names++) {
		int one = inspect(&json, *names, what);

		status = one != 0 ? one : status;
	}
	json_end_list(&json);
	fclose(json.out);
	if (format != NULL && strcmp(format, "json") != 0)
		status = print_fields(text, format) != 0 ? STATUS_FAILED : status;
	else
		print_indented(text);
	free(text);
	return status;
}

int command_inspect(int count, char **arguments)
{
	static const struct option options[] = {{"format", required_argument, NULL, 'f'},
						{"type", required_argument, NULL, 't'}, {0}};
	enum inspected what = INSPECT_ANY;
	const char *format = NULL;
	int option;

	while ((option = getopt_long(count, arguments, "f:t:", options, NULL)) != -1) {
		if (option == 'f')
			format = optarg;
		else if (option == 't' && strcmp(optarg, "container") == 0)
			what = INSPECT_CONTAINER;
		else if (option == 't' && strcmp(optarg, "image") == 0)
			what = INSPECT_IMAGE;
		else if (option == '?' || strcmp(optarg, "all") != 0)
			return option == '?' ? STATUS_FAILED : complain("inspect: --type is container or image");
	}
	if (optind == count)
		return complain("inspect: which container or image?");
	return inspect_all(arguments + optind, what, format);
}
