// SPDX-License-Identifier: MPL-2.0
/* cgroup v2: the memory controller: what is charged, reclaimed, protected, slowed down and killed. */
#include "group.h"

#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>

enum { MIB = 1 << 20 };
static char block[MIB];

static long number_in(const char *file, const char *key)
{
	char line[64];
	snprintf(line, sizeof(line), "%s ", key);
	for (const char *at = get(file); at; at = strchr(at, '\n') ? strchr(at, '\n') + 1 : NULL)
		if (!strncmp(at, line, strlen(line)))
			return strtol(at + strlen(line), NULL, 10);
	test_fail(__FILE__, __LINE__, "no %s in %s", key, file);
}

static long current(void)
{
	return strtol(get("memory.current"), NULL, 10);
}

static void make_limited(const char *name, const char *max)
{
	make_group(name, "+memory");
	put("memory.max", max);
	put("memory.swap.max", "0");
}

/* Runs body in the group and waits for it; how it ended, as waitpid tells. */
static int run_inside(void (*body)(void))
{
	int status;
	pid_t child = fork_checked();
	if (child == 0) {
		join();
		body();
		_exit(0);
	}
	CHECK_EQ(waitpid(child, &status, 0), child);
	return status;
}

static int killed(int status)
{
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

static void touch_anonymous(size_t bytes)
{
	char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(memory != MAP_FAILED);
	for (size_t at = 0; at < bytes; at += PAGE)
		memory[at] = 1;
}

static void use_22_of_24(void)
{
	touch_anonymous(22 * MIB);
}

static void use_26_of_24(void)
{
	touch_anonymous(26 * MIB);
}

TEST(anonymous_memory_up_to_the_limit)
{
	make_limited("exact", "24M");
	CHECK(!killed(run_inside(use_22_of_24)));
	CHECK(strtol(get("memory.peak"), NULL, 10) >= 22 * MIB);
	CHECK(strtol(get("memory.peak"), NULL, 10) <= 24 * MIB);
	CHECK(killed(run_inside(use_26_of_24)));
	CHECK_EQ(number_in("memory.events", "oom_kill"), 1);
	CHECK(number_in("memory.events", "oom") >= 1);
	CHECK(number_in("memory.events", "max") >= 1);
	remove_group();
}

static int disk = -1;

static void write_and_read_a_large_file(void)
{
	int fd = CHECK_OK(openat(disk, "large", O_RDWR | O_CREAT | O_TRUNC, 0600));
	for (int i = 0; i < 64; i++) {
		CHECK_EQ(write(fd, block, sizeof(block)), sizeof(block));
		CHECK(current() <= 17 * MIB);
	}
	CHECK_OK(lseek(fd, 0, SEEK_SET));
	for (int i = 0; i < 64; i++) {
		CHECK_EQ(read(fd, block, sizeof(block)), sizeof(block));
		CHECK(current() <= 17 * MIB);
	}
	CHECK(current() >= 4 * MIB); /* it is charged, not just absent */
}

/* The runner's disk, mounted on a folder of the case's own. */
static void open_disk(void)
{
	CHECK_OK(mkdir("disk", 0755));
	if (mount("/dev/vda", "disk", "ext2", 0, NULL) != 0)
		test_skip("no disk");
	disk = CHECK_OK(open("disk", O_RDONLY | O_DIRECTORY));
}

TEST(page_cache_is_reclaimed_before_anybody_dies)
{
	private_mounts();
	open_disk();
	make_limited("cache", "16M");
	CHECK(!killed(run_inside(write_and_read_a_large_file)));
	CHECK_EQ(number_in("memory.events", "oom_kill"), 0);
	CHECK(number_in("memory.events", "max") >= 1);
	CHECK_OK(unlinkat(disk, "large", 0));
	close(disk);
	CHECK_OK(umount("disk"));
	remove_group();
}

static void fill_tmpfs(void)
{
	int fd = CHECK_OK(open("f", O_RDWR | O_CREAT, 0600));
	for (int i = 0; i < 32; i++)
		CHECK_EQ(write(fd, block, sizeof(block)), sizeof(block));
}

TEST(files_in_memory_cannot_be_reclaimed)
{
	make_limited("shmem", "16M");
	int status = run_inside(fill_tmpfs);
	CHECK(killed(status) || (WIFEXITED(status) && WEXITSTATUS(status)));
	CHECK(number_in("memory.events", "oom") >= 1);
	unlink("f");
	remove_group();
}

TEST(oom_group_kills_all)
{
	make_limited("all", "16M");
	CHECK_STR(get("memory.oom.group"), "0\n");
	put("memory.oom.group", "1");
	pid_t bystander = sleeper_in_group();
	CHECK(killed(run_inside(use_26_of_24)));
	CHECK_EQ(wait_signal(bystander), SIGKILL);
	CHECK_EQ(number_in("memory.events", "oom_group_kill"), 1);
	remove_group();
}

TEST(without_oom_group_only_one_dies)
{
	make_limited("one", "16M");
	pid_t bystander = sleeper_in_group();
	CHECK(killed(run_inside(use_26_of_24)));
	sleep_ms(50);
	CHECK_OK(kill(bystander, 0));
	CHECK_EQ(waitpid(bystander, NULL, WNOHANG), 0);
	CHECK_EQ(number_in("memory.events", "oom_group_kill"), 0);
	put("cgroup.kill", "1");
	CHECK_EQ(wait_signal(bystander), SIGKILL);
	remove_group();
}

TEST(limit_of_the_parent_kills_below_it_only)
{
	make_limited("parent", "16M");
	put("cgroup.subtree_control", "+memory");
	CHECK_OK(mkdir(path_in("child"), 0755));
	pid_t child = fork_checked();
	if (child == 0) {
		put("child/cgroup.procs", "0");
		touch_anonymous(32 * MIB);
		_exit(0);
	}
	CHECK_EQ(wait_signal(child), SIGKILL);
	CHECK(number_in("memory.events", "oom_kill") >= 1);
	CHECK_EQ(number_in("memory.events.local", "oom"), 1);
	CHECK_EQ(number_in("child/memory.events.local", "oom"), 0);
	CHECK_EQ(number_in("child/memory.events.local", "oom_kill"), 1);
	WAIT_UNTIL(rmdir(path_in("child")) == 0);
	remove_group();
}

TEST(lower_limit_takes_effect_at_once)
{
	make_group("lower", "+memory");
	put("memory.swap.max", "0");
	struct turn turn = turn_create();
	pid_t child = fork_checked();
	if (child == 0) {
		join();
		touch_anonymous(32 * MIB);
		turn_give(turn);
		for (;;)
			pause();
	}
	turn_take(turn);
	CHECK(current() >= 32 * MIB);
	put("memory.max", "16M");
	CHECK_EQ(wait_signal(child), SIGKILL);
	WAIT_UNTIL(current() <= 16 * MIB);
	remove_group();
}

static int64_t time_to_touch(void)
{
	int64_t from = now_ns(CLOCK_MONOTONIC);
	CHECK(!killed(run_inside(use_22_of_24)));
	return now_ns(CLOCK_MONOTONIC) - from;
}

TEST_LIMIT(high_slows_down_and_does_not_kill, 60)
{
	make_group("high", "+memory");
	put("memory.swap.max", "0");
	CHECK_STR(get("memory.high"), "max\n");
	int64_t free_run = time_to_touch();
	put("memory.high", "21M");
	int64_t slowed = time_to_touch();
	CHECK(slowed > free_run);
	CHECK(number_in("memory.events", "high") >= 1);
	CHECK_EQ(number_in("memory.events", "oom_kill"), 0);
	remove_group();
}

static void cache_some(void)
{
	int fd = CHECK_OK(openat(disk, "kept", O_RDWR | O_CREAT | O_TRUNC, 0600));
	for (int i = 0; i < 8; i++)
		CHECK_EQ(write(fd, block, sizeof(block)), sizeof(block));
	CHECK_OK(fsync(fd));
}

/* What reclaim in the parent leaves of eight clean MiB in a child with this protection. */
static long left_after_reclaim(const char *file)
{
	make_group("protect", "+memory");
	put("cgroup.subtree_control", "+memory");
	CHECK_OK(mkdir(path_in("child"), 0755));
	if (file)
		put(file, "64M");
	pid_t child = fork_checked();
	if (child == 0) {
		put("child/cgroup.procs", "0");
		cache_some();
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK(strtol(get("child/memory.current"), NULL, 10) >= 8 * MIB);
	(void)put_text(path_in("memory.reclaim"), "8M");
	(void)put_text(path_in("memory.reclaim"), "8M");
	long left = strtol(get("child/memory.current"), NULL, 10);
	CHECK_OK(unlinkat(disk, "kept", 0));
	WAIT_UNTIL(rmdir(path_in("child")) == 0);
	remove_group();
	return left;
}

TEST(protected_memory_is_left_alone)
{
	private_mounts();
	open_disk();
	CHECK(left_after_reclaim(NULL) < 2 * MIB);
	CHECK(left_after_reclaim("child/memory.min") >= 8 * MIB);
	CHECK(left_after_reclaim("child/memory.low") < 8 * MIB); /* nothing else was there: broken */
	close(disk);
	CHECK_OK(umount("disk"));
}

TEST(files_and_what_they_take)
{
	make_group("files", "+memory");
	CHECK_STR(get("memory.low"), "0\n");
	CHECK_STR(get("memory.min"), "0\n");
	CHECK_STR(get("memory.high"), "max\n");
	CHECK_STR(get("memory.swap.max"), "max\n");
	CHECK_STR(get("memory.swap.current"), "0\n");
	put("memory.low", "4K");
	CHECK_STR(get("memory.low"), "4096\n");
	put("memory.min", "1M");
	CHECK_STR(get("memory.min"), "1048576\n");
	put("memory.swap.max", "8M");
	CHECK_STR(get("memory.swap.max"), "8388608\n");
	CHECK_ERR(put_text(path_in("memory.max"), "much"), EINVAL);
	CHECK_ERR(put_text(path_in("memory.oom.group"), "2"), EINVAL);
	CHECK_EQ(number_in("memory.swap.events", "max"), 0);
	CHECK_EQ(number_in("memory.stat", "anon"), 0);
	remove_group();
}
