// SPDX-License-Identifier: MPL-2.0
#include "descriptor_pass.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control_buffer {
	struct cmsghdr aligned;
	char bytes[CMSG_SPACE(DESCRIPTORS_MAX * sizeof(int))];
};

int descriptors_send(int socket, const void *bytes, size_t length, const int *descriptors,
		     size_t count)
{
	struct iovec vector = {.iov_base = (void *)bytes, .iov_len = length};
	union control_buffer control = {0};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
	ssize_t sent;

	if (count > DESCRIPTORS_MAX)
		return -EINVAL;
	if (count > 0) {
		struct cmsghdr *header;

		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(count * sizeof(int));
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(count * sizeof(int));
		memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
	}
	do {
		sent = sendmsg(socket, &message, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return -errno;
	return (size_t)sent == length ? 0 : -EIO;
}

ssize_t descriptors_receive(int socket, void *bytes, size_t size,
			    int descriptors[DESCRIPTORS_MAX], size_t *count)
{
	struct iovec vector = {.iov_base = bytes, .iov_len = size};
	union control_buffer control = {0};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	ssize_t got;

	*count = 0;
	do {
		got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	} while (got < 0 && errno == EINTR);
	if (got < 0)
		return -errno;
	for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header != NULL;
	     header = CMSG_NXTHDR(&message, header)) {
		size_t came;

		if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
			continue;
		came = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (came > DESCRIPTORS_MAX - *count)
			came = DESCRIPTORS_MAX - *count;
		memcpy(descriptors + *count, CMSG_DATA(header), came * sizeof(int));
		*count += came;
	}
	return got;
}

int descriptor_send(int socket, const void *bytes, size_t length, int descriptor)
{
	return descriptors_send(socket, bytes, length, &descriptor, descriptor >= 0 ? 1 : 0);
}

ssize_t descriptor_receive(int socket, void *bytes, size_t size, int *descriptor)
{
	int descriptors[DESCRIPTORS_MAX];
	size_t count;
	ssize_t got = descriptors_receive(socket, bytes, size, descriptors, &count);

	*descriptor = count > 0 ? descriptors[0] : -1;
	for (size_t i = 1; i < count; i++)
		close(descriptors[i]);
	return got;
}
