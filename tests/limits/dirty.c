// SPDX-License-Identifier: MPL-2.0
/* Files made dirty in a small group: its writers wait for the disk rather than fill the group with dirty pages. */
#include "limits.h"

#include <sys/mount.h>
#include <sys/resource.h>

enum { MIB = 1 << 20, LIMIT_MIB = 8, WRITERS = 4, FILE_MIB = 8 };
static char block[64 << 10];

static void write_file(int number)
{
	char name[32];
	snprintf(name, sizeof(name), "disk/file%d", number);
	int fd = CHECK_OK(open(name, O_WRONLY | O_CREAT | O_TRUNC, 0600));
	for (int i = 0; i < FILE_MIB * (MIB / (int)sizeof(block)); i++)
		CHECK_EQ(write(fd, block, sizeof(block)), sizeof(block));
	close(fd);
	_exit(0);
}

static int is_over(pid_t children[])
{
	for (int i = 0; i < WRITERS; i++) {
		int status = 0;
		if (children[i] && waitpid(children[i], &status, WNOHANG) == children[i]) {
			CHECK_EQ(status, 0);
			children[i] = 0;
		}
		if (children[i])
			return 0;
	}
	return 1;
}

static double cpu_seconds(void)
{
	return (double)number_in("cpu.stat", "usage_usec") / 1e6;
}

TEST(writers_in_a_small_group_wait)
{
	pid_t children[WRITERS];
	char text[32];
	long most = 0;
	private_mounts();
	CHECK_OK(mkdir("disk", 0755));
	if (mount("/dev/vda", "disk", "ext2", 0, NULL) != 0)
		test_skip("no disk");
	make_group("dirty", "+memory +io +cpu");
	snprintf(text, sizeof(text), "%d", LIMIT_MIB * MIB);
	put("memory.max", text);
	double begin = seconds();
	for (int i = 0; i < WRITERS; i++) {
		children[i] = fork_checked();
		if (children[i] == 0) {
			put("cgroup.procs", "0");
			write_file(i);
		}
	}
	while (!is_over(children)) {
		long dirty = number_in("memory.stat", "file_dirty") + number_in("memory.stat", "file_writeback");
		most = dirty > most ? dirty : most;
		sleep_ms(5);
	}
	MEASURED("%d writers of %d MiB in %d MiB: %.1f s, %.1f s of CPU time, at most %.1f MiB dirty", WRITERS,
		 FILE_MIB, LIMIT_MIB, seconds() - begin, cpu_seconds(), (double)most / MIB);
	CHECK_EQ(number_in("memory.events", "oom_kill"), 0);
	CHECK(most > 0);
	CHECK(most <= LIMIT_MIB * MIB / 2);
	CHECK_WITHIN(cpu_seconds(), 0, 5);
	sync();
	/* What was written is the group's, whoever wrote it. */
	CHECK(number_in("io.stat", "wbytes") >= WRITERS * FILE_MIB * MIB / 10 * 9);
	CHECK_OK(umount("disk"));
	kill_all_and_remove(NULL, 0);
}
