// SPDX-License-Identifier: MPL-2.0
/* overlayfs as container engines reach its edges: many layers, long options, errors they tell apart. */
#include "layers.h"

#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/syscall.h>

static int overlay(const char *at, const char *options)
{
	return mount("overlay", at, "overlay", 0, options);
}

/* As dockerd names layers: links of 26 letters in a short folder; 128 of them fill most of the page. */
TEST_LIMIT(layers_of_docker, 60)
{
	static char options[8192];
	char name[64];
	make_folders();
	CHECK_OK(mkdir("l", 0755));
	strcpy(options, "lowerdir=");
	for (int i = 0; i < 128; i++) {
		snprintf(name, sizeof(name), "layer%d", i);
		CHECK_OK(mkdir(name, 0755));
		snprintf(name, sizeof(name), "../layer%d", i);
		char link[64];
		snprintf(link, sizeof(link), "l/ABCDEFGHIJKLMNOPQRSTUVWX%c%c", 'A' + i / 26, 'A' + i % 26);
		CHECK_OK(symlink(name, link));
		sprintf(options + strlen(options), "%s%s", i ? ":" : "", link);
		snprintf(name, sizeof(name), "layer%d/f%d", i, i);
		write_text(name, name);
	}
	strcat(options, ",upperdir=upper,workdir=work");
	CHECK(strlen(options) < 4096);
	CHECK_OK(overlay("m", options));
	CHECK_STR(read_text("m/f127"), "layer127/f127");
	CHECK_STR(read_text("m/f0"), "layer0/f0");
	CHECK_ERR(access("m/f128", F_OK), ENOENT);
	CHECK(strstr(read_text("/proc/self/mountinfo"), "XEX,upperdir=upper"));
	CHECK_OK(umount("m"));
	/* What does not fit the page is cut off: the work folder is missing then. */
	memset(options + 9, '/', 4096);
	memcpy(options + 9, "lower1:lower2", 13);
	options[9 + 13] = ':';
	options[9 + 4050] = 0;
	strcat(options, "lower2,upperdir=upper,workdir=work");
	CHECK(overlay("m", options) < 0);
}

static int configure(int fd, const char *key, const char *value)
{
	return (int)syscall(431, fd, 1, key, value, 0);
}

TEST(options_in_steps)
{
	char value[300];
	make_folders();
	int fd = CHECK_OK((int)syscall(430, "overlay", 1));
	memset(value, '/', sizeof(value));
	memcpy(value, "lower1", 6);
	value[256] = 0;
	CHECK_ERR(configure(fd, "lowerdir", value), EINVAL);
	value[255] = 0;
	CHECK_OK(configure(fd, "lowerdir", value));
	CHECK_ERR(configure(fd, "upperdir", "a,b"), EINVAL);
	CHECK_OK(configure(fd, "upperdir", "upper"));
	CHECK_OK(configure(fd, "workdir", "work"));
	CHECK_OK(configure(fd, "source", "storage"));
	CHECK_OK((int)syscall(431, fd, 6, NULL, NULL, 0));
	int tree = CHECK_OK((int)syscall(432, fd, 1, 0));
	CHECK_OK((int)syscall(429, tree, "", AT_FDCWD, "m", 4));
	write_text("m/f", "x");
	CHECK_STR(read_text("upper/f"), "x");
	CHECK(strstr(read_text("/proc/self/mounts"), "storage "));
}

TEST(steps_fill_a_page_at_most)
{
	char value[256], key[16];
	make_folders();
	int fd = CHECK_OK((int)syscall(430, "overlay", 1)), i, result = 0;
	memset(value, 'a', sizeof(value));
	value[200] = 0;
	for (i = 0; i < 40 && result == 0; i++) {
		snprintf(key, sizeof(key), "k%02d", i);
		result = configure(fd, key, value);
	}
	CHECK_EQ(result, -1);
	CHECK_EQ(errno, EINVAL);
	CHECK_EQ(i, 20);	/* 205 bytes each, commas between */
}

