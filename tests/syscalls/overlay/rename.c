// SPDX-License-Identifier: MPL-2.0
/* overlayfs: names that move, several names of one file, numbers. */
#include "layers.h"

#include <sys/syscall.h>

TEST(rename_of_files)
{
	make_folders();
	write_text("lower1/a", "a");
	write_text("lower1/b", "b");
	CHECK_OK(mkdir("lower1/d", 0755));
	mount_overlay("");
	CHECK_OK(rename("m/a", "m/new"));
	CHECK_STR(read_text("m/new"), "a");
	CHECK(is_whiteout("upper/a"));
	CHECK_ERR(access("m/a", F_OK), ENOENT);
	CHECK_OK(rename("m/b", "m/new"));
	CHECK_STR(read_text("m/new"), "b");
	CHECK_OK(rename("m/new", "m/d/inner"));
	CHECK_STR(read_text("m/d/inner"), "b");
	CHECK_OK(rename("m/d/inner", "m/a"));
	CHECK_STR(read_text("m/a"), "b");
	CHECK_STR(names_in("m"), "a d");
	CHECK_STR(names_in("m/d"), "");
	CHECK(is_whiteout("upper/b"));
	mount_again("");
	CHECK_STR(names_in("m"), "a d");
	CHECK_STR(read_text("m/a"), "b");
	check_work();
}

TEST(rename_of_folders)
{
	make_folders();
	CHECK_OK(mkdir("lower1/low", 0755));
	write_text("lower1/low/f", "");
	CHECK_OK(mkdir("lower1/empty", 0755));
	write_text("lower1/empty/x", "");
	mount_overlay("");
	CHECK_ERR(rename("m/low", "m/moved"), EXDEV);
	CHECK_OK(mkdir("m/fresh", 0755));
	write_text("m/fresh/g", "g");
	CHECK_OK(rename("m/fresh", "m/fresh2"));
	CHECK_STR(read_text("m/fresh2/g"), "g");
	CHECK_ERR(access("m/fresh", F_OK), ENOENT);
	CHECK_ERR(rename("m/fresh2", "m/empty"), ENOTEMPTY);
	CHECK_OK(unlink("m/empty/x"));
	CHECK_OK(rename("m/fresh2", "m/empty"));
	CHECK_STR(names_in("m/empty"), "g");
	CHECK(is_opaque("upper/empty"));
	mount_again("");
	CHECK_STR(names_in("m/empty"), "g");
	CHECK_STR(names_in("m"), "empty low");
}

TEST(rename_of_folders_with_redirects)
{
	make_folders();
	CHECK_OK(mkdir("lower1/low", 0755));
	write_text("lower1/low/one", "1");
	CHECK_OK(mkdir("lower2/low", 0755));
	write_text("lower2/low/two", "2");
	CHECK_OK(mkdir("lower1/other", 0755));
	mount_overlay(",redirect_dir=on");
	CHECK_OK(rename("m/low", "m/moved"));
	CHECK_STR(names_in("m/moved"), "one two");
	CHECK_ERR(access("m/low", F_OK), ENOENT);
	CHECK_OK(rename("m/moved", "m/other/deep"));
	CHECK_STR(read_text("m/other/deep/two"), "2");
	char value[64] = "";
	CHECK_OK(getxattr("upper/other/deep", "trusted.overlay.redirect", value, sizeof(value)));
	CHECK_STR(value, "/low");
	mount_again(",redirect_dir=on");
	CHECK_STR(names_in("m/other/deep"), "one two");
	CHECK_STR(names_in("m"), "other");
	write_text("m/other/deep/one", "changed");
	CHECK_STR(read_text("upper/other/deep/one"), "changed");
	CHECK_STR(read_text("lower1/low/one"), "1");
	mount_again("");
	CHECK_STR(names_in("m/other/deep"), "one two");
	mount_again(",redirect_dir=nofollow");
	CHECK_ERR(open("m/other/deep", O_RDONLY), EPERM);
}

TEST(exchange)
{
	make_folders();
	write_text("lower1/a", "a");
	write_text("upper/b", "b");
	mount_overlay("");
	CHECK_OK(syscall(SYS_renameat2, AT_FDCWD, "m/a", AT_FDCWD, "m/b", 2));
	CHECK_STR(read_text("m/a"), "b");
	CHECK_STR(read_text("m/b"), "a");
	CHECK_ERR(syscall(SYS_renameat2, AT_FDCWD, "m/a", AT_FDCWD, "m/b", 1), EEXIST);
	CHECK_ERR(syscall(SYS_renameat2, AT_FDCWD, "m/a", AT_FDCWD, "m/c", 4), EINVAL);
}

