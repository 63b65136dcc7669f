// SPDX-License-Identifier: MPL-2.0
/* Names: link, unlink, rename, symbolic links, directories, path walks. */
#include "support.h"

#include <dirent.h>
#include <limits.h>
#include <sys/syscall.h>

enum { NOREPLACE = 1, EXCHANGE = 2 };

static long rename_flags(const char *from, const char *to, unsigned flags)
{
	return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags);
}

static struct stat stat_of(const char *path)
{
	struct stat info;
	CHECK_OK(lstat(path, &info));
	return info;
}

TEST(link_counts)
{
	write_text("a", "x");
	CHECK_OK(link("a", "b"));
	CHECK_EQ(stat_of("a").st_nlink, 2);
	CHECK_EQ(stat_of("a").st_ino, stat_of("b").st_ino);
	CHECK_OK(unlink("a"));
	CHECK_EQ(stat_of("b").st_nlink, 1);
	CHECK_STR(read_text("b"), "x");
}

TEST(link_errors)
{
	write_text("a", "");
	CHECK_OK(mkdir("d", 0755));
	CHECK_ERR(link("a", "d"), EEXIST);
	CHECK_ERR(link("missing", "b"), ENOENT);
	CHECK_ERR(link("d", "e"), EPERM);
	CHECK_ERR(link("a", "/dev/shm/x"), EXDEV);
}

TEST(link_of_symlink_links_the_symlink)
{
	CHECK_OK(symlink("nowhere", "s"));
	CHECK_OK(link("s", "t"));
	CHECK(S_ISLNK(stat_of("t").st_mode));
	CHECK_EQ(stat_of("s").st_nlink, 2);
}

TEST(unlinked_file_lives_while_open)
{
	char text[4] = {0};
	struct stat info;
	int fd = make_file("f");
	CHECK_EQ(write(fd, "abc", 3), 3);
	CHECK_OK(unlink("f"));
	CHECK_ERR(access("f", F_OK), ENOENT);
	CHECK_OK(fstat(fd, &info));
	CHECK_EQ(info.st_nlink, 0);
	CHECK_EQ(pread(fd, text, 3, 0), 3);
	CHECK_STR(text, "abc");
	char path[40], target[300] = {0};
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_OK(readlink(path, target, sizeof(target) - 1));
	CHECK(strstr(target, "/f (deleted)"));
}

TEST(unlink_errors)
{
	CHECK_OK(mkdir("d", 0755));
	write_text("f", "");
	CHECK_ERR(unlink("d"), EISDIR);
	CHECK_ERR(unlink("missing"), ENOENT);
	CHECK_ERR(unlink("f/x"), ENOTDIR);
	CHECK_ERR(rmdir("f"), ENOTDIR);
	CHECK_ERR(unlinkat(AT_FDCWD, "f", AT_REMOVEDIR), ENOTDIR);
	CHECK_ERR(unlinkat(AT_FDCWD, "f", 0x10), EINVAL);
	CHECK_OK(unlinkat(AT_FDCWD, "d", AT_REMOVEDIR));
}

TEST(rmdir_errors)
{
	CHECK_OK(mkdir("d", 0755));
	write_text("d/f", "");
	CHECK_ERR(rmdir("d"), ENOTEMPTY);
	CHECK_ERR(rmdir("d/."), EINVAL);
	CHECK_ERR(rmdir("d/.."), ENOTEMPTY);
	CHECK_ERR(rmdir("/"), EBUSY);
	CHECK_ERR(rmdir("/proc"), EBUSY);
}

TEST(removed_directory_is_dead)
{
	char path[100];
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(chdir("d"));
	CHECK_OK(rmdir("../d"));
	CHECK_ERR(open("f", O_CREAT | O_WRONLY, 0644), ENOENT);
	CHECK_ERR(mkdir("e", 0755), ENOENT);
	CHECK_ERR(syscall(SYS_getcwd, path, sizeof(path)), ENOENT);
	CHECK_OK(chdir(".."));
}