TEST(the_same_folder_twice)
{
	make_folders();
	CHECK_ERR(overlay("m", "lowerdir=lower1:lower1,upperdir=upper,workdir=work"), ELOOP);
	CHECK_ERR(overlay("m", "lowerdir=upper,upperdir=upper,workdir=work"), ELOOP);
	CHECK_OK(mkdir("lower1/in", 0755));
	CHECK_ERR(overlay("m", "lowerdir=lower1:lower1/in,upperdir=upper,workdir=work"), ELOOP);
	CHECK_ERR(overlay("m", "lowerdir=lower1,upperdir=upper,workdir=upper"), EINVAL);
	CHECK_OK(mkdir("upper/w", 0755));
	CHECK_ERR(overlay("m", "lowerdir=lower1,upperdir=upper,workdir=upper/w"), EINVAL);
}

TEST(two_overlays_with_one_upper)
{
	make_folders();
	CHECK_OK(mkdir("m2", 0755));
	CHECK_OK(overlay("m", "lowerdir=lower1,upperdir=upper,workdir=work"));
	CHECK_ERR(overlay("m2", "lowerdir=lower2,upperdir=upper,workdir=work,index=on"), EBUSY);
	CHECK_OK(overlay("m2", "lowerdir=lower2,upperdir=upper,workdir=work,index=off"));
	CHECK_OK(umount("m2"));
	CHECK_OK(umount("m"));
}

static void check_renames(const char *option, int error)
{
	CHECK_OK(mkdir("lower1/d", 0755));
	write_text("lower1/d/f", "below");
	mount_overlay(option);
	if (error)
		CHECK_ERR(rename("m/d", "m/e"), error);
	else
		CHECK_OK(rename("m/d", "m/e"));
	CHECK_STR(read_text(error ? "m/d/f" : "m/e/f"), "below");
	CHECK_OK(mkdir("m/pure", 0755));
	CHECK_OK(rename("m/pure", "m/moved"));
	CHECK_OK(mkdir("m/pure", 0755));
	CHECK_OK(rename("m/pure", error ? "m/d/pure" : "m/e/pure"));
	if (!error)
		CHECK_OK(rename("m/e", "m/pure2"));
}

TEST(folders_move_with_redirects) { make_folders(); check_renames(",redirect_dir=on", 0); }
TEST(folders_stay_without) { make_folders(); check_renames(",redirect_dir=off", EXDEV); }
TEST(folders_stay_when_redirects_are_only_followed) { make_folders(); check_renames(",redirect_dir=follow", EXDEV); }
TEST(folders_stay_when_redirects_are_not_followed) { make_folders(); check_renames(",redirect_dir=nofollow", EXDEV); }

/* This series has no names of the second order: all of overlayfs's own are refused. */
TEST(own_names_are_refused)
{
	char value[16];
	make_folders();
	write_text("lower1/f", "x");
	CHECK_OK(setxattr("lower1/f", "trusted.overlay.overlay.opaque", "y", 1, 0));
	mount_overlay("");
	CHECK_ERR(setxattr("m/f", "trusted.overlay.opaque", "y", 1, 0), EOPNOTSUPP);
	CHECK_ERR(setxattr("m/f", "trusted.overlay.overlay.opaque", "y", 1, 0), EOPNOTSUPP);
	CHECK_ERR(getxattr("m/f", "trusted.overlay.overlay.opaque", value, sizeof(value)), EOPNOTSUPP);
	CHECK_ERR(removexattr("m/f", "trusted.overlay.anything"), EOPNOTSUPP);
	char names[128];
	CHECK_EQ(listxattr("m/f", names, sizeof(names)), 0);
	CHECK_OK(setxattr("m/f", "trusted.overlayed", "y", 1, 0));
	CHECK_EQ(getxattr("m/f", "trusted.overlayed", value, sizeof(value)), 1);
	CHECK_ERR(getxattr("upper/f", "trusted.overlay.overlay.opaque", value, sizeof(value)), ENODATA);
}

