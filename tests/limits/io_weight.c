// SPDX-License-Identifier: MPL-2.0
/* What io.weight gives groups that keep a slow disk busy, by io.stat. The runner's second disk is one. */
#include "limits.h"

#include <sys/sysmacros.h>

enum { MIB = 1 << 20, PART_MIB = 32, PARTS = 8, WARM_UP_MS = 2000, MEASURE_MS = 10000 };
static const char disk_path[] = "/dev/vdb";
static char block[MIB];
static char device[32]; /* "MAJOR:MINOR" of the disk */

/* Linux divides by weight only what it is told to. */
static void find_disk(void)
{
	struct stat info;
	char line[200];
	if (stat(disk_path, &info) != 0)
		test_skip("no second disk");
	snprintf(device, sizeof(device), "%u:%u", major(info.st_rdev), minor(info.st_rdev));
	CHECK_OK(put_text("/proc/sys/vm/drop_caches", "3")); /* pages of cases before are charged to their groups */
	snprintf(line, sizeof(line), "%s enable=1 ctrl=user min=100.00 max=100.00", device);
	if (access(ROOT "/io.cost.qos", F_OK) == 0) {
		CHECK_OK(put_text(ROOT "/io.cost.qos", line));
		snprintf(line, sizeof(line), "%s ctrl=user model=linear rbps=4194304 rseqiops=1000 "
			 "rrandiops=1000 wbps=4194304 wseqiops=1000 wrandiops=1000", device);
		CHECK_OK(put_text(ROOT "/io.cost.model", line));
	}
}

/* Reads a part of the disk again and again, never from the cache. */
static void read_part(int part)
{
	int fd = CHECK_OK(open(disk_path, O_RDONLY));
	for (;;) {
		for (int i = 0; i < PART_MIB; i++) {
			off_t at = ((off_t)part * PART_MIB + i) * MIB;
			CHECK_OK(posix_fadvise(fd, at, MIB, POSIX_FADV_WILLNEED));
			CHECK_EQ(pread(fd, block, sizeof(block), at), sizeof(block));
			CHECK_OK(posix_fadvise(fd, at, MIB, POSIX_FADV_DONTNEED));
		}
	}
}

static void write_part(int part)
{
	int fd = CHECK_OK(open(disk_path, O_WRONLY));
	for (;;) {
		for (int i = 0; i < PART_MIB; i++) {
			off_t at = ((off_t)part * PART_MIB + i) * MIB;
			CHECK_EQ(pwrite(fd, block, sizeof(block), at), sizeof(block));
			CHECK_OK(sync_file_range(fd, at, MIB, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
						 SYNC_FILE_RANGE_WAIT_AFTER));
		}
	}
}

/* Each works on a part of the disk of its own. */
static int next_part;
static void workers(const char *procs, int count, void (*work)(int part))
{
	for (int i = 0; i < count; i++) {
		int part = next_part++ % PARTS;
		if (fork_checked() == 0) {
			put(procs, "0");
			work(part);
		}
	}
}

static long moved(const char *child, const char *key)
{
	char file[64], wanted[80];
	snprintf(file, sizeof(file), "%s/io.stat", child);
	snprintf(wanted, sizeof(wanted), "%s ", device);
	const char *line = strstr(get(file), wanted);
	const char *value = line ? strstr(line, key) : NULL;
	return value ? strtol(value + strlen(key) + 1, NULL, 10) : 0;
}

static const char *const children[] = {"one", "two"};

static void make_children(const char *weight_one, const char *weight_two)
{
	find_disk();
	make_group("io_weight", "+io +memory");
	put("cgroup.subtree_control", "+io +memory");
	CHECK_OK(mkdir(path_in("one"), 0755));
	CHECK_OK(mkdir(path_in("two"), 0755));
	put("one/io.weight", weight_one);
	put("two/io.weight", weight_two);
}

/* How many times what `one` moves does `two` move? `of_one`: in bytes a second. */
static double ratio_of(const char *key, double *of_one)
{
	sleep_ms(WARM_UP_MS);
	long one = moved("one", key), two = moved("two", key);
	double from = seconds();
	sleep_ms(MEASURE_MS);
	one = moved("one", key) - one;
	two = moved("two", key) - two;
	double took = seconds() - from;
	*of_one = (double)one / took;
	MEASURED("%s: one %ld, two %ld: 1 to %.3f, %.2f MiB a second", key, one, two, (double)two / (double)one,
		 (double)(one + two) / took / MIB);
	return (double)two / (double)one;
}

TEST_LIMIT(one_to_three_of_reads, 300)
{
	double of_one;
	make_children("100", "300");
	workers("one/cgroup.procs", 3, read_part);
	workers("two/cgroup.procs", 3, read_part);
	double ratio = ratio_of("rbytes", &of_one);
	kill_all_and_remove(children, 2);
	CHECK_WITHIN(ratio, 2.7, 3.3);
}

TEST_LIMIT(one_to_three_of_writes, 300)
{
	double of_one;
	make_children("100", "300");
	workers("one/cgroup.procs", 3, write_part);
	workers("two/cgroup.procs", 3, write_part);
	double ratio = ratio_of("wbytes", &of_one);
	kill_all_and_remove(children, 2);
	CHECK_WITHIN(ratio, 2.7, 3.3);
}

/* The number of those who ask does not count. */
TEST_LIMIT(one_to_three_with_more_in_the_lighter, 300)
{
	double of_one;
	make_children("default 100", "default 300");
	workers("one/cgroup.procs", 6, read_part);
	workers("two/cgroup.procs", 2, read_part);
	double ratio = ratio_of("rbytes", &of_one);
	kill_all_and_remove(children, 2);
	CHECK_WITHIN(ratio, 2.7, 3.3);
}

/* A disk's own weight counts, not the group's; and a group alone has the whole disk, whatever its weight. */
TEST_LIMIT(own_weight_of_a_disk, 300)
{
	char line[48];
	double shared, alone;
	make_children("10000", "100");
	snprintf(line, sizeof(line), "%s 50", device);
	put("one/io.weight", line);
	workers("one/cgroup.procs", 3, read_part);
	workers("two/cgroup.procs", 3, read_part);
	double ratio = ratio_of("rbytes", &shared);
	put("two/cgroup.kill", "1");
	ratio_of("rbytes", &alone);
	kill_all_and_remove(children, 2);
	CHECK_WITHIN(ratio, 1.8, 2.2);
	CHECK(alone > 1.25 * shared); /* of three times as much; the disk does not know the instruction clock */
}

/* The least weight beside the greatest is slow, not still: more than the time of the case would be no service. */
TEST_LIMIT(the_lightest_is_not_starved, 300)
{
	double of_one;
	make_children("1", "100");
	workers("one/cgroup.procs", 2, read_part);
	workers("two/cgroup.procs", 4, read_part);
	double ratio = ratio_of("rbytes", &of_one);
	kill_all_and_remove(children, 2);
	CHECK_WITHIN(ratio, 20, 130);
}
