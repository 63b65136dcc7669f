// SPDX-License-Identifier: MPL-2.0
/* overlayfs: what a copy keeps, numbers and links across copy-up, file handles, what is mapped. */
#include "layers.h"

#include <dirent.h>
#include <linux/capability.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>

static struct stat stat_of(const char *path)
{
	struct stat info;
	CHECK_OK(lstat(path, &info));
	return info;
}

static ino_t number_in_folder(const char *folder, const char *name)
{
	ino_t number = 0;
	DIR *dir = opendir(folder);
	CHECK(dir != NULL);
	for (struct dirent *e; (e = readdir(dir));)
		number = strcmp(e->d_name, name) ? number : e->d_ino;
	closedir(dir);
	return number;
}

static void set_file_capability(const char *path)
{
	struct vfs_cap_data data = {.magic_etc = VFS_CAP_REVISION_2 | VFS_CAP_FLAGS_EFFECTIVE};
	data.data[0].permitted = 1u << CAP_NET_RAW;
	CHECK_OK(setxattr(path, "security.capability", &data, XATTR_CAPS_SZ_2, 0));
}

TEST(attributes_and_capabilities_are_copied)
{
	char value[64];
	make_folders();
	write_text("lower1/f", "content");
	CHECK_OK(chown("lower1/f", 1000, 1001));
	CHECK_OK(chmod("lower1/f", 0750));
	set_file_capability("lower1/f");
	CHECK_OK(setxattr("lower1/f", "trusted.one", "1", 1, 0));
	CHECK_OK(setxattr("lower1/f", "security.two", "22", 2, 0));
	mount_overlay("");
	CHECK_OK(setxattr("m/f", "trusted.three", "333", 3, 0));
	CHECK_EQ(stat_of("upper/f").st_uid, 1000);
	CHECK_EQ(stat_of("upper/f").st_gid, 1001);
	CHECK_EQ(stat_of("upper/f").st_mode & 07777, 0750);
	CHECK_EQ(getxattr("upper/f", "security.capability", value, sizeof(value)), XATTR_CAPS_SZ_2);
	CHECK_EQ(getxattr("m/f", "security.capability", value, sizeof(value)), XATTR_CAPS_SZ_2);
	CHECK_EQ(getxattr("m/f", "trusted.one", value, sizeof(value)), 1);
	CHECK_EQ(getxattr("m/f", "security.two", value, sizeof(value)), 2);
	CHECK_EQ(getxattr("m/f", "trusted.three", value, sizeof(value)), 3);
	CHECK_STR(read_text("m/f"), "content");
	/* A write takes the capability away, as everywhere. */
	write_text("m/f", "more");
	CHECK_ERR(getxattr("m/f", "security.capability", value, sizeof(value)), ENODATA);
	CHECK_EQ(getxattr("lower1/f", "security.capability", value, sizeof(value)), XATTR_CAPS_SZ_2);
}

TEST(holes_stay_holes)
{
	make_folders();
	int fd = make_file("lower1/f");
	CHECK_OK(ftruncate(fd, 32 << 20));
	CHECK_EQ(pwrite(fd, "x", 1, 16 << 20), 1);
	CHECK_OK(close(fd));
	mount_overlay("");
	CHECK_OK(chmod("m/f", 0600));
	CHECK_EQ(stat_of("upper/f").st_size, 32 << 20);
	CHECK(stat_of("upper/f").st_blocks < 5000);
	char byte = 0;
	fd = CHECK_OK(open("m/f", O_RDONLY));
	CHECK_EQ(pread(fd, &byte, 1, 16 << 20), 1);
	CHECK_EQ(byte, 'x');
}

TEST(numbers_are_those_of_readdir)
{
	make_folders();
	write_text("lower1/f", "");
	write_text("lower2/g", "");
	CHECK_OK(mkdir("lower1/d", 0755));
	CHECK_OK(mkdir("lower2/d", 0755));
	mount_overlay("");
	CHECK_OK(mkdir("m/new", 0755));
	static const char *const names[] = {"f", "g", "d", "new"};
	for (int i = 0; i < 4; i++) {
		char path[32];
		snprintf(path, sizeof(path), "m/%s", names[i]);
		CHECK_EQ(number_in_folder("m", names[i]), stat_of(path).st_ino);
		struct stat before = stat_of(path);
		CHECK_OK(chmod(path, 0700));
		CHECK_EQ(stat_of(path).st_ino, before.st_ino);
		CHECK_EQ(stat_of(path).st_dev, before.st_dev);
		CHECK_EQ(number_in_folder("m", names[i]), before.st_ino);
	}
	CHECK_EQ(stat_of("m/d").st_dev, stat_of("m/f").st_dev);
}

