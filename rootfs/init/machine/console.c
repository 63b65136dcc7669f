// SPDX-License-Identifier: MPL-2.0
#include "console.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../../disk/kernel_words.h"
#include "../limits.h"
#include "../message.h"

// "console=ttyS0,115200" -> "/dev/ttyS0"
static void console_path(char *path, size_t size)
{
	struct kernel_words *words = malloc(sizeof(*words));
	const char *name = NULL;

	snprintf(path, size, "/dev/console");
	if (words != NULL && kernel_words_read(words) == 0)
		name = kernel_words_value(words, "console", NULL);
	if (name != NULL && name[0] != '\0' && strchr(name, '/') == NULL) {
		snprintf(path, size, "/dev/%s", name);
		path[strcspn(path, ",")] = '\0';
	}
	free(words);
	if (access(path, F_OK) < 0)
		snprintf(path, size, "/dev/console");
}

static void become_shell(void)
{
	char path[64];
	sigset_t none;
	int fd;

	limits_restore();
	console_path(path, sizeof(path));
	setsid();
	fd = open(path, O_RDWR | O_NOCTTY);
	if (fd < 0) {
		message("cannot open %s: %s", path, strerror(errno));
		_exit(1);
	}
	// Stolen if need be: a shell before this one may have left it to a session that is ending.
	ioctl(fd, TIOCSCTTY, 1);
	for (int standard = 0; standard <= 2; standard++)
		dup2(fd, standard);
	if (fd > 2)
		close(fd);
	for (int number = 1; number < 32; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	setenv("TERM", "vt100", 1);
	setenv("USER", "root", 1);
	if (chdir("/root") < 0 && chdir("/") < 0)
		_exit(1);
	execl("/bin/sh", "-sh", (char *)NULL);
	message("cannot run /bin/sh: %s", strerror(errno));
	_exit(1);
}

pid_t console_start(void)
{
	pid_t pid = fork();

	if (pid == 0)
		become_shell();
	if (pid < 0)
		message("cannot start the console shell: %s", strerror(errno));
	return pid;
}
