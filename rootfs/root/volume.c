// SPDX-License-Identifier: MPL-2.0
#include "volume.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../archive/beneath.h"
#include "../archive/tree_copy.h"
#include "../lib/file.h"

void volume_path(char path[PATH_MAX], const char *name)
{
	snprintf(path, PATH_MAX, "%s/volumes/%s/_data", store_folder(), name);
}

int volume_is_there(const char *name)
{
	char path[PATH_MAX];

	volume_path(path, name);
	return access(path, F_OK) == 0;
}

int volume_create(const char *name, struct fault *fault)
{
	char path[PATH_MAX + 8];
	int error;

	if (volume_is_there(name))
		return 0;
	snprintf(path, PATH_MAX, "%s/volumes/%s", store_folder(), name);
	error = file_make_directories(path, 0700);
	if (error == 0) {
		strcat(path, "/fresh");
		error = file_replace(path, "", 0600);
	}
	volume_path(path, name);
	if (error == 0 && mkdir(path, 0755) < 0 && errno != EEXIST)
		error = -errno;
	return error == 0 ? 0 : fault_set(fault, error, "cannot make %s: %s", path, strerror(-error));
}

int volume_remove(const char *name, struct fault *fault)
{
	char path[PATH_MAX];
	int folder, error;

	if (!volume_is_there(name))
		return fault_set(fault, -ENOENT, "no volume is named %s", name);
	snprintf(path, sizeof(path), "%s/volumes", store_folder());
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return fault_errno(fault, "cannot open %s", path);
	error = beneath_remove(folder, name);
	close(folder);
	return error == 0 ? 0 : fault_set(fault, error, "cannot remove the volume %s: %s", name, strerror(-error));
}

// The folder itself gets the permissions of the one it hides.
static int copy_folder(int from, int to, struct fault *fault)
{
	struct tree_copy copy = {.owner = TREE_OWNER_KEPT};
	struct stat status;
	int error = tree_copy_contents(&copy, from, to, fault);

	if (error == 0 && (fstat(from, &status) < 0 || fchown(to, status.st_uid, status.st_gid) < 0 ||
			   fchmod(to, status.st_mode & 07777) < 0))
		error = fault_errno(fault, "cannot prepare the volume");
	return error;
}

// What the root has there may be nothing, or no folder, and is then nothing to copy.
static int fill(const struct unit *unit, const char *destination, const char *path, struct fault *fault)
{
	int root = open(unit->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int volume = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int from = -1, error = 0;

	if (root < 0 || volume < 0)
		error = fault_errno(fault, "cannot enter %s", root < 0 ? unit->rootfs : path);
	else if (tree_is_empty(volume) == 1)
		from = beneath_open(root, destination, O_RDONLY | O_DIRECTORY, 0, BENEATH_LINKS_ROOTED);
	if (from >= 0) {
		error = copy_folder(from, volume, fault);
		close(from);
	}
	if (volume >= 0)
		close(volume);
	if (root >= 0)
		close(root);
	return error;
}

static int provide(struct unit *unit, struct unit_mount *mount, struct fault *fault)
{
	char path[PATH_MAX], fresh[PATH_MAX];
	int error = volume_create(mount->source, fault);

	if (error != 0)
		return error;
	volume_path(path, mount->source);
	snprintf(fresh, sizeof(fresh), "%s/volumes/%s/fresh", store_folder(), mount->source);
	if (access(fresh, F_OK) == 0)
		error = fill(unit, mount->destination, path, fault);
	if (error != 0)
		return fault_prefix(fault, error, "volume %s", mount->source);
	unlink(fresh);
	mount->source = unit_keep_text(unit, path);
	mount->type = UNIT_MOUNT_BIND;
	return mount->source != NULL ? 0 : fault_set(fault, -ENOMEM, "no memory");
}

int volume_provide(struct unit *unit, struct fault *fault)
{
	int error = 0;

	for (size_t i = 0; i < unit->mounts_count && error == 0; i++) {
		if (unit->mounts[i].type == UNIT_MOUNT_VOLUME)
			error = provide(unit, &unit->mounts[i], fault);
	}
	return error;
}
