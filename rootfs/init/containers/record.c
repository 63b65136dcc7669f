// SPDX-License-Identifier: MPL-2.0
#include "record.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../control/control.h"
#include "../../lib/file.h"

#define FIRST_LINE "keel-container 1\n"

static const char *folder = CONTROL_RECORDS;
static const char *const state_names[] = {"created", "running", "exited"};

void record_set_folder(const char *path)
{
	folder = path;
}

static int is_id(const char *text)
{
	return strlen(text) == RECORD_ID_SIZE - 1 && strspn(text, "0123456789abcdef") == RECORD_ID_SIZE - 1;
}

static void record_path(char path[PATH_MAX], const char *id)
{
	snprintf(path, PATH_MAX, "%s/%s", folder, id);
}

static char *print(const struct record *record)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (out == NULL)
		return NULL;
	fprintf(out, FIRST_LINE "id: %s\nstate: %s\nstopped: %d\nstatus: %d\nrestarts: %u\nout_of_memory: %d\n"
		"created_ns: %" PRId64 "\nbegun_ns: %" PRId64 "\nended_ns: %" PRId64 "\n\n%s",
		record->id, state_names[record->state], record->stopped, record->status, record->restarts,
		record->out_of_memory, record->created_ns, record->begun_ns, record->ended_ns, record->text);
	return fclose(out) == 0 ? text : NULL;
}

static int replace(const char *path, const char *text)
{
	char fresh[PATH_MAX];
	int error;

	if (snprintf(fresh, sizeof(fresh), "%s.new", path) >= (int)sizeof(fresh))
		return -ENAMETOOLONG;
	error = file_replace(fresh, text, 0600);
	if (error == -ENOENT) {
		error = file_make_directories(folder, 0700);
		if (error == 0)
			error = file_replace(fresh, text, 0600);
	}
	if (error == 0 && rename(fresh, path) < 0)
		error = -errno;
	if (error != 0)
		unlink(fresh);
	return error;
}

int record_write(const struct record *record, struct fault *fault)
{
	char path[PATH_MAX];
	char *text = print(record);
	int error;

	if (text == NULL)
		return fault_set(fault, -ENOMEM, "no memory");
	record_path(path, record->id);
	error = replace(path, text);
	free(text);
	return error == 0 ? 0 : fault_set(fault, error, "cannot write %s: %s", path, strerror(-error));
}

void record_remove(const char *id)
{
	char path[PATH_MAX];

	record_path(path, id);
	if (unlink(path) < 0) {
		// It is not there, or the disk is read-only and keeps it.
	}
}

int record_is_there(const char *id)
{
	char path[PATH_MAX];

	if (!is_id(id))
		return 0;
	record_path(path, id);
	return access(path, F_OK) == 0;
}

static int take_number(const char *text, int64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoll(text, &end, 10);
	return errno == 0 && end != text && *end == '\0' ? 0 : -EINVAL;
}

static int take_state(struct record *record, const char *text)
{
	for (size_t i = 0; i < sizeof(state_names) / sizeof(state_names[0]); i++) {
		if (strcmp(text, state_names[i]) == 0) {
			record->state = (enum record_state)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int take_line(struct record *record, const char *name, const char *value)
{
	int64_t number;

	if (strcmp(name, "id") == 0)
		return is_id(value) ? (strcpy(record->id, value), 0) : -EINVAL;
	if (strcmp(name, "state") == 0)
		return take_state(record, value);
	if (take_number(value, &number) != 0)
		return -EINVAL;
	if (strcmp(name, "stopped") == 0)
		record->stopped = number != 0;
	else if (strcmp(name, "status") == 0)
		record->status = (int)number;
	else if (strcmp(name, "restarts") == 0)
		record->restarts = (unsigned)number;
	else if (strcmp(name, "out_of_memory") == 0)
		record->out_of_memory = number != 0;
	else if (strcmp(name, "created_ns") == 0)
		record->created_ns = number;
	else if (strcmp(name, "begun_ns") == 0)
		record->begun_ns = number;
	else if (strcmp(name, "ended_ns") == 0)
		record->ended_ns = number;
	else
		return -EINVAL;
	return 0;
}

// Takes the head apart, line by line, up to the empty one.
static int parse(char *text, struct record *record)
{
	if (strncmp(text, FIRST_LINE, strlen(FIRST_LINE)) != 0)
		return -EINVAL;
	text += strlen(FIRST_LINE);
	while (*text != '\n') {
		char *end = strchr(text, '\n'), *colon = strstr(text, ": ");

		if (end == NULL || colon == NULL || colon > end)
			return -EINVAL;
		*end = *colon = '\0';
		if (take_line(record, text, colon + 2) != 0)
			return -EINVAL;
		text = end + 1;
	}
	record->text = text + 1;
	return 0;
}

int record_read(const char *id, struct record *record, char **buffer, struct fault *fault)
{
	char path[PATH_MAX];
	size_t length;
	int error;

	record_path(path, id);
	*record = (struct record){.status = -1};
	error = file_read_all(path, CONTROL_FRAME_MAX + 4096, buffer, &length);
	if (error != 0)
		return fault_set(fault, error, "cannot read %s: %s", path, strerror(-error));
	if (strlen(*buffer) != length || parse(*buffer, record) != 0 || strcmp(record->id, id) != 0) {
		free(*buffer);
		return fault_set(fault, -EINVAL, "%s is no record of a container", path);
	}
	return 0;
}

// When the container was made, for the order; what cannot be read comes last.
struct entry {
	char *id;
	int64_t created_ns;
};

static int compare(const void *a, const void *b)
{
	const struct entry *left = a, *right = b;

	if (left->created_ns != right->created_ns)
		return left->created_ns < right->created_ns ? -1 : 1;
	return strcmp(left->id, right->id);
}

static int64_t creation_of(const char *id)
{
	struct fault ignored = {0};
	struct record record;
	char *buffer;

	if (record_read(id, &record, &buffer, &ignored) != 0)
		return INT64_MAX;
	free(buffer);
	return record.created_ns;
}

// What a replacement that the machine did not survive has left is not an id, and is no record.
static int collect(DIR *stream, struct entry **entries)
{
	const struct dirent *found;
	int count = 0;

	while ((found = readdir(stream)) != NULL) {
		struct entry *bigger;
		char *id;

		if (!is_id(found->d_name))
			continue;
		bigger = realloc(*entries, ((size_t)count + 1) * sizeof(*bigger));
		if (bigger == NULL)
			return -ENOMEM;
		*entries = bigger;
		id = strdup(found->d_name);
		if (id == NULL)
			return -ENOMEM;
		bigger[count++] = (struct entry){id, creation_of(id)};
	}
	return count;
}

int record_list(char ***ids)
{
	struct entry *entries = NULL;
	DIR *stream = opendir(folder);
	int count;

	*ids = NULL;
	if (stream == NULL)
		return errno == ENOENT ? 0 : -errno;
	count = collect(stream, &entries);
	closedir(stream);
	if (count > 0) {
		qsort(entries, (size_t)count, sizeof(*entries), compare);
		*ids = calloc((size_t)count, sizeof(**ids));
		for (int i = 0; i < count && *ids != NULL; i++)
			(*ids)[i] = entries[i].id;
		if (*ids == NULL)
			count = -ENOMEM;
	}
	free(entries);
	return count;
}
