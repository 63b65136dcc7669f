// SPDX-License-Identifier: MPL-2.0
/*
 * Extended attributes: the rules of xattr(7), on a file system in memory (privileged names only) and on the
 * test machine's disk, and file capabilities.
 */
#include "disk.h"

#include <linux/capability.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/xattr.h>

static void enter_memory(void)
{
	private_mounts();
	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mount("tmpfs", "m", "tmpfs", 0, "mode=755"));
	CHECK_OK(chdir("m"));
}

/* The value as text. */
static const char *value_of(const char *path, const char *name)
{
	static char value[256];
	ssize_t length = CHECK_OK(lgetxattr(path, name, value, sizeof(value) - 1));
	value[length] = 0;
	return value;
}

static void set_value(const char *path, const char *name, const char *value)
{
	CHECK_OK(lsetxattr(path, name, value, strlen(value), 0));
}

static int has_name(const char *list, ssize_t length, const char *name)
{
	for (ssize_t at = 0; at < length; at += (ssize_t)strlen(list + at) + 1)
		if (strcmp(list + at, name) == 0)
			return 1;
	return 0;
}

TEST(memory_keeps_privileged_names)
{
	enter_memory();
	close(make_file("f"));
	char value[16];
	CHECK_ERR(setxattr("f", "user.a", "1", 1, 0), EOPNOTSUPP);
	CHECK_ERR(getxattr("f", "user.a", value, sizeof(value)), EOPNOTSUPP);
	set_value("f", "trusted.a", "one");
	set_value("f", "security.b", "two");
	CHECK_STR(value_of("f", "trusted.a"), "one");
	CHECK_STR(value_of("f", "security.b"), "two");
	CHECK_ERR(setxattr("f", "system.nothing", "1", 1, 0), EOPNOTSUPP);
	CHECK_ERR(setxattr("f", "nothing", "1", 1, 0), EOPNOTSUPP);
}

TEST(create_and_replace)
{
	enter_memory();
	close(make_file("f"));
	char value[16];
	CHECK_ERR(setxattr("f", "trusted.a", "1", 1, XATTR_REPLACE), ENODATA);
	CHECK_OK(setxattr("f", "trusted.a", "1", 1, XATTR_CREATE));
	CHECK_ERR(setxattr("f", "trusted.a", "2", 1, XATTR_CREATE), EEXIST);
	CHECK_OK(setxattr("f", "trusted.a", "22", 2, XATTR_REPLACE));
	CHECK_STR(value_of("f", "trusted.a"), "22");
	CHECK_ERR(setxattr("f", "trusted.a", "1", 1, 8), EINVAL);
	CHECK_OK(removexattr("f", "trusted.a"));
	CHECK_ERR(removexattr("f", "trusted.a"), ENODATA);
	CHECK_ERR(getxattr("f", "trusted.a", value, sizeof(value)), ENODATA);
}

TEST(sizes)
{
	enter_memory();
	close(make_file("f"));
	static char big[65537];
	char value[16], name[300];
	CHECK_OK(setxattr("f", "trusted.empty", "", 0, 0));
	CHECK_EQ(getxattr("f", "trusted.empty", value, sizeof(value)), 0);
	set_value("f", "trusted.five", "12345");
	CHECK_EQ(getxattr("f", "trusted.five", NULL, 0), 5);
	CHECK_ERR(getxattr("f", "trusted.five", value, 4), ERANGE);
	CHECK_EQ(getxattr("f", "trusted.five", value, 5), 5);
	CHECK_ERR(setxattr("f", "trusted.big", big, sizeof(big), 0), E2BIG);
	CHECK_OK(setxattr("f", "trusted.big", big, 65536, 0));
	CHECK_EQ(getxattr("f", "trusted.big", big, sizeof(big)), 65536);
	memset(name, 'n', sizeof(name));
	memcpy(name, "trusted.", 8);
	name[255] = 0;
	CHECK_OK(setxattr("f", name, "x", 1, 0));
	name[255] = 'n';
	name[256] = 0;
	CHECK_ERR(setxattr("f", name, "x", 1, 0), ERANGE);
	CHECK_ERR(setxattr("f", "", "x", 1, 0), ERANGE);
	CHECK_ERR(setxattr("f", "trusted.bad", bad_address(), 4, 0), EFAULT);
	CHECK_ERR(getxattr("f", "trusted.five", bad_address(), 5), EFAULT);
	CHECK_ERR(listxattr("f", bad_address(), 4096), EFAULT);
	CHECK_ERR(setxattr("missing", "trusted.a", "x", 1, 0), ENOENT);
	CHECK_ERR(fsetxattr(-1, "trusted.a", "x", 1, 0), EBADF);
}

