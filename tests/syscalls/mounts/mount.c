// SPDX-License-Identifier: MPL-2.0
/* Mounts: tmpfs limits, bind, read-only, propagation, pivot_root. Each case has its own namespace. */
#include "support.h"

#include <linux/sched.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

static void mount_tmpfs(const char *path, const char *options)
{
	if (mkdir(path, 0755) != 0)
		CHECK_EQ(errno, EEXIST);
	CHECK_OK(mount("tmpfs", path, "tmpfs", 0, options));
}

/* The line of /proc/self/mountinfo for a mount point that ends in this name. */
static const char *mountinfo_of(const char *name)
{
	static char line[512];
	char wanted[64];
	snprintf(wanted, sizeof(wanted), "/%s ", name);
	const char *text = read_text("/proc/self/mountinfo");
	const char *found = strstr(text, wanted), *start = found;
	if (!found)
		return "";
	while (start > text && start[-1] != '\n')
		start--;
	snprintf(line, sizeof(line), "%.*s", (int)strcspn(start, "\n"), start);
	return line;
}

TEST(tmpfs_appears_and_disappears)
{
	private_mounts();
	CHECK_OK(mkdir("m", 0755));
	write_text("m/below", "");
	mount_tmpfs("m", "");
	CHECK_ERR(access("m/below", F_OK), ENOENT);
	write_text("m/f", "x");
	CHECK(strstr(mountinfo_of("m"), "tmpfs"));
	CHECK_OK(umount("m"));
	CHECK_OK(access("m/below", F_OK));
	CHECK_ERR(access("m/f", F_OK), ENOENT);
	CHECK_ERR(umount("m"), EINVAL);
}

TEST(tmpfs_size_is_enforced)
{
	static char block[65536];
	private_mounts();
	mount_tmpfs("m", "size=1m");
	int fd = make_file("m/f");
	size_t total = 0;
	ssize_t count;
	while ((count = write(fd, block, sizeof(block))) > 0)
		total += (size_t)count;
	CHECK_EQ(errno, ENOSPC);
	CHECK_EQ(total, 1 << 20);
	struct statvfs info;
	CHECK_OK(statvfs("m", &info));
	CHECK_EQ(info.f_blocks * info.f_bsize, 1 << 20);
	CHECK_EQ(info.f_bfree, 0);
	close(fd);
	CHECK_OK(unlink("m/f"));
	CHECK_OK(statvfs("m", &info));
	CHECK_EQ(info.f_bfree, info.f_blocks);
}

TEST(tmpfs_inode_limit_and_mode)
{
	char name[16];
	struct stat info;
	private_mounts();
	mount_tmpfs("m", "nr_inodes=10,mode=1700,uid=5,gid=6");
	CHECK_OK(stat("m", &info));
	CHECK_EQ(info.st_mode & 07777, 01700);
	CHECK(info.st_uid == 5 && info.st_gid == 6);
	int made = 0;
	for (; made < 20; made++) {
		snprintf(name, sizeof(name), "m/%d", made);
		if (mkdir(name, 0755) != 0)
			break;
	}
	CHECK_EQ(errno, ENOSPC);
	CHECK_EQ(made, 9);
	CHECK_ERR(mount("tmpfs", "m", "tmpfs", 0, "nonsense=1"), EINVAL);
}

TEST(tmpfs_can_be_resized)
{
	private_mounts();
	mount_tmpfs("m", "size=64k");
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT, "size=128k"));
	struct statvfs info;
	CHECK_OK(statvfs("m", &info));
	CHECK_EQ(info.f_blocks * info.f_bsize, 128 * 1024);
}

TEST(mount_errors)
{
	private_mounts();
	write_text("f", "");
	CHECK_ERR(mount("x", "missing", "tmpfs", 0, NULL), ENOENT);
	CHECK_ERR(mount("x", "f", "tmpfs", 0, NULL), ENOTDIR);
	CHECK_ERR(mount("x", ".", "no-such-type", 0, NULL), ENODEV);
	CHECK_ERR(mount("x", ".", NULL, MS_REMOUNT, NULL), EINVAL);
	CHECK_ERR(mount("/missing-disk", ".", "ext2", 0, NULL), ENOENT);
	CHECK_ERR(mount("f", ".", "ext2", 0, NULL), ENOTBLK);
	CHECK_ERR(umount("."), EINVAL);
	CHECK_ERR(umount2("/", 64), EINVAL);
	become_nobody();
	CHECK_ERR(mount("x", "/tmp", "tmpfs", 0, NULL), EPERM);
	CHECK_ERR(umount("/proc"), EPERM);
}

