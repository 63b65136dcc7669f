// SPDX-License-Identifier: MPL-2.0
// An inode's record that finds no memory on its way to the disk: it is not lost.
#include <lib/test.h>
#include <services/fs/ext2/damage/ext2_disk.h>
#include <services/fs/ext2/ext2_internal.h>

static struct inode_ops ops;
static u32 failures, writes;

static err_t write_later(struct inode *i)
{
	if (failures) {
		failures--;
		return -ENOMEM;
	}
	writes++;
	return ext2_inode_write(i);
}

static bool is_dirty(struct inode *i) { return atomic_u32_load(&i->state) & INODE_DIRTY; }

TEST(ext2_record_without_memory_stays_dirty)
{
	struct superblock *sb = NULL;

	test_services_start();
	test_image_format();
	if (test_mount(&sb) != OK) {
		EXPECT(false);
		return;
	}
	struct inode *root = sb->root;

	ops = *root->ops;
	ops.write_inode = write_later;
	root->ops = &ops;
	inode_touch(root, TOUCH_MODIFY);
	failures = 1;
	EXPECT(inode_write_all(root) == -ENOMEM && is_dirty(root));
	EXPECT(inode_write_all(root) == OK && !is_dirty(root) && writes == 1);
	// The last reference: a sync fails, then nobody else is left to try again.
	inode_touch(root, TOUCH_MODIFY);
	failures = 5;
	test_unmount(sb);
	EXPECT(failures == 0 && writes == 2);
}
