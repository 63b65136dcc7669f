// SPDX-License-Identifier: MPL-2.0
// keel cp: files into and out of containers, as docker cp does it.
//
// Theory: a container's side is an open folder, its root, and openat2(2) resolves names there as the container itself
// would, so that no link of it leads out; from the folder that is found on, tree_copy() follows no link at all. Of a
// container that runs the root is that of process 1, with all its mounts; of another it is its folder, or its image's
// layers, mounted for keel alone.
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../archive/beneath.h"
#include "../../archive/tree_copy.h"
#include "../../image/complete.h"
#include "../../lib/file.h"
#include "../../root/root.h"
#include "../client.h"
#include "../commands.h"

#define MOUNTS_FOLDER "/run/keel/copies"

struct side {
	int root;			// of a container, or -1: the machine's own
	uint32_t base;			// which id is root's there
	char path[PATH_MAX];		// without slashes at its end
	int is_contents;		// it ended with "/.": what the folder holds, not the folder
	int is_folder;			// it ended with a slash
	char mounted[PATH_MAX];		// to be unmounted, or ""
};

static int open_on(const struct side *side, const char *path, int flags)
{
	int fd;

	if (side->root >= 0)
		return beneath_open(side->root, path, flags, 0, BENEATH_LINKS_ROOTED);
	fd = open(path, flags | O_CLOEXEC);
	return fd >= 0 ? fd : -errno;
}

static void take_path(struct side *side, const char *path)
{
	size_t length;

	snprintf(side->path, sizeof(side->path), "%s%s", side->root >= 0 && path[0] != '/' ? "/" : "", path);
	length = strlen(side->path);
	while (length > 1 && side->path[length - 1] == '/') {
		side->path[--length] = '\0';
		side->is_folder = 1;
	}
	if (strcmp(side->path, "/") == 0 || strcmp(side->path, ".") == 0 ||
	    (length > 1 && strcmp(side->path + length - 2, "/.") == 0))
		side->is_contents = side->is_folder = 1;
}

static int open_running(struct side *side, const char *pid)
{
	char path[64], line[128];
	unsigned inside, outside;

	snprintf(path, sizeof(path), "/proc/%.16s/root", pid);
	side->root = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (side->root < 0)
		return complain("cp: cannot open %s: %s", path, strerror(errno));
	snprintf(path, sizeof(path), "/proc/%.16s/uid_map", pid);
	if (file_read_line(path, line, sizeof(line)) == 0 && sscanf(line, "%u %u", &inside, &outside) == 2)
		side->base = outside;
	return 0;
}

static int mount_root(struct side *side, struct unit *unit, const char *id, struct fault *fault)
{
	char path[PATH_MAX];
	int error = image_complete_named(unit, fault);

	snprintf(path, sizeof(path), MOUNTS_FOLDER "/%s-%d", id, (int)getpid());
	if (error == 0)
		error = root_mount(unit, id, path, fault);
	if (error != 0)
		return error;
	snprintf(side->mounted, sizeof(side->mounted), "%s", path);
	side->base = unit->id_base;
	return 0;
}

