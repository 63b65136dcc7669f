// SPDX-License-Identifier: MPL-2.0
// Theory: an entry's folder is opened by openat2(2), which refuses links and ".." on the way, and everything is then
// done to one name in that folder, by calls that follow no link. So no state of the tree, made by earlier entries, can
// lead out of it. Folders get their times last, because what is put into them changes them.
#include "unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "../lib/file.h"
#include "beneath.h"
#include "whiteout.h"

enum {
	COPY_SIZE = 64 * 1024,
	SPACE_CHECK_BYTES = 64 * 1024,		// of smaller files the file system itself says that it is full
	SPACE_RESERVE_BYTES = 1024 * 1024,
};

// A folder whose time is to be set.
struct folder_time {
	struct folder_time *next;
	struct timespec modified;
	char path[];
};

struct unpacking {
	int root;
	enum unpack_mode mode;
	struct tar_reader *reader;
	struct unpack_result *result;
	struct folder_time *times;	// the last one first
	int parent;			// the open folder of the entry
	char parent_path[PATH_MAX];	// its name, to be opened once for many entries
	char name[PATH_MAX];		// the entry's name in it
	char *copy;
	struct fault *fault;
};

static int refuse(struct unpacking *unpacking, int error, const char *why)
{
	return fault_set(unpacking->fault, error, "'%.120s' in the archive %s", unpacking->reader->entry.path, why);
}

static int fail(struct unpacking *unpacking, const char *what)
{
	return fault_errno(unpacking->fault, "cannot %s '%.120s' of the archive", what, unpacking->reader->entry.path);
}

// Brings a name into the form "a/b/c"; "" is the root.
static int clean_path(const char *path, char clean[PATH_MAX])
{
	size_t used = 0;

	if (*path == '/')
		return -EINVAL;
	while (*path != '\0') {
		size_t length = strcspn(path, "/");

		if (length == 2 && memcmp(path, "..", 2) == 0)
			return -EINVAL;
		if (length > 0 && !(length == 1 && *path == '.')) {
			if (used > 0)
				clean[used++] = '/';
			memcpy(clean + used, path, length);
			used += length;
		}
		path += length;
		path += strspn(path, "/");
	}
	clean[used] = '\0';
	return 0;
}

// Folders that the archive does not describe are made as mkdir -p would.
static int make_parents(struct unpacking *unpacking, const char *path)
{
	char part[PATH_MAX];

	for (const char *end = strchr(path, '/');; end = strchr(end + 1, '/')) {
		size_t length = end != NULL ? (size_t)(end - path) : strlen(path);
		char *name;
		int above = unpacking->root;

		memcpy(part, path, length);
		part[length] = '\0';
		name = strrchr(part, '/');
		if (name != NULL) {
			*name++ = '\0';
			above = beneath_open(unpacking->root, part, O_PATH | O_DIRECTORY, 0, BENEATH_NO_LINKS);
		}
		if (above < 0)
			return above;
		// One that is there already is judged by who opens it.
		if (mkdirat(above, name != NULL ? name : part, 0755) < 0 && errno != EEXIST)
			length = 0;
		if (above != unpacking->root)
			close(above);
		if (length == 0)
			return -errno;
		if (end == NULL)
			return 0;
	}
}

static int open_folder(struct unpacking *unpacking, const char *path)
{
	int fd = path[0] == '\0' ? fcntl(unpacking->root, F_DUPFD_CLOEXEC, 3)
				 : beneath_open(unpacking->root, path, O_RDONLY | O_DIRECTORY, 0, BENEATH_NO_LINKS);
	int error;

	if (fd == -ENOENT) {
		error = make_parents(unpacking, path);
		fd = error != 0 ? error : beneath_open(unpacking->root, path, O_RDONLY | O_DIRECTORY, 0,
						       BENEATH_NO_LINKS);
	}
	if (fd == -ELOOP)
		return refuse(unpacking, -ELOOP, "lies behind a symbolic link");
	if (fd == -ENOTDIR)
		return refuse(unpacking, -ENOTDIR, "lies below something that is no folder");
	if (fd < 0) {
		errno = path[0] == '\0' ? errno : -fd;
		return fail(unpacking, "open the folder of");
	}
	return fd;
}

