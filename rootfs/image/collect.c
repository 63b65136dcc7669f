// SPDX-License-Identifier: MPL-2.0
// Theory: all names that images reach go into one sorted list, and each name of the two folders is looked up in it.
#include "collect.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../archive/beneath.h"
#include "image.h"

enum { KEPT_NAME_SIZE = 65 };

struct kept {
	size_t count, size;
	char (*names)[KEPT_NAME_SIZE];
};

static int keep(struct kept *kept, const char *name)
{
	if (kept->count == kept->size) {
		size_t size = kept->size * 2 + 64;
		void *larger = realloc(kept->names, size * sizeof(kept->names[0]));

		if (larger == NULL)
			return -ENOMEM;
		kept->names = larger;
		kept->size = size;
	}
	snprintf(kept->names[kept->count++], KEPT_NAME_SIZE, "%s", name);
	return 0;
}

static int keep_image(struct kept *kept, const struct image *image)
{
	static const size_t prefix = sizeof(DIGEST_PREFIX) - 1;
	char name[LAYER_NAME_SIZE];
	int error = keep(kept, image->entry.digest + prefix);

	if (error == 0)
		error = keep(kept, image->id + prefix);
	for (size_t i = 0; i < image->layers_count && error == 0; i++) {
		error = keep(kept, image->blobs[i] + prefix);
		layer_name(name, image->diff_ids[i]);
		if (error == 0)
			error = keep(kept, name);
	}
	return error;
}

// An image that cannot be read stops the sweep: what it has is not known.
static int keep_all(struct store *store, const struct index *index, struct kept *kept, struct fault *fault)
{
	for (size_t i = 0; i < index->count; i++) {
		struct image image;
		int error = image_read(store, &index->entries[i], &image, fault);

		if (error != 0)
			return error;
		error = keep_image(kept, &image);
		image_free(&image);
		if (error != 0)
			return fault_set(fault, error, "no memory");
	}
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

// The part of a file's name before ".id" counts.
static int is_kept(const struct kept *kept, const char *file)
{
	char name[KEPT_NAME_SIZE];

	snprintf(name, sizeof(name), "%.*s", (int)strcspn(file, "."), file);
	return kept->count > 0 && bsearch(name, kept->names, kept->count, sizeof(kept->names[0]), compare) != NULL;
}

static int sweep(struct store *store, const char *path, const struct kept *kept, struct fault *fault)
{
	int fd = openat(store->folder, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;
	DIR *listing = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (listing == NULL) {
		error = fault_errno(fault, "cannot list %s", path);
		if (fd >= 0)
			close(fd);
		return error;
	}
	while (error == 0 && (entry = readdir(listing)) != NULL) {
		if (entry->d_name[0] == '.' || is_kept(kept, entry->d_name))
			continue;
		error = beneath_remove(fd, entry->d_name);
		if (error != 0)
			fault_set(fault, error, "cannot remove %s/%s: %s", path, entry->d_name, strerror(-error));
	}
	closedir(listing);
	return error;
}

int collect_garbage(struct store *store, struct fault *fault)
{
	struct kept kept = {0};
	struct index index;
	int error = index_read(store, &index, fault);

	if (error != 0)
		return error;
	error = keep_all(store, &index, &kept, fault);
	if (error == 0 && kept.count > 0)
		qsort(kept.names, kept.count, sizeof(kept.names[0]), compare);
	if (error == 0)
		error = sweep(store, "blobs/sha256", &kept, fault);
	if (error == 0)
		error = sweep(store, "layers", &kept, fault);
	free(kept.names);
	index_free(&index);
	return error;
}
