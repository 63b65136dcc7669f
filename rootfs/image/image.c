// SPDX-License-Identifier: MPL-2.0
#include "image.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int read_document(const struct store *store, const char *digest, struct json_document **document,
			 struct fault *fault)
{
	char *text;
	size_t length;
	int error = store_read_blob(store, digest, &text, &length, fault);

	if (error != 0)
		return error;
	error = json_parse(text, length, document, fault);
	free(text);
	return error == 0 ? 0 : fault_prefix(fault, error, "%s", digest);
}

static int copy_digests(const struct json_node *first, const char *key, size_t count, char (**digests)[DIGEST_SIZE],
			struct fault *fault)
{
	char (*copy)[DIGEST_SIZE] = calloc(count + 1, sizeof(*copy));
	size_t at = 0;

	*digests = copy;
	if (copy == NULL)
		return fault_set(fault, -ENOMEM, "no memory");
	for (const struct json_node *node = first; node != NULL; node = node->next, at++) {
		const char *digest = key != NULL ? json_find_string(node, key) : node->string;

		if (at == count)
			return fault_set(fault, -EINVAL, "the image has more layers in one list than in the other");
		if (digest == NULL || !digest_is_valid(digest))
			return fault_set(fault, -EINVAL, "the image names a layer by what is no sha256 digest");
		strcpy(copy[at], digest);
	}
	return at == count ? 0 : fault_set(fault, -EINVAL, "the image has fewer layers in one list than in the other");
}

static int read_layers(struct image *image, struct fault *fault)
{
	const struct json_node *layers = json_find_list(json_root(image->manifest), "layers");
	const struct json_node *rootfs = json_find(json_root(image->document), "rootfs");
	int error;

	for (const struct json_node *node = layers; node != NULL; node = node->next)
		image->layers_count++;
	if (image->layers_count == 0 || image->layers_count > LAYERS_MAX)
		return fault_set(fault, -EINVAL, "the image has %zu layers, and 1 to %d are possible",
				 image->layers_count, LAYERS_MAX);
	error = copy_digests(layers, "digest", image->layers_count, &image->blobs, fault);
	if (error != 0)
		return error;
	return copy_digests(json_find_list(rootfs, "diff_ids"), NULL, image->layers_count, &image->diff_ids, fault);
}

static int check_machine(const struct image *image, struct fault *fault)
{
	const char *os = json_find_string(json_root(image->document), "os");
	const char *machine = json_find_string(json_root(image->document), "architecture");

	if (os != NULL && os[0] != '\0' && strcmp(os, "linux") != 0)
		return fault_set(fault, -ENOEXEC, "the image is for the system %.32s, not for linux", os);
	if (machine != NULL && machine[0] != '\0' && strcmp(machine, "amd64") != 0)
		return fault_set(fault, -ENOEXEC, "the image is for %.32s processors, not for amd64", machine);
	return 0;
}

static int read_parts(const struct store *store, struct image *image, struct fault *fault)
{
	const char *digest;
	int error = read_document(store, image->entry.digest, &image->manifest, fault);

	if (error != 0)
		return error;
	digest = json_find_string(json_find(json_root(image->manifest), "config"), "digest");
	if (digest == NULL || !digest_is_valid(digest))
		return fault_set(fault, -EINVAL, "the manifest %s names no configuration", image->entry.digest);
	strcpy(image->id, digest);
	error = read_document(store, digest, &image->document, fault);
	if (error == 0)
		error = check_machine(image, fault);
	return error == 0 ? read_layers(image, fault) : error;
}

int image_read(const struct store *store, const struct index_entry *entry, struct image *image, struct fault *fault)
{
	int error;

	*image = (struct image){.entry = *entry};
	error = read_parts(store, image, fault);
	if (error == 0)
		strcpy(image->entry.id, image->id);
	if (error != 0)
		image_free(image);
	return error;
}

void image_free(struct image *image)
{
	json_destroy(image->manifest);
	json_destroy(image->document);
	free(image->blobs);
	free(image->diff_ids);
	*image = (struct image){0};
}

static int is_id(const char *text)
{
	size_t length = strlen(text);

	return length >= 3 && length <= 64 && strspn(text, "0123456789abcdef") == length;
}

static int begins_with(const char *digest, const char *id)
{
	return strncmp(digest + strlen(DIGEST_PREFIX), id, strlen(id)) == 0;
}

// The index knows the ids; an entry of an older keel's index has to be read for it.
static int read_id(const struct store *store, const struct index_entry *entry, char id[DIGEST_SIZE])
{
	struct fault ignored = {0};
	struct image image;

	if (entry->id[0] != '\0') {
		strcpy(id, entry->id);
		return 0;
	}
	if (image_read(store, entry, &image, &ignored) != 0)
		return -ENOENT;
	strcpy(id, image.id);
	image_free(&image);
	return 0;
}

// Several names of one image are one image; two images that begin alike are none.
static int find_id(const struct store *store, const struct index *index, const char *id, struct image *image,
		   struct fault *fault)
{
	const struct index_entry *found = NULL;
	char found_id[DIGEST_SIZE];

	for (size_t i = 0; i < index->count; i++) {
		char candidate[DIGEST_SIZE];

		if (read_id(store, &index->entries[i], candidate) != 0 || !begins_with(candidate, id))
			continue;
		if (found != NULL && strcmp(candidate, found_id) != 0)
			return fault_set(fault, -ENOTUNIQ, "the id %s is that of several images", id);
		found = &index->entries[i];
		strcpy(found_id, candidate);
	}
	return found != NULL ? image_read(store, found, image, fault) : -ENOENT;
}

int image_find(const struct store *store, const char *name, struct image *image, struct fault *fault)
{
	const char *id = strncmp(name, DIGEST_PREFIX, strlen(DIGEST_PREFIX)) == 0 ? name + strlen(DIGEST_PREFIX) : name;
	struct index index;
	long at;
	int error = index_read(store, &index, fault);

	if (error != 0)
		return error;
	at = index_find_name(&index, name);
	if (at >= 0)
		error = image_read(store, &index.entries[at], image, fault);
	else
		error = is_id(id) ? find_id(store, &index, id, image, fault) : -ENOENT;
	index_free(&index);
	if (error == -ENOENT && fault->text[0] == '\0')
		return fault_set(fault, error, "no image is known as %.160s", name);
	return error;
}

const struct json_node *image_run_config(const struct image *image)
{
	return json_find(json_root(image->document), "config");
}

uint64_t image_size(const struct store *store, const struct image *image)
{
	uint64_t all = 0, one;

	for (size_t i = 0; i < image->layers_count; i++) {
		if (layer_is_there(store, image->diff_ids[i], &one) == 1)
			all += one;
	}
	return all;
}

const char *image_short_id(const struct image *image, char text[IMAGE_ID_SHOWN + 1])
{
	snprintf(text, IMAGE_ID_SHOWN + 1, "%s", image->id + strlen(DIGEST_PREFIX));
	return text;
}
