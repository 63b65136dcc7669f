// SPDX-License-Identifier: MPL-2.0
/* The mount calls by descriptor: fsopen, fsconfig, fsmount, fspick, open_tree, move_mount, mount_setattr. */
#include "support.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>

enum { OPEN_CLONE = 1, RECURSIVE = 0x8000, FROM_EMPTY = 4, TO_EMPTY = 0x40 };
enum { SET_FLAG, SET_STRING, SET_BINARY, SET_PATH, SET_PATH_EMPTY, SET_FD, CMD_CREATE, CMD_RECONFIGURE };
enum { ATTR_RDONLY = 1, ATTR_NOSUID = 2, ATTR_NODEV = 4, ATTR_NOEXEC = 8, ATTR_ATIME = 0x70, ATTR_NOATIME = 0x10,
	ATTR_STRICTATIME = 0x20 };

struct attributes {
	uint64_t set, clear, propagation, user_namespace;
};

static int fsopen_of(const char *type)
{
	return (int)syscall(SYS_fsopen, type, 1);
}

static int configure(int fd, unsigned command, const char *key, const void *value, int aux)
{
	return (int)syscall(SYS_fsconfig, fd, command, key, value, aux);
}

static int fsmount_of(int fd, unsigned attributes)
{
	return (int)syscall(SYS_fsmount, fd, 1, attributes);
}

static int open_tree_of(const char *path, unsigned flags)
{
	return (int)syscall(SYS_open_tree, AT_FDCWD, path, flags | O_CLOEXEC);
}

static int move_to(int fd, const char *path)
{
	return (int)syscall(SYS_move_mount, fd, "", AT_FDCWD, path, FROM_EMPTY);
}

static int set_attributes(int fd, const char *path, unsigned flags, const struct attributes *a)
{
	return (int)syscall(SYS_mount_setattr, fd, path, flags, a, sizeof(*a));
}

/* A configured and mounted tmpfs that is nowhere attached. */
static int detached_tmpfs(const char *size)
{
	int fd = CHECK_OK(fsopen_of("tmpfs"));
	CHECK_OK(configure(fd, SET_STRING, "size", size, 0));
	CHECK_OK(configure(fd, SET_STRING, "source", "the-source", 0));
	CHECK_OK(configure(fd, CMD_CREATE, NULL, NULL, 0));
	int mount_fd = CHECK_OK(fsmount_of(fd, 0));
	CHECK_OK(close(fd));
	return mount_fd;
}

static unsigned long flags_of(const char *path)
{
	struct statvfs info;
	CHECK_OK(statvfs(path, &info));
	return info.f_flag;
}

static void fresh_folder(const char *path)
{
	CHECK_OK(mkdir(path, 0755));
}

TEST(a_file_system_in_steps)
{
	struct statvfs info;
	private_mounts();
	fresh_folder("m");
	int fd = detached_tmpfs("64k");
	CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	CHECK_OK(mkdirat(fd, "inside", 0755));
	CHECK_ERR(access("m/inside", F_OK), ENOENT);
	CHECK_OK(move_to(fd, "m"));
	CHECK_OK(access("m/inside", F_OK));
	CHECK_OK(statvfs("m", &info));
	CHECK_EQ(info.f_blocks * info.f_bsize, 65536);
	CHECK(strstr(read_text("/proc/self/mounts"), "the-source "));
	CHECK_ERR(umount("m"), EBUSY);
	CHECK_OK(close(fd));
	CHECK_OK(umount("m"));
}

TEST(an_unattached_mount_goes_with_its_descriptor)
{
	private_mounts();
	int fd = detached_tmpfs("1m");
	int file = CHECK_OK(openat(fd, "f", O_CREAT | O_RDWR, 0644));
	CHECK_OK(close(fd));
	CHECK_EQ(write(file, "x", 1), 1);
	CHECK_OK(close(file));
}