TEST(busy_mount_and_lazy_detach)
{
	private_mounts();
	mount_tmpfs("m", "");
	int fd = make_file("m/f");
	CHECK_ERR(umount("m"), EBUSY);
	CHECK_OK(umount2("m", MNT_DETACH));
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_ERR(access("m/f", F_OK), ENOENT);
	CHECK_STR(mountinfo_of("m"), "");
}

TEST(expire_needs_two_tries)
{
	private_mounts();
	mount_tmpfs("m", "");
	CHECK_ERR(umount2("m", MNT_EXPIRE), EAGAIN);
	CHECK_OK(umount2("m", MNT_EXPIRE));
}

TEST(read_only_mount)
{
	private_mounts();
	mount_tmpfs("m", "");
	write_text("m/f", "x");
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
	CHECK_ERR(open("m/f", O_WRONLY), EROFS);
	CHECK_ERR(open("m/new", O_CREAT | O_WRONLY, 0644), EROFS);
	CHECK_ERR(mkdir("m/d", 0755), EROFS);
	CHECK_ERR(unlink("m/f"), EROFS);
	CHECK_ERR(chmod("m/f", 0600), EROFS);
	CHECK_ERR(access("m/f", W_OK), EROFS);
	CHECK_OK(open("m/f", O_RDONLY));
	CHECK(strstr(mountinfo_of("m"), " ro"));
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT, NULL));
	CHECK_OK(open("m/f", O_WRONLY));
}

TEST(read_only_waits_for_writers)
{
	private_mounts();
	mount_tmpfs("m", "");
	int fd = make_file("m/f");
	CHECK_ERR(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL), EBUSY);
	close(fd);
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL));
}

TEST(bind_shows_the_same_files)
{
	private_mounts();
	CHECK_OK(mkdir("from", 0755));
	CHECK_OK(mkdir("to", 0755));
	write_text("from/f", "bound");
	CHECK_OK(mount("from", "to", NULL, MS_BIND, NULL));
	CHECK_STR(read_text("to/f"), "bound");
	write_text("to/g", "");
	CHECK_OK(access("from/g", F_OK));
	CHECK_ERR(rename("from/f", "to/h"), EXDEV);
	CHECK_ERR(link("from/f", "to/h"), EXDEV);
	CHECK_ERR(rmdir("to"), EBUSY);
	CHECK_OK(umount("to"));
}

TEST(bind_of_a_file)
{
	private_mounts();
	write_text("from", "above");
	write_text("to", "below");
	CHECK_OK(mount("from", "to", NULL, MS_BIND, NULL));
	CHECK_STR(read_text("to"), "above");
	CHECK_ERR(unlink("to"), EBUSY);
	CHECK_ERR(mount(".", "to", NULL, MS_BIND, NULL), ENOTDIR);
	CHECK_OK(umount("to"));
	CHECK_STR(read_text("to"), "below");
}

