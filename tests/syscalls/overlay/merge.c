// SPDX-License-Identifier: MPL-2.0
/* overlayfs: what is seen, what is copied up, what a removal leaves. */
#include "layers.h"

#include <sys/statfs.h>

TEST(layers_are_merged)
{
	make_folders();
	write_text("lower2/a", "two");
	write_text("lower2/b", "two");
	write_text("lower1/b", "one");
	write_text("lower1/c", "one");
	write_text("upper/c", "upper");
	write_text("upper/d", "upper");
	CHECK_OK(mkdir("lower1/dir", 0755));
	CHECK_OK(mkdir("lower2/dir", 0750));
	write_text("lower1/dir/x", "");
	write_text("lower2/dir/y", "");
	mount_overlay("");
	CHECK_STR(names_in("m"), "a b c d dir");
	CHECK_STR(read_text("m/a"), "two");
	CHECK_STR(read_text("m/b"), "one");
	CHECK_STR(read_text("m/c"), "upper");
	CHECK_STR(read_text("m/d"), "upper");
	CHECK_STR(names_in("m/dir"), "x y");
	struct stat info;
	CHECK_OK(stat("m/dir", &info));
	CHECK_EQ(info.st_mode & 07777, 0755);
	CHECK_ERR(open("m/missing", O_RDONLY), ENOENT);
	struct statfs fs;
	CHECK_OK(statfs("m", &fs));
	CHECK_EQ(fs.f_type, 0x794c7630);
}

TEST(type_hides_what_is_below)
{
	make_folders();
	write_text("lower1/file", "one");
	CHECK_OK(mkdir("lower2/file", 0755));
	write_text("lower2/file/inner", "");
	CHECK_OK(mkdir("lower1/folder", 0755));
	write_text("lower2/folder", "two");
	mount_overlay("");
	CHECK_STR(read_text("m/file"), "one");
	CHECK_STR(names_in("m/folder"), "");
	CHECK_OK(unlink("m/file"));
	CHECK_ERR(access("m/file", F_OK), ENOENT);
}

TEST(write_copies_up)
{
	make_folders();
	write_text("lower1/f", "lower text");
	CHECK_OK(chmod("lower1/f", 0640));
	CHECK_OK(chown("lower1/f", 7, 8));
	CHECK_OK(setxattr("lower1/f", "trusted.mark", "kept", 4, 0));
	struct timespec times[2] = {{1000, 5}, {2000, 7}};
	CHECK_OK(utimensat(AT_FDCWD, "lower1/f", times, 0));
	mount_overlay("");
	int fd = CHECK_OK(open("m/f", O_RDWR));
	CHECK_EQ(pwrite(fd, "UPPER", 5, 0), 5);
	CHECK_OK(close(fd));
	CHECK_STR(read_text("m/f"), "UPPER text");
	CHECK_STR(read_text("upper/f"), "UPPER text");
	CHECK_STR(read_text("lower1/f"), "lower text");
	struct stat info;
	CHECK_OK(stat("upper/f", &info));
	CHECK_EQ(info.st_mode, S_IFREG | 0640);
	CHECK(info.st_uid == 7 && info.st_gid == 8);
	char value[8] = "";
	CHECK_EQ(getxattr("upper/f", "trusted.mark", value, sizeof(value)), 4);
	CHECK_OK(stat("lower1/f", &info));
	CHECK_EQ(info.st_mtim.tv_sec, 2000);
	check_work();
}