TEST(mkdir_errors_and_links)
{
	CHECK_OK(mkdir("d", 0777));
	CHECK_EQ(stat_of("d").st_mode, S_IFDIR | 0755);
	CHECK_EQ(stat_of("d").st_nlink, 2);
	CHECK_OK(mkdir("d/e", 0755));
	CHECK_EQ(stat_of("d").st_nlink, 3);
	CHECK_ERR(mkdir("d", 0755), EEXIST);
	CHECK_ERR(mkdir("x/y", 0755), ENOENT);
	CHECK_ERR(mkdir(".", 0755), EEXIST);
	CHECK_ERR(mkdir("/", 0755), EEXIST);
	CHECK_OK(mkdir("slash/", 0755));
}

TEST(rename_replaces_file)
{
	write_text("a", "new");
	write_text("b", "old");
	int fd = CHECK_OK(open("b", O_RDONLY));
	CHECK_OK(rename("a", "b"));
	CHECK_ERR(access("a", F_OK), ENOENT);
	CHECK_STR(read_text("b"), "new");
	char text[4] = {0};
	CHECK_EQ(read(fd, text, 3), 3);
	CHECK_STR(text, "old");
}

TEST(rename_same_file_does_nothing)
{
	write_text("a", "x");
	CHECK_OK(link("a", "b"));
	CHECK_OK(rename("a", "b"));
	CHECK_OK(access("a", F_OK));
	CHECK_OK(rename("a", "a"));
}

TEST(rename_directories)
{
	CHECK_OK(mkdir("a", 0755));
	CHECK_OK(mkdir("a/inner", 0755));
	CHECK_OK(mkdir("empty", 0755));
	CHECK_OK(mkdir("full", 0755));
	write_text("full/f", "");
	write_text("file", "");
	CHECK_ERR(rename("a", "full"), ENOTEMPTY);
	CHECK_ERR(rename("a", "a/inner/x"), EINVAL);
	CHECK_ERR(rename("a", "file"), ENOTDIR);
	CHECK_ERR(rename("file", "a"), EISDIR);
	CHECK_ERR(rename("a/.", "b"), EBUSY);
	CHECK_OK(rename("a", "empty"));
	CHECK_OK(access("empty/inner", F_OK));
	CHECK_ERR(rename("missing", "b"), ENOENT);
	CHECK_ERR(rename("file", "/proc/x"), EXDEV);
}

TEST(rename_moves_dotdot)
{
	CHECK_OK(mkdir("a", 0755));
	CHECK_OK(mkdir("a/moved", 0755));
	CHECK_OK(mkdir("b", 0755));
	CHECK_OK(rename("a/moved", "b/moved"));
	CHECK_EQ(stat_of("a").st_nlink, 2);
	CHECK_EQ(stat_of("b").st_nlink, 3);
	CHECK_EQ(stat_of("b/moved/..").st_ino, stat_of("b").st_ino);
}

TEST(rename_noreplace)
{
	write_text("a", "a");
	write_text("b", "b");
	CHECK_ERR(rename_flags("a", "b", NOREPLACE), EEXIST);
	CHECK_OK(rename_flags("a", "c", NOREPLACE));
	CHECK_ERR(rename_flags("c", "d", NOREPLACE | EXCHANGE), EINVAL);
	CHECK_ERR(rename_flags("c", "d", 64), EINVAL);
}

TEST(rename_exchange)
{
	write_text("a", "a");
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(mkdir("d/sub", 0755));
	CHECK_OK(rename_flags("a", "d", EXCHANGE));
	CHECK_STR(read_text("d"), "a");
	CHECK_OK(access("a/sub", F_OK));
	CHECK_ERR(rename_flags("a", "missing", EXCHANGE), ENOENT);
}

TEST(symlinks)
{
	char target[20] = {0};
	write_text("f", "through");
	CHECK_OK(symlink("f", "s"));
	CHECK_STR(read_text("s"), "through");
	CHECK_EQ(readlink("s", target, sizeof(target)), 1);
	CHECK_EQ(stat_of("s").st_size, 1);
	CHECK_ERR(syscall(SYS_readlink, "s", target, 0), EINVAL);
	CHECK_ERR(readlink("f", target, sizeof(target)), EINVAL);
	CHECK_ERR(symlink("x", "s"), EEXIST);
	CHECK_ERR(symlink("", "empty"), ENOENT);
}

TEST(symlink_loop)
{
	CHECK_OK(symlink("b", "a"));
	CHECK_OK(symlink("a", "b"));
	CHECK_ERR(open("a", O_RDONLY), ELOOP);
	CHECK_ERR(chdir("a"), ELOOP);
	CHECK_OK(unlink("a"));
}

