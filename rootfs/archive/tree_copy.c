// SPDX-License-Identifier: MPL-2.0
// Theory: a name is opened with O_PATH and O_NOFOLLOW first, and what then is looked at, read or entered is that very
// file, through /proc/self/fd: whoever swaps the name for a link, a device or a pipe meanwhile changes nothing.
#include "tree_copy.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/file.h"

enum {
	CHUNK_SIZE = 64 * 1024,
	DEPTH_MAX = 240,	// three descriptors each
};

struct step {
	struct tree_copy *copy;
	int from, to;
	const char *from_name, *to_name;
	unsigned depth;
	struct fault *fault;
};

static int copy_step(const struct step *step);

static int fail(const struct step *step, const char *what)
{
	return fault_errno(step->fault, "cannot %s '%.160s'", what, step->from_name);
}

// The same file, opened to be read.
static int reopen(int handle, int flags)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", handle);
	return open(path, flags | O_CLOEXEC);
}

static uint32_t shift(uint32_t id, const struct tree_copy *copy)
{
	return id - copy->from_base + copy->to_base;
}

static int set_owner(const struct step *step, int fd, const char *name, const struct stat *status)
{
	const struct tree_copy *copy = step->copy;
	int kept = copy->owner == TREE_OWNER_KEPT;
	uid_t uid = kept ? shift(status->st_uid, copy) : copy->to_base;
	gid_t gid = kept ? shift(status->st_gid, copy) : copy->to_base;
	int flags = name[0] == '\0' ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;

	return fchownat(fd, name, uid, gid, flags) < 0 ? fail(step, "set the owner of the copy of") : 0;
}

// After the owner, whose change takes away the bits that change users.
static int finish(const struct step *step, int fd, const struct stat *status)
{
	const struct timespec times[2] = {status->st_atim, status->st_mtim};
	mode_t kept = step->copy->owner == TREE_OWNER_KEPT ? 07777 : 01777;
	int error = set_owner(step, fd, "", status);

	if (error == 0 && (fchmod(fd, status->st_mode & kept) < 0 || futimens(fd, times) < 0))
		error = fail(step, "finish the copy of");
	return error;
}

static int make_room(const struct step *step)
{
	if (unlinkat(step->to, step->to_name, 0) == 0 || errno == ENOENT)
		return 0;
	if (errno == EISDIR || errno == EPERM)
		return fault_set(step->fault, -EISDIR, "'%.160s' cannot take the place of a folder", step->from_name);
	return fail(step, "make room for");
}

static int copy_bytes(const struct step *step, int input, int output)
{
	char *bytes = malloc(CHUNK_SIZE);
	ssize_t got = -1;
	int error = bytes != NULL ? 0 : fault_set(step->fault, -ENOMEM, "no memory");

	while (error == 0 && (got = read(input, bytes, CHUNK_SIZE)) > 0) {
		error = file_write_all(output, bytes, (size_t)got);
		if (error != 0) {
			errno = -error;
			fail(step, "write");
		}
	}
	if (error == 0 && got < 0)
		error = fail(step, "read");
	free(bytes);
	return error;
}

static int copy_file(const struct step *step, int handle, const struct stat *status)
{
	int error = make_room(step), input, output;

	if (error != 0)
		return error;
	input = reopen(handle, O_RDONLY);
	if (input < 0)
		return fail(step, "open");
	output = openat(step->to, step->to_name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (output < 0) {
		error = fail(step, "make the copy of");
	} else {
		error = copy_bytes(step, input, output);
		if (error == 0)
			error = finish(step, output, status);
		if (close(output) < 0 && error == 0)
			error = fail(step, "write");
	}
	close(input);
	return error;
}

static int copy_link(const struct step *step, int handle, const struct stat *status)
{
	char target[PATH_MAX];
	ssize_t length = readlinkat(handle, "", target, sizeof(target) - 1);
	int error;

	if (length < 0)
		return fail(step, "read the link");
	target[length] = '\0';
	error = make_room(step);
	if (error == 0 && symlinkat(target, step->to, step->to_name) < 0)
		error = fail(step, "make the copy of");
	return error == 0 ? set_owner(step, step->to, step->to_name, status) : error;
}

static int copy_entries(struct tree_copy *copy, int from, int to, unsigned depth, struct fault *fault)
{
	int listed = openat(from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), error = 0;
	DIR *stream = listed >= 0 ? fdopendir(listed) : NULL;
	const struct dirent *entry;

	if (stream == NULL) {
		error = fault_errno(fault, "cannot list a folder");
		if (listed >= 0)
			close(listed);
		return error;
	}
	while (error == 0 && (entry = readdir(stream)) != NULL) {
		const struct step step = {copy, from, to, entry->d_name, entry->d_name, depth, fault};

		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			error = copy_step(&step);
	}
	closedir(stream);
	return error;
}

static int copy_folder(const struct step *step, int handle, const struct stat *status)
{
	int input, output, error;

	if (step->depth == DEPTH_MAX)
		return fault_set(step->fault, -ELOOP, "'%.160s' lies too deep", step->from_name);
	if (mkdirat(step->to, step->to_name, 0700) < 0 && errno != EEXIST)
		return fail(step, "make the copy of");
	output = openat(step->to, step->to_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (output < 0)
		return fail(step, "enter the copy of");
	input = reopen(handle, O_RDONLY | O_DIRECTORY);
	if (input < 0) {
		error = fail(step, "enter");
	} else {
		error = copy_entries(step->copy, input, output, step->depth + 1, step->fault);
		close(input);
	}
	if (error == 0)
		error = finish(step, output, status);
	close(output);
	return error;
}

static int copy_step(const struct step *step)
{
	int handle = openat(step->from, step->from_name, O_PATH | O_NOFOLLOW | O_CLOEXEC), error = 0;
	struct stat status;

	if (handle < 0)
		return fail(step, "find");
	if (fstat(handle, &status) < 0)
		error = fail(step, "look at");
	else if (S_ISDIR(status.st_mode))
		error = copy_folder(step, handle, &status);
	else if (S_ISREG(status.st_mode))
		error = copy_file(step, handle, &status);
	else if (S_ISLNK(status.st_mode))
		error = copy_link(step, handle, &status);
	else
		step->copy->left_out++;
	close(handle);
	return error;
}

int tree_copy(struct tree_copy *copy, int from, const char *from_name, int to, const char *to_name,
	      struct fault *fault)
{
	const struct step step = {copy, from, to, from_name, to_name, 0, fault};

	return copy_step(&step);
}

int tree_copy_contents(struct tree_copy *copy, int from, int to, struct fault *fault)
{
	return copy_entries(copy, from, to, 1, fault);
}

int tree_is_empty(int folder)
{
	int listed = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *stream = listed >= 0 ? fdopendir(listed) : NULL;
	const struct dirent *entry;
	int empty = 1;

	if (stream == NULL) {
		int error = -errno;

		if (listed >= 0)
			close(listed);
		return error;
	}
	while (empty && (entry = readdir(stream)) != NULL)
		empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
	closedir(stream);
	return empty;
}