TEST(bind_read_only_leaves_the_source)
{
	private_mounts();
	CHECK_OK(mkdir("from", 0755));
	CHECK_OK(mkdir("to", 0755));
	CHECK_OK(mount("from", "to", NULL, MS_BIND, NULL));
	CHECK_OK(mount(NULL, "to", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	CHECK_ERR(open("to/f", O_CREAT | O_WRONLY, 0644), EROFS);
	CHECK_OK(open("from/f", O_CREAT | O_WRONLY, 0644));
	struct statvfs info;
	CHECK_OK(statvfs("to", &info));
	CHECK(info.f_flag & ST_RDONLY);
}

TEST(bind_is_recursive_when_asked)
{
	private_mounts();
	CHECK_OK(mkdir("from", 0755));
	mount_tmpfs("from/sub", "");
	write_text("from/sub/f", "");
	CHECK_OK(mkdir("plain", 0755));
	CHECK_OK(mkdir("deep", 0755));
	CHECK_OK(mount("from", "plain", NULL, MS_BIND, NULL));
	CHECK_ERR(access("plain/sub/f", F_OK), ENOENT);
	CHECK_OK(mount("from", "deep", NULL, MS_BIND | MS_REC, NULL));
	CHECK_OK(access("deep/sub/f", F_OK));
	CHECK_ERR(umount("deep"), EBUSY);
	CHECK_OK(umount2("deep", MNT_DETACH));
}

TEST(nosuid_nodev_noexec)
{
	private_mounts();
	mount_tmpfs("m", "");
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_NODEV | MS_NOEXEC | MS_NOSUID, NULL));
	CHECK_OK(mknod("m/null", S_IFCHR | 0666, 0x103));
	CHECK_ERR(open("m/null", O_RDONLY), EACCES);
	write_text("m/script", "#!/tests/helper\n");
	CHECK_OK(chmod("m/script", 0755));
	CHECK_ERR(execl("m/script", "x", NULL), EACCES);
	CHECK(strstr(mountinfo_of("m"), "nosuid,nodev,noexec"));
}

TEST(move)
{
	private_mounts();
	mount_tmpfs("m", "");
	write_text("m/f", "moved");
	CHECK_OK(mkdir("n", 0755));
	CHECK_OK(mount("m", "n", NULL, MS_MOVE, NULL));
	CHECK_STR(read_text("n/f"), "moved");
	CHECK_ERR(access("m/f", F_OK), ENOENT);
	CHECK_OK(mkdir("n/inside", 0755));
	CHECK_ERR(mount("n", "n/inside", NULL, MS_MOVE, NULL), ELOOP);
	CHECK_ERR(mount("m", "n", NULL, MS_MOVE, NULL), EINVAL);
}

TEST(mounts_stack)
{
	private_mounts();
	mount_tmpfs("m", "");
	write_text("m/first", "");
	mount_tmpfs("m", "");
	CHECK_ERR(access("m/first", F_OK), ENOENT);
	CHECK_OK(umount("m"));
	CHECK_OK(access("m/first", F_OK));
}

TEST(dot_dot_crosses_the_mount)
{
	struct stat outer, inner;
	private_mounts();
	mount_tmpfs("m", "");
	CHECK_OK(stat(".", &outer));
	CHECK_OK(stat("m/..", &inner));
	CHECK_EQ(outer.st_ino, inner.st_ino);
	CHECK_OK(stat("m", &inner));
	CHECK(outer.st_dev != inner.st_dev);
}

/* A child with a mount namespace copied from this one mounts a tmpfs on path and tells. */
static pid_t child_that_mounts(const char *path, struct turn done, struct turn end)
{
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(unshare(CLONE_NEWNS));
		CHECK_OK(mount("tmpfs", path, "tmpfs", 0, NULL));
		write_text("shared/sub/f", "");
		turn_give(done);
		turn_take(end);
		_exit(0);
	}
	turn_take(done);
	return child;
}

TEST(shared_mounts_propagate)
{
	struct turn done = turn_create(), end = turn_create();
	private_mounts();
	mount_tmpfs("shared", "");
	CHECK_OK(mkdir("shared/sub", 0755));
	CHECK_OK(mount(NULL, "shared", NULL, MS_SHARED, NULL));
	CHECK(strstr(mountinfo_of("shared"), "shared:"));
	pid_t child = child_that_mounts("shared/sub", done, end);
	CHECK_OK(access("shared/sub/f", F_OK));
	turn_give(end);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_OK(access("shared/sub/f", F_OK));
	CHECK_OK(umount("shared/sub"));
}

