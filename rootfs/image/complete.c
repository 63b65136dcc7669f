// SPDX-License-Identifier: MPL-2.0
#include "complete.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "../lib/unit/unit_values.h"

static size_t count_texts(const char *const *texts)
{
	size_t count = 0;

	while (texts[count] != NULL)
		count++;
	return count;
}

static int append(struct unit *unit, const char **texts, size_t max, const char *text, struct fault *fault)
{
	size_t count = count_texts(texts);

	if (count == max)
		return fault_set(fault, -E2BIG, "the image has more than %zu words or variables", max);
	texts[count] = unit_keep_text(unit, text);
	texts[count + 1] = NULL;
	return texts[count] != NULL ? 0 : fault_set(fault, -ENOMEM, "no memory");
}

static int append_list(struct unit *unit, const char **texts, size_t max, const struct json_node *first,
		       struct fault *fault)
{
	int error = 0;

	for (const struct json_node *node = first; node != NULL && error == 0; node = node->next)
		error = node->kind == JSON_STRING ? append(unit, texts, max, node->string, fault)
						  : fault_set(fault, -EINVAL, "the image has a word that is no string");
	return error;
}

// The entry point in front of the words of the unit, which replace those of the image. An entry point of the unit's own
// makes the image's words meaningless too.
static int complete_command(struct unit *unit, const struct json_node *config, struct fault *fault)
{
	const char *words[UNIT_ARGUMENTS_MAX + 1] = {NULL};
	int own = (unit->flags & UNIT_ENTRYPOINT) != 0;
	size_t count;
	int error = 0;

	if (own)
		memcpy(words, unit->entrypoint, sizeof(words));
	else
		error = append_list(unit, words, UNIT_ARGUMENTS_MAX, json_find_list(config, "Entrypoint"), fault);
	count = count_texts(words);
	if (error == 0 && unit->command[0] == NULL && !own)
		error = append_list(unit, words, UNIT_ARGUMENTS_MAX, json_find_list(config, "Cmd"), fault);
	for (size_t i = 0; error == 0 && unit->command[i] != NULL; i++, count++) {
		if (count == UNIT_ARGUMENTS_MAX)
			return fault_set(fault, -E2BIG, "the command has more than %d words", UNIT_ARGUMENTS_MAX);
		words[count] = unit->command[i];
		words[count + 1] = NULL;
	}
	if (error == 0 && (words[0] == NULL || words[0][0] == '\0'))
		return fault_set(fault, -EINVAL, "the image says no command, so one must be given");
	memcpy(unit->command, words, sizeof(words));
	unit->entrypoint[0] = NULL;
	unit->flags &= ~(unsigned)UNIT_ENTRYPOINT;
	return error;
}

// Is there already a text that begins with the same name and a '='?
static int has_name(const char *const *texts, const char *text)
{
	size_t length = strcspn(text, "=");

	for (; *texts != NULL; texts++) {
		if (strncmp(*texts, text, length) == 0 && (*texts)[length] == '=')
			return 1;
	}
	return 0;
}

static int complete_environment(struct unit *unit, const struct json_node *config, struct fault *fault)
{
	int error = 0;

	for (const struct json_node *node = json_find_list(config, "Env"); node != NULL && error == 0;
	     node = node->next) {
		if (node->kind != JSON_STRING || strchr(node->string, '=') == NULL || node->string[0] == '=')
			return fault_set(fault, -EINVAL, "the image has a variable that is not NAME=value");
		if (!has_name(unit->environment, node->string))
			error = append(unit, unit->environment, UNIT_ENVIRONMENT_MAX, node->string, fault);
	}
	return error;
}

static int complete_labels(struct unit *unit, const struct json_node *config, struct fault *fault)
{
	const struct json_node *labels = json_find(config, "Labels");
	const struct json_node *node = labels != NULL && labels->kind == JSON_OBJECT ? labels->first : NULL;
	int error = 0;

	for (; node != NULL && error == 0; node = node->next) {
		char text[4096];

		if (node->kind != JSON_STRING ||
		    snprintf(text, sizeof(text), "%s=%s", node->key, node->string) >= (int)sizeof(text))
			continue;	// a note that is too long for the unit concerns nothing that runs
		if (!has_name(unit->labels, text) && count_texts(unit->labels) < UNIT_LABELS_MAX)
			error = append(unit, unit->labels, UNIT_LABELS_MAX, text, fault);
	}
	return error;
}

static int complete_texts(struct unit *unit, const struct json_node *config, struct fault *fault)
{
	const char *directory = json_find_string(config, "WorkingDir"), *user = json_find_string(config, "User");
	const char *stop = json_find_string(config, "StopSignal");

	if (unit->directory == NULL)
		unit->directory = directory != NULL && directory[0] == '/' ? unit_keep_text(unit, directory) : "/";
	if (unit->user == NULL && user != NULL && user[0] != '\0')
		unit->user = unit_keep_text(unit, user);
	if (unit->directory == NULL || (unit->user == NULL && user != NULL && user[0] != '\0'))
		return fault_set(fault, -ENOMEM, "no memory");
	if (unit->stop_signal == 0 && stop != NULL)
		unit->stop_signal = unit_value_signal(stop);
	if (unit->stop_signal <= 0)
		unit->stop_signal = SIGTERM;
	return 0;
}

int image_complete_unit(const struct image *image, struct unit *unit, struct fault *fault)
{
	const struct json_node *config = image_run_config(image);
	int error = complete_command(unit, config, fault);

	if (error == 0)
		error = complete_environment(unit, config, fault);
	if (error == 0)
		error = complete_labels(unit, config, fault);
	if (error == 0)
		error = complete_texts(unit, config, fault);
	if (error != 0)
		return error;
	unit->image_id = unit_keep_text(unit, image->id);
	return unit->image_id != NULL ? 0 : fault_set(fault, -ENOMEM, "no memory");
}

int image_complete_named(struct unit *unit, struct fault *fault)
{
	struct store store;
	struct image image;
	int error;

	if (unit->rootfs != NULL || unit->image_id != NULL)
		return 0;
	error = store_open(&store, STORE_READ, fault);
	if (error != 0)
		return error;
	error = image_find(&store, unit->image, &image, fault);
	if (error == 0) {
		error = image_complete_unit(&image, unit, fault);
		image_free(&image);
	}
	store_close(&store);
	return error;
}
