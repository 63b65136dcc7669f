// SPDX-License-Identifier: MPL-2.0
// The clients are children of init like any orphan: reaped, not watched. They go on asking until a server answers,
// renew
// what they were given, and change the interface through /usr/share/udhcpc/default.script.
#include "network.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../message.h"

#define CLIENT "/sbin/udhcpc"
#define SCRIPT "/usr/share/udhcpc/default.script"

static void become_client(const char *name)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR);

	setsid();
	for (int fd = 0; fd <= 2 && null >= 0; fd++)
		dup2(null, fd);
	for (int number = 1; number < 32; number++)
		signal(number, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execl(CLIENT, "udhcpc", "-f", "-R", "-i", name, "-s", SCRIPT, (char *)NULL);
	_exit(127);
}

void network_start(void)
{
	DIR *folder = opendir("/sys/class/net");
	const struct dirent *entry;

	if (folder == NULL || access(CLIENT, X_OK) < 0 || access(SCRIPT, X_OK) < 0) {
		if (folder != NULL)
			closedir(folder);
		return;
	}
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.' || strcmp(entry->d_name, "lo") == 0)
			continue;
		pid_t pid = fork();
		if (pid == 0)
			become_client(entry->d_name);
		if (pid < 0)
			message("cannot start the DHCP client of %s: %s", entry->d_name, strerror(errno));
	}
	closedir(folder);
}
