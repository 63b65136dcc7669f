// SPDX-License-Identifier: MPL-2.0
// Reads a GUID partition table: the primary one, or where that is damaged the backup in the disk's
// last sector. Both checksums are verified before an entry is believed.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "../lib/fault.h"
#include "ext2_probe.h"

enum {
	GPT_PARTITIONS_MAX = 128,
	GPT_LABEL_SIZE = 36 * 3 + 1,	// 36 UTF-16 units as UTF-8
};

struct gpt_partition {
	unsigned number;		// 1-based, the N of /dev/vdaN
	uint64_t first_sector;
	uint64_t last_sector;		// inclusive
	char label[GPT_LABEL_SIZE];
	char uuid[UUID_TEXT_SIZE];	// lower case
};

struct gpt_table {
	size_t count;
	struct gpt_partition partition[GPT_PARTITIONS_MAX];
};

// Reads the table of an open disk or image.
// => -ENOENT: no table here at all; -EINVAL: a table whose copies are both damaged; or an I/O errno.
int gpt_read(int fd, struct gpt_table *table, struct fault *fault);

// CRC-32 (IEEE, reflected), as GPT uses it.
uint32_t gpt_crc32(const unsigned char *bytes, size_t length);