TEST(listing)
{
	enter_memory();
	close(make_file("f"));
	char list[256];
	CHECK_EQ(listxattr("f", list, sizeof(list)), 0);
	set_value("f", "trusted.a", "1");
	set_value("f", "security.bb", "2");
	CHECK_EQ(listxattr("f", NULL, 0), 10 + 12);
	ssize_t length = CHECK_OK(listxattr("f", list, sizeof(list)));
	CHECK_EQ(length, 10 + 12);
	CHECK(has_name(list, length, "trusted.a") && has_name(list, length, "security.bb"));
	CHECK_ERR(listxattr("f", list, 21), ERANGE);
	if (fork_checked() == 0) {
		become_nobody();
		length = CHECK_OK(listxattr("f", list, sizeof(list)));
		CHECK_EQ(length, 12);
		CHECK(has_name(list, length, "security.bb"));
		exit(0);
	}
	int status;
	CHECK_OK(wait(&status));
	CHECK_EQ(status, 0);
}

TEST(links_and_descriptors)
{
	enter_memory();
	int fd = make_file("f");
	CHECK_OK(symlink("f", "l"));
	set_value("f", "trusted.a", "file");
	CHECK_OK(lsetxattr("l", "trusted.a", "link", 4, 0));
	CHECK_STR(value_of("l", "trusted.a"), "link");
	char value[16] = "";
	CHECK_EQ(getxattr("l", "trusted.a", value, sizeof(value)), 4);
	CHECK(memcmp(value, "file", 4) == 0);
	CHECK_OK(fsetxattr(fd, "trusted.b", "fd", 2, 0));
	CHECK_EQ(fgetxattr(fd, "trusted.b", value, sizeof(value)), 2);
	CHECK_EQ(flistxattr(fd, NULL, 0), 20);
	CHECK_OK(fremovexattr(fd, "trusted.b"));
	CHECK_OK(lremovexattr("l", "trusted.a"));
	CHECK_EQ(llistxattr("l", NULL, 0), 0);
	int path = CHECK_OK(open("f", O_PATH));
	CHECK_ERR(fgetxattr(path, "trusted.a", value, sizeof(value)), EBADF);
}

TEST(trusted_needs_privilege)
{
	enter_memory();
	close(make_file("f"));
	set_value("f", "trusted.a", "1");
	set_value("f", "security.a", "1");
	become_nobody();
	char value[16];
	CHECK_ERR(setxattr("f", "trusted.a", "2", 1, 0), EPERM);
	CHECK_ERR(getxattr("f", "trusted.a", value, sizeof(value)), ENODATA);
	CHECK_ERR(removexattr("f", "trusted.a"), EPERM);
	CHECK_EQ(getxattr("f", "security.a", value, sizeof(value)), 1);
}

TEST(read_only_mount_refuses)
{
	enter_memory();
	close(make_file("f"));
	set_value("f", "trusted.a", "1");
	CHECK_OK(mount(NULL, ".", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL));
	CHECK_OK(chdir(".."));
	CHECK_ERR(setxattr("m/f", "trusted.a", "2", 1, 0), EROFS);
	CHECK_ERR(removexattr("m/f", "trusted.a"), EROFS);
	CHECK_STR(value_of("m/f", "trusted.a"), "1");
}

