// SPDX-License-Identifier: MPL-2.0
/* overlayfs: open files, mappings, folders being read, special files, rights. */
#include "layers.h"

#include <sys/mman.h>

TEST(descriptor_follows_the_copy)
{
	char text[16] = "";
	make_folders();
	write_text("lower1/f", "lower");
	mount_overlay("");
	int reader = CHECK_OK(open("m/f", O_RDONLY));
	char *mapped = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, reader, 0);
	CHECK(mapped != MAP_FAILED && memcmp(mapped, "lower", 5) == 0);
	int writer = CHECK_OK(open("m/f", O_WRONLY));
	CHECK_EQ(write(writer, "UPPER", 5), 5);
	CHECK_EQ(pread(reader, text, sizeof(text), 0), 5);
	CHECK_STR(text, "UPPER");
	CHECK(memcmp(mapped, "lower", 5) == 0);
	/* What it maps is still the lower file: known to be so on Linux too. */
	char *later = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, reader, 0);
	CHECK(later != MAP_FAILED && memcmp(later, "lower", 5) == 0);
	int fresh = CHECK_OK(open("m/f", O_RDONLY));
	char *shared = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fresh, 0);
	CHECK(shared != MAP_FAILED && memcmp(shared, "UPPER", 5) == 0);
	CHECK_EQ(pwrite(writer, "again", 5, 0), 5);
	CHECK(memcmp(shared, "again", 5) == 0);
}

TEST(shared_mapping_reaches_the_copy)
{
	make_folders();
	write_text("lower1/f", "lower text");
	mount_overlay("");
	int fd = CHECK_OK(open("m/f", O_RDWR));
	char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(shared != MAP_FAILED);
	memcpy(shared, "stored", 6);
	CHECK_STR(read_text("m/f"), "storedtext");
	CHECK_STR(read_text("upper/f"), "storedtext");
	CHECK_STR(read_text("lower1/f"), "lower text");
}

TEST(unlinked_file_lives_on)
{
	char text[16] = "";
	struct stat info;
	make_folders();
	write_text("lower1/f", "lower");
	mount_overlay("");
	int reader = CHECK_OK(open("m/f", O_RDONLY)), writer = CHECK_OK(open("m/f", O_RDWR));
	CHECK_OK(unlink("m/f"));
	CHECK_EQ(pwrite(writer, "after", 5, 0), 5);
	CHECK_EQ(pread(reader, text, sizeof(text), 0), 5);
	CHECK_STR(text, "after");
	CHECK_OK(fstat(writer, &info));
	CHECK_EQ(info.st_nlink, 0);
	CHECK_STR(names_in("m"), "");
}

TEST(sizes_holes_and_append)
{
	static char block[8192];
	struct stat info;
	make_folders();
	int fd = make_file("lower1/big");
	memset(block, 'x', sizeof(block));
	CHECK_EQ(write(fd, block, sizeof(block)), sizeof(block));
	CHECK_EQ(pwrite(fd, "end", 3, 3 << 20), 3);
	close(fd);
	mount_overlay("");
	fd = CHECK_OK(open("m/big", O_WRONLY | O_APPEND));
	CHECK_EQ(write(fd, "more", 4), 4);
	CHECK_OK(fstat(fd, &info));
	CHECK_EQ(info.st_size, (3 << 20) + 7);
	CHECK(info.st_blocks * 512 < 2 << 20);
	CHECK_EQ(lseek(fd, 0, SEEK_END), (3 << 20) + 7);
	fd = CHECK_OK(open("m/big", O_RDWR));
	CHECK_EQ(pread(fd, block, 7, 3 << 20), 7);
	CHECK(memcmp(block, "endmore", 7) == 0);
	CHECK_EQ(lseek(fd, 2 << 20, SEEK_DATA), 3 << 20);
	CHECK_OK(fallocate(fd, 0, 0, 4 << 20));
	CHECK_OK(fstat(fd, &info));
	CHECK_EQ(info.st_size, 4 << 20);
	CHECK_OK(fsync(fd));
	CHECK_OK(ftruncate(fd, 5));
	CHECK_OK(fstat(fd, &info));
	CHECK_EQ(info.st_size, 5);
}

TEST(unnamed_files)
{
	struct stat info;
	char path[64];
	make_folders();
	CHECK_OK(mkdir("lower1/d", 0755));
	mount_overlay("");
	int fd = open("m/d", O_TMPFILE | O_RDWR, 0640);
	if (fd < 0) { /* Linux has it since 6.2 */
		CHECK_EQ(errno, EOPNOTSUPP);
		close(CHECK_OK(open("upper", O_TMPFILE | O_RDWR, 0640)));
		return;
	}
	CHECK_EQ(write(fd, "tmp", 3), 3);
	CHECK_OK(fstat(fd, &info));
	CHECK_EQ(info.st_nlink, 0);
	CHECK_STR(names_in("m/d"), "");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_OK(linkat(AT_FDCWD, path, AT_FDCWD, "m/d/f", AT_SYMLINK_FOLLOW));
	CHECK_STR(read_text("m/d/f"), "tmp");
	CHECK_STR(read_text("upper/d/f"), "tmp");
}

