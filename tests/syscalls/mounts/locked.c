// SPDX-License-Identifier: MPL-2.0
/* Mounts of a namespace whose owner has fewer rights: what came from outside stays as it is. mount_namespaces(7) */
#include "support.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

enum { OPEN_CLONE = 1, RECURSIVE = 0x8000, EMPTY = 0x1000, FROM_EMPTY = 4 };
enum { ATTR_RDONLY = 1, ATTR_NOSUID = 2, ATTR_NOATIME = 0x10, ATTR_ATIME = 0x70 };

struct attributes {
	uint64_t set, clear, propagation, user_namespace;
};

static int set_attributes(const char *path, unsigned flags, uint64_t set, uint64_t clear)
{
	const struct attributes a = {.set = set, .clear = clear};
	return (int)syscall(SYS_mount_setattr, AT_FDCWD, path, flags, &a, sizeof(a));
}

static void folder(const char *path)
{
	CHECK_OK(mkdir(path, 0755) == 0 || errno == EEXIST ? 0 : -1);
}

static void tmpfs_at(const char *path, unsigned long flags)
{
	folder(path);
	CHECK_OK(mount("tmpfs", path, "tmpfs", flags, NULL));
}

/* Root of a new user namespace with a copy of the mounts. */
static void enter_less(void)
{
	char map[64];
	uid_t uid = getuid();
	CHECK_OK(unshare(CLONE_NEWUSER | CLONE_NEWNS));
	CHECK_OK(put_text("/proc/self/setgroups", "deny"));
	snprintf(map, sizeof(map), "0 %u 1", uid);
	CHECK_OK(put_text("/proc/self/uid_map", map));
	CHECK_OK(put_text("/proc/self/gid_map", map));
}

TEST(copied_mounts_are_locked_together)
{
	private_mounts();
	tmpfs_at("m", 0);
	write_text("m/hidden", "");
	folder("m/a");
	write_text("m/a/below", "");
	tmpfs_at("m/a", 0);
	enter_less();
	CHECK_ERR(umount("m/a"), EINVAL);
	CHECK_ERR(umount2("m/a", MNT_DETACH), EINVAL);
	folder("n");
	CHECK_ERR(mount("m", "n", NULL, MS_BIND, NULL), EINVAL);
	CHECK_ERR(mount("m/a", "n", NULL, MS_MOVE, NULL), EINVAL);
	CHECK_ERR(syscall(SYS_open_tree, AT_FDCWD, "m", OPEN_CLONE), EINVAL);
	CHECK_OK(mount("m", "n", NULL, MS_BIND | MS_REC, NULL));
	CHECK_ERR(access("n/a/below", F_OK), ENOENT);
	CHECK_ERR(umount("n/a"), EINVAL);
	CHECK_OK(umount2("n", MNT_DETACH));
	CHECK_OK(mount("m/a", "n", NULL, MS_BIND, NULL));
	CHECK_OK(umount("n"));
}

TEST(own_mounts_are_free)
{
	private_mounts();
	tmpfs_at("m", 0);
	enter_less();
	tmpfs_at("m/b", MS_RDONLY);
	CHECK_OK(mount(NULL, "m/b", NULL, MS_REMOUNT | MS_BIND, NULL));
	folder("n");
	CHECK_OK(mount("m/b", "n", NULL, MS_MOVE, NULL));
	CHECK_OK(umount("n"));
}

TEST(restrictions_stay)
{
	private_mounts();
	tmpfs_at("m", MS_NOSUID | MS_NODEV | MS_NOEXEC);
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
	enter_less();
	CHECK_ERR(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), EPERM);
	CHECK_ERR(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NODEV | MS_NOEXEC, NULL), EPERM);
	CHECK_ERR(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NOEXEC, NULL), EPERM);
	CHECK_ERR(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL), EPERM);
	CHECK_ERR(set_attributes("m", 0, 0, ATTR_RDONLY), EPERM);
	CHECK_ERR(set_attributes("m", 0, 0, ATTR_NOSUID), EPERM);
	CHECK_ERR(set_attributes("m", 0, ATTR_NOATIME, ATTR_ATIME), EPERM);
	CHECK_OK(mount(NULL, "m", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL));
	/* A copy of it is as restricted. */
	folder("n");
	CHECK_OK(mount("m", "n", NULL, MS_BIND, NULL));
	CHECK_ERR(mount(NULL, "n", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), EPERM);
	CHECK_ERR(mount(NULL, "m", NULL, MS_REMOUNT | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL), EPERM);
}

