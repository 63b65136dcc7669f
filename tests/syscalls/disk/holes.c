// SPDX-License-Identifier: MPL-2.0
/* Holes of files on an ext2 disk: where they are, and how they are made. lseek(2), fallocate(2) */
#include "disk.h"

#include <linux/falloc.h>
#include <sys/mman.h>

enum { MIB = 1 << 20 };

static void fill(int fd, off_t from, size_t bytes)
{
	static char block[65536];
	memset(block, 'x', sizeof(block));
	for (size_t at = 0; at < bytes; at += sizeof(block)) {
		size_t n = bytes - at < sizeof(block) ? bytes - at : sizeof(block);
		CHECK_EQ(pwrite(fd, block, n, from + (off_t)at), n);
	}
}

TEST(data_and_holes_are_found)
{
	disk_enter_folder("holes-seek", 0755);
	int fd = make_file("f");
	fill(fd, 0, 65536);
	fill(fd, 4 * MIB, 65536);
	CHECK_OK(ftruncate(fd, 8 * MIB));
	CHECK_EQ(lseek(fd, 0, SEEK_DATA), 0);
	CHECK_EQ(lseek(fd, 5, SEEK_DATA), 5);
	CHECK_EQ(lseek(fd, 0, SEEK_HOLE), 65536);
	CHECK_EQ(lseek(fd, 65536, SEEK_DATA), 4 * MIB);
	CHECK_EQ(lseek(fd, 2 * MIB, SEEK_HOLE), 2 * MIB);
	CHECK_EQ(lseek(fd, 4 * MIB, SEEK_HOLE), 4 * MIB + 65536);
	CHECK_ERR(lseek(fd, 5 * MIB, SEEK_DATA), ENXIO);
	CHECK_EQ(lseek(fd, 5 * MIB, SEEK_HOLE), 5 * MIB);
	CHECK_ERR(lseek(fd, 8 * MIB, SEEK_HOLE), ENXIO);
	CHECK_ERR(lseek(fd, 8 * MIB, SEEK_DATA), ENXIO);
	CHECK_ERR(lseek(fd, -1, SEEK_DATA), ENXIO);
	int full = make_file("full");
	fill(full, 0, 100000);
	CHECK_EQ(lseek(full, 0, SEEK_HOLE), 100000);
	CHECK_EQ(lseek(full, 99999, SEEK_DATA), 99999);
	CHECK_OK(close(full));
	CHECK_OK(close(fd));
	disk_leave();
}

TEST(holes_are_punched)
{
	char byte;
	struct stat before, after;
	disk_enter_folder("holes-punch", 0755);
	int fd = make_file("f");
	fill(fd, 0, MIB);
	char *mapped = CHECK_OK(mmap(NULL, MIB, PROT_READ, MAP_SHARED, fd, 0));
	CHECK_EQ(mapped[300000], 'x');
	CHECK_OK(fsync(fd));
	CHECK_OK(fstat(fd, &before));
	CHECK_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100000, 500000));
	CHECK_OK(fstat(fd, &after));
	CHECK_EQ(after.st_size, MIB);
	CHECK(before.st_blocks - after.st_blocks >= 480000 / 512);
	CHECK_EQ(mapped[300000], 0);
	CHECK_EQ(mapped[99999], 'x');
	CHECK_EQ(mapped[100000], 0);
	CHECK_EQ(mapped[599999], 0);
	CHECK_EQ(mapped[600000], 'x');
	CHECK(lseek(fd, 0, SEEK_HOLE) >= 100000);
	CHECK(lseek(fd, 0, SEEK_HOLE) <= 100000 + 4096);
	fill(fd, 300000, 10);
	CHECK_EQ(pread(fd, &byte, 1, 300005), 1);
	CHECK_EQ(byte, 'x');
	CHECK_OK(munmap(mapped, MIB));
	CHECK_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 100 * MIB));
	CHECK_OK(fstat(fd, &after));
	CHECK_EQ(after.st_size, MIB);
	CHECK(after.st_blocks < 64);
	CHECK_OK(close(fd));
	disk_leave();
	disk_mount();
	fd = CHECK_OK(open("/tmp/disk/holes-punch/f", O_RDONLY));
	CHECK_EQ(pread(fd, &byte, 1, 700000), 1);
	CHECK_EQ(byte, 0);
	CHECK_OK(close(fd));
	disk_leave();
}

TEST(other_kinds_are_refused)
{
	disk_enter_folder("holes-refused", 0755);
	int fd = make_file("f");
	fill(fd, 0, 65536);
	CHECK_ERR(fallocate(fd, 0, 0, MIB), EOPNOTSUPP);
	CHECK_ERR(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, MIB), EOPNOTSUPP);
	CHECK_ERR(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, 4096), EOPNOTSUPP);
	CHECK_ERR(fallocate(fd, FALLOC_FL_COLLAPSE_RANGE, 0, 4096), EOPNOTSUPP);
	CHECK_ERR(fallocate(fd, FALLOC_FL_INSERT_RANGE, 0, 4096), EOPNOTSUPP);
	CHECK_ERR(fallocate(fd, FALLOC_FL_ZERO_RANGE, 0, 4096), EOPNOTSUPP);
	CHECK_OK(close(fd));
	disk_leave();
}
