// SPDX-License-Identifier: MPL-2.0
/* overlayfs with nfs_export=on: handles of files and folders, which last. */
#include "layers.h"

#include <linux/magic.h>

#define EXPORT ",nfs_export=on"

struct handle {
	struct file_handle head;
	unsigned char bytes[MAX_HANDLE_SZ];
};

static int handle_of(const char *path, struct handle *h)
{
	int mount_id;
	memset(h, 0, sizeof(*h));
	h->head.handle_bytes = MAX_HANDLE_SZ;
	return name_to_handle_at(AT_FDCWD, path, &h->head, &mount_id, 0);
}

static int open_handle(struct handle *h, int flags)
{
	int at = CHECK_OK(open("m", O_RDONLY | O_DIRECTORY));
	int fd = open_by_handle_at(at, &h->head, flags);
	int why = errno;
	close(at);
	errno = why;
	return fd;
}

static int is_same(const struct handle *a, const struct handle *b)
{
	return a->head.handle_type == b->head.handle_type && a->head.handle_bytes == b->head.handle_bytes &&
	       memcmp(a->head.f_handle, b->head.f_handle, a->head.handle_bytes) == 0;
}

static void check_text(struct handle *h, const char *wanted)
{
	char text[32] = "";
	int fd = CHECK_OK(open_handle(h, O_RDONLY));
	CHECK_OK(read(fd, text, sizeof(text) - 1));
	CHECK_STR(text, wanted);
	CHECK_OK(close(fd));
}

/* The folder of a handle is this one, with its place among the others. */
static void check_folder(struct handle *h, const char *path)
{
	struct stat by_handle, by_name;
	char text[256] = "", wanted[512], link[64];
	int fd = CHECK_OK(open_handle(h, O_RDONLY | O_DIRECTORY));
	CHECK_OK(fstat(fd, &by_handle));
	CHECK_OK(stat(path, &by_name));
	CHECK_EQ(by_handle.st_ino, by_name.st_ino);
	CHECK_EQ(by_handle.st_dev, by_name.st_dev);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	CHECK_OK(readlink(link, text, sizeof(text) - 1));
	char *here = getcwd(NULL, 0);
	snprintf(wanted, sizeof(wanted), "%s/%s", here, path);
	CHECK_STR(text, wanted);
	free(here);
	CHECK_OK(close(fd));
}

static void forget_names(void)
{
	CHECK_OK(put_text("/proc/sys/vm/drop_caches", "2"));
}

TEST(none_without_nfs_export)
{
	struct handle h;
	make_folders();
	write_text("lower1/f", "");
	mount_overlay(",index=on");
	CHECK_ERR(handle_of("m/f", &h), EOPNOTSUPP);
	CHECK_ERR(handle_of("m", &h), EOPNOTSUPP);
	CHECK_OK(handle_of("upper", &h));
	CHECK_ERR(open_handle(&h, O_RDONLY), ESTALE);
}

TEST(options)
{
	make_folders();
	CHECK_ERR(mount("overlay", "m", "overlay", 0,
			"lowerdir=lower1,upperdir=upper,workdir=work,nfs_export=on,index=off"),
		  EINVAL);
	CHECK_ERR(mount("overlay", "m", "overlay", 0,
			"lowerdir=lower1,upperdir=upper,workdir=work,nfs_export=on,metacopy=on"),
		  EINVAL);
	CHECK_ERR(mount("overlay", "m", "overlay", 0, "lowerdir=lower1,upperdir=upper,workdir=work,nfs_export=yes"),
		  EINVAL);
	mount_overlay(EXPORT);
	CHECK(strstr(read_text("/proc/self/mountinfo"), ",index=on,nfs_export=on"));
	CHECK_OK(umount("m"));
	mount_overlay(",nfs_export=off");
	CHECK(!strstr(read_text("/proc/self/mountinfo"), "nfs_export=on"));
}

TEST(of_files_last_across_copy_up)
{
	struct handle lower, after;
	make_folders();
	write_text("lower1/f", "low");
	mount_overlay(EXPORT);
	CHECK_OK(handle_of("m/f", &lower));
	check_text(&lower, "low");
	write_text("m/f", "copy");
	CHECK_OK(handle_of("m/f", &after));
	CHECK(is_same(&lower, &after));
	check_text(&lower, "copy");
	forget_names();
	check_text(&lower, "copy");
	mount_again(EXPORT);
	check_text(&lower, "copy");
	CHECK_OK(handle_of("m/f", &after));
	CHECK(is_same(&lower, &after));
	forget_names();
	check_text(&lower, "copy");
	CHECK_STR(read_text("lower1/f"), "low");
}

