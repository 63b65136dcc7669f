// SPDX-License-Identifier: MPL-2.0
// The store of images: a folder that is an OCI image layout itself (oci-layout, index.json, blobs/sha256), with the
// layers unpacked beside it:
//
//   index.json            which images there are, and their names (index.h)
//   blobs/sha256/HEX      manifests, configurations and layers as they came, each named by its sum
//   layers/HEX24          a layer, unpacked (layer.h)
//   containers/ID         what a container has changed (root.h)
//   records/ID            what init knows of it (init/containers/record.h)
//   staging/              work in progress; whoever changes the store empties it first
//
// Two locks, both files: "change" is held by the one process that adds or removes, "lock" by readers (shared) and,
// for the moment that matters, by that process (exclusive).
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "../lib/fault.h"

#define STORE_FOLDER "/var/data/keel"
#define DIGEST_PREFIX "sha256:"

enum { DIGEST_SIZE = 72, BLOB_PATH_SIZE = 96, STORE_TEXT_MAX = 4 * 1024 * 1024 };

enum store_use { STORE_READ, STORE_CHANGE };

struct store {
	int folder;
	int reading;	// the lock of readers, or -1
	int changing;	// the lock of changes, or -1
};

// Where the store is; another folder is for tests. Absolute.
const char *store_folder(void);
void store_set_folder(const char *path);

// Opens the store, making what is missing, and waits for its lock. => a negative errno with a sentence
int store_open(struct store *store, enum store_use use, struct fault *fault);
void store_close(struct store *store);

// While something goes that readers may look at. Of a store opened for STORE_CHANGE.
int store_lock_readers(struct store *store, struct fault *fault);

// Is it "sha256:" and 64 small hexadecimal digits?
int digest_is_valid(const char *digest);

// "blobs/sha256/HEX" of a valid digest.
void store_blob_path(char path[BLOB_PATH_SIZE], const char *digest);

// Whence a blob is taken.
enum blob_source {
	BLOB_COPY,	// from a file of somebody else
	BLOB_MOVE,	// from a file of the staging folder, which then is gone
};

struct blob {
	char digest[DIGEST_SIZE];
	uint64_t size_bytes;
};

// Adds the file `path`, which lies in `folder`; links that lead out of it are refused. Where `wanted` is not NULL the
// file must have that sum and, if it is not 0, that size. => a negative errno with a sentence
int store_add_blob(struct store *store, int folder, const char *path, enum blob_source source,
		   const struct blob *wanted, struct blob *blob, struct fault *fault);
int store_add_text(struct store *store, const char *text, struct blob *blob, struct fault *fault);

// Reads a blob of at most STORE_TEXT_MAX bytes into a fresh, zero-terminated buffer.
int store_read_blob(const struct store *store, const char *digest, char **text, size_t *length,
		    struct fault *fault);
int store_open_blob(const struct store *store, const char *digest, struct fault *fault);

// Reads a file below a folder in the same way, whoever made the folder.
int store_read_file(int folder, const char *path, char **text, size_t *length, struct fault *fault);

// Makes a fresh folder of that name in the staging folder and opens it. => a descriptor or a negative errno
int store_stage(struct store *store, const char *name, struct fault *fault);
void store_unstage(struct store *store, const char *name);
