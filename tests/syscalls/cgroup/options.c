// SPDX-License-Identifier: MPL-2.0
/* cgroup v2: mount options, which hold for the whole hierarchy and are the host's to set. */
#include "group.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>

enum { MIB = 1 << 20 };

static int remount(const char *options)
{
	return mount("cgroup2", ROOT, NULL, MS_REMOUNT | MS_NOSUID | MS_NODEV | MS_NOEXEC, options);
}

/* The options of the file system as /proc/self/mountinfo tells them. */
static const char *shown(void)
{
	static char line[512];
	FILE *in = fopen("/proc/self/mountinfo", "r");
	CHECK(in);
	while (fgets(line, sizeof(line), in))
		if (strstr(line, " " ROOT " ")) {
			fclose(in);
			return strrchr(line, ' ') + 1;
		}
	test_fail(__FILE__, __LINE__, "not mounted");
}

TEST(options_are_shown)
{
	CHECK_OK(remount("nsdelegate"));
	CHECK_STR(shown(), "rw,nsdelegate\n");
	CHECK_OK(remount("memory_recursiveprot,nsdelegate"));
	CHECK_STR(shown(), "rw,nsdelegate,memory_recursiveprot\n");
	CHECK_OK(remount("memory_localevents"));
	CHECK_STR(shown(), "rw,memory_localevents\n");
	CHECK_ERR(remount("nonsense"), EINVAL);
	CHECK_STR(shown(), "rw,memory_localevents\n");
	CHECK_OK(remount(NULL));
	CHECK_STR(shown(), "rw\n");
}

TEST(a_new_mount_sets_them)
{
	private_mounts();
	CHECK_OK(mkdir("here", 0755));
	CHECK_OK(mount("none", "here", "cgroup2", 0, "memory_recursiveprot"));
	CHECK_STR(shown(), "rw,memory_recursiveprot\n");
	CHECK_OK(umount("here"));
	CHECK_OK(remount(NULL));
	CHECK_STR(shown(), "rw\n");
}

TEST(features_are_listed)
{
	const char *features = read_text("/sys/kernel/cgroup/features");
	CHECK(strstr(features, "memory_localevents\n"));
	CHECK(strstr(features, "memory_recursiveprot\n"));
}

