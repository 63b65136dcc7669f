// SPDX-License-Identifier: MPL-2.0
/*
 * The ext2 file system on the test machine's disk (/dev/vda, made by mke2fs). The runner checks
 * the disk with e2fsck on the host after the machine has ended.
 */
#include "disk.h"

#include <dirent.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

static unsigned char byte_at(size_t position)
{
	return (unsigned char)(position * 31 + position / 4096);
}

static void write_pattern(const char *path, size_t size)
{
	unsigned char block[3000];
	int fd = make_file(path);
	for (size_t at = 0; at < size;) {
		size_t part = size - at < sizeof(block) ? size - at : sizeof(block);
		for (size_t i = 0; i < part; i++)
			block[i] = byte_at(at + i);
		CHECK_EQ(write(fd, block, part), part);
		at += part;
	}
	CHECK_OK(close(fd));
}

static void check_pattern(const char *path, size_t size)
{
	static unsigned char block[5000];
	int fd = CHECK_OK(open(path, O_RDONLY));
	size_t at = 0;
	ssize_t count;
	while ((count = read(fd, block, sizeof(block))) > 0) {
		for (ssize_t i = 0; i < count; i++)
			if (block[i] != byte_at(at + (size_t)i))
				test_fail(__FILE__, __LINE__, "%s differs at %zu", path, at + (size_t)i);
		at += (size_t)count;
	}
	CHECK_EQ(count, 0);
	CHECK_EQ(at, size);
	CHECK_OK(close(fd));
}

TEST(mounts_and_tells_its_type)
{
	disk_enter_folder("type", 0755);
	struct statvfs info;
	CHECK_OK(statvfs(".", &info));
	CHECK(info.f_blocks > 1000 && info.f_bfree < info.f_blocks);
	CHECK_EQ(info.f_namemax, 255);
	CHECK_OK(access("../lost+found", F_OK));
	disk_leave();
}

TEST(small_file_survives)
{
	disk_enter_folder("small", 0755);
	write_text("f", "kept on the disk");
	disk_again("small");
	CHECK_STR(read_text("f"), "kept on the disk");
	disk_leave();
}

TEST(empty_file_and_directory_survive)
{
	disk_enter_folder("empty", 0755);
	close(make_file("f"));
	CHECK_OK(mkdir("d", 0700));
	disk_again("empty");
	struct stat info;
	CHECK_OK(stat("f", &info));
	CHECK_EQ(info.st_size, 0);
	CHECK_OK(stat("d", &info));
	CHECK_EQ(info.st_mode, S_IFDIR | 0700);
	CHECK_EQ(info.st_nlink, 2);
	disk_leave();
}

TEST(indirect_blocks)
{
	disk_enter_folder("indirect", 0755);
	write_pattern("direct", 10 * 1024);
	write_pattern("single", 200 * 1024);
	write_pattern("double", 6 << 20);
	disk_again("indirect");
	check_pattern("direct", 10 * 1024);
	check_pattern("single", 200 * 1024);
	check_pattern("double", 6 << 20);
	CHECK_OK(unlink("double"));
	disk_leave();
}

TEST(sparse_file)
{
	disk_enter_folder("sparse", 0755);
	int fd = make_file("f");
	CHECK_EQ(pwrite(fd, "end", 3, 20 << 20), 3);
	CHECK_OK(close(fd));
	disk_again("sparse");
	struct stat info;
	CHECK_OK(stat("f", &info));
	CHECK_EQ(info.st_size, (20 << 20) + 3);
	CHECK(info.st_blocks < 100);
	char text[4] = {0};
	fd = CHECK_OK(open("f", O_RDONLY));
	CHECK_EQ(pread(fd, text, 3, 20 << 20), 3);
	CHECK_STR(text, "end");
	CHECK_EQ(pread(fd, text, 3, 10 << 20), 3);
	CHECK(text[0] == 0 && text[1] == 0 && text[2] == 0);
	close(fd);
	disk_leave();
}

TEST(truncation_frees_blocks)
{
	struct statvfs before, after;
	disk_enter_folder("truncate", 0755);
	CHECK_OK(statvfs(".", &before));
	write_pattern("f", 3 << 20);
	CHECK_OK(truncate("f", 5000));
	check_pattern("f", 5000);
	CHECK_OK(truncate("f", 9000));
	int fd = CHECK_OK(open("f", O_RDONLY));
	char byte = 1;
	CHECK_EQ(pread(fd, &byte, 1, 5001), 1);
	CHECK_EQ(byte, 0);
	close(fd);
	CHECK_OK(unlink("f"));
	sync();
	CHECK_OK(statvfs(".", &after));
	CHECK_EQ(after.f_bfree, before.f_bfree);
	disk_leave();
}

