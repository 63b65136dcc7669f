// SPDX-License-Identifier: MPL-2.0
// A disk in memory with an ext2 file system on it, for hosted tests.
#pragma once
#include <services/vfs/superblock.h>

enum { TEST_BLOCK = 1024, TEST_BLOCKS = 512, TEST_INODES = 64, TEST_INODE_BYTES = 256, TEST_TABLE_BLOCK = 5,
	TEST_ROOT_BLOCK = TEST_TABLE_BLOCK + TEST_INODES * TEST_INODE_BYTES / TEST_BLOCK };
extern u8 test_image[TEST_BLOCKS * TEST_BLOCK];

// The services that ext2 needs. Once a test.
void test_services_start(void);
// An empty file system in test_image.
void test_image_format(void);
// Mounts what is in test_image; what the cache held of the disk is forgotten.
err_t test_mount(struct superblock **out borrowed);
// Drops everything; what was written is in test_image.
void test_unmount(struct superblock *sb);
