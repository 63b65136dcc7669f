// SPDX-License-Identifier: MPL-2.0
#include "layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../archive/beneath.h"
#include "../archive/expand.h"
#include "../archive/unpack.h"
#include "../lib/file.h"

enum { RECORD_SIZE = 128 };

void layer_name(char name[LAYER_NAME_SIZE], const char *diff_id)
{
	snprintf(name, LAYER_NAME_SIZE, "%s", diff_id + strlen(DIGEST_PREFIX));
}

int layer_is_there(const struct store *store, const char *diff_id, uint64_t *size_bytes)
{
	char name[LAYER_NAME_SIZE], path[64], record[RECORD_SIZE] = "";
	ssize_t got;
	int fd;

	layer_name(name, diff_id);
	snprintf(path, sizeof(path), "layers/%s.id", name);
	fd = openat(store->folder, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	got = read(fd, record, sizeof(record) - 1);
	close(fd);
	if (got < DIGEST_SIZE || record[strlen(diff_id)] != ' ')
		return 0;
	if (strncmp(record, diff_id, strlen(diff_id)) != 0)
		return -EEXIST;
	*size_bytes = strtoull(record + strlen(diff_id) + 1, NULL, 10);
	return 1;
}

static int write_record(struct store *store, const char *name, const char *diff_id, uint64_t size, struct fault *fault)
{
	char path[64], record[RECORD_SIZE];
	int fd, error;

	snprintf(path, sizeof(path), "layers/%s.id", name);
	snprintf(record, sizeof(record), "%s %llu\n", diff_id, (unsigned long long)size);
	fd = openat(store->folder, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return fault_errno(fault, "cannot make %s", path);
	error = file_write_all(fd, record, strlen(record));
	close(fd);
	return error == 0 ? 0 : fault_set(fault, error, "cannot write %s: %s", path, strerror(-error));
}

static int unpack_blob(int folder, int blob, struct unpack_result *result, struct fault *fault)
{
	struct expansion expansion;
	int error = expand_begin(blob, &expansion, fault);

	if (error != 0)
		return error;
	error = unpack(folder, expansion.fd, UNPACK_LAYER, result, fault);
	if (error != 0) {
		struct fault damage = {0};

		// Where the program says that its file is damaged, this is why the archive made no sense.
		if (error == -EINVAL && expand_end(&expansion, &damage) == -EINVAL)
			*fault = damage;
		expand_abort(&expansion);
		return error;
	}
	return expand_end(&expansion, fault);
}

static int check_result(const struct unpack_result *result, const char *diff_id, struct fault *fault)
{
	if (strcmp(result->digest, diff_id + strlen(DIGEST_PREFIX)) == 0)
		return 0;
	return fault_set(fault, -EINVAL, "a layer is corrupt: its plain digest is sha256:%s, not %s", result->digest,
			 diff_id);
}

static int keep(struct store *store, const char *name, const char *diff_id, uint64_t size, struct fault *fault)
{
	char to[64];

	snprintf(to, sizeof(to), "layers/%s", name);
	// One without a record is what a load that was killed has left.
	if (beneath_remove(store->folder, to) != 0)
		return fault_errno(fault, "cannot remove %s", to);
	if (renameat(store->folder, "staging/layer", store->folder, to) < 0)
		return fault_errno(fault, "cannot keep the layer %s", name);
	return write_record(store, name, diff_id, size, fault);
}

static int unpack_layer(struct store *store, const char *name, const char *blob, const char *diff_id,
			struct fault *fault)
{
	struct unpack_result result;
	int fd = store_open_blob(store, blob, fault), folder, error;

	if (fd < 0)
		return fd;
	folder = store_stage(store, "layer", fault);
	if (folder < 0) {
		close(fd);
		return folder;
	}
	error = unpack_blob(folder, fd, &result, fault);
	close(folder);
	close(fd);
	if (error == 0)
		error = check_result(&result, diff_id, fault);
	if (error == 0)
		error = keep(store, name, diff_id, result.size_bytes, fault);
	store_unstage(store, "layer");
	return error;
}

int layer_provide(struct store *store, const char *blob, const char *diff_id, struct fault *fault)
{
	char name[LAYER_NAME_SIZE];
	uint64_t size;
	int there = layer_is_there(store, diff_id, &size);

	layer_name(name, diff_id);
	if (there < 0)
		return fault_set(fault, -EEXIST, "another layer is already stored as %s", name);
	return there ? 0 : unpack_layer(store, name, blob, diff_id, fault);
}
