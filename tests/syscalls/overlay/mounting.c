// SPDX-License-Identifier: MPL-2.0
/* overlayfs: options, errors of mounting, read-only and stacked overlays, what container tools try first. */
#include "support.h"

#include <dirent.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

static void make_folders(void)
{
	private_mounts();
	CHECK_OK(mkdir("base", 0755));
	CHECK_OK(mount("tmpfs", "base", "tmpfs", 0, "mode=755"));
	CHECK_OK(chdir("base"));
	static const char *const names[] = {"l1", "l2", "l3", "u", "w", "m", "m2"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK_OK(mkdir(names[i], 0755));
}

static int overlay(const char *at, const char *options)
{
	return mount("overlay", at, "overlay", 0, options);
}

/* What mountinfo tells after " - " about the mount at a name. */
static const char *super_options(const char *name)
{
	static char line[1024];
	char wanted[64];
	snprintf(wanted, sizeof(wanted), "/%s ", name);
	const char *found = strstr(read_text("/proc/self/mountinfo"), wanted);
	CHECK(found != NULL);
	found = strstr(found, " - ");
	CHECK(found != NULL);
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(found + 3, "\n"), found + 3);
	return line;
}

TEST(options_are_checked)
{
	make_folders();
	CHECK_ERR(overlay("m", ""), EINVAL);
	CHECK_ERR(overlay("m", "lowerdir=l1"), EINVAL);
	CHECK_ERR(overlay("m", "lowerdir=l1,upperdir=u"), EINVAL);
	CHECK_ERR(overlay("m", "upperdir=u,workdir=w"), EINVAL);
	CHECK_ERR(overlay("m", "lowerdir=l1,upperdir=u,workdir=w,nonsense"), EINVAL);
	CHECK_ERR(overlay("m", "lowerdir=l1,upperdir=u,workdir=w,redirect_dir=maybe"), EINVAL);
	CHECK_ERR(overlay("m", "lowerdir=missing,upperdir=u,workdir=w"), ENOENT);
	CHECK_ERR(overlay("m", "lowerdir=l1,upperdir=missing,workdir=w"), ENOENT);
	CHECK_ERR(overlay("m", "lowerdir=l1,upperdir=u,workdir=missing"), ENOENT);
	write_text("file", "");
	CHECK_ERR(overlay("m", "lowerdir=file,upperdir=u,workdir=w"), EINVAL);
	CHECK_ERR(overlay("m", "lowerdir=l1,upperdir=file,workdir=w"), EINVAL);
	CHECK_OK(overlay("m", "lowerdir=l1,upperdir=u,workdir=w"));
}