TEST(hard_links)
{
	struct stat one, two;
	make_folders();
	write_text("lower1/f", "text");
	mount_overlay("");
	CHECK_OK(link("m/f", "m/g"));
	CHECK_OK(stat("m/f", &one));
	CHECK_OK(stat("m/g", &two));
	CHECK_EQ(one.st_nlink, 2);
	CHECK(one.st_ino == two.st_ino && one.st_dev == two.st_dev);
	write_text("m/g", "both");
	CHECK_STR(read_text("m/f"), "both");
	CHECK_OK(unlink("m/f"));
	CHECK_STR(read_text("m/g"), "both");
	CHECK_OK(stat("m/g", &two));
	CHECK_EQ(two.st_nlink, 1);
}

TEST(numbers_survive_copy_up)
{
	struct stat before, after, folder;
	make_folders();
	write_text("lower1/f", "text");
	CHECK_OK(mkdir("lower1/d", 0755));
	mount_overlay("");
	CHECK_OK(stat("m/f", &before));
	write_text("m/f", "changed");
	CHECK_OK(stat("m/f", &after));
	CHECK_EQ(after.st_ino, before.st_ino);
	CHECK_EQ(after.st_dev, before.st_dev);
	CHECK_OK(stat("m/d", &before));
	CHECK_OK(chmod("m/d", 0700));
	CHECK_OK(stat("m/d", &after));
	CHECK_EQ(after.st_ino, before.st_ino);
	CHECK_OK(stat("m", &folder));
	CHECK_EQ(after.st_dev, folder.st_dev);
}

/* Several processes at once in the same folders: nothing but what may happen happens, and a remount agrees. */
static void work_in_turmoil(unsigned seed)
{
	char a[64], b[64];
	for (int round = 0; round < 150; round++) {
		seed = seed * 1103515245 + 12345;
		unsigned what = seed >> 16;
		snprintf(a, sizeof(a), "m/d%u/f%u", what / 8 % 3, what / 32 % 6);
		snprintf(b, sizeof(b), "m/d%u/f%u", what / 256 % 3, what / 1024 % 6);
		int fd, done = 0;
		switch (what % 8) {
		case 0:
		case 1:
			fd = open(a, O_RDWR | O_CREAT, 0644);
			done = fd < 0 ? -1 : (int)write(fd, a, strlen(a));
			if (fd >= 0)
				close(fd);
			break;
		case 2:
			done = unlink(a);
			break;
		case 3:
			done = rename(a, b);
			break;
		case 4:
			done = link(a, b);
			break;
		case 5:
			done = mkdir(a, 0755);
			break;
		case 6:
			done = rmdir(a);
			break;
		default:
			names_in(round % 2 ? "m/d0" : "m/d1");
			done = chmod(a, 0600 | (what / 4096 & 077));
		}
		if (done < 0 && errno != ENOENT && errno != EEXIST && errno != EISDIR && errno != ENOTDIR &&
		    errno != EXDEV && errno != ENOTEMPTY && errno != EPERM)
			test_fail(__FILE__, __LINE__, "%u: %s %s: %s", what % 8, a, b, test_errno_name(errno));
	}
}

TEST_LIMIT(many_at_once, 120)
{
	char name[64], before[3][1024];
	make_folders();
	for (int i = 0; i < 3; i++) {
		for (int layer = 1; layer <= 2; layer++) {
			snprintf(name, sizeof(name), "lower%d/d%d", layer, i);
			CHECK_OK(mkdir(name, 0755));
			for (int k = layer; k < 6; k += 2) {
				snprintf(name, sizeof(name), "lower%d/d%d/f%d", layer, i, k);
				write_text(name, "lower");
			}
		}
	}
	mount_overlay("");
	pid_t children[4];
	for (unsigned i = 0; i < 4; i++) {
		children[i] = fork_checked();
		if (children[i] == 0) {
			work_in_turmoil(i * 7919 + 1);
			exit(0);
		}
	}
	for (int i = 0; i < 4; i++)
		CHECK_EQ(wait_exit(children[i]), 0);
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "m/d%d", i);
		strcpy(before[i], names_in(name));
	}
	check_work();
	mount_again("");
	for (int i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "m/d%d", i);
		CHECK_STR(names_in(name), before[i]);
	}
}
