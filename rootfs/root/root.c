// SPDX-License-Identifier: MPL-2.0
// Theory: overlayfs is given the layers by names relative to the folder "layers", so that all of them fit into the page
// that mount(2) takes its options in; the two other folders are reached from there by "..".
#include "root.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../archive/beneath.h"
#include "../lib/file.h"
#include "image.h"

enum { OPTIONS_SIZE = 4096 };

// Is the same layer once more above this one? There it hides and shows all that it could here, and overlayfs takes no
// folder twice.
static int comes_again(const struct image *image, size_t layer)
{
	for (size_t i = layer + 1; i < image->layers_count; i++) {
		if (strcmp(image->diff_ids[i], image->diff_ids[layer]) == 0)
			return 1;
	}
	return 0;
}

// The uppermost layer comes first.
static int print_options(const struct image *image, const char *id, const char *more, char options[OPTIONS_SIZE],
			 struct fault *fault)
{
	size_t used = (size_t)snprintf(options, OPTIONS_SIZE, "lowerdir=");

	for (size_t i = image->layers_count; i-- > 0 && used < OPTIONS_SIZE - LAYER_NAME_SIZE;) {
		char name[LAYER_NAME_SIZE];

		if (comes_again(image, i))
			continue;
		layer_name(name, image->diff_ids[i]);
		used += (size_t)snprintf(options + used, OPTIONS_SIZE - used, "%s%s",
					 options[used - 1] != '=' ? ":" : "", name);
	}
	used += (size_t)snprintf(options + used, OPTIONS_SIZE - used,
				 ",upperdir=../containers/%s/upper,workdir=../containers/%s/work%s", id, id, more);
	return used < OPTIONS_SIZE ? 0 : fault_set(fault, -E2BIG, "the image has too many layers to mount");
}

static int make_folders(const struct store *store, const char *id, struct fault *fault)
{
	static const struct {
		const char *name;
		mode_t mode;
	} folders[] = {{"", 0700}, {"/upper", 0755}, {"/work", 0700}};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		snprintf(path, sizeof(path), "containers/%s%s", id, folders[i].name);
		if (mkdirat(store->folder, path, folders[i].mode) < 0 && errno != EEXIST)
			return fault_errno(fault, "cannot make %s/%s", store_folder(), path);
	}
	return 0;
}

// The root folder itself has the permissions and the owner of the uppermost layer's.
static void copy_root_mode(const struct store *store, const struct image *image, const char *id)
{
	char path[PATH_MAX], name[LAYER_NAME_SIZE];
	struct stat status;

	layer_name(name, image->diff_ids[image->layers_count - 1]);
	snprintf(path, sizeof(path), "layers/%s", name);
	if (fstatat(store->folder, path, &status, 0) < 0)
		return;
	snprintf(path, sizeof(path), "containers/%s/upper", id);
	if (fchmodat(store->folder, path, status.st_mode & 07777, 0) < 0 ||
	    fchownat(store->folder, path, status.st_uid, status.st_gid, 0) < 0) {
		// It then is root's, readable by all, as it was made.
	}
}

static int mount_overlay(const struct store *store, const char *options, const char *path, struct fault *fault)
{
	int layers = openat(store->folder, "layers", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int error = 0;

	if (layers < 0 || fchdir(layers) < 0)
		error = fault_errno(fault, "cannot enter %s/layers", store_folder());
	else if (mount("overlay", path, "overlay", 0, options) < 0)
		error = fault_errno(fault, "cannot mount the image's layers");
	if (layers >= 0)
		close(layers);
	if (chdir("/") < 0 && error == 0)
		error = fault_errno(fault, "cannot return to /");
	return error;
}

static int mount_image(const struct store *store, const struct image *image, const struct unit *unit, const char *id,
		       const char *path, struct fault *fault)
{
	char options[OPTIONS_SIZE];
	// What nobody will read after the end needs no care for a power loss.
	int passing = (unit->flags & UNIT_AUTO_REMOVE) != 0 && unit->restart == UNIT_RESTART_NEVER;
	const char *more = passing ? ",volatile" : "";
	int error = make_folders(store, id, fault);

	if (error == 0) {
		copy_root_mode(store, image, id);
		error = print_options(image, id, more, options, fault);
	}
	if (error != 0)
		return error;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return fault_errno(fault, "cannot leave the mount namespace");
	return mount_overlay(store, options, path, fault);
}

int root_mount(const struct unit *unit, const char *id, const char *path, struct fault *fault)
{
	struct store store;
	struct image image;
	int error = file_make_directories(path, 0700);

	if (error != 0)
		return fault_set(fault, error, "cannot make %s: %s", path, strerror(-error));
	error = store_open(&store, STORE_READ, fault);
	if (error != 0)
		return error;
	error = image_find(&store, unit->image_id, &image, fault);
	if (error == 0) {
		error = mount_image(&store, &image, unit, id, path, fault);
		image_free(&image);
	}
	store_close(&store);
	return error;
}

static int open_containers(void)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/containers", store_folder());
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

void root_remove(const char *id)
{
	int folder = open_containers();

	if (folder < 0)
		return;
	if (beneath_remove(folder, id) != 0) {
		// The next boot tries again.
	}
	close(folder);
}

int root_is_there(const char *id)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/containers/%s", store_folder(), id);
	return access(path, F_OK) == 0;
}

void root_remove_all(void)
{
	char path[PATH_MAX];
	int folder = open_containers(), store;

	if (folder < 0)
		return;
	close(folder);
	snprintf(path, sizeof(path), "%s", store_folder());
	store = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (store < 0)
		return;
	if (beneath_remove(store, "containers") == 0 && mkdirat(store, "containers", 0700) < 0) {
		// Whoever needs it makes it.
	}
	close(store);
}
