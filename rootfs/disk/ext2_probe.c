// SPDX-License-Identifier: MPL-2.0
// The superblock is 1024 bytes at byte 1024 of the device, little endian.
#include "ext2_probe.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "../lib/file.h"

enum {
	SUPERBLOCK_OFFSET = 1024,
	SUPERBLOCK_SIZE = 1024,

	// Byte offsets inside the superblock.
	INODES_COUNT_AT = 0,
	BLOCKS_COUNT_AT = 4,
	LOG_BLOCK_SIZE_AT = 24,
	BLOCKS_PER_GROUP_AT = 32,
	INODES_PER_GROUP_AT = 40,
	MAGIC_AT = 56,
	FEATURE_COMPAT_AT = 92,
	FEATURE_INCOMPAT_AT = 96,
	FEATURE_RO_COMPAT_AT = 100,
	UUID_AT = 104,
	LABEL_AT = 120,

	EXT2_MAGIC = 0xef53,
	LOG_BLOCK_SIZE_MAX = 6,			// 64 KiB

	COMPAT_HAS_JOURNAL = 0x4,
	INCOMPAT_EXT2 = 0x2 | 0x10,		// filetype, meta_bg
	INCOMPAT_EXT3 = INCOMPAT_EXT2 | 0x4,	// and "needs recovery"
	RO_COMPAT_EXT2 = 0x1 | 0x2 | 0x4,	// sparse_super, large_file, btree_dir
};

static uint32_t get_le32(const unsigned char *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

static void format_uuid(const unsigned char *raw, char *text)
{
	size_t at = 0;

	for (size_t i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text[at++] = '-';
		snprintf(text + at, 3, "%02x", raw[i]);
		at += 2;
	}
}

static const char *oldest_type(const unsigned char *superblock)
{
	uint32_t compat = get_le32(superblock + FEATURE_COMPAT_AT);
	uint32_t incompat = get_le32(superblock + FEATURE_INCOMPAT_AT);
	uint32_t ro_compat = get_le32(superblock + FEATURE_RO_COMPAT_AT);

	if ((incompat & ~(uint32_t)INCOMPAT_EXT3) != 0 ||
	    (ro_compat & ~(uint32_t)RO_COMPAT_EXT2) != 0)
		return "ext4";
	return (compat & COMPAT_HAS_JOURNAL) != 0 ? "ext3" : "ext2";
}

int ext2_probe(int fd, struct ext2_identity *identity, struct fault *fault)
{
	unsigned char superblock[SUPERBLOCK_SIZE];
	int error = file_read_exactly_at(fd, superblock, sizeof(superblock), SUPERBLOCK_OFFSET);

	if (error != 0)
		return fault_set(fault, error, "cannot read an ext2 superblock: %s",
				 strerror(-error));
	if (superblock[MAGIC_AT] != (EXT2_MAGIC & 0xff) ||
	    superblock[MAGIC_AT + 1] != EXT2_MAGIC >> 8)
		return fault_set(fault, -EINVAL, "no ext2 file system (magic %02x%02x, not ef53)",
				 superblock[MAGIC_AT + 1], superblock[MAGIC_AT]);
	if (get_le32(superblock + LOG_BLOCK_SIZE_AT) > LOG_BLOCK_SIZE_MAX ||
	    get_le32(superblock + INODES_COUNT_AT) == 0 ||
	    get_le32(superblock + BLOCKS_COUNT_AT) == 0 ||
	    get_le32(superblock + BLOCKS_PER_GROUP_AT) == 0 ||
	    get_le32(superblock + INODES_PER_GROUP_AT) == 0)
		return fault_set(fault, -EINVAL, "the ext2 superblock is corrupt");

	memset(identity, 0, sizeof(*identity));
	memcpy(identity->label, superblock + LABEL_AT, EXT2_LABEL_SIZE - 1);
	format_uuid(superblock + UUID_AT, identity->uuid);
	identity->type = oldest_type(superblock);
	return 0;
}