TEST(unlinked_while_open_is_freed_later)
{
	struct statvfs before, after;
	disk_enter_folder("open", 0755);
	CHECK_OK(statvfs(".", &before));
	write_pattern("f", 1 << 20);
	int fd = CHECK_OK(open("f", O_RDONLY));
	CHECK_OK(unlink("f"));
	char byte;
	CHECK_EQ(pread(fd, &byte, 1, 1000), 1);
	CHECK_OK(close(fd));
	sync();
	CHECK_OK(statvfs(".", &after));
	CHECK_EQ(after.f_bfree, before.f_bfree);
	disk_leave();
}

TEST(directory_with_a_thousand_names)
{
	char name[64];
	disk_enter_folder("names", 0755);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "a-name-of-some-length-%d", i);
		CHECK_OK(close(make_file(name)));
	}
	for (int i = 0; i < 1000; i += 2) {
		snprintf(name, sizeof(name), "a-name-of-some-length-%d", i);
		CHECK_OK(unlink(name));
	}
	disk_again("names");
	DIR *directory = opendir(".");
	int count = 0;
	while (readdir(directory))
		count++;
	closedir(directory);
	CHECK_EQ(count, 502);
	disk_leave();
}

enum { BIG_NAMES = 700, BIG_ROUNDS = 6000 };

/* Of 1 to 255 bytes, so that a name does not fit the hole that another has left. */
static void big_name(char name[256], unsigned number)
{
	int length = (int)(number * 37 % 250) + 5;
	memset(name, 'a' + (int)(number % 26), (size_t)length);
	name[length] = '\0';
	name[snprintf(name, 6, "%u", number)] = '-';
}

/* What the model says is there must be there, and nothing else. */
static void check_big_folder(const unsigned char there[BIG_NAMES])
{
	char name[256];
	int wanted = 0, found = 0;
	for (unsigned i = 0; i < BIG_NAMES; i++) {
		big_name(name, i);
		if ((access(name, F_OK) == 0) != there[i])
			test_fail(__FILE__, __LINE__, "name %u: %d expected", i, there[i]);
		wanted += there[i];
	}
	DIR *directory = opendir(".");
	while (readdir(directory))
		found++;
	closedir(directory);
	CHECK_EQ(found, wanted + 2);
}

/* A big folder that changes at random, against a model: names come, go, take each other's place. */
TEST_LIMIT(big_folder_against_a_model, 60)
{
	static unsigned char there[BIG_NAMES];
	char one[256], two[256];
	unsigned seed = 7;
	disk_enter_folder("big", 0755);
	CHECK_OK(close(make_file("../big-source")));
	for (int round = 0; round < BIG_ROUNDS; round++) {
		seed = seed * 1103515245 + 12345;
		unsigned a = (seed >> 8) % BIG_NAMES, b = (seed >> 18) % BIG_NAMES;
		big_name(one, a);
		big_name(two, b);
		if (!there[a]) {
			CHECK_OK(link("../big-source", one));
		} else if (seed >> 30 == 0 && a != b) {
			CHECK_OK(rename(one, two));	/* both are the same file: nothing happens then */
			if (there[b])
				CHECK_OK(unlink(one));
			there[b] = 1;
		} else {
			CHECK_OK(unlink(one));
		}
		there[a] = !there[a];
		if (round % 2000 == 1999)
			check_big_folder(there);
	}
	disk_again("big");
	check_big_folder(there);
	disk_leave();
}

TEST(rename_and_links_survive)
{
	disk_enter_folder("rename", 0755);
	write_text("a", "a");
	CHECK_OK(link("a", "b"));
	CHECK_OK(rename("a", "c"));
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(mkdir("e", 0755));
	CHECK_OK(rename("d", "e/d"));
	write_text("old", "old");
	write_text("new", "new");
	CHECK_OK(rename("new", "old"));
	disk_again("rename");
	struct stat info;
	CHECK_OK(stat("b", &info));
	CHECK_EQ(info.st_nlink, 2);
	CHECK_STR(read_text("c"), "a");
	CHECK_STR(read_text("old"), "new");
	CHECK_OK(stat("e", &info));
	CHECK_EQ(info.st_nlink, 3);
	CHECK_OK(stat("e/d/..", &info));
	CHECK_ERR(access("d", F_OK), ENOENT);
	disk_leave();
}