TEST(of_files_last_across_renames)
{
	struct handle lower, after;
	make_folders();
	write_text("lower1/f", "low");
	CHECK_OK(mkdir("lower1/d", 0755));
	mount_overlay(EXPORT);
	CHECK_OK(handle_of("m/f", &lower));
	CHECK_OK(rename("m/f", "m/d/g"));
	check_text(&lower, "low");
	CHECK_OK(handle_of("m/d/g", &after));
	CHECK(is_same(&lower, &after));
	mount_again(EXPORT);
	check_text(&lower, "low");
	CHECK_OK(handle_of("m/d/g", &after));
	CHECK(is_same(&lower, &after));
}

TEST(a_lower_file_that_is_removed_is_stale)
{
	struct handle h;
	make_folders();
	write_text("lower1/f", "low");
	CHECK_OK(mkdir("lower1/d", 0755));
	mount_overlay(EXPORT);
	CHECK_OK(handle_of("m/f", &h));
	CHECK_OK(unlink("m/f"));
	CHECK_ERR(open_handle(&h, O_RDONLY), ESTALE);
	mount_again(EXPORT);
	CHECK_ERR(open_handle(&h, O_RDONLY), ESTALE);
	CHECK_OK(handle_of("m/d", &h));
	CHECK_OK(rmdir("m/d"));
	CHECK_ERR(open_handle(&h, O_RDONLY), ESTALE);
	forget_names();
	CHECK_ERR(open_handle(&h, O_RDONLY), ESTALE);
	CHECK_OK(mkdir("m/d", 0755));
	CHECK_ERR(open_handle(&h, O_RDONLY), ESTALE);
}

TEST(of_files_that_are_only_upper)
{
	struct handle h, link, again;
	make_folders();
	mount_overlay(EXPORT);
	write_text("m/u", "up");
	CHECK_OK(handle_of("m/u", &h));
	check_text(&h, "up");
	CHECK_OK(symlink("u", "m/s"));
	CHECK_OK(handle_of("m/s", &link));
	forget_names();
	check_text(&h, "up");
	char path[64], text[16] = "";
	int fd = CHECK_OK(open_handle(&link, O_PATH | O_NOFOLLOW));
	CHECK_EQ(readlinkat(fd, "", text, sizeof(text)), 1);
	CHECK_ERR(open_handle(&link, O_RDONLY), ELOOP);
	CHECK_OK(close(fd));
	fd = CHECK_OK(open_handle(&h, O_RDWR | O_TRUNC));
	CHECK_EQ(write(fd, "new", 3), 3);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_STR(read_text(path), "new");
	CHECK_OK(close(fd));
	CHECK_STR(read_text("m/u"), "new");
	mount_again(EXPORT);
	CHECK_OK(handle_of("m/u", &again));
	CHECK(is_same(&h, &again));
	check_text(&h, "new");
	CHECK_OK(unlink("m/u"));
	CHECK_ERR(open_handle(&h, O_RDONLY), ESTALE);
}

/* A file that is found by handle alone has no name to copy it to: its names find the copy by the index. */
TEST(a_file_without_a_name_is_copied)
{
	struct handle h, after;
	make_folders();
	CHECK_OK(mkdir("lower1/d", 0755));
	write_text("lower1/d/f", "low");
	CHECK_OK(link("lower1/d/f", "lower1/d/second"));
	mount_overlay(EXPORT);
	CHECK_OK(handle_of("m/d/f", &h));
	mount_again(EXPORT);
	int fd = CHECK_OK(open_handle(&h, O_RDWR));
	CHECK_EQ(write(fd, "by handle", 9), 9);
	CHECK_OK(fchmod(fd, 0640));
	CHECK_OK(close(fd));
	CHECK_STR(read_text("m/d/f"), "by handle");
	struct stat info;
	CHECK_OK(stat("m/d/f", &info));
	CHECK_EQ(info.st_mode & 07777, 0640);
	CHECK_EQ(info.st_nlink, 2);
	CHECK_OK(handle_of("m/d/f", &after));
	CHECK(is_same(&h, &after));
	mount_again(EXPORT);
	CHECK_STR(read_text("m/d/f"), "by handle");
	CHECK_STR(read_text("lower1/d/f"), "low");
	CHECK_OK(rename("m/d/f", "m/d/g"));
	CHECK_STR(read_text("m/d/g"), "by handle");
	CHECK_STR(names_in("m/d"), "g second");
}

TEST(of_lower_folders)
{
	struct handle d, deep, after;
	make_folders();
	CHECK_OK(mkdir("lower1/d", 0755));
	CHECK_OK(mkdir("lower2/d", 0755));
	CHECK_OK(mkdir("lower2/d/deep", 0755));
	write_text("lower2/d/deep/f", "low");
	mount_overlay(EXPORT);
	CHECK_OK(handle_of("m/d", &d));
	CHECK_OK(handle_of("m/d/deep", &deep));
	check_folder(&d, "m/d");
	check_folder(&deep, "m/d/deep");
	forget_names();
	check_folder(&deep, "m/d/deep");
	mount_again(EXPORT);
	check_folder(&deep, "m/d/deep");
	check_folder(&d, "m/d");
	write_text("m/d/deep/f", "copy");
	CHECK_OK(handle_of("m/d", &after));
	CHECK(is_same(&d, &after));
	check_folder(&deep, "m/d/deep");
	mount_again(EXPORT);
	check_folder(&deep, "m/d/deep");
	check_folder(&d, "m/d");
	int fd = CHECK_OK(open_handle(&deep, O_RDONLY | O_DIRECTORY));
	int file = CHECK_OK(openat(fd, "f", O_RDONLY));
	char text[8] = "";
	CHECK_EQ(read(file, text, 4), 4);
	CHECK_STR(text, "copy");
}