/* Without an index the names of a lower file part at copy-up, as Linux documents. */
TEST(hard_links_part_without_an_index)
{
	make_folders();
	write_text("lower1/a", "old");
	CHECK_OK(link("lower1/a", "lower1/b"));
	mount_overlay(",index=off");
	CHECK_EQ(stat_of("m/a").st_nlink, 2);
	CHECK_EQ(stat_of("m/a").st_ino, stat_of("m/b").st_ino);
	write_text("m/a", "new");
	CHECK_STR(read_text("m/a"), "new");
	CHECK_STR(read_text("m/b"), "old");
}

TEST(hard_links_stay_together_with_an_index)
{
	make_folders();
	write_text("lower1/a", "old");
	CHECK_OK(link("lower1/a", "lower1/b"));
	CHECK_OK(link("lower1/a", "lower1/c"));
	mount_overlay(",index=on");
	struct stat before = stat_of("m/a");
	CHECK_EQ(before.st_nlink, 3);
	CHECK_EQ(stat_of("m/b").st_ino, before.st_ino);
	int reader = CHECK_OK(open("m/b", O_RDONLY));
	write_text("m/a", "newer");
	CHECK_STR(read_text("m/a"), "newer");
	CHECK_STR(read_text("m/b"), "newer");
	CHECK_STR(read_text("m/c"), "newer");
	char text[8] = "";
	CHECK_EQ(read(reader, text, 8), 5);
	CHECK_EQ(stat_of("m/a").st_nlink, 3);
	CHECK_EQ(stat_of("m/b").st_nlink, 3);
	CHECK_EQ(stat_of("m/a").st_ino, before.st_ino);
	CHECK_EQ(stat_of("m/b").st_ino, before.st_ino);
	CHECK_EQ(stat_of("m/c").st_ino, before.st_ino);
	CHECK_OK(link("m/c", "m/d"));
	CHECK_EQ(stat_of("m/a").st_nlink, 4);
	CHECK_OK(unlink("m/b"));
	CHECK_EQ(stat_of("m/a").st_nlink, 3);
	CHECK_ERR(access("m/b", F_OK), ENOENT);
	CHECK_OK(rename("m/c", "m/e"));
	CHECK_EQ(stat_of("m/e").st_ino, before.st_ino);
	CHECK_STR(read_text("m/e"), "newer");
	CHECK_ERR(access("m/c", F_OK), ENOENT);
	CHECK_OK(close(reader));
	mount_again(",index=on");
	CHECK_STR(read_text("m/a"), "newer");
	CHECK_STR(read_text("m/d"), "newer");
	CHECK_STR(read_text("m/e"), "newer");
	CHECK_STR(names_in("m"), "a d e");
	CHECK_EQ(stat_of("m/a").st_nlink, 3);
	CHECK_EQ(stat_of("m/a").st_ino, stat_of("m/e").st_ino);
	CHECK_STR(read_text("lower1/b"), "old");
}

TEST(an_index_shows_in_mountinfo)
{
	make_folders();
	mount_overlay(",index=on");
	CHECK(strstr(read_text("/proc/self/mountinfo"), ",index=on"));
	CHECK_OK(access("work/index", F_OK));
}

/* The upper layer may not be used by two overlays that keep an index. */
TEST(an_index_refuses_another_lower)
{
	make_folders();
	mount_overlay(",index=on");
	CHECK_OK(mkdir("m2", 0755));
	CHECK_ERR(mount("overlay", "m2", "overlay", 0, "lowerdir=lower1:lower2,upperdir=upper,workdir=work,index=on"),
		  EBUSY);
	CHECK_OK(umount("m"));
	CHECK_ERR(mount("overlay", "m2", "overlay", 0, "lowerdir=lower2,upperdir=upper,workdir=work,index=on"), ESTALE);
	CHECK_OK(mkdir("work2", 0755));
	mount_overlay(",index=on");
}

