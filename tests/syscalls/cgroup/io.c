// SPDX-License-Identifier: MPL-2.0
/* cgroup v2: the io controller: limits of bandwidth and requests on the disk, and what is counted. */
#include "group.h"

#include <sys/mount.h>
#include <sys/sysmacros.h>

enum { MIB = 1 << 20, FILE_MIB = 8 };
static char block[MIB];
static char device[32]; /* "MAJOR:MINOR" of the disk */

static void open_disk(void)
{
	struct stat info;
	private_mounts();
	CHECK_OK(mkdir("disk", 0755));
	if (mount("/dev/vda", "disk", "ext2", 0, NULL) != 0)
		test_skip("no disk");
	CHECK_OK(stat("/dev/vda", &info));
	snprintf(device, sizeof(device), "%u:%u", major(info.st_rdev), minor(info.st_rdev));
}

static void limit(const char *words)
{
	char line[100];
	snprintf(line, sizeof(line), "%s %s", device, words);
	put("io.max", line);
}

static void write_file(void)
{
	int fd = CHECK_OK(open("disk/data", O_RDWR | O_CREAT | O_TRUNC, 0600));
	for (int i = 0; i < FILE_MIB; i++)
		CHECK_EQ(write(fd, block, sizeof(block)), sizeof(block));
	CHECK_OK(fsync(fd));
	close(fd);
}

static void read_file(void)
{
	int fd = CHECK_OK(open("disk/data", O_RDONLY));
	for (int i = 0; i < FILE_MIB; i++)
		CHECK_EQ(read(fd, block, sizeof(block)), sizeof(block));
	close(fd);
}

/* Pages too far apart for one request. */
static void read_here_and_there(void)
{
	int fd = CHECK_OK(open("disk/data", O_RDONLY));
	CHECK_OK(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM));
	for (int i = 0; i < 64; i++)
		CHECK_EQ(pread(fd, block, PAGE, (off_t)i * 128 * 1024), PAGE);
	close(fd);
}