TEST(private_mounts_do_not)
{
	struct turn done = turn_create(), end = turn_create();
	private_mounts();
	mount_tmpfs("shared", "");
	CHECK_OK(mkdir("shared/sub", 0755));
	pid_t child = child_that_mounts("shared/sub", done, end);
	CHECK_ERR(access("shared/sub/f", F_OK), ENOENT);
	turn_give(end);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(slaves_receive_and_do_not_send)
{
	private_mounts();
	mount_tmpfs("shared", "");
	CHECK_OK(mkdir("shared/one", 0755));
	CHECK_OK(mkdir("shared/two", 0755));
	CHECK_OK(mount(NULL, "shared", NULL, MS_SHARED, NULL));
	CHECK_OK(mkdir("slave", 0755));
	CHECK_OK(mount("shared", "slave", NULL, MS_BIND, NULL));
	CHECK_OK(mount(NULL, "slave", NULL, MS_SLAVE, NULL));
	CHECK(strstr(mountinfo_of("slave"), "master:"));
	mount_tmpfs("shared/one", "");
	write_text("shared/one/f", "");
	CHECK_OK(access("slave/one/f", F_OK));
	mount_tmpfs("slave/two", "");
	write_text("slave/two/f", "");
	CHECK_ERR(access("shared/two/f", F_OK), ENOENT);
}

TEST(unbindable_cannot_be_bound)
{
	private_mounts();
	mount_tmpfs("m", "");
	CHECK_OK(mkdir("n", 0755));
	CHECK_OK(mount(NULL, "m", NULL, MS_UNBINDABLE, NULL));
	CHECK_ERR(mount("m", "n", NULL, MS_BIND, NULL), EINVAL);
	CHECK_ERR(mount(NULL, "m", NULL, MS_SHARED | MS_PRIVATE, NULL), EINVAL);
}

TEST(propagation_needs_a_mount_point)
{
	private_mounts();
	CHECK_ERR(mount(NULL, ".", NULL, MS_PRIVATE, NULL), EINVAL);
}

/* A root that is an ordinary mount: the initramfs itself cannot be pivoted away. */
static void enter_mounted_root(void)
{
	private_mounts();
	mount_tmpfs("base", "");
	CHECK_OK(mkdir("base/proc", 0755));
	CHECK_OK(mkdir("base/tmp", 0755));
	CHECK_OK(mount("/proc", "base/proc", NULL, MS_BIND, NULL));
	CHECK_OK(chdir("base"));
	CHECK_OK(chroot("."));
}

TEST(pivot_root_changes_the_root)
{
	enter_mounted_root();
	mount_tmpfs("new", "");
	CHECK_OK(mkdir("new/old", 0755));
	write_text("new/marker", "");
	CHECK_OK(syscall(SYS_pivot_root, "new", "new/old"));
	CHECK_OK(chdir("/"));
	CHECK_OK(access("/marker", F_OK));
	CHECK_OK(access("/old/proc", F_OK));
	CHECK_OK(umount2("/old", MNT_DETACH));
	CHECK_ERR(access("/old/proc", F_OK), ENOENT);
}

TEST(pivot_root_dot_dot)
{
	enter_mounted_root();
	mount_tmpfs("new", "");
	int old = CHECK_OK(open("/", O_PATH | O_DIRECTORY));
	CHECK_OK(chdir("new"));
	CHECK_OK(syscall(SYS_pivot_root, ".", "."));
	CHECK_OK(fchdir(old));
	CHECK_OK(mount("", ".", NULL, MS_PRIVATE | MS_REC, NULL));
	CHECK_OK(umount2(".", MNT_DETACH));
	CHECK_OK(chdir("/"));
	CHECK_ERR(access("/proc", F_OK), ENOENT);
}

TEST(pivot_root_of_the_initramfs_is_refused)
{
	private_mounts();
	mount_tmpfs("new", "");
	CHECK_OK(mkdir("new/old", 0755));
	CHECK_ERR(syscall(SYS_pivot_root, "new", "new/old"), EINVAL);
}

TEST(pivot_root_errors)
{
	enter_mounted_root();
	CHECK_OK(mkdir("plain", 0755));
	CHECK_OK(mkdir("plain/old", 0755));
	CHECK_ERR(syscall(SYS_pivot_root, "plain", "plain/old"), EBUSY);
	CHECK_ERR(syscall(SYS_pivot_root, "/", "/"), EBUSY);
	mount_tmpfs("new", "");
	CHECK_OK(mkdir("new/sub", 0755));
	CHECK_ERR(syscall(SYS_pivot_root, "new/sub", "new/sub"), EINVAL);
	CHECK_ERR(syscall(SYS_pivot_root, "new", "/tmp"), EBUSY);
	CHECK_ERR(syscall(SYS_pivot_root, "missing", "missing"), ENOENT);
}

TEST(mounts_file_lists)
{
	private_mounts();
	mount_tmpfs("with space", "size=64k");
	CHECK(strstr(read_text("/proc/self/mounts"), "/with\\040space tmpfs rw,"));
	CHECK(strstr(read_text("/proc/mounts"), "size=64k"));
	CHECK_STR(mountinfo_of("with space"), "");
	CHECK(strstr(mountinfo_of("with\\040space"), " - tmpfs tmpfs rw,size=64k"));
	CHECK(strstr(read_text("/proc/filesystems"), "nodev\ttmpfs\n"));
}

TEST(mounted_proc_paths_through_descriptors)
{
	char path[40];
	private_mounts();
	CHECK_OK(mkdir("m", 0755));
	int fd = CHECK_OK(open("m", O_PATH));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK_OK(mount("tmpfs", path, "tmpfs", 0, NULL));
	write_text("m/f", "");
	CHECK_OK(umount("m"));
}

TEST(two_hundred_mounts)
{
	char name[16];
	private_mounts();
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		mount_tmpfs(name, "");
	}
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		CHECK_OK(umount(name));
	}
}