TEST(change_moves_ctime)
{
	struct stat before, after;
	enter_memory();
	close(make_file("f"));
	CHECK_OK(stat("f", &before));
	sleep_ms(20);
	set_value("f", "trusted.a", "1");
	CHECK_OK(stat("f", &after));
	CHECK(after.st_ctim.tv_sec > before.st_ctim.tv_sec || after.st_ctim.tv_nsec != before.st_ctim.tv_nsec);
	CHECK(after.st_mtim.tv_nsec == before.st_mtim.tv_nsec);
}

TEST(disk_keeps_them)
{
	disk_enter_folder("xattr_kept", 0777);
	close(make_file("f"));
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(symlink("f", "l"));
	set_value("f", "user.colour", "green");
	set_value("f", "trusted.t", "secret");
	set_value("f", "user.empty", "");
	set_value("d", "trusted.overlay.opaque", "y");
	set_value("l", "trusted.l", "link");
	disk_again("xattr_kept");
	CHECK_STR(value_of("f", "user.colour"), "green");
	CHECK_STR(value_of("f", "trusted.t"), "secret");
	CHECK_STR(value_of("f", "user.empty"), "");
	CHECK_STR(value_of("d", "trusted.overlay.opaque"), "y");
	CHECK_STR(value_of("l", "trusted.l"), "link");
	char list[256];
	ssize_t length = CHECK_OK(listxattr("f", list, sizeof(list)));
	CHECK_EQ(length, 12 + 10 + 11);
	CHECK(has_name(list, length, "user.colour") && has_name(list, length, "trusted.t"));
	CHECK_OK(removexattr("f", "user.colour"));
	disk_again("xattr_kept");
	CHECK_ERR(lgetxattr("f", "user.colour", list, sizeof(list)), ENODATA);
	CHECK_STR(value_of("f", "trusted.t"), "secret");
	disk_leave();
}

TEST(disk_many_changes)
{
	char name[32], value[64];
	disk_enter_folder("xattr_changes", 0777);
	close(make_file("f"));
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < 12; i++) {
			snprintf(name, sizeof(name), "user.n%d", i * 7 % 12);
			snprintf(value, sizeof(value), "%.*s%d", i + round * 5, "................................", i);
			set_value("f", name, value);
		}
	for (int i = 0; i < 12; i += 2) {
		snprintf(name, sizeof(name), "user.n%d", i * 7 % 12);
		CHECK_OK(removexattr("f", name));
	}
	disk_again("xattr_changes");
	for (int i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "user.n%d", i * 7 % 12);
		snprintf(value, sizeof(value), "%.*s%d", i + 10, "................................", i);
		if (i % 2)
			CHECK_STR(value_of("f", name), value);
		else
			CHECK_ERR(lgetxattr("f", name, value, sizeof(value)), ENODATA);
	}
	disk_leave();
}

TEST(disk_full_block)
{
	static char value[8192];
	disk_enter_folder("xattr_full", 0777);
	close(make_file("f"));
	set_value("f", "user.first", "stays");
	memset(value, 'v', sizeof(value));
	CHECK_ERR(setxattr("f", "user.big", value, sizeof(value), 0), ENOSPC);
	CHECK_STR(value_of("f", "user.first"), "stays");
	CHECK_ERR(lgetxattr("f", "user.big", value, sizeof(value)), ENODATA);
	disk_leave();
}

/* Many files with the same attributes, and the removal of them, give every block back. */
TEST(disk_blocks_come_back)
{
	struct statvfs before, after;
	char name[32];
	disk_enter_folder("xattr_blocks", 0777);
	CHECK_OK(statvfs(".", &before));
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		close(make_file(name));
		set_value(name, "trusted.same", "the same everywhere");
		set_value(name, "user.same",
			"long enough that no room behind the record holds it, whatever the size of the record may be: "
			"0123456789012345678901234567890123456789012345678901234567890123456789");
		if (i % 4 == 0)
			set_value(name, "user.same", "changed");
	}
	disk_again("xattr_blocks");
	CHECK_STR(value_of("f1", "trusted.same"), "the same everywhere");
	CHECK_STR(value_of("f4", "user.same"), "changed");
	for (int i = 0; i < 40; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		CHECK_OK(unlink(name));
	}
	sync();
	CHECK_OK(statvfs(".", &after));
	CHECK(after.f_bfree + 2 >= before.f_bfree);
	disk_leave();
}

