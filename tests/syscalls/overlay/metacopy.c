// SPDX-License-Identifier: MPL-2.0
/* overlayfs with metacopy=on: attributes are copied at once, content when it is written. */
#include "layers.h"

#include <linux/capability.h>
#include <sys/mman.h>

#define META ",metacopy=on,redirect_dir=on"
enum { BIG = 1 << 20 };

static struct stat stat_of(const char *path)
{
	struct stat info;
	CHECK_OK(lstat(path, &info));
	return info;
}

static int is_metacopy(const char *path)
{
	return lgetxattr(path, "trusted.overlay.metacopy", NULL, 0) >= 0;
}

static void make_big(const char *path)
{
	static char page[PAGE];
	int fd = make_file(path);
	memset(page, 'x', sizeof(page));
	memcpy(page, "content", 7);
	for (int i = 0; i < BIG / PAGE; i++)
		CHECK_EQ(write(fd, page, PAGE), PAGE);
	CHECK_OK(close(fd));
}

static void check_begin(const char *path, const char *wanted)
{
	char text[8] = "";
	int fd = CHECK_OK(open(path, O_RDONLY));
	CHECK_EQ(read(fd, text, 7), 7);
	CHECK_STR(text, wanted);
	CHECK_OK(close(fd));
}

TEST(content_is_copied_late)
{
	make_folders();
	make_big("lower1/f");
	mount_overlay(META);
	CHECK(strstr(read_text("/proc/self/mountinfo"), ",metacopy=on"));
	struct stat before = stat_of("m/f");
	int reader = CHECK_OK(open("m/f", O_RDONLY));
	CHECK_OK(chown("m/f", 5, 6));
	CHECK(is_metacopy("upper/f"));
	CHECK_EQ(stat_of("upper/f").st_blocks, 0);
	CHECK_EQ(stat_of("upper/f").st_size, BIG);
	CHECK_EQ(stat_of("m/f").st_uid, 5);
	CHECK_EQ(stat_of("m/f").st_ino, before.st_ino);
	CHECK_EQ(stat_of("m/f").st_blocks, before.st_blocks);
	CHECK_EQ(stat_of("m/f").st_size, BIG);
	CHECK_ERR(getxattr("m/f", "trusted.overlay.metacopy", NULL, 0), EOPNOTSUPP);
	check_begin("m/f", "content");
	CHECK_EQ(stat_of("upper/f").st_blocks, 0);
	CHECK_OK(close(reader));
	mount_again(META);
	CHECK_EQ(stat_of("m/f").st_blocks, before.st_blocks);
	check_begin("m/f", "content");
}

TEST(a_write_brings_the_content)
{
	char text[8] = "";
	make_folders();
	make_big("lower1/f");
	mount_overlay(META);
	CHECK_OK(chmod("m/f", 0640));
	int reader = CHECK_OK(open("m/f", O_RDONLY));
	CHECK_EQ(pread(reader, text, 7, 0), 7);
	int fd = CHECK_OK(open("m/f", O_WRONLY));
	CHECK(!is_metacopy("upper/f"));
	CHECK_EQ(write(fd, "CON", 3), 3);
	CHECK_OK(close(fd));
	check_begin("m/f", "CONtent");
	CHECK_EQ(pread(reader, text, 7, 0), 7);
	CHECK_STR(text, "CONtent");
	CHECK_EQ(pread(reader, text, 1, BIG - 1), 1);
	CHECK_EQ(text[0], 'x');
	CHECK_EQ(stat_of("m/f").st_mode & 07777, 0640);
	CHECK_EQ(stat_of("m/f").st_size, BIG);
	check_begin("lower1/f", "content");
	CHECK_OK(close(reader));
	mount_again(META);
	check_begin("m/f", "CONtent");
}

TEST(renamed_and_linked_files_find_their_content)
{
	make_folders();
	CHECK_OK(mkdir("lower1/d", 0755));
	make_big("lower1/d/f");
	make_big("lower2/g");
	mount_overlay(META);
	CHECK_OK(rename("m/d/f", "m/moved"));
	CHECK(is_metacopy("upper/moved"));
	check_begin("m/moved", "content");
	CHECK_OK(link("m/g", "m/d/other"));
	CHECK(is_metacopy("upper/d/other"));
	CHECK_OK(rename("m/moved", "m/again"));
	CHECK_OK(mkdir("m/new", 0755));
	CHECK_OK(rename("m/again", "m/new/name"));
	mount_again(META);
	check_begin("m/new/name", "content");
	check_begin("m/d/other", "content");
	check_begin("m/g", "content");
	CHECK_EQ(stat_of("m/g").st_ino, stat_of("m/d/other").st_ino);
	int fd = CHECK_OK(open("m/d/other", O_RDWR));
	CHECK_EQ(write(fd, "CON", 3), 3);
	CHECK_OK(close(fd));
	check_begin("m/g", "CONtent");
	CHECK(!is_metacopy("upper/g"));
}

TEST(truncation_copies_what_stays)
{
	make_folders();
	make_big("lower1/f");
	make_big("lower1/g");
	make_big("lower1/h");
	mount_overlay(META);
	CHECK_OK(chmod("m/f", 0600));
	CHECK_OK(truncate("m/f", 3));
	CHECK_STR(read_text("m/f"), "con");
	CHECK(!is_metacopy("upper/f"));
	CHECK_OK(truncate("m/g", BIG + 5));
	CHECK(!is_metacopy("upper/g"));
	CHECK_EQ(stat_of("m/g").st_size, BIG + 5);
	check_begin("m/g", "content");
	CHECK_OK(chmod("m/h", 0600));
	write_text("m/h", "short");
	CHECK_STR(read_text("m/h"), "short");
	CHECK_EQ(stat_of("m/h").st_mode & 0777, 0600);
}

