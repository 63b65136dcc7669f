// SPDX-License-Identifier: MPL-2.0
#include "tar_writer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../lib/file.h"

enum { BLOCK_SIZE = 512 };

#define SIZE_END (1ULL << 33)	// eleven octal digits

struct head {
	char name[100], mode[8], uid[8], gid[8], size[12], time[12], sum[8], kind, link[100];
	char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};

_Static_assert(sizeof(struct head) == BLOCK_SIZE, "the head of a file is one block");

static int put(int fd, const void *bytes, size_t length, struct fault *fault)
{
	int error = file_write_all(fd, bytes, length);

	return error == 0 ? 0 : fault_set(fault, error, "cannot write the archive: %s", strerror(-error));
}

int tar_write_head(int fd, const char *name, uint64_t size_bytes, struct fault *fault)
{
	struct head head = {.kind = '0', .magic = "ustar", .version = {'0', '0'}};
	const unsigned char *bytes = (const unsigned char *)&head;
	unsigned sum = 0;

	if (strlen(name) >= TAR_WRITER_NAME_MAX || size_bytes >= SIZE_END)
		return fault_set(fault, -EFBIG, "%.120s does not fit into an archive", name);
	strcpy(head.name, name);
	strcpy(head.mode, "0000644");
	strcpy(head.uid, "0000000");
	strcpy(head.gid, "0000000");
	snprintf(head.size, sizeof(head.size), "%011" PRIo64, size_bytes);
	strcpy(head.time, "00000000000");
	memset(head.sum, ' ', sizeof(head.sum));
	for (size_t i = 0; i < sizeof(head); i++)
		sum += bytes[i];
	snprintf(head.sum, sizeof(head.sum), "%06o", sum);
	return put(fd, &head, sizeof(head), fault);
}

int tar_write_padding(int fd, uint64_t size_bytes, struct fault *fault)
{
	static const char zeros[BLOCK_SIZE];
	size_t left = (size_t)(size_bytes % BLOCK_SIZE);

	return left == 0 ? 0 : put(fd, zeros, BLOCK_SIZE - left, fault);
}

int tar_write_text(int fd, const char *name, const char *text, size_t length, struct fault *fault)
{
	int error = tar_write_head(fd, name, length, fault);

	if (error == 0)
		error = put(fd, text, length, fault);
	return error == 0 ? tar_write_padding(fd, length, fault) : error;
}

int tar_write_data(int fd, int from, uint64_t size_bytes, struct fault *fault)
{
	char *bytes = malloc(TAR_WRITER_CHUNK);
	int error = bytes != NULL ? 0 : fault_set(fault, -ENOMEM, "no memory");
	uint64_t copied = 0;
	ssize_t got = 0;

	while (error == 0 && (got = read(from, bytes, TAR_WRITER_CHUNK)) > 0) {
		copied += (uint64_t)got;
		error = copied > size_bytes ? fault_set(fault, -EIO, "a file has grown meanwhile")
					    : put(fd, bytes, (size_t)got, fault);
	}
	free(bytes);
	if (error == 0 && got < 0)
		error = fault_errno(fault, "cannot read a file");
	if (error == 0 && copied != size_bytes)
		error = fault_set(fault, -EIO, "a file has shrunk meanwhile");
	return error == 0 ? tar_write_padding(fd, size_bytes, fault) : error;
}

int tar_write_end(int fd, struct fault *fault)
{
	static const char zeros[2 * BLOCK_SIZE];

	return put(fd, zeros, sizeof(zeros), fault);
}
