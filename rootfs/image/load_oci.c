// SPDX-License-Identifier: MPL-2.0
// OCI layouts: index.json lists manifests, or further indexes with one manifest a machine; a manifest names its
// configuration and its layers by digest. Source: image-spec, image-layout.md, image-index.md, manifest.md.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

enum { INDEX_DEPTH_MAX = 4 };

static const char *const manifest_types[] = {
	"application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json", NULL,
};
static const char *const index_types[] = {
	"application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json", NULL,
};

static int is_listed(const char *const *list, const char *word)
{
	for (; *list != NULL; list++) {
		if (strcmp(*list, word) == 0)
			return 1;
	}
	return 0;
}

// Adds the blob that a descriptor names.
static int add_blob(struct load *load, const struct json_node *descriptor, struct blob *blob, struct fault *fault)
{
	const char *digest = json_find_string(descriptor, "digest");
	struct blob wanted = {0};
	char path[BLOB_PATH_SIZE];

	if (digest == NULL || !digest_is_valid(digest))
		return fault_set(fault, -EINVAL, "a descriptor of the image has no sha256 digest: '%.100s'",
				 digest != NULL ? digest : "");
	if (json_count(json_find(descriptor, "size"), &wanted.size_bytes) != 0)
		return fault_set(fault, -EINVAL, "the descriptor of %s has no size", digest);
	strcpy(wanted.digest, digest);
	store_blob_path(path, digest);
	return store_add_blob(&load->store, load->source, path, load->how, &wanted, blob, fault);
}

// The blobs that a manifest names, the manifest itself being in the store.
static int add_contents(struct load *load, const struct blob *manifest, struct fault *fault)
{
	struct json_document *document;
	struct blob blob;
	char *text;
	size_t length, count = 0;
	int error = store_read_blob(&load->store, manifest->digest, &text, &length, fault);

	if (error != 0)
		return error;
	error = json_parse(text, length, &document, fault);
	free(text);
	if (error != 0)
		return fault_prefix(fault, error, "%s", manifest->digest);
	error = add_blob(load, json_find(json_root(document), "config"), &blob, fault);
	for (const struct json_node *layer = json_find_list(json_root(document), "layers"); layer != NULL && error == 0;
	     layer = layer->next)
		error = count++ < LAYERS_MAX ? add_blob(load, layer, &blob, fault)
					     : fault_set(fault, -E2BIG, "it has more than %d layers", LAYERS_MAX);
	json_destroy(document);
	return error;
}

// containerd keeps the whole name beside the tag, which is all that some write.
static int choose_name(const struct json_node *descriptor, char name[REFERENCE_SIZE], struct fault *fault)
{
	const struct json_node *annotations = json_find(descriptor, "annotations");
	const char *wanted = json_find_string(annotations, "io.containerd.image.name");

	name[0] = '\0';
	if (wanted == NULL)
		wanted = json_find_string(annotations, "org.opencontainers.image.ref.name");
	if (wanted == NULL)
		return 0;
	if (reference_complete(wanted, REFERENCE_LOCAL, name) != 0)
		return fault_set(fault, -EINVAL, "index.json has a name that is none of an image: '%.100s'", wanted);
	return 0;
}

static int load_manifest(struct load *load, const struct json_node *descriptor, const char *type, const char *name,
			 struct fault *fault)
{
	struct index_entry entry = {0};
	struct blob blob;
	int error = add_blob(load, descriptor, &blob, fault);

	if (error == 0)
		error = add_contents(load, &blob, fault);
	if (error != 0)
		return error;
	strcpy(entry.digest, blob.digest);
	entry.size_bytes = blob.size_bytes;
	snprintf(entry.type, sizeof(entry.type), "%s", type);
	strcpy(entry.name, name);
	return load_finish_image(load, &entry, fault);
}

static int is_for_this_machine(const struct json_node *descriptor)
{
	const struct json_node *platform = json_find(descriptor, "platform");
	const char *os = json_find_string(platform, "os"), *machine = json_find_string(platform, "architecture");

	return (os == NULL || strcmp(os, "linux") == 0) && (machine == NULL || strcmp(machine, "amd64") == 0);
}

static int load_index(struct load *load, const struct json_node *descriptor, const char *name, unsigned depth,
		      struct fault *fault);

static int load_descriptor(struct load *load, const struct json_node *descriptor, const char *name, unsigned depth,
			   struct fault *fault)
{
	const char *type = json_find_string(descriptor, "mediaType");

	if (type == NULL || is_listed(manifest_types, type))
		return load_manifest(load, descriptor, type != NULL ? type : manifest_types[0], name, fault);
	if (is_listed(index_types, type))
		return load_index(load, descriptor, name, depth + 1, fault);
	return fault_set(fault, -EOPNOTSUPP, "index.json lists something of the unknown type %.80s", type);
}

// Of an index with one image a machine, the first for this one.
static int load_index(struct load *load, const struct json_node *descriptor, const char *name, unsigned depth,
		      struct fault *fault)
{
	struct json_document *document;
	const struct json_node *node;
	struct blob blob;
	char *text;
	size_t length;
	int error = depth < INDEX_DEPTH_MAX ? add_blob(load, descriptor, &blob, fault)
					    : fault_set(fault, -ELOOP, "the image has too many indexes in indexes");

	if (error == 0)
		error = store_read_blob(&load->store, blob.digest, &text, &length, fault);
	if (error != 0)
		return error;
	error = json_parse(text, length, &document, fault);
	free(text);
	if (error != 0)
		return fault_prefix(fault, error, "%s", blob.digest);
	node = json_find_list(json_root(document), "manifests");
	while (node != NULL && !is_for_this_machine(node))
		node = node->next;
	error = node != NULL ? load_descriptor(load, node, name, depth, fault)
			     : fault_set(fault, -ENOEXEC, "the image has no variant for linux on amd64");
	json_destroy(document);
	return error;
}

int load_oci(struct load *load, const char *text, size_t length, struct fault *fault)
{
	struct json_document *document;
	const struct json_node *first;
	int error = json_parse(text, length, &document, fault);

	if (error != 0)
		return fault_prefix(fault, error, "index.json");
	first = json_find_list(json_root(document), "manifests");
	if (first == NULL)
		error = fault_set(fault, -EINVAL, "index.json lists no image");
	for (const struct json_node *node = first; node != NULL && error == 0; node = node->next) {
		char name[REFERENCE_SIZE];

		error = choose_name(node, name, fault);
		if (error == 0)
			error = load_descriptor(load, node, name, 0, fault);
	}
	json_destroy(document);
	return error;
}
