// SPDX-License-Identifier: MPL-2.0
// Theory: `crun run --detach` builds the container's world, checks that the program is there and lets process 1
// run it: one run of crun, of which most is the dynamic loader's and the filter's work, instead of two for
// `create` and `start`. The caller is a subreaper, so that process 1, and what crun itself left behind, become
// its children when crun ends. A container with a terminal opens it inside; crun sends the master over the
// console socket.
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../control/descriptor_pass.h"
#include "../image/complete.h"
#include "../root/root.h"
#include "../root/volume.h"
#include "../lib/file.h"
#include "bundle/bundle.h"
#include "bundle/identity.h"
#include "console.h"

static int read_pid(const char *name, pid_t *pid, struct fault *fault)
{
	char path[PATH_MAX], line[32];
	int error;

	bundle_path(path, name, "pid");
	error = file_read_line(path, line, sizeof(line));
	*pid = error == 0 ? (pid_t)strtol(line, NULL, 10) : 0;
	if (*pid <= 1)
		return fault_set(fault, -EPROTO, "the runtime names no process in %s", path);
	return 0;
}

static int run_step(const char *name, const char *const *words,
		    const struct runtime_stdio *stdio, struct fault *fault)
{
	char log[PATH_MAX];
	int status;

	bundle_path(log, name, "log");
	status = runtime_run(log, words, stdio, fault);
	if (status <= 0)
		return status;
	if (fault->text[0] == '\0')
		return fault_set(fault, -EIO, "%s %s failed", RUNTIME_PROGRAM, words[0]);
	return runtime_error(fault);
}

static int run_detached(const struct unit *unit, const struct runtime_stdio *stdio,
			struct launched *launched, struct fault *fault)
{
	char bundle[PATH_MAX], pid_file[PATH_MAX], console[PATH_MAX];
	const char *words[] = {"run", "--detach", "--bundle", bundle, "--pid-file", pid_file,
			       unit->name, NULL, NULL, NULL};
	int listener = -1, error;

	bundle_path(bundle, unit->name, "");
	bundle_path(pid_file, unit->name, "pid");
	bundle_path(console, unit->name, "console");
	if ((unit->flags & UNIT_TERMINAL) != 0) {
		words[6] = "--console-socket";
		words[7] = console;
		words[8] = unit->name;
		error = console_listen(console, &listener, fault);
		if (error != 0)
			return error;
	}
	error = run_step(unit->name, words, stdio, fault);
	if (error == 0)
		error = read_pid(unit->name, &launched->pid, fault);
	if (error == 0 && listener >= 0)
		error = console_take(listener, &launched->terminal, fault);
	if (listener >= 0)
		close(listener);
	return error;
}

static int open_nothing(struct runtime_stdio *stdio, struct fault *fault)
{
	int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return fault_errno(fault, "cannot open /dev/null");
	*stdio = (struct runtime_stdio){fd, fd, fd};
	return 0;
}

// The folder for the user's name is the container's: only its root's own files count.
static int resolve_user(const struct unit *unit, struct identity *identity, struct fault *fault)
{
	int root = open(unit->rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
	int error;

	if (root < 0)
		return fault_errno(fault, "the root %s is not usable", unit->rootfs);
	error = identity_resolve(root, unit->user, identity, fault);
	close(root);
	return error;
}

// The root of an image's container is mounted in its bundle, seen by this process and what it starts alone.
static int provide_root(struct unit *unit, const char *id, struct fault *fault)
{
	char path[PATH_MAX];
	int error;

	if (unit->rootfs != NULL && unit->userns != UNIT_USERNS_HOST)
		return fault_set(fault, -EOPNOTSUPP, "a user namespace needs an image, whose layers can be mapped");
	if (unit->rootfs != NULL)
		return 0;
	error = image_complete_named(unit, fault);
	if (error != 0)
		return error;
	bundle_path(path, unit->name, "root");
	error = root_mount(unit, id, path, fault);
	if (error != 0)
		return error;
	unit->rootfs = unit_keep_text(unit, path);
	return unit->rootfs != NULL ? 0 : fault_set(fault, -ENOMEM, "no memory");
}

static int provide_and_run(struct unit *unit, const char *id, const struct runtime_stdio *stdio,
			   struct launched *launched, struct fault *fault)
{
	struct identity identity;
	int error = provide_root(unit, id, fault);

	if (error == 0)
		error = volume_provide(unit, fault);
	if (error == 0)
		error = resolve_user(unit, &identity, fault);
	if (error == 0)
		error = bundle_create(unit, &identity, fault);
	if (error == 0)
		error = run_detached(unit, stdio, launched, fault);
	return error;
}

int launch(struct unit *unit, const char *id, const struct runtime_stdio *stdio, struct launched *launched,
	   struct fault *fault)
{
	struct runtime_stdio nothing;
	char left[PATH_MAX];
	int error = open_nothing(&nothing, fault);

	if (error != 0)
		return error;
	*launched = (struct launched){.pid = 0, .terminal = -1};
	prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
	// What a supervisor that was killed has left behind would be in the way.
	bundle_path(left, unit->name, "config.json");
	if (access(left, F_OK) == 0)
		launch_clean(unit->name);
	error = provide_and_run(unit, id, stdio != NULL ? stdio : &nothing, launched, fault);
	close(nothing.input);
	if (error != 0) {
		launch_clean(unit->name);
		if (launched->terminal >= 0)
			close(launched->terminal);
		launched->terminal = -1;
	}
	return error;
}

void launch_clean(const char *name)
{
	const char *const delete[] = {"delete", "--force", name, NULL};
	struct runtime_stdio nothing;
	struct fault ignored = {0};
	char log[PATH_MAX];

	bundle_path(log, name, "log");
	if (open_nothing(&nothing, &ignored) == 0) {
		runtime_run(log, delete, &nothing, &ignored);
		close(nothing.input);
	}
	bundle_remove(name);
}
