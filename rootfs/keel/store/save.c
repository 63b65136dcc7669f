// SPDX-License-Identifier: MPL-2.0
// keel save: images as an archive that `keel load`, podman and Docker take.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../image/save.h"
#include "../commands.h"

enum { IMAGES_MAX = 64 };

struct save_options {
	const char *output;	// NULL: standard output
	enum save_form form;
};

static int read_options(int count, char **arguments, struct save_options *wanted)
{
	enum { FORMAT = 256 };
	static const struct option options[] = {{"output", required_argument, NULL, 'o'},
						{"quiet", no_argument, NULL, 'q'},
						{"multi-image-archive", no_argument, NULL, 'm'},
						{"format", required_argument, NULL, FORMAT}, {0}};
	int option;

	while ((option = getopt_long(count, arguments, "+o:qm", options, NULL)) != -1) {
		if (option == '?')
			return STATUS_FAILED;
		if (option == 'o')
			wanted->output = optarg;
		if (option == FORMAT && strcmp(optarg, "oci-archive") == 0)
			wanted->form = SAVE_OCI;
		else if (option == FORMAT && strcmp(optarg, "docker-archive") != 0)
			return complain("save: --format is docker-archive or oci-archive");
	}
	if (optind == count)
		return complain("save: which image?");
	if (count - optind > IMAGES_MAX)
		return complain("save: more than %d images", IMAGES_MAX);
	if (wanted->output == NULL && isatty(STDOUT_FILENO))
		return complain("save: an archive is not for a terminal: -o FILE, or redirect it");
	return 0;
}

static int save_to(const struct store *store, const struct image *images, size_t count,
		   const struct save_options *wanted, struct fault *fault)
{
	int fd = STDOUT_FILENO, error;

	if (wanted->output != NULL)
		fd = open(wanted->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return fault_errno(fault, "cannot make %s", wanted->output);
	error = images_save(store, images, count, wanted->form, fd, fault);
	if (wanted->output != NULL && close(fd) < 0 && error == 0)
		error = fault_errno(fault, "cannot write %s", wanted->output);
	// Half an archive is of no use to anybody.
	if (wanted->output != NULL && error != 0)
		unlink(wanted->output);
	return error;
}

static int save_names(const struct store *store, char **names, const struct save_options *wanted, struct fault *fault)
{
	static struct image images[IMAGES_MAX];
	size_t count = 0;
	int error = 0;

	for (; names[count] != NULL && error == 0; count += error == 0)
		error = image_find(store, names[count], &images[count], fault);
	if (error == 0)
		error = save_to(store, images, count, wanted, fault);
	while (count > 0)
		image_free(&images[--count]);
	return error;
}

int command_save(int count, char **arguments)
{
	struct save_options wanted = {.form = SAVE_DOCKER};
	struct fault fault = {0};
	struct store store;
	int status = read_options(count, arguments, &wanted), error;

	if (status != 0)
		return status;
	error = store_open(&store, STORE_READ, &fault);
	if (error == 0) {
		error = save_names(&store, arguments + optind, &wanted, &fault);
		store_close(&store);
	}
	return error == 0 ? 0 : complain("save: %s", fault.text);
}