TEST(forty_symlinks_and_no_more)
{
	char name[20], target[20];
	write_text("s0", "");
	for (int i = 1; i <= 41; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		snprintf(target, sizeof(target), "s%d", i - 1);
		CHECK_OK(symlink(target, name));
	}
	CHECK_OK(open("s40", O_RDONLY));
	CHECK_ERR(open("s41", O_RDONLY), ELOOP);
}

TEST(symlink_in_the_middle)
{
	CHECK_OK(mkdir("d", 0755));
	write_text("d/f", "x");
	CHECK_OK(symlink("d", "s"));
	CHECK_STR(read_text("s/f"), "x");
	CHECK_STR(read_text("s/../d/f"), "x");
	CHECK(S_ISDIR(stat_of("s/").st_mode));
}

TEST(names_too_long)
{
	char name[NAME_MAX + 2], path[PATH_MAX + 1];
	memset(name, 'n', sizeof(name));
	name[NAME_MAX] = 0;
	CHECK_OK(open(name, O_CREAT | O_WRONLY, 0644));
	name[NAME_MAX] = 'n';
	name[NAME_MAX + 1] = 0;
	CHECK_ERR(open(name, O_CREAT | O_WRONLY, 0644), ENAMETOOLONG);
	for (size_t i = 0; i < sizeof(path) - 1; i += 2)
		memcpy(path + i, "./", 2);
	path[PATH_MAX] = 0;
	CHECK_ERR(open(path, O_RDONLY), ENAMETOOLONG);
	path[PATH_MAX - 1] = 0;
	CHECK_OK(open(path, O_RDONLY));
}

TEST(deep_directories)
{
	for (int i = 0; i < 100; i++) {
		CHECK_OK(mkdir("dddddddddddddddddddddddddd", 0755));
		CHECK_OK(chdir("dddddddddddddddddddddddddd"));
	}
	char path[PATH_MAX * 2];
	CHECK_ERR(syscall(SYS_getcwd, path, 100), ERANGE);
	for (int i = 0; i < 100; i++) {
		CHECK_OK(chdir(".."));
		CHECK_OK(rmdir("dddddddddddddddddddddddddd"));
	}
}

TEST(dot_dot_stops_at_the_root)
{
	CHECK_OK(chdir("/"));
	CHECK_OK(chdir("../../.."));
	CHECK_EQ(stat_of("/..").st_ino, stat_of("/").st_ino);
}

TEST(trailing_slashes)
{
	CHECK_OK(mkdir("d", 0755));
	write_text("f", "");
	CHECK_OK(access("d///", F_OK));
	CHECK_ERR(access("f/", F_OK), ENOTDIR);
	CHECK_ERR(unlink("f/"), ENOTDIR);
	CHECK_OK(rmdir("d/"));
	CHECK_ERR(link("f", "g/"), ENOENT);
}

struct seen {
	int count, dots;
	char first[64];
};

static struct seen list(const char *path)
{
	struct seen seen = {0};
	DIR *directory = opendir(path);
	CHECK(directory);
	struct dirent *entry;
	while ((entry = readdir(directory))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			seen.dots++;
		else if (seen.count++ == 0)
			snprintf(seen.first, sizeof(seen.first), "%.60s", entry->d_name);
	}
	closedir(directory);
	return seen;
}

TEST(directory_listing)
{
	CHECK_EQ(list(".").count, 0);
	CHECK_EQ(list(".").dots, 2);
	write_text("only", "");
	CHECK_EQ(list(".").count, 1);
	CHECK_STR(list(".").first, "only");
}

TEST(directory_of_a_thousand)
{
	char name[20];
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		close(make_file(name));
	}
	CHECK_EQ(list(".").count, 1000);
}

TEST(listing_with_removal_sees_each_once)
{
	char name[20];
	for (int i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "file%d", i);
		close(make_file(name));
	}
	DIR *directory = opendir(".");
	struct dirent *entry;
	int count = 0;
	while ((entry = readdir(directory)))
		if (entry->d_name[0] == 'f') {
			CHECK_OK(unlink(entry->d_name));
			count++;
		}
	closedir(directory);
	CHECK_EQ(count, 300);
	CHECK_EQ(list(".").count, 0);
}

