// SPDX-License-Identifier: MPL-2.0
/* Id-mapped mounts of the test disk: owners look as the ids of a user namespace say. */
#include "support.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>

enum { OPEN_CLONE = 1, FROM_EMPTY = 4, ATTR_IDMAP = 0x100000, BASE = 100000 };

struct attributes {
	uint64_t set, clear, propagation, user_namespace;
};

static int set_attributes(int tree, uint64_t set, uint64_t clear, int user_namespace)
{
	struct attributes a = {.set = set, .clear = clear, .user_namespace = (uint64_t)user_namespace};
	return (int)syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &a, sizeof(a));
}

/* A user namespace in which 0 to 65535 stand for BASE and up; it stays as long as the descriptor. */
static int mapped_namespace(void)
{
	char path[40];
	struct turn ready = turn_create(), done = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(unshare(CLONE_NEWUSER));
		turn_give(ready);
		turn_take(done);
		_exit(0);
	}
	turn_take(ready);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", child);
	CHECK_OK(put_text(path, "0 100000 65536"));
	snprintf(path, sizeof(path), "/proc/%d/gid_map", child);
	CHECK_OK(put_text(path, "0 100000 65536"));
	snprintf(path, sizeof(path), "/proc/%d/ns/user", child);
	int fd = CHECK_OK(open(path, O_RDONLY | O_CLOEXEC));
	turn_give(done);
	CHECK_EQ(wait_exit(child), 0);
	return fd;
}

static void own(const char *path, unsigned id, mode_t mode)
{
	write_text(path, "x");
	CHECK_OK(chown(path, id, id));
	CHECK_OK(chmod(path, mode));
}

/* /tmp/disk/FOLDER with files of several owners; the copy of it, not attached yet. */
static int disk_tree(const char *folder)
{
	if (access("/dev/vda", F_OK) != 0)
		test_skip("no disk");
	private_mounts();
	CHECK_OK(mkdir("/tmp/disk", 0755) == 0 || errno == EEXIST ? 0 : -1);
	/* Debian's Linux maps ids on ext4 only, which reads the same disk. */
	if (mount("/dev/vda", "/tmp/disk", "ext4", 0, NULL) != 0)
		CHECK_OK(mount("/dev/vda", "/tmp/disk", "ext2", 0, NULL));
	CHECK_OK(chdir("/tmp/disk"));
	CHECK_OK(mkdir(folder, 0755));
	CHECK_OK(chmod(folder, 0777));
	CHECK_OK(chdir(folder));
	own("root", 0, 0644);
	own("user", 1000, 0600);
	own("far", 70000, 0644);
	CHECK_OK(mkdir("/tmp/mapped", 0755) == 0 || errno == EEXIST ? 0 : -1);
	return (int)CHECK_OK(syscall(SYS_open_tree, AT_FDCWD, ".", OPEN_CLONE));
}

static void attach(int tree)
{
	CHECK_OK(syscall(SYS_move_mount, tree, "", AT_FDCWD, "/tmp/mapped", FROM_EMPTY));
}

static unsigned owner_of(const char *path)
{
	struct stat info;
	CHECK_OK(stat(path, &info));
	CHECK_EQ(info.st_uid, info.st_gid);
	return info.st_uid;
}

static void become(unsigned id)
{
	CHECK_OK(setgroups(0, NULL));
	CHECK_OK(setresgid(id, id, id));
	CHECK_OK(setresuid(id, id, id));
}

TEST(owners_look_mapped)
{
	struct stat info;
	int tree = disk_tree("idmap-look");
	CHECK_OK(set_attributes(tree, ATTR_IDMAP, 0, mapped_namespace()));
	attach(tree);
	CHECK_EQ(owner_of("/tmp/mapped/root"), BASE);
	CHECK_EQ(owner_of("/tmp/mapped/user"), BASE + 1000);
	CHECK_EQ(owner_of("/tmp/mapped/far"), 65534);
	CHECK_EQ(owner_of("user"), 1000);
	int fd = CHECK_OK(open("/tmp/mapped/user", O_RDONLY));
	CHECK_OK(fstat(fd, &info));
	CHECK_EQ(info.st_uid, BASE + 1000);
	CHECK(strstr(read_text("/proc/self/mountinfo"), "idmapped"));
}

