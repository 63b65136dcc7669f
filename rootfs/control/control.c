// SPDX-License-Identifier: MPL-2.0
#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "descriptor_pass.h"

int control_connect(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = CONTROL_PATH};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	return fd;
}

static int send_all(int fd, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return -errno;
		bytes += sent;
		length -= (size_t)sent;
	}
	return 0;
}

int control_send(int fd, const char *text, size_t length, const int *fds, size_t fds_count)
{
	uint32_t header = (uint32_t)length;
	int error;

	if (length > CONTROL_FRAME_MAX)
		return -EMSGSIZE;
	error = descriptors_send(fd, &header, sizeof(header), fds, fds_count);
	return error != 0 ? error : send_all(fd, text, length);
}

static int receive_all(int fd, char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t got = recv(fd, bytes, length, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			return -ECONNRESET;
		bytes += got;
		length -= (size_t)got;
	}
	return 0;
}

int control_receive(int fd, char **text, size_t *length)
{
	uint32_t header;
	int error = receive_all(fd, (char *)&header, sizeof(header));

	if (error != 0)
		return error;
	if (header > CONTROL_REPLY_MAX)
		return -EPROTO;
	*text = malloc((size_t)header + 1);
	if (*text == NULL)
		return -ENOMEM;
	error = receive_all(fd, *text, header);
	if (error != 0) {
		free(*text);
		return error;
	}
	(*text)[header] = '\0';
	*length = header;
	return 0;
}