/* How long body takes inside the group. */
static long milliseconds_inside(void (*body)(void))
{
	int64_t from = now_ns(CLOCK_MONOTONIC);
	pid_t child = fork_checked();
	if (child == 0) {
		join();
		body();
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	return (long)((now_ns(CLOCK_MONOTONIC) - from) / 1000000);
}

static void forget_cache(void)
{
	sync();
	CHECK_OK(put_text("/proc/sys/vm/drop_caches", "3"));
}

static void done(void)
{
	CHECK_OK(unlink("disk/data"));
	CHECK_OK(umount("disk"));
	remove_group();
}

TEST(reads_are_limited)
{
	open_disk();
	write_file();
	forget_cache();
	make_group("read", "+io");
	limit("rbps=4194304");
	long took = milliseconds_inside(read_file);
	CHECK(took >= 1750);
	CHECK(took <= 5000); /* the machine itself may be busy */
	done();
}

TEST(writes_are_limited)
{
	open_disk();
	make_group("write", "+io +memory");
	limit("wbps=4194304");
	long took = milliseconds_inside(write_file);
	CHECK(took >= 1750);
	CHECK(took <= 5000); /* the machine itself may be busy */
	done();
}

TEST(requests_are_limited)
{
	open_disk();
	write_file();
	forget_cache();
	make_group("requests", "+io");
	limit("riops=60");
	long took = milliseconds_inside(read_here_and_there);
	CHECK(took >= 900);
	done();
}

TEST(limit_of_the_parent_counts)
{
	open_disk();
	write_file();
	forget_cache();
	make_group("above", "+io");
	put("cgroup.subtree_control", "+io");
	limit("rbps=8388608");
	CHECK_OK(mkdir(path_in("child"), 0755));
	int64_t from = now_ns(CLOCK_MONOTONIC);
	pid_t child = fork_checked();
	if (child == 0) {
		put("child/cgroup.procs", "0");
		read_file();
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK((now_ns(CLOCK_MONOTONIC) - from) / 1000000 >= 800);
	WAIT_UNTIL(rmdir(path_in("child")) == 0);
	done();
}

TEST(what_is_moved_is_counted)
{
	char wanted[40];
	open_disk();
	make_group("count", "+io +memory");
	CHECK_STR(get("io.stat"), "");
	milliseconds_inside(write_file);
	snprintf(wanted, sizeof(wanted), "%s rbytes=", device);
	const char *line = strstr(get("io.stat"), wanted);
	CHECK(line);
	const char *written = strstr(line, "wbytes=");
	CHECK(written && strtol(written + 7, NULL, 10) >= FILE_MIB * MIB);
	CHECK(strstr(line, "dbytes=0"));
	forget_cache();
	milliseconds_inside(read_file);
	line = strstr(get("io.stat"), "rbytes=");
	CHECK(line && strtol(line + 7, NULL, 10) >= FILE_MIB * MIB);
	done();
}

TEST(limits_are_kept_by_device)
{
	char wanted[100];
	open_disk();
	make_group("kept", "+io");
	CHECK_STR(get("io.max"), "");
	limit("rbps=1000000 wiops=50");
	snprintf(wanted, sizeof(wanted), "%s rbps=1000000 wbps=max riops=max wiops=50\n", device);
	CHECK_STR(get("io.max"), wanted);
	limit("rbps=max");
	snprintf(wanted, sizeof(wanted), "%s rbps=max wbps=max riops=max wiops=50\n", device);
	CHECK_STR(get("io.max"), wanted);
	limit("wiops=max");
	CHECK_STR(get("io.max"), "");
	CHECK_ERR(put_text(path_in("io.max"), "999:999 rbps=1"), ENODEV);
	CHECK_ERR(put_text(path_in("io.max"), "nonsense"), EINVAL);
	snprintf(wanted, sizeof(wanted), "%s speed=1", device);
	CHECK_ERR(put_text(path_in("io.max"), wanted), EINVAL);
	snprintf(wanted, sizeof(wanted), "%s rbps=0", device);
	CHECK_ERR(put_text(path_in("io.max"), wanted), ERANGE);
	CHECK_OK(umount("disk"));
	remove_group();
}

TEST(weights_are_kept_by_device)
{
	char wanted[100], line[100];
	open_disk();
	make_group("weight", "+io");
	CHECK_STR(get("io.weight"), "default 100\n");
	put("io.weight", "250");
	CHECK_STR(get("io.weight"), "default 250\n");
	put("io.weight", "default 300");
	CHECK_STR(get("io.weight"), "default 300\n");
	snprintf(line, sizeof(line), "%s 50", device);
	put("io.weight", line);
	snprintf(wanted, sizeof(wanted), "default 300\n%s 50\n", device);
	CHECK_STR(get("io.weight"), wanted);
	snprintf(line, sizeof(line), "%s default", device);
	put("io.weight", line);
	CHECK_STR(get("io.weight"), "default 300\n");
	CHECK_ERR(put_text(path_in("io.weight"), "0"), EINVAL);
	CHECK_ERR(put_text(path_in("io.weight"), "10001"), EINVAL);
	CHECK_ERR(put_text(path_in("io.weight"), "default"), EINVAL);
	CHECK_ERR(put_text(path_in("io.weight"), "heavy"), EINVAL);
	CHECK_ERR(put_text(path_in("io.weight"), "999:999 100"), ENODEV);
	snprintf(line, sizeof(line), "%s 0", device);
	CHECK_ERR(put_text(path_in("io.weight"), line), EINVAL);
	CHECK_ERR(access(ROOT "/io.weight", F_OK), ENOENT);
	put_text(ROOT "/cgroup.subtree_control", "-io");
	CHECK_ERR(access(path_in("io.weight"), F_OK), ENOENT);
	CHECK_OK(put_text(ROOT "/cgroup.subtree_control", "+io"));
	CHECK_STR(get("io.weight"), "default 100\n");
	CHECK_OK(umount("disk"));
	remove_group();
}
