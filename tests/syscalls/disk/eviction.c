// SPDX-License-Identifier: MPL-2.0
/* Pages of a file that are written and given back in the middle of a write: what was written stays. */
#include "disk.h"

#include <sys/mman.h>
#include <sys/uio.h>

enum { ROUNDS = 60, FIRST = 100, HALF = 1500 };

/* Writes the file's dirty pages and gives the clean ones back, over and over. */
static pid_t start_evicting(int fd)
{
	pid_t child = fork_checked();
	if (child)
		return child;
	for (;;) {
		CHECK_OK(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER));
		CHECK_OK(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED) == 0 ? 0 : -1);
	}
}

/* A write whose second half has to be fetched from the disk first: its first half is given back meanwhile. */
TEST(a_page_given_back_during_a_write_keeps_its_bytes)
{
	static char head[HALF], page[PAGE];
	disk_enter();
	int source = make_file("evict-source"), fd = make_file("evict");
	memset(page, 's', sizeof(page));
	for (int i = 0; i < ROUNDS; i++)
		CHECK_EQ(write(source, page, PAGE), PAGE);
	CHECK_OK(fsync(source));
	memset(head, 'h', sizeof(head));
	pid_t child = start_evicting(fd);
	for (int i = 0; i < ROUNDS; i++) {
		CHECK_EQ(posix_fadvise(source, 0, 0, POSIX_FADV_DONTNEED), 0);
		char *cold = CHECK_OK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, source, i * (off_t)PAGE));
		struct iovec parts[] = { { head, HALF }, { cold, HALF } };
		CHECK_EQ(pwritev(fd, parts, 2, i * (off_t)PAGE + FIRST), 2 * HALF);
		CHECK_OK(munmap(cold, PAGE));
	}
	CHECK_OK(kill(child, SIGKILL));
	CHECK_EQ(wait_signal(child), SIGKILL);
	for (int i = 0; i < ROUNDS; i++) {
		CHECK_EQ(pread(fd, page, PAGE, i * (off_t)PAGE), i == ROUNDS - 1 ? FIRST + 2 * HALF : PAGE);
		for (int k = 0; k < 2 * HALF; k++)
			if (page[FIRST + k] != (k < HALF ? 'h' : 's'))
				test_fail(__FILE__, __LINE__, "byte %d of page %d is %d", k, i, page[FIRST + k]);
	}
	CHECK_OK(unlink("evict"));
	CHECK_OK(unlink("evict-source"));
	CHECK_OK(close(fd));
	CHECK_OK(close(source));
	CHECK_OK(chdir("/"));
	CHECK_OK(umount("/tmp/disk"));
}
