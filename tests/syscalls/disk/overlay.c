// SPDX-License-Identifier: MPL-2.0
/* overlayfs with its layers on the disk: what it has done is there after everything was mounted again. */
#include "../overlay/layers.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>

static const char *disk_folder;

static void mount_disk(void)
{
	char path[64];
	CHECK_OK(mount("/dev/vda", "/tmp/disk", "ext2", 0, NULL));
	snprintf(path, sizeof(path), "/tmp/disk/%s", disk_folder);
	CHECK_OK(chdir(path));
}

static void enter_disk(const char *folder)
{
	char path[64];
	if (access("/dev/vda", F_OK) != 0)
		test_skip("no disk");
	private_mounts();
	CHECK_OK(mkdir("/tmp/disk", 0755) == 0 || errno == EEXIST ? 0 : -1);
	snprintf(path, sizeof(path), "/tmp/disk/%s", folder);
	disk_folder = folder;
	CHECK_OK(mount("/dev/vda", "/tmp/disk", "ext2", 0, NULL));
	CHECK_OK(mkdir(path, 0755));
	CHECK_OK(chdir(path));
	static const char *const names[] = {"lower1", "lower2", "upper", "work", "m"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK_OK(mkdir(names[i], 0755));
}

/* Everything is read from the disk again. */
static void all_again(const char *more)
{
	CHECK_OK(umount("m"));
	CHECK_OK(chdir("/"));
	CHECK_OK(umount("/tmp/disk"));
	mount_disk();
	mount_overlay(more);
}

static void leave(void)
{
	CHECK_OK(umount("m"));
	CHECK_OK(chdir("/"));
	CHECK_OK(umount("/tmp/disk"));
}

TEST(changes_survive)
{
	enter_disk("overlay_changes");
	write_text("lower1/f", "lower");
	write_text("lower1/gone", "lower");
	CHECK_OK(mkdir("lower2/d", 0755));
	write_text("lower2/d/old", "lower");
	CHECK_OK(setxattr("lower1/f", "user.colour", "green", 5, 0));
	mount_overlay("");
	write_text("m/f", "changed");
	CHECK_OK(unlink("m/gone"));
	CHECK_OK(unlink("m/d/old"));
	CHECK_OK(rmdir("m/d"));
	CHECK_OK(mkdir("m/d", 0750));
	write_text("m/d/new", "new");
	CHECK_OK(symlink("f", "m/l"));
	CHECK_OK(link("m/f", "m/hard"));
	all_again("");
	struct stat info;
	char value[8] = "";
	CHECK_STR(names_in("m"), "d f hard l");
	CHECK_STR(names_in("m/d"), "new");
	CHECK_STR(read_text("m/l"), "changed");
	CHECK_OK(stat("m/hard", &info));
	CHECK_EQ(info.st_nlink, 2);
	CHECK_EQ(getxattr("m/f", "user.colour", value, sizeof(value)), 5);
	CHECK_STR(read_text("lower1/f"), "lower");
	CHECK(is_whiteout("upper/gone") && is_opaque("upper/d"));
	leave();
}

TEST(renames_survive)
{
	enter_disk("overlay_renames");
	write_text("lower1/a", "a");
	write_text("lower2/b", "b");
	CHECK_OK(mkdir("lower1/d", 0755));
	write_text("lower1/d/inner", "inner");
	mount_overlay(",redirect_dir=on");
	CHECK_OK(rename("m/a", "m/d/a"));
	CHECK_OK(rename("m/b", "m/b2"));
	CHECK_OK(rename("m/d", "m/moved"));
	all_again(",redirect_dir=on");
	CHECK_STR(names_in("m"), "b2 moved");
	CHECK_STR(names_in("m/moved"), "a inner");
	CHECK_STR(read_text("m/moved/inner"), "inner");
	CHECK(is_whiteout("upper/a") && is_whiteout("upper/b") && is_whiteout("upper/d"));
	leave();
}

/* Numbers are kept by what the copy remembers of its origin. */
TEST(numbers_survive)
{
	struct stat before, after;
	enter_disk("overlay_numbers");
	write_text("lower1/f", "lower");
	mount_overlay("");
	CHECK_OK(stat("m/f", &before));
	write_text("m/f", "changed");
	CHECK_OK(stat("m/f", &after));
	CHECK_EQ(after.st_ino, before.st_ino);
	all_again("");
	CHECK_OK(stat("m/f", &after));
	CHECK_EQ(after.st_ino, before.st_ino);
	leave();
}

TEST(large_file_is_copied_up)
{
	static char block[65536];
	enter_disk("overlay_large");
	int fd = make_file("lower1/big");
	for (int i = 0; i < 48; i++) {
		memset(block, 'a' + i % 26, sizeof(block));
		CHECK_EQ(write(fd, block, sizeof(block)), sizeof(block));
	}
	close(fd);
	mount_overlay("");
	fd = CHECK_OK(open("m/big", O_RDWR));
	CHECK_EQ(pwrite(fd, "!", 1, 100000), 1);
	close(fd);
	all_again("");
	fd = CHECK_OK(open("m/big", O_RDONLY));
	for (int i = 0; i < 48; i++) {
		CHECK_EQ(read(fd, block, sizeof(block)), sizeof(block));
		for (size_t k = 0; k < sizeof(block); k++)
			if (i * sizeof(block) + k != 100000)
				CHECK_EQ(block[k], 'a' + i % 26);
	}
	close(fd);
	leave();
}

/* An upper file system that is full: the copy fails, the lower file is still there, nothing is left behind. */
TEST(full_upper)
{
	static char block[65536];
	enter_disk("overlay_full");
	CHECK_OK(mkdir("small", 0755));
	CHECK_OK(mount("tmpfs", "small", "tmpfs", 0, "size=64k"));
	CHECK_OK(mkdir("small/upper", 0755));
	CHECK_OK(mkdir("small/work", 0755));
	int fd = make_file("lower1/big");
	memset(block, 'x', sizeof(block));
	for (int i = 0; i < 4; i++)
		CHECK_EQ(write(fd, block, sizeof(block)), sizeof(block));
	close(fd);
	CHECK_OK(mount("overlay", "m", "overlay", 0, "lowerdir=lower1,upperdir=small/upper,workdir=small/work"));
	CHECK_ERR(open("m/big", O_RDWR), ENOSPC);
	CHECK_OK(access("m/big", R_OK));
	CHECK_STR(names_in("small/upper"), "");
	CHECK_STR(names_in("small/work/work"), "");
	struct statvfs info;
	CHECK_OK(statvfs("small", &info));
	CHECK_EQ(info.f_bfree, info.f_blocks);
	CHECK_OK(umount("m"));
	CHECK_OK(umount("small"));
	CHECK_OK(chdir("/"));
	CHECK_OK(umount("/tmp/disk"));
}

/* Layers on different file systems: folders show the overlay's device, files one of their own. */
TEST(layers_on_two_file_systems)
{
	struct stat folder, low, high, again;
	enter_disk("overlay_two");
	write_text("lower1/f", "disk");
	CHECK_OK(mkdir("lower1/d", 0755));
	CHECK_OK(mount("tmpfs", "upper", "tmpfs", 0, NULL));
	CHECK_OK(mkdir("upper/u", 0755));
	CHECK_OK(mkdir("upper/w", 0755));
	CHECK_OK(mount("overlay", "m", "overlay", 0, "lowerdir=lower1,upperdir=upper/u,workdir=upper/w"));
	write_text("m/g", "memory");
	CHECK_OK(stat("m", &folder));
	CHECK_OK(stat("m/d", &low));
	CHECK_EQ(low.st_dev, folder.st_dev);
	CHECK_OK(stat("m/f", &low));
	CHECK_OK(stat("m/g", &high));
	CHECK(low.st_dev != folder.st_dev && high.st_dev != folder.st_dev && low.st_dev != high.st_dev);
	write_text("m/f", "changed");
	CHECK_OK(stat("m/f", &again));
	CHECK(again.st_dev == low.st_dev && again.st_ino == low.st_ino);
	CHECK_OK(umount("m"));
	CHECK_OK(mount("overlay", "m", "overlay", 0, "lowerdir=lower1,upperdir=upper/u,workdir=upper/w,xino=on"));
	CHECK_OK(stat("m/f", &low));
	CHECK_OK(stat("m/g", &high));
	CHECK(low.st_dev == folder.st_dev || low.st_dev == high.st_dev);
	CHECK_EQ(low.st_dev, high.st_dev);
	CHECK(low.st_ino != high.st_ino);
	CHECK_OK(umount("m"));
	CHECK_OK(umount("upper"));
	CHECK_OK(chdir("/"));
	CHECK_OK(umount("/tmp/disk"));
}

/* In a user namespace on the disk: marks are user attributes, and do what trusted ones do. */
TEST(user_attributes_as_marks)
{
	static const char *const names[] = {".", "lower1", "lower2", "upper", "work", "m", "lower1/d", "lower1/d/f"};
	enter_disk("overlay_user");
	CHECK_OK(mkdir("lower1/d", 0755));
	write_text("lower1/d/f", "lower");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK_OK(chown(names[i], 1000, 1000));
	struct turn ready = turn_create(), mapped = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(setresgid(1000, 1000, 1000));
		CHECK_OK(setresuid(1000, 1000, 1000));
		CHECK_OK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
		CHECK_OK(unshare(CLONE_NEWUSER | CLONE_NEWNS));
		turn_give(ready);
		turn_take(mapped);
		mount_overlay(",userxattr");
		CHECK_OK(unlink("m/d/f"));
		CHECK_OK(rmdir("m/d"));
		CHECK_OK(mkdir("m/d", 0755));
		CHECK_STR(names_in("m/d"), "");
		char value[64];
		CHECK_EQ(listxattr("m/d", value, sizeof(value)), 0);
		mount_again(",userxattr");
		CHECK_STR(names_in("m/d"), "");
		_exit(0);
	}
	char path[64], value[8] = "";
	turn_take(ready);
	snprintf(path, sizeof(path), "/proc/%d/setgroups", child);
	CHECK_OK(put_text(path, "deny"));
	snprintf(path, sizeof(path), "/proc/%d/uid_map", child);
	CHECK_OK(put_text(path, "0 1000 1"));
	snprintf(path, sizeof(path), "/proc/%d/gid_map", child);
	CHECK_OK(put_text(path, "0 1000 1"));
	turn_give(mapped);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_EQ(getxattr("upper/d", "user.overlay.opaque", value, sizeof(value)), 1);
	CHECK_STR(value, "y");
	CHECK_STR(read_text("lower1/d/f"), "lower");
	CHECK_OK(chdir("/"));
	CHECK_OK(umount("/tmp/disk"));
}