TEST(namespace_end_releases_mounts)
{
	for (int i = 0; i < 20; i++) {
		pid_t child = fork_checked();
		if (child == 0) {
			private_mounts();
			mount_tmpfs("m", "");
			write_text("m/f", "x");
			_exit(0);
		}
		CHECK_EQ(wait_exit(child), 0);
	}
}

/* A child with a namespace of its own, in which body mounts; it then waits until `done` and tells what is left. */
static pid_t other_namespace(struct turn ready, struct turn done)
{
	pid_t child = fork_checked();
	if (child)
		return child;
	private_mounts();
	mount_tmpfs("d", "");
	mount_tmpfs("d/inner", "");
	mount_tmpfs("moved", "");
	write_text("source", "");
	CHECK_OK(mount("source", "f", NULL, MS_BIND, NULL));
	mount_tmpfs("over", "");
	int kept = CHECK_OK(open("d", O_RDONLY | O_DIRECTORY));
	turn_give(ready);
	turn_take(done);
	CHECK_STR(mountinfo_of("d"), "");
	CHECK_STR(mountinfo_of("f"), "");
	CHECK_STR(mountinfo_of("over"), "");
	CHECK(strstr(mountinfo_of("elsewhere"), "tmpfs"));
	CHECK_ERR(access("d", F_OK), ENOENT);
	CHECK_OK(faccessat(kept, "inner", F_OK, 0));
	_exit(0);
}

TEST(removed_places_lose_the_mounts_of_other_namespaces)
{
	struct turn ready = turn_create(), done = turn_create();
	private_mounts();
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(mkdir("over", 0755));
	CHECK_OK(mkdir("new", 0755));
	CHECK_OK(mkdir("moved", 0755));
	write_text("f", "");
	pid_t child = other_namespace(ready, done);
	turn_take(ready);
	CHECK_OK(rmdir("d"));
	CHECK_OK(unlink("f"));
	CHECK_OK(rename("new", "over"));
	CHECK_OK(rename("moved", "elsewhere"));
	turn_give(done);
	CHECK_EQ(wait_exit(child), 0);
}

TEST(mountpoints_of_the_own_namespace_stay)
{
	private_mounts();
	mount_tmpfs("m", "");
	write_text("f", "");
	write_text("g", "");
	CHECK_OK(mount("g", "f", NULL, MS_BIND, NULL));
	CHECK_OK(mkdir("d", 0755));
	CHECK_ERR(rmdir("m"), EBUSY);
	CHECK_ERR(unlink("f"), EBUSY);
	CHECK_ERR(rename("m", "n"), EBUSY);
	CHECK_ERR(rename("d", "m"), EBUSY);
	CHECK_ERR(rename("g", "f"), EBUSY);
}