TEST(readdir_positions_are_stable)
{
	char name[300], seen[100] = {0};
	struct dirent *entry;
	long position = 0;
	make_folders();
	for (int i = 0; i < 99; i++) {
		snprintf(name, sizeof(name), "%s/f%d", i % 3 == 0 ? "lower1" : i % 3 == 1 ? "lower2" : "upper", i);
		close(make_file(name));
	}
	mount_overlay("");
	DIR *dir = opendir("m");
	CHECK(dir != NULL);
	int count = 0;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] != 'f')
			continue;
		int number = atoi(entry->d_name + 1);
		CHECK(!seen[number]);
		seen[number] = 1;
		CHECK_EQ(entry->d_type, DT_REG);
		if (++count == 50)
			position = telldir(dir);
		if (count == 60) {
			snprintf(name, sizeof(name), "m/%s", entry->d_name);
			CHECK_OK(unlink(name));
			close(make_file("m/new"));
		}
	}
	CHECK_EQ(count, 99);
	seekdir(dir, position);
	for (count = 0; (entry = readdir(dir)); count++)
		CHECK(entry->d_name[0] == 'f' || strcmp(entry->d_name, "new") == 0);
	CHECK(count >= 48 && count <= 50);
	rewinddir(dir);
	for (count = 0; (entry = readdir(dir)); count++)
		;
	CHECK_EQ(count, 99 + 2);
	closedir(dir);
}

TEST(special_files)
{
	struct stat info;
	make_folders();
	CHECK_OK(mkfifo("lower1/p", 0644));
	CHECK_OK(mknod("lower1/null", S_IFCHR | 0666, makedev(1, 3)));
	mount_overlay("");
	CHECK_OK(stat("m/null", &info));
	CHECK_EQ(info.st_rdev, makedev(1, 3));
	int fd = CHECK_OK(open("m/null", O_WRONLY));
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_OK(chmod("m/null", 0600));
	CHECK_OK(stat("m/null", &info));
	CHECK(S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3));
	CHECK_OK(chmod("m/p", 0600));
	CHECK_OK(stat("upper/p", &info));
	CHECK(S_ISFIFO(info.st_mode));
	CHECK_OK(mknod("m/zero", S_IFCHR | 0666, makedev(1, 5)));
	CHECK_ERR(mknod("m/white", S_IFCHR | 0666, makedev(0, 0)), EPERM);
}

TEST(group_of_the_folder)
{
	struct stat info;
	make_folders();
	CHECK_OK(mkdir("lower1/d", 0755));
	write_text("lower1/d/x", "");
	CHECK_OK(chown("lower1/d", 0, 77));
	CHECK_OK(chmod("lower1/d", 02755));
	mount_overlay("");
	write_text("m/d/f", "");
	CHECK_OK(stat("m/d/f", &info));
	CHECK_EQ(info.st_gid, 77);
	CHECK_OK(unlink("m/d/x"));
	CHECK_OK(mkdir("m/d/x", 0755));
	CHECK_OK(stat("m/d/x", &info));
	CHECK_EQ(info.st_gid, 77);
	CHECK_EQ(info.st_mode & 07777, 02755);
}

TEST(permissions_are_the_users)
{
	make_folders();
	write_text("lower1/secret", "no");
	CHECK_OK(chmod("lower1/secret", 0600));
	write_text("lower1/open", "yes");
	CHECK_OK(chmod("lower1/open", 0666));
	mount_overlay("");
	if (fork_checked() == 0) {
		become_nobody();
		CHECK_ERR(open("m/secret", O_RDONLY), EACCES);
		int fd = CHECK_OK(open("m/open", O_WRONLY));
		CHECK_EQ(write(fd, "YES", 3), 3);
		CHECK_ERR(open("m/new", O_CREAT | O_WRONLY, 0644), EACCES);
		CHECK_ERR(unlink("m/open"), EACCES);
		exit(0);
	}
	int status;
	CHECK_OK(wait(&status));
	CHECK_EQ(status, 0);
	struct stat info;
	CHECK_OK(stat("upper/open", &info));
	CHECK_EQ(info.st_uid, 0);
	CHECK_STR(read_text("m/open"), "YES");
}

TEST(programs_run)
{
	static char block[65536];
	make_folders();
	int from = CHECK_OK(open("/proc/self/exe", O_RDONLY)), to = make_file("lower1/p");
	ssize_t count;
	while ((count = read(from, block, sizeof(block))) > 0)
		CHECK_EQ(write(to, block, (size_t)count), count);
	CHECK_OK(fchmod(to, 0755));
	close(to);
	mount_overlay("");
	pid_t child = fork_checked();
	if (child == 0) {
		int null = open("/dev/null", O_WRONLY);
		dup2(null, 1);
		execl("m/p", "p", "-l", NULL);
		_exit(99);
	}
	CHECK_EQ(wait_exit(child), 0);
}
