// SPDX-License-Identifier: MPL-2.0
/* Files that are cut off while a group that is full wants their pages back: each page goes once, whoever takes it. */
#include "support.h"

#include <sys/mount.h>

#define GROUP "/sys/fs/cgroup/reclaim"
enum { WORKERS = 4, CUTS = 20, READS = 2, SMALL_BLOCKS = 8, LARGE_BLOCKS = 160, BLOCK = 64 << 10 };
static char block[BLOCK];

static int make_blocks(int number, int blocks)
{
	char name[16];
	snprintf(name, sizeof(name), "disk/f%d", number);
	int fd = CHECK_OK(open(name, O_RDWR | O_CREAT, 0600));
	CHECK_OK(unlink(name));
	for (int i = 0; i < blocks; i++)
		CHECK(pwrite(fd, block, BLOCK, i * (off_t)BLOCK) == BLOCK);
	CHECK_OK(fsync(fd));
	return fd;
}

/* Clean pages that are cut off, while the readers' reclaim goes over them. */
static void write_and_cut(int number)
{
	int fd = make_blocks(number, SMALL_BLOCKS);
	for (int round = 0; round < CUTS; round++) {
		for (int i = SMALL_BLOCKS; i-- > 0;)
			CHECK_OK(ftruncate(fd, i * (off_t)BLOCK));
		for (int i = 0; i < SMALL_BLOCKS; i++)
			CHECK(pwrite(fd, block, BLOCK, i * (off_t)BLOCK) == BLOCK);
		CHECK_OK(fdatasync(fd));
	}
}

/* More than the group may hold. */
static void read_over_and_over(int number)
{
	int fd = make_blocks(number, LARGE_BLOCKS);
	for (int round = 0; round < READS; round++)
		for (int i = 0; i < LARGE_BLOCKS; i++)
			CHECK(pread(fd, block, BLOCK, i * (off_t)BLOCK) == BLOCK);
}

TEST_LIMIT(files_are_cut_off_while_reclaimed, 240)
{
	private_mounts();
	CHECK_OK(mkdir("disk", 0755));
	if (mount("/dev/vda", "disk", "ext2", 0, NULL) != 0)
		test_skip("no disk");
	(void)put_text("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
	CHECK_OK(mkdir(GROUP, 0755));
	CHECK_OK(put_text(GROUP "/memory.max", "8M"));
	for (int i = 0; i < WORKERS; i++) {
		if (fork_checked() == 0) {
			CHECK_OK(put_text(GROUP "/cgroup.procs", "0"));
			(i % 2 ? write_and_cut : read_over_and_over)(i);
			_exit(0);
		}
	}
	for (int i = 0, status; i < WORKERS; i++)
		CHECK(waitpid(-1, &status, 0) > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0);
	CHECK(strstr(read_text(GROUP "/memory.events"), "oom_kill 0\n"));
	CHECK_OK(rmdir(GROUP));
	CHECK_OK(umount("disk"));
}
