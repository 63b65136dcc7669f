// SPDX-License-Identifier: MPL-2.0
#include "console.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "../control/descriptor_pass.h"

enum { CONSOLE_TIMEOUT_MS = 10000, CONSOLE_NAME_SIZE = 256 };

int console_listen(const char *path, int *listener, struct fault *fault)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(address.sun_path))
		return fault_set(fault, -ENAMETOOLONG, "%s is too long", path);
	strcpy(address.sun_path, path);
	unlink(path);
	*listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (*listener < 0)
		return fault_errno(fault, "cannot make a socket");
	if (bind(*listener, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    listen(*listener, 1) < 0) {
		int error = fault_errno(fault, "cannot listen on %s", path);

		close(*listener);
		return error;
	}
	return 0;
}

int console_take(int listener, int *terminal, struct fault *fault)
{
	struct pollfd polled = {.fd = listener, .events = POLLIN};
	char name[CONSOLE_NAME_SIZE];
	int connection;

	if (poll(&polled, 1, CONSOLE_TIMEOUT_MS) != 1)
		return fault_set(fault, -ETIMEDOUT, "the runtime sent no terminal");
	connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (connection < 0)
		return fault_errno(fault, "cannot accept the runtime's connection");
	if (descriptor_receive(connection, name, sizeof(name), terminal) <= 0 || *terminal < 0) {
		close(connection);
		return fault_set(fault, -EPROTO, "the runtime sent no terminal");
	}
	close(connection);
	return 0;
}
