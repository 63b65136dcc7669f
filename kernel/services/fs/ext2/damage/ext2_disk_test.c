// SPDX-License-Identifier: MPL-2.0
// The disk: requests are done at once, by copies from and to test_image. The file system on it: one group, blocks of
// 1 KiB, inodes of 256 bytes, an empty root.
#include <lib/test.h>
#include <services/block/block_device.h>
#include <services/cgroup/cgroup.h>
#include <services/cred/user_namespace.h>
#include <services/fs/ext2/damage/ext2_disk.h>
#include <services/fs/ext2/ext2.h>
#include <services/fs/ext2/layout.h>
#include <services/vfs/vfs.h>

u8 test_image[TEST_BLOCKS * TEST_BLOCK];

struct test_disk {
	struct block_device base;
};
static void test_disk_release(struct test_disk *d)
{
	block_device_fini(&d->base);
}
DEFINE_DERIVED(test_disk, block_device, test_disk_release)

static void test_submit(struct block_device *d, struct block_request *r)
{
	u64 at = r->sector * BLOCK_SECTOR;
	u32 left = r->length, offset = r->offset;

	for (u32 i = 0; i < r->page_count && r->operation != BLOCK_FLUSH; i++) {
		const u32 n = min(left, (u32)PAGE_SIZE - offset);
		const span_t memory = span_slice(page_span(r->page[i]), offset, n);
		const span_t disk = span_slice(array_span(test_image), at, n);

		if (r->operation == BLOCK_READ)
			span_copy(memory, bytes_of(disk));
		else
			span_copy(disk, bytes_of(memory));
		at += n;
		left -= n;
		offset = 0;
	}
	block_request_complete(r, OK);
}

static const struct block_device_ops test_disk_ops = { .submit = test_submit };

static struct test_disk *disk; // registered disks stay for ever

void test_services_start(void)
{
	REQUIRE(user_namespace_init() == OK && cred_init() == OK);
	cgroup_init();
	REQUIRE(vfs_init() == OK);
	ext2_init();
	disk = test_disk_alloc();
	REQUIRE(disk && block_device_init(&disk->base, &test_disk_ops, STR("test"), device_number(254, 0),
		sizeof(test_image) / BLOCK_SECTOR, 0) == OK);
	REQUIRE(block_device_register(&disk->base) == OK);
}

void test_image_format(void)
{
	const span_t image = array_span(test_image), s = span_slice(image, EXT2_SUPERBLOCK_AT, EXT2_SUPERBLOCK_BYTES);
	const span_t group = span_slice(image, 2 * TEST_BLOCK, EXT2_GROUP_BYTES);
	const span_t root = span_slice(image, TEST_TABLE_BLOCK * TEST_BLOCK + TEST_INODE_BYTES, TEST_INODE_BYTES);
	const span_t folder = span_slice(image, TEST_ROOT_BLOCK * TEST_BLOCK, TEST_BLOCK);

	span_fill(image, 0);
	span_put_u32le(s, SB_INODES, TEST_INODES);
	span_put_u32le(s, SB_BLOCKS, TEST_BLOCKS);
	span_put_u32le(s, SB_FREE_BLOCKS, TEST_BLOCKS - TEST_ROOT_BLOCK - 1);
	span_put_u32le(s, SB_FREE_INODES, TEST_INODES - 10);
	span_put_u32le(s, SB_FIRST_DATA_BLOCK, 1);
	span_put_u32le(s, SB_BLOCKS_A_GROUP, 8192);
	span_put_u32le(s, SB_INODES_A_GROUP, TEST_INODES);
	span_put_u16le(s, SB_MAGIC, EXT2_MAGIC);
	span_put_u16le(s, SB_STATE, EXT2_STATE_VALID);
	span_put_u32le(s, SB_REVISION, 1);
	span_put_u32le(s, SB_FIRST_INODE, 11);
	span_put_u16le(s, SB_INODE_BYTES, TEST_INODE_BYTES);
	span_put_u32le(s, SB_INCOMPATIBLE, INCOMPATIBLE_FILE_TYPE);
	span_put_u32le(group, GROUP_BLOCK_BITMAP, 3);
	span_put_u32le(group, GROUP_INODE_BITMAP, 4);
	span_put_u32le(group, GROUP_INODE_TABLE, TEST_TABLE_BLOCK);
	span_put_u16le(group, GROUP_FREE_BLOCKS, TEST_BLOCKS - TEST_ROOT_BLOCK - 1);
	span_put_u16le(group, GROUP_FREE_INODES, TEST_INODES - 10);
	span_put_u16le(group, GROUP_USED_DIRS, 1);
	for (u32 bit = 0; bit < TEST_ROOT_BLOCK; bit++)
		span_at(image, 3 * TEST_BLOCK + bit / 8) |= (u8)(1u << bit % 8);
	for (u32 bit = 0; bit < 10; bit++)
		span_at(image, 4 * TEST_BLOCK + bit / 8) |= (u8)(1u << bit % 8);
	span_put_u16le(root, INODE_MODE, S_IFDIR | 0755);
	span_put_u32le(root, INODE_SIZE, TEST_BLOCK);
	span_put_u16le(root, INODE_LINKS, 2);
	span_put_u32le(root, INODE_BLOCKS, TEST_BLOCK / BLOCK_SECTOR);
	span_put_u32le(root, INODE_BLOCK, TEST_ROOT_BLOCK);
	span_put_u16le(root, INODE_EXTRA_BYTES, 32);
	span_put_u32le(folder, ENTRY_INODE, EXT2_ROOT_NUMBER);
	span_put_u16le(folder, ENTRY_RECORD, 12);
	span_put_u16le(folder, ENTRY_NAME_LENGTH, 1 | 2 << 8);
	span_at(folder, ENTRY_NAME) = '.';
	span_put_u32le(folder, 12 + ENTRY_INODE, EXT2_ROOT_NUMBER);
	span_put_u16le(folder, 12 + ENTRY_RECORD, TEST_BLOCK - 12);
	span_put_u16le(folder, 12 + ENTRY_NAME_LENGTH, 2 | 2 << 8);
	span_copy(span_from(folder, 12 + ENTRY_NAME), STR(".."));
}

err_t test_mount(struct superblock **out borrowed)
{
	const struct file_system_type *type = file_system_find(STR("ext2"));
	const struct mount_request request = { .cred = cred_initial(), .device = &disk->base };

	page_mapping_truncate(disk->base.pages, 0); // what the cache holds of the last image
	const err_t err = type->mount(type, &request, out);

	return err ? err : superblock_activate(*out);
}

void test_unmount(struct superblock *sb)
{
	superblock_deactivate(sb);
	superblock_put(sb);
}