// Cuts `path` into folder and name, and opens the folder.
static int enter_parent(struct unpacking *unpacking, char path[PATH_MAX])
{
	char *name = strrchr(path, '/');
	int fd;

	if (name != NULL)
		*name++ = '\0';
	strcpy(unpacking->name, name != NULL ? name : path);
	if (name == NULL)
		path[0] = '\0';
	if (unpacking->parent >= 0 && strcmp(path, unpacking->parent_path) == 0)
		return 0;
	fd = open_folder(unpacking, path);
	if (fd < 0)
		return fd;
	if (unpacking->parent >= 0)
		close(unpacking->parent);
	unpacking->parent = fd;
	strcpy(unpacking->parent_path, path);
	return 0;
}

// A white-out of the same archive concerns the layers below alone: a folder in its place hides theirs.
enum found { FOUND_NOTHING, FOUND_FOLDER, FOUND_WHITEOUT };

// Makes room for the entry: what is there with its name goes, except a folder for a folder.
static int make_room(struct unpacking *unpacking, enum found *found)
{
	struct stat status;

	*found = FOUND_NOTHING;
	if (fstatat(unpacking->parent, unpacking->name, &status, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : fail(unpacking, "look for");
	if (whiteout_is_one(&status))
		*found = FOUND_WHITEOUT;
	if (S_ISDIR(status.st_mode) && unpacking->reader->entry.kind == TAR_FOLDER) {
		*found = FOUND_FOLDER;
		return 0;
	}
	if (S_ISDIR(status.st_mode) && unlinkat(unpacking->parent, unpacking->name, AT_REMOVEDIR) < 0)
		return refuse(unpacking, -EEXIST, "takes the place of a folder that is not empty");
	if (!S_ISDIR(status.st_mode) && unlinkat(unpacking->parent, unpacking->name, 0) < 0)
		return fail(unpacking, "replace");
	return 0;
}

static int check_space(struct unpacking *unpacking, uint64_t size)
{
	struct statvfs space;

	if (size < SPACE_CHECK_BYTES || fstatvfs(unpacking->root, &space) < 0)
		return 0;
	if (size + SPACE_RESERVE_BYTES > (uint64_t)space.f_bavail * space.f_frsize)
		return fault_set(unpacking->fault, -ENOSPC, "'%.120s' in the archive has %llu bytes, and %llu are free",
				 unpacking->reader->entry.path, (unsigned long long)size,
				 (unsigned long long)space.f_bavail * space.f_frsize);
	return 0;
}

static int copy_data(struct unpacking *unpacking, int fd)
{
	ssize_t got;

	while ((got = tar_read(unpacking->reader, unpacking->copy, COPY_SIZE, unpacking->fault)) > 0) {
		int error = file_write_all(fd, unpacking->copy, (size_t)got);

		if (error != 0) {
			errno = -error;
			return fail(unpacking, "write");
		}
	}
	return (int)got;
}

// Owner before permissions and attributes: a change of owner takes some of them away.
static int set_owner_and_mode(struct unpacking *unpacking, int fd)
{
	const struct tar_entry *entry = &unpacking->reader->entry;

	if (unpacking->mode != UNPACK_LAYER)
		return 0;
	if (fchownat(unpacking->parent, unpacking->name, entry->uid, entry->gid, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(unpacking, "set the owner of");
	if (entry->kind == TAR_SYMLINK)
		return 0;
	if ((fd >= 0 ? fchmod(fd, entry->mode) : fchmodat(unpacking->parent, unpacking->name, entry->mode, 0)) < 0)
		return fail(unpacking, "set the permissions of");
	return 0;
}

// By a path through /proc, because there is no call for a name in an open folder.
static int set_attributes(struct unpacking *unpacking)
{
	const struct tar_entry *entry = &unpacking->reader->entry;
	char path[PATH_MAX + 32];

	if (unpacking->mode != UNPACK_LAYER)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", unpacking->parent, unpacking->name);
	for (size_t i = 0; i < entry->attributes_count; i++) {
		const struct tar_attribute *attribute = &entry->attributes[i];

		// overlayfs's own words could send it to other folders than the image's.
		if (strncmp(attribute->name, "trusted.overlay.", 16) == 0 ||
		    strncmp(attribute->name, "user.overlay.", 13) == 0)
			return refuse(unpacking, -EPERM, "carries an attribute of overlayfs");
		if (lsetxattr(path, attribute->name, attribute->value, attribute->length, 0) < 0)
			return fault_errno(unpacking->fault, "cannot set %.60s of '%.120s' of the archive",
					   attribute->name, entry->path);
	}
	return 0;
}

static int set_time(struct unpacking *unpacking)
{
	const struct timespec modified = unpacking->reader->entry.modified, times[2] = {modified, modified};

	if (unpacking->mode == UNPACK_LAYER &&
	    utimensat(unpacking->parent, unpacking->name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(unpacking, "set the time of");
	return 0;
}

static int set_all(struct unpacking *unpacking, int fd)
{
	int error = set_owner_and_mode(unpacking, fd);

	if (error == 0)
		error = set_attributes(unpacking);
	return error == 0 ? set_time(unpacking) : error;
}

static int put_file(struct unpacking *unpacking)
{
	const struct tar_entry *entry = &unpacking->reader->entry;
	int error = check_space(unpacking, entry->size_bytes);
	int fd;

	if (error != 0)
		return error;
	fd = openat(unpacking->parent, unpacking->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(unpacking, "make");
	error = copy_data(unpacking, fd);
	if (error == 0)
		error = set_all(unpacking, fd);
	close(fd);
	unpacking->result->size_bytes += entry->size_bytes;
	return error;
}

static int remember_time(struct unpacking *unpacking)
{
	const struct tar_entry *entry = &unpacking->reader->entry;
	size_t size = strlen(unpacking->parent_path) + strlen(unpacking->name) + 2;
	struct folder_time *time;

	if (unpacking->mode != UNPACK_LAYER)
		return 0;
	time = malloc(sizeof(*time) + size);
	if (time == NULL)
		return fault_set(unpacking->fault, -ENOMEM, "no memory");
	snprintf(time->path, size, "%s%s%s", unpacking->parent_path, unpacking->parent_path[0] != '\0' ? "/" : "",
		 unpacking->name);
	time->modified = entry->modified;
	time->next = unpacking->times;
	unpacking->times = time;
	return 0;
}

static int put_folder(struct unpacking *unpacking, enum found found)
{
	int error;

	if (found != FOUND_FOLDER && mkdirat(unpacking->parent, unpacking->name, 0755) < 0)
		return fail(unpacking, "make");
	if (found == FOUND_WHITEOUT && unpacking->mode == UNPACK_LAYER &&
	    whiteout_make_opaque(unpacking->parent, unpacking->name) != 0)
		return fail(unpacking, "hide what lies below");
	error = set_owner_and_mode(unpacking, -1);
	if (error == 0)
		error = set_attributes(unpacking);
	return error == 0 ? remember_time(unpacking) : error;
}

// The root's own entry: it has no name in a parent.
static int put_root(struct unpacking *unpacking)
{
	if (unpacking->reader->entry.kind != TAR_FOLDER)
		return refuse(unpacking, -EINVAL, "takes the place of the root");
	if (unpacking->parent >= 0)
		close(unpacking->parent);
	unpacking->parent_path[0] = '\0';
	unpacking->parent = fcntl(unpacking->root, F_DUPFD_CLOEXEC, 3);
	strcpy(unpacking->name, ".");
	return unpacking->parent >= 0 ? put_folder(unpacking, FOUND_FOLDER) : fail(unpacking, "open");
}

static int put_hard_link(struct unpacking *unpacking)
{
	char target[PATH_MAX], path[PATH_MAX];
	char *name;
	int from, error;

	if (clean_path(unpacking->reader->entry.link, target) != 0 || target[0] == '\0')
		return fault_set(unpacking->fault, -EPERM,
				 "the hard link '%.80s' in the archive leads outside, to '%.80s'",
				 unpacking->reader->entry.path, unpacking->reader->entry.link);
	strcpy(path, target);
	name = strrchr(path, '/');
	if (name != NULL)
		*name++ = '\0';
	from = name == NULL ? fcntl(unpacking->root, F_DUPFD_CLOEXEC, 3)
			    : beneath_open(unpacking->root, path, O_PATH | O_DIRECTORY, 0, BENEATH_NO_LINKS);
	if (from < 0)
		return refuse(unpacking, -ENOENT, from == -ELOOP ? "is linked to a name behind a symbolic link"
								 : "is linked to a name that is not there");
	error = linkat(from, name != NULL ? name : path, unpacking->parent, unpacking->name, 0) < 0
			? fail(unpacking, "link") : 0;
	close(from);
	return error;
}

static int put_node(struct unpacking *unpacking)
{
	const struct tar_entry *entry = &unpacking->reader->entry;
	mode_t type = entry->kind == TAR_FIFO ? S_IFIFO : entry->kind == TAR_BLOCK ? S_IFBLK : S_IFCHR;

	if (unpacking->mode != UNPACK_LAYER)
		return refuse(unpacking, -EPERM, "is a device or a pipe");
	if (type == S_IFCHR && entry->major == 0 && entry->minor == 0)
		return refuse(unpacking, -EPERM, "is a white-out in the form of overlayfs");
	if (mknodat(unpacking->parent, unpacking->name, type | 0600, makedev(entry->major, entry->minor)) < 0)
		return fail(unpacking, "make");
	return set_all(unpacking, -1);
}

static int put_symlink(struct unpacking *unpacking)
{
	if (symlinkat(unpacking->reader->entry.link, unpacking->parent, unpacking->name) < 0)
		return fail(unpacking, "make");
	return set_all(unpacking, -1);
}

static int put_entry(struct unpacking *unpacking)
{
	char path[PATH_MAX];
	enum found found;
	int error;

	if (clean_path(unpacking->reader->entry.path, path) != 0)
		return refuse(unpacking, -EPERM, "leads outside");
	if (path[0] == '\0')
		return put_root(unpacking);
	error = enter_parent(unpacking, path);
	if (error != 0)
		return error;
	if (unpacking->mode == UNPACK_LAYER && whiteout_is_marked(unpacking->name)) {
		error = whiteout_apply(unpacking->parent, unpacking->name);
		if (error == -EINVAL)
			return refuse(unpacking, -EINVAL, "is a white-out of nothing");
		errno = -error;
		return error == 0 ? 0 : fail(unpacking, "apply the white-out");
	}
	error = make_room(unpacking, &found);
	if (error != 0)
		return error;
	switch (unpacking->reader->entry.kind) {
	case TAR_FILE:
		return put_file(unpacking);
	case TAR_FOLDER:
		return put_folder(unpacking, found);
	case TAR_HARD_LINK:
		return put_hard_link(unpacking);
	case TAR_SYMLINK:
		return put_symlink(unpacking);
	default:
		return put_node(unpacking);
	}
}

// A folder that a later entry has replaced is skipped.
static void set_folder_times(struct unpacking *unpacking)
{
	while (unpacking->times != NULL) {
		struct folder_time *time = unpacking->times;
		const struct timespec both[2] = {time->modified, time->modified};
		int fd = beneath_open(unpacking->root, time->path, O_RDONLY | O_DIRECTORY, 0, BENEATH_NO_LINKS);

		if (fd >= 0) {
			futimens(fd, both);
			close(fd);
		}
		unpacking->times = time->next;
		free(time);
	}
}

static int unpack_all(struct unpacking *unpacking)
{
	int more, error;

	while ((more = tar_next(unpacking->reader, unpacking->fault)) > 0) {
		error = put_entry(unpacking);
		if (error != 0)
			return error;
		unpacking->result->entries++;
	}
	return more == 0 ? tar_finish(unpacking->reader, unpacking->result->digest, unpacking->fault) : more;
}

int unpack(int folder, int fd, enum unpack_mode mode, struct unpack_result *result, struct fault *fault)
{
	struct unpacking unpacking = {.root = folder, .mode = mode, .result = result, .parent = -1, .fault = fault};
	mode_t mask = umask(0);
	int error = -ENOMEM;

	*result = (struct unpack_result){0};
	unpacking.reader = malloc(sizeof(*unpacking.reader));
	unpacking.copy = malloc(COPY_SIZE);
	if (unpacking.reader != NULL && unpacking.copy != NULL) {
		tar_begin(unpacking.reader, fd);
		error = unpack_all(&unpacking);
		tar_destroy(unpacking.reader);
	} else {
		fault_set(fault, -ENOMEM, "no memory");
	}
	set_folder_times(&unpacking);
	if (unpacking.parent >= 0)
		close(unpacking.parent);
	free(unpacking.reader);
	free(unpacking.copy);
	umask(mask);
	return error;
}
