// SPDX-License-Identifier: MPL-2.0
/* What io.max lets through on a disk with a file system, measured by the clock and by io.stat. */
#include "limits.h"

#include <sys/mount.h>
#include <sys/sysmacros.h>

enum { MIB = 1 << 20, FILE_MIB = 20, PAGES = 300, STRIDE = 16 * PAGE };
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

static int open_data(int flags)
{
	return CHECK_OK(open("disk/data", flags, 0600));
}

static void write_file(void)
{
	int fd = open_data(O_RDWR | O_CREAT);
	for (int i = 0; i < FILE_MIB; i++)
		CHECK_EQ(write(fd, block, sizeof(block)), sizeof(block));
	CHECK_OK(fsync(fd));
	close(fd);
}

static void read_file(void)
{
	int fd = open_data(O_RDONLY);
	for (int i = 0; i < FILE_MIB; i++)
		CHECK_EQ(read(fd, block, sizeof(block)), sizeof(block));
	close(fd);
}

/* Pages too far apart for one request. */
static void read_pages(void)
{
	int fd = open_data(O_RDONLY);
	CHECK_OK(posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM));
	for (int i = 0; i < PAGES; i++)
		CHECK_EQ(pread(fd, block, PAGE, (off_t)i * STRIDE), PAGE);
	close(fd);
}

static void write_pages(void)
{
	int fd = open_data(O_WRONLY);
	for (int i = 0; i < PAGES; i++)
		CHECK_EQ(pwrite(fd, block, PAGE, (off_t)i * STRIDE), PAGE);
	CHECK_OK(fsync(fd));
	close(fd);
}

/* What io.stat counts a second under `key` while so many processes do body in a group with this limit, in parts of
   the limit. What the file system adds for itself counts too. */
static double part_of_limit(const char *limit, long limit_value, const char *key, void (*body)(void), int processes)
{
	char line[100];
	snprintf(line, sizeof(line), "%s %s=%ld", device, limit, limit_value);
	make_group("io", "+io +memory");
	put("io.max", line);
	double from = seconds();
	for (int i = 0; i < processes; i++) {
		if (fork_checked() == 0) {
			put("cgroup.procs", "0");
			body();
			_exit(0);
		}
	}
	for (int i = 0; i < processes; i++)
		CHECK_EQ(wait_exit(-1), 0);
	double took = seconds() - from;
	long moved = number_in("io.stat", key);
	MEASURED("io.max %s=%ld: %s=%ld in %.2f s: %.3f of the limit", limit, limit_value, key, moved, took,
		 (double)moved / took / (double)limit_value);
	kill_all_and_remove(NULL, 0);
	return (double)moved / took / (double)limit_value;
}

static void prepare(void)
{
	open_disk();
	write_file();
	sync();
	CHECK_OK(put_text("/proc/sys/vm/drop_caches", "3"));
}

static void finish(void)
{
	CHECK_OK(unlink("disk/data"));
	CHECK_OK(umount("disk"));
}

TEST_LIMIT(bytes_read, 300)
{
	prepare();
	CHECK_WITHIN(part_of_limit("rbps", 4 * MIB, "rbytes", read_file, 1), 0.9, 1.1);
	finish();
}

TEST_LIMIT(bytes_written, 300)
{
	open_disk();
	CHECK_WITHIN(part_of_limit("wbps", 4 * MIB, "wbytes", write_file, 1), 0.9, 1.1);
	finish();
}

TEST_LIMIT(requests_read, 300)
{
	prepare();
	CHECK_WITHIN(part_of_limit("riops", 60, "rios", read_pages, 1), 0.9, 1.1);
	finish();
}

TEST_LIMIT(requests_written, 300)
{
	prepare();
	CHECK_WITHIN(part_of_limit("wiops", 60, "wios", write_pages, 1), 0.9, 1.1);
	finish();
}

TEST_LIMIT(bytes_read_by_four, 300)
{
	prepare();
	CHECK_WITHIN(part_of_limit("rbps", 2 * MIB, "rbytes", read_file, 4), 0.9, 1.1);
	finish();
}