TEST(steps_out_of_order)
{
	private_mounts();
	int fd = CHECK_OK(fsopen_of("tmpfs"));
	CHECK_ERR(fsmount_of(fd, 0), EINVAL);
	CHECK_ERR(configure(fd, CMD_RECONFIGURE, NULL, NULL, 0), EBUSY);
	CHECK_OK(configure(fd, CMD_CREATE, NULL, NULL, 0));
	CHECK_ERR(configure(fd, CMD_CREATE, NULL, NULL, 0), EBUSY);
	CHECK_ERR(configure(fd, SET_STRING, "size", "1m", 0), EBUSY);
	CHECK_ERR(fsmount_of(fd, 0x80000000), EINVAL);
	CHECK_ERR(fsmount_of(fd, 0x30), EINVAL);
	CHECK_OK(fsmount_of(fd, ATTR_RDONLY));
	CHECK_ERR(fsmount_of(fd, 0), EBUSY);
	CHECK_OK(close(fd));
}

TEST(fsopen_errors)
{
	private_mounts();
	CHECK_ERR(fsopen_of("no-such-type"), ENODEV);
	CHECK_ERR(syscall(SYS_fsopen, "tmpfs", 2), EINVAL);
	CHECK_ERR(syscall(SYS_fsopen, bad_address(), 0), EFAULT);
	int fd = CHECK_OK(fsopen_of("tmpfs")), other = make_file("f");
	CHECK_ERR(configure(other, CMD_CREATE, NULL, NULL, 0), EINVAL);
	CHECK_ERR(configure(9999, CMD_CREATE, NULL, NULL, 0), EBADF);
	CHECK_ERR(configure(fd, 77, NULL, NULL, 0), EOPNOTSUPP);
	CHECK_ERR(configure(fd, CMD_CREATE, "key", NULL, 0), EINVAL);
	CHECK_ERR(configure(fd, SET_FLAG, "ro", "value", 0), EINVAL);
	CHECK_ERR(configure(fd, SET_STRING, "size", NULL, 0), EINVAL);
	CHECK_ERR(configure(fd, SET_STRING, NULL, "1m", 0), EINVAL);
	CHECK_ERR(configure(fd, SET_STRING, "size", "nonsense", 0), EINVAL);
	CHECK_ERR(configure(fd, SET_STRING, bad_address(), "1m", 0), EFAULT);
	CHECK_ERR(fsmount_of(other, 0), EINVAL);
	CHECK_ERR(syscall(SYS_fsmount, fd, 2, 0), EINVAL);
	become_nobody();
	CHECK_ERR(fsopen_of("tmpfs"), EPERM);
}

TEST(messages_can_be_read)
{
	char text[200] = "";
	private_mounts();
	int fd = CHECK_OK(fsopen_of("tmpfs"));
	CHECK_ERR(read(fd, text, sizeof(text)), ENODATA);
	CHECK_ERR(configure(fd, SET_STRING, "nonsense", "1", 0), EINVAL);
	CHECK(read(fd, text, sizeof(text) - 1) > 0);
	CHECK(text[0] == 'e' && text[1] == ' ');
	CHECK(strstr(text, "tmpfs: Unknown parameter 'nonsense'"));
	CHECK_ERR(read(fd, text, sizeof(text)), ENODATA);
	CHECK_ERR(configure(fd, SET_FLAG, "other", NULL, 0), EINVAL);
	CHECK_ERR(read(fd, text, 3), EMSGSIZE);
	CHECK(read(fd, text, sizeof(text)) > 0);
	CHECK_ERR(read(fd, text, sizeof(text)), ENODATA);
	CHECK_OK(configure(fd, CMD_CREATE, NULL, NULL, 0));
}

TEST(read_only_superblock_and_mount)
{
	private_mounts();
	fresh_folder("m");
	int fd = CHECK_OK(fsopen_of("tmpfs"));
	CHECK_OK(configure(fd, SET_FLAG, "ro", NULL, 0));
	CHECK_OK(configure(fd, CMD_CREATE, NULL, NULL, 0));
	int mount_fd = CHECK_OK(fsmount_of(fd, ATTR_NOSUID | ATTR_NODEV | ATTR_NOEXEC));
	CHECK_OK(move_to(mount_fd, "m"));
	CHECK_ERR(mkdir("m/d", 0755), EROFS);
	CHECK_EQ(flags_of("m") & (ST_RDONLY | ST_NOSUID), ST_RDONLY | ST_NOSUID);
	int again = CHECK_OK(syscall(SYS_fspick, AT_FDCWD, "m", 1));
	CHECK_OK(configure(again, SET_FLAG, "rw", NULL, 0));
	CHECK_OK(configure(again, SET_STRING, "size", "128k", 0));
	CHECK_OK(configure(again, CMD_RECONFIGURE, NULL, NULL, 0));
	CHECK_OK(mkdir("m/d", 0755));
	CHECK(strstr(read_text("/proc/self/mounts"), "size=128k"));
	CHECK_EQ(flags_of("m") & (ST_RDONLY | ST_NOSUID), ST_NOSUID);
}

