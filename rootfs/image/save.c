// SPDX-License-Identifier: MPL-2.0
// Theory: an archive says a file's size before its bytes, so a packed layer is unpacked twice: once to count, once to
// write. That costs time where a copy would cost room on the disk.
#include "save.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../archive/expand.h"
#include "../archive/tar_writer.h"
#include "../lib/json/json_writer.h"

enum { NAME_SIZE = 100 };

struct saving {
	const struct store *store;
	int fd;
	char (*written)[DIGEST_SIZE];	// what is in the archive already
	size_t written_count;
	struct fault *fault;
};

// Notes the digest. => 1 if it was there before
static int is_written(struct saving *saving, const char *digest)
{
	for (size_t i = 0; i < saving->written_count; i++) {
		if (strcmp(saving->written[i], digest) == 0)
			return 1;
	}
	strcpy(saving->written[saving->written_count++], digest);
	return 0;
}

static int count_bytes(int fd, uint64_t *size, struct fault *fault)
{
	char *bytes = malloc(TAR_WRITER_CHUNK);
	ssize_t got = -1;

	*size = 0;
	if (bytes == NULL)
		return fault_set(fault, -ENOMEM, "no memory");
	while ((got = read(fd, bytes, TAR_WRITER_CHUNK)) > 0)
		*size += (uint64_t)got;
	free(bytes);
	return got < 0 ? fault_errno(fault, "cannot read a layer") : 0;
}

enum pass { PASS_COUNT, PASS_WRITE };

static int expand_once(struct saving *saving, int blob, const char *name, uint64_t *size, enum pass pass)
{
	struct expansion expansion;
	int error;

	if (lseek(blob, 0, SEEK_SET) < 0)
		return fault_errno(saving->fault, "cannot read a layer");
	error = expand_begin(blob, &expansion, saving->fault);
	if (error != 0)
		return error;
	if (pass == PASS_COUNT)
		error = count_bytes(expansion.fd, size, saving->fault);
	else
		error = tar_write_head(saving->fd, name, *size, saving->fault);
	if (error == 0 && pass == PASS_WRITE)
		error = tar_write_data(saving->fd, expansion.fd, *size, saving->fault);
	if (error == 0)
		return expand_end(&expansion, saving->fault);
	expand_abort(&expansion);
	return error;
}

static int write_plain_layer(struct saving *saving, const char *digest, const char *name)
{
	int blob = store_open_blob(saving->store, digest, saving->fault), error;
	uint64_t size;

	if (blob < 0)
		return blob;
	error = expand_once(saving, blob, name, &size, PASS_COUNT);
	if (error == 0)
		error = expand_once(saving, blob, name, &size, PASS_WRITE);
	close(blob);
	return error;
}

// A blob as it is, under `name` or where an OCI layout has it.
static int write_blob(struct saving *saving, const char *digest, const char *name)
{
	int blob = store_open_blob(saving->store, digest, saving->fault), error;
	char path[BLOB_PATH_SIZE];
	struct stat status;

	if (blob < 0)
		return blob;
	store_blob_path(path, digest);
	if (fstat(blob, &status) < 0)
		error = fault_errno(saving->fault, "cannot look at %s", digest);
	else
		error = tar_write_head(saving->fd, name != NULL ? name : path, (uint64_t)status.st_size, saving->fault);
	if (error == 0)
		error = tar_write_data(saving->fd, blob, (uint64_t)status.st_size, saving->fault);
	close(blob);
	return error;
}

static const char *hex_of(const char *digest)
{
	return digest + strlen(DIGEST_PREFIX);
}

static int write_docker_image(struct saving *saving, const struct image *image)
{
	char name[NAME_SIZE];
	int error = 0;

	for (size_t i = 0; i < image->layers_count && error == 0; i++) {
		snprintf(name, sizeof(name), "%s.tar", hex_of(image->diff_ids[i]));
		if (!is_written(saving, image->diff_ids[i]))
			error = write_plain_layer(saving, image->blobs[i], name);
	}
	snprintf(name, sizeof(name), "%s.json", hex_of(image->id));
	if (error == 0 && !is_written(saving, image->id))
		error = write_blob(saving, image->id, name);
	return error;
}

