// SPDX-License-Identifier: MPL-2.0
// Reads a tar archive from a descriptor, entry by entry: POSIX.1-2001 pax and ustar, GNU long names and numbers, old
// V7. Nothing in the archive is believed: lengths, numbers and check sums are checked, and what is not understood
// (sparse files, several volumes) is refused by name. Source: pax(1), tar(5).
#pragma once

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "../lib/fault.h"
#include "sha256.h"

enum { TAR_BUFFER_SIZE = 32 * 1024, TAR_HEADER_BYTES_MAX = 1024 * 1024, TAR_ATTRIBUTES_MAX = 64 };

enum tar_kind { TAR_FILE, TAR_HARD_LINK, TAR_SYMLINK, TAR_CHARACTER, TAR_BLOCK, TAR_FOLDER, TAR_FIFO };

// An extended attribute. Name and value lie in the entry's records.
struct tar_attribute {
	const char *name;
	const void *value;
	size_t length;
};

struct tar_entry {
	enum tar_kind kind;
	char path[PATH_MAX];		// as written; never empty
	char link[PATH_MAX];		// the other name of a hard link, the text of a symbolic link
	mode_t mode;			// permissions alone
	uint32_t uid, gid;
	uint64_t size_bytes;		// of the data of a file; 0 for all else
	struct timespec modified;
	uint32_t major, minor;
	size_t attributes_count;
	struct tar_attribute attributes[TAR_ATTRIBUTES_MAX];
};

struct tar_reader {
	int fd;
	struct sha256 sum;		// of all that was read
	uint64_t data_left;		// of the entry
	uint64_t padding_left;		// behind it
	size_t at, used;
	char *records;			// the pax records of the entry
	unsigned has;			// what the records and long names said, bits of tar_reader.c
	struct tar_entry entry;
	char buffer[TAR_BUFFER_SIZE];
};

// The reader borrows the descriptor. It is large: it belongs on the heap.
void tar_begin(struct tar_reader *reader, int fd);

// The next entry, in reader->entry until the next call; the rest of the last one's data is skipped.
// => 1, or 0 at the archive's end, or a negative errno with a sentence
int tar_next(struct tar_reader *reader, struct fault *fault);

// Some of the entry's data. => its length, 0 at its end, or a negative errno with a sentence
ssize_t tar_read(struct tar_reader *reader, void *bytes, size_t size, struct fault *fault);

// Reads what follows the archive's end, and gives the sum of the whole stream.
int tar_finish(struct tar_reader *reader, char digest[SHA256_TEXT_SIZE], struct fault *fault);
void tar_destroy(struct tar_reader *reader);