TEST(fspick_errors)
{
	private_mounts();
	fresh_folder("m");
	CHECK_ERR(syscall(SYS_fspick, AT_FDCWD, "m", 0), EINVAL);
	CHECK_ERR(syscall(SYS_fspick, AT_FDCWD, "missing", 0), ENOENT);
	CHECK_ERR(syscall(SYS_fspick, AT_FDCWD, "/", 0x100), EINVAL);
	become_nobody();
	CHECK_ERR(syscall(SYS_fspick, AT_FDCWD, "/proc", 0), EPERM);
}

/* m, m/sub mounted within it, and an empty folder n. */
static void nested_mounts(void)
{
	private_mounts();
	fresh_folder("m");
	fresh_folder("n");
	CHECK_OK(mount("tmpfs", "m", "tmpfs", 0, NULL));
	fresh_folder("m/sub");
	fresh_folder("m/plain");
	CHECK_OK(mount("tmpfs", "m/sub", "tmpfs", 0, NULL));
	write_text("m/sub/inner", "");
	write_text("m/outer", "");
}

TEST(open_tree_clones)
{
	nested_mounts();
	int one = CHECK_OK(open_tree_of("m", OPEN_CLONE));
	CHECK_OK(faccessat(one, "outer", F_OK, 0));
	CHECK_ERR(faccessat(one, "sub/inner", F_OK, 0), ENOENT);
	int all = CHECK_OK(open_tree_of("m", OPEN_CLONE | RECURSIVE));
	CHECK_OK(faccessat(all, "sub/inner", F_OK, 0));
	CHECK_OK(faccessat(all, "..", F_OK, 0));
	CHECK_OK(move_to(all, "n"));
	CHECK_OK(access("n/sub/inner", F_OK));
	CHECK_ERR(move_to(all, "n/sub"), ELOOP);
	CHECK_OK(close(one));
	CHECK_OK(close(all));
	CHECK_OK(umount("n/sub"));
	CHECK_OK(umount("n"));
	CHECK_OK(access("m/sub/inner", F_OK));
}

TEST(open_tree_of_a_folder_and_of_a_file)
{
	nested_mounts();
	write_text("m/plain/f", "x");
	write_text("target", "");
	int folder = CHECK_OK(open_tree_of("m/plain", OPEN_CLONE));
	CHECK_OK(faccessat(folder, "f", F_OK, 0));
	CHECK_OK(move_to(folder, "n"));
	CHECK_STR(read_text("n/f"), "x");
	int file = CHECK_OK(open_tree_of("m/plain/f", OPEN_CLONE));
	CHECK_ERR(move_to(file, "n"), EINVAL);
	CHECK_OK(move_to(file, "target"));
	CHECK_STR(read_text("target"), "x");
}

TEST(open_tree_without_clone_is_a_place)
{
	nested_mounts();
	int fd = CHECK_OK(open_tree_of("m", 0));
	CHECK_EQ(fcntl(fd, F_GETFL) & O_PATH, O_PATH);
	CHECK_OK(move_to(fd, "n"));
	CHECK_OK(access("n/sub/inner", F_OK));
	CHECK_ERR(access("m/outer", F_OK), ENOENT);
}

TEST(open_tree_errors)
{
	nested_mounts();
	CHECK_ERR(open_tree_of("m", RECURSIVE), EINVAL);
	CHECK_ERR(open_tree_of("m", 2), EINVAL);
	CHECK_ERR(open_tree_of("missing", OPEN_CLONE), ENOENT);
	CHECK_OK(mount(NULL, "m", NULL, MS_UNBINDABLE, NULL));
	CHECK_ERR(open_tree_of("m", OPEN_CLONE), EINVAL);
	become_nobody();
	CHECK_ERR(open_tree_of("/proc", OPEN_CLONE), EPERM);
	CHECK_OK(open_tree_of("/proc", 0));
}