TEST(symlinks_short_and_long)
{
	char target[201], back[256] = {0};
	disk_enter_folder("links", 0755);
	memset(target, 't', 200);
	target[200] = 0;
	CHECK_OK(symlink("short", "s"));
	CHECK_OK(symlink(target, "l"));
	disk_again("links");
	CHECK_EQ(readlink("s", back, sizeof(back)), 5);
	CHECK_EQ(readlink("l", back, sizeof(back)), 200);
	CHECK(memcmp(back, target, 200) == 0);
	CHECK_OK(unlink("l"));
	disk_leave();
}

TEST(attributes_survive)
{
	struct timespec times[2] = {{1000000000, 0}, {1100000000, 0}};
	disk_enter_folder("attributes", 0755);
	write_text("f", "");
	CHECK_OK(chmod("f", 04751));
	CHECK_OK(chown("f", 70000, 80000));
	CHECK_OK(chmod("f", 04751));
	CHECK_OK(utimensat(AT_FDCWD, "f", times, 0));
	CHECK_OK(mknod("device", S_IFCHR | 0640, 0x0105));
	CHECK_OK(mkfifo("fifo", 0600));
	disk_again("attributes");
	struct stat info;
	CHECK_OK(stat("f", &info));
	CHECK_EQ(info.st_mode, S_IFREG | 04751);
	CHECK(info.st_uid == 70000 && info.st_gid == 80000);
	CHECK_EQ(info.st_mtim.tv_sec, 1100000000);
	CHECK_OK(stat("device", &info));
	CHECK_EQ(info.st_rdev, 0x0105);
	CHECK_OK(stat("fifo", &info));
	CHECK(S_ISFIFO(info.st_mode));
	disk_leave();
}