struct handle {
	struct file_handle head;
	unsigned char bytes[128];
};

static int handle_of(const char *path, struct handle *h)
{
	int mount_id;
	memset(h, 0, sizeof(*h));
	h->head.handle_bytes = sizeof(h->bytes);
	return name_to_handle_at(AT_FDCWD, path, &h->head, &mount_id, 0);
}

TEST(no_handles_without_nfs_export)
{
	struct handle h;
	make_folders();
	write_text("lower1/f", "");
	mount_overlay("");
	CHECK_ERR(handle_of("m/f", &h), EOPNOTSUPP);
	CHECK_ERR(mount("overlay", "m", "overlay", 0,
			"lowerdir=lower1,upperdir=upper,workdir=work,nfs_export=on,index=off"),
		  EINVAL);
}

TEST(what_was_mapped_stays_with_the_lower_file)
{
	make_folders();
	write_text("lower1/f", "before");
	mount_overlay("");
	int reader = CHECK_OK(open("m/f", O_RDONLY));
	char *old = CHECK_OK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, reader, 0));
	int writer = CHECK_OK(open("m/f", O_RDWR));
	CHECK_EQ(pwrite(writer, "AFTER!", 6, 0), 6);
	CHECK_EQ(memcmp(old, "before", 6), 0);
	char text[8] = "";
	CHECK_EQ(pread(reader, text, 6, 0), 6);
	CHECK_STR(text, "AFTER!");
	/* Mapped from a file opened later: one memory with write(2). */
	char *shared = CHECK_OK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, writer, 0));
	CHECK_EQ(memcmp(shared, "AFTER!", 6), 0);
	shared[0] = 'a';
	CHECK_EQ(pread(reader, text, 1, 0), 1);
	CHECK_EQ(text[0], 'a');
	CHECK_EQ(pwrite(writer, "Z", 1, 1), 1);
	CHECK_EQ(shared[1], 'Z');
}

TEST(link_counts_of_folders)
{
	make_folders();
	CHECK_OK(mkdir("lower1/d", 0755));
	CHECK_OK(mkdir("lower1/d/one", 0755));
	CHECK_OK(mkdir("lower2/d", 0755));
	CHECK_OK(mkdir("lower1/plain", 0755));
	mount_overlay("");
	CHECK_EQ(stat_of("m/d").st_nlink, 1); /* merged: nobody counts */
	CHECK_OK(mkdir("m/new", 0755));
	CHECK_EQ(stat_of("m/new").st_nlink, 2);
}

TEST(statfs_is_that_of_the_upper)
{
	struct statfs over, upper;
	struct statvfs flags;
	make_folders();
	mount_overlay("");
	CHECK_OK(statfs("m", &over));
	CHECK_OK(statfs("upper", &upper));
	CHECK_EQ(over.f_type, 0x794c7630);
	CHECK_EQ(over.f_blocks, upper.f_blocks);
	CHECK_EQ(over.f_bsize, upper.f_bsize);
	CHECK_EQ(over.f_namelen, upper.f_namelen);
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_NOATIME | MS_NODEV, NULL));
	CHECK_OK(statvfs("m", &flags));
	CHECK(flags.f_flag & ST_NOATIME);
	CHECK(flags.f_flag & ST_NODEV);
}

TEST(reading_leaves_lower_times_alone)
{
	struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
	make_folders();
	write_text("lower1/f", "x");
	CHECK_OK(utimensat(AT_FDCWD, "lower1/f", times, 0));
	mount_overlay("");
	CHECK_STR(read_text("m/f"), "x");
	CHECK_EQ(stat_of("lower1/f").st_atim.tv_sec, 1000);
	CHECK_EQ(stat_of("m/f").st_mtim.tv_sec, 2000);
	CHECK_OK(chmod("m/f", 0600));
	CHECK_EQ(stat_of("m/f").st_mtim.tv_sec, 2000);
	CHECK_EQ(stat_of("m/f").st_atim.tv_sec, 1000);
}