TEST(inside_a_namespace_they_change_nothing)
{
	CHECK_OK(remount("nsdelegate"));
	pid_t child = fork_checked();
	if (child == 0) {
		CHECK_OK(unshare(CLONE_NEWCGROUP | CLONE_NEWNS));
		CHECK_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
		CHECK_OK(remount("memory_localevents"));
		CHECK_STR(shown(), "rw,nsdelegate\n");
		CHECK_OK(mkdir("inside", 0755));
		CHECK_OK(mount("none", "inside", "cgroup2", 0, NULL));
		CHECK_ERR(mount("none", "inside", "cgroup2", 0, "nonsense"), EINVAL);
		CHECK_STR(shown(), "rw,nsdelegate\n");
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
	CHECK_OK(remount(NULL));
}

TEST(the_root_of_a_namespace_is_a_boundary)
{
	make_group("boundary", "+memory +pids");
	CHECK_OK(mkdir(path_in("below"), 0755));
	for (int delegates = 0; delegates < 2; delegates++) {
		CHECK_OK(remount(delegates ? "nsdelegate" : NULL));
		pid_t child = fork_checked();
		if (child == 0) {
			join();
			CHECK_OK(unshare(CLONE_NEWCGROUP));
			if (delegates) {
				CHECK_ERR(put_text(path_in("memory.max"), "64M"), EPERM);
				CHECK_ERR(put_text(path_in("pids.max"), "100"), EPERM);
				CHECK_ERR(put_text(path_in("cgroup.max.depth"), "10"), EPERM);
				CHECK_ERR(put_text(ROOT "/cgroup.procs", "0"), ENOENT);
			} else {
				CHECK_OK(put_text(path_in("memory.max"), "64M"));
				CHECK_OK(put_text(path_in("memory.max"), "max"));
			}
			put("memory.oom.group", "0");
			put("below/cgroup.procs", "0");
			CHECK_OK(put_text(path_in("below/cgroup.max.depth"), "10"));
			put("cgroup.subtree_control", "+pids");
			put("cgroup.subtree_control", "-pids");
			_exit(0);
		}
		CHECK_EQ(wait_exit(child), 0);
	}
	CHECK_OK(remount(NULL));
	WAIT_UNTIL(rmdir(path_in("below")) == 0);
	remove_group();
}

static long number_in(const char *file, const char *key)
{
	const char *at = strstr(get(file), key);
	CHECK(at);
	return strtol(at + strlen(key), NULL, 10);
}

/* Reaches the limit of the group `name` by anonymous memory, and dies of it. */
static void reach_limit(const char *name)
{
	char file[64];
	snprintf(file, sizeof(file), "%s/cgroup.procs", name);
	pid_t child = fork_checked();
	if (child == 0) {
		put(file, "0");
		char *memory = map_pages(16 * MIB / PAGE);
		memset(memory, 1, 16 * MIB);
		_exit(0);
	}
	CHECK_EQ(wait_signal(child), SIGKILL);
}

TEST(events_of_the_group_alone)
{
	make_group("local", "+memory");
	put("cgroup.subtree_control", "+memory");
	CHECK_OK(mkdir(path_in("child"), 0755));
	put("child/memory.max", "4M");
	put("child/memory.swap.max", "0");
	CHECK_OK(remount("memory_localevents"));
	reach_limit("child");
	CHECK_EQ(number_in("child/memory.events", "oom_kill "), 1);
	CHECK_EQ(number_in("memory.events", "oom_kill "), 0);
	CHECK_OK(remount(NULL));
	reach_limit("child");
	CHECK_EQ(number_in("child/memory.events", "oom_kill "), 2);
	CHECK_EQ(number_in("memory.events", "oom_kill "), 1);
	CHECK_EQ(number_in("memory.events.local", "oom_kill "), 0);
	WAIT_UNTIL(rmdir(path_in("child")) == 0);
	remove_group();
}

static char block[MIB];

/* A file of so many MiB, its pages clean and charged to the group `name`. */
static void fill_cache(const char *name, int mib)
{
	char file[64], data[32];
	snprintf(file, sizeof(file), "%s/cgroup.procs", name);
	snprintf(data, sizeof(data), "disk/%s", strrchr(name, '/') ? strrchr(name, '/') + 1 : name);
	pid_t child = fork_checked();
	if (child == 0) {
		put(file, "0");
		int fd = CHECK_OK(open(data, O_RDWR | O_CREAT | O_TRUNC, 0600));
		for (int i = 0; i < mib; i++)
			CHECK_EQ(write(fd, block, MIB), MIB);
		CHECK_OK(fsync(fd));
		_exit(0);
	}
	CHECK_EQ(wait_exit(child), 0);
}

static double cached_mib(const char *name)
{
	char file[64];
	snprintf(file, sizeof(file), "%s/memory.stat", name);
	return (double)number_in(file, "\nfile ") / MIB;
}

/* Groups kept/a and kept/b below a group that keeps 12 MiB, 8 MiB of cache in each, and as much in a group beside:
   what is left in each after reclaim of 12 MiB from all. */
static void reclaim_from_three(const char *low_of_a, const char *low_of_b, double left[3])
{
	static const char *const names[] = { "kept/a", "kept/b", "beside" };
	private_mounts();
	CHECK_OK(mkdir("disk", 0755));
	if (mount("/dev/vda", "disk", "ext2", 0, NULL) != 0)
		test_skip("no disk");
	make_group("keep", "+memory");
	put("cgroup.subtree_control", "+memory");
	CHECK_OK(mkdir(path_in("kept"), 0755));
	put("kept/cgroup.subtree_control", "+memory");
	for (int i = 0; i < 3; i++)
		CHECK_OK(mkdir(path_in(names[i]), 0755));
	put("kept/memory.low", "12M");
	put("kept/a/memory.low", low_of_a);
	put("kept/b/memory.low", low_of_b);
	for (int i = 0; i < 3; i++)
		fill_cache(names[i], 8);
	for (int i = 0; i < 40 && cached_mib("kept/a") + cached_mib("kept/b") + cached_mib("beside") > 13; i++)
		if (put_text(path_in("memory.reclaim"), "1M") != 0)
			CHECK_EQ(errno, EAGAIN);
	for (int i = 0; i < 3; i++)
		left[i] = cached_mib(names[i]);
	printf("# left: %.1f %.1f %.1f MiB\n", left[0], left[1], left[2]);
	for (int i = 0; i < 3; i++)
		WAIT_UNTIL(rmdir(path_in(names[i])) == 0);
	CHECK_OK(rmdir(path_in("kept")));
	remove_group();
	CHECK_OK(umount("disk"));
}

TEST(claims_beyond_the_parents_are_shared)
{
	double left[3];
	CHECK_OK(remount(NULL));
	reclaim_from_three("8M", "8M", left); /* 6 each */
	CHECK(left[0] >= 4.5 && left[0] <= 7.5);
	CHECK(left[1] >= 4.5 && left[1] <= 7.5);
	CHECK(left[2] <= 3);
}

TEST(what_is_not_claimed_is_kept_recursively)
{
	double left[3];
	CHECK_OK(remount("memory_recursiveprot"));
	reclaim_from_three("0", "0", left);
	CHECK_OK(remount(NULL));
	CHECK(left[0] >= 4.5);
	CHECK(left[1] >= 4.5);
	CHECK(left[2] <= 3);
}

TEST(what_is_not_claimed_is_not_kept)
{
	double left[3];
	CHECK_OK(remount(NULL));
	reclaim_from_three("8M", "0", left);
	CHECK(left[0] >= 6);
	CHECK(left[1] + left[2] <= 7);
}