TEST(folders_must_fit_each_other)
{
	make_folders();
	CHECK_OK(mkdir("u/inner", 0755));
	CHECK_OK(mkdir("l1/inner", 0755));
	CHECK_OK(mkdir("other", 0755));
	CHECK_OK(mount("tmpfs", "other", "tmpfs", 0, NULL));
	CHECK_OK(mkdir("other/w", 0755));
	CHECK_ERR(overlay("m", "lowerdir=l1,upperdir=u,workdir=u/inner"), EINVAL);
	CHECK_ERR(overlay("m", "lowerdir=l1,upperdir=u,workdir=u"), EINVAL);
	CHECK_ERR(overlay("m", "lowerdir=l1,upperdir=u,workdir=other/w"), EINVAL);
	CHECK_ERR(overlay("m", "lowerdir=l1:l1,upperdir=u,workdir=w"), ELOOP);
	CHECK_ERR(overlay("m", "lowerdir=l1:l1/inner,upperdir=u,workdir=w"), ELOOP);
	CHECK_ERR(overlay("m", "lowerdir=u,upperdir=u,workdir=w"), ELOOP);
	CHECK_ERR(overlay("m", "lowerdir=u/inner,upperdir=u,workdir=w"), ELOOP);
	CHECK_OK(mount(NULL, "other", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	CHECK_ERR(overlay("m", "lowerdir=l1,upperdir=other,workdir=other/w"), EINVAL);
	CHECK_OK(overlay("m", "lowerdir=other:l1,upperdir=u,workdir=w"));
}

TEST(mountinfo_shows_the_options)
{
	make_folders();
	CHECK_OK(overlay("m", "lowerdir=l1:l2,upperdir=u,workdir=w"));
	CHECK_STR(super_options("m"), "overlay overlay rw,lowerdir=l1:l2,upperdir=u,workdir=w");
	CHECK_OK(umount("m"));
	CHECK_OK(overlay("m", "lowerdir=l1,upperdir=u,workdir=w,redirect_dir=on,index=off,xino=off,metacopy=off"));
	CHECK_STR(super_options("m"), "overlay overlay rw,lowerdir=l1,upperdir=u,workdir=w,redirect_dir=on");
	CHECK_OK(umount("m"));
	CHECK_OK(overlay("m", "lowerdir=l1,upperdir=u,workdir=w,volatile,userxattr"));
	CHECK(strstr(super_options("m"), ",volatile,userxattr"));
}

TEST(colons_can_be_escaped)
{
	make_folders();
	CHECK_OK(mkdir("a:b", 0755));
	write_text("a:b/f", "colon");
	CHECK_OK(mkdir("c,d", 0755));
	CHECK_OK(overlay("m", "lowerdir=a\\:b:l1,upperdir=c\\,d,workdir=w"));
	CHECK_STR(read_text("m/f"), "colon");
	write_text("m/g", "comma");
	CHECK_STR(read_text("c,d/g"), "comma");
}

TEST(without_upper_it_is_read_only)
{
	struct statvfs info;
	make_folders();
	write_text("l1/a", "1");
	write_text("l2/a", "2");
	write_text("l2/b", "2");
	CHECK_OK(overlay("m", "lowerdir=l1:l2"));
	CHECK_STR(read_text("m/a"), "1");
	CHECK_STR(read_text("m/b"), "2");
	CHECK_ERR(open("m/a", O_WRONLY), EROFS);
	CHECK_ERR(open("m/new", O_WRONLY | O_CREAT, 0644), EROFS);
	CHECK_ERR(unlink("m/a"), EROFS);
	CHECK_ERR(mkdir("m/d", 0755), EROFS);
	CHECK_ERR(chmod("m/a", 0600), EROFS);
	CHECK_ERR(setxattr("m/a", "trusted.x", "1", 1, 0), EROFS);
	CHECK_OK(statvfs("m", &info));
	CHECK(info.f_flag & ST_RDONLY);
	CHECK_ERR(mount(NULL, "m", NULL, MS_REMOUNT, NULL), EROFS);
	CHECK_STR(super_options("m"), "overlay overlay ro,lowerdir=l1:l2");
}

TEST(remount_read_only_and_back)
{
	make_folders();
	CHECK_OK(overlay("m", "lowerdir=l1,upperdir=u,workdir=w"));
	write_text("m/f", "1");
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	CHECK_ERR(open("m/f", O_WRONLY), EROFS);
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT, NULL));
	write_text("m/f", "2");
}

TEST(overlay_on_an_overlay)
{
	make_folders();
	write_text("l1/a", "1");
	write_text("l2/b", "2");
	CHECK_OK(overlay("m", "lowerdir=l1:l2"));
	CHECK_OK(overlay("m2", "lowerdir=m:l3,upperdir=u,workdir=w"));
	CHECK_STR(read_text("m2/a"), "1");
	write_text("m2/b", "changed");
	CHECK_STR(read_text("u/b"), "changed");
	CHECK_STR(read_text("l2/b"), "2");
	CHECK_OK(unlink("m2/a"));
	DIR *dir = opendir("m2");
	CHECK(dir != NULL);
	int count = 0;
	while (readdir(dir))
		count++;
	CHECK_EQ(count, 3);
	closedir(dir);
	CHECK_OK(mkdir("m3", 0755));
	CHECK_OK(mkdir("u3", 0755));
	CHECK_OK(mkdir("w3", 0755));
	CHECK_ERR(overlay("m3", "lowerdir=m2,upperdir=u3,workdir=w3"), EINVAL);
	CHECK_OK(mkdir("m2/u", 0755));
	CHECK_OK(mkdir("m2/w", 0755));
	CHECK_ERR(overlay("m3", "lowerdir=l3,upperdir=m2/u,workdir=m2/w"), EINVAL);
}

