// SPDX-License-Identifier: MPL-2.0
/* Flags of files (chattr): immutable, append-only; in memory and on the disk. source: ioctl_iflags(2) */
#include "support.h"

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/mount.h>

static void enter(const char *type, const char *source)
{
	private_mounts();
	CHECK_OK(mkdir("/tmp/flags", 0755) == 0 || errno == EEXIST ? 0 : -1);
	CHECK_OK(mount(source, "/tmp/flags", type, 0, NULL));
	CHECK_OK(chdir("/tmp/flags"));
	CHECK_OK(mkdir("flags", 0755) == 0 || errno == EEXIST ? 0 : -1);
	CHECK_OK(chdir("flags"));
}

static void enter_disk(void)
{
	if (access("/dev/vda", F_OK) != 0)
		test_skip("no disk");
	enter("ext2", "/dev/vda");
}

static unsigned flags_of(const char *path)
{
	unsigned flags = 0;
	int fd = CHECK_OK(open(path, O_RDONLY));
	CHECK_OK(ioctl(fd, FS_IOC_GETFLAGS, &flags));
	close(fd);
	return flags;
}

static int set_flags(const char *path, unsigned flags)
{
	unsigned kept = flags_of(path) & ~(FS_IMMUTABLE_FL | FS_APPEND_FL | FS_NODUMP_FL | FS_NOATIME_FL);
	int fd = CHECK_OK(open(path, O_RDONLY));
	flags |= kept;
	int result = ioctl(fd, FS_IOC_SETFLAGS, &flags), error = errno;
	close(fd);
	errno = error;
	return result;
}

static void check_immutable(void)
{
	write_text("f", "text");
	CHECK_OK(set_flags("f", FS_IMMUTABLE_FL));
	CHECK(flags_of("f") & FS_IMMUTABLE_FL);
	CHECK_ERR(open("f", O_WRONLY), EPERM);
	CHECK_ERR(truncate("f", 0), EPERM);
	CHECK_ERR(unlink("f"), EPERM);
	CHECK_ERR(rename("f", "g"), EPERM);
	CHECK_ERR(link("f", "g"), EPERM);
	CHECK_ERR(chmod("f", 0600), EPERM);
	CHECK_ERR(chown("f", 1, 1), EPERM);
	CHECK_STR(read_text("f"), "text");
	CHECK_OK(set_flags("f", 0));
	CHECK_OK(unlink("f"));
	CHECK_OK(mkdir("d", 0755));
	write_text("d/f", "");
	CHECK_OK(set_flags("d", FS_IMMUTABLE_FL));
	CHECK_ERR(open("d/new", O_CREAT | O_WRONLY, 0644), EPERM);
	CHECK_ERR(unlink("d/f"), EPERM);
	CHECK_ERR(rmdir("d"), EPERM);
	write_text("d/f", "content may change");
	CHECK_OK(set_flags("d", 0));
	CHECK_OK(unlink("d/f"));
	CHECK_OK(rmdir("d"));
}

static void check_append(void)
{
	write_text("log", "one");
	CHECK_OK(set_flags("log", FS_APPEND_FL));
	CHECK_ERR(open("log", O_WRONLY), EPERM);
	CHECK_ERR(open("log", O_RDWR | O_APPEND | O_TRUNC), EPERM);
	int fd = CHECK_OK(open("log", O_WRONLY | O_APPEND));
	CHECK_EQ(write(fd, "two", 3), 3);
	CHECK_ERR(ftruncate(fd, 0), EPERM);
	close(fd);
	CHECK_STR(read_text("log"), "onetwo");
	CHECK_ERR(unlink("log"), EPERM);
	CHECK_OK(set_flags("log", 0));
	CHECK_OK(mkdir("d", 0755));
	CHECK_OK(set_flags("d", FS_APPEND_FL));
	write_text("d/new", "");
	CHECK_ERR(unlink("d/new"), EPERM);
	CHECK_OK(set_flags("d", 0));
	CHECK_OK(unlink("d/new"));
}

TEST(memory_immutable)
{
	enter("tmpfs", "none");
	check_immutable();
}

TEST(memory_append_only)
{
	enter("tmpfs", "none");
	check_append();
}

TEST(disk_immutable_and_append_only)
{
	enter_disk();
	check_immutable();
	check_append();
	write_text("kept", "");
	CHECK_OK(set_flags("kept", FS_NODUMP_FL | FS_IMMUTABLE_FL));
	CHECK_OK(chdir("/"));
	CHECK_OK(umount("/tmp/flags"));
	CHECK_OK(mount("/dev/vda", "/tmp/flags", "ext2", 0, NULL));
	CHECK_OK(chdir("/tmp/flags/flags"));
	CHECK_EQ(flags_of("kept") & (FS_NODUMP_FL | FS_IMMUTABLE_FL | FS_APPEND_FL), FS_NODUMP_FL | FS_IMMUTABLE_FL);
	CHECK_ERR(unlink("kept"), EPERM);
	CHECK_OK(set_flags("kept", 0));
	CHECK_OK(unlink("kept"));
	CHECK_OK(chdir("/"));
	CHECK_OK(umount("/tmp/flags"));
}

TEST(who_may_set_them)
{
	enter("tmpfs", "none");
	CHECK_OK(chmod(".", 0777));
	write_text("f", "");
	write_text("own", "");
	CHECK_OK(chown("own", NOBODY, NOBODY));
	become_nobody();
	CHECK_ERR(set_flags("f", FS_NODUMP_FL), EPERM);
	CHECK_OK(set_flags("own", FS_NODUMP_FL));
	CHECK_ERR(set_flags("own", FS_IMMUTABLE_FL), EPERM);
	CHECK_EQ(flags_of("own") & FS_NODUMP_FL, FS_NODUMP_FL);
	unsigned flags;
	int pipe_ends[2];
	CHECK_OK(pipe(pipe_ends));
	CHECK_ERR(ioctl(pipe_ends[0], FS_IOC_GETFLAGS, &flags), ENOTTY);
}

TEST(extended_flags_are_the_same_flags)
{
	struct fsxattr words;
	enter_disk();
	int fd = make_file("f");
	CHECK_OK(ioctl(fd, FS_IOC_FSGETXATTR, &words));
	CHECK_EQ(words.fsx_xflags, 0);
	CHECK_EQ(words.fsx_projid, 0);
	words.fsx_xflags = FS_XFLAG_NODUMP | FS_XFLAG_APPEND;
	CHECK_OK(ioctl(fd, FS_IOC_FSSETXATTR, &words));
	CHECK_EQ(flags_of("f") & (FS_NODUMP_FL | FS_APPEND_FL | FS_NOATIME_FL), FS_NODUMP_FL | FS_APPEND_FL);
	CHECK_ERR(open("f", O_WRONLY), EPERM);
	memset(&words, 0, sizeof(words));
	CHECK_OK(ioctl(fd, FS_IOC_FSGETXATTR, &words));
	CHECK_EQ(words.fsx_xflags, FS_XFLAG_NODUMP | FS_XFLAG_APPEND);
	words.fsx_xflags = 0;
	CHECK_OK(ioctl(fd, FS_IOC_FSSETXATTR, &words));
	CHECK_EQ(flags_of("f") & (FS_NODUMP_FL | FS_APPEND_FL), 0);
	words.fsx_projid = 7;
	CHECK_ERR(ioctl(fd, FS_IOC_FSSETXATTR, &words), EOPNOTSUPP);
	CHECK_ERR(ioctl(fd, FS_IOC_FSGETXATTR, bad_address()), EFAULT);
	CHECK_OK(close(fd));
	CHECK_OK(unlink("f"));
}
