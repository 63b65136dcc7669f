// SPDX-License-Identifier: MPL-2.0
// Theory: an archive is unpacked into the staging folder as plain files, so that it looks like the folder of a layout.
// Blobs go into the store as they are verified; the index, written last, makes an image of them. Whatever the index
// does not reach when the load ends is swept away, be it old or new.
#include "load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../archive/expand.h"
#include "../archive/unpack.h"
#include "../lib/file.h"
#include "collect.h"

enum { COPY_SIZE = 64 * 1024 };

int load_finish_image(struct load *load, const struct index_entry *entry, struct fault *fault)
{
	struct image image;
	int error = image_read(&load->store, entry, &image, fault);

	if (error != 0)
		return error;
	for (size_t i = 0; i < image.layers_count && error == 0; i++) {
		error = layer_provide(&load->store, image.blobs[i], image.diff_ids[i], fault);
		if (error != 0)
			fault_prefix(fault, error, "layer %zu", i + 1);
	}
	if (error == 0)
		error = index_set(&load->index, entry, fault);
	if (error == 0)
		fprintf(load->report, "Loaded image: %s\n", entry->name[0] != '\0' ? entry->name : image.id);
	image_free(&image);
	return error;
}

// What is no file (a pipe) is copied to one: its first bytes must be read twice.
static int spool(struct store *store, int from, struct fault *fault)
{
	int to = openat(store->folder, "staging/archive", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	char *bytes = malloc(COPY_SIZE);
	ssize_t got = -1;
	int error = 0;

	if (to < 0 || bytes == NULL)
		error = fault_errno(fault, "cannot make staging/archive");
	while (error == 0 && (got = read(from, bytes, COPY_SIZE)) != 0) {
		if (got < 0)
			error = errno == EINTR ? 0 : fault_errno(fault, "cannot read the archive");
		else if (file_write_all(to, bytes, (size_t)got) != 0)
			error = fault_set(fault, -ENOSPC, "there is no room for the archive");
	}
	free(bytes);
	if (to >= 0)
		unlinkat(store->folder, "staging/archive", 0);
	if (error != 0 && to >= 0)
		close(to);
	return error == 0 ? to : error;
}

static int unpack_archive(int folder, int archive, struct fault *fault)
{
	struct unpack_result result;
	struct expansion expansion;
	int error = expand_begin(archive, &expansion, fault);

	if (error != 0)
		return error;
	error = unpack(folder, expansion.fd, UNPACK_FILES, &result, fault);
	if (error == 0)
		return expand_end(&expansion, fault);
	expand_abort(&expansion);
	return error;
}

// => the open folder with the archive's files, or a negative errno
static int open_archive(struct load *load, int archive, struct fault *fault)
{
	int folder = store_stage(&load->store, "source", fault), error, spooled = -1;

	if (folder < 0)
		return folder;
	if (lseek(archive, 0, SEEK_CUR) < 0)
		archive = spooled = spool(&load->store, archive, fault);
	error = archive < 0 ? archive : unpack_archive(folder, archive, fault);
	if (spooled >= 0)
		close(spooled);
	if (error == 0)
		return folder;
	close(folder);
	return error;
}

static int open_source(struct load *load, const char *path, struct fault *fault)
{
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO, folder;
	struct stat status;

	if (fd < 0 || fstat(fd, &status) < 0)
		return fault_errno(fault, "cannot open %s", path != NULL ? path : "standard input");
	load->how = S_ISDIR(status.st_mode) ? BLOB_COPY : BLOB_MOVE;
	if (S_ISDIR(status.st_mode))
		return fd;
	folder = open_archive(load, fd, fault);
	if (path != NULL)
		close(fd);
	return folder;
}

static int has_file(int folder, const char *name)
{
	struct stat status;

	return fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode);
}

static int load_source(struct load *load, struct fault *fault)
{
	// Newer versions of docker write both; the names in the older form are whole.
	int docker = has_file(load->source, "manifest.json");
	const char *name = docker ? "manifest.json" : "index.json";
	char *text;
	size_t length;
	int error;

	if (!docker && !has_file(load->source, "index.json"))
		return fault_set(fault, -EINVAL, "this is neither an OCI layout nor an archive of docker save: it has "
						 "neither index.json nor manifest.json");
	error = store_read_file(load->source, name, &text, &length, fault);
	if (error != 0)
		return error;
	error = docker ? load_docker(load, text, length, fault) : load_oci(load, text, length, fault);
	free(text);
	return error;
}

static int load_into(struct load *load, const char *path, struct fault *fault)
{
	int error = index_read(&load->store, &load->index, fault);

	if (error != 0)
		return error;
	load->source = open_source(load, path, fault);
	if (load->source < 0)
		return load->source;
	error = load_source(load, fault);
	close(load->source);
	if (error == 0)
		error = store_lock_readers(&load->store, fault);
	if (error == 0)
		error = index_write(&load->store, &load->index, fault);
	return error;
}

int load_images(const char *path, FILE *report, struct fault *fault)
{
	struct load load = {.source = -1, .report = report};
	struct fault ignored = {0};
	int error = store_open(&load.store, STORE_CHANGE, fault);

	if (error != 0)
		return error;
	error = load_into(&load, path, fault);
	index_free(&load.index);
	store_unstage(&load.store, "source");
	if (error != 0 && collect_garbage(&load.store, &ignored) != 0) {
		// The next one that changes the store sweeps again.
	}
	store_close(&load.store);
	return error;
}
