// SPDX-License-Identifier: MPL-2.0
// The index of the store: which images it holds, by the digest of their manifest, and under which names. An image
// without a name is there once, with an empty one. Source: image-spec, image-layout.md and image-index.md.
#pragma once

#include "reference.h"
#include "store.h"

struct index_entry {
	char digest[DIGEST_SIZE];	// of the manifest
	uint64_t size_bytes;		// of the manifest
	char type[96];			// its media type
	char name[REFERENCE_SIZE];	// whole, or empty
	char id[DIGEST_SIZE];		// of the image: of its configuration; "" where an older keel wrote the index
};

struct index {
	size_t count;
	struct index_entry *entries;
};

int index_read(const struct store *store, struct index *index, struct fault *fault);
void index_free(struct index *index);

// Replaces index.json in one step. Of a store that is opened for STORE_CHANGE.
int index_write(struct store *store, const struct index *index, struct fault *fault);

// Gives an image a name (whole, or "" for none); one that had the name before keeps no name. => -ENOMEM
int index_set(struct index *index, const struct index_entry *entry, struct fault *fault);
void index_remove(struct index *index, size_t at);

// The entry that a person means: by a name, whole or not, or by the first digits of an image's id, which is the digest
// of its configuration (which image.c looks for). => an index into entries, or -ENOENT
long index_find_name(const struct index *index, const char *name);
