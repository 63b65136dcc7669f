// SPDX-License-Identifier: MPL-2.0
// Writes images of the store as one archive, which `load` here, podman and Docker take. Sources: image-spec
// image-layout.md; the form of docker save as containers/image writes it (layers not compressed).
#pragma once

#include "image.h"

enum save_form {
	SAVE_DOCKER,	// manifest.json, configurations and plain layers
	SAVE_OCI,	// an OCI layout with the blobs as they came, so that digests stay
};

// The store is open for reading. Each image comes under its name, where it has one. => a negative errno with a sentence
int images_save(const struct store *store, const struct image *images, size_t count, enum save_form form, int fd,
		struct fault *fault);