TEST(directory_seek_and_types)
{
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(symlink("x", "s"));
	CHECK_OK(mkfifo("p", 0644));
	DIR *directory = opendir(".");
	struct dirent *entry;
	int types = 0;
	while ((entry = readdir(directory)))
		types += (entry->d_type == DT_LNK) + (entry->d_type == DT_FIFO) * 10 +
			 (entry->d_type == DT_DIR) * 100;
	CHECK_EQ(types, 311);
	rewinddir(directory);
	int count = 0;
	while (readdir(directory))
		count++;
	CHECK_EQ(count, 5);
	closedir(directory);
}

TEST(getdents_small_buffer)
{
	char buffer[PAGE];
	write_text("a-rather-long-name-for-a-file", "");
	int fd = CHECK_OK(open(".", O_RDONLY | O_DIRECTORY));
	CHECK_ERR(syscall(SYS_getdents64, fd, buffer, 8), EINVAL);
	CHECK(syscall(SYS_getdents64, fd, buffer, sizeof(buffer)) > 0);
	CHECK_EQ(syscall(SYS_getdents64, fd, buffer, sizeof(buffer)), 0);
	int file = CHECK_OK(open("a-rather-long-name-for-a-file", O_RDONLY));
	CHECK_ERR(syscall(SYS_getdents64, file, buffer, sizeof(buffer)), ENOTDIR);
}

TEST(current_directory)
{
	char before[200], after[200];
	CHECK(getcwd(before, sizeof(before)));
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(chdir("d"));
	CHECK(getcwd(after, sizeof(after)));
	CHECK(strncmp(after, before, strlen(before)) == 0);
	CHECK_STR(after + strlen(before), "/d");
	CHECK_OK(rename("../d", "../e"));
	CHECK(getcwd(after, sizeof(after)));
	CHECK_STR(after + strlen(before), "/e");
	write_text("f", "");
	CHECK_ERR(chdir("f"), ENOTDIR);
	int fd = CHECK_OK(open("..", O_RDONLY));
	CHECK_OK(fchdir(fd));
	CHECK(getcwd(after, sizeof(after)));
	CHECK_STR(after, before);
}

TEST(chroot_confines)
{
	CHECK_OK(mkdir("root", 0755));
	write_text("root/f", "inside");
	pid_t child = fork_checked();
	if (child == 0) {
		if (chroot("root") != 0 || chdir("/") != 0)
			_exit(1);
		_exit(access("/f", F_OK) == 0 && access("/../f", F_OK) == 0 &&
		      access("/etc", F_OK) != 0 ? 0 : 2);
	}
	CHECK_EQ(wait_exit(child), 0);
}

TEST(special_nodes)
{
	CHECK_OK(mknod("n", S_IFCHR | 0600, 0x103));
	int fd = CHECK_OK(open("n", O_WRONLY));
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_OK(mknod("odd", S_IFCHR | 0600, (200 << 8) | 7));
	CHECK_ERR(open("odd", O_RDONLY), ENXIO);
	CHECK_OK(mknod("plain", S_IFREG | 0600, 0));
	CHECK_OK(mknod("socket", S_IFSOCK | 0600, 0));
	CHECK_ERR(open("socket", O_RDONLY), ENXIO);
	CHECK_ERR(mknod("plain", S_IFREG | 0600, 0), EEXIST);
	CHECK_ERR(mknod("d", S_IFDIR | 0600, 0), EPERM);
}

TEST(concurrent_creation_has_one_winner)
{
	enum { CHILDREN = 4, ROUNDS = 50 };
	pid_t children[CHILDREN];
	for (int i = 0; i < CHILDREN; i++) {
		children[i] = fork_checked();
		if (children[i] == 0) {
			int wins = 0;
			char name[20];
			for (int j = 0; j < ROUNDS; j++) {
				snprintf(name, sizeof(name), "f%d", j);
				wins += open(name, O_CREAT | O_EXCL | O_WRONLY, 0644) >= 0;
			}
			_exit(wins);
		}
	}
	int sum = 0;
	for (int i = 0; i < CHILDREN; i++)
		sum += wait_exit(children[i]);
	CHECK_EQ(sum, ROUNDS);
}
