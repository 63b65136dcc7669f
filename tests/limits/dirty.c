// SPDX-License-Identifier: MPL-2.0
/* Files made dirty in a small group: its writers wait for the disk rather than fill the group with dirty pages. */
#include "limits.h"

#include <sys/mman.h>
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

/* The same by stores into the file's pages. */
static void store_file(int number)
{
	char name[32];
	snprintf(name, sizeof(name), "disk/mapped%d", number);
	int fd = CHECK_OK(open(name, O_RDWR | O_CREAT | O_TRUNC, 0600));
	CHECK_OK(ftruncate(fd, FILE_MIB * MIB));
	char *mapped = CHECK_OK(mmap(NULL, FILE_MIB * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	for (int at = 0; at < FILE_MIB * MIB; at += PAGE)
		mapped[at] = 'x';
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

/* Four writers in a small group, until they are done. */
static void measure(const char *what, const char *prefix, void (*write_one)(int number))
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
			write_one(i);
		}
	}
	while (!is_over(children)) {
		long dirty = number_in("memory.stat", "file_dirty") + number_in("memory.stat", "file_writeback");
		most = dirty > most ? dirty : most;
		sleep_ms(5);
	}
	MEASURED("%d %s of %d MiB in %d MiB: %.1f s, %.1f s of CPU time, at most %.1f MiB dirty", WRITERS,
		 what, FILE_MIB, LIMIT_MIB, seconds() - begin, cpu_seconds(), (double)most / MIB);
	CHECK_EQ(number_in("memory.events", "oom_kill"), 0);
	CHECK(most > 0);
	CHECK(most <= LIMIT_MIB * MIB / 2);
	CHECK_WITHIN(cpu_seconds(), 0, 5);
	sync();
	/* What was written is the group's, whoever wrote it. */
	CHECK(number_in("io.stat", "wbytes") >= WRITERS * FILE_MIB * MIB / 10 * 9);
	for (int i = 0; i < WRITERS; i++) {
		snprintf(text, sizeof(text), "disk/%s%d", prefix, i);
		CHECK_OK(unlink(text));
	}
	CHECK_OK(umount("disk"));
	kill_all_and_remove(NULL, 0);
}

TEST(writers_in_a_small_group_wait)
{
	measure("writers", "file", write_file);
}

TEST(stores_to_mapped_files_wait)
{
	measure("mapped writers", "mapped", store_file);
}