TEST(many_lower_layers)
{
	char options[4000] = "lowerdir=", name[32];
	make_folders();
	for (int i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "L%d", i);
		CHECK_OK(mkdir(name, 0755));
		snprintf(options + strlen(options), sizeof(options) - strlen(options), "%s%s", i ? ":" : "", name);
		snprintf(name, sizeof(name), "L%d/f%d", i, i);
		write_text(name, name);
		snprintf(name, sizeof(name), "L%d/same", i);
		write_text(name, name);
	}
	strcat(options, ",upperdir=u,workdir=w");
	CHECK_OK(overlay("m", options));
	CHECK_STR(read_text("m/same"), "L0/same");
	CHECK_STR(read_text("m/f63"), "L63/f63");
	DIR *dir = opendir("m");
	CHECK(dir != NULL);
	int count = 0;
	while (readdir(dir))
		count++;
	closedir(dir);
	CHECK_EQ(count, 64 + 1 + 2);
}

TEST(volatile_refuses_a_second_mount)
{
	make_folders();
	CHECK_OK(overlay("m", "lowerdir=l1,upperdir=u,workdir=w,volatile"));
	write_text("m/f", "x");
	int fd = CHECK_OK(open("m/f", O_RDWR));
	CHECK_OK(fsync(fd));
	close(fd);
	CHECK_OK(umount("m"));
	CHECK_OK(unlink("w/work/incompat/volatile/dirty"));
	close(make_file("w/work/incompat/volatile/dirty"));
	CHECK_ERR(overlay("m", "lowerdir=l1,upperdir=u,workdir=w"), EINVAL);
	CHECK_OK(unlink("w/work/incompat/volatile/dirty"));
	CHECK_OK(rmdir("w/work/incompat/volatile"));
	CHECK_OK(rmdir("w/work/incompat"));
	CHECK_OK(overlay("m", "lowerdir=l1,upperdir=u,workdir=w"));
	CHECK_STR(read_text("m/f"), "x");
}

TEST(leftovers_in_the_work_folder_go)
{
	make_folders();
	CHECK_OK(mkdir("w/work", 0));
	write_text("w/work/#1", "half a copy");
	CHECK_OK(mkdir("w/work/#2", 0755));
	CHECK_OK(mknod("w/work/#2/gone", S_IFCHR, makedev(0, 0)));
	CHECK_OK(overlay("m", "lowerdir=l1,upperdir=u,workdir=w"));
	CHECK_ERR(access("w/work/#1", F_OK), ENOENT);
	CHECK_ERR(access("w/work/#2", F_OK), ENOENT);
}

/* As dockerd asks: does a copied-up folder keep the "opaque" that its upper has? */
TEST(probe_of_dockerd)
{
	char value[8];
	make_folders();
	CHECK_OK(mkdir("l2/d", 0755));
	CHECK_OK(mkdir("l1/d", 0755));
	CHECK_OK(lsetxattr("l1/d", "trusted.overlay.opaque", "y", 1, 0));
	CHECK_OK(overlay("m", "lowerdir=l1:l2,upperdir=u,workdir=w"));
	write_text("m/d/f", "");
	CHECK_ERR(lgetxattr("u/d", "trusted.overlay.opaque", value, sizeof(value)), ENODATA);
	CHECK_OK(rename("m/d/f", "m/d/g"));
	CHECK_OK(umount("m"));
	/* and whether renamed folders are told by redirects */
	CHECK_OK(mkdir("l2/d1", 0755));
	CHECK_OK(overlay("m", "lowerdir=l2,upperdir=u,workdir=w"));
	CHECK_ERR(rename("m/d1", "m/d2"), EXDEV);
}

/* As containers/storage asks: an empty overlay whose upper lies on the graph's file system, and the "d_type" test. */
TEST(probe_of_podman)
{
	make_folders();
	CHECK_OK(mkdir("l1/sub", 0755));
	CHECK_OK(overlay("m", "lowerdir=l1,upperdir=u,workdir=w,volatile"));
	CHECK_OK(umount2("m", MNT_DETACH));
	CHECK_OK(overlay("m2", "lowerdir=l1:l2"));
	DIR *dir = opendir("m2");
	CHECK(dir != NULL);
	struct dirent *entry;
	int folders = 0;
	while ((entry = readdir(dir)))
		folders += entry->d_type == DT_DIR;
	CHECK_EQ(folders, 3);
	closedir(dir);
}