static void print_docker_image(struct json_writer *json, const struct image *image)
{
	char name[NAME_SIZE];

	json_begin_object(json, NULL);
	snprintf(name, sizeof(name), "%s.json", hex_of(image->id));
	json_string(json, "Config", name);
	json_begin_list(json, "RepoTags");
	if (image->entry.name[0] != '\0')
		json_string(json, NULL, image->entry.name);
	json_end_list(json);
	json_begin_list(json, "Layers");
	for (size_t i = 0; i < image->layers_count; i++) {
		snprintf(name, sizeof(name), "%s.tar", hex_of(image->diff_ids[i]));
		json_string(json, NULL, name);
	}
	json_end_list(json);
	json_end_object(json);
}

static int write_oci_image(struct saving *saving, const struct image *image)
{
	int error = 0;

	for (size_t i = 0; i < image->layers_count && error == 0; i++) {
		if (!is_written(saving, image->blobs[i]))
			error = write_blob(saving, image->blobs[i], NULL);
	}
	if (error == 0 && !is_written(saving, image->id))
		error = write_blob(saving, image->id, NULL);
	if (error == 0 && !is_written(saving, image->entry.digest))
		error = write_blob(saving, image->entry.digest, NULL);
	return error;
}

static void print_oci_image(struct json_writer *json, const struct image *image)
{
	json_begin_object(json, NULL);
	json_string(json, "mediaType", image->entry.type);
	json_string(json, "digest", image->entry.digest);
	json_number(json, "size", (int64_t)image->entry.size_bytes);
	if (image->entry.name[0] != '\0') {
		json_begin_object(json, "annotations");
		json_string(json, "org.opencontainers.image.ref.name", image->entry.name);
		json_end_object(json);
	}
	json_end_object(json);
}

static void print_list(struct json_writer *json, const struct image *images, size_t count, enum save_form form)
{
	if (form == SAVE_OCI) {
		json_begin_object(json, NULL);
		json_number(json, "schemaVersion", 2);
	}
	json_begin_list(json, form == SAVE_OCI ? "manifests" : NULL);
	for (size_t i = 0; i < count; i++) {
		if (form == SAVE_OCI)
			print_oci_image(json, &images[i]);
		else
			print_docker_image(json, &images[i]);
	}
	json_end_list(json);
	if (form == SAVE_OCI)
		json_end_object(json);
}

static int write_list(struct saving *saving, const struct image *images, size_t count, enum save_form form)
{
	static const char layout[] = "{\"imageLayoutVersion\":\"1.0.0\"}";
	char *text = NULL;
	size_t length = 0;
	struct json_writer json = {.out = open_memstream(&text, &length)};
	int error = 0;

	if (json.out == NULL)
		return fault_set(saving->fault, -ENOMEM, "no memory");
	print_list(&json, images, count, form);
	if (fclose(json.out) != 0)
		error = fault_set(saving->fault, -ENOMEM, "no memory");
	if (error == 0 && form == SAVE_OCI)
		error = tar_write_text(saving->fd, "oci-layout", layout, strlen(layout), saving->fault);
	if (error == 0)
		error = tar_write_text(saving->fd, form == SAVE_OCI ? "index.json" : "manifest.json", text, length,
				       saving->fault);
	free(text);
	return error;
}

int images_save(const struct store *store, const struct image *images, size_t count, enum save_form form, int fd,
		struct fault *fault)
{
	struct saving saving = {.store = store, .fd = fd, .fault = fault};
	size_t most = 0;
	int error = 0;

	for (size_t i = 0; i < count; i++)
		most += images[i].layers_count + 2;
	saving.written = calloc(most + 1, sizeof(*saving.written));
	if (saving.written == NULL)
		return fault_set(fault, -ENOMEM, "no memory");
	for (size_t i = 0; i < count && error == 0; i++)
		error = form == SAVE_OCI ? write_oci_image(&saving, &images[i])
					 : write_docker_image(&saving, &images[i]);
	if (error == 0)
		error = write_list(&saving, images, count, form);
	if (error == 0)
		error = tar_write_end(fd, fault);
	free(saving.written);
	return error;
}