TEST(disk_user_names)
{
	disk_enter_folder("xattr_user", 0777);
	close(make_file("f"));
	CHECK_OK(symlink("f", "l"));
	CHECK_OK(mkfifo("p", 0666));
	CHECK_OK(mkdir("sticky", 0777));
	CHECK_OK(chmod("sticky", 01777));
	CHECK_OK(mkdir("open", 0777));
	CHECK_OK(chmod("open", 0777));
	char value[16];
	CHECK_ERR(lsetxattr("l", "user.a", "1", 1, 0), EPERM);
	CHECK_ERR(lsetxattr("p", "user.a", "1", 1, 0), EPERM);
	CHECK_ERR(lgetxattr("p", "user.a", value, sizeof(value)), ENODATA);
	CHECK_ERR(setxattr("f", "user.", "1", 1, 0), EINVAL);
	set_value("f", "user.a", "1");
	CHECK_OK(chmod("f", 0600));
	if (fork_checked() == 0) {
		become_nobody();
		CHECK_ERR(getxattr("f", "user.a", value, sizeof(value)), EACCES);
		CHECK_ERR(setxattr("f", "user.a", "1", 1, 0), EACCES);
		CHECK_ERR(setxattr("sticky", "user.a", "1", 1, 0), EPERM);
		CHECK_OK(setxattr("open", "user.a", "1", 1, 0));
		exit(0);
	}
	int status;
	CHECK_OK(wait(&status));
	CHECK_EQ(status, 0);
	CHECK_STR(value_of("open", "user.a"), "1");
	disk_leave();
}

/* --- file capabilities --- */

static void set_capability(const char *path, int capability, int effective)
{
	struct vfs_cap_data data = {.magic_etc = VFS_CAP_REVISION_2 | (effective ? VFS_CAP_FLAGS_EFFECTIVE : 0)};
	data.data[capability / 32].permitted = 1u << (capability % 32);
	CHECK_OK(setxattr(path, "security.capability", &data, sizeof(data), 0));
}

/* A copy of this program, which tells its effective capabilities when it is asked to. */
static void copy_self(const char *path)
{
	static char block[65536];
	int from = CHECK_OK(open("/proc/self/exe", O_RDONLY)), to = make_file(path);
	ssize_t count;
	while ((count = read(from, block, sizeof(block))) > 0)
		CHECK_EQ(write(to, block, (size_t)count), count);
	CHECK_OK(fchmod(to, 0755));
	close(from);
	close(to);
}

static uint64_t effective_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};
	CHECK_OK(syscall(SYS_capget, &header, data));
	return data[0].effective | (uint64_t)data[1].effective << 32;
}

__attribute__((constructor)) static void tell_capabilities(void)
{
	if (getenv("TELL_CAPABILITIES")) {
		uint64_t seen = effective_capabilities();
		_exit(seen == 0 ? 10 : seen == 1ull << CAP_NET_RAW ? 11 : 12);
	}
}

static int run_as_nobody(const char *path, int no_new_privileges)
{
	pid_t child = fork_checked();
	if (child == 0) {
		become_nobody();
		if (no_new_privileges)
			CHECK_OK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
		setenv("TELL_CAPABILITIES", "1", 1);
		execl(path, path, NULL);
		_exit(99);
	}
	return wait_exit(child);
}