TEST(of_new_folders_and_the_root)
{
	struct handle root, outer, inner, file;
	make_folders();
	mount_overlay(EXPORT);
	CHECK_OK(mkdir("m/outer", 0755));
	CHECK_OK(mkdir("m/outer/inner", 0755));
	write_text("m/outer/inner/f", "x");
	CHECK_OK(handle_of("m", &root));
	CHECK_OK(handle_of("m/outer", &outer));
	CHECK_OK(handle_of("m/outer/inner", &inner));
	CHECK_OK(handle_of("m/outer/inner/f", &file));
	check_folder(&root, "m");
	forget_names();
	check_folder(&inner, "m/outer/inner");
	mount_again(EXPORT);
	check_folder(&inner, "m/outer/inner");
	check_folder(&outer, "m/outer");
	check_folder(&root, "m");
	CHECK_OK(rename("m/outer/inner", "m/moved"));
	forget_names();
	check_folder(&inner, "m/moved");
	check_text(&file, "x");
	CHECK_OK(unlink("m/moved/f"));
	CHECK_OK(rmdir("m/moved"));
	CHECK_ERR(open_handle(&inner, O_RDONLY), ESTALE);
}

TEST(of_a_moved_lower_folder)
{
	struct handle d, sub, after;
	make_folders();
	CHECK_OK(mkdir("lower1/d", 0755));
	CHECK_OK(mkdir("lower1/d/sub", 0755));
	mount_overlay(EXPORT ",redirect_dir=on");
	CHECK_OK(handle_of("m/d", &d));
	CHECK_OK(mkdir("m/new", 0755));
	CHECK_OK(rename("m/d", "m/new/e"));
	CHECK_OK(handle_of("m/new/e", &after));
	CHECK(is_same(&d, &after));
	CHECK_OK(handle_of("m/new/e/sub", &sub));
	check_folder(&d, "m/new/e");
	mount_again(EXPORT ",redirect_dir=on");
	check_folder(&d, "m/new/e");
	check_folder(&sub, "m/new/e/sub");
}

TEST(of_files_with_several_names)
{
	struct handle a, b;
	make_folders();
	write_text("lower1/a", "low");
	CHECK_OK(link("lower1/a", "lower1/b"));
	mount_overlay(EXPORT);
	CHECK_OK(handle_of("m/a", &a));
	CHECK_OK(handle_of("m/b", &b));
	CHECK(is_same(&a, &b));
	write_text("m/b", "copy");
	check_text(&a, "copy");
	CHECK_OK(unlink("m/a"));
	check_text(&a, "copy");
	CHECK_OK(unlink("m/b"));
	CHECK_ERR(open_handle(&a, O_RDONLY), ESTALE);
}

/* Without an upper layer handles are those of lower files. */
TEST(without_an_upper)
{
	struct handle f, d;
	make_folders();
	write_text("lower1/f", "low");
	CHECK_OK(mkdir("lower2/d", 0755));
	CHECK_OK(mount("overlay", "m", "overlay", 0, "lowerdir=lower1:lower2,nfs_export=on,redirect_dir=nofollow"));
	CHECK(strstr(read_text("/proc/self/mountinfo"), ",nfs_export=on"));
	CHECK_OK(handle_of("m/f", &f));
	CHECK_OK(handle_of("m/d", &d));
	forget_names();
	check_text(&f, "low");
	check_folder(&d, "m/d");
}

TEST(refusals)
{
	struct handle h, bad;
	make_folders();
	write_text("lower1/f", "low");
	mount_overlay(EXPORT);
	CHECK_OK(handle_of("m/f", &h));
	for (unsigned i = 0; i < h.head.handle_bytes; i++) {
		bad = h;
		bad.head.f_handle[i] ^= 0x5a;
		int fd = open_handle(&bad, O_RDONLY);
		if (fd >= 0)
			close(fd);
		else
			CHECK(errno == ESTALE);
	}
	bad = h;
	bad.head.handle_bytes -= 4;
	CHECK_ERR(open_handle(&bad, O_RDONLY), ESTALE);
	bad = h;
	bad.head.handle_type ^= 1;
	CHECK_ERR(open_handle(&bad, O_RDONLY), ESTALE);
	h.head.handle_bytes = 4;
	int mount_id;
	CHECK_ERR(name_to_handle_at(AT_FDCWD, "m/f", &h.head, &mount_id, 0), EOVERFLOW);
	CHECK(h.head.handle_bytes > 4);
}