TEST(capabilities_survive_the_content)
{
	char value[64];
	struct vfs_cap_data data = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE};
	data.data[0].permitted = 1u << CAP_NET_RAW;
	make_folders();
	make_big("lower1/f");
	CHECK_OK(setxattr("lower1/f", "security.capability", &data, XATTR_CAPS_SZ_2, 0));
	CHECK_OK(chmod("lower1/f", 06755));
	mount_overlay(META);
	CHECK_OK(setxattr("m/f", "trusted.one", "1", 1, 0));
	CHECK(is_metacopy("upper/f"));
	CHECK_OK(close(CHECK_OK(open("m/f", O_RDWR))));
	CHECK(!is_metacopy("upper/f"));
	CHECK_EQ(getxattr("m/f", "security.capability", value, sizeof(value)), XATTR_CAPS_SZ_2);
	CHECK_EQ(stat_of("m/f").st_mode & 07777, 06755);
	CHECK_EQ(getxattr("m/f", "trusted.one", value, sizeof(value)), 1);
}

/* The upper layer of one overlay is a lower one of the next, as images are built. */
TEST(a_lower_layer_may_hold_them)
{
	make_folders();
	make_big("lower2/f");
	CHECK_OK(mkdir("lower2/d", 0755));
	make_big("lower2/d/g");
	CHECK_OK(mount("overlay", "m", "overlay", 0, "lowerdir=lower2,upperdir=lower1,workdir=work" META));
	CHECK_OK(chown("m/f", 7, 8));
	CHECK_OK(rename("m/d/g", "m/h"));
	CHECK_OK(umount("m"));
	CHECK(is_metacopy("lower1/f"));
	CHECK_OK(mkdir("work2", 0755));
	CHECK_OK(mount("overlay", "m", "overlay", 0, "lowerdir=lower1:lower2,upperdir=upper,workdir=work2" META));
	check_begin("m/f", "content");
	check_begin("m/h", "content");
	CHECK_EQ(stat_of("m/f").st_uid, 7);
	CHECK(stat_of("m/f").st_blocks >= BIG / 512);
	CHECK_OK(chmod("m/f", 0604));
	CHECK(is_metacopy("upper/f"));
	check_begin("m/f", "content");
	int fd = CHECK_OK(open("m/f", O_RDWR));
	CHECK_EQ(write(fd, "CON", 3), 3);
	CHECK_OK(close(fd));
	check_begin("m/f", "CONtent");
	CHECK_EQ(stat_of("m/f").st_uid, 7);
	CHECK_EQ(stat_of("m/f").st_mode & 0777, 0604);
	fd = CHECK_OK(open("m/h", O_RDWR));
	CHECK_EQ(write(fd, "CON", 3), 3);
	CHECK_OK(close(fd));
	check_begin("m/h", "CONtent");
}

TEST(what_is_left_is_refused_without_the_option)
{
	make_folders();
	make_big("lower1/f");
	mount_overlay(META);
	CHECK_OK(chmod("m/f", 0600));
	mount_again(",metacopy=off,redirect_dir=on");
	struct stat info;
	CHECK_ERR(stat("m/f", &info), EPERM);
	CHECK_OK(unlink("lower1/f"));
	mount_again(META);
	CHECK_ERR(stat("m/f", &info), EIO);
}

TEST(options)
{
	static const char layers[] = "lowerdir=lower1:lower2,upperdir=upper,workdir=work";
	static const char *const refused[] = {"metacopy=on,redirect_dir=off", "metacopy=on,redirect_dir=nofollow",
					      "metacopy=on,redirect_dir=follow", "metacopy=1",
					      "metacopy=on,userxattr"};
	char text[256];
	make_folders();
	for (unsigned i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		snprintf(text, sizeof(text), "%s,%s", layers, refused[i]);
		CHECK_ERR(mount("overlay", "m", "overlay", 0, text), EINVAL);
	}
	mount_overlay(",metacopy=on");
	CHECK(!strstr(read_text("/proc/self/mountinfo"), ",redirect_dir=off"));
	CHECK(strstr(read_text("/proc/self/mountinfo"), ",metacopy=on"));
}

TEST(small_and_other_files)
{
	make_folders();
	write_text("lower1/empty", "");
	CHECK_OK(symlink("empty", "lower1/link"));
	CHECK_OK(mkfifo("lower1/fifo", 0644));
	mount_overlay(META);
	CHECK_OK(chmod("m/empty", 0600));
	CHECK_OK(chmod("m/fifo", 0600));
	CHECK_OK(lchown("m/link", 1, 1));
	CHECK(!is_metacopy("upper/fifo"));
	CHECK(!is_metacopy("upper/link"));
	CHECK_EQ(stat_of("m/empty").st_mode & 0777, 0600);
	write_text("m/empty", "text");
	CHECK_STR(read_text("m/empty"), "text");
}

TEST(maps_and_synchronising)
{
	make_folders();
	make_big("lower1/f");
	mount_overlay(META);
	CHECK_OK(chmod("m/f", 0600));
	int fd = CHECK_OK(open("m/f", O_RDONLY));
	CHECK_OK(fsync(fd));
	char *text = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	CHECK(text != MAP_FAILED);
	CHECK_EQ(memcmp(text, "content", 7), 0);
	CHECK(is_metacopy("upper/f"));
	CHECK_OK(close(fd));
	fd = CHECK_OK(open("m/f", O_RDWR));
	char *shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(shared != MAP_FAILED);
	shared[0] = 'C';
	CHECK_OK(fsync(fd));
	CHECK_OK(close(fd));
	check_begin("m/f", "Content");
}
