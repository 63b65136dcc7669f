// SPDX-License-Identifier: MPL-2.0
#include "terminal.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

static int take_slave(const char *path, uid_t owner, struct fault *fault)
{
	int slave = open(path, O_RDWR | O_NOCTTY);

	if (slave < 0)
		return fault_errno(fault, "cannot open %s", path);
	if (fchown(slave, owner, (gid_t)-1) < 0 || ioctl(slave, TIOCSCTTY, 0) < 0) {
		int error = fault_errno(fault, "cannot make %s the controlling terminal", path);

		close(slave);
		return error;
	}
	for (int standard = 0; standard <= 2; standard++) {
		if (dup2(slave, standard) < 0)
			return fault_errno(fault, "cannot place the terminal");
	}
	if (slave > 2)
		close(slave);
	return 0;
}

int terminal_open(uid_t owner, int *master, char path[32], struct fault *fault)
{
	unsigned number = 0;
	int unlocked = 0;
	int error;

	*master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (*master < 0)
		return fault_errno(fault, "cannot open /dev/ptmx");
	if (ioctl(*master, TIOCGPTN, &number) < 0 || ioctl(*master, TIOCSPTLCK, &unlocked) < 0) {
		error = fault_errno(fault, "cannot set up a terminal");
	} else {
		snprintf(path, 32, "/dev/pts/%u", number);
		error = take_slave(path, owner, fault);
	}
	if (error != 0)
		close(*master);
	return error;
}

int terminal_open_console(uid_t owner, int *master, struct fault *fault)
{
	char path[32];
	int console;
	int error = terminal_open(owner, master, path, fault);

	if (error != 0)
		return error;
	console = open("/dev/console", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (console < 0 || mount(path, "/dev/console", NULL, MS_BIND, NULL) < 0)
		error = fault_errno(fault, "cannot make /dev/console");
	if (console >= 0)
		close(console);
	if (error != 0)
		close(*master);
	return error;
}

void terminal_copy_size(int from, int to)
{
	struct winsize size;

	if (ioctl(from, TIOCGWINSZ, &size) == 0)
		ioctl(to, TIOCSWINSZ, &size);
}