TEST(locks_hold_across_the_copy)
{
	make_folders();
	write_text("lower1/f", "x");
	mount_overlay("");
	int one = CHECK_OK(open("m/f", O_RDONLY)), two = CHECK_OK(open("m/f", O_RDONLY));
	CHECK_OK(flock(one, LOCK_EX));
	CHECK_ERR(flock(two, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	int writer = CHECK_OK(open("m/f", O_RDWR));
	CHECK_ERR(flock(writer, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK_OK(flock(one, LOCK_UN));
	CHECK_OK(flock(writer, LOCK_EX | LOCK_NB));
}

TEST(watches_see_changes_by_name)
{
	char events[1024];
	make_folders();
	write_text("lower1/f", "x");
	mount_overlay("");
	int fd = CHECK_OK(inotify_init1(IN_NONBLOCK));
	CHECK_OK(inotify_add_watch(fd, "m", IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO));
	write_text("m/f", "y");
	write_text("m/g", "z");
	CHECK_OK(rename("m/g", "m/h"));
	CHECK_OK(unlink("m/f"));
	ssize_t length = CHECK_OK(read(fd, events, sizeof(events)));
	uint32_t seen = 0;
	for (ssize_t at = 0; at < length;) {
		struct inotify_event *e = (struct inotify_event *)(events + at);
		seen |= e->mask;
		at += (ssize_t)(sizeof(*e) + e->len);
	}
	CHECK_EQ(seen & (IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO),
		 IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO);
}

TEST(descriptors_name_the_overlay)
{
	char text[128] = "", wanted[160];
	make_folders();
	write_text("lower1/f", "x");
	mount_overlay("");
	int fd = CHECK_OK(open("m/f", O_RDONLY));
	char *folder = getcwd(NULL, 0);
	snprintf(wanted, sizeof(wanted), "%s/m/f", folder);
	char path[32];
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_OK(readlink(path, text, sizeof(text) - 1));
	CHECK_STR(text, wanted);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, 0) != MAP_FAILED);
	CHECK(strstr(read_text("/proc/self/maps"), "/m/f"));
}

/* A copy keeps its number wherever it goes; the folder in the upper layer says that it holds one. */
TEST(numbers_in_a_new_folder)
{
	make_folders();
	write_text("lower1/f", "");
	write_text("lower1/g", "");
	mount_overlay("");
	struct stat before = stat_of("m/f");
	CHECK_OK(mkdir("m/new", 0755));
	CHECK_OK(rename("m/f", "m/new/f"));
	CHECK_EQ(stat_of("m/new/f").st_ino, before.st_ino);
	CHECK_EQ(number_in_folder("m/new", "f"), before.st_ino);
	char value[4] = "";
	CHECK_EQ(getxattr("upper/new", "trusted.overlay.impure", value, sizeof(value)), 1);
	CHECK_EQ(value[0], 'y');
	CHECK_OK(mkdir("m/other", 0755));
	CHECK_OK(link("m/g", "m/other/g"));
	CHECK_EQ(number_in_folder("m/other", "g"), stat_of("m/g").st_ino);
	mount_again("");
	CHECK_EQ(stat_of("m/new/f").st_ino, before.st_ino);
	CHECK_EQ(number_in_folder("m/new", "f"), before.st_ino);
	CHECK_EQ(number_in_folder("m/other", "g"), stat_of("m/other/g").st_ino);
}

/* What was copied while there was no index stays a file of its own. */
TEST(a_copy_from_before_the_index)
{
	make_folders();
	write_text("lower1/a", "low");
	CHECK_OK(link("lower1/a", "lower1/b"));
	CHECK_OK(link("lower1/a", "lower1/c"));
	mount_overlay(",index=off");
	write_text("m/a", "alone");
	CHECK_EQ(stat_of("m/a").st_nlink, 1);
	mount_again(",index=on");
	CHECK_EQ(stat_of("m/a").st_nlink, 1);
	CHECK_STR(read_text("m/a"), "alone");
	CHECK_STR(read_text("m/b"), "low");
	write_text("m/b", "together");
	CHECK_STR(read_text("m/c"), "together");
	CHECK_STR(read_text("m/a"), "alone");
	CHECK_EQ(stat_of("m/b").st_ino, stat_of("m/c").st_ino);
	CHECK(stat_of("m/b").st_ino != stat_of("m/a").st_ino);
	CHECK_OK(unlink("m/a"));
	CHECK_STR(read_text("m/b"), "together");
}