TEST(numbers_stay_when_files_are_copied)
{
	struct stat before, after, open_before;
	make_folders();
	write_text("lower1/f", "lower");
	CHECK_OK(mkdir("lower2/d", 0755));
	mount_overlay("");
	CHECK_OK(stat("m/f", &before));
	int fd = CHECK_OK(open("m/f", O_RDONLY));
	write_text("m/f", "changed");
	CHECK_OK(stat("m/f", &after));
	CHECK_OK(fstat(fd, &open_before));
	CHECK_EQ(before.st_ino, after.st_ino);
	CHECK_EQ(before.st_dev, after.st_dev);
	CHECK_EQ(open_before.st_ino, after.st_ino);
	CHECK_EQ(open_before.st_dev, after.st_dev);
	CHECK_OK(stat("m/d", &before));
	CHECK_OK(chmod("m/d", 0700));
	CHECK_OK(stat("m/d", &after));
	CHECK_EQ(before.st_ino, after.st_ino);
	CHECK_EQ(before.st_dev, after.st_dev);
	CHECK_OK(stat("m", &after));
	CHECK_EQ(before.st_dev, after.st_dev);
}

TEST(files_are_synchronised)
{
	char text[8] = "";
	make_folders();
	write_text("lower1/f", "lower");
	mount_overlay("");
	int reader = CHECK_OK(open("m/f", O_RDONLY));
	CHECK_OK(fsync(reader));
	int writer = CHECK_OK(open("m/f", O_RDWR));
	CHECK_EQ(pwrite(writer, "LOWER", 5, 0), 5);
	CHECK_OK(fsync(reader));
	CHECK_OK(fdatasync(writer));
	CHECK_OK(fsync(writer));
	CHECK_OK(syncfs(writer));
	CHECK_OK(sync_file_range(writer, 0, 5, SYNC_FILE_RANGE_WRITE));
	CHECK_EQ(pread(reader, text, 5, 0), 5);
	CHECK_STR(text, "LOWER");
	int folder = CHECK_OK(open("m", O_RDONLY));
	CHECK_OK(fsync(folder));
	CHECK_OK(syncfs(folder));
}

/* A mapping made after the copy is the copy; shared and private ones see what is written to it. */
TEST(mappings_and_writes_agree)
{
	make_folders();
	write_text("lower1/f", "lower");
	mount_overlay("");
	int fd = CHECK_OK(open("m/f", O_RDWR)), other = CHECK_OK(open("m/f", O_RDONLY));
	char *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	char *seen = mmap(NULL, 4096, PROT_READ, MAP_SHARED, other, 0);
	char *private = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, other, 0);
	CHECK(shared != MAP_FAILED && seen != MAP_FAILED && private != MAP_FAILED);
	shared[0] = 'A';
	CHECK_EQ(seen[0], 'A');
	CHECK_EQ(private[0], 'A');
	private[1] = 'P';
	CHECK_EQ(pwrite(fd, "BCD", 3, 0), 3);
	CHECK_EQ(seen[0], 'B');
	CHECK_EQ(private[1], 'P');
	char text[8] = "";
	CHECK_EQ(pread(other, text, 5, 0), 5);
	CHECK_STR(text, "BCDer");
	CHECK_OK(msync(shared, 4096, MS_SYNC));
	CHECK_STR(read_text("upper/f"), "BCDer");
	CHECK_STR(read_text("lower1/f"), "lower");
	CHECK_OK(ftruncate(fd, 2));
	CHECK_EQ(seen[3], 0);
	CHECK_STR(read_text("m/f"), "BC");
}

TEST(statistics_are_the_upper_ones)
{
	struct statfs over, upper;
	make_folders();
	mount_overlay("");
	CHECK_OK(statfs("m", &over));
	CHECK_OK(statfs("upper", &upper));
	CHECK_EQ(over.f_type, 0x794c7630);
	CHECK_EQ(over.f_blocks, upper.f_blocks);
	CHECK_EQ(over.f_bfree, upper.f_bfree);
	CHECK_EQ(over.f_bsize, upper.f_bsize);
	CHECK_EQ(over.f_files, upper.f_files);
	CHECK_EQ(over.f_namelen, upper.f_namelen);
}
