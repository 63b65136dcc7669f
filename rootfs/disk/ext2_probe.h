// SPDX-License-Identifier: MPL-2.0
// Recognises an ext2/ext3/ext4 file system by its superblock and reads its label and UUID.
#pragma once

#include "../lib/fault.h"

enum {
	EXT2_LABEL_SIZE = 17,	// 16 bytes and a zero
	UUID_TEXT_SIZE = 37,	// xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx and a zero
};

struct ext2_identity {
	char label[EXT2_LABEL_SIZE];
	char uuid[UUID_TEXT_SIZE];	// lower case
	const char *type;		// "ext2", "ext3" or "ext4": the oldest that can mount it
};

// Reads the superblock from an open device or image file.
// => -ENODATA: too short; -EINVAL: no ext2 here, or a superblock that contradicts itself.
int ext2_probe(int fd, struct ext2_identity *identity, struct fault *fault);
