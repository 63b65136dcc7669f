// SPDX-License-Identifier: MPL-2.0
#include "index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/file.h"
#include "../lib/json/json_reader.h"
#include "../lib/json/json_writer.h"

#define NAME_ANNOTATION "org.opencontainers.image.ref.name"
#define ID_ANNOTATION "org.keelson.image.id"

enum { ENTRIES_MAX = 4096 };

static int take_entry(struct index *index, const struct json_node *node, struct fault *fault)
{
	const char *digest = json_find_string(node, "digest"), *type = json_find_string(node, "mediaType");
	const char *name = json_find_string(json_find(node, "annotations"), NAME_ANNOTATION);
	const char *id = json_find_string(json_find(node, "annotations"), ID_ANNOTATION);
	struct index_entry *entry = &index->entries[index->count];

	if (digest == NULL || !digest_is_valid(digest) || type == NULL || strlen(type) >= sizeof(entry->type) ||
	    (name != NULL && strlen(name) >= sizeof(entry->name)) ||
	    json_count(json_find(node, "size"), &entry->size_bytes) != 0)
		return fault_set(fault, -EINVAL, "index.json of the store is damaged");
	strcpy(entry->digest, digest);
	strcpy(entry->type, type);
	strcpy(entry->name, name != NULL ? name : "");
	strcpy(entry->id, id != NULL && digest_is_valid(id) ? id : "");
	index->count++;
	return 0;
}

static int take_entries(struct index *index, const struct json_node *first, struct fault *fault)
{
	size_t count = 0;

	for (const struct json_node *node = first; node != NULL; node = node->next)
		count++;
	if (count > ENTRIES_MAX)
		return fault_set(fault, -E2BIG, "index.json of the store is too long");
	index->entries = calloc(count + 1, sizeof(index->entries[0]));
	if (index->entries == NULL)
		return fault_set(fault, -ENOMEM, "no memory");
	for (const struct json_node *node = first; node != NULL; node = node->next) {
		int error = take_entry(index, node, fault);

		if (error != 0)
			return error;
	}
	return 0;
}

int index_read(const struct store *store, struct index *index, struct fault *fault)
{
	struct json_document *document = NULL;
	char *text = NULL;
	size_t length;
	int error;

	*index = (struct index){0};
	if (faccessat(store->folder, "index.json", F_OK, 0) < 0 && errno == ENOENT)
		return take_entries(index, NULL, fault);
	error = store_read_file(store->folder, "index.json", &text, &length, fault);
	if (error == 0)
		error = json_parse(text, length, &document, fault);
	if (error == 0)
		error = take_entries(index, json_find_list(json_root(document), "manifests"), fault);
	json_destroy(document);
	free(text);
	if (error != 0)
		index_free(index);
	return error;
}

void index_free(struct index *index)
{
	free(index->entries);
	*index = (struct index){0};
}

static void print_index(struct json_writer *json, const struct index *index)
{
	json_begin_object(json, NULL);
	json_number(json, "schemaVersion", 2);
	json_begin_list(json, "manifests");
	for (size_t i = 0; i < index->count; i++) {
		const struct index_entry *entry = &index->entries[i];

		json_begin_object(json, NULL);
		json_string(json, "mediaType", entry->type);
		json_string(json, "digest", entry->digest);
		json_number(json, "size", (int64_t)entry->size_bytes);
		json_begin_object(json, "annotations");
		if (entry->name[0] != '\0')
			json_string(json, NAME_ANNOTATION, entry->name);
		if (entry->id[0] != '\0')
			json_string(json, ID_ANNOTATION, entry->id);
		json_end_object(json);
		json_end_object(json);
	}
	json_end_list(json);
	json_end_object(json);
}

static int replace_file(struct store *store, const char *text, struct fault *fault)
{
	int fd = openat(store->folder, "staging/index", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	int error;

	if (fd < 0)
		return fault_errno(fault, "cannot make staging/index");
	error = file_write_all(fd, text, strlen(text));
	// The blobs and layers that it names must be on the disk before it is.
	if (error == 0 && syncfs(fd) < 0)
		error = -errno;
	close(fd);
	if (error == 0 && renameat(store->folder, "staging/index", store->folder, "index.json") < 0)
		error = -errno;
	return error == 0 ? 0 : fault_set(fault, error, "cannot write index.json: %s", strerror(-error));
}

int index_write(struct store *store, const struct index *index, struct fault *fault)
{
	char *text = NULL;
	size_t length;
	struct json_writer json = {.out = open_memstream(&text, &length)};
	int error;

	if (json.out == NULL)
		return fault_set(fault, -ENOMEM, "no memory");
	print_index(&json, index);
	error = fclose(json.out) == 0 ? replace_file(store, text, fault) : fault_set(fault, -ENOMEM, "no memory");
	free(text);
	return error;
}

static int has_image(const struct index *index, const char *digest)
{
	for (size_t i = 0; i < index->count; i++) {
		if (strcmp(index->entries[i].digest, digest) == 0)
			return 1;
	}
	return 0;
}

// The name goes from whoever has it; an image's last entry stays, without a name.
static void take_name(struct index *index, const char *name)
{
	for (size_t i = 0; i < index->count; i++) {
		struct index_entry entry = index->entries[i];

		if (strcmp(entry.name, name) != 0)
			continue;
		index_remove(index, i);
		if (!has_image(index, entry.digest)) {
			entry.name[0] = '\0';
			index->entries[index->count++] = entry;
		}
		return;
	}
}

int index_set(struct index *index, const struct index_entry *entry, struct fault *fault)
{
	struct index_entry *larger;

	if (index->count >= ENTRIES_MAX)
		return fault_set(fault, -E2BIG, "there are already %d names of images", ENTRIES_MAX);
	larger = realloc(index->entries, (index->count + 2) * sizeof(index->entries[0]));
	if (larger == NULL)
		return fault_set(fault, -ENOMEM, "no memory");
	index->entries = larger;
	if (entry->name[0] != '\0')
		take_name(index, entry->name);
	else if (has_image(index, entry->digest))
		return 0;
	// An image that gets a name needs its nameless entry no more.
	for (size_t i = 0; i < index->count; i++) {
		if (index->entries[i].name[0] == '\0' && strcmp(index->entries[i].digest, entry->digest) == 0)
			index_remove(index, i--);
	}
	index->entries[index->count++] = *entry;
	return 0;
}

void index_remove(struct index *index, size_t at)
{
	index->count--;
	memmove(&index->entries[at], &index->entries[at + 1], (index->count - at) * sizeof(index->entries[0]));
}

static long find_whole(const struct index *index, const char *whole)
{
	for (size_t i = 0; i < index->count; i++) {
		if (strcmp(index->entries[i].name, whole) == 0)
			return (long)i;
	}
	return -ENOENT;
}

long index_find_name(const struct index *index, const char *name)
{
	static const enum reference_home homes[] = {REFERENCE_LOCAL, REFERENCE_DOCKER, REFERENCE_DOCKER_PLAIN};
	char whole[REFERENCE_SIZE];
	long found = -ENOENT;

	for (size_t i = 0; i < sizeof(homes) / sizeof(homes[0]) && found < 0; i++) {
		if (reference_complete(name, homes[i], whole) == 0)
			found = find_whole(index, whole);
	}
	return found;
}