TEST(unbindable_mounts_stay_behind)
{
	nested_mounts();
	CHECK_OK(mount(NULL, "m/sub", NULL, MS_UNBINDABLE, NULL));
	int all = CHECK_OK(open_tree_of("m", OPEN_CLONE | RECURSIVE));
	CHECK_OK(faccessat(all, "outer", F_OK, 0));
	CHECK_ERR(faccessat(all, "sub/inner", F_OK, 0), ENOENT);
}

TEST(move_mount_errors)
{
	nested_mounts();
	int plain = CHECK_OK(open("m/plain", O_PATH));
	CHECK_ERR(move_to(plain, "n"), EINVAL);
	CHECK_ERR(syscall(SYS_move_mount, AT_FDCWD, "m", AT_FDCWD, "n", 0x1000), EINVAL);
	CHECK_ERR(syscall(SYS_move_mount, AT_FDCWD, "missing", AT_FDCWD, "n", 0), ENOENT);
	CHECK_ERR(syscall(SYS_move_mount, AT_FDCWD, "m", AT_FDCWD, "m/plain", 0), ELOOP);
	CHECK_OK(syscall(SYS_move_mount, AT_FDCWD, "m/sub", AT_FDCWD, "n", 0));
	CHECK_OK(access("n/inner", F_OK));
	int tree = CHECK_OK(open_tree_of("m", OPEN_CLONE));
	CHECK_OK(move_to(tree, "m/plain"));
	CHECK_OK(umount2("m/plain", MNT_DETACH));
	CHECK_ERR(move_to(tree, "m/plain"), EINVAL);
	become_nobody();
	CHECK_ERR(syscall(SYS_move_mount, AT_FDCWD, "/proc", AT_FDCWD, "/tmp", 0), EPERM);
}

TEST(a_moved_tree_propagates)
{
	private_mounts();
	fresh_folder("a");
	fresh_folder("b");
	CHECK_OK(mount("tmpfs", "a", "tmpfs", 0, NULL));
	CHECK_OK(mount(NULL, "a", NULL, MS_SHARED, NULL));
	fresh_folder("a/d");
	CHECK_OK(mount("a", "b", NULL, MS_BIND, NULL));
	int fd = detached_tmpfs("1m");
	CHECK_OK(mkdirat(fd, "inside", 0755));
	CHECK_OK(move_to(fd, "a/d"));
	CHECK_OK(access("b/d/inside", F_OK));
}

TEST(mount_setattr_changes_flags)
{
	struct attributes a = {.set = ATTR_RDONLY | ATTR_NOEXEC};
	nested_mounts();
	CHECK_OK(set_attributes(AT_FDCWD, "m", 0, &a));
	CHECK_EQ(flags_of("m") & (ST_RDONLY | ST_NOEXEC), ST_RDONLY | ST_NOEXEC);
	CHECK_EQ(flags_of("m/sub") & ST_RDONLY, 0);
	CHECK_ERR(mkdir("m/d", 0755), EROFS);
	CHECK_OK(set_attributes(AT_FDCWD, "m", RECURSIVE, &a));
	CHECK_ERR(mkdir("m/sub/d", 0755), EROFS);
	struct attributes back = {.set = ATTR_NOSUID, .clear = ATTR_RDONLY};
	CHECK_OK(set_attributes(AT_FDCWD, "m", RECURSIVE, &back));
	CHECK_EQ(flags_of("m/sub") & (ST_RDONLY | ST_NOEXEC | ST_NOSUID), ST_NOEXEC | ST_NOSUID);
	struct attributes time = {.set = ATTR_NOATIME, .clear = ATTR_ATIME};
	CHECK_OK(set_attributes(AT_FDCWD, "m", 0, &time));
	CHECK_EQ(flags_of("m") & (ST_NOATIME | ST_RELATIME), ST_NOATIME);
	time.set = ATTR_STRICTATIME;
	CHECK_OK(set_attributes(AT_FDCWD, "m", 0, &time));
	CHECK_EQ(flags_of("m") & (ST_NOATIME | ST_RELATIME), 0);
}

