// SPDX-License-Identifier: MPL-2.0
/* File handles: a file known without its name. source: open_by_handle_at(2) */
#include "support.h"

#include <sys/mount.h>
#include <sys/syscall.h>

struct handle {
	unsigned bytes;
	int type;
	unsigned char data[128];
};

static int to_handle(const char *path, struct handle *handle, int *mount_id, int flags)
{
	return (int)syscall(SYS_name_to_handle_at, AT_FDCWD, path, handle, mount_id, flags);
}

static int from_handle(int mount_fd, struct handle *handle, int flags)
{
	return (int)syscall(SYS_open_by_handle_at, mount_fd, handle, flags);
}

static void check_round_trip(void)
{
	struct handle handle = {.bytes = 0}, same = {.bytes = 128};
	int id = 0, other_id = 0;
	char text[16] = "";
	write_text("f", "found");
	CHECK_OK(link("f", "second"));
	CHECK_ERR(to_handle("f", &handle, &id, 0), EOVERFLOW);
	CHECK(handle.bytes > 0 && handle.bytes <= 128);
	CHECK_OK(to_handle("f", &handle, &id, 0));
	CHECK_OK(to_handle("second", &same, &other_id, 0));
	CHECK_EQ(id, other_id);
	CHECK_EQ(handle.bytes, same.bytes);
	CHECK(handle.type == same.type && memcmp(handle.data, same.data, handle.bytes) == 0);
	CHECK_OK(unlink("f"));
	int mount_fd = CHECK_OK(open(".", O_RDONLY));
	int fd = CHECK_OK(from_handle(mount_fd, &handle, O_RDWR));
	CHECK_EQ(read(fd, text, sizeof(text)), 5);
	CHECK_STR(text, "found");
	CHECK_EQ(write(fd, "!", 1), 1);
	close(fd);
	CHECK_STR(read_text("second"), "found!");
	CHECK_OK(unlink("second"));
	CHECK_ERR(from_handle(mount_fd, &handle, O_RDONLY), ESTALE);
	close(mount_fd);
}

TEST(memory)
{
	private_mounts();
	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mount("tmpfs", "m", "tmpfs", 0, NULL));
	CHECK_OK(chdir("m"));
	check_round_trip();
}

TEST(disk)
{
	struct handle handle = {.bytes = 128};
	int id;
	if (access("/dev/vda", F_OK) != 0)
		test_skip("no disk");
	private_mounts();
	CHECK_OK(mkdir("/tmp/handles", 0755));
	CHECK_OK(mount("/dev/vda", "/tmp/handles", "ext2", 0, NULL));
	CHECK_OK(chdir("/tmp/handles"));
	check_round_trip();
	write_text("stays", "after a remount");
	CHECK_OK(to_handle("stays", &handle, &id, 0));
	CHECK_OK(chdir("/"));
	CHECK_OK(umount("/tmp/handles"));
	CHECK_OK(mount("/dev/vda", "/tmp/handles", "ext2", 0, NULL));
	CHECK_OK(chdir("/tmp/handles"));
	int fd = CHECK_OK(from_handle(AT_FDCWD, &handle, O_RDONLY));
	char text[32] = "";
	CHECK_EQ(read(fd, text, sizeof(text)), 15);
	CHECK_STR(text, "after a remount");
	close(fd);
	CHECK_OK(unlink("stays"));
	CHECK_OK(chdir("/"));
	CHECK_OK(umount("/tmp/handles"));
}

TEST(refusals)
{
	struct handle handle = {.bytes = 128};
	int id;
	private_mounts();
	CHECK_OK(mkdir("m", 0755));
	CHECK_OK(mount("tmpfs", "m", "tmpfs", 0, NULL));
	write_text("m/f", "");
	CHECK_ERR(to_handle("m/missing", &handle, &id, 0), ENOENT);
	CHECK_ERR(to_handle("m/f", &handle, &id, 1), EINVAL);
	CHECK_ERR(to_handle("/proc/self/status", &handle, &id, 0), EOPNOTSUPP);
	handle.bytes = 129;
	CHECK_ERR(to_handle("m/f", &handle, &id, 0), EINVAL);
	handle.bytes = 128;
	CHECK_OK(to_handle("m/f", &handle, &id, 0));
	int mount_fd = CHECK_OK(open("m", O_RDONLY));
	struct handle bad = handle;
	bad.bytes = 0;
	CHECK_ERR(from_handle(mount_fd, &bad, O_RDONLY), EINVAL);
	bad = handle;
	bad.data[0] ^= 0x55;
	bad.data[4] ^= 0x55;
	CHECK_ERR(from_handle(mount_fd, &bad, O_RDONLY), ESTALE);
	CHECK_ERR(from_handle(-1, &handle, O_RDONLY), EBADF);
	become_nobody();
	CHECK_ERR(from_handle(mount_fd, &handle, O_RDONLY), EPERM);
}