TEST(permission_follows_the_map)
{
	int tree = disk_tree("idmap-permission");
	CHECK_OK(set_attributes(tree, ATTR_IDMAP, 0, mapped_namespace()));
	attach(tree);
	pid_t child = fork_checked();
	if (child == 0) {
		become(BASE + 1000);
		CHECK_STR(read_text("/tmp/mapped/user"), "x");
		CHECK_ERR(open("user", O_RDONLY), EACCES);
		CHECK_OK(chmod("/tmp/mapped/user", 0640));
		CHECK_ERR(chmod("/tmp/mapped/root", 0640), EPERM);
		CHECK_ERR(open("/tmp/mapped/root", O_WRONLY), EACCES);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	become(1000);
	CHECK_ERR(open("/tmp/mapped/user", O_RDONLY), EACCES);
	CHECK_OK(open("user", O_RDONLY));
}

TEST(what_is_made_is_stored_unmapped)
{
	int tree = disk_tree("idmap-make");
	CHECK_OK(set_attributes(tree, ATTR_IDMAP, 0, mapped_namespace()));
	attach(tree);
	/* Root of the host has no number in the map. */
	CHECK_ERR(open("/tmp/mapped/by-root", O_CREAT | O_WRONLY, 0644), EOVERFLOW);
	CHECK_ERR(mkdir("/tmp/mapped/by-root", 0755), EOVERFLOW);
	pid_t child = fork_checked();
	if (child == 0) {
		become(BASE + 5);
		write_text("/tmp/mapped/file", "x");
		CHECK_OK(mkdir("/tmp/mapped/folder", 0755));
		CHECK_OK(symlink("x", "/tmp/mapped/link"));
		CHECK_OK(rename("/tmp/mapped/file", "/tmp/mapped/folder/file"));
		CHECK_OK(open("/tmp/mapped", O_TMPFILE | O_RDWR, 0600) >= 0 || errno == EOPNOTSUPP ? 0 : -1);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK_EQ(owner_of("folder"), 5);
	CHECK_EQ(owner_of("folder/file"), 5);
	CHECK_EQ(owner_of("/tmp/mapped/folder/file"), BASE + 5);
}

TEST(chown_takes_ids_of_the_map)
{
	int tree = disk_tree("idmap-chown");
	CHECK_OK(set_attributes(tree, ATTR_IDMAP, 0, mapped_namespace()));
	attach(tree);
	CHECK_OK(chown("/tmp/mapped/root", BASE + 7, BASE + 7));
	CHECK_EQ(owner_of("root"), 7);
	CHECK_ERR(chown("/tmp/mapped/root", 7, 7), EOVERFLOW);
	int fd = CHECK_OK(open("/tmp/mapped/root", O_RDONLY));
	CHECK_OK(fchown(fd, BASE + 8, BASE + 8));
	CHECK_EQ(owner_of("root"), 8);
}

TEST(sticky_folders)
{
	int tree = disk_tree("idmap-sticky");
	CHECK_OK(chmod(".", 01777));
	CHECK_OK(set_attributes(tree, ATTR_IDMAP, 0, mapped_namespace()));
	attach(tree);
	become(BASE + 1000);
	CHECK_ERR(unlink("/tmp/mapped/root"), EPERM);
	CHECK_ERR(unlink("/tmp/mapped/far"), EOVERFLOW);
	CHECK_OK(unlink("/tmp/mapped/user"));
}

TEST(who_may_map_what)
{
	int tree = disk_tree("idmap-errors"), namespace = mapped_namespace();
	int host = CHECK_OK(open("/proc/self/ns/user", O_RDONLY)), other = CHECK_OK(open("/proc/self/ns/uts",
		O_RDONLY));
	CHECK_ERR(set_attributes(tree, ATTR_IDMAP, 0, host), EPERM);
	CHECK_ERR(set_attributes(tree, ATTR_IDMAP, 0, other), EINVAL);
	CHECK_ERR(set_attributes(tree, ATTR_IDMAP, 0, tree), EBADF);
	CHECK_ERR(set_attributes(tree, ATTR_IDMAP, 0, 9999), EBADF);
	CHECK_ERR(set_attributes(tree, 0, ATTR_IDMAP, namespace), EINVAL);
	CHECK_OK(set_attributes(tree, ATTR_IDMAP, 0, namespace));
	CHECK_ERR(set_attributes(tree, ATTR_IDMAP, 0, namespace), EPERM);
	int later = (int)CHECK_OK(syscall(SYS_open_tree, AT_FDCWD, ".", OPEN_CLONE));
	attach(later);
	CHECK_ERR(set_attributes(later, ATTR_IDMAP, 0, namespace), EINVAL);
	/* A copy of a mapped mount is mapped. */
	CHECK_OK(umount2("/tmp/mapped", MNT_DETACH));
	attach(tree);
	CHECK_OK(mkdir("/tmp/again", 0755) == 0 || errno == EEXIST ? 0 : -1);
	CHECK_OK(mount("/tmp/mapped", "/tmp/again", NULL, MS_BIND, NULL));
	CHECK_EQ(owner_of("/tmp/again/user"), BASE + 1000);
}

/* An overlay sees the owners as the mount of its lower layer shows them, and copies them up so. */
TEST(lower_layer_of_an_overlay)
{
	int tree = disk_tree("idmap-overlay");
	CHECK_OK(set_attributes(tree, ATTR_IDMAP, 0, mapped_namespace()));
	attach(tree);
	CHECK_OK(mkdir("/tmp/over", 0755) == 0 || errno == EEXIST ? 0 : -1);
	CHECK_OK(mount("tmpfs", "/tmp/over", "tmpfs", 0, "mode=755"));
	CHECK_OK(mkdir("/tmp/over/u", 0755));
	CHECK_OK(mkdir("/tmp/over/w", 0755));
	CHECK_OK(mkdir("/tmp/over/m", 0755));
	CHECK_OK(mount("overlay", "/tmp/over/m", "overlay", 0,
		"lowerdir=/tmp/mapped,upperdir=/tmp/over/u,workdir=/tmp/over/w"));
	CHECK_EQ(owner_of("/tmp/over/m/root"), BASE);
	CHECK_EQ(owner_of("/tmp/over/m/user"), BASE + 1000);
	pid_t child = fork_checked();
	if (child == 0) {
		become(BASE + 1000);
		write_text("/tmp/over/m/user", "changed");
		CHECK_ERR(open("/tmp/over/m/root", O_WRONLY), EACCES);
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK_EQ(owner_of("/tmp/over/u/user"), BASE + 1000);
	CHECK_STR(read_text("user"), "x");
	CHECK_ERR(chmod("/tmp/over/m/far", 0600), EOVERFLOW);
}