TEST(mount_setattr_is_all_or_nothing)
{
	struct attributes a = {.set = ATTR_RDONLY};
	nested_mounts();
	int fd = CHECK_OK(open("m/sub/inner", O_RDWR));
	CHECK_ERR(set_attributes(AT_FDCWD, "m", RECURSIVE, &a), EBUSY);
	CHECK_EQ(flags_of("m") & ST_RDONLY, 0);
	CHECK_OK(close(fd));
	CHECK_OK(set_attributes(AT_FDCWD, "m", RECURSIVE, &a));
}

TEST(mount_setattr_of_an_unattached_tree)
{
	struct attributes a = {.set = ATTR_RDONLY};
	nested_mounts();
	int all = CHECK_OK(open_tree_of("m", OPEN_CLONE | RECURSIVE));
	CHECK_OK(set_attributes(all, "", AT_EMPTY_PATH | RECURSIVE, &a));
	CHECK_ERR(mkdirat(all, "d", 0755), EROFS);
	CHECK_ERR(mkdirat(all, "sub/d", 0755), EROFS);
	CHECK_OK(mkdir("m/d", 0755));
	CHECK_OK(move_to(all, "n"));
	CHECK_ERR(mkdir("n/sub/d", 0755), EROFS);
}

TEST(mount_setattr_sets_propagation)
{
	struct attributes shared = {.propagation = MS_SHARED}, both = {.propagation = MS_SHARED | MS_PRIVATE};
	nested_mounts();
	CHECK_OK(set_attributes(AT_FDCWD, "m", RECURSIVE, &shared));
	CHECK(strstr(read_text("/proc/self/mountinfo"), "/m/sub rw,relatime shared:"));
	CHECK_ERR(set_attributes(AT_FDCWD, "m", 0, &both), EINVAL);
	struct attributes other = {.propagation = MS_RDONLY};
	CHECK_ERR(set_attributes(AT_FDCWD, "m", 0, &other), EINVAL);
}

TEST(mount_setattr_errors)
{
	struct attributes a = {.set = 1ull << 40}, nothing = {0}, good = {.set = ATTR_RDONLY};
	char longer[64] = {ATTR_RDONLY};
	nested_mounts();
	CHECK_ERR(set_attributes(AT_FDCWD, "m", 0, &a), EINVAL);
	a = (struct attributes){.set = ATTR_NOATIME};
	CHECK_ERR(set_attributes(AT_FDCWD, "m", 0, &a), EINVAL);
	a = (struct attributes){.clear = ATTR_NOATIME};
	CHECK_ERR(set_attributes(AT_FDCWD, "m", 0, &a), EINVAL);
	CHECK_OK(set_attributes(AT_FDCWD, "missing", 0, &nothing));
	CHECK_ERR(set_attributes(AT_FDCWD, "missing", 0, &good), ENOENT);
	CHECK_ERR(set_attributes(AT_FDCWD, "m/plain", 0, &good), EINVAL);
	CHECK_ERR(set_attributes(AT_FDCWD, "m", 2, &good), EINVAL);
	CHECK_ERR(syscall(SYS_mount_setattr, AT_FDCWD, "m", 0, &good, 16), EINVAL);
	CHECK_ERR(syscall(SYS_mount_setattr, AT_FDCWD, "m", 0, &good, 5000), E2BIG);
	CHECK_OK(syscall(SYS_mount_setattr, AT_FDCWD, "m", 0, longer, 64));
	longer[60] = 1;
	CHECK_ERR(syscall(SYS_mount_setattr, AT_FDCWD, "m", 0, longer, 64), E2BIG);
	CHECK_ERR(syscall(SYS_mount_setattr, AT_FDCWD, "m", 0, bad_address(), 32), EFAULT);
	become_nobody();
	CHECK_ERR(set_attributes(AT_FDCWD, "/proc", 0, &good), EPERM);
}

TEST(proc_in_steps)
{
	private_mounts();
	fresh_folder("m");
	int fd = CHECK_OK(fsopen_of("proc"));
	CHECK_OK(configure(fd, CMD_CREATE, NULL, NULL, 0));
	int mount_fd = CHECK_OK(fsmount_of(fd, ATTR_NOSUID));
	CHECK_OK(faccessat(mount_fd, "self/stat", F_OK, 0));
	CHECK_OK(move_to(mount_fd, "m"));
	CHECK_OK(access("m/self/stat", F_OK));
}
