// SPDX-License-Identifier: MPL-2.0
// Takes images into the store: from an OCI layout (a folder, or a tar archive of one) or an archive of `docker save`,
// either also compressed. Every blob and every layer is checked against its digest. A load that fails leaves nothing.
#pragma once

#include <stdio.h>

#include "image.h"

// `path` is a file or a folder, or NULL for standard input. A line for each image and name goes to `report`, and counts
// once this has returned 0. => a negative errno with a sentence
int load_images(const char *path, FILE *report, struct fault *fault);

// A load under way, for the two readers of forms.
struct load {
	struct store store;
	int source;			// the open folder of what is loaded
	enum blob_source how;
	struct index index;		// with what was loaded so far
	FILE *report;
};

// The form of docker save, whose "manifest.json" is `text`.
int load_docker(struct load *load, const char *text, size_t length, struct fault *fault);

// An OCI layout, whose "index.json" is `text`.
int load_oci(struct load *load, const char *text, size_t length, struct fault *fault);

// Both end here: the blobs of the manifest are in the store. Unpacks the layers and puts the image into the index under
// a whole name or "".
int load_finish_image(struct load *load, const struct index_entry *entry, struct fault *fault);