TEST(mapped_writes_reach_the_disk)
{
	disk_enter_folder("mapped", 0755);
	int fd = make_file("f");
	CHECK_OK(ftruncate(fd, (off_t)3 * PAGE));
	char *memory = mmap(NULL, (size_t)3 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(memory != MAP_FAILED);
	strcpy(memory + PAGE, "through the mapping");
	CHECK_OK(msync(memory, (size_t)3 * PAGE, MS_SYNC));
	CHECK_OK(munmap(memory, (size_t)3 * PAGE));
	CHECK_OK(close(fd));
	disk_again("mapped");
	char text[32] = {0};
	fd = CHECK_OK(open("f", O_RDONLY));
	CHECK_EQ(pread(fd, text, 19, PAGE), 19);
	CHECK_STR(text, "through the mapping");
	close(fd);
	disk_leave();
}

TEST_LIMIT(full_disk_is_enospc_and_recovers, 90)
{
	static char block[65536];
	struct statvfs before, after;
	disk_enter_folder("full", 0755);
	CHECK_OK(statvfs(".", &before));
	int fd = make_file("f");
	ssize_t count;
	while ((count = write(fd, block, sizeof(block))) > 0)
		continue;
	CHECK_EQ(errno, ENOSPC);
	CHECK_OK(close(fd));
	CHECK_OK(unlink("f"));
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(rmdir("d"));
	sync();
	CHECK_OK(statvfs(".", &after));
	CHECK_EQ(after.f_bfree, before.f_bfree);
	disk_leave();
}

/* No inode is left: files and folders are refused, what is there stays, and all come back. */
TEST_LIMIT(no_more_inodes_is_enospc_and_recovers, 120)
{
	struct statvfs before, after;
	char name[32];
	disk_enter_folder("inodes", 0755);
	CHECK_OK(statvfs(".", &before));
	if (before.f_ffree > 20000)
		test_skip("too many inodes");
	write_text("first", "stays");
	int made = 0;
	for (;; made++) {
		snprintf(name, sizeof(name), "f%d", made);
		if (mknod(name, S_IFREG | 0644, 0) != 0)
			break;
	}
	CHECK_EQ(errno, ENOSPC);
	CHECK_ERR(mkdir("d", 0755), ENOSPC);
	CHECK_ERR(symlink("x", "s"), ENOSPC);
	CHECK_OK(statvfs(".", &after));
	CHECK_EQ(after.f_ffree, 0);
	CHECK_STR(read_text("first"), "stays");
	for (int i = 0; i < made; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		CHECK_OK(unlink(name));
	}
	CHECK_OK(unlink("first"));
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(rmdir("d"));
	sync();
	CHECK_OK(statvfs(".", &after));
	CHECK_EQ(after.f_ffree, before.f_ffree);
	disk_leave();
}

TEST_LIMIT(storm_of_four_processes, 90)
{
	pid_t children[4];
	disk_enter_folder("storm", 0755);
	for (int i = 0; i < 4; i++) {
		children[i] = fork_checked();
		if (children[i] != 0)
			continue;
		unsigned seed = (unsigned)i + 1;
		char one[32], two[32], block[2000] = {0};
		for (int j = 0; j < 300; j++) {
			seed = seed * 1103515245 + 12345;
			snprintf(one, sizeof(one), "f%u", seed >> 16 & 31);
			snprintf(two, sizeof(two), "f%u", seed >> 22 & 31);
			int fd = open(one, O_RDWR | O_CREAT, 0644);
			if (fd >= 0) {
				(void)!pwrite(fd, block, sizeof(block), (off_t)(seed >> 14 & 0xffff));
				close(fd);
			}
			switch (seed >> 27 & 3) {
			case 0: unlink(two); break;
			case 1: rename(one, two); break;
			case 2: (void)!link(one, two); break;
			default: (void)!truncate(two, 100); break;
			}
		}
		_exit(0);
	}
	for (int i = 0; i < 4; i++)
		CHECK_EQ(wait_exit(children[i]), 0);
	disk_leave();
}

TEST(synced_data_before_power_loss)
{
	/* The runner's power-loss scenario kills the machine after this line; here it must pass. */
	disk_enter_folder("synced", 0755);
	int fd = make_file("f");
	CHECK_EQ(write(fd, "synced", 6), 6);
	CHECK_OK(fsync(fd));
	close(fd);
	int folder = CHECK_OK(open(".", O_RDONLY | O_DIRECTORY));
	CHECK_OK(fsync(folder));
	close(folder);
	disk_leave();
}

TEST(read_only_mount_writes_nothing)
{
	disk_enter_folder("read-only", 0755);
	disk_leave();
	CHECK_OK(mount("/dev/vda", "/tmp/disk", "ext2", MS_RDONLY, NULL));
	CHECK_ERR(open("/tmp/disk/f", O_CREAT | O_WRONLY, 0644), EROFS);
	CHECK_OK(umount("/tmp/disk"));
}

TEST(damaged_superblock_is_refused)
{
	if (access("/dev/vda", F_OK) != 0)
		test_skip("no disk");
	private_mounts();
	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mount("/dev/vda", "m", "ext2", 0, "nonsense_option") == 0 ? -1 : 0);
	CHECK(mount("/dev/zero", "m", "ext2", 0, NULL) != 0);
	CHECK_EQ(errno, ENOTBLK);
}

TEST(raw_disk_reads)
{
	unsigned char block[2048];
	if (access("/dev/vda", F_OK) != 0)
		test_skip("no disk");
	int fd = CHECK_OK(open("/dev/vda", O_RDONLY));
	CHECK_EQ(pread(fd, block, sizeof(block), 0), sizeof(block));
	CHECK(block[1080] == 0x53 && block[1081] == 0xef); /* ext2's magic number */
	CHECK_EQ(lseek(fd, 0, SEEK_END), 96 << 20);
}

static void mount_and_leave(const char *folder)
{
	private_mounts();
	CHECK_OK(mkdir(folder, 0755));
	for (int round = 0; round < 60; round++) {
		CHECK_OK(mount("/dev/vda", folder, "ext2", 0, NULL));
		CHECK_OK(access(folder, R_OK | X_OK));
		CHECK_OK(umount(folder));
	}
	CHECK_OK(rmdir(folder));
	_exit(0);
}

/* One is mounted while another begins to be, or its last mount goes. */
TEST(mounts_and_unmounts_at_once)
{
	static const char *const folders[] = {"/tmp/disk_a", "/tmp/disk_b", "/tmp/disk_c"};
	pid_t children[3];
	if (access("/dev/vda", F_OK) != 0)
		test_skip("no disk");
	for (int i = 0; i < 3; i++) {
		children[i] = fork_checked();
		if (children[i] == 0)
			mount_and_leave(folders[i]);
	}
	for (int i = 0; i < 3; i++)
		CHECK_EQ(wait_exit(children[i]), 0);
	disk_enter();
	CHECK_OK(access(".", W_OK));
	disk_leave();
}
