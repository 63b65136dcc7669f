// SPDX-License-Identifier: MPL-2.0
/* Where a file's content lies on an ext2 disk. ioctl_fibmap(2), <linux/fiemap.h> */
#include "disk.h"

#include <linux/fiemap.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

/* Holes are whole pages: a file system may give a page its blocks together. */
enum { EXTENTS = 8, BLOCK = 1024 };
static struct {
	struct fiemap head;
	struct fiemap_extent extent[EXTENTS];
} map;

static void leave_disk(int fd, const char *name)
{
	CHECK_OK(close(fd));
	CHECK_OK(unlink(name));
	disk_leave();
}

static int ask(int fd, unsigned long start, unsigned long length, unsigned flags, unsigned count)
{
	memset(&map, 0, sizeof(map));
	map.head.fm_start = start;
	map.head.fm_length = length;
	map.head.fm_flags = flags;
	map.head.fm_extent_count = count;
	return ioctl(fd, FS_IOC_FIEMAP, &map);
}

static void put_blocks(int fd, int first, int count)
{
	char block[BLOCK];
	memset(block, 'x', sizeof(block));
	for (int i = first; i < first + count; i++)
		CHECK_EQ(pwrite(fd, block, BLOCK, i * (off_t)BLOCK), BLOCK);
}

TEST(fiemap_tells_extents)
{
	disk_enter();
	int fd = make_file("extents");
	put_blocks(fd, 0, 4);
	put_blocks(fd, 8, 2);
	CHECK_OK(ftruncate(fd, 20 * BLOCK));
	CHECK_OK(ask(fd, 0, FIEMAP_MAX_OFFSET, FIEMAP_FLAG_SYNC, EXTENTS));
	CHECK_EQ(map.head.fm_mapped_extents, 2);
	CHECK_EQ(map.extent[0].fe_logical, 0);
	CHECK_EQ(map.extent[0].fe_length, 4 * BLOCK);
	CHECK(map.extent[0].fe_physical != 0 && map.extent[0].fe_physical % BLOCK == 0);
	CHECK_EQ(map.extent[0].fe_flags, FIEMAP_EXTENT_MERGED);
	CHECK_EQ(map.extent[1].fe_logical, 8 * BLOCK);
	CHECK(map.extent[1].fe_length >= 2 * BLOCK && map.extent[1].fe_length <= PAGE);
	CHECK_EQ(map.extent[1].fe_flags, FIEMAP_EXTENT_MERGED | FIEMAP_EXTENT_LAST);
	CHECK_OK(ask(fd, 0, FIEMAP_MAX_OFFSET, 0, 0));
	CHECK_EQ(map.head.fm_mapped_extents, 2);
	CHECK_OK(ask(fd, 0, FIEMAP_MAX_OFFSET, 0, 1));
	CHECK_EQ(map.head.fm_mapped_extents, 1);
	CHECK_EQ(map.extent[0].fe_flags, FIEMAP_EXTENT_MERGED);
	CHECK_OK(ask(fd, 2 * BLOCK, BLOCK, 0, EXTENTS));
	CHECK_EQ(map.head.fm_mapped_extents, 1);
	CHECK_EQ(map.extent[0].fe_logical, 2 * BLOCK);
	CHECK_OK(ask(fd, 4 * BLOCK, BLOCK, 0, EXTENTS));
	CHECK_EQ(map.head.fm_mapped_extents, 0);
	leave_disk(fd, "extents");
}

TEST(fiemap_refuses_what_it_cannot_tell)
{
	disk_enter();
	int fd = make_file("extents"), ends[2];
	put_blocks(fd, 0, 1);
	CHECK_ERR(ask(fd, 0, 0, 0, EXTENTS), EINVAL);
	CHECK_ERR(ask(fd, 0, BLOCK, 0x80, EXTENTS), EBADR);
	CHECK_EQ(map.head.fm_flags, 0x80);
	CHECK_ERR(ask(fd, 0, BLOCK, 0, 0xffffffff), EINVAL);
	CHECK_ERR(ioctl(fd, FS_IOC_FIEMAP, bad_address()), EFAULT);
	CHECK_OK(pipe(ends));
	CHECK_ERR(ask(ends[0], 0, BLOCK, 0, EXTENTS), EOPNOTSUPP);
	leave_disk(fd, "extents");
}

TEST(fibmap_tells_block_numbers)
{
	disk_enter();
	int fd = make_file("extents"), block = 0, size = 0, hole = 5, negative = -1;
	put_blocks(fd, 0, 4);
	put_blocks(fd, 8, 1);
	CHECK_OK(fsync(fd));
	CHECK_OK(ask(fd, 0, FIEMAP_MAX_OFFSET, 0, EXTENTS));
	CHECK_OK(ioctl(fd, FIGETBSZ, &size));
	CHECK_EQ(size, BLOCK);
	CHECK_OK(ioctl(fd, FIBMAP, &block));
	CHECK_EQ(block, map.extent[0].fe_physical / BLOCK);
	CHECK_OK(ioctl(fd, FIBMAP, &hole));
	CHECK_EQ(hole, 0);
	CHECK_ERR(ioctl(fd, FIBMAP, &negative), EINVAL);
	leave_disk(fd, "extents");
}

TEST(fibmap_is_for_the_privileged)
{
	disk_enter();
	int fd = make_file("extents"), block = 0;
	pid_t child = fork_checked();
	if (child == 0) {
		become_nobody();
		CHECK_ERR(ioctl(fd, FIBMAP, &block), EPERM);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	leave_disk(fd, "extents");
}
