// SPDX-License-Identifier: MPL-2.0
// Theory: overlayfs is given the layers by names relative to their folder, so that all of them fit into the page that
// mount(2) takes its options in; the two other folders are named by their paths. With a user namespace the folder is
// one of mounts with mapped ids, on a tmpfs, all of which goes once overlayfs holds them.
#include "root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../archive/beneath.h"
#include "../image/image.h"
#include "../lib/file.h"
#include "id_range.h"
#include "mapped_layers.h"

// Each supervisor has its own mounts there, in its own mount namespace.
#define MAPPED_FOLDER "/run/keel/layers"

// Of the store: what a process is removing.
#define TRASH_FOLDER "trash"

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
				 ",upperdir=%s/containers/%s/upper,workdir=%s/containers/%s/work%s", store_folder(), id,
				 store_folder(), id, more);
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
static int copy_root_mode(const struct store *store, const struct image *image, const char *id, uint32_t base,
			  struct fault *fault)
{
	char path[PATH_MAX], name[LAYER_NAME_SIZE];
	struct stat status;

	layer_name(name, image->diff_ids[image->layers_count - 1]);
	snprintf(path, sizeof(path), "layers/%s", name);
	if (fstatat(store->folder, path, &status, 0) < 0)
		return fault_errno(fault, "the layer %s is not there", name);
	snprintf(path, sizeof(path), "containers/%s/upper", id);
	if (fchownat(store->folder, path, base + status.st_uid, base + status.st_gid, 0) < 0 ||
	    fchmodat(store->folder, path, status.st_mode & 07777, 0) < 0)
		return fault_errno(fault, "cannot prepare %s", path);
	return 0;
}

static int mount_overlay(int layers, const char *options, const char *path, struct fault *fault)
{
	int error = 0;

	if (fchdir(layers) < 0)
		error = fault_errno(fault, "cannot enter the folder of layers");
	else if (mount("overlay", path, "overlay", 0, options) < 0)
		error = fault_errno(fault, "cannot mount the image's layers");
	if (chdir("/") < 0 && error == 0)
		error = fault_errno(fault, "cannot return to /");
	return error;
}

static int map_layers(const struct image *image, int layers, int namespace, const char *place, struct fault *fault)
{
	int error = 0;

	for (size_t i = 0; i < image->layers_count && error == 0; i++) {
		char name[LAYER_NAME_SIZE], path[PATH_MAX];

		if (comes_again(image, i))
			continue;
		layer_name(name, image->diff_ids[i]);
		snprintf(path, sizeof(path), "%s/%s", place, name);
		error = mapped_layer_mount(layers, name, namespace, path, fault);
	}
	return error;
}

static int mount_mapped(const struct image *image, int layers, uint32_t base, const char *options, const char *path,
			struct fault *fault)
{
	int namespace = mapped_namespace_open(base, fault), mapped = -1, error;

	if (namespace < 0)
		return namespace;
	error = file_make_directories(MAPPED_FOLDER, 0700);
	if (error != 0 || mount("tmpfs", MAPPED_FOLDER, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755,size=64k") < 0)
		error = fault_errno(fault, "cannot mount a tmpfs on " MAPPED_FOLDER);
	else
		error = map_layers(image, layers, namespace, MAPPED_FOLDER, fault);
	close(namespace);
	if (error == 0) {
		mapped = open(MAPPED_FOLDER, O_PATH | O_DIRECTORY | O_CLOEXEC);
		error = mount_overlay(mapped, options, path, fault);
	}
	if (mapped >= 0)
		close(mapped);
	// overlayfs has mounts of its own of them by now.
	umount2(MAPPED_FOLDER, MNT_DETACH);
	return error;
}

// By its path, because what was opened before lies in the mount namespace that was left.
static int mount_layers(const struct image *image, uint32_t base, const char *options, const char *path,
			struct fault *fault)
{
	char folder[PATH_MAX];
	int layers, error;

	snprintf(folder, sizeof(folder), "%s/layers", store_folder());
	layers = open(folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (layers < 0)
		return fault_errno(fault, "cannot enter %s", folder);
	error = base != 0 ? mount_mapped(image, layers, base, options, path, fault)
			  : mount_overlay(layers, options, path, fault);
	close(layers);
	return error;
}

static int mount_image(const struct store *store, const struct image *image, struct unit *unit, const char *id,
		       const char *path, struct fault *fault)
{
	char options[OPTIONS_SIZE];
	// What nobody will read after the end needs no care for a power loss.
	int passing = (unit->flags & UNIT_AUTO_REMOVE) != 0 && unit->restart == UNIT_RESTART_NEVER;
	int error = make_folders(store, id, fault);

	if (error == 0 && unit->userns == UNIT_USERNS_AUTO)
		error = id_range_provide(store, id, &unit->id_base, fault);
	if (error == 0)
		error = copy_root_mode(store, image, id, unit->id_base, fault);
	if (error == 0)
		error = print_options(image, id, passing ? ",volatile" : "", options, fault);
	if (error != 0)
		return error;
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0)
		return fault_errno(fault, "cannot leave the mount namespace");
	return mount_layers(image, unit->id_base, options, path, fault);
}

int root_mount(struct unit *unit, const char *id, const char *path, struct fault *fault)
{
	struct store store;
	struct image image;
	int error = file_make_directories(path, 0711);

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

	int store = folder >= 0 ? openat(folder, "..", O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;

	if (folder < 0)
		return;
	if (store >= 0) {
		id_range_release(store, id);
		close(store);
	}
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

static void throw_away(int store, const char *path)
{
	const char *slash = strrchr(path, '/');
	char to[PATH_MAX];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(to, sizeof(to), TRASH_FOLDER "/%s-%lld-%ld", slash != NULL ? slash + 1 : path, (long long)now.tv_sec,
		 now.tv_nsec);
	if (renameat(store, path, store, to) < 0) {
		// It is not there, or it stays for once: ids of containers do not come again.
	}
}

static void sort_out(int store, root_is_kept *is_kept)
{
	int folder = open_containers();
	DIR *stream = folder >= 0 ? fdopendir(folder) : NULL;
	const struct dirent *entry;

	while (stream != NULL && (entry = readdir(stream)) != NULL) {
		char path[PATH_MAX];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "containers/%s", entry->d_name);
		if (!is_kept(entry->d_name))
			throw_away(store, path);
		else
			id_range_keep(store, entry->d_name);
	}
	if (stream != NULL)
		closedir(stream);
	else if (folder >= 0)
		close(folder);
}

void root_remove_others(root_is_kept *is_kept)
{
	int store = open(store_folder(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (store < 0)
		return;
	mkdirat(store, TRASH_FOLDER, 0700);
	throw_away(store, "ids");
	sort_out(store, is_kept);
	if (fork() == 0) {
		beneath_remove(store, TRASH_FOLDER);
		_exit(0);
	}
	close(store);
}