TEST(capability_is_given_at_exec)
{
	enter_memory();
	copy_self("p");
	CHECK_EQ(run_as_nobody("p", 0), 10);
	set_capability("p", CAP_NET_RAW, 1);
	CHECK_EQ(run_as_nobody("p", 0), 11);
	CHECK_EQ(run_as_nobody("p", 1), 10);
	set_capability("p", CAP_NET_RAW, 0);
	CHECK_EQ(run_as_nobody("p", 0), 10);
	set_capability("p", CAP_NET_RAW, 1);
	CHECK_OK(mount(NULL, ".", NULL, MS_REMOUNT | MS_BIND | MS_NOSUID, NULL));
	CHECK_EQ(run_as_nobody("p", 0), 10);
}

TEST(capability_value_is_checked)
{
	enter_memory();
	close(make_file("f"));
	struct vfs_cap_data data = {.magic_etc = VFS_CAP_REVISION_2};
	CHECK_ERR(setxattr("f", "security.capability", &data, sizeof(data) - 4, 0), EINVAL);
	data.magic_etc = 0x05000000;
	CHECK_ERR(setxattr("f", "security.capability", &data, sizeof(data), 0), EINVAL);
	set_capability("f", CAP_NET_RAW, 1);
	CHECK_EQ(getxattr("f", "security.capability", NULL, 0), 20);
	become_nobody();
	CHECK_ERR(setxattr("f", "security.capability", &data, sizeof(data), 0), EINVAL);
	data.magic_etc = VFS_CAP_REVISION_2;
	CHECK_ERR(setxattr("f", "security.capability", &data, sizeof(data), 0), EPERM);
}

TEST(capability_goes_with_a_change)
{
	enter_memory();
	char value[32];
	int fd = make_file("f");
	set_capability("f", CAP_NET_RAW, 1);
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_ERR(getxattr("f", "security.capability", value, sizeof(value)), ENODATA);
	set_capability("f", CAP_NET_RAW, 1);
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_ERR(getxattr("f", "security.capability", value, sizeof(value)), ENODATA);
	set_capability("f", CAP_NET_RAW, 1);
	CHECK_OK(ftruncate(fd, 0));
	CHECK_ERR(getxattr("f", "security.capability", value, sizeof(value)), ENODATA);
	set_capability("f", CAP_NET_RAW, 1);
	CHECK_OK(chown("f", 5, 5));
	CHECK_ERR(getxattr("f", "security.capability", value, sizeof(value)), ENODATA);
	set_capability("f", CAP_NET_RAW, 1);
	CHECK_OK(chmod("f", 0711));
	CHECK_EQ(getxattr("f", "security.capability", value, sizeof(value)), 20);
}

/* Set inside a user namespace the value names that namespace's root; outside it gives nothing. */
TEST(capability_of_a_user_namespace)
{
	enter_memory();
	CHECK_OK(chmod(".", 0777));
	copy_self("p");
	CHECK_OK(chown("p", 1000, 1000));
	struct turn ready = turn_create(), mapped = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(setresgid(1000, 1000, 1000));
		CHECK_OK(setresuid(1000, 1000, 1000));
		CHECK_OK(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
		CHECK_OK(unshare(CLONE_NEWUSER));
		turn_give(ready);
		turn_take(mapped);
		set_capability("p", CAP_NET_RAW, 1);
		CHECK_EQ(getxattr("p", "security.capability", NULL, 0), 20);
		_exit(0);
	}
	char path[64];
	turn_take(ready);
	snprintf(path, sizeof(path), "/proc/%d/uid_map", child);
	CHECK_OK(put_text(path, "0 1000 1"));
	snprintf(path, sizeof(path), "/proc/%d/gid_map", child);
	CHECK_OK(put_text(path, "0 1000 1"));
	turn_give(mapped);
	CHECK_EQ(wait_exit(child), 0);
	struct vfs_ns_cap_data seen;
	CHECK_EQ(getxattr("p", "security.capability", &seen, sizeof(seen)), 24);
	CHECK_EQ(seen.rootid, 1000);
	CHECK_EQ(run_as_nobody("p", 0), 10);
}