TEST(read_does_not_copy_up)
{
	make_folders();
	write_text("lower1/f", "text");
	mount_overlay("");
	CHECK_STR(read_text("m/f"), "text");
	CHECK_OK(access("m/f", W_OK));
	CHECK_STR(names_in("upper"), "");
	CHECK_ERR(open("m/f", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
	CHECK_STR(names_in("upper"), "");
}

TEST(attributes_copy_up)
{
	struct stat info;
	make_folders();
	write_text("lower1/f", "text");
	CHECK_OK(symlink("target", "lower1/l"));
	CHECK_OK(mkdir("lower1/d", 0755));
	mount_overlay("");
	CHECK_OK(chmod("m/f", 0600));
	CHECK_OK(stat("m/f", &info));
	CHECK_EQ(info.st_mode & 07777, 0600);
	CHECK_STR(read_text("upper/f"), "text");
	CHECK_OK(lchown("m/l", 5, 6));
	char target[16] = "";
	CHECK_EQ(readlink("upper/l", target, sizeof(target)), 6);
	CHECK_OK(lstat("m/l", &info));
	CHECK(info.st_uid == 5 && S_ISLNK(info.st_mode));
	CHECK_OK(chmod("m/d", 0700));
	CHECK_OK(stat("upper/d", &info));
	CHECK_EQ(info.st_mode & 07777, 0700);
	CHECK_OK(truncate("m/f", 2));
	CHECK_STR(read_text("m/f"), "te");
	struct timespec times[2] = {{100, 0}, {200, 0}};
	CHECK_OK(utimensat(AT_FDCWD, "m/f", times, 0));
	CHECK_OK(stat("m/f", &info));
	CHECK_EQ(info.st_mtim.tv_sec, 200);
	CHECK_OK(stat("lower1/f", &info));
	CHECK_EQ(info.st_size, 4);
}

TEST(deep_copy_up_keeps_folders)
{
	struct stat before, after;
	make_folders();
	CHECK_OK(mkdir("lower2/a", 0751));
	CHECK_OK(mkdir("lower2/a/b", 0711));
	CHECK_OK(mkdir("lower2/a/b/c", 0755));
	write_text("lower2/a/b/c/f", "deep");
	write_text("lower2/a/b/other", "stays");
	mount_overlay("");
	CHECK_OK(stat("m/a/b", &before));
	write_text("m/a/b/c/f", "changed");
	CHECK_STR(read_text("upper/a/b/c/f"), "changed");
	CHECK_OK(stat("upper/a", &after));
	CHECK_EQ(after.st_mode & 07777, 0751);
	CHECK_OK(stat("m/a/b", &after));
	CHECK_EQ(after.st_mode & 07777, 0711);
	CHECK_EQ(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
	CHECK_STR(names_in("m/a/b"), "c other");
	CHECK_STR(names_in("upper/a/b"), "c");
}

TEST(unlink_leaves_a_whiteout)
{
	make_folders();
	write_text("lower1/f", "one");
	write_text("lower2/f", "two");
	write_text("lower1/g", "one");
	write_text("upper/g", "upper");
	write_text("upper/h", "upper");
	mount_overlay("");
	CHECK_OK(unlink("m/f"));
	CHECK_OK(unlink("m/g"));
	CHECK_OK(unlink("m/h"));
	CHECK_ERR(unlink("m/f"), ENOENT);
	CHECK_STR(names_in("m"), "");
	CHECK(is_whiteout("upper/f") && is_whiteout("upper/g"));
	CHECK_ERR(access("upper/h", F_OK), ENOENT);
	mount_again("");
	CHECK_STR(names_in("m"), "");
	CHECK_ERR(access("m/f", F_OK), ENOENT);
	CHECK_STR(read_text("lower1/f"), "one");
	check_work();
}

TEST(create_over_a_whiteout)
{
	make_folders();
	write_text("lower1/f", "one");
	write_text("lower1/n", "one");
	write_text("lower1/s", "one");
	write_text("lower1/link", "one");
	mount_overlay("");
	CHECK_OK(unlink("m/f"));
	write_text("m/f", "new");
	CHECK_STR(read_text("m/f"), "new");
	CHECK_STR(read_text("upper/f"), "new");
	CHECK_OK(unlink("m/n"));
	CHECK_OK(mkfifo("m/n", 0644));
	CHECK_OK(unlink("m/s"));
	CHECK_OK(symlink("f", "m/s"));
	CHECK_STR(read_text("m/s"), "new");
	CHECK_OK(unlink("m/link"));
	CHECK_OK(link("m/f", "m/link"));
	struct stat info;
	CHECK_OK(stat("m/link", &info));
	CHECK_EQ(info.st_nlink, 2);
	CHECK_STR(names_in("m"), "f link n s");
	check_work();
}

TEST(folder_over_a_whiteout_is_opaque)
{
	make_folders();
	CHECK_OK(mkdir("lower1/d", 0755));
	write_text("lower1/d/old", "");
	CHECK_OK(mkdir("lower2/d", 0755));
	write_text("lower2/d/older", "");
	mount_overlay("");
	CHECK_ERR(rmdir("m/d"), ENOTEMPTY);
	CHECK_OK(unlink("m/d/old"));
	CHECK_ERR(rmdir("m/d"), ENOTEMPTY);
	CHECK_OK(unlink("m/d/older"));
	CHECK_OK(rmdir("m/d"));
	CHECK(is_whiteout("upper/d"));
	CHECK_OK(mkdir("m/d", 0755));
	CHECK_STR(names_in("m/d"), "");
	CHECK(is_opaque("upper/d"));
	write_text("m/d/new", "");
	mount_again("");
	CHECK_STR(names_in("m/d"), "new");
	CHECK_OK(unlink("m/d/new"));
	CHECK_OK(rmdir("m/d"));
	CHECK(is_whiteout("upper/d"));
	check_work();
}

TEST(layers_with_whiteouts_and_opaque_folders)
{
	make_folders();
	write_text("lower2/gone", "");
	CHECK_OK(mknod("lower1/gone", S_IFCHR | 0644, makedev(0, 0)));
	CHECK_OK(mkdir("lower2/d", 0755));
	write_text("lower2/d/below", "");
	CHECK_OK(mkdir("lower1/d", 0755));
	write_text("lower1/d/above", "");
	CHECK_OK(setxattr("lower1/d", "trusted.overlay.opaque", "y", 1, 0));
	CHECK_OK(mknod("upper/never", S_IFCHR | 0644, makedev(0, 0)));
	mount_overlay("");
	CHECK_STR(names_in("m"), "d");
	CHECK_ERR(access("m/gone", F_OK), ENOENT);
	CHECK_ERR(access("m/never", F_OK), ENOENT);
	CHECK_STR(names_in("m/d"), "above");
	CHECK_ERR(access("m/d/below", F_OK), ENOENT);
	CHECK_OK(unlink("m/d/above"));
	CHECK_OK(rmdir("m/d"));
	CHECK_STR(names_in("m"), "");
}

TEST(own_attributes_are_hidden)
{
	char list[256];
	make_folders();
	CHECK_OK(mkdir("upper/d", 0755));
	CHECK_OK(setxattr("upper/d", "trusted.overlay.opaque", "y", 1, 0));
	CHECK_OK(setxattr("upper/d", "trusted.other", "1", 1, 0));
	mount_overlay("");
	CHECK_EQ(listxattr("m/d", list, sizeof(list)), 14);
	CHECK_STR(list, "trusted.other");
	CHECK_ERR(getxattr("m/d", "trusted.overlay.opaque", list, sizeof(list)), EOPNOTSUPP);
	CHECK_ERR(setxattr("m/d", "trusted.overlay.x", "1", 1, 0), EOPNOTSUPP);
}

TEST(attributes_by_name_copy_up)
{
	char value[16];
	make_folders();
	write_text("lower1/f", "text");
	CHECK_OK(setxattr("lower1/f", "trusted.a", "old", 3, 0));
	mount_overlay("");
	CHECK_EQ(getxattr("m/f", "trusted.a", value, sizeof(value)), 3);
	CHECK_STR(names_in("upper"), "");
	CHECK_OK(setxattr("m/f", "trusted.b", "new", 3, 0));
	CHECK_EQ(getxattr("upper/f", "trusted.a", value, sizeof(value)), 3);
	CHECK_EQ(getxattr("upper/f", "trusted.b", value, sizeof(value)), 3);
	CHECK_OK(removexattr("m/f", "trusted.a"));
	CHECK_ERR(getxattr("m/f", "trusted.a", value, sizeof(value)), ENODATA);
	CHECK_EQ(getxattr("lower1/f", "trusted.a", value, sizeof(value)), 3);
}