/* In a user namespace: marks are user attributes, which tmpfs does not keep, but names and files work. */
TEST(in_a_user_namespace)
{
	make_folders();
	static const char *const names[] = {".", "l1", "u", "w", "m"};
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK_OK(chown(names[i], 1000, 1000));
	write_text("l1/f", "lower");
	CHECK_OK(chown("l1/f", 1000, 1000));
	struct turn ready = turn_create(), mapped = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(setresgid(1000, 1000, 1000));
		CHECK_OK(setresuid(1000, 1000, 1000));
		CHECK_OK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
		CHECK_OK(unshare(CLONE_NEWUSER | CLONE_NEWNS));
		turn_give(ready);
		turn_take(mapped);
		CHECK_OK(overlay("m", "lowerdir=l1,upperdir=u,workdir=w,userxattr"));
		write_text("m/f", "changed");
		write_text("m/new", "new");
		CHECK_STR(read_text("m/f"), "changed");
		CHECK_STR(read_text("l1/f"), "lower");
		CHECK_OK(unlink("m/f"));
		CHECK_ERR(access("m/f", F_OK), ENOENT);
		_exit(0);
	}
	char path[64];
	turn_take(ready);
	snprintf(path, sizeof(path), "/proc/%d/setgroups", child);
	CHECK_OK(put_text(path, "deny"));
	snprintf(path, sizeof(path), "/proc/%d/uid_map", child);
	CHECK_OK(put_text(path, "0 1000 1"));
	snprintf(path, sizeof(path), "/proc/%d/gid_map", child);
	CHECK_OK(put_text(path, "0 1000 1"));
	turn_give(mapped);
	CHECK_EQ(wait_exit(child), 0);
	struct stat info;
	CHECK_OK(stat("u/new", &info));
	CHECK_EQ(info.st_uid, 1000);
	CHECK_OK(lstat("u/f", &info));
	CHECK(S_ISCHR(info.st_mode) && info.st_rdev == 0);
}

static long free_kib(void)
{
	const char *line = strstr(read_text("/proc/meminfo"), "MemFree:");
	CHECK(line != NULL);
	return strtol(line + 8, NULL, 10);
}

/* Layers with content come and go: a superblock that stayed would keep a quarter of a megabyte each time. */
TEST_LIMIT(nothing_is_kept_after_unmounting, 90)
{
	static char block[65536];
	long before = 0;
	private_mounts();
	CHECK_OK(mkdir("base", 0755));
	memset(block, 'x', sizeof(block));
	for (int round = 0; round < 80; round++) {
		if (round == 10)
			before = free_kib();
		CHECK_OK(mount("tmpfs", "base", "tmpfs", 0, NULL));
		CHECK_OK(chdir("base"));
		CHECK_OK(mkdir("l", 0755));
		CHECK_OK(mkdir("u", 0755));
		CHECK_OK(mkdir("w", 0755));
		CHECK_OK(mkdir("m", 0755));
		int fd = make_file("l/f");
		for (int i = 0; i < 2; i++)
			CHECK_EQ(write(fd, block, sizeof(block)), sizeof(block));
		close(fd);
		CHECK_OK(overlay("m", "lowerdir=l,upperdir=u,workdir=w"));
		fd = CHECK_OK(open("m/f", O_RDWR));
		CHECK_EQ(write(fd, "y", 1), 1);
		close(fd);
		CHECK_OK(rename("m/f", "m/g"));
		CHECK_OK(mkdir("m/f", 0755));
		CHECK_OK(link("m/g", "m/f/h"));
		CHECK_OK(unlink("m/g"));
		CHECK_ERR(overlay("m", "lowerdir=l:missing"), ENOENT);
		CHECK_OK(umount("m"));
		CHECK_OK(chdir(".."));
		CHECK_OK(umount("base"));
	}
	long lost = before - free_kib();
	if (lost > 4096)
		test_fail(__FILE__, __LINE__, "%ld KiB are gone", lost);
}