TEST(one_locked_mount_refuses_all)
{
	private_mounts();
	tmpfs_at("m", 0);
	tmpfs_at("m/a", MS_RDONLY);
	CHECK_OK(mount(NULL, "m/a", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	enter_less();
	tmpfs_at("m/b", MS_RDONLY);
	CHECK_ERR(set_attributes("m", RECURSIVE, ATTR_NOSUID, ATTR_RDONLY), EPERM);
	CHECK_ERR(mkdir("m/b/d", 0755), EROFS);
	CHECK_OK(set_attributes("m", RECURSIVE, ATTR_NOSUID, 0));
}

TEST(mounts_arrive_from_outside_and_do_not_leave)
{
	struct turn entered = turn_create(), mounted = turn_create(), seen = turn_create();
	private_mounts();
	tmpfs_at("m", 0);
	CHECK_OK(mount(NULL, "m", NULL, MS_SHARED, NULL));
	folder("m/a");
	folder("m/b");
	pid_t child = fork_checked();
	if (child == 0) {
		enter_less();
		CHECK(strstr(read_text("/proc/self/mountinfo"), " master:"));
		CHECK_OK(mount("tmpfs", "m/b", "tmpfs", 0, NULL));
		write_text("m/b/f", "");
		turn_give(entered);
		turn_take(mounted);
		CHECK_OK(access("m/a/f", F_OK));
		CHECK_OK(access("m/a/c/g", F_OK));
		CHECK_ERR(umount("m/a/c"), EINVAL);	/* came with the other */
		CHECK_ERR(mount(NULL, "m/a", NULL, MS_REMOUNT | MS_BIND, NULL), EPERM);
		CHECK_OK(umount2("m/a", MNT_DETACH));	/* the top of what came */
		turn_give(seen);
		_exit(0);
	}
	turn_take(entered);
	CHECK_ERR(access("m/b/f", F_OK), ENOENT);
	tmpfs_at("tree", 0);
	write_text("tree/f", "");
	tmpfs_at("tree/c", 0);
	write_text("tree/c/g", "");
	CHECK_OK(mount(NULL, "tree", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	CHECK_OK(mount("tree", "m/a", NULL, MS_BIND | MS_REC, NULL));
	turn_give(mounted);
	turn_take(seen);
	CHECK_EQ(wait_exit(child), 0);
	CHECK_OK(access("m/a/f", F_OK));
}

TEST(propagation_can_be_changed)
{
	private_mounts();
	tmpfs_at("m", 0);
	CHECK_OK(mount(NULL, "m", NULL, MS_SHARED, NULL));
	enter_less();
	CHECK_OK(mount(NULL, "m", NULL, MS_SHARED, NULL));
	CHECK(strstr(read_text("/proc/self/mountinfo"), "shared:"));
	CHECK_OK(mount(NULL, "m", NULL, MS_PRIVATE, NULL));
}

TEST(pivot_root_keeps_the_lock)
{
	private_mounts();
	tmpfs_at("base", 0);
	folder("base/proc");
	CHECK_OK(mount("/proc", "base/proc", NULL, MS_BIND | MS_REC, NULL));
	CHECK_OK(chdir("base"));
	CHECK_OK(mount(".", "/", NULL, MS_MOVE, NULL));
	CHECK_OK(chroot("."));
	enter_less();
	tmpfs_at("root", 0);
	folder("root/old");
	CHECK_OK(syscall(SYS_pivot_root, "root", "root/old"));
	CHECK_OK(chdir("/"));
	CHECK_OK(umount2("/old", MNT_DETACH));
	CHECK_ERR(umount2("/", MNT_DETACH), EINVAL);
}

TEST(no_user_namespace_below_a_changed_root)
{
	private_mounts();
	tmpfs_at("base", 0);
	folder("base/proc");
	CHECK_OK(chdir("base"));
	CHECK_OK(chroot("."));
	CHECK_ERR(unshare(CLONE_NEWUSER), EPERM);
	CHECK_ERR(unshare(CLONE_NEWUSER | CLONE_NEWNS), EPERM);
	CHECK_ERR(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0), EPERM);
}

TEST(other_peoples_file_systems_are_not_theirs)
{
	private_mounts();
	tmpfs_at("m", 0);
	enter_less();
	CHECK_ERR(mount(NULL, "m", NULL, MS_REMOUNT | MS_RDONLY, NULL), EPERM);
	folder("n");
	CHECK_ERR(mount("/dev/vda", "n", "ext2", 0, NULL), EPERM);
	CHECK_ERR(mount("devtmpfs", "n", "devtmpfs", 0, NULL), EPERM);
	CHECK_OK(mount("tmpfs", "n", "tmpfs", 0, NULL));
}
