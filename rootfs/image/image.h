// SPDX-License-Identifier: MPL-2.0
// One image of the store: its manifest and its configuration. Source: image-spec, manifest.md and config.md.
#pragma once

#include "../lib/json/json_reader.h"
#include "index.h"
#include "layer.h"

enum { IMAGE_ID_SHOWN = 12 };

struct image {
	struct index_entry entry;
	char id[DIGEST_SIZE];			// the digest of its configuration
	struct json_document *manifest;
	struct json_document *document;		// the configuration
	size_t layers_count;
	char (*blobs)[DIGEST_SIZE];		// of the layers, the lowest first
	char (*diff_ids)[DIGEST_SIZE];
};

// Reads an image whose blobs are in the store; the number of layers, their digests and the machine it is for are
// checked. => a negative errno with a sentence; nothing is left then
int image_read(const struct store *store, const struct index_entry *entry, struct image *image, struct fault *fault);
void image_free(struct image *image);

// The image that a person names: by a name, or by the first digits of its id. => -ENOENT with a sentence
int image_find(const struct store *store, const char *name, struct image *image, struct fault *fault);

// The part of the configuration that says how to run it, or NULL.
const struct json_node *image_run_config(const struct image *image);

// The size of its layers' files.
uint64_t image_size(const struct store *store, const struct image *image);

// The digits of the id that people see.
const char *image_short_id(const struct image *image, char text[IMAGE_ID_SHOWN + 1]);