static int open_at_rest(struct side *side, struct unit *unit, const char *id)
{
	struct fault fault = {0};

	if (unit->rootfs == NULL && mount_root(side, unit, id, &fault) != 0)
		return complain("cp: %s", fault.text);
	side->root = open(unit->rootfs != NULL ? unit->rootfs : side->mounted, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return side->root >= 0 ? 0 : complain("cp: cannot open the root of %s: %s", unit->name, strerror(errno));
}

static int open_container(struct side *side, const char *name)
{
	char state[32], pid[32], id[128];
	struct unit *unit;
	char *facts;
	int status = client_read(name, &facts, &unit);

	if (status != 0)
		return status;
	client_fact(facts, "state", state, sizeof(state));
	client_fact(facts, "pid", pid, sizeof(pid));
	client_fact(facts, "id", id, sizeof(id));
	if (strcmp(state, "running") == 0 || strcmp(state, "paused") == 0)
		status = open_running(side, pid);
	else if (strcmp(state, "exited") == 0 || strcmp(state, "created") == 0)
		status = open_at_rest(side, unit, id);
	else
		status = complain("cp: the container %s is %s", name, state);
	free(facts);
	unit_destroy(unit);
	return status;
}

// "NAME:PATH", or a path of this machine: whatever has a slash before its first colon.
static int side_open(struct side *side, const char *text)
{
	const char *colon = strchr(text, ':'), *slash = strchr(text, '/');
	char name[UNIT_NAME_SIZE + 1];
	int status = 0;

	*side = (struct side){.root = -1};
	if (colon != NULL && (slash == NULL || slash > colon)) {
		snprintf(name, sizeof(name), "%.*s", (int)(colon - text), text);
		status = open_container(side, name);
		text = colon + 1;
	} else if (strcmp(text, "-") == 0) {
		return complain("cp: archives on standard input and output are not supported");
	}
	if (status == 0 && text[0] == '\0')
		status = complain("cp: a path is missing");
	if (status == 0)
		take_path(side, text);
	return status;
}

static void side_close(struct side *side)
{
	if (side->root >= 0)
		close(side->root);
	if (side->mounted[0] == '\0')
		return;
	umount2(side->mounted, MNT_DETACH);
	rmdir(side->mounted);
}

// Opens the folder that the path lies in; `name` is the rest. => a descriptor or a negative errno
static int open_parent(const struct side *side, char name[PATH_MAX])
{
	const char *slash = strrchr(side->path, '/');
	char folder[PATH_MAX];

	snprintf(name, PATH_MAX, "%s", slash != NULL ? slash + 1 : side->path);
	if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EINVAL;
	if (slash == NULL)
		return open_on(side, ".", O_RDONLY | O_DIRECTORY);
	snprintf(folder, sizeof(folder), "%.*s", slash == side->path ? 1 : (int)(slash - side->path), side->path);
	return open_on(side, folder, O_RDONLY | O_DIRECTORY);
}

static int no_such(const struct side *side, int error)
{
	return complain("cp: %s: %s", side->path, strerror(-error));
}

// Into the open folder: what the source holds, or the source under its own name.
static int copy_into(struct tree_copy *copy, const struct side *from, int source, const char *name, int folder,
		     struct fault *fault)
{
	int input, error;

	if (!from->is_contents)
		return tree_copy(copy, source, name, folder, name, fault);
	input = open_on(from, from->path, O_RDONLY | O_DIRECTORY);
	if (input < 0)
		return fault_set(fault, input, "%s: %s", from->path, strerror(-input));
	error = tree_copy_contents(copy, input, folder, fault);
	close(input);
	return error;
}

// The target is not there, or is no folder: the source takes its name.
static int copy_as(struct tree_copy *copy, const struct side *from, int source, const char *name,
		   const struct side *to, struct fault *fault)
{
	char target[PATH_MAX];
	struct stat status;
	int parent = open_parent(to, target), error, folder;
	int is_folder = from->is_contents ||
			(fstatat(source, name, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode));

	if (parent < 0)
		return fault_set(fault, parent, "%s: %s", to->path, strerror(-parent));
	if (to->is_folder && !is_folder)
		error = fault_set(fault, -ENOTDIR, "%s is no folder", to->path);
	else if (is_folder && fstatat(parent, target, &status, AT_SYMLINK_NOFOLLOW) == 0)
		error = fault_set(fault, -ENOTDIR, "%s is no folder, and %s is one", to->path, from->path);
	else if (!from->is_contents)
		error = tree_copy(copy, source, name, parent, target, fault);
	else {
		folder = mkdirat(parent, target, 0755) == 0 ? openat(parent, target, O_RDONLY | O_DIRECTORY |
								    O_NOFOLLOW | O_CLOEXEC) : -1;
		error = folder < 0 ? fault_errno(fault, "cannot make %s", to->path)
				   : copy_into(copy, from, source, name, folder, fault);
		if (folder >= 0)
			close(folder);
	}
	close(parent);
	return error;
}

static int copy_between(const struct side *from, const struct side *to, enum tree_owner owner)
{
	struct tree_copy copy = {.owner = owner, .from_base = from->base, .to_base = to->base};
	struct fault fault = {0};
	char name[PATH_MAX] = "";
	int source = from->is_contents ? -1 : open_parent(from, name), folder, error;

	if (!from->is_contents && source < 0)
		return no_such(from, source);
	folder = open_on(to, to->path, O_RDONLY | O_DIRECTORY);
	error = folder >= 0 ? copy_into(&copy, from, source, name, folder, &fault)
			    : copy_as(&copy, from, source, name, to, &fault);
	if (folder >= 0)
		close(folder);
	if (source >= 0)
		close(source);
	if (copy.left_out > 0)
		complain("cp: %lu devices, pipes or sockets are left out", copy.left_out);
	return error == 0 ? 0 : complain("cp: %s", fault.text);
}

int command_cp(int count, char **arguments)
{
	static const struct option options[] = {{"archive", no_argument, NULL, 'a'}, {0}};
	enum tree_owner owner = TREE_OWNER_ROOT;
	struct side from, to = {.root = -1};
	int option, status;

	while ((option = getopt_long(count, arguments, "+a", options, NULL)) != -1) {
		if (option != 'a')
			return STATUS_FAILED;
		owner = TREE_OWNER_KEPT;
	}
	if (count - optind != 2)
		return complain("cp: expected a source and a target, NAME:PATH or PATH");
	status = side_open(&from, arguments[optind]);
	if (status == 0)
		status = side_open(&to, arguments[optind + 1]);
	if (status == 0 && from.root < 0 && to.root < 0)
		status = complain("cp: one side must be in a container");
	if (status == 0)
		status = copy_between(&from, &to, owner);
	side_close(&to);
	side_close(&from);
	return status;
}
