// SPDX-License-Identifier: MPL-2.0
// The archives of `docker save` and `podman save`: manifest.json is a list of images, each with the path of its
// configuration, the paths of its layers and its names. An OCI manifest is written for each, so that the store knows
// one form alone. Source: the moby project's image specification 1.2.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../lib/json/json_writer.h"
#include "load.h"

#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define CONFIG_TYPE "application/vnd.oci.image.config.v1+json"
#define LAYER_TYPE "application/vnd.oci.image.layer.v1.tar"

static void print_blob(struct json_writer *json, const char *key, const char *type, const struct blob *blob)
{
	json_begin_object(json, key);
	json_string(json, "mediaType", type);
	json_string(json, "digest", blob->digest);
	json_number(json, "size", (int64_t)blob->size_bytes);
	json_end_object(json);
}

// A configuration's file bears its sum as its name, which then must be right: "HEX.json" or "blobs/sha256/HEX".
static int add_config(struct load *load, const char *path, struct blob *blob, struct fault *fault)
{
	const char *name = strrchr(path, '/') != NULL ? strrchr(path, '/') + 1 : path;
	struct blob wanted = {0};
	int named = strspn(name, "0123456789abcdef") == 64 && (name[64] == '\0' || strcmp(name + 64, ".json") == 0);

	snprintf(wanted.digest, sizeof(wanted.digest), DIGEST_PREFIX "%.64s", name);
	return store_add_blob(&load->store, load->source, path, load->how, named ? &wanted : NULL, blob, fault);
}

static int add_layers(struct load *load, const struct json_node *first, struct json_writer *json, struct fault *fault)
{
	size_t count = 0;

	for (const struct json_node *layer = first; layer != NULL; layer = layer->next) {
		struct blob blob;
		int error;

		if (layer->kind != JSON_STRING || count++ == LAYERS_MAX)
			return fault_set(fault, -EINVAL, "manifest.json has layers that are no paths, or too many");
		error = store_add_blob(&load->store, load->source, layer->string, load->how, NULL, &blob, fault);
		if (error != 0)
			return error;
		print_blob(json, NULL, LAYER_TYPE, &blob);
	}
	return 0;
}

static int print_manifest(struct load *load, const struct json_node *node, struct json_writer *json,
			  struct fault *fault)
{
	const char *path = json_find_string(node, "Config");
	struct blob config;
	int error;

	if (path == NULL)
		return fault_set(fault, -EINVAL, "manifest.json names no configuration");
	error = add_config(load, path, &config, fault);
	if (error != 0)
		return error;
	json_begin_object(json, NULL);
	json_number(json, "schemaVersion", 2);
	json_string(json, "mediaType", MANIFEST_TYPE);
	print_blob(json, "config", CONFIG_TYPE, &config);
	json_begin_list(json, "layers");
	error = add_layers(load, json_find_list(node, "Layers"), json, fault);
	json_end_list(json);
	json_end_object(json);
	return error;
}

static int add_manifest(struct load *load, const struct json_node *node, struct blob *blob, struct fault *fault)
{
	char *text = NULL;
	size_t length;
	struct json_writer json = {.out = open_memstream(&text, &length)};
	int error;

	if (json.out == NULL)
		return fault_set(fault, -ENOMEM, "no memory");
	error = print_manifest(load, node, &json, fault);
	if (fclose(json.out) != 0 && error == 0)
		error = fault_set(fault, -ENOMEM, "no memory");
	if (error == 0)
		error = store_add_text(&load->store, text, blob, fault);
	free(text);
	return error;
}

static int load_one(struct load *load, const struct json_node *node, struct fault *fault)
{
	const struct json_node *name = json_find_list(node, "RepoTags");
	struct index_entry entry = {.type = MANIFEST_TYPE};
	struct blob blob;
	int error = add_manifest(load, node, &blob, fault);

	if (error != 0)
		return error;
	strcpy(entry.digest, blob.digest);
	entry.size_bytes = blob.size_bytes;
	if (name == NULL)
		return load_finish_image(load, &entry, fault);
	for (; name != NULL && error == 0; name = name->next) {
		if (name->kind != JSON_STRING || reference_complete(name->string, REFERENCE_DOCKER, entry.name) != 0)
			return fault_set(fault, -EINVAL, "manifest.json has a name that is none of an image: '%.100s'",
					 name->string != NULL ? name->string : "");
		error = load_finish_image(load, &entry, fault);
	}
	return error;
}

int load_docker(struct load *load, const char *text, size_t length, struct fault *fault)
{
	struct json_document *document;
	int error = json_parse(text, length, &document, fault);

	if (error != 0)
		return fault_prefix(fault, error, "manifest.json");
	if (json_root(document)->kind != JSON_LIST || json_root(document)->first == NULL)
		error = fault_set(fault, -EINVAL, "manifest.json lists no image");
	for (const struct json_node *node = json_root(document)->first; node != NULL && error == 0; node = node->next)
		error = load_one(load, node, fault);
	json_destroy(document);
	return error;
}
